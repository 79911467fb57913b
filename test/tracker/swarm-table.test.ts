import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant, randomBelow, seededRandom } from '../../src/base/index.ts';
import { CompletedHosts, fairCounts, NO_SLOT, PEERS_PER_SUBNET_MAX, SwarmTable } from '../../tracker/index.ts';

const HASH_KEY = { k0: 0x01020304, k1: 0x05060708 };
const MINUTE_MS = 60_000;
const at = (minute: number) => instant(minute * MINUTE_MS);

function table(swarmsMax = 1000, peersMax = 10_000): SwarmTable {
  return new SwarmTable({ swarmsMax, peersMax, hashKey: HASH_KEY });
}

function infoHash(number: number): Uint8Array {
  const bytes = new Uint8Array(20).fill(0xaa);
  new DataView(bytes.buffer).setUint32(8, number);
  return bytes;
}

function endpoint4(number: number): Uint8Array {
  return Uint8Array.of(10, number >>> 16, number >>> 8, number, 0x1a, 0xe1);
}

function endpoint6(number: number): Uint8Array {
  const bytes = new Uint8Array(18).fill(0x20);
  new DataView(bytes.buffer).setUint32(10, number);
  return bytes;
}

const NOBODY = endpoint4(0xffffff);

function windowOf(
  swarms: SwarmTable,
  slot: number,
  width: number,
  wanted: number,
  leechersOnly = false,
  asker = NOBODY,
) {
  const out = new Uint8Array(width * wanted + 1).fill(0xee);
  const copied = swarms.copyWindow(slot, width, wanted, leechersOnly, asker, out, 0);
  assert.equal(out[copied * width], 0xee, 'nothing is written behind the window');
  return Array.from({ length: copied }, (_, i) => out.subarray(i * width, (i + 1) * width).toHex());
}

function completes(swarms: SwarmTable, hash: Uint8Array, endpoint: Uint8Array): void {
  swarms.note(hash, endpoint, false, false, at(2));
  swarms.note(hash, endpoint, true, true, at(2));
}

test('counts follow a peer from leecher over completed to stopped', () => {
  const swarms = table();
  const hash = infoHash(1);
  swarms.note(hash, endpoint4(1), false, false, at(0));
  assert.deepEqual(swarms.counts(hash), { seeders: 0, leechers: 1, completions: 0 });
  swarms.note(hash, endpoint4(1), true, true, at(10));
  assert.deepEqual(swarms.counts(hash), { seeders: 1, leechers: 0, completions: 1 });
  swarms.drop(hash, endpoint4(1));
  assert.deepEqual(swarms.counts(hash), { seeders: 0, leechers: 0, completions: 1 });
  swarms.check();
});

test('a completion counts once per peer, however often it is announced', () => {
  const swarms = table();
  const hash = infoHash(1);
  for (const endpoint of [endpoint4(1), endpoint6(1)]) swarms.note(hash, endpoint, false, false, at(0));
  for (let minute = 0; minute < 5; minute++) swarms.note(hash, endpoint4(1), true, true, at(minute));
  swarms.note(hash, endpoint6(1), true, true, at(6));
  assert.equal(swarms.counts(hash)!.completions, 2);
});

test('who was never seen to leech completed nothing, whatever it says', () => {
  const swarms = table();
  const hash = infoHash(1);
  swarms.note(hash, endpoint4(1), true, true, at(0));
  assert.equal(swarms.isCompletion, false);
  swarms.note(hash, endpoint4(1), true, true, at(1));
  swarms.note(hash, endpoint4(2), true, false, at(0));
  swarms.note(hash, endpoint4(2), true, true, at(1));
  assert.deepEqual(swarms.counts(hash), { seeders: 2, leechers: 0, completions: 0 });
  const word = { isSeeder: false, isCompleted: false, isStopped: false, ageMinutes: 0 };
  swarms.take(hash, endpoint4(3), word, at(1));
  swarms.note(hash, endpoint4(3), true, true, at(2));
  assert.equal(swarms.counts(hash)!.completions, 1, 'another supernode saw it leech');
});

test('ten thousand completions from one host move the count by one, other hosts and hashes by theirs', () => {
  const swarms = table();
  const hash = infoHash(1);
  for (let port = 1; port <= 10_000; port++) {
    const endpoint = Uint8Array.of(203, 0, 113, 7, port >>> 8, port);
    swarms.note(hash, endpoint, false, false, at(0));
    swarms.note(hash, endpoint, true, true, at(1));
    swarms.drop(hash, endpoint);
  }
  assert.equal(swarms.counts(hash)!.completions, 1);
  completes(swarms, hash, Uint8Array.of(203, 0, 113, 8, 1, 1));
  assert.equal(swarms.counts(hash)!.completions, 2);
  completes(swarms, infoHash(2), Uint8Array.of(203, 0, 113, 7, 1, 1));
  assert.equal(swarms.counts(infoHash(2))!.completions, 1);
  const [one, other] = [endpoint6(1), endpoint6(1)];
  other[9] = 0x77;
  for (const endpoint of [one, other]) completes(swarms, infoHash(3), endpoint);
  assert.equal(swarms.counts(infoHash(3))!.completions, 1, 'a /64 is one host');
  swarms.check();
});

test('one /24 or /48 counts for a few in the listing, other networks and private ones in full', () => {
  const swarms = table(100, 100_000);
  const hash = infoHash(1);
  const note = (...host: number[]): void => {
    swarms.note(hash, Uint8Array.of(...host, 0x1a, 0xe1), true, false, at(0));
  };
  for (let i = 0; i < 200; i++) note(203, 0, 114, i);
  assert.equal(fairCounts(swarms, hash)!.seeders, PEERS_PER_SUBNET_MAX);
  for (let i = 0; i < 50; i++) note(198, 200, i, 1);
  for (let i = 0; i < 30; i++) note(10, 0, 0, i);
  assert.deepEqual(fairCounts(swarms, hash), { seeders: PEERS_PER_SUBNET_MAX + 80, leechers: 0, completions: 0 });
  for (let i = 0; i < 100; i++) note(0x2a, 1, 0, 1, 0, 2, 0, i, 0, 0, 0, 0, 0, 0, 0, 1);
  assert.equal(fairCounts(swarms, hash)!.seeders, 2 * PEERS_PER_SUBNET_MAX + 80);
  for (let i = 0; i < 20_000; i++) note(20 + (i >> 14), (i >> 6) & 255, (i & 63) * 4, 9);
  const { seeders } = fairCounts(swarms, hash)!;
  assert.ok(Math.abs(seeders - 20_096) < 1000, `${seeders} of a large swarm`);
  assert.equal(fairCounts(swarms, infoHash(2)), undefined);
});

test('asking for or stopping an unknown hash opens no swarm', () => {
  const swarms = table();
  assert.equal(swarms.counts(infoHash(1)), undefined);
  swarms.drop(infoHash(1), endpoint4(1));
  assert.equal(swarms.swarmCount, 0);
});

test('a swarm nobody completed goes with its last peer, a completed one after a day', () => {
  const swarms = table();
  swarms.note(infoHash(1), endpoint4(1), false, false, at(0));
  for (const isDone of [false, true]) swarms.note(infoHash(2), endpoint4(1), isDone, isDone, at(0));
  swarms.drop(infoHash(1), endpoint4(1));
  swarms.drop(infoHash(2), endpoint4(1));
  assert.equal(swarms.swarmCount, 1);
  swarms.sweep(at(24 * 60), 60, swarms.sweepLength);
  assert.equal(swarms.swarmCount, 1);
  swarms.sweep(at(24 * 60 + 1), 60, swarms.sweepLength);
  assert.equal(swarms.swarmCount, 0);
  swarms.check();
});

test('windows never hold the asker and hand everybody out equally often', () => {
  const swarms = table();
  const hash = infoHash(1);
  for (let i = 0; i < 200; i++) swarms.note(hash, endpoint4(i), i % 4 === 0, false, at(0));
  const slot = swarms.slotOf(hash);
  const handedOut = new Map<string, number>();
  const asks = 1200;
  for (let ask = 0; ask < asks; ask++) {
    const asker = endpoint4(ask % 200);
    const seen = windowOf(swarms, slot, 6, 30, false, asker);
    assert.equal(seen.length, 30);
    assert.equal(new Set(seen).size, 30);
    assert.ok(!seen.includes(asker.toHex()));
    for (const endpoint of seen) handedOut.set(endpoint, (handedOut.get(endpoint) ?? 0) + 1);
  }
  const mean = (asks * 30) / 200;
  for (const times of handedOut.values()) assert.ok(Math.abs(times - mean) < mean * 0.1, `${times} of ${mean}`);
  assert.equal(handedOut.size, 200);
});

test('a window for a seeder holds leechers only', () => {
  const swarms = table();
  for (let i = 0; i < 20; i++) swarms.note(infoHash(1), endpoint4(i), i < 15, false, at(0));
  const seen = windowOf(swarms, swarms.slotOf(infoHash(1)), 6, 50, true, endpoint4(0));
  assert.deepEqual(
    seen.toSorted(),
    [15, 16, 17, 18, 19].map((i) => endpoint4(i).toHex()),
  );
});

test('peers that stay silent expire, sweeps of any budget find them all', () => {
  for (const budget of [1, 7, 1000]) {
    const swarms = table();
    for (let i = 0; i < 300; i++)
      swarms.note(infoHash(i % 3), i % 2 ? endpoint4(i) : endpoint6(i), i % 5 < 2, false, at(0));
    for (let i = 0; i < 300; i += 3)
      swarms.note(infoHash(0), i % 2 ? endpoint4(i) : endpoint6(i), false, false, at(50));
    const rounds = Math.ceil((2 * swarms.sweepLength) / budget);
    for (let i = 0; i < rounds; i++) swarms.sweep(at(61), 60, budget);
    assert.equal(swarms.peerCount, 100);
    assert.equal(swarms.swarmCount, 1);
    swarms.check();
  }
});

test('a flood of random hashes displaces itself, not swarms that several peers share or that proved themselves', () => {
  const swarms = table(1000, 10_000);
  for (let i = 0; i < 400; i++) {
    swarms.note(infoHash(i), endpoint4(i), true, false, at(0));
    if (i < 200) swarms.note(infoHash(i), endpoint4(i + 1), false, false, at(0));
    else swarms.note(infoHash(i), endpoint4(i), true, false, at(30));
  }
  for (let i = 0; i < 50_000; i++) swarms.note(infoHash(1_000_000 + i), endpoint4(7), false, false, at(31));
  assert.equal(swarms.swarmCount, 1000);
  for (let i = 0; i < 400; i++) assert.equal(swarms.counts(infoHash(i))?.seeders, 1, `swarm ${i} is still there`);
  swarms.check();
});

test('when every swarm must stay, a newcomer is refused and nothing is lost', () => {
  const swarms = table(10, 100);
  for (let i = 0; i < 20; i++) swarms.note(infoHash(i % 10), endpoint4(i), false, false, at(0));
  assert.equal(swarms.note(infoHash(99), endpoint4(1), false, false, at(1)), NO_SLOT);
  assert.equal(swarms.peerCount, 20);
  swarms.check();
});

test('at the cap on peers one hash cannot eat the table: it replaces its own stale peers', () => {
  const swarms = table(100, 300);
  for (let i = 0; i < 50; i++) {
    swarms.note(infoHash(i), endpoint4(i), true, false, at(0));
    swarms.note(infoHash(i), endpoint4(i), true, false, at(30));
  }
  for (let i = 0; i < 5000; i++) swarms.note(infoHash(77), endpoint4(1000 + i), false, false, at(31));
  assert.equal(swarms.peerCount, 300);
  assert.deepEqual(swarms.counts(infoHash(77)), { seeders: 0, leechers: 250, completions: 0 });
  assert.equal(swarms.counts(infoHash(49))?.seeders, 1);
  swarms.check();
});

interface ModelPeer {
  isSeeder: boolean;
  isCompleted: boolean;
  minute: number;
}
interface ModelSwarm {
  peers: Map<string, ModelPeer>;
  completions: number;
  minute: number;
}

/** The same table, written naively. */
const bytesOf = (text: string): Uint8Array => Uint8Array.fromHex(text);

class Model {
  readonly hosts = new CompletedHosts(HASH_KEY);
  readonly swarms = new Map<string, ModelSwarm>();

  note(hash: string, endpoint: string, isSeeder: boolean, isCompleted: boolean, minute: number): void {
    const swarm = this.swarms.get(hash) ?? { peers: new Map(), completions: 0, minute };
    this.swarms.set(hash, swarm);
    const known = swarm.peers.get(endpoint);
    const peer = known ?? { isSeeder, isCompleted: false, minute };
    swarm.peers.set(endpoint, peer);
    const isNews = isCompleted && known !== undefined && !known.isSeeder && !known.isCompleted;
    // The marks of hosts forget, and which they forget follows from the key.
    if (isNews && this.hosts.mark(bytesOf(hash), bytesOf(endpoint))) swarm.completions++;
    peer.isSeeder = isSeeder;
    peer.isCompleted ||= isNews;
    peer.minute = swarm.minute = minute;
  }

  drop(hash: string, endpoint: string): void {
    const swarm = this.swarms.get(hash);
    swarm?.peers.delete(endpoint);
    if (swarm?.peers.size === 0 && swarm.completions === 0) this.swarms.delete(hash);
  }

  sweep(minute: number, lifetime: number): void {
    for (const [hash, swarm] of this.swarms) {
      for (const [endpoint, peer] of swarm.peers) if (minute - peer.minute > lifetime) swarm.peers.delete(endpoint);
      const isOver = swarm.completions === 0 || minute - swarm.minute > 24 * 60;
      if (swarm.peers.size === 0 && isOver) this.swarms.delete(hash);
    }
  }

  endpoints(hash: string, bytes: number, leechersOnly: boolean): string[] {
    const peers = [...(this.swarms.get(hash)?.peers ?? [])];
    return peers
      .filter(([endpoint, peer]) => endpoint.length === bytes * 2 && !(leechersOnly && peer.isSeeder))
      .map(([endpoint]) => endpoint)
      .toSorted();
  }
}

function compare(swarms: SwarmTable, model: Model, hash: Uint8Array): void {
  const expected = model.swarms.get(hash.toHex());
  const slot = swarms.slotOf(hash);
  assert.equal(slot !== NO_SLOT, expected !== undefined);
  if (!expected) return;
  const peers = [...expected.peers.values()];
  const seeders = peers.filter((peer) => peer.isSeeder).length;
  const leechers = peers.length - seeders;
  assert.deepEqual(swarms.counts(hash), { seeders, leechers, completions: expected.completions });
  for (const width of [6, 18]) {
    for (const leechersOnly of [false, true]) {
      const seen = windowOf(swarms, slot, width, 2000, leechersOnly).toSorted();
      assert.deepEqual(seen, model.endpoints(hash.toHex(), width, leechersOnly));
    }
  }
}

test('the table agrees with a naive model over random announces, stops and sweeps', (t) => {
  for (const seed of [1, 2, Math.floor(Math.random() * 2 ** 32)]) {
    t.diagnostic(`seed ${seed}`);
    const random = seededRandom(seed);
    const swarms = table();
    const model = new Model();
    let minute = 32_700; // crosses the end of the minute counter
    for (let step = 0; step < 20_000; step++) {
      // A square draw makes a few swarms big enough for the index and keeps many small.
      const hash = infoHash(Math.floor(random() ** 3 * 40));
      const number = randomBelow(random, 600);
      const endpoint = number % 3 === 0 ? endpoint6(number) : endpoint4(number);
      const action = randomBelow(random, 1000);
      if (action < 700) {
        const isSeeder = random() < 0.4;
        const isCompleted = isSeeder && random() < 0.2;
        swarms.note(hash, endpoint, isSeeder, isCompleted, at(minute));
        model.note(hash.toHex(), endpoint.toHex(), isSeeder, isCompleted, minute);
      } else if (action < 985) {
        swarms.drop(hash, endpoint);
        model.drop(hash.toHex(), endpoint.toHex());
      } else if (action < 997) {
        minute += randomBelow(random, 12);
      } else {
        minute += randomBelow(random, 100);
        swarms.sweep(at(minute), 60, swarms.sweepLength * 2);
        model.sweep(minute, 60);
      }
      if (step % 500 === 0) {
        swarms.check();
        for (let i = 0; i < 40; i++) compare(swarms, model, infoHash(i));
      }
    }
    assert.equal(swarms.swarmCount, model.swarms.size);
  }
});

test('under tight caps random announces never break an invariant', (t) => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  t.diagnostic(`seed ${seed}`);
  const random = seededRandom(seed);
  const swarms = table(50, 333);
  for (let step = 0; step < 30_000; step++) {
    const number = randomBelow(random, 1000);
    const endpoint = number % 3 === 0 ? endpoint6(number) : endpoint4(number);
    const hash = infoHash(Math.floor(random() ** 2 * 120));
    const minute = step >> 6;
    if (random() < 0.95) swarms.note(hash, endpoint, random() < 0.5, false, at(minute));
    else swarms.drop(hash, endpoint);
    swarms.sweep(at(minute), 60, 3);
    if (step % 500 === 0) swarms.check();
    assert.ok(swarms.peerCount <= 333 && swarms.swarmCount <= 50);
  }
  swarms.check();
});
