import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomBelow, seededRandom } from '../../src/base/index.ts';
import type { Priority } from '../../src/torrent/index.ts';
import { Wishlist } from '../../src/torrent/wishlist.ts';
import { eachSeed, SEED } from '../seed.ts';

/** All pieces in the order in which the list offers them. */
function order(wishlist: Wishlist): number[] {
  const seen: number[] = [];
  wishlist.rarest((piece) => {
    seen.push(piece);
    return false;
  });
  return seen;
}

function filled(pieces: number, priorityOf: (piece: number) => Priority, seed: number): Wishlist {
  const wishlist = new Wishlist(pieces, seededRandom(seed));
  wishlist.fill(priorityOf);
  return wishlist;
}

test(`pieces stay sorted by priority and rarity through any counts, removals, returns and fillings (seed ${SEED})`, () => {
  eachSeed(60, (seed) => {
    const random = seededRandom(seed);
    const pieces = 1 + randomBelow(random, 60);
    const counts = new Array<number>(pieces).fill(0);
    const draw = (): Priority[] => Array.from({ length: pieces }, () => randomBelow(random, 4) as Priority);
    let priorities = draw();
    const listed = (): Set<number> => new Set(priorities.keys().filter((piece) => priorities[piece]! > 0));
    let wanted = listed();
    const wishlist = new Wishlist(pieces, random);
    wishlist.fill((piece) => priorities[piece]!);
    for (let step = 0; step < 400; step++) {
      const piece = randomBelow(random, pieces);
      const action = randomBelow(random, 40);
      if (action === 0) {
        priorities = draw();
        wanted = listed();
        wishlist.fill((at) => priorities[at]!);
      } else if (action < 15) {
        wishlist.increase(piece);
        counts[piece]!++;
      } else if (action < 25) {
        wishlist.decrease(piece);
        counts[piece] = Math.max(0, counts[piece]! - 1);
      } else if (wanted.delete(piece)) {
        wishlist.remove(piece);
      } else {
        priorities[piece] = (1 + randomBelow(random, 3)) as Priority;
        wanted.add(piece);
        wishlist.add(piece, priorities[piece]);
      }
      const offered = order(wishlist);
      assert.equal(wishlist.size, wanted.size);
      assert.equal(offered.length, wanted.size);
      assert.deepEqual(new Set(offered), wanted);
      for (const [i, at] of offered.entries()) {
        assert.ok(wishlist.has(at));
        if (i === 0) continue;
        const before = offered[i - 1]!;
        assert.ok(priorities[before]! >= priorities[at]!, 'the most wanted first');
        if (priorities[before] === priorities[at]) assert.ok(counts[before]! <= counts[at]!, 'rarest first');
      }
      const barred = randomBelow(random, pieces);
      const inOrder = [...wanted]
        .filter((at) => at !== barred)
        .sort((a, b) => priorities[b]! - priorities[a]! || a - b);
      assert.equal(
        wishlist.first((at) => at !== barred),
        inOrder[0],
      );
    }
  });
});

test('more links than counts are told apart neither overflow nor move a piece out of order', () => {
  const wishlist = filled(3, () => 2, 1);
  for (let link = 0; link < 300; link++) wishlist.increase(1);
  wishlist.increase(2);
  assert.deepEqual(order(wishlist), [0, 2, 1]);
  wishlist.remove(1);
  wishlist.add(1, 2);
  assert.deepEqual(order(wishlist), [0, 2, 1]);
  for (let link = 0; link < 300; link++) wishlist.decrease(1);
  assert.equal(order(wishlist).indexOf(2), 2, 'every count was kept');
});

test('a piece that is not listed cannot be removed, nor a listed one or an unwanted one added', () => {
  const wishlist = filled(2, () => 2, 1);
  assert.throws(() => wishlist.add(0, 2), /bug/);
  wishlist.remove(0);
  assert.throws(() => wishlist.remove(0), /bug/);
  assert.throws(() => wishlist.add(0, 0), /bug/);
  assert.equal(wishlist.size, 1);
});

test('the random choice reaches every piece of the highest priority that passes, and others only without those', () => {
  const wishlist = filled(20, (piece) => (piece === 7 ? 0 : piece < 10 ? 2 : 1), 3);
  const chosen = new Set<number | undefined>();
  for (let round = 0; round < 500; round++) chosen.add(wishlist.random((piece) => piece >= 5));
  assert.deepEqual([...chosen].sort(), [5, 6, 8, 9]);
  assert.ok(wishlist.random((piece) => piece >= 10)! >= 10);
  assert.equal(
    wishlist.random(() => false),
    undefined,
  );
});

test('members of a swarm begin at different pieces', () => {
  const firsts = new Set(Array.from({ length: 20 }, (_, seed) => order(filled(100, () => 2, seed))[0]));
  assert.ok(firsts.size > 10);
});
