// Where the load is, compared with counting everything anew.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, type Instant, instant, later, type Random, randomBelow, seededRandom } from '../../src/base/index.ts';
import type { Arc } from '../../src/ports/index.ts';
import { ENDPOINT4_BYTES } from '../../tracker/endpoint-sizes.ts';
import { HOTTEST_MAX, LOAD_SAMPLES_MAX } from '../../tracker/load-samples.ts';
import { eachSeed, randomBytes } from '../seed.ts';
import { EVERYTHING, randomEndpoint, randomPosition, TestKeeper } from './keepers.ts';

const BYTES = 500;

function isIn(position: string, { from, to }: Arc): boolean {
  if (from === to) return true;
  return from < to ? position > from && position <= to : position > from || position <= to;
}

/** Announces evenly over some seconds, to swarms of which the first are the most popular; returns each one's hash. */
function announces(keeper: TestKeeper, random: Random, count: number, seconds: number, begin: Instant): string[] {
  const swarms = Array.from({ length: 1 + randomBelow(random, 200) }, () => randomBytes(random, 20));
  return Array.from({ length: count }, (_, i) => {
    const swarm = swarms[Math.floor(swarms.length * random() ** 2)]!;
    keeper.announce(swarm, randomEndpoint(random), {}, later(begin, (i * seconds * 1000) / count));
    keeper.registrar.spend(BYTES);
    return hex(swarm);
  });
}

function near(actual: number, expected: number, tolerance: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${what}: ${actual} instead of ${expected}`);
}

test('the load of arcs is what was announced there within the last minute', () => {
  eachSeed(10, (seed) => {
    const random = seededRandom(seed);
    const keeper = new TestKeeper({ ...{ swarmsMax: 1000 } });
    announces(keeper, random, 500, 10, instant(0));
    const hashes = announces(keeper, random, 3000, 60, instant(100_000));
    const now = instant(160_000);
    const ends = [randomPosition(random), hashes[0]!];
    const arcs = [EVERYTHING, { from: ends[0]!, to: ends[1]! }, { from: ends[1]!, to: ends[0]! }];
    for (const [i, load] of keeper.keeping.loadOf(arcs, now).entries()) {
      const inside = hashes.filter((hash) => isIn(hash, arcs[i]!)).length;
      near(load.announcesPerSecond, inside / 60, 0.05, 'announces');
      near(load.bytesPerSecond, (inside * BYTES) / 60, 0.05 * BYTES, 'bytes');
    }
    assert.equal(keeper.keeping.loadOf([EVERYTHING], instant(300_000))[0]!.announcesPerSecond, 0);
  });
});

test('what the bandwidth cap takes off answers is load all the same, or an overload would hide itself', () => {
  const [perSecond, head, wanted] = [20, 100, 50];
  const fullBytes = head + wanted * ENDPOINT4_BYTES;
  const keeper = new TestKeeper({ bytesPerSecond: (perSecond * fullBytes) / 3 });
  const infoHash = new Uint8Array(20).fill(7);
  for (let host = 0; host < 2 * wanted; host++) {
    keeper.registrar.swarms.note(infoHash, Uint8Array.of(20, 1, 2, host, 0x1a, 0xe1), false, false, instant(0));
  }
  const request = {
    infoHash,
    port: 6881,
    isSeeder: false,
    event: 'none',
    isCompact: true,
    isOfReplica: false,
  } as const;
  let sent = 0;
  for (let i = 0; i < 60 * perSecond; i++) {
    const now = instant((i * 1000) / perSecond);
    const asked = { ...request, peersWanted: wanted };
    const registered = keeper.registrar.register(asked, Uint8Array.of(20, 1, 3, 1), undefined, now);
    assert.ok('peersWanted' in registered);
    const bytes = head + registered.peersWanted * ENDPOINT4_BYTES;
    keeper.registrar.spend(bytes);
    sent += bytes;
  }
  assert.ok(sent < 0.7 * 60 * perSecond * fullBytes, 'answers were shortened');
  const [load] = keeper.keeping.loadOf([EVERYTHING], instant(60_000));
  near(load!.bytesPerSecond, perSecond * fullBytes, 0.05 * perSecond * fullBytes, 'bytes');
});

test('at any rate the load is known to a few percent, from a bounded number of samples', () => {
  const random = seededRandom(1);
  for (const perSecond of [1000, 20_000]) {
    const keeper = new TestKeeper();
    const arc = { from: '4'.repeat(40), to: 'b'.repeat(40) };
    const hashes = announces(keeper, random, perSecond * 10, 10, instant(0));
    const [everything, part] = keeper.keeping.loadOf([EVERYTHING, arc], instant(10_000));
    near(everything!.announcesPerSecond, perSecond, perSecond * 0.1, 'everything');
    const share = hashes.filter((hash) => isIn(hash, arc)).length / hashes.length;
    near(part!.announcesPerSecond, perSecond * share, perSecond * 0.1, 'an arc');
    assert.ok(perSecond * 10 > LOAD_SAMPLES_MAX);
  }
});

test('a cut lies inside its arc, and leaves about the share asked for below it', () => {
  eachSeed(20, (seed) => {
    const random = seededRandom(seed);
    const keeper = new TestKeeper();
    const hashes = announces(keeper, random, 4000, 30, instant(0));
    keeper.registrar.sweep(instant(30_000));
    const ends = [randomPosition(random), randomPosition(random)];
    for (const arc of [EVERYTHING, { from: ends[0]!, to: ends[1]! }, { from: ends[1]!, to: ends[0]! }]) {
      const share = 0.1 + 0.8 * random();
      const inside = hashes.filter((hash) => isIn(hash, arc));
      const at = keeper.keeping.cutOf(arc, share);
      const best = bestCut(inside, arc, share);
      if (at === undefined) {
        assert.equal(best, undefined);
        continue;
      }
      assert.ok(isIn(at, arc) && at !== arc.to && at !== arc.from, `${at} is not inside ${arc.from} to ${arc.to}`);
      const below = inside.filter((hash) => isIn(hash, { from: arc.from, to: at })).length;
      near(Math.abs(below / inside.length - share), best!, 1e-9, 'distance from the share');
    }
  });
});

/** How near to the share the best cut comes that leaves 5 % on both sides. */
function bestCut(inside: readonly string[], arc: Arc, share: number): number | undefined {
  const errors = [...new Set(inside)]
    .map((at) => inside.filter((hash) => at === hash || isIn(hash, { from: arc.from, to: at })).length / inside.length)
    .filter((below) => below >= 0.05 && below <= 0.95)
    .map((below) => Math.abs(below - share));
  return errors.length === 0 ? undefined : Math.min(...errors);
}

test('an arc of which one hash carries nearly everything cannot be cut, and that hash is the hottest', () => {
  const random = seededRandom(2);
  const keeper = new TestKeeper();
  const hot = randomBytes(random, 20);
  for (let i = 0; i < 2000; i++) {
    const swarm = i % 50 === 0 ? randomBytes(random, 20) : hot;
    keeper.announce(swarm, randomEndpoint(random), {}, instant(i * 10));
  }
  assert.equal(keeper.keeping.cutOf(EVERYTHING, 0.5), undefined);
  const hottest = keeper.keeping.hottest();
  assert.equal(hottest.length, 1, 'what was announced once is not hot');
  assert.equal(hottest[0]!.infoHash, hex(hot));
  near(hottest[0]!.announcesPerSecond, 98, 1, 'the rate');
  for (let i = 0; i < 4000; i++)
    keeper.announce(new Uint8Array(20).fill(i % 40), randomEndpoint(random), {}, instant(20_000));
  assert.equal(keeper.keeping.hottest().length, HOTTEST_MAX);
});
