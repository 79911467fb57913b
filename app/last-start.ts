/**
 * How the node of a home was started last: a verb that starts it by itself starts it so again, because who bound it to a
 * VPN, or had it serve nobody, does not expect another node for typing `list`.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MonsoonError, utf8 } from '../src/base/index.ts';
import { writeFileAtomically } from '../src/io/atomic-file.ts';
import type { Home } from './home.ts';

export interface LastStart {
  /** What relative paths among the flags mean. */
  readonly cwd: string;
  /** Of `monsoon start`. */
  readonly flags: readonly string[];
}

const MODE = 0o600;

/** Keeps it for `lastStart`; rejects with a MonsoonError when the disk does not take it. */
export async function keepStart(home: Home, { cwd, flags }: LastStart): Promise<void> {
  await writeFileAtomically(fileOf(home), utf8(`${JSON.stringify({ cwd, flags })}\n`), { mode: MODE });
}

/** Undefined where no node was ever started; rejects with a MonsoonError when nobody can tell how. */
export async function lastStart(home: Home): Promise<LastStart | undefined> {
  const file = fileOf(home);
  try {
    const { cwd, flags } = JSON.parse(await readFile(file, 'utf8')) as Partial<LastStart>;
    if (typeof cwd === 'string' && flags?.every((flag) => typeof flag === 'string')) return { cwd, flags };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
  }
  const text = `How the node was started last cannot be read from ${file}. Start it by "monsoon start" as you want it.`;
  throw new MonsoonError('config', text);
}

function fileOf({ dataDir }: Home): string {
  return join(dataDir, 'last-start.json');
}
