/** The facts about this machine that a diagnosis rests on, gathered where they are: disks, the port, limits, addresses. */
import { constants } from 'node:fs';
import { access, readFile, stat, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, resolve } from 'node:path';
import type { Config } from '../../config/index.ts';
import { reachOf } from '../../src/base/index.ts';
import type { BoundNetwork } from '../../src/io/bound-network.ts';
import { localNameServers } from '../../src/io/dns-lookup.ts';
import type { Home } from '../home.ts';
import type { Finding } from '../running-node.ts';
import { type DiskFact, type DoctorFacts, diagnose } from './doctor.ts';

/** What a node opens besides its links: torrents' files, the listing, its sockets. */
const FILES_BESIDES = 300;

/**
 * What can be told of the machine, whether a node runs or not.
 * @param folders where content lies besides the folders of the configuration
 */
export async function machineFacts(
  home: Home,
  config: Config,
  network: BoundNetwork,
  folders: readonly string[],
): Promise<Pick<DoctorFacts, 'disks' | 'openFiles' | 'addresses' | 'localNameServers'>> {
  const downloads = config.downloadDir === '' ? home.downloadDir : resolve(config.downloadDir);
  const [disks, most] = await Promise.all([disksOf([home.dataDir, downloads, ...folders]), openFilesMax()]);
  const wanted = config.linksMax + FILES_BESIDES;
  const addresses = network.hosts().map((host) => ({ host, reach: reachOf(host) }));
  return {
    disks,
    addresses,
    localNameServers: localNameServers(network),
    openFiles: most === undefined ? undefined : { most, wanted },
  };
}

/** What a running node knows of itself and its surroundings. */
export type NodeFacts = Pick<DoctorFacts, 'status' | 'clockBehindSeconds' | 'unresolvedNames' | 'lan'> & {
  readonly home: Home;
  readonly config: Config;
  readonly network: BoundNetwork;
  readonly port: { readonly port: number };
  /** Where content lies. */
  readonly folders: readonly string[];
};

/** The diagnosis of a node that runs. */
export async function examine({
  home,
  config,
  network,
  port,
  folders,
  ...known
}: NodeFacts): Promise<readonly Finding[]> {
  const { status, clockBehindSeconds, unresolvedNames, lan } = known;
  const machine = await machineFacts(home, config, network, folders);
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

/** The disks that these folders are on, each once, by its first folder; one that cannot be written counts by itself. */
async function disksOf(folders: readonly string[]): Promise<DiskFact[]> {
  const found = new Map<string, DiskFact>();
  for (const folder of new Set(folders)) {
    const { device, ...disk } = await diskAt(folder);
    const key = disk.isWritable ? `${device}` : disk.path;
    if (!found.has(key)) found.set(key, disk);
  }
  return [...found.values()];
}

/** The folder, or the nearest above it that is there: a node makes those that are not. */
async function diskAt(path: string): Promise<DiskFact & { readonly device: number }> {
  try {
    const [{ bavail, bsize }, { dev }] = await Promise.all([statfs(path), stat(path)]);
    const isWritable = await access(path, constants.W_OK).then(
      () => true,
      () => false,
    );
    return { path, freeBytes: bavail * bsize, isWritable, device: dev };
  } catch {
    const above = dirname(path);
    return above === path ? { path, freeBytes: 0, isWritable: false, device: 0 } : diskAt(above);
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
