/** The rule that a shared folder and the download folder stay apart, or each download would change a share. */
import { realpath } from 'node:fs/promises';
import { relative, resolve, sep } from 'node:path';
import { MonsoonError } from '../../src/base/index.ts';

/**
 * Rejects with a MonsoonError (`refused`) when one folder is the other or lies in it, symbolic links followed.
 * @param shared an absolute path of a folder
 * @param downloads an absolute path that may not exist yet
 */
export async function requireApart(shared: string, downloads: string): Promise<void> {
  const [a, b] = await Promise.all([realPathOf(shared), realPathOf(downloads)]);
  if (!holds(a, b) && !holds(b, a)) return;
  throw new MonsoonError(
    'refused',
    `${shared} and the download folder ${downloads} lie in one another. ` +
      'Share another folder, or run "monsoon config set downloadDir DIR".',
  );
}

/** Whether a real path is another, or leads to something in it. */
export function holds(outer: string, inner: string): boolean {
  const way = relative(outer, inner);
  return way === '' || !(way === '..' || way.startsWith(`..${sep}`) || resolve(way) === way);
}

/** Where a path leads, symbolic links followed as far as it exists whole. */
export async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    // What does not exist yet has no links to follow.
    return resolve(path);
  }
}
