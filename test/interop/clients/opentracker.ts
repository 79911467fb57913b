/** opentracker (Debian's build, which serves only listed hashes): the stand-in where our tracker is not what is tried. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inNamespace } from '../network.ts';
import { Program } from '../program.ts';
import { type Place, whenUp } from './client.ts';

const PORT = 6969;

export const announceUrlOfOpentracker = ({ host }: Pick<Place, 'host'>): string =>
  `http://${host.address}:${PORT}/announce`;
export const udpUrlOfOpentracker = ({ host }: Pick<Place, 'host'>): string => `udp://${host.address}:${PORT}/announce`;

/** Starts it for these info hashes (hex); resolves once it answers. */
export async function startOpentracker({ host, scratch }: Place, infoHashes: readonly string[]): Promise<Program> {
  await writeFile(join(scratch, 'hashes'), infoHashes.map((infoHash) => `${infoHash}\n`).join(''), { mode: 0o644 });
  const args = ['-i', host.address, '-p', `${PORT}`, '-P', `${PORT}`, '-d', scratch, '-w', 'hashes', '-u', 'nobody'];
  const program = new Program(inNamespace(host, ['opentracker', args]));
  await whenUp('opentracker', program, () => fetch(new URL('/stats', announceUrlOfOpentracker({ host }))));
  return program;
}
