/**
 * Index arithmetic of one torrent: bytes, blocks, pieces and files. The only place where a length is divided by a
 * piece or block size, so that the short last piece and the short last block are right everywhere.
 */
import { assert } from '../base/index.ts';
import { BLOCK_BYTES } from '../wire/index.ts';
import type { TorrentInfo } from './info.ts';

/** A contiguous stretch of one file. */
export interface FileSpan {
  /** Index into the torrent's files. */
  readonly file: number;
  /** Bytes into the file. */
  readonly offset: number;
  readonly length: number;
}

/** The geometry of a torrent. */
export class Layout {
  readonly length: number;
  readonly pieceLength: number;
  readonly pieceCount: number;
  /** Blocks of every piece but the last. */
  readonly blocksPerPiece: number;
  readonly #files: TorrentInfo['files'];

  constructor(info: Pick<TorrentInfo, 'length' | 'pieceLength' | 'pieceCount' | 'files'>) {
    assert(info.pieceCount === Math.ceil(info.length / info.pieceLength), 'piece count follows from the length');
    this.length = info.length;
    this.pieceLength = info.pieceLength;
    this.pieceCount = info.pieceCount;
    this.blocksPerPiece = Math.ceil(info.pieceLength / BLOCK_BYTES);
    this.#files = info.files;
  }

  /** Bytes of one piece. */
  bytesOf(piece: number): number {
    return Math.min(this.pieceLength, this.length - piece * this.pieceLength);
  }

  /** Bytes before a piece. */
  startOf(piece: number): number {
    return piece * this.pieceLength;
  }

  /** The piece that a byte of the torrent lies in. */
  pieceAt(position: number): number {
    return Math.floor(position / this.pieceLength);
  }

  /** The pieces that a stretch of the torrent lies in, `end` exclusive. */
  piecesOf(start: number, length: number): { readonly first: number; readonly end: number } {
    return { first: this.pieceAt(start), end: Math.min(this.pieceCount, this.pieceAt(start + length - 1) + 1) };
  }

  /** Blocks of one piece. */
  blocksOf(piece: number): number {
    return Math.ceil(this.bytesOf(piece) / BLOCK_BYTES);
  }

  /** Bytes of one block. */
  blockBytes(piece: number, block: number): number {
    return Math.min(BLOCK_BYTES, this.bytesOf(piece) - block * BLOCK_BYTES);
  }

  /** True when the three numbers of a block message name exactly one whole block. */
  isBlock(piece: number, offset: number, length: number): boolean {
    return (
      piece < this.pieceCount &&
      offset % BLOCK_BYTES === 0 &&
      offset < this.bytesOf(piece) &&
      length === this.blockBytes(piece, offset / BLOCK_BYTES)
    );
  }

  /** True when a peer may ask for this stretch: inside one piece and not empty. */
  isStretch(piece: number, offset: number, length: number): boolean {
    return piece < this.pieceCount && length > 0 && offset + length <= this.bytesOf(piece);
  }

  /** Bytes of a bitfield. */
  get bitfieldBytes(): number {
    return Math.ceil(this.pieceCount / 8);
  }

  /** The files that a stretch of the byte stream lies in, in order; files without bytes never appear. */
  spans(start: number, length: number): FileSpan[] {
    const spans: FileSpan[] = [];
    const end = start + length;
    for (let file = this.#fileAt(start); file < this.#files.length; file++) {
      const { offset, length: bytes } = this.#files[file]!;
      if (offset >= end) break;
      const from = Math.max(start, offset);
      const to = Math.min(end, offset + bytes);
      if (to > from) spans.push({ file, offset: from - offset, length: to - from });
    }
    return spans;
  }

  /** The first file that ends after `position`. */
  #fileAt(position: number): number {
    let low = 0;
    let high = this.#files.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { offset, length } = this.#files[middle]!;
      if (offset + length <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
