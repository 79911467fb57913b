/**
 * DNS messages as bytes (RFC 1035, 6891, 7873): reads a query strictly, and frames replies around the query's own
 * question so that its case comes back as it was asked. Nothing past the counts and lengths it checked is ever read, and
 * reading one makes no garbage, because a flood is when it matters. It knows no zone and no records.
 */
import { readUint16, readUint32 } from '../src/base/index.ts';

export const TYPE = {
  A: 1,
  NS: 2,
  SOA: 6,
  HINFO: 13,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;
export const CLASS_IN = 1;
export const CLASS_ANY = 255;
export const RCODE = {
  noError: 0,
  formErr: 1,
  nxDomain: 3,
  notImp: 4,
  refused: 5,
  notAuth: 9,
  badVers: 16,
} as const;
/** What `readQuery` says of bytes that nobody is to be answered for. */
export const DROP = -1;

/** Largest query: no honest one with a question of 255 bytes and EDNS comes near. */
export const QUERY_BYTES_MAX = 1232;
/** Largest answer over UDP, whatever the asker offers: no path fragments it. */
export const UDP_BYTES_MAX = 1232;
/** What an asker without EDNS takes (RFC 1035), and the least that EDNS may say. */
export const UDP_BYTES_MIN = 512;
export const TCP_BYTES_MAX = 65_535;
/** Where the question's name stands in every message. */
export const HEADER_BYTES = 12;
/** A client cookie and a server cookie as we make them (RFC 9018). */
export const CLIENT_COOKIE_BYTES = 8;
export const SERVER_COOKIE_BYTES = 16;

export const NAME_BYTES_MAX = 255;
export const LABEL_BYTES_MAX = 63;
/** OPT, TSIG, and one that we do not know. */
const ADDITIONALS_MAX = 3;
export const OPT_BYTES = 11;
const DO_BIT = 0x8000;
const COOKIE_OPTION = 10;
const OPTION_HEAD_BYTES = 4;
/** With a server cookie of anybody's making (RFC 7873). */
const COOKIE_BYTES_MAX = 40;
const COOKIE_BYTES_WITH_SERVERS_MIN = 16;
const SOA_NUMBERS_BYTES = 20;
/** In the third byte of a message. */
export const OPCODE_MASK = 0x78;
export const FLAG = { isResponse: 0x80, isAuthoritative: 4, isTruncated: 2, isRecursionDesired: 1 } as const;

/** A well-formed query. One object is filled again and again: its numbers are places in `bytes`. */
export interface Query {
  bytes: Uint8Array;
  /** After the question's name; 12 in a query for a cookie alone, which has no question (RFC 7873). */
  nameEnd: number;
  hasQuestion: boolean;
  type: number;
  class: number;
  /** -1 without EDNS. */
  ednsVersion: number;
  /** UDP payload that the asker takes, at least 512. */
  udpBytes: number;
  isDnssecOk: boolean;
  /** Where the cookie option's data begins; 0 without. */
  cookieAt: number;
  cookieBytes: number;
  /** Where the TSIG record begins; 0 without. */
  tsigAt: number;
  /** The serial that an IXFR has already; -1 without. */
  heldSerial: number;
}

/** What a question gets, apart from the question itself. */
export interface Answer {
  readonly rcode: number;
  readonly isAuthoritative: boolean;
  /** Whole records: answers, then authorities. */
  readonly records: Uint8Array;
  readonly answers: number;
  readonly authorities: number;
  /** Bytes of one record, where any number of the answers is an answer too, because they are a sample; 0 elsewhere. */
  readonly unitBytes: number;
  /** Records that help where there is room for them. */
  readonly extras: Uint8Array;
  readonly extraCount: number;
}

export function emptyQuery(): Query {
  return {
    bytes: new Uint8Array(0),
    nameEnd: HEADER_BYTES,
    hasQuestion: false,
    type: 0,
    class: 0,
    ednsVersion: -1,
    udpBytes: UDP_BYTES_MIN,
    isDnssecOk: false,
    cookieAt: 0,
    cookieBytes: 0,
    tsigAt: 0,
    heldSerial: -1,
  };
}

/**
 * Reads one query; returns 0 for one that can be answered, an RCODE for one that is wrong, DROP for what gets no word.
 * Never looks twice at a byte, so no count or pointer costs more than the datagram's length.
 */
export function readQuery(query: Query, bytes: Uint8Array): number {
  // A response is never answered, lest two servers answer each other for ever (CVE-2024-2169).
  if (bytes.length < HEADER_BYTES || bytes[2]! & FLAG.isResponse) return DROP;
  if ((bytes[2]! & OPCODE_MASK) !== 0) return RCODE.notImp;
  const questions = readUint16(bytes, 4);
  if (bytes.length > QUERY_BYTES_MAX || questions > 1 || readUint16(bytes, 6) !== 0) return RCODE.formErr;
  query.bytes = bytes;
  query.ednsVersion = -1;
  query.udpBytes = UDP_BYTES_MIN;
  query.isDnssecOk = false;
  query.cookieAt = query.cookieBytes = query.tsigAt = 0;
  query.heldSerial = -1;
  query.hasQuestion = questions === 1;
  if (!readQuestion(query)) return RCODE.formErr;
  const at = readAuthority(query, readUint16(bytes, 8));
  if (at < 0 || readAdditionals(query, at, readUint16(bytes, 10)) !== bytes.length) return RCODE.formErr;
  return query.hasQuestion || query.cookieBytes > 0 ? RCODE.noError : RCODE.formErr;
}

/**
 * Writes a reply of at most `bytesMax` and returns its length. What does not fit is left out and TC is set; of a sample
 * as many records as fit stay, for whoever cannot use TCP.
 */
export function writeReply(
  reply: Uint8Array,
  query: Query,
  answer: Answer,
  bytesMax: number,
  serverCookie?: Uint8Array,
): number {
  const questionEnd = query.hasQuestion ? query.nameEnd + 4 : HEADER_BYTES;
  const optBytes = optBytesFor(query, serverCookie);
  const room = bytesMax - questionEnd - optBytes;
  const isCut = answer.records.length > room;
  const kept = isCut && answer.unitBytes > 0 ? Math.max(0, Math.floor(room / answer.unitBytes)) : 0;
  const records = isCut ? answer.records.subarray(0, kept * answer.unitBytes) : answer.records;
  const hasExtras = !isCut && answer.extraCount > 0 && records.length + answer.extras.length <= room;
  if (query.hasQuestion) reply.set(query.bytes.subarray(HEADER_BYTES, questionEnd), HEADER_BYTES);
  reply.set(records, questionEnd);
  let at = questionEnd + records.length;
  if (hasExtras) {
    reply.set(answer.extras, at);
    at += answer.extras.length;
  }
  if (optBytes > 0) writeOpt(reply, at, query, answer.rcode, serverCookie);
  const flags = (answer.isAuthoritative ? FLAG.isAuthoritative : 0) | (isCut ? FLAG.isTruncated : 0);
  writeHead(reply, query.bytes, flags, answer.rcode);
  writeUint16(reply, 4, query.hasQuestion ? 1 : 0);
  writeUint16(reply, 6, isCut ? kept : answer.answers);
  writeUint16(reply, 8, isCut ? 0 : answer.authorities);
  writeUint16(reply, 10, (optBytes > 0 ? 1 : 0) + (hasExtras ? answer.extraCount : 0));
  return at + optBytes;
}

/** Writes the reply that sends an asker to TCP, where nobody can forge the source; returns its length. */
export function writeTruncated(reply: Uint8Array, query: Query, serverCookie?: Uint8Array): number {
  const length = writeReply(reply, query, TRUNCATED, TCP_BYTES_MAX, serverCookie);
  reply[2]! |= FLAG.isTruncated;
  return length;
}

/** Writes what says that a query is wrong, without repeating any of it; returns its length. */
export function writeComplaint(reply: Uint8Array, bytes: Uint8Array, rcode: number): number {
  reply.fill(0, 4, HEADER_BYTES);
  writeHead(reply, bytes, bytes[2]! & OPCODE_MASK, rcode);
  return HEADER_BYTES;
}

/** An answer without records. */
export function bareAnswer(rcode: number, isAuthoritative = false): Answer {
  const nothing = { records: NOTHING, answers: 0, authorities: 0, unitBytes: 0, extras: NOTHING, extraCount: 0 };
  return { rcode, isAuthoritative, ...nothing };
}

/** The wire form of a name in lower case, one character per byte; undefined when a label or the whole is too long or empty. */
export function wireName(text: string): string | undefined {
  const labels = text.toLowerCase().replace(/\.$/, '').split('.');
  if (!labels.every((label) => label.length >= 1 && label.length <= LABEL_BYTES_MAX)) return undefined;
  const name = `${labels.map((label) => String.fromCharCode(label.length) + label).join('')}\0`;
  return name.length <= NAME_BYTES_MAX ? name : undefined;
}

/** An ASCII letter in lower case; a length byte is at most 63 and cannot be taken for one. */
export function lowerCased(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte;
}

/** The index after an uncompressed name, -1 when it does not end: a query's names have nothing before them to point to. */
export function endOfName(bytes: Uint8Array, from: number): number {
  for (let at = from; at < bytes.length && at - from < NAME_BYTES_MAX; at += 1 + bytes[at]!) {
    if (bytes[at] === 0) return at + 1;
    if (bytes[at]! > LABEL_BYTES_MAX) return -1;
  }
  return -1;
}

export function writeUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

const NOTHING = new Uint8Array(0);
const TRUNCATED: Answer = bareAnswer(RCODE.noError, true);

function readQuestion(query: Query): boolean {
  query.nameEnd = HEADER_BYTES;
  if (!query.hasQuestion) return true;
  const nameEnd = endOfName(query.bytes, HEADER_BYTES);
  if (nameEnd < 0 || nameEnd + 4 > query.bytes.length) return false;
  query.nameEnd = nameEnd;
  query.type = readUint16(query.bytes, nameEnd);
  query.class = readUint16(query.bytes, nameEnd + 2);
  return true;
}

/** Reads what an IXFR says it has (RFC 1995); returns where the next section begins, -1 when it is malformed. */
function readAuthority(query: Query, count: number): number {
  const { bytes, nameEnd } = query;
  const from = query.hasQuestion ? nameEnd + 4 : HEADER_BYTES;
  if (count === 0) return from;
  if (count !== 1 || !query.hasQuestion || query.type !== TYPE.IXFR) return -1;
  // Its owner may point at the question's name.
  const ownerEnd = (bytes[from]! & 0xc0) === 0xc0 ? from + 2 : endOfName(bytes, from);
  if (ownerEnd < 0 || ownerEnd + 10 > bytes.length) return -1;
  const end = ownerEnd + 10 + readUint16(bytes, ownerEnd + 8);
  const isSoa = readUint16(bytes, ownerEnd) === TYPE.SOA && end - ownerEnd - 10 > SOA_NUMBERS_BYTES;
  if (end > bytes.length || !isSoa) return -1;
  query.heldSerial = readUint32(bytes, end - SOA_NUMBERS_BYTES);
  return end;
}

/** Reads OPT and finds TSIG; returns where they end, -1 when they are malformed. */
function readAdditionals(query: Query, from: number, count: number): number {
  const { bytes } = query;
  if (count > ADDITIONALS_MAX) return -1;
  let at = from;
  for (let i = 0; i < count; i++) {
    const isRoot = bytes[at] === 0;
    const nameEnd = endOfName(bytes, at);
    if (nameEnd < 0 || nameEnd + 10 > bytes.length) return -1;
    const dataEnd = nameEnd + 10 + readUint16(bytes, nameEnd + 8);
    if (dataEnd > bytes.length) return -1;
    const type = readUint16(bytes, nameEnd);
    if (type === TYPE.OPT && !(isRoot && readOpt(query, nameEnd, dataEnd))) return -1;
    // Nothing comes after a signature (RFC 8945).
    if (type === TYPE.TSIG && i < count - 1) return -1;
    if (type === TYPE.TSIG) query.tsigAt = at;
    at = dataEnd;
  }
  return at;
}

function readOpt(query: Query, nameEnd: number, end: number): boolean {
  const { bytes } = query;
  if (query.ednsVersion >= 0) return false;
  query.udpBytes = Math.max(UDP_BYTES_MIN, readUint16(bytes, nameEnd + 2));
  query.ednsVersion = bytes[nameEnd + 5]!;
  query.isDnssecOk = (readUint16(bytes, nameEnd + 6) & DO_BIT) !== 0;
  let at = nameEnd + 10;
  while (at + OPTION_HEAD_BYTES <= end) {
    const length = readUint16(bytes, at + 2);
    const dataAt = at + OPTION_HEAD_BYTES;
    at = dataAt + length;
    if (at > end || readUint16(bytes, dataAt - OPTION_HEAD_BYTES) !== COOKIE_OPTION || query.cookieBytes > 0) continue;
    const hasServers = length >= COOKIE_BYTES_WITH_SERVERS_MIN && length <= COOKIE_BYTES_MAX;
    if (length !== CLIENT_COOKIE_BYTES && !hasServers) return false;
    query.cookieAt = dataAt;
    query.cookieBytes = length;
  }
  return at === end;
}

function optBytesFor(query: Query, serverCookie: Uint8Array | undefined): number {
  if (query.ednsVersion < 0) return 0;
  return OPT_BYTES + (serverCookie ? OPTION_HEAD_BYTES + CLIENT_COOKIE_BYTES + SERVER_COOKIE_BYTES : 0);
}

/** Id, opcode and the wish for recursion come back as they were asked. */
function writeHead(reply: Uint8Array, asked: Uint8Array, flags: number, rcode: number): void {
  reply[0] = asked[0]!;
  reply[1] = asked[1]!;
  reply[2] = FLAG.isResponse | flags | (asked[2]! & FLAG.isRecursionDesired);
  reply[3] = rcode & 15;
}

function writeOpt(reply: Uint8Array, at: number, query: Query, rcode: number, serverCookie?: Uint8Array): void {
  reply[at] = 0;
  writeUint16(reply, at + 1, TYPE.OPT);
  writeUint16(reply, at + 3, UDP_BYTES_MAX);
  reply[at + 5] = rcode >>> 4;
  reply[at + 6] = 0;
  writeUint16(reply, at + 7, query.isDnssecOk ? DO_BIT : 0);
  writeUint16(reply, at + 9, serverCookie ? OPTION_HEAD_BYTES + CLIENT_COOKIE_BYTES + SERVER_COOKIE_BYTES : 0);
  if (!serverCookie) return;
  const from = at + OPT_BYTES;
  writeUint16(reply, from, COOKIE_OPTION);
  writeUint16(reply, from + 2, CLIENT_COOKIE_BYTES + SERVER_COOKIE_BYTES);
  const { bytes, cookieAt } = query;
  reply.set(bytes.subarray(cookieAt, cookieAt + CLIENT_COOKIE_BYTES), from + OPTION_HEAD_BYTES);
  reply.set(serverCookie, from + OPTION_HEAD_BYTES + CLIENT_COOKIE_BYTES);
}
