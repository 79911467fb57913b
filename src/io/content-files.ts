/**
 * A torrent's files as a whole: placed in another folder, and deleted. Invariants: only files that the torrent names
 * are touched, and none behind a symbolic link; placing changes nothing in the old folder, so that whoever fails or
 * dies in the middle has lost nothing.
 */
import type { Stats } from 'node:fs';
import { type FileHandle, link, lstat, open, rename, rmdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MonsoonError } from '../base/index.ts';
import type { TorrentInfo } from '../torrent/index.ts';
import { syncFolder } from './atomic-file.ts';
import { diskError } from './file-store.ts';
import { makeFolders } from './make-folders.ts';

const COPY_BYTES = 4_194_304;
const UNFINISHED = '.monsoon-moving';
/** Why a second name for a file cannot be made: another file system, or one that knows no such names. */
const UNLINKABLE: ReadonlySet<unknown> = new Set(['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS']);

/** How a move goes. */
export interface MoveWatch {
  /** An earlier attempt may have placed some of it: what is the same is taken as placed. */
  readonly isResumed: boolean;
  progress(share: number): void;
  /** True when it is to stop where it is; it goes on from there when it is resumed. */
  isCancelled(): boolean;
}

/** A move was cancelled: what it has done stays for the next attempt. */
export class MoveCancelled extends Error {}

/** Paths that have a file on disk, relative to the torrent's folder. */
function contentPaths(info: TorrentInfo): string[] {
  return info.files
    .filter(({ isPadding, symlinkTarget }) => !isPadding && symlinkTarget === undefined)
    .map(({ path }) => join(...path));
}

/**
 * Gives each file a second name below `to`, or copies it where that is another file system; resolves when all of it
 * would survive a power cut. Rejects with a MonsoonError after taking back what it placed, or with MoveCancelled.
 */
export async function placeContent(info: TorrentInfo, from: string, to: string, watch: MoveWatch): Promise<void> {
  const placed: string[] = [];
  const folders = new Set<string>();
  let doneBytes = 0;
  try {
    for (const path of contentPaths(info)) {
      if (watch.isCancelled()) throw new MoveCancelled();
      const [source, target] = [join(from, path), join(to, path)];
      const found = await lstatIfThere(source);
      if (found?.isFile() && !(await isThere(found, target, watch.isResumed))) {
        await noteFolders(to, path, folders);
        await makeFolders(dirname(target));
        placed.push(target);
        await place(source, target, found, watch, (bytes) => watch.progress((doneBytes + bytes) / info.length));
      }
      await noteFolders(to, path, folders);
      doneBytes += found?.size ?? 0;
      watch.progress(Math.min(1, doneBytes / Math.max(1, info.length)));
    }
    for (const folder of [...folders, to]) if (await lstatIfThere(folder)) await syncFolder(folder);
  } catch (error) {
    if (error instanceof MoveCancelled) throw error;
    for (const target of placed) await unlink(target).catch(() => undefined);
    await removeEmpty(folders);
    if (error instanceof MonsoonError) throw error;
    const { path = to } = error as NodeJS.ErrnoException;
    throw new MonsoonError('disk', `The files could not be moved to ${to}: ${diskError(error, path).message}.`, error);
  }
}

/** Deletes the files below `from` that are also below `to`. */
export async function clearMoved(info: TorrentInfo, from: string, to: string): Promise<void> {
  await deleteFiles(info, from, async (path) => (await lstatIfThere(join(to, path)))?.isFile() === true);
}

/** Deletes the torrent's files below `directory`, and the folders that this leaves empty. */
export async function deleteContent(info: TorrentInfo, directory: string): Promise<void> {
  await deleteFiles(info, directory, async () => true);
}

async function deleteFiles(
  info: TorrentInfo,
  directory: string,
  mayGo: (path: string) => Promise<boolean>,
): Promise<void> {
  const folders = new Set<string>();
  for (const path of contentPaths(info)) {
    await noteFolders(directory, path, folders);
    if (!(await mayGo(path))) continue;
    await unlink(join(directory, path)).catch(ignoring('ENOENT', 'ENOTDIR'));
  }
  await removeEmpty(folders);
}

/** Notes the folders between the torrent's folder and a file; a link among them would lead somewhere else. */
async function noteFolders(directory: string, path: string, folders: Set<string>): Promise<void> {
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
    const whole = join(directory, folder);
    if (folders.has(whole)) return;
    const found = await lstatIfThere(whole);
    if (found && !found.isDirectory()) {
      throw new MonsoonError('refused', `${whole} is not a folder of the torrent; nothing behind it is touched.`);
    }
    if (found) folders.add(whole);
  }
}

/** The deepest first: a folder is empty only after those in it are gone. */
async function removeEmpty(folders: ReadonlySet<string>): Promise<void> {
  for (const folder of [...folders].toSorted((a, b) => b.length - a.length)) {
    await rmdir(folder).catch(ignoring('ENOENT', 'ENOTEMPTY', 'EEXIST'));
  }
}

/** True when an earlier attempt placed it; anything else at its place is somebody's file. */
async function isThere(source: Stats, target: string, isResumed: boolean): Promise<boolean> {
  const there = await lstatIfThere(target);
  if (!there) return false;
  const isSameFile = there.ino === source.ino && there.dev === source.dev;
  const isCopy = there.size === source.size && Math.floor(there.mtimeMs) === Math.floor(source.mtimeMs);
  if (isResumed && there.isFile() && (isSameFile || isCopy)) return true;
  throw new MonsoonError('refused', `${target} is there already. Move it away, or choose another folder.`);
}

async function place(
  source: string,
  target: string,
  found: Stats,
  watch: MoveWatch,
  progress: (bytes: number) => void,
): Promise<void> {
  try {
    return await link(source, target);
  } catch (error) {
    if (!UNLINKABLE.has((error as NodeJS.ErrnoException).code)) throw error;
  }
  const unfinished = `${target}${UNFINISHED}`;
  try {
    await copySynced(source, unfinished, found, watch, progress);
    await rename(unfinished, target);
  } catch (error) {
    await unlink(unfinished).catch(() => undefined);
    throw error;
  }
}

/** Copies bytes and modification time; what is all zeros stays a hole. */
async function copySynced(
  source: string,
  target: string,
  { size, atimeMs, mtimeMs }: Stats,
  watch: MoveWatch,
  progress: (bytes: number) => void,
): Promise<void> {
  await using input = await open(source, 'r');
  await using output = await open(target, 'w');
  const buffer = Buffer.allocUnsafe(COPY_BYTES);
  const zeros = Buffer.alloc(COPY_BYTES);
  for (let at = 0; at < size; ) {
    if (watch.isCancelled()) throw new MoveCancelled();
    const { bytesRead } = await input.read(buffer, 0, COPY_BYTES, at);
    if (bytesRead === 0) throw new MonsoonError('disk', `${source} became shorter while it was copied.`);
    const bytes = buffer.subarray(0, bytesRead);
    if (!bytes.equals(zeros.subarray(0, bytesRead))) await writeAll(output, bytes, at);
    at += bytesRead;
    progress(at);
  }
  await output.truncate(size);
  // The middle of the millisecond: seconds as a fraction may fall just short of its beginning.
  await output.utimes(atimeMs / 1000, (Math.floor(mtimeMs) + 0.5) / 1000);
  await output.sync();
}

async function writeAll(output: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await output.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

function lstatIfThere(path: string): Promise<Stats | undefined> {
  return lstat(path).catch(ignoring('ENOENT', 'ENOTDIR'));
}

function ignoring(...codes: string[]): (error: NodeJS.ErrnoException) => undefined {
  return (error) => {
    if (codes.includes(error.code ?? '')) return undefined;
    throw diskError(error, error.path ?? 'a file');
  };
}
