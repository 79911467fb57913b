/**
 * The info dictionary of a torrent (BEP 3, 27, 47, 52): from raw bytes to a type that proves every check was done.
 * Whoever holds a TorrentInfo may trust its sizes, counts and paths; where files lie on a disk is not known here.
 * Hybrid torrents are read as v1 after a consistency check; v2-only ones are refused.
 */
import {
  type BencodeDict,
  type BencodeValue,
  bencodeSteps,
  bytesOfHex,
  equalBytes,
  fault,
  finish,
  type InfoHash,
  infoHashOfBytes,
  isFault,
  type Sha1,
  type Steps,
} from '../base/index.ts';
import { agreesWithFileTree } from './hybrid.ts';
import { cleanPathElement, distinctPaths, NAMELESS, NAMESAKES_MAX, utf8Length } from './path.ts';
import {
  FILES_A_STEP,
  type InfoFault,
  malformed,
  RAW_PATH_BYTES_MAX,
  type RawFile,
  rawFilesOf,
  TORRENT_TOKENS_MAX,
} from './raw-file.ts';

export type { Sha1 } from '../base/index.ts';

/** Largest info dictionary read, from a file or from peers (BEP 9). */
export const INFO_BYTES_MAX: number = 16 * 1024 * 1024;
/** Most pieces; with 16 KiB pieces that is 32 GiB, with 16 MiB ones 32 TiB. */
export const PIECES_MAX = 2_097_152;
/** Longest piece: one has to fit into memory while it is checked. */
export const PIECE_LENGTH_MAX: number = 512 * 1024 * 1024;
/** Longest path in UTF-8 bytes: leaves 1 KiB of Linux's 4,096 for the download directory. */
export const PATH_BYTES_MAX = 3072;
const HASH_BYTES = 20;
/** SHA-1 of no bytes: what `pieces` holds in a torrent that means to have none. */
export const HASH_OF_NOTHING: Uint8Array = bytesOfHex('da39a3ee5e6b4b0d3255bfef95601890afd80709')!;

/** One file of a torrent. */
export interface TorrentFile {
  /**
   * Cleaned elements below the download directory; the first is the torrent's name. Distinct on every disk from all
   * other files' paths, except for padding, which no disk sees.
   */
  readonly path: readonly string[];
  /** Bytes. */
  readonly length: number;
  /** Bytes before it in the torrent's byte stream. */
  readonly offset: number;
  /** True for filler between files (BEP 47): its bytes are zero and it is never written. */
  readonly isPadding: boolean;
  /** Where a symbolic link points (BEP 47), as cleaned elements like `path`; such a file has no bytes. */
  readonly symlinkTarget?: readonly string[];
}

/** A checked info dictionary. */
export interface TorrentInfo {
  readonly infoHash: InfoHash;
  /** The cleaned name: one path element. */
  readonly name: string;
  /** Bytes of all files, padding included. */
  readonly length: number;
  /** Bytes of every piece but the last. */
  readonly pieceLength: number;
  /** 0 only for a torrent without bytes. */
  readonly pieceCount: number;
  /** 20 bytes per piece. */
  readonly pieceHashes: Uint8Array;
  /** In the order of the byte stream; at least one. */
  readonly files: readonly TorrentFile[];
  /** True when peers may come from trackers only (BEP 27). */
  readonly isPrivate: boolean;
  /** The exact bytes that the info hash is taken over. */
  readonly raw: Uint8Array;
}

/** Checks a raw info dictionary; keys may stand in any order, since the hash is taken over the bytes as they are. */
export function parseInfo(raw: Uint8Array, sha1: Sha1): TorrentInfo | InfoFault {
  return finish(infoSteps(raw, sha1));
}

/** The same in steps: what strangers hand over takes up to half a second. */
export function* infoSteps(raw: Uint8Array, sha1: Sha1): Steps<TorrentInfo | InfoFault> {
  if (raw.length > INFO_BYTES_MAX) return fault('torrent-too-large', `the info has over ${INFO_BYTES_MAX} bytes`);
  const decoded = yield* bencodeSteps(raw, { anyKeyOrder: true, tokensMax: TORRENT_TOKENS_MAX });
  if (isFault(decoded)) return malformed(`the info is not bencoded: ${decoded.text}`);
  return yield* infoOfValue(decoded.value, raw, sha1);
}

/** The same for a dictionary that was decoded with the file around it. */
export function* infoOfValue(dict: BencodeValue, raw: Uint8Array, sha1: Sha1): Steps<TorrentInfo | InfoFault> {
  if (!(dict instanceof Map)) return malformed('the info is not a dictionary');
  const rawName = dict.get('name.utf-8') ?? dict.get('name');
  if (!(rawName instanceof Uint8Array) || rawName.length === 0) return malformed('the name is missing');
  if (rawName.length > RAW_PATH_BYTES_MAX) return malformed(`the name has over ${RAW_PATH_BYTES_MAX} bytes`);
  const version = dict.get('meta version') ?? 1;
  if (version !== 1 && version !== 2) return malformed('the meta version is unknown');
  if (!dict.has('pieces') && version === 2) return fault('torrent-v2-only', 'this is a v2-only torrent (BEP 52)');
  const rawFiles = yield* rawFilesOf(dict);
  if (isFault(rawFiles)) return rawFiles;
  const pieces = piecesOf(dict, rawFiles);
  if (isFault(pieces)) return pieces;
  if (version === 2 && !(yield* agreesWithFileTree(dict.get('file tree'), rawName, rawFiles, pieces.pieceLength))) {
    return fault('torrent-inconsistent', 'the v1 and v2 halves name different files');
  }
  const infoHash = infoHashOfBytes(sha1(raw))!;
  const name = torrentName(rawName, infoHash);
  const files = yield* filesOf(name, rawFiles);
  if (isFault(files)) return files;
  return { infoHash, name, ...pieces, files, isPrivate: dict.get('private') === 1, raw };
}

type Pieces = Pick<TorrentInfo, 'length' | 'pieceLength' | 'pieceCount' | 'pieceHashes'>;

function piecesOf(dict: BencodeDict, files: readonly RawFile[]): Pieces | InfoFault {
  const length = files.reduce((sum, file) => sum + file.length, 0);
  if (!Number.isSafeInteger(length)) return fault('torrent-too-large', 'the lengths add up to over 2^53');
  const pieceLength = dict.get('piece length');
  if (typeof pieceLength !== 'number' || pieceLength <= 0) return malformed('the piece length is missing or wrong');
  if (pieceLength > PIECE_LENGTH_MAX) return fault('torrent-too-large', `a piece has over ${PIECE_LENGTH_MAX} bytes`);
  const pieceHashes = dict.get('pieces');
  if (!(pieceHashes instanceof Uint8Array)) return malformed('the piece hashes are missing');
  if (length === 0) return piecesOfNothing(pieceLength, pieceHashes);
  const pieceCount = Math.ceil(length / pieceLength);
  if (pieceCount > PIECES_MAX) return fault('torrent-too-large', `over ${PIECES_MAX} pieces`);
  if (pieceHashes.length !== pieceCount * HASH_BYTES) {
    return fault('torrent-inconsistent', `${pieceHashes.length} bytes of hashes for ${pieceCount} pieces`);
  }
  return { length, pieceLength, pieceCount, pieceHashes };
}

/**
 * A torrent without bytes is refused, as every client does, unless it says that it means it: its one hash is the
 * hash of nothing. That is how `encodeInfo` writes a share that holds empty files only.
 */
function piecesOfNothing(pieceLength: number, pieceHashes: Uint8Array): Pieces | InfoFault {
  if (!equalBytes(pieceHashes, HASH_OF_NOTHING)) return malformed('the torrent has no bytes');
  return { length: 0, pieceLength, pieceCount: 0, pieceHashes: new Uint8Array(0) };
}

/** The cleaned name; the info hash where nothing of it is left, so that two such torrents do not meet. */
function torrentName(rawName: Uint8Array, infoHash: InfoHash): string {
  const name = cleanPathElement(rawName);
  return name === NAMELESS ? infoHash : name;
}

function* filesOf(name: string, rawFiles: readonly RawFile[]): Steps<TorrentFile[] | InfoFault> {
  const cleaned: string[][] = [];
  for (const [i, { path }] of rawFiles.entries()) {
    if (i % FILES_A_STEP === 0) yield;
    cleaned.push([name, ...path.map(cleanPathElement)]);
  }
  const onDisk = yield* distinctPaths(cleaned.filter((_, i) => !rawFiles[i]!.isPadding));
  if (!onDisk) return fault('torrent-namesakes', `over ${NAMESAKES_MAX} files want one name`);
  const files: TorrentFile[] = [];
  let offset = 0;
  let next = 0;
  for (const [i, { length, isPadding, symlinkTarget }] of rawFiles.entries()) {
    if (i % FILES_A_STEP === 0) yield;
    const path = isPadding ? cleaned[i]! : onDisk[next++]!;
    if (utf8Length(path.join('/')) > PATH_BYTES_MAX) {
      return fault('torrent-too-large', `file ${i} has a path of over ${PATH_BYTES_MAX} bytes`);
    }
    const file = { path, length, offset, isPadding };
    files.push(symlinkTarget ? { ...file, symlinkTarget: [name, ...symlinkTarget.map(cleanPathElement)] } : file);
    offset += length;
  }
  return files;
}
