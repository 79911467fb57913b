/**
 * Files that are either the old one or the new one, never half of each, whenever the machine stops: written beside
 * the target, synced, renamed over it, and the folder synced (SAFETY rule 5).
 * Refuses to know what the bytes mean.
 */
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MonsoonError } from '../base/index.ts';

let writes = 0;

/**
 * Replaces or creates a file in one step; resolves once it would survive a power cut.
 * Rejects with a MonsoonError (`disk` or `permission`) that names the file; the old content then stands.
 * @param previous what the old file is renamed to; a kill right after that leaves it under this name alone
 */
export async function writeFileAtomically(
  path: string,
  bytes: Uint8Array,
  { mode = 0o666, previous }: { readonly mode?: number; readonly previous?: string } = {},
): Promise<void> {
  // A name of its own for each write, so that two writers never rename each other's unfinished file.
  const beside = `${path}.${process.pid}-${++writes}.tmp`;
  try {
    await writeSynced(beside, bytes, mode);
    if (previous !== undefined) await renameIfThere(path, previous);
    await rename(beside, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw writeFailure(path, cause);
  }
}

async function renameIfThere(path: string, to: string): Promise<void> {
  await rename(path, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

async function writeSynced(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  // A file of that name is left from a process that died with our id; its mode would outlive `open`.
  await rm(path, { force: true });
  await withHandle(await open(path, 'wx', mode), async (handle) => {
    await handle.writeFile(bytes);
    await handle.sync();
  });
}

/** Forces the names in a folder onto the disk. */
export async function syncFolder(path: string): Promise<void> {
  // Windows cannot open a folder, and its renames are journalled.
  if (process.platform === 'win32') return;
  await withHandle(await open(path, 'r'), (handle) => handle.sync());
}

async function withHandle(handle: FileHandle, work: (handle: FileHandle) => Promise<void>): Promise<void> {
  try {
    await work(handle);
  } finally {
    await handle.close();
  }
}

function writeFailure(path: string, cause: unknown): MonsoonError {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new MonsoonError('permission', `Cannot write ${path}: make its folder writable for this user.`, cause);
  }
  const advice = code === 'ENOSPC' || code === 'EDQUOT' ? 'free some space on that disk' : `the disk said ${message}`;
  return new MonsoonError('disk', `Cannot write ${path}: ${advice}.`, cause);
}
