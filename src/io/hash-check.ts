/** Hashes pieces that may be on disk already; reads ahead by one segment so that disk and hash work side by side. */
import { createHash } from 'node:crypto';
import { equalBytes, MonsoonError } from '../base/index.ts';
import type { FileStore } from './file-store.ts';
import { SEGMENT_BYTES_MAX } from './piece-intake.ts';

/**
 * Checks pieces one after the other and reports each; pieces whose files are missing or short are bad.
 * Stops early when `isCancelled` says so.
 */
export async function checkPieces(
  store: FileStore,
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
    report(piece, digest !== undefined && equalBytes(digest, pieceHashes.subarray(piece * 20, piece * 20 + 20)));
  }
}

async function digestOf(store: FileStore, piece: number, buffers: readonly Buffer[]): Promise<Uint8Array | undefined> {
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
