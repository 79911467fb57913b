/**
 * Questions of our own to name servers, and what their answers say (RFC 1035, 2782, 6891). An answer is read strictly, and
 * only when it is one to the question; which server is asked, and by which way, is for others to know.
 */
import { bytesOfLatin1, concatBytes, formatIp, latin1, readUint16 } from '../src/base/index.ts';
import {
  CLASS_IN,
  FLAG,
  HEADER_BYTES,
  LABEL_BYTES_MAX,
  lowerCased,
  NAME_BYTES_MAX,
  OPCODE_MASK,
  OPT_BYTES,
  RCODE,
  TYPE,
  UDP_BYTES_MAX,
  wireName,
  writeUint16,
} from './message.ts';

export type AskedType = 'A' | 'AAAA' | 'TXT' | 'SRV' | 'SOA';

/** What a record says that was asked for; the strings of a TXT joined, of an SOA its primary server. */
export type AskedRecord =
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'TXT'; readonly text: string }
  | { readonly type: 'SRV'; readonly priority: number; readonly port: number; readonly target: string }
  | { readonly type: 'SOA'; readonly primary: string };

export interface NameReply {
  /** False where the server cannot say: another one may. */
  readonly isAnswer: boolean;
  /** There is more, over TCP. */
  readonly isTruncated: boolean;
  /** Those of the type that was asked for, whatever aliases led to them. */
  readonly records: readonly AskedRecord[];
}

/** Records of an answer that are looked at. */
export const ANSWER_RECORDS_MAX = 256;

const RECORD_BYTES = 10;
const POINTER = 0xc0;

/** Asks for the records of a name; undefined when it is none. */
export function encodeQuestion(id: number, name: string, type: AskedType): Uint8Array | undefined {
  const wire = /^[\x21-\x7e]+$/.test(name) ? wireName(name) : undefined;
  if (wire === undefined) return undefined;
  const head = new Uint8Array(HEADER_BYTES);
  writeUint16(head, 0, id);
  head[2] = FLAG.isRecursionDesired;
  writeUint16(head, 4, 1);
  writeUint16(head, 10, 1);
  const tail = new Uint8Array(4 + OPT_BYTES);
  writeUint16(tail, 0, TYPE[type]);
  writeUint16(tail, 2, CLASS_IN);
  writeUint16(tail, 5, TYPE.OPT);
  writeUint16(tail, 7, UDP_BYTES_MAX);
  return concatBytes([head, bytesOfLatin1(wire), tail]);
}

/** What a datagram or message says to that question; undefined when it is malformed, or no answer to it. */
export function readNameReply(question: Uint8Array, bytes: Uint8Array): NameReply | undefined {
  const questionEnd = question.length - OPT_BYTES;
  if (bytes.length < questionEnd || (bytes[2]! & (FLAG.isResponse | OPCODE_MASK)) !== FLAG.isResponse) return undefined;
  if (readUint16(bytes, 0) !== readUint16(question, 0) || readUint16(bytes, 4) !== 1) return undefined;
  for (let at = HEADER_BYTES; at < questionEnd; at++) {
    if (lowerCased(bytes[at]!) !== lowerCased(question[at]!)) return undefined;
  }
  const rcode = bytes[3]! & 15;
  const isAnswer = rcode === RCODE.noError || rcode === RCODE.nxDomain;
  const isTruncated = (bytes[2]! & FLAG.isTruncated) !== 0;
  const records =
    isAnswer && !isTruncated ? readRecords(bytes, questionEnd, readUint16(question, questionEnd - 4)) : [];
  return records && { isAnswer, isTruncated, records };
}

function readRecords(bytes: Uint8Array, from: number, type: number): AskedRecord[] | undefined {
  const records: AskedRecord[] = [];
  const count = Math.min(readUint16(bytes, 6), ANSWER_RECORDS_MAX);
  let at = from;
  for (let i = 0; i < count; i++) {
    const owner = readName(bytes, at);
    if (!owner || owner.end + RECORD_BYTES > bytes.length) return undefined;
    const begin = owner.end + RECORD_BYTES;
    const end = begin + readUint16(bytes, owner.end + 8);
    if (end > bytes.length) return undefined;
    const isAsked = readUint16(bytes, owner.end) === type && readUint16(bytes, owner.end + 2) === CLASS_IN;
    const record = isAsked ? readRecord(bytes, begin, end, type) : undefined;
    if (record) records.push(record);
    at = end;
  }
  return records;
}

/** Undefined where the data is not what the type says. */
function readRecord(bytes: Uint8Array, from: number, end: number, type: number): AskedRecord | undefined {
  const length = end - from;
  switch (type) {
    case TYPE.A:
      return length === 4 ? { type: 'A', address: formatIp(bytes.slice(from, end)) } : undefined;
    case TYPE.AAAA:
      return length === 16 ? { type: 'AAAA', address: formatIp(bytes.slice(from, end)) } : undefined;
    case TYPE.TXT: {
      const text = readStrings(bytes, from, end);
      return text === undefined ? undefined : { type: 'TXT', text };
    }
    case TYPE.SRV: {
      const target = length > 6 ? readName(bytes, from + 6) : undefined;
      if (target?.end !== end || target.text === '') return undefined;
      const [priority, port] = [readUint16(bytes, from), readUint16(bytes, from + 4)];
      return { type: 'SRV', priority, port, target: target.text };
    }
    default: {
      const primary = readName(bytes, from);
      return primary && primary.end < end ? { type: 'SOA', primary: primary.text } : undefined;
    }
  }
}

function readStrings(bytes: Uint8Array, from: number, end: number): string | undefined {
  let text = '';
  let at = from;
  for (; at < end; at += 1 + bytes[at]!) text += latin1(bytes.subarray(at + 1, Math.min(end, at + 1 + bytes[at]!)));
  return at === end ? text : undefined;
}

/** A name, and where what comes after it begins. Pointers lead backwards only, so that each byte is read a few times at most. */
function readName(bytes: Uint8Array, from: number): { readonly text: string; readonly end: number } | undefined {
  const labels: string[] = [];
  let end: number | undefined;
  let nameBytes = 0;
  let lowest = from;
  for (let at = from; at < bytes.length; ) {
    const length = bytes[at]!;
    if (length === 0) return { text: labels.join('.'), end: end ?? at + 1 };
    if ((length & POINTER) === POINTER) {
      if (at + 2 > bytes.length) return undefined;
      end ??= at + 2;
      at = readUint16(bytes, at) & 0x3fff;
      if (at >= lowest) return undefined;
      lowest = at;
      continue;
    }
    nameBytes += 1 + length;
    if (length > LABEL_BYTES_MAX || nameBytes >= NAME_BYTES_MAX || at + 1 + length > bytes.length) return undefined;
    labels.push(latin1(bytes.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
  }
  return undefined;
}
