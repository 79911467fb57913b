// What a supernode accepts reaches those that keep copies: as batches, and together with a copy under way.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, type NodeId, seededRandom } from '../../src/base/index.ts';
import { SWARM_FRAME_BYTES_MAX } from '../../src/ports/index.ts';
import { LOGGED_ANNOUNCES_MAX, RECEIVERS_MAX, TAKEN_ANNOUNCES_MAX } from '../../tracker/announce-log.ts';
import { eachSeed, pick, randomBytes } from '../seed.ts';
import { EVERYTHING, fill, minute, randomEndpoint, TestKeeper } from './keepers.ts';
import { ownership } from './requests.ts';

const NOW = minute(60);
const node = (number: number): NodeId => number.toString(16).padStart(64, '0') as NodeId;
const copiedTo = (...nodes: NodeId[]) => ({ ownership: ownership({ copiesOf: () => nodes }) });

test('each node that keeps copies of a hash hears every announce and goodbye, and nobody else does', () => {
  eachSeed(10, (seed) => {
    const random = seededRandom(seed);
    const swarms = Array.from({ length: 20 }, () => randomBytes(random, 20));
    const giver = new TestKeeper({
      ownership: ownership({ copiesOf: (hash) => (hash < '8' ? [node(1), node(2)] : [node(2), node(3)]) }),
    });
    const takers = new Map([1, 2, 3].map((number) => [node(number), new TestKeeper()]));
    for (let round = 0; round < 5; round++) {
      fill(giver, random, swarms, 500);
      for (const { to, bytes } of giver.keeping.batches()) assert.ok(takers.get(to)!.take(bytes, NOW));
    }
    giver.registrar.sweep(NOW);
    for (const [to, taker] of takers) {
      const isKept = (hash: string) => (hash < '8' ? to !== node(3) : to !== node(1));
      assert.deepEqual(taker.contents(NOW).map(withoutAge), giver.contents(NOW, isKept).map(withoutAge));
      taker.registrar.swarms.check();
    }
    assert.deepEqual(giver.keeping.batches(), []);
    assert.equal(giver.keeping.lost, 0);
  });
});

/** A batch of this test is fetched later than a peer announced in its minutes. */
function withoutAge(line: string): string {
  return line.replace(/ \d+$/, '');
}

test('a copy made during announces, with what is forwarded meanwhile, has everything', () => {
  eachSeed(6, (seed) => {
    const random = seededRandom(seed);
    const swarms = Array.from({ length: 300 }, () => randomBytes(random, 20));
    const giver = new TestKeeper(copiedTo(node(1)));
    const taker = new TestKeeper({ hashKey: { k0: 5, k1: seed } });
    const peers: Uint8Array[] = Array.from({ length: 12_000 }, () => randomEndpoint(random));
    const announce = () =>
      giver.announce(
        swarms[Math.floor(swarms.length * random() ** 4)]!,
        pick(random, peers),
        { isSeeder: random() < 0.5, event: pick(random, ['none', 'completed', 'stopped']) },
        NOW,
      );
    for (let i = 0; i < 30_000; i++) announce();
    while (giver.keeping.hasBatches) giver.keeping.batches();
    let frames = 0;
    for (let cursor: number | undefined = 0; cursor !== undefined; frames++) {
      const frame = giver.keeping.frameOf(EVERYTHING, cursor);
      cursor = frame.cursor;
      // What was announced before a frame was made may arrive after it, but never the other way round.
      const batches = giver.keeping.batches();
      for (let i = 0; i < 2000; i++) announce();
      for (const { bytes } of [{ bytes: frame.bytes }, ...batches]) assert.ok(taker.take(bytes, NOW));
    }
    for (const { bytes } of giver.keeping.batches()) assert.ok(taker.take(bytes, NOW));
    assert.ok(frames > 2);
    assert.deepEqual(taker.contents(NOW), giver.contents(NOW));
    taker.registrar.swarms.check();
  });
});

test('what nobody fetches is bounded: the oldest announces are lost, and counted', () => {
  const random = seededRandom(5);
  const giver = new TestKeeper(copiedTo(node(1), node(2)));
  const swarm = randomBytes(random, 20);
  const peers = Array.from({ length: LOGGED_ANNOUNCES_MAX + 100 }, (_, i) =>
    Uint8Array.of(20, i >>> 16, i >>> 8, i, 0x1a, 0xe1),
  );
  for (const peer of peers) giver.announce(swarm, peer, {}, NOW);
  assert.equal(giver.keeping.lost, 200);
  const taker = new TestKeeper();
  for (let parts = 1; giver.keeping.hasBatches; parts++) {
    for (const { to, bytes } of giver.keeping.batches()) {
      assert.ok(bytes.length <= SWARM_FRAME_BYTES_MAX);
      if (to === node(2)) taker.take(bytes, NOW);
    }
    assert.equal(taker.keeping.size.peers, parts * TAKEN_ANNOUNCES_MAX, 'as many of the oldest as one call may take');
  }
  assert.equal(taker.keeping.size.peers, LOGGED_ANNOUNCES_MAX);
  const kept = new Set(taker.contents(NOW).map((line) => line.split(' ')[1]));
  assert.ok(!kept.has(hex(peers[99]!)) && kept.has(hex(peers[100]!)));
});

test('more receivers than there is room for are counted, and those that are known go on hearing', () => {
  const random = seededRandom(6);
  let first = 0;
  const giver = new TestKeeper({ ownership: ownership({ copiesOf: () => [node(first), node(1000)] }) });
  for (first = 0; first < RECEIVERS_MAX + 9; first++) {
    giver.announce(randomBytes(random, 20), randomEndpoint(random), {}, NOW);
  }
  assert.equal(giver.keeping.lost, 10);
  const batches = giver.keeping.batches();
  assert.equal(new Set(batches.map(({ to }) => to)).size, RECEIVERS_MAX);
  assert.equal(batches.filter(({ to }) => to === node(1000)).length, 1);
  giver.announce(randomBytes(random, 20), randomEndpoint(random), {}, NOW);
  assert.equal(giver.keeping.batches().length, 2, 'the list begins anew');
  assert.ok(!giver.keeping.hasBatches);
});
