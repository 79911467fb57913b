/**
 * Makes a torrent of a file or folder: walks it, then reads and hashes every byte once, with two small buffers and
 * in steps short enough for everything else in the process. A file that changes meanwhile ends it, so that what is
 * shared is what was hashed.
 */
import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename, relative, resolve, sep } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { isFault, MonsoonError } from '../base/index.ts';
import {
  encodeInfo,
  type LeftOut,
  METAINFO_BYTES_MAX,
  nameInTorrent,
  pieceLengthFor,
  type Renamed,
  type Survey,
  type TorrentInfo,
} from '../torrent/index.ts';
import { readInfo } from './read-info.ts';
import { type FoundFile, findFiles, orNamed } from './share-walk.ts';

/** Bytes read and hashed in one step: about a millisecond of the process's time. */
const STEP_BYTES = 1024 * 1024;
const HASH_BYTES = 20;
/** Largest info made: with trackers and web seeds around it, it still is a torrent file that we read. */
const INFO_MADE_BYTES_MAX = METAINFO_BYTES_MAX - 512 * 1024;
const ZEROS = Buffer.alloc(STEP_BYTES);

/** How far hashing has come. */
export interface MakingProgress {
  readonly bytesHashed: number;
  readonly bytesTotal: number;
}

export interface MakeOptions {
  readonly isPrivate?: boolean;
  /** Called after each step, at most once per MiB or file. */
  readonly onProgress?: (progress: MakingProgress) => void;
  /** Ends the work; the promise rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** A new torrent and where its content lies. */
export interface MadeTorrent {
  readonly info: TorrentInfo;
  /** Absolute path of each of `info.files`, by index: names on the disk may be ones that our path rule changes. */
  readonly sourcePaths: readonly string[];
  readonly leftOut: LeftOut;
  readonly renamed: Renamed;
  /** Of what was hashed. */
  readonly survey: Survey;
}

/**
 * Makes a v1 torrent. Empty directories are not part of it (BEP 3 has no way to name them); empty files are.
 * Rejects with a MonsoonError: not-found, permission, disk, usage (nothing to share), refused (a name or a count that
 * no torrent can hold), busy (a file changed meanwhile).
 */
export async function makeTorrent(path: string, options: MakeOptions = {}): Promise<MadeTorrent> {
  const root = resolve(path);
  const { files, leftOut, survey } = await findFiles(root, options.signal);
  const bytesTotal = files.reduce((sum, file) => sum + file.length, 0);
  const pieceLength = pieceLengthFor(bytesTotal);
  const pieceHashes = await hashFiles(files, bytesTotal, pieceLength, options);
  const raw = encodeInfo({
    name: nameInTorrent(basename(root)),
    files,
    pieceLength,
    pieceHashes,
    isPrivate: options.isPrivate ?? false,
  });
  if (raw.length > INFO_MADE_BYTES_MAX) throw new MonsoonError('refused', `${root} holds too many files to list`);
  const info = await readInfo(raw);
  if (isFault(info)) throw new MonsoonError('refused', `${root} cannot become a torrent: ${info.text}`);
  const sourcePaths = files.map((file) => file.sourcePath);
  return { info, sourcePaths, leftOut, renamed: renamedIn(root, info, sourcePaths), survey };
}

function renamedIn(root: string, info: TorrentInfo, sourcePaths: readonly string[]): Renamed {
  const ofFiles = info.files.map((file, i) => [relative(root, sourcePaths[i]!), file.path.slice(1).join(sep)] as const);
  const all = [[basename(root), info.name] as const, ...ofFiles].filter(([here, elsewhere]) => here !== elsewhere);
  return { names: all.length, ...(all[0] && { example: all[0] }) };
}

async function hashFiles(
  files: readonly FoundFile[],
  bytesTotal: number,
  pieceLength: number,
  options: MakeOptions,
): Promise<Uint8Array> {
  const hasher = new PieceHasher(bytesTotal, pieceLength);
  const steps = readSteps(files, options.signal);
  let bytesHashed = 0;
  try {
    // The next step is being read while this one is hashed.
    for (let next = steps.next(); ; ) {
      const { value, done } = await next;
      if (done) return await hasher.finish();
      next = steps.next();
      // It may fail while this step is hashed; whoever awaits it next hears of that.
      next.catch(() => undefined);
      await hasher.update(value);
      bytesHashed += value.length;
      options.onProgress?.({ bytesHashed, bytesTotal });
    }
  } finally {
    await steps.return(undefined);
  }
}

/** The files' bytes one after another; a step is valid until the one after the next is asked for. */
async function* readSteps(
  files: readonly FoundFile[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, undefined> {
  const buffers = [Buffer.allocUnsafeSlow(STEP_BYTES), Buffer.allocUnsafeSlow(STEP_BYTES)];
  let turn = 0;
  for (const file of files) {
    const handle = await orNamed(file.sourcePath, openFound(file));
    try {
      const before = await orNamed(file.sourcePath, handle.stat());
      const isSame = before.ino === file.inode && before.size === file.length && before.mtimeMs === file.modifiedMs;
      if (!before.isFile() || !isSame) throw changed(file);
      for (let at = 0; at < file.length; ) {
        signal?.throwIfAborted();
        const buffer = buffers[turn++ % 2]!;
        const wanted = Math.min(STEP_BYTES, file.length - at);
        const { bytesRead } = await orNamed(file.sourcePath, handle.read(buffer, 0, wanted, at));
        if (bytesRead === 0) throw changed(file);
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
      const after = await orNamed(file.sourcePath, handle.stat());
      if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) throw changed(file);
    } finally {
      await handle.close();
    }
  }
}

/** Never follows a link that took a file's place since the walk, and never waits for a pipe's other end. */
function openFound(file: FoundFile): Promise<FileHandle> {
  const noFollow = file.path.length === 0 ? 0 : constants.O_NOFOLLOW;
  return open(file.sourcePath, constants.O_RDONLY | constants.O_NONBLOCK | noFollow);
}

/**
 * Hashes a stream piece by piece. Pieces of zeros are hashed once: comparing is ten times faster than hashing, and
 * sparse disk images of 100 GiB are mostly that.
 */
class PieceHasher {
  readonly #pieceLength: number;
  readonly #hashes: Buffer;
  #hashed = 0;
  #hash: Hash = createHash('sha1');
  /** Bytes of the current piece so far, and how many of them, from its start, are zeros not given to the hash yet. */
  #filled = 0;
  #zeros = 0;
  #hashOfZeros: Buffer | undefined;

  constructor(bytesTotal: number, pieceLength: number) {
    this.#pieceLength = pieceLength;
    this.#hashes = Buffer.alloc(Math.ceil(bytesTotal / pieceLength) * HASH_BYTES);
  }

  async update(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length; ) {
      const part = bytes.subarray(from, from + this.#pieceLength - this.#filled);
      await this.#take(part);
      this.#filled += part.length;
      from += part.length;
      if (this.#filled === this.#pieceLength) await this.#endPiece();
    }
  }

  async finish(): Promise<Uint8Array> {
    if (this.#filled > 0) await this.#endPiece();
    return this.#hashes;
  }

  async #take(part: Uint8Array): Promise<void> {
    if (this.#zeros === this.#filled && ZEROS.compare(part, 0, part.length, 0, part.length) === 0) {
      this.#zeros += part.length;
      return;
    }
    await this.#hashZeros();
    this.#hash.update(part);
  }

  async #endPiece(): Promise<void> {
    const isWholeOfZeros = this.#zeros === this.#pieceLength;
    let digest = isWholeOfZeros ? this.#hashOfZeros : undefined;
    if (!digest) {
      await this.#hashZeros();
      digest = this.#hash.digest();
      this.#hash = createHash('sha1');
      if (isWholeOfZeros) this.#hashOfZeros = digest;
    }
    digest.copy(this.#hashes, this.#hashed++ * HASH_BYTES);
    this.#filled = 0;
    this.#zeros = 0;
  }

  /** A piece's worth at once would hold the process up. */
  async #hashZeros(): Promise<void> {
    while (this.#zeros > 0) {
      const length = Math.min(this.#zeros, STEP_BYTES);
      this.#hash.update(ZEROS.subarray(0, length));
      this.#zeros -= length;
      if (this.#zeros > 0) await setImmediate();
    }
  }
}

function changed(file: FoundFile): MonsoonError {
  return new MonsoonError('busy', `${file.sourcePath} changed while it was read; share it again when it is at rest`);
}
