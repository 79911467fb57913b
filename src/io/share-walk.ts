/**
 * The files of a file or folder that is shared, as a torrent would hold them, and what tells whether they changed. Links,
 * pipes and devices are left out: a link may lead outside of what the user chose.
 */
import type { Stats } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, sep } from 'node:path';
import { hex, lossyTextOfUtf8, MonsoonError, textOfUtf8, utf8 } from '../base/index.ts';
import { compareFiles, FILES_MAX, type LeftOut, type NewFile, nameInTorrent, type Survey } from '../torrent/index.ts';
import { sha1 } from './hash.ts';

/** Deepest folder entered below the chosen one. */
const DEPTH_MAX = 98;
const FINGERPRINT_BYTES = 20;

export interface FoundFile extends NewFile {
  readonly sourcePath: string;
  readonly modifiedMs: number;
  /** Which file it is, whatever has its name later. */
  readonly inode: number;
}

/** What a walk found. */
export interface Found {
  readonly files: FoundFile[];
  readonly leftOut: LeftOut;
  /** Absolute paths of the folder that was chosen and of those in it; of a file behind a link, the one that has it. */
  readonly folders: readonly string[];
  readonly survey: Survey;
}

/** What lies at a place, and in which folders; rejects with a MonsoonError where that cannot be told. */
export async function surveyShare(path: string, signal: AbortSignal): Promise<Pick<Found, 'folders' | 'survey'>> {
  try {
    const { files, folders, survey } = await walk(path, signal);
    // Nothing in it, as where a disk is mounted at other times.
    return { folders, survey: files.length === 0 ? undefined : survey };
  } catch (error) {
    // It may be a file that went while we walked.
    const isGone = await stat(path).then(
      () => false,
      ({ code }: NodeJS.ErrnoException) => code === 'ENOENT' || code === 'ENOTDIR',
    );
    if (isGone) return { folders: [], survey: undefined };
    throw error;
  }
}

/** The files of a new torrent in its order; a chosen link is followed, links inside a folder are not. */
export async function findFiles(root: string, signal: AbortSignal | undefined): Promise<Found> {
  const found = await walk(root, signal);
  if (found.files.length === 0) throw new MonsoonError('usage', `${root} holds no files, so there is nothing to share`);
  return { ...found, files: sorted(found.files) };
}

/** Every file once, in no order. */
async function walk(root: string, signal: AbortSignal | undefined): Promise<Found> {
  const chosen = await orNamed(root, stat(root));
  if (basename(root) === '') throw new MonsoonError('usage', 'a whole file system cannot be shared; choose a folder');
  const leftOut = { links: 0, emptyFolders: 0, others: 0 };
  const print = new Fingerprint();
  if (chosen.isFile()) {
    print.add('', chosen);
    const real = await orNamed(root, realpath(root));
    const folders = real === root ? [] : [dirname(real)];
    return { files: [foundFile([], root, chosen)], leftOut, folders, survey: print.text };
  }
  if (!chosen.isDirectory()) throw new MonsoonError('usage', `${root} is neither a file nor a folder`);
  const files: FoundFile[] = [];
  /** By their names on the disk. */
  const folders: string[][] = [[]];
  const entered: string[] = [];
  for (let folder = folders.pop(); folder; folder = folders.pop()) {
    const directory = [root, ...folder].join(sep);
    entered.push(directory);
    const entries = await orNamed(directory, readdir(directory, { withFileTypes: true, encoding: 'buffer' }));
    if (entries.length === 0) leftOut.emptyFolders++;
    for (const entry of entries) {
      signal?.throwIfAborted();
      if (!entry.isFile() && !entry.isDirectory()) {
        leftOut[entry.isSymbolicLink() ? 'links' : 'others']++;
        continue;
      }
      const entryPath = [...folder, nameOf(entry.name, directory)];
      const sourcePath = [root, ...entryPath].join(sep);
      if (entryPath.length > DEPTH_MAX) throw new MonsoonError('refused', `${sourcePath} lies too deep for a torrent`);
      if (entry.isDirectory()) folders.push(entryPath);
      else {
        const stats = await orNamed(sourcePath, lstat(sourcePath));
        print.add(entryPath.join(sep), stats);
        files.push(foundFile(entryPath.map(nameInTorrent), sourcePath, stats));
      }
      if (files.length + folders.length > FILES_MAX)
        throw new MonsoonError('refused', `${root} holds over ${FILES_MAX} files and folders`);
    }
  }
  return { files, leftOut, folders: entered, survey: print.text };
}

function foundFile(path: readonly string[], sourcePath: string, { size, mtimeMs, ino }: Stats): FoundFile {
  return { path, length: size, sourcePath, modifiedMs: mtimeMs, inode: ino };
}

/** Of names, sizes, times and inodes, in whichever order they come. */
class Fingerprint {
  readonly #sum = new Uint8Array(FINGERPRINT_BYTES);

  add(path: string, { size, mtimeMs, ino }: Stats): void {
    const print = sha1(utf8([path, size, mtimeMs, ino].join('\0')));
    for (let i = 0; i < this.#sum.length; i++) this.#sum[i]! ^= print[i]!;
  }

  get text(): string {
    return hex(this.#sum);
  }
}

/** In the order of the torrent, where each has a name of its own. */
function sorted(files: FoundFile[]): FoundFile[] {
  files.sort(compareFiles);
  for (const [i, next] of files.slice(1).entries()) {
    if (compareFiles(files[i]!, next) < 0) continue;
    const [changed] = [files[i]!, next].filter(({ sourcePath }) => nameInTorrent(sourcePath) !== sourcePath);
    throw new MonsoonError(
      'refused',
      `${JSON.stringify(changed?.sourcePath)} would have the name of another file without its line breaks and the like; rename it`,
    );
  }
  return files;
}

/** A torrent's names are UTF-8; another name could not be found again by what the torrent says. */
function nameOf(bytes: Uint8Array, directory: string): string {
  const name = textOfUtf8(bytes);
  if (name !== undefined) return name;
  throw new MonsoonError(
    'refused',
    `the name ${JSON.stringify(lossyTextOfUtf8(bytes))} in ${directory} is not valid UTF-8; rename it and share again`,
  );
}

/** Gives a file system error a code and the name of what it happened to. */
export async function orNamed<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (typeof code !== 'string' || error instanceof MonsoonError || code === 'ABORT_ERR') throw error;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new MonsoonError('not-found', `${path} does not exist`, error);
    if (code === 'EACCES' || code === 'EPERM') throw new MonsoonError('permission', `${path} may not be read`, error);
    if (code === 'ELOOP') throw new MonsoonError('busy', `${path} became a link while it was shared`, error);
    throw new MonsoonError('disk', `${path} could not be read: ${code}`, error);
  }
}
