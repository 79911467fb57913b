import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomBelow, seededRandom } from '../../src/base/index.ts';
import { keptRanges, Ring } from '../../src/overlay/index.ts';
import { eachSeed, SEED } from '../seed.ts';
import { randomToken, unsigned } from './fixtures.ts';

test(`what a node keeps is every range in whose owner set it is (seed ${SEED})`, () =>
  eachSeed(40, (seed) => {
    const random = seededRandom(seed);
    const count = 1 + randomBelow(random, seed % 2 === 0 ? 8 : 60);
    const subnets = 1 + randomBelow(random, count);
    const members = Array.from({ length: count }, (_, n) => {
      const host = `8.8.${n % subnets}.${1 + (n % 250)}`;
      const tokens = Array.from({ length: 1 + randomBelow(random, 8) }, () => randomToken(random)).sort();
      return { ...unsigned(n, { addresses: [{ host, port: 7373 }] }), tokens };
    });
    const ring = new Ring(members);
    const ranges = members.flatMap(({ nodeId }) => ring.rangesOf(nodeId));
    const sorted = ranges.toSorted((a, b) => (a.to < b.to ? -1 : 1));
    for (const { nodeId } of members) {
      const naive = sorted.filter(({ to }) => ring.ownerSetAt(to).some((owner) => owner.nodeId === nodeId));
      assert.deepEqual(keptRanges(ring, nodeId), naive);
    }
  }));
