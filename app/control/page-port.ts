/**
 * The port of the local page, which stays the same over restarts as long as nothing else has it: bookmarks, and the
 * browser's choice to send magnet links here, are for an address with its port.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../../src/io/atomic-file.ts';
import type { Home } from '../home.ts';

const fileOf = (home: Home): string => join(home.dataDir, 'page-port');

/** The port used last; 0 when none is known. */
export async function lastPagePort(home: Home): Promise<number> {
  const text = await readFile(fileOf(home), 'utf8').catch(() => '');
  const port = /^[0-9]{4,5}$/.test(text) ? Number(text) : 0;
  return port >= 1024 && port <= 65_535 ? port : 0;
}

/** Keeps the port for the next start. */
export async function keepPagePort(home: Home, port: number): Promise<void> {
  if ((await lastPagePort(home)) !== port) await writeFileAtomically(fileOf(home), Buffer.from(String(port)));
}
