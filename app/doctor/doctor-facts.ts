/** The facts about this machine that a diagnosis rests on, gathered where they are: disks, the port, limits, addresses. */
import { constants } from 'node:fs';
import { access, readFile, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, resolve } from 'node:path';
import type { Config } from '../../config/index.ts';
import { reachOf } from '../../src/base/index.ts';
import type { BoundNetwork } from '../../src/io/bound-network.ts';
import type { Home } from '../home.ts';
import type { Finding } from '../running-node.ts';
import { type DiskFact, type DoctorFacts, diagnose } from './doctor.ts';

/** What a node opens besides its links: torrents' files, the listing, its sockets. */
const FILES_BESIDES = 300;

/** What can be told of the machine, whether a node runs or not. */
export async function machineFacts(
  home: Home,
  config: Config,
  network: BoundNetwork,
): Promise<Pick<DoctorFacts, 'disks' | 'openFiles' | 'addresses'>> {
  const downloads = config.downloadDir === '' ? home.downloadDir : resolve(config.downloadDir);
  const [data, download, most] = await Promise.all([diskAt(home.dataDir), diskAt(downloads), openFilesMax()]);
  const disks = data.path === download.path ? [data] : [data, download];
  const wanted = config.linksMax + FILES_BESIDES;
  const addresses = network.hosts().map((host) => ({ host, reach: reachOf(host) }));
  return { disks, addresses, openFiles: most === undefined ? undefined : { most, wanted } };
}

/** What a running node knows of itself and its surroundings. */
export type NodeFacts = Pick<DoctorFacts, 'status' | 'clockBehindSeconds' | 'unresolvedNames' | 'lan'> & {
  readonly home: Home;
  readonly config: Config;
  readonly network: BoundNetwork;
  readonly port: { readonly port: number };
};

/** The diagnosis of a node that runs. */
export async function examine({ home, config, network, port, ...known }: NodeFacts): Promise<readonly Finding[]> {
  const { status, clockBehindSeconds, unresolvedNames, lan } = known;
  const machine = await machineFacts(home, config, network);
  const facts = { status, clockBehindSeconds, unresolvedNames, lan, ...machine };
  return diagnose({ ...facts, port: port.port, portProblem: undefined });
}

/** Why a port cannot be listened on; undefined when it can. */
export function portProblemOf(port: number, host: string): Promise<DoctorFacts['portProblem']> {
  const { promise, resolve: settle } = Promise.withResolvers<DoctorFacts['portProblem']>();
  const server = createServer();
  server.once('error', ({ code }: NodeJS.ErrnoException) => settle(code === 'EACCES' ? 'forbidden' : 'taken'));
  server.listen({ port, host }, () => server.close(() => settle(undefined)));
  return promise;
}

/** The folder, or the nearest above it that is there: a node makes those that are not. */
async function diskAt(path: string): Promise<DiskFact> {
  try {
    const { bavail, bsize } = await statfs(path);
    const isWritable = await access(path, constants.W_OK).then(
      () => true,
      () => false,
    );
    return { path, freeBytes: bavail * bsize, isWritable };
  } catch {
    const above = dirname(path);
    return above === path ? { path, freeBytes: 0, isWritable: false } : diskAt(above);
  }
}

async function openFilesMax(): Promise<number | undefined> {
  try {
    const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(await readFile('/proc/self/limits', 'utf8')) ?? [];
    return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    // Only Linux has this file.
    return undefined;
  }
}
