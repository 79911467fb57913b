/**
 * Everything one interop test stands on: a network, a scratch directory in memory where that has room, and the
 * clients started on it. Removed with all processes when the test ends, however it ends.
 */
import { rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { isInstalled, requireOrSkip } from '../require.ts';
import type { Client, ClientKind, ClientSettings, Place } from './clients/client.ts';
import { hasLibtorrent } from './clients/libtorrent.ts';
import { isLeftOver, mayMakeNetworks, Network, type NetworkKind, PREFIX } from './network.ts';

const MEMORY = '/dev/shm';
const MEMORY_BYTES_MIN = 6 * 2 ** 30;

export class TestBed {
  readonly network: Network;
  readonly #scratch: string;
  readonly #networks: Network[];
  #directoriesMade = 0;

  private constructor(network: Network, scratch: string) {
    this.network = network;
    this.#networks = [network];
    this.#scratch = scratch;
  }
  static async create(t: Pick<TestContext, 'after'>, kind?: NetworkKind): Promise<TestBed> {
    const scratch = await mkdtemp(join(await sweptScratchParent(), `${PREFIX}-${process.pid}-`));
    await chmod(scratch, 0o755); // opentracker gives up its rights before it reads.
    const removeScratch = (): void => rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
    process.on('exit', removeScratch);
    const network = await Network.create(kind);
    const bed = new TestBed(network, scratch);
    t.after(() => {
      for (const each of bed.#networks.toReversed()) each.close();
      removeScratch();
      process.off('exit', removeScratch);
    });
    return bed;
  }

  /** A new empty directory. */
  async directory(label: string): Promise<string> {
    const path = join(this.#scratch, `${++this.#directoriesMade}-${label}`);
    await mkdir(path);
    return path;
  }
  /** Whether scratch directories are in memory. */
  get isInMemory(): boolean {
    return this.#scratch.startsWith(MEMORY);
  }
  async remove(directory: string): Promise<void> {
    await rm(directory, { recursive: true, force: true });
  }
  /** A new host with a scratch directory. */
  async place(label: string): Promise<Place> {
    return { host: await this.network.addHost(), scratch: await this.directory(label) };
  }
  /** One more network; removed with the others. */
  async addNetwork(kind?: NetworkKind): Promise<Network> {
    const network = await Network.create(kind);
    this.#networks.push(network);
    return network;
  }
  /** Starts a client on a new host. */
  async start(kind: ClientKind, settings?: ClientSettings): Promise<Client> {
    return kind.start(await this.place(kind.name), settings);
  }
}

/** Whether the machine has what an interop test needs; otherwise the test was skipped, or failed where all is required. */
export async function hasWhatItTakes(t: Pick<TestContext, 'skip'>, programs: readonly string[]): Promise<boolean> {
  if (!requireOrSkip(t, mayMakeNetworks(), 'network namespaces need Linux and root')) return false;
  for (const program of ['ip', 'nsenter', 'mktorrent', 'transmission-show', ...programs]) {
    if (!requireOrSkip(t, isInstalled(program), `${program} is not installed`)) return false;
  }
  return requireOrSkip(t, await hasLibtorrent(), 'python3-libtorrent is not installed');
}

/** Where scratch directories go, freed of those whose test was killed. */
async function sweptScratchParent(): Promise<string> {
  const parent = await scratchParent();
  const leftOver = (await readdir(parent)).filter(isLeftOver);
  await Promise.all(leftOver.map((name) => rm(join(parent, name), { recursive: true, force: true })));
  return parent;
}
async function scratchParent(): Promise<string> {
  try {
    const { bavail, bsize } = await statfs(MEMORY);
    return bavail * bsize >= MEMORY_BYTES_MIN ? MEMORY : tmpdir();
  } catch {
    return tmpdir(); // No /dev/shm on this machine.
  }
}
