/**
 * The files of a file or folder that is shared, as a torrent would hold them. Links, pipes and devices are left out: a link
 * may lead outside of what the user chose.
 */
import { lstat, readdir, stat } from 'node:fs/promises';
import { basename, sep } from 'node:path';
import { lossyTextOfUtf8, MonsoonError, textOfUtf8 } from '../base/index.ts';
import { compareFiles, FILES_MAX, type LeftOut, type NewFile, nameInTorrent } from '../torrent/index.ts';

/** Deepest folder entered below the chosen one. */
const DEPTH_MAX = 98;

export interface FoundFile extends NewFile {
  readonly sourcePath: string;
}

/** What a walk found. */
export interface Found {
  readonly files: FoundFile[];
  readonly leftOut: LeftOut;
}

/** The files of a new torrent in its order; a chosen link is followed, links inside a folder are not. */
export async function findFiles(root: string, signal: AbortSignal | undefined): Promise<Found> {
  const chosen = await orNamed(root, stat(root));
  if (basename(root) === '') throw new MonsoonError('usage', 'a whole file system cannot be shared; choose a folder');
  const leftOut = { links: 0, emptyFolders: 0, others: 0 };
  if (chosen.isFile()) return { files: [{ path: [], length: chosen.size, sourcePath: root }], leftOut };
  if (!chosen.isDirectory()) throw new MonsoonError('usage', `${root} is neither a file nor a folder`);
  const files: FoundFile[] = [];
  /** By their names on the disk. */
  const folders: string[][] = [[]];
  for (let folder = folders.pop(); folder; folder = folders.pop()) {
    const directory = [root, ...folder].join(sep);
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
        const { size } = await orNamed(sourcePath, lstat(sourcePath));
        files.push({ path: entryPath.map(nameInTorrent), length: size, sourcePath });
      }
      if (files.length + folders.length > FILES_MAX)
        throw new MonsoonError('refused', `${root} holds over ${FILES_MAX} files and folders`);
    }
  }
  if (files.length === 0) throw new MonsoonError('usage', `${root} holds no files, so there is nothing to share`);
  return { files: sorted(files), leftOut };
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
