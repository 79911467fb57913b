/**
 * DNS messages as bytes (RFC 1035, 6891): reads a query strictly, and frames replies around the query's own question
 * so that its case comes back as it was asked. Nothing past the counts and lengths it checked is ever read.
 * It knows no zone and no records.
 */
import { latin1, readUint16, readUint32 } from '../src/base/index.ts';

export const TYPE = {
  A: 1,
  NS: 2,
  SOA: 6,
  HINFO: 13,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;
export const CLASS_IN = 1;
export const RCODE = { noError: 0, formErr: 1, nxDomain: 3, notImp: 4, refused: 5, badVers: 16 } as const;

/** Largest query: no honest one with a question of 255 bytes and EDNS comes near. */
export const QUERY_BYTES_MAX = 1232;
/** Largest answer over UDP, whatever the asker offers: no path fragments it. */
export const UDP_BYTES_MAX = 1232;
/** What an asker without EDNS takes (RFC 1035), and the least that EDNS may say. */
export const UDP_BYTES_MIN = 512;
export const TCP_BYTES_MAX = 65_535;

const HEADER_BYTES = 12;
const NAME_BYTES_MAX = 255;
const LABEL_BYTES_MAX = 63;
/** OPT, and a TSIG or SIG(0) that we do not use. */
const ADDITIONALS_MAX = 2;
const OPT_BYTES = 11;
const DO_BIT = 0x8000;

/** A well-formed query with one question. */
export interface Query {
  readonly id: number;
  readonly isRecursionDesired: boolean;
  /** The question's bytes as they came: name, type, class. */
  readonly question: Uint8Array;
  /** The name in lower case in wire form, one character per byte. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  readonly edns: Edns | undefined;
}
export interface Edns {
  readonly version: number;
  /** UDP payload that the asker takes, at least 512. */
  readonly udpBytes: number;
  readonly isDnssecOk: boolean;
}

/** What to do with bytes that are no query of ours: say nothing, or say what is wrong. */
export type Unanswerable = { readonly drop: true } | { readonly drop: false; readonly reply: Uint8Array<ArrayBuffer> };

/** What a reply says, apart from the query that it repeats. */
export interface ReplyBody {
  readonly rcode: number;
  readonly isAuthoritative: boolean;
  /** Whole records, owners included. */
  readonly answers: readonly Uint8Array[];
  readonly authorities: readonly Uint8Array[];
}

/** Reads one query; never looks twice at a byte, so no count or pointer costs more than the datagram's length. */
export function parseQuery(bytes: Uint8Array): Query | Unanswerable {
  // A response is never answered, lest two servers answer each other for ever (CVE-2024-2169).
  if (bytes.length < HEADER_BYTES || bytes[2]! & 0x80) return { drop: true };
  const opcode = (bytes[2]! >>> 3) & 15;
  if (opcode !== 0) return complaint(bytes, RCODE.notImp);
  const [questions, answers, authorities, additionals] = [4, 6, 8, 10].map((at) => readUint16(bytes, at));
  if (bytes.length > QUERY_BYTES_MAX || questions !== 1 || answers !== 0 || authorities !== 0) {
    return complaint(bytes, RCODE.formErr);
  }
  const nameEnd = endOfName(bytes, HEADER_BYTES);
  if (nameEnd === undefined || nameEnd + 4 > bytes.length) return complaint(bytes, RCODE.formErr);
  const edns = readAdditionals(bytes, nameEnd + 4, additionals!);
  if (edns === 'malformed') return complaint(bytes, RCODE.formErr);
  return {
    id: readUint16(bytes, 0),
    isRecursionDesired: (bytes[2]! & 1) === 1,
    question: bytes.subarray(HEADER_BYTES, nameEnd + 4),
    name: lowerCased(bytes.subarray(HEADER_BYTES, nameEnd)),
    type: readUint16(bytes, nameEnd),
    class: readUint16(bytes, nameEnd + 2),
    edns,
  };
}

/** Frames a reply of at most `bytesMax`; what does not fit is left out whole and TC is set. */
export function encodeReply(query: Query, body: ReplyBody, bytesMax: number): Uint8Array<ArrayBuffer> {
  const frameBytes = HEADER_BYTES + query.question.length + (query.edns ? OPT_BYTES : 0);
  const records = [...body.answers, ...body.authorities];
  const length = records.reduce((sum, record) => sum + record.length, frameBytes);
  if (length > bytesMax) return encodeTruncated(query, body.rcode);
  const reply = new Uint8Array(length);
  const flags = (body.isAuthoritative ? 0x0400 : 0) | (query.isRecursionDesired ? 0x0100 : 0) | (body.rcode & 15);
  writeHeader(reply, query.id, 0x8000 | flags, 1, body.answers.length, body.authorities.length, query.edns ? 1 : 0);
  let at = HEADER_BYTES;
  for (const part of [query.question, ...records]) {
    reply.set(part, at);
    at += part.length;
  }
  if (query.edns) writeOpt(reply, at, query.edns, body.rcode);
  return reply;
}

/** The reply that sends an asker to TCP, where nobody can forge the source. */
export function encodeTruncated(query: Query, rcode: number = RCODE.noError): Uint8Array<ArrayBuffer> {
  const empty = { rcode, isAuthoritative: true, answers: [], authorities: [] };
  const reply = encodeReply(query, empty, TCP_BYTES_MAX);
  reply[2]! |= 2;
  return reply;
}

/** The wire form of a name in lower case; undefined when a label or the whole is too long or empty. */
export function wireName(text: string): string | undefined {
  const labels = text.toLowerCase().replace(/\.$/, '').split('.');
  if (!labels.every((label) => label.length >= 1 && label.length <= LABEL_BYTES_MAX)) return undefined;
  const name = `${labels.map((label) => String.fromCharCode(label.length) + label).join('')}\0`;
  return name.length <= NAME_BYTES_MAX ? name : undefined;
}

/** Whether a name in wire form is a zone's own or below it; compared label by label. */
export function isInside(name: string, zone: string): boolean {
  for (let at = 0; at < name.length; at += 1 + name.charCodeAt(at)) {
    if (name.length - at === zone.length) return name.endsWith(zone);
  }
  return false;
}

/** The index after an uncompressed name: a query's only name has nothing before it to point to. */
function endOfName(bytes: Uint8Array, from: number): number | undefined {
  for (let at = from; at < bytes.length && at - from < NAME_BYTES_MAX; at += 1 + bytes[at]!) {
    if (bytes[at] === 0) return at + 1;
    if (bytes[at]! > LABEL_BYTES_MAX) return undefined;
  }
  return undefined;
}

function readAdditionals(bytes: Uint8Array, from: number, count: number): Edns | undefined | 'malformed' {
  if (count > ADDITIONALS_MAX) return 'malformed';
  let edns: Edns | undefined;
  let at = from;
  for (let i = 0; i < count; i++) {
    const isRoot = bytes[at] === 0;
    const nameEnd = endOfName(bytes, at);
    if (nameEnd === undefined || nameEnd + 10 > bytes.length) return 'malformed';
    const dataEnd = nameEnd + 10 + readUint16(bytes, nameEnd + 8);
    if (dataEnd > bytes.length) return 'malformed';
    if (readUint16(bytes, nameEnd) === TYPE.OPT) {
      if (edns || !isRoot || !areOptionsWhole(bytes, nameEnd + 10, dataEnd)) return 'malformed';
      const flags = readUint32(bytes, nameEnd + 4);
      edns = {
        version: (flags >>> 16) & 255,
        udpBytes: Math.max(UDP_BYTES_MIN, readUint16(bytes, nameEnd + 2)),
        isDnssecOk: (flags & DO_BIT) !== 0,
      };
    }
    at = dataEnd;
  }
  return at === bytes.length ? edns : 'malformed';
}

function areOptionsWhole(bytes: Uint8Array, from: number, end: number): boolean {
  let at = from;
  while (at + 4 <= end) at += 4 + readUint16(bytes, at + 2);
  return at === end;
}

function complaint(bytes: Uint8Array, rcode: number): Unanswerable {
  const reply = new Uint8Array(HEADER_BYTES);
  writeHeader(reply, readUint16(bytes, 0), 0x8000 | ((bytes[2]! & 0x79) << 8) | rcode, 0, 0, 0, 0);
  return { drop: false, reply };
}

function writeHeader(reply: Uint8Array, ...fields: readonly number[]): void {
  for (const [i, field] of fields.entries()) {
    reply[2 * i] = field >>> 8;
    reply[2 * i + 1] = field;
  }
}

function writeOpt(reply: Uint8Array, at: number, edns: Edns, rcode: number): void {
  reply.set([0, 0, TYPE.OPT, UDP_BYTES_MAX >>> 8, UDP_BYTES_MAX & 255, rcode >>> 4, 0], at);
  reply[at + 7] = edns.isDnssecOk ? DO_BIT >>> 8 : 0;
}

function lowerCased(bytes: Uint8Array): string {
  // ASCII letters alone: a length byte is at most 63 and cannot be taken for one.
  return latin1(bytes).replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
