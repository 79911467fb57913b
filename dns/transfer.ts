/**
 * Zone transfers (RFC 5936, 1995) and the word that there is something to fetch (RFC 1996): how name servers of other
 * makers serve the zone as secondaries. An IXFR gets the whole zone, which is small, or its serial when that is known.
 */
import { bytesOfLatin1, concatBytes, readUint16 } from '../src/base/index.ts';
import type { AnswerTable } from './answer.ts';
import { CLASS_IN, HEADER_BYTES, type Query, TYPE, wireName, writeUint16 } from './message.ts';
import { isSerialAfter } from './zone.ts';

/** Records are put into a message up to this size; a signature comes on top. */
const MESSAGE_BYTES_MAX = 16_384;
const OPCODE_NOTIFY = 4;
const AUTHORITATIVE_RESPONSE = 0x8400;
const AUTHORITATIVE = 0x0400;

/** The messages of a transfer, in their order. */
export function transferMessages(query: Query, table: AnswerTable): Uint8Array[] {
  const { transferRecords, zone } = table;
  const soa = transferRecords[0]!;
  const isCurrent = query.type === TYPE.IXFR && query.heldSerial >= 0 && !isSerialAfter(zone.serial, query.heldSerial);
  const messages: Uint8Array[] = [];
  let batch: Uint8Array[] = [];
  let batchBytes = 0;
  for (const record of isCurrent ? [soa] : [...transferRecords, soa]) {
    if (batch.length > 0 && batchBytes + record.length > MESSAGE_BYTES_MAX) {
      messages.push(messageOf(query, batch, messages.length === 0));
      [batch, batchBytes] = [[], 0];
    }
    batch.push(record);
    batchBytes += record.length;
  }
  messages.push(messageOf(query, batch, messages.length === 0));
  return messages;
}

/** Tells a secondary that the zone is another than before. */
export function encodeNotify(id: number, table: AnswerTable): Uint8Array {
  const { zone, transferRecords } = table;
  const name = bytesOfLatin1(wireName(zone.origin)!);
  const question = new Uint8Array(4);
  writeUint16(question, 0, TYPE.SOA);
  writeUint16(question, 2, CLASS_IN);
  return concatBytes([head(id, (OPCODE_NOTIFY << 11) | AUTHORITATIVE, 1, 1), name, question, transferRecords[0]!]);
}

/** Whether that is a secondary's answer to our NOTIFY of this id; its signature is not looked at: it changes nothing. */
export function isNotifyReply(bytes: Uint8Array, id: number): boolean {
  const isResponse = bytes.length >= HEADER_BYTES && (bytes[2]! & 0xf8) === (0x80 | (OPCODE_NOTIFY << 3));
  return isResponse && readUint16(bytes, 0) === id;
}

function messageOf(query: Query, records: readonly Uint8Array[], isFirst: boolean): Uint8Array {
  const question = isFirst ? query.bytes.subarray(HEADER_BYTES, query.nameEnd + 4) : new Uint8Array(0);
  const id = readUint16(query.bytes, 0);
  return concatBytes([head(id, AUTHORITATIVE_RESPONSE, isFirst ? 1 : 0, records.length), question, ...records]);
}

function head(id: number, flags: number, questions: number, answers: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  for (const [i, field] of [id, flags, questions, answers].entries()) writeUint16(bytes, 2 * i, field);
  return bytes;
}
