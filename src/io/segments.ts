/**
 * The memory that arriving pieces are put together in, shared by all torrents of the process: what the hashing thread
 * sees where there is room, plain buffers otherwise.
 */
import type { ArrivalMemory } from '../torrent/index.ts';
import { BLOCK_BYTES } from '../wire/index.ts';
import { HashThread } from './hash-thread.ts';

/** Largest segment: hashing it keeps a thread for about a millisecond. */
export const SEGMENT_BYTES_MAX = 1_048_576;
/** Bytes of pieces in flight per torrent; with small pieces the count is what bounds. */
const INTAKE_BYTES_MAX = 6_291_456;
/** Of them what is on order and what waits for the disk, where the count of large pieces bounds little. */
const ARRIVING_BYTES_MAX = 4_194_304;
const OPEN_PIECES_MAX = 256;
/** One is finished, one arrives, and one is asked for. */
const OPEN_PIECES_MIN = 3;
/** Free plain segments kept for reuse. */
const FREE_SEGMENTS_MAX = 16;

const free: Uint8Array[] = [];
/** Started when the first piece arrives: a node that only seeds has no use for it. */
let started: { readonly thread: HashThread | undefined } | undefined;

/** Memory for `size` bytes, at most SEGMENT_BYTES_MAX; its content is arbitrary. */
export function takeSegment(size: number): Uint8Array {
  started ??= { thread: HashThread.start() };
  const slot = started.thread?.take(size);
  if (slot) return slot;
  // The one used last is the one most likely in cache.
  const at = free.findLastIndex((bytes) => bytes.buffer.byteLength >= size);
  const buffer = at >= 0 ? free.splice(at, 1)[0]!.buffer : Buffer.allocUnsafeSlow(size).buffer;
  return new Uint8Array(buffer, 0, size);
}

/** Gives memory back that nobody reads or writes any more. */
export function giveSegment(bytes: Uint8Array): void {
  if (started?.thread?.owns(bytes)) started.thread.give(bytes);
  else if (free.length < FREE_SEGMENTS_MAX) free.push(bytes);
}

/** True when the hashing thread can be asked about this segment. */
export function isForThread(bytes: Uint8Array): boolean {
  return started?.thread?.takes(bytes) ?? false;
}

/** The thread that `isForThread` speaks of; to be called where that said yes. */
export function hashThread(): HashThread {
  return started!.thread!;
}

/** What is on order and what waits for the disk may take so much together where a piece is larger than a segment. */
export function arrivalMemoryOf(
  pieceLength: number,
  intake: { readonly waitingBytes: number },
): ArrivalMemory | undefined {
  if (pieceLength <= SEGMENT_BYTES_MAX) return undefined;
  return { blocksMax: ARRIVING_BYTES_MAX / BLOCK_BYTES, waiting: () => Math.ceil(intake.waitingBytes / BLOCK_BYTES) };
}

/** Pieces of one torrent that may be in flight at a time, but for links that would have none; of large ones few segments are. */
export function openPiecesMaxOf(pieceLength: number): number {
  const fitting = Math.floor(INTAKE_BYTES_MAX / pieceLength);
  return Math.min(OPEN_PIECES_MAX, Math.max(OPEN_PIECES_MIN, fitting));
}
