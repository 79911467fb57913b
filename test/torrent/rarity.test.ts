import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomBelow, seededRandom } from '../../src/base/index.ts';
import { Rarity } from '../../src/torrent/rarity.ts';
import { eachSeed, SEED } from '../seed.ts';

/** All candidates in the order in which the queue offers them. */
function order(rarity: Rarity): number[] {
  const seen: number[] = [];
  rarity.rarest((piece) => {
    seen.push(piece);
    return false;
  });
  return seen;
}

test(`candidates stay sorted by rarity through any counts, removals and returns (seed ${SEED})`, () => {
  eachSeed(60, (seed) => {
    const random = seededRandom(seed);
    const pieces = 1 + randomBelow(random, 60);
    const counts = new Array<number>(pieces).fill(0);
    const candidates = new Set(counts.keys().filter(() => random() < 0.8));
    const rarity = new Rarity(pieces, (piece) => candidates.has(piece), random);
    for (let step = 0; step < 400; step++) {
      const piece = randomBelow(random, pieces);
      const action = randomBelow(random, 4);
      if (action === 0) {
        rarity.increase(piece);
        counts[piece] = Math.min(255, counts[piece]! + 1);
      } else if (action === 1) {
        rarity.decrease(piece);
        counts[piece] = Math.max(0, counts[piece]! - 1);
      } else if (candidates.delete(piece)) {
        rarity.remove(piece);
      } else {
        candidates.add(piece);
        rarity.restore(piece);
      }
      const offered = order(rarity);
      assert.equal(rarity.size, candidates.size);
      assert.deepEqual(new Set(offered), candidates);
      assert.equal(offered.length, candidates.size);
      for (const [i, at] of offered.entries()) {
        if (i > 0) assert.ok(counts[offered[i - 1]!]! <= counts[at]!, 'rarest first');
        assert.ok(rarity.isCandidate(at));
      }
    }
  });
});

test('a count beyond 255 links neither overflows nor moves a piece out of order', () => {
  const rarity = new Rarity(3, () => true, seededRandom(1));
  for (let link = 0; link < 300; link++) rarity.increase(1);
  rarity.increase(2);
  assert.deepEqual(order(rarity), [0, 2, 1]);
  rarity.remove(1);
  rarity.restore(1);
  assert.deepEqual(order(rarity), [0, 2, 1]);
});

test('a piece that is no candidate cannot be removed, nor a candidate restored', () => {
  const rarity = new Rarity(2, () => true, seededRandom(1));
  assert.throws(() => rarity.restore(0), /bug/);
  rarity.remove(0);
  assert.throws(() => rarity.remove(0), /bug/);
  assert.equal(rarity.size, 1);
});

test('the random choice reaches every candidate that passes, and nothing else', () => {
  const rarity = new Rarity(20, (piece) => piece !== 7, seededRandom(3));
  const chosen = new Set<number | undefined>();
  for (let round = 0; round < 500; round++) chosen.add(rarity.random((piece) => piece >= 5 && piece < 10));
  assert.deepEqual([...chosen].sort(), [5, 6, 8, 9]);
  assert.equal(
    rarity.random(() => false),
    undefined,
  );
});

test('members of a swarm begin at different pieces', () => {
  const firsts = new Set(
    Array.from({ length: 20 }, (_, seed) => order(new Rarity(100, () => true, seededRandom(seed)))[0]),
  );
  assert.ok(firsts.size > 10);
});
