/**
 * Hashes pieces that are or may be on disk: to find out what is there, reading ahead by one segment so that disk and
 * hash work side by side, and to write again what a failed sync may have lost.
 */
import { createHash } from 'node:crypto';
import { equalBytes, MonsoonError } from '../base/index.ts';
import type { Store } from './file-store.ts';
import { SEGMENT_BYTES_MAX } from './segments.ts';

/**
 * Checks pieces one after the other and reports each; pieces whose files are missing or short are bad.
 * Stops early when `isCancelled` says so.
 */
export async function checkPieces(
  store: Store,
  pieceHashes: Uint8Array,
  pieces: Iterable<number>,
  report: (piece: number, isGood: boolean) => void,
  isCancelled: () => boolean,
): Promise<void> {
  // Most torrents have nothing to check at a start, and there may be thousands.
  let buffers: readonly Buffer[] | undefined;
  for (const piece of pieces) {
    if (isCancelled()) return;
    buffers ??= [Buffer.allocUnsafeSlow(SEGMENT_BYTES_MAX), Buffer.allocUnsafeSlow(SEGMENT_BYTES_MAX)];
    const digest = await digestOf(store, piece, buffers);
    report(piece, digest !== undefined && isPiece(digest, pieceHashes, piece));
  }
}

/** Writes a piece again from what the system still has of it in memory; false when that is not the piece any more. */
export async function rewritePiece(store: Store, pieceHashes: Uint8Array, piece: number): Promise<boolean> {
  const { layout } = store;
  const [start, length] = [layout.startOf(piece), layout.bytesOf(piece)];
  const buffer = Buffer.allocUnsafeSlow(Math.min(SEGMENT_BYTES_MAX, length));
  const hash = createHash('sha1');
  for (let at = 0; at < length; at += SEGMENT_BYTES_MAX) {
    const view = buffer.subarray(0, Math.min(SEGMENT_BYTES_MAX, length - at));
    await store.read(start + at, [view], view.length);
    hash.update(view);
    await store.write(start + at, view);
  }
  return isPiece(hash.digest(), pieceHashes, piece);
}

/** True when a digest is the one that a torrent names for a piece. */
export function isPiece(digest: Uint8Array, pieceHashes: Uint8Array, piece: number): boolean {
  return equalBytes(digest, hashOfPiece(pieceHashes, piece));
}

/** What a torrent names for a piece; `pieceHashes` holds 20 bytes per piece (BEP 3). */
export function hashOfPiece(pieceHashes: Uint8Array, piece: number): Uint8Array {
  return pieceHashes.subarray(piece * 20, piece * 20 + 20);
}

async function digestOf(store: Store, piece: number, buffers: readonly Buffer[]): Promise<Uint8Array | undefined> {
  const { layout } = store;
  const start = layout.startOf(piece);
  const length = layout.bytesOf(piece);
  const hash = createHash('sha1');
  const readAt = (at: number): Promise<Uint8Array> => {
    const view = buffers[(at / SEGMENT_BYTES_MAX) % 2]!.subarray(0, Math.min(SEGMENT_BYTES_MAX, length - at));
    return store.read(start + at, [view], view.length).then(() => view);
  };
  try {
    let reading = readAt(0);
    for (let at = 0; at < length; at += SEGMENT_BYTES_MAX) {
      const view = await reading;
      if (at + SEGMENT_BYTES_MAX < length) reading = readAt(at + SEGMENT_BYTES_MAX);
      hash.update(view);
    }
  } catch (error) {
    if (error instanceof MonsoonError) return undefined;
    throw error;
  }
  return hash.digest();
}
