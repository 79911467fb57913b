/** What a person names to get: a path of this folder, or words that the daemon understands. */
import { type Stats, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { MonsoonError } from '../../src/base/index.ts';
import type { CliContext } from './verb.ts';

/** A path of a .torrent file is made absolute, because the daemon's folder is another one. */
export function whatToGet(what: string, context: CliContext): string {
  if (/^magnet:|^[a-z]+:\/\//i.test(what)) return what;
  const path = resolve(context.cwd, what);
  const found = fileAt(path);
  if (found?.isFile() && /\.torrent$/i.test(what)) return path;
  // A listed name may end in .torrent too, but not look like a path.
  if (/\.torrent$/i.test(what) && /[\\/]/.test(what)) throw new MonsoonError('not-found', `There is no file ${path}.`);
  return what;
}

/** What lies there; undefined for what is no path, too. */
function fileAt(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** What was asked for by that name; who named what is on the disk is told what that is, when nothing else is called so. */
export async function explained<Answer>(asked: Promise<Answer>, what: string, context: CliContext): Promise<Answer> {
  try {
    return await asked;
  } catch (error) {
    throw betterReason(error, what, context);
  }
}

function betterReason(error: unknown, what: string, context: CliContext): unknown {
  if (!(error instanceof MonsoonError) || error.code !== 'not-found') return error;
  const path = resolve(context.cwd, what);
  const found = fileAt(path);
  if (!found) return error;
  const kind = found.isDirectory() ? 'a folder' : 'no .torrent file by its name';
  return new MonsoonError(
    'usage',
    `${path} is ${kind}, and nothing listed is called so. "monsoon share" offers files.`,
  );
}
