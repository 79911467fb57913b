/**
 * A torrent's bytes in files: positioned reads and writes over its byte stream. Invariants: nothing is opened outside
 * the torrent's own files, no symbolic link is followed below the download directory, padding is never on disk.
 */

import * as fs from 'node:fs';
import { constants, type Stats } from 'node:fs';
import { lstat, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { assert, MonsoonError } from '../base/index.ts';
import { Layout, PRIORITY, type Priority, type TorrentInfo } from '../torrent/index.ts';
import { makeFolders } from './make-folders.ts';
import { OpenFiles } from './open-files.ts';
import { Turnstile } from './turnstile.ts';

/** Windows syncs through writable handles only; elsewhere files that we may only read are synced too. */
const SYNC_NEEDS_WRITING = process.platform === 'win32';
/** Files that the system is asked about at a time. */
const STATS_AT_ONCE = 64;

const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR } = constants;

/** What a torrent's disk does with its bytes: a FileStore, or a test's idea of a bad disk. */
export type Store = Pick<FileStore, keyof FileStore>;

/** Where a torrent's content is. */
export interface Content {
  readonly info: TorrentInfo;
  /** Absolute folder below which the torrent's paths are. */
  readonly directory: string;
  /** Absolute path per file where content is shared in place; then nothing is ever written. */
  readonly sourcePaths: readonly string[];
}

/** A place in an open file. */
export interface FilePlace {
  readonly fd: number;
  readonly position: number;
}

/** Reads and writes one torrent's byte stream. */
export class FileStore {
  readonly layout: Layout;
  #content: Content;
  readonly #writing = new Turnstile();
  readonly #files: OpenFiles = new OpenFiles((file, isWriting) => this.#openFile(file, isWriting));

  constructor(content: Content) {
    this.#content = content;
    this.layout = new Layout(content.info);
  }

  get isReadOnly(): boolean {
    return this.#content.sourcePaths.length > 0;
  }

  /** The absolute path of one file. */
  pathOf(file: number): string {
    const { directory, info, sourcePaths } = this.#content;
    return sourcePaths[file] ?? join(directory, ...info.files[file]!.path);
  }

  /** Fills `views`, which together hold `length` bytes, from `start` of the byte stream. */
  async read(start: number, views: readonly Uint8Array[], length: number): Promise<void> {
    const rest = [...views];
    for (const span of this.layout.spans(start, length)) {
      const part = span.length === length ? views : takeBytes(rest, span.length);
      if (this.#content.info.files[span.file]!.isPadding) {
        for (const view of part) view.fill(0);
        continue;
      }
      await this.#using(span.file, false, (fd) =>
        readFully(fd, part, span.offset, span.length, this.pathOf(span.file)),
      );
    }
  }

  /** Writes bytes at `start` of the byte stream. */
  async write(start: number, bytes: Uint8Array): Promise<void> {
    assert(!this.isReadOnly, 'content shared in place is never written');
    let at = 0;
    for (const span of this.layout.spans(start, bytes.length)) {
      const part = bytes.subarray(at, at + span.length);
      at += span.length;
      if (this.#content.info.files[span.file]!.isPadding) continue;
      await this.#writing.pass(() => this.#using(span.file, true, (fd) => writeFully(fd, part, span.offset)));
    }
  }

  /**
   * Runs `use` with where a stretch of the byte stream lies in its one file, which stays open for writing meanwhile; with
   * undefined where it lies in several, is padding, or the file cannot be opened.
   */
  async lend<Result>(
    start: number,
    length: number,
    use: (place: FilePlace | undefined) => Promise<Result>,
  ): Promise<Result> {
    assert(!this.isReadOnly, 'content shared in place is never written');
    const [span, ...others] = this.layout.spans(start, length);
    if (!span || others.length > 0 || this.#content.info.files[span.file]!.isPadding) return use(undefined);
    let isOpen = false;
    try {
      return await this.#using(span.file, true, (fd) => {
        isOpen = true;
        return use({ fd, position: span.offset });
      });
    } catch (error) {
      if (isOpen) throw error;
      return use(undefined);
    }
  }

  /**
   * Forces what was written of some pieces onto the disk. After a failure the system may have forgotten what it could
   * not write, so that a second sync which succeeds proves nothing: the pieces have to be written again.
   */
  async sync(pieces: Iterable<number>): Promise<void> {
    const files = new Set<number>();
    for (const piece of pieces) {
      for (const { file } of this.layout.spans(this.layout.startOf(piece), this.layout.bytesOf(piece))) files.add(file);
    }
    for (const file of files) {
      if (this.#content.info.files[file]!.isPadding) continue;
      await this.#using(file, SYNC_NEEDS_WRITING, (fd) => callback((done) => fs.fdatasync(fd, done)));
    }
  }

  /** Makes wanted files without bytes, which no write ever would. */
  async createEmptyFiles(priorities: readonly Priority[]): Promise<void> {
    if (this.isReadOnly) return;
    for (const [file, { length, isPadding, symlinkTarget }] of this.#content.info.files.entries()) {
      if (priorities[file] === PRIORITY.skip || length > 0 || isPadding || symlinkTarget !== undefined) continue;
      await this.#using(file, true, async () => {});
    }
  }

  /** Size and modification time of every file; undefined where there is none. */
  async stats(): Promise<(Stats | undefined)[]> {
    const stats: (Stats | undefined)[] = [];
    const absentFolders = new Set<string>();
    const files = [...this.#content.info.files.entries()];
    for (let from = 0; from < files.length; from += STATS_AT_ONCE) {
      const some = files.slice(from, from + STATS_AT_ONCE);
      const asked = some.map(([file, { isPadding }]) => (isPadding ? undefined : this.#statOf(file, absentFolders)));
      stats.push(...(await Promise.all(asked)));
      // Where a folder is absent nothing is waited for.
      await turn();
    }
    return stats;
  }

  /** @param absentFolders asked for once, because a new torrent has none of its files yet */
  async #statOf(file: number, absentFolders: Set<string>): Promise<Stats | undefined> {
    const path = this.pathOf(file);
    const folder = dirname(path);
    if (absentFolders.has(folder)) return undefined;
    const found = await stat(path).catch(() => undefined);
    if (!found && !(await stat(folder).catch(() => undefined))) absentFolders.add(folder);
    return found;
  }

  /** The same content is below another folder from now on. */
  moveTo(directory: string): void {
    this.#content = { ...this.#content, directory };
    this.#files.renew();
  }

  /** Closes the files that nobody uses. */
  rest(): void {
    this.#files.rest();
  }

  /** Refuses what comes from now on; resolves when what is under way is done and every file is closed. */
  close(): Promise<void> {
    return this.#files.close();
  }

  async #using<Result>(file: number, isWriting: boolean, use: (fd: number) => Promise<Result>): Promise<Result> {
    if (this.#files.isClosed) throw new MonsoonError('disk', `${this.pathOf(file)} was closed`);
    try {
      return await this.#files.using(file, isWriting, use);
    } catch (error) {
      throw diskError(error, this.pathOf(file));
    }
  }

  async #openFile(file: number, isWriting: boolean): Promise<number> {
    if (!this.isReadOnly) await this.#makeParents(file, isWriting);
    // Without O_NONBLOCK, opening a pipe that took a file's place would block a thread for ever.
    const flags = (isWriting ? O_RDWR | O_CREAT : O_RDONLY) | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0);
    return callbackOf<number>((done) => fs.open(this.pathOf(file), flags, 0o666, done));
  }

  /** Makes or checks each folder between the download directory and the file: none may be a symbolic link. */
  async #makeParents(file: number, isWriting: boolean): Promise<void> {
    const { directory, info } = this.#content;
    if (isWriting) await makeFolders(directory);
    let folder = directory;
    for (const element of info.files[file]!.path.slice(0, -1)) {
      folder = join(folder, element);
      if (isWriting) await mkdir(folder).catch(ignoreExisting);
      if (!(await lstat(folder)).isDirectory())
        throw new MonsoonError('disk', `${folder} is not a folder; move it away`);
    }
  }
}

/** Takes `length` bytes of views off the front of `views`, cutting one where needed. */
function takeBytes(views: Uint8Array[], length: number): Uint8Array[] {
  const taken: Uint8Array[] = [];
  let left = length;
  while (left > 0) {
    const view = views.shift();
    assert(view !== undefined, 'the views hold as many bytes as the stretch');
    taken.push(view.subarray(0, left));
    if (view.length > left) views.unshift(view.subarray(left));
    left -= Math.min(left, view.length);
  }
  return taken;
}

async function readFully(
  fd: number,
  views: readonly Uint8Array[],
  position: number,
  length: number,
  path: string,
): Promise<void> {
  let done = 0;
  let rest: readonly Uint8Array[] = views;
  while (done < length) {
    const read = await callbackOf<number>((settle) => fs.readv(fd, rest, position + done, settle));
    if (read === 0) throw new MonsoonError('disk', `${path} is shorter than it was; check the torrent again`);
    done += read;
    if (done < length) {
      const tail = [...rest];
      takeBytes(tail, read);
      rest = tail;
    }
  }
}

async function writeFully(fd: number, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += await callbackOf<number>((settle) =>
      fs.write(fd, bytes, done, bytes.length - done, position + done, settle),
    );
  }
}

function callback(start: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => start((error) => (error ? reject(error) : resolve())));
}

function callbackOf<Value>(start: (done: (error: Error | null, value: Value) => void) => void): Promise<Value> {
  return new Promise((resolve, reject) => start((error, value) => (error ? reject(error) : resolve(value))));
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

/** A disk failure as a person should read it. */
export function diskError(error: unknown, path: string): MonsoonError {
  if (error instanceof MonsoonError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  const text =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? `the disk is full: ${path}. Free some space; the transfer goes on by itself`
      : code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
        ? `no permission for ${path}. Change it, or choose another folder`
        : code === 'ELOOP'
          ? `${path} is a symbolic link, which is not followed. Move it away`
          : code === 'ENOENT'
            ? `${path} is gone. Put it back, or remove the torrent`
            : code === 'EEXIST' || code === 'ENOTDIR' || code === 'EISDIR'
              ? `${path} cannot be opened: a file is where a folder has to be, or the other way round. Move it away`
              : `${path}: ${(error as Error).message}`;
  return new MonsoonError('disk', text, error);
}
