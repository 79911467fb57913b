/**
 * Which files of a torrent are wanted, and what that means for its pieces: a piece is as important as the most
 * important file that touches it. Knows neither names nor what is on disk.
 */
import type { Bitfield } from './bitfield.ts';
import type { TorrentFile } from './info.ts';
import type { Layout } from './layout.ts';

/** How much a file or a piece is wanted. */
export const PRIORITY = { skip: 0, low: 1, normal: 2, high: 3 } as const;
export type Priority = (typeof PRIORITY)[keyof typeof PRIORITY];

/**
 * Per piece the highest priority of the files that touch it.
 * @param priorities one per file
 */
export function piecePriorities(
  layout: Layout,
  files: readonly TorrentFile[],
  priorities: readonly Priority[],
): Priority[] {
  const pieces = new Array<Priority>(layout.pieceCount).fill(PRIORITY.skip);
  for (const [index, { offset, length, isPadding }] of files.entries()) {
    const priority = priorities[index]!;
    // Padding only fills a piece up: it makes no piece wanted.
    if (isPadding || length === 0 || priority === PRIORITY.skip) continue;
    const last = layout.pieceAt(offset + length - 1);
    for (let piece = layout.pieceAt(offset); piece <= last; piece++) {
      if (pieces[piece]! < priority) pieces[piece] = priority;
    }
  }
  return pieces;
}

/** Verified bytes of each file. */
export function storedPerFile(layout: Layout, files: readonly TorrentFile[], stored: Bitfield): number[] {
  return files.map(({ offset, length }) => {
    if (length === 0) return 0;
    let bytes = 0;
    const end = offset + length;
    for (let piece = layout.pieceAt(offset); piece <= layout.pieceAt(end - 1); piece++) {
      if (!stored.has(piece)) continue;
      const start = layout.startOf(piece);
      bytes += Math.min(end, start + layout.bytesOf(piece)) - Math.max(offset, start);
    }
    return bytes;
  });
}
