/**
 * New torrents (BEP 3): the same folder gives the same bytes, and so the same info hash, on every node. For that
 * files have one order, the piece length follows from the size, and nothing optional is written.
 * Empty directories cannot be expressed in a v1 torrent and are not.
 */
import { assert, encodeBencode } from '../base/index.ts';
import { HASH_OF_NOTHING } from './info.ts';

const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;
const PIECE_LENGTH_MIN = 16 * 1024;
const PIECE_LENGTH_MAX = 16 * 1024 * 1024;
/** Few enough for small metadata, many enough to spread over peers and to lose little by a bad one. */
const PIECES_WANTED_MAX = 2048;

/** What of a folder a torrent does not hold. */
export interface LeftOut {
  readonly links: number;
  readonly emptyFolders: number;
  /** Pipes, sockets and devices. */
  readonly others: number;
}

/** Names that others see changed, since not every system can hold them as they are here (path.ts). */
export interface Renamed {
  /** The torrent's own name, and files whose path is another one. */
  readonly names: number;
  /** One of them: what it is called here, and by others. */
  readonly example?: readonly [here: string, elsewhere: string];
}

/** A file to put into a torrent. */
export interface NewFile {
  /** Elements below the torrent's name, each as `nameInTorrent` has it; empty when the torrent is this one file. */
  readonly path: readonly string[];
  /** Bytes. */
  readonly length: number;
}

/** What goes into a new info dictionary. */
export interface NewInfo {
  /** As `nameInTorrent` has it; each reader cleans it by its own rules. */
  readonly name: string;
  /** Sorted by `compareFiles`. */
  readonly files: readonly NewFile[];
  /** Bytes. */
  readonly pieceLength: number;
  /** 20 bytes per piece; empty when all files are. */
  readonly pieceHashes: Uint8Array;
  readonly isPrivate: boolean;
}

/** A name of the disk as a torrent has it: the same, but for line breaks and other control characters, which clients refuse. */
export function nameInTorrent(name: string): string {
  return name.replace(CONTROLS, '_');
}

/** Bytes per piece for so many bytes: a power of two from 16 KiB to 16 MiB that makes 1,024 to 2,048 pieces. */
export function pieceLengthFor(sizeBytes: number): number {
  let pieceLength = PIECE_LENGTH_MIN;
  while (pieceLength < PIECE_LENGTH_MAX && sizeBytes > pieceLength * PIECES_WANTED_MAX) pieceLength *= 2;
  return pieceLength;
}

/** The order of files in our torrents: element by element, each by its UTF-8 bytes; a v2 file tree's order too. */
export function compareFiles(a: NewFile, b: NewFile): number {
  for (let depth = 0; depth < a.path.length && depth < b.path.length; depth++) {
    const order = compareByUtf8(a.path[depth]!, b.path[depth]!);
    if (order !== 0) return order;
  }
  return a.path.length - b.path.length;
}

/** The info dictionary's bytes. */
export function encodeInfo(info: NewInfo): Uint8Array<ArrayBuffer> {
  const [first, ...others] = info.files;
  assert(first, 'a torrent has a file');
  assert(
    others.every((file, i) => compareFiles(info.files[i]!, file) < 0),
    'files of a new torrent are sorted',
  );
  const isSingle = first.path.length === 0;
  const isEmpty = info.files.every((file) => file.length === 0);
  return encodeBencode({
    files: isSingle ? undefined : info.files.map(({ length, path }) => ({ length, path })),
    length: isSingle ? first.length : undefined,
    name: info.name,
    'piece length': info.pieceLength,
    pieces: isEmpty ? HASH_OF_NOTHING : info.pieceHashes,
    private: info.isPrivate ? 1 : undefined,
  });
}

function compareByUtf8(a: string, b: string): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const order = utf8Rank(a.charCodeAt(i)) - utf8Rank(b.charCodeAt(i));
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** UTF-16 units in the order of the UTF-8 they stand for: surrogates, which start four bytes, come last. */
function utf8Rank(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800;
  return unit >= 0xd800 ? unit + 0x2000 : unit;
}
