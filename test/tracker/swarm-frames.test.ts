// Frames of swarms between supernodes: what is sent is what arrives, and what is hostile is not taken.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, parseIp, randomBelow, seededRandom } from '../../src/base/index.ts';
import { SWARM_FRAME_BYTES_MAX } from '../../src/ports/index.ts';
import { eachSeed, pick, randomBytes, SEED } from '../seed.ts';
import { EVERYTHING, fill, minute, randomEndpoint, randomPosition, TestKeeper } from './keepers.ts';

const NOW = minute(60);

function isIn(position: string, { from, to }: { from: string; to: string }): boolean {
  if (from === to) return true;
  return from < to ? position > from && position <= to : position > from || position <= to;
}

test('a table in frames becomes the same table elsewhere, and an arc of it that arc', () => {
  eachSeed(20, (seed) => {
    const random = seededRandom(seed);
    const swarms = Array.from({ length: 1 + randomBelow(random, 60) }, () => randomBytes(random, 20));
    const giver = new TestKeeper();
    fill(giver, random, swarms, 4000);
    giver.registrar.sweep(NOW);
    const ends = [randomPosition(random), hex(pick(random, swarms))];
    for (const arc of [EVERYTHING, { from: ends[0]!, to: ends[1]! }, { from: ends[1]!, to: ends[0]! }]) {
      const taker = new TestKeeper({ hashKey: { k0: seed, k1: 3 } });
      for (const frame of giver.frames(arc)) {
        assert.ok(frame.length <= SWARM_FRAME_BYTES_MAX);
        assert.equal(taker.take(frame, NOW), true);
      }
      taker.registrar.swarms.check();
      assert.deepEqual(
        taker.contents(NOW),
        giver.contents(NOW, (infoHash) => isIn(infoHash, arc)),
      );
    }
  });
});

test('of a frame the swarms that may not be kept are left out, with their peers and completions', () => {
  const random = seededRandom(3);
  const swarms = Array.from({ length: 40 }, () => randomBytes(random, 20));
  const giver = new TestKeeper();
  fill(giver, random, swarms, 2000);
  giver.registrar.sweep(NOW);
  const taker = new TestKeeper();
  const mayKeep = (infoHash: string): boolean => infoHash < '8';
  for (const frame of giver.frames()) assert.equal(taker.keeping.take(frame, NOW, mayKeep), true);
  const kept = giver.contents(NOW, mayKeep);
  assert.ok(kept.length > 100 && kept.length < giver.contents(NOW).length);
  assert.deepEqual(taker.contents(NOW), kept);
});

test('a swarm larger than a frame is split, and whoever stays throughout is in it whatever moves meanwhile', () => {
  eachSeed(4, (seed) => {
    const random = seededRandom(seed);
    const swarm = randomBytes(random, 20);
    const giver = new TestKeeper();
    const staying = Array.from({ length: 20_000 }, () => randomEndpoint(random));
    const going = Array.from({ length: 5000 }, () => randomEndpoint(random));
    for (const peer of [...staying, ...going]) giver.announce(swarm, peer, { isSeeder: random() < 0.5 }, NOW);
    const taker = new TestKeeper();
    let frames = 0;
    for (let cursor: number | undefined = 0; cursor !== undefined; frames++) {
      const frame = giver.keeping.frameOf(EVERYTHING, cursor);
      assert.ok(taker.take(frame.bytes, NOW));
      cursor = frame.cursor;
      // Leaving peers move others; new ones make the index grow, whose places are the order of the walk.
      for (let i = 0; i < 1000; i++) {
        const peer = going.pop();
        if (peer) giver.announce(swarm, peer, { event: 'stopped' }, NOW);
      }
      for (let i = 0; i < 4000 && frames < 4; i++) giver.announce(swarm, randomEndpoint(random), {}, NOW);
      for (let i = 0; i < 200; i++) giver.announce(swarm, pick(random, staying), { isSeeder: random() < 0.5 }, NOW);
    }
    assert.ok(frames > 3);
    const taken = new Set(taker.contents(NOW).map((line) => line.split(' ')[1]));
    for (const peer of staying) assert.ok(taken.has(hex(peer)), `${hex(peer)} is missing`);
    taker.registrar.swarms.check();
  });
});

test('a call looks at a bounded number of slots: a frame may be empty and not the last', () => {
  const random = seededRandom(1);
  const giver = new TestKeeper({ swarmsMax: 100_000 });
  for (let i = 0; i < 70_000; i++) {
    const infoHash = randomBytes(random, 20);
    infoHash[0] = 0x80;
    giver.announce(infoHash, randomEndpoint(random), {}, NOW);
  }
  const frames = giver.frames({ from: '0'.repeat(40), to: '1'.repeat(40) });
  assert.deepEqual(
    frames.map((frame) => frame.length),
    [1, 1, 1],
  );
});

test('a taken peer expires when it would have, and is taken as what it announces itself from then on', () => {
  const [giver, taker] = [new TestKeeper(), new TestKeeper()];
  const random = seededRandom(2);
  const swarm = randomBytes(random, 20);
  const [silent, faithful] = [randomEndpoint(random), randomEndpoint(random)];
  for (const peer of [silent, faithful]) giver.announce(swarm, peer, {}, minute(0));
  giver.registrar.sweep(minute(50));
  const [frame] = giver.frames();
  assert.ok(taker.take(frame!, minute(1050)));
  taker.announce(swarm, faithful, { isSeeder: true }, minute(1055));
  giver.registrar.sweep(minute(55));
  for (const later of giver.frames()) assert.ok(taker.take(later, minute(1055)));
  const passMinutes = (minutes: number) => {
    for (let i = 0; i < 40; i++) taker.registrar.sweep(minute(minutes));
  };
  passMinutes(1066);
  assert.equal(taker.keeping.size.peers, 2);
  passMinutes(1067);
  assert.deepEqual(taker.contents(minute(1067)), [
    `${hex(swarm)} ${hex(faithful)} seeds 12`,
    `${hex(swarm)} completions 0`,
  ]);
});

test('a completion that two supernodes tell of counts once', () => {
  const [giver, taker] = [new TestKeeper(), new TestKeeper()];
  const random = seededRandom(3);
  const [swarm, peer] = [randomBytes(random, 20), randomEndpoint(random)];
  giver.announce(swarm, peer, { event: 'started' }, NOW);
  giver.announce(swarm, peer, { isSeeder: true, event: 'completed' }, NOW);
  for (let i = 0; i < 3; i++) for (const frame of giver.frames()) taker.take(frame, NOW);
  taker.announce(swarm, peer, { isSeeder: true, event: 'completed' }, NOW);
  assert.equal(taker.registrar.swarms.counts(swarm)!.completions, 1);
});

test('peers that others told of displace nobody, and make room first', () => {
  const random = seededRandom(4);
  const [giver, taker] = [new TestKeeper(), new TestKeeper({ peersMax: 40 })];
  const swarm = randomBytes(random, 20);
  const own = Array.from({ length: 5 }, () => randomEndpoint(random));
  for (const peer of own) taker.announce(swarm, peer, {}, minute(1));
  for (let i = 0; i < 60; i++) giver.announce(swarm, randomEndpoint(random), {}, minute(50));
  for (const frame of giver.frames()) taker.take(frame, minute(50));
  assert.equal(taker.keeping.size.peers, 40);
  for (let i = 0; i < 8; i++) taker.announce(swarm, randomEndpoint(random), {}, minute(50));
  const left = new Set(taker.contents(minute(50)).map((line) => line.split(' ')[1]));
  for (const peer of own) assert.ok(left.has(hex(peer)));
  taker.registrar.swarms.check();
});

test('addresses that are no host and ports at which no swarm may be aimed are left out', () => {
  const swarm = new Uint8Array(20).fill(7);
  const port = (number: number) => [number >>> 8, number & 255];
  const peers: [string, number, boolean][] = [
    ['8.8.8.8', 6881, true],
    ['10.1.2.3', 6881, true],
    ['2a00::1', 443, true],
    ['8.8.8.8', 22, false],
    ['8.8.8.8', 0, false],
    ['224.0.0.1', 6881, false],
    ['0.0.0.0', 6881, false],
    ['255.255.255.255', 6881, false],
    ['ff02::1', 6881, false],
  ];
  const mapped = Uint8Array.from([...new Array(10).fill(0), 255, 255, 8, 8, 8, 8, ...port(6881)]);
  const records = [...peers.map(([host, number]) => Uint8Array.from([...parseIp(host)!, ...port(number)])), mapped].map(
    (endpoint) => [endpoint.length === 18 ? 8 : 0, 0, ...endpoint],
  );
  const frame = Uint8Array.from([1, ...swarm, 0, 0, 0, 0, 0, 0, 0, records.length, ...records.flat()]);
  const taker = new TestKeeper();
  assert.equal(taker.take(frame, NOW), true);
  const taken = taker.contents(NOW).filter((line) => !line.includes('completions'));
  assert.equal(taken.length, peers.filter(([, , isTaken]) => isTaken).length);
});

test(`a frame with one thing wrong is not taken at all (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  const giver = new TestKeeper();
  const swarms = Array.from({ length: 5 }, () => randomBytes(random, 20));
  fill(giver, random, swarms, 60);
  const [frame] = giver.frames();
  const outcomes = { taken: 0, refused: 0 };
  let taker = new TestKeeper({ peersMax: 500, swarmsMax: 50 });
  for (let i = 0; i < 100_000; i++) {
    const mutated = mutate(frame!, random);
    if (i % 1000 === 0) taker = new TestKeeper({ peersMax: 500, swarmsMax: 50 });
    const before = taker.keeping.size;
    const isTaken = taker.take(mutated, NOW);
    outcomes[isTaken ? 'taken' : 'refused']++;
    if (!isTaken) assert.deepEqual(taker.keeping.size, before);
    assert.ok(taker.keeping.size.peers <= 500 && taker.keeping.size.hashes <= 50);
    if (i % 1000 === 999) taker.registrar.swarms.check();
  }
  assert.ok(outcomes.taken > 1000 && outcomes.refused > 1000, JSON.stringify(outcomes));
  for (const bytes of [new Uint8Array(0), Uint8Array.of(2), new Uint8Array(SWARM_FRAME_BYTES_MAX + 1).fill(1)]) {
    assert.equal(taker.take(bytes, NOW), false);
  }
});

function mutate(frame: Uint8Array, random: () => number): Uint8Array {
  const kind = randomBelow(random, 4);
  if (kind === 0) return frame.slice(0, randomBelow(random, frame.length));
  if (kind === 1) return randomBytes(random, randomBelow(random, 200));
  const mutated =
    kind === 2 ? frame.slice() : Uint8Array.from([...frame, ...randomBytes(random, 1 + randomBelow(random, 40))]);
  for (let i = randomBelow(random, 4); i >= 0; i--)
    mutated[randomBelow(random, mutated.length)] = randomBelow(random, 256);
  return mutated;
}
