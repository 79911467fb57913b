/** The folder that a user names for a download: it is made and tried before the download is begun. */
import { mkdtemp, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MonsoonError } from '../../src/base/index.ts';
import { makeFolders } from '../../src/io/make-folders.ts';
import { realPathOf } from './share-folder.ts';

/** Whether two absolute paths lead to one folder, symbolic links followed. */
export async function isSameFolder(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([realPathOf(a), realPathOf(b)]);
  return first === second;
}

/**
 * Makes a folder where it is missing; rejects with a MonsoonError (`permission`, `disk`) when nothing can be written
 * there. Tried with a folder of its own: what the system says of permissions is not true of every file system.
 * @param directory absolute
 */
export async function requireWritable(directory: string): Promise<void> {
  try {
    await makeFolders(directory);
    await rmdir(await mkdtemp(join(directory, '.monsoon-')));
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const isForbidden = ['EACCES', 'EPERM', 'EROFS'].includes(code);
    throw new MonsoonError(
      isForbidden ? 'permission' : 'disk',
      `Nothing can be written to ${directory}: ${reasonOf(code)}. Choose another folder with -o.`,
      error,
    );
  }
}

function reasonOf(code: string): string {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return 'there is no permission for it';
    case 'EROFS':
      return 'its file system is read-only';
    case 'EEXIST':
    case 'ENOTDIR':
      return 'it is no folder, or lies below what is none';
    case 'ENOENT':
    case 'ELOOP':
      return 'no folder can be made there, or a link leads nowhere';
    case 'ENOSPC':
    case 'EDQUOT':
      return 'the disk is full';
    default:
      return `the system says ${code}`;
  }
}
