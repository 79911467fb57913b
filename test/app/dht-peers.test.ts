// Whose turn it is in the DHT, and who never has one (BEP 27); the clock and the DHT are played by hand.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { DhtPeers, type DhtPeersSettings } from '../../app/torrents/dht-peers.ts';
import { type InfoHash, parseInfoHash } from '../../src/base/index.ts';

const ROUND_MS = 5000;
const HOUR_ROUNDS = 720;
const WALKS_PER_ROUND = 2;

/** A torrent as far as the DHT cares for it. */
interface Played {
  readonly infoHash: InfoHash;
  isRunning: boolean;
  isPrivate: boolean;
  isComplete: boolean;
}

/** The lookups and announces of many torrents. */
class Bench {
  readonly torrents: Played[] = [];
  readonly looked: InfoHash[] = [];
  readonly announced: InfoHash[] = [];
  /** What happens while a lookup is under way. */
  meanwhile: (infoHash: InfoHash) => void = () => undefined;
  readonly #t: TestContext;
  #time = 1e6;

  constructor(t: TestContext) {
    this.#t = t;
    t.mock.timers.enable({ apis: ['setInterval'] });
    t.mock.method(performance, 'now', () => this.#time);
  }

  /** Who is complete needs nobody; the others have no peer. */
  add(count: number, isComplete = true): Played[] {
    const added = Array.from({ length: count }, (_, i): Played => {
      const infoHash = parseInfoHash((this.torrents.length + i).toString(16).padStart(40, '0'))!;
      return { infoHash, isRunning: true, isPrivate: false, isComplete };
    });
    this.torrents.push(...added);
    return added;
  }

  async open(): Promise<void> {
    const dht = {
      lookup: async (infoHash: InfoHash) => {
        this.looked.push(infoHash);
        await undefined;
        this.meanwhile(infoHash);
      },
      announce: async (infoHash: InfoHash) => this.announced.push(infoHash),
    };
    const all = () => this.torrents.map((torrent) => Object.assign(torrent, { spec: torrent, links: () => [] }));
    const peers = new DhtPeers({ dht, torrents: { all }, port: () => 7373 } as unknown as DhtPeersSettings);
    this.#t.after(() => peers.close());
    await settled();
  }

  async pass(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      this.#time += ROUND_MS;
      this.#t.mock.timers.tick(ROUND_MS);
      await settled();
    }
  }

  /** How often each was announced. */
  timesOf(torrents: readonly Played[]): number[] {
    return torrents.map(({ infoHash }) => this.announced.filter((each) => each === infoHash).length);
  }
}

/** What waits for nothing but its turn is done by then. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('of more torrents than there are turns for, all are announced equally often', async (t) => {
  const bench = new Bench(t);
  const torrents = bench.add(600);
  await bench.open();
  await bench.pass((3 * torrents.length) / WALKS_PER_ROUND - 1);
  assert.deepEqual(new Set(bench.timesOf(torrents)), new Set([3]));
});

test('torrents that need peers are looked for more often, and the others have their turn all the same', async (t) => {
  const bench = new Bench(t);
  const [hungry, fed] = [bench.add(40, false), bench.add(100)];
  await bench.open();
  await bench.pass(HOUR_ROUNDS);
  assert.ok(Math.min(...bench.timesOf(fed)) >= 3, `${bench.timesOf(fed)}`);
  assert.ok(Math.min(...bench.timesOf(hungry)) >= 20, `${bench.timesOf(hungry)}`);
});

test('a new torrent is looked for in the next round, however many wait', async (t) => {
  const bench = new Bench(t);
  bench.add(600);
  await bench.open();
  await bench.pass(HOUR_ROUNDS);
  const [fresh] = bench.add(1);
  await bench.pass(1);
  assert.deepEqual(bench.timesOf([fresh!]), [1]);
});

test('a private torrent is neither looked for nor announced, nor is one that rests', async (t) => {
  const bench = new Bench(t);
  const [hidden, resting, open] = bench.add(3, false);
  hidden!.isPrivate = true;
  resting!.isRunning = false;
  await bench.open();
  await bench.pass(HOUR_ROUNDS);
  assert.deepEqual(new Set(bench.looked), new Set([open!.infoHash]));
  assert.deepEqual(new Set(bench.announced), new Set([open!.infoHash]));
});

test('a magnet that turns out to be private during its lookup is not announced, nor is one that was stopped', async (t) => {
  const bench = new Bench(t);
  const [magnet, stopped] = bench.add(2, false);
  bench.meanwhile = () => {
    magnet!.isPrivate = true;
    stopped!.isRunning = false;
  };
  await bench.open();
  await bench.pass(HOUR_ROUNDS);
  assert.deepEqual(bench.looked, [magnet!.infoHash, stopped!.infoHash]);
  assert.deepEqual(bench.announced, []);
});
