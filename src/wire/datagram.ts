/**
 * What a datagram on the one port is, by its first bytes alone: a DHT message, or a UDP tracker's (BEP 15) in one of
 * its two directions. Whether it is a good one is its reader's question.
 */
import { readUint32 } from '../base/index.ts';

/** Who reads a datagram. */
export type DatagramKind = 'krpc' | 'tracker-request' | 'tracker-reply';

/** The eight bytes that a connect request begins with (BEP 15), as two words. */
export const CONNECT_MAGIC: readonly [high: number, low: number] = [0x417, 0x27101980];
/**
 * The upper six bits of the first byte of every connection id that we give out. No DHT message, connect request or
 * reply begins like this, so that shape alone tells a request that carries one.
 */
export const CONNECTION_MARK = 0xb0;
export const CONNECTION_MARK_MASK = 0xfc;

/** Connect requests and their answers have 16 bytes; every other request has more. */
const REQUEST_BYTES_MIN = 16;
/** Action and transaction id. */
const REPLY_BYTES_MIN = 8;
const LAST_ACTION = 3;
const LETTER_D = 0x64;

/** Names the reader of a datagram; undefined when nobody here would know what to do with it. */
export function datagramKind(bytes: Uint8Array): DatagramKind | undefined {
  const first = bytes[0];
  // Every KRPC message is a dictionary, and every key has a length.
  if (first === LETTER_D) return isDigit(bytes[1]) ? 'krpc' : undefined;
  if (first === undefined || bytes.length < REPLY_BYTES_MIN) return undefined;
  const word = readUint32(bytes, 0);
  if (word <= LAST_ACTION) return 'tracker-reply';
  if (bytes.length < REQUEST_BYTES_MIN) return undefined;
  if ((first & CONNECTION_MARK_MASK) === CONNECTION_MARK) return 'tracker-request';
  return word === CONNECT_MAGIC[0] && readUint32(bytes, 4) === CONNECT_MAGIC[1] ? 'tracker-request' : undefined;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}
