import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type InfoHash, type Random, randomBelow, seededRandom } from '../../src/base/index.ts';
import { type Descriptor, ownershipOf, Ring, type Token, View } from '../../src/overlay/index.ts';
import { randomHash, unsigned } from './fixtures.ts';

const SPACE = 2n ** 160n;
const position = (text: string): bigint => BigInt(`0x${text}`);
const asHash = (value: bigint): InfoHash =>
  (((value % SPACE) + SPACE) % SPACE).toString(16).padStart(40, '0') as InfoHash;

/** Supernodes with several tokens each, as elections and grants will make them; sometimes two claim one token. */
function randomMembers(random: Random): Descriptor[] {
  const tokens: Token[] = [];
  return Array.from({ length: 1 + randomBelow(random, 12) }, (_, n) => {
    const own = Array.from({ length: 1 + randomBelow(random, 6) }, () =>
      tokens.length > 0 && random() < 0.1
        ? tokens[randomBelow(random, tokens.length)]!
        : (randomHash(random) as string as Token),
    );
    tokens.push(...own);
    return { ...unsigned(n), tokens: own.toSorted() };
  });
}

/** The owner by the definition: the least distance clockwise from the hash to a token. */
function naiveOwner(members: readonly Descriptor[], hash: InfoHash): Descriptor | undefined {
  let best: { distance: bigint; owner: Descriptor } | undefined;
  for (const owner of members.toSorted((a, b) => (a.nodeId < b.nodeId ? -1 : 1))) {
    for (const token of owner.tokens) {
      const distance = (position(token) - position(hash) + SPACE) % SPACE;
      if (!best || distance < best.distance) best = { distance, owner };
    }
  }
  return best?.owner;
}

test('a single supernode owns the whole ring, as one range with equal ends', () => {
  const random = seededRandom(1);
  const only = unsigned(1);
  const ring = new Ring([only]);
  const token = only.tokens[0]!;
  for (const hash of [
    randomHash(random),
    asHash(0n),
    asHash(-1n),
    asHash(position(token)),
    asHash(position(token) + 1n),
  ]) {
    assert.equal(ring.ownerOf(hash), only);
  }
  assert.deepEqual(ring.rangesOf(only.nodeId), [{ from: token, to: token, epoch: 0 }]);
});

test('an empty ring has no owner and no ranges', () => {
  assert.equal(new Ring([]).ownerOf(asHash(5n)), undefined);
  assert.deepEqual(new Ring([]).rangesOf(unsigned(1).nodeId), []);
});

test('the owner is the one a naive search finds, at random hashes and beside every token', () => {
  const seed = Date.now() >>> 0;
  const random = seededRandom(seed);
  for (let round = 0; round < 60; round++) {
    const members = randomMembers(random);
    const ring = new Ring(members);
    const edges = members.flatMap(({ tokens }) =>
      tokens.flatMap((at) => [-1n, 0n, 1n].map((by) => asHash(position(at) + by))),
    );
    for (const hash of [...edges, ...Array.from({ length: 20 }, () => randomHash(random))]) {
      assert.equal(ring.ownerOf(hash)?.nodeId, naiveOwner(members, hash)?.nodeId, `seed ${seed}, ${hash}`);
    }
  }
});

test('the ranges of all members divide the ring without gap or overlap, whatever order they came in', () => {
  const seed = Date.now() >>> 0;
  const random = seededRandom(seed);
  for (let round = 0; round < 60; round++) {
    const members = randomMembers(random);
    const rangesOf = (ring: Ring): string[] =>
      members
        .flatMap(({ nodeId }) => ring.rangesOf(nodeId).map(({ from, to }) => `${from} ${to} ${nodeId}`))
        .toSorted();
    const ranges = rangesOf(new Ring(members));
    assert.deepEqual(rangesOf(new Ring(members.toReversed())), ranges, `seed ${seed}`);
    const ends = ranges.map((range) => range.split(' ')[1]!).toSorted();
    assert.deepEqual(ends, ranges.map((range) => range.split(' ')[0]!).toSorted(), `seed ${seed}`);
    assert.equal(new Set(ends).size, ends.length, `seed ${seed}`);
    const length = ranges.reduce((sum, range) => {
      const [from, to] = range.split(' ');
      return sum + ((position(to!) - position(from!) + SPACE) % SPACE || SPACE);
    }, 0n);
    assert.equal(length, SPACE, `seed ${seed}`);
  }
});

test('a node is told that it owns a hash itself, or who does and where', () => {
  const random = seededRandom(3);
  const view = new View();
  const [self, other] = [unsigned(1), unsigned(2)];
  const ownership = ownershipOf(view, self.nodeId);
  assert.equal(ownership.ownerOf(randomHash(random)), undefined);
  view.offer(self);
  assert.equal(ownership.ownerOf(randomHash(random)), 'self');
  view.offer(other);
  const owner = ownership.ownerOf(asHash(position(other.tokens[0]!)));
  assert.ok(typeof owner === 'object');
  assert.deepEqual([owner.nodeId, owner.addresses], [other.nodeId, other.addresses]);
  assert.equal(ownership.ownerOf(asHash(position(self.tokens[0]!))), 'self');
});
