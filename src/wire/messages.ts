/** The message ids and fixed shapes of the peer wire (BEP 3, BEP 6, BEP 10), and the few messages we write by hand. */
import { writeUint32 } from '../base/index.ts';

/** Bytes of every block but a torrent's last. */
export const BLOCK_BYTES = 16_384;
/** Largest block a peer may ask for or send. */
export const BLOCK_BYTES_MAX = 131_072;
/** Bytes before a block's payload: length, id, piece, offset. */
export const PIECE_HEADER_BYTES = 13;
/** Bytes of a whole request: length, id, piece, offset, bytes wanted. */
export const REQUEST_MESSAGE_BYTES = 17;
/** Bytes of a whole "have" message. */
const HAVE_MESSAGE_BYTES = 9;

export const MESSAGE = {
  choke: 0,
  unchoke: 1,
  interested: 2,
  uninterested: 3,
  have: 4,
  bitfield: 5,
  request: 6,
  piece: 7,
  cancel: 8,
  port: 9,
  suggest: 13,
  haveAll: 14,
  haveNone: 15,
  reject: 16,
  allowedFast: 17,
  extended: 20,
} as const;

/** Exact message length (id included) where the specification fixes it; a peer that sends another is cut off. */
export const EXACT_LENGTH: ReadonlyMap<number, number> = new Map([
  [MESSAGE.choke, 1],
  [MESSAGE.unchoke, 1],
  [MESSAGE.interested, 1],
  [MESSAGE.uninterested, 1],
  [MESSAGE.have, 5],
  [MESSAGE.request, 13],
  [MESSAGE.cancel, 13],
  [MESSAGE.port, 3],
  [MESSAGE.suggest, 5],
  [MESSAGE.haveAll, 1],
  [MESSAGE.haveNone, 1],
  [MESSAGE.reject, 13],
  [MESSAGE.allowedFast, 5],
]);

/**
 * Writes requests for a run of neighbouring blocks as one buffer.
 * @param lastLength bytes of the run's last block; all others are BLOCK_BYTES
 */
export function encodeRequestRun(
  piece: number,
  firstBlock: number,
  blockCount: number,
  lastLength: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(REQUEST_MESSAGE_BYTES * blockCount);
  for (let i = 0, at = 0; i < blockCount; i++, at += REQUEST_MESSAGE_BYTES) {
    writeUint32(bytes, at, 13);
    bytes[at + 4] = MESSAGE.request;
    writeUint32(bytes, at + 5, piece);
    writeUint32(bytes, at + 9, (firstBlock + i) * BLOCK_BYTES);
    writeUint32(bytes, at + 13, i === blockCount - 1 ? lastLength : BLOCK_BYTES);
  }
  return bytes;
}

/** Writes one "have" for each of so many pieces as one buffer. */
export function encodeHaves(pieces: Iterable<number>, count: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HAVE_MESSAGE_BYTES * count);
  let at = 0;
  for (const piece of pieces) {
    writeUint32(bytes, at, 5);
    bytes[at + 4] = MESSAGE.have;
    writeUint32(bytes, at + 5, piece);
    at += HAVE_MESSAGE_BYTES;
  }
  return bytes;
}

/** Writes the 13 bytes that stand before a block's payload at `at`. */
export function writePieceHeader(bytes: Uint8Array, at: number, piece: number, offset: number, length: number): void {
  writeUint32(bytes, at, length + 9);
  bytes[at + 4] = MESSAGE.piece;
  writeUint32(bytes, at + 5, piece);
  writeUint32(bytes, at + 9, offset);
}
