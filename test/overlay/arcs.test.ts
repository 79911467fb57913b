import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomBelow, seededRandom } from '../../src/base/index.ts';
import { covers, isInArc, joined, missingOf } from '../../src/overlay/arcs.ts';
import type { Arc } from '../../src/ports/index.ts';
import { eachSeed, pick, SEED } from '../seed.ts';

// Few positions, so that ends meet often: the ends of arcs, and one position within each gap.
const PLACES = 8;
const POSITIONS = 2 * PLACES;
const SPACE = 2n ** 160n;
const STEP = SPACE / BigInt(POSITIONS);
const text = (n: number): string => (BigInt(n) * STEP).toString(16).padStart(40, '0');
const positions = Array.from({ length: POSITIONS }, (_, n) => n);
const arcs: Arc[] = positions
  .filter((n) => n % 2 === 0)
  .flatMap((from, _, ends) => ends.map((to) => ({ from: text(from), to: text(to) })));

/** By the definition: clockwise from the beginning, a position comes before the end or at it. */
function naive({ from, to }: Arc, position: string): boolean {
  const distance = (a: string, b: string): bigint => (BigInt(`0x${b}`) - BigInt(`0x${a}`) + SPACE) % SPACE || SPACE;
  return distance(from, position) <= distance(from, to);
}

const membersOf = (arc: Arc): number[] => positions.filter((n) => naive(arc, text(n)));

test('a position is in an arc when it comes after its beginning and not after its end, round the circle', () => {
  for (const arc of arcs) for (const n of positions) assert.equal(isInArc(arc, text(n)), naive(arc, text(n)));
});

test('an arc covers another when every position of that one is in it', () => {
  for (const outer of arcs) {
    const held = new Set(membersOf(outer));
    for (const inner of arcs) {
      const isCovered = membersOf(inner).every((n) => held.has(n));
      // The ends of a whole ring say where it is closed: it covers everything, whatever they are.
      assert.equal(covers(outer, inner), isCovered, `${JSON.stringify(outer)} ${JSON.stringify(inner)}`);
    }
  }
});

test(`what is missing of an arc is in it, and is all that the others leave or more (seed ${SEED})`, () => {
  let exact = 0;
  eachSeed(2000, (seed) => {
    const random = seededRandom(seed);
    const arc = pick(random, arcs);
    const others = Array.from({ length: randomBelow(random, 4) }, () => pick(random, arcs));
    const missing = missingOf(arc, others);
    const left = membersOf(arc).filter((n) => !others.some((other) => naive(other, text(n))));
    const found = missing ? membersOf(missing) : [];
    assert.ok(
      left.every((n) => found.includes(n)),
      'nothing that is missing is forgotten',
    );
    assert.ok(found.every((n) => membersOf(arc).includes(n)));
    if (found.length === left.length) exact++;
  });
  assert.ok(exact > 1000, `${exact} of 2,000 were exact`);
});

test(`arcs that are joined hold what they held one by one, and neighbours become one (seed ${SEED})`, () => {
  eachSeed(2000, (seed) => {
    const random = seededRandom(seed);
    const added = Array.from({ length: 1 + randomBelow(random, 4) }, () => pick(random, arcs));
    const all = added.reduce<ReturnType<typeof joined>>((held, arc) => joined(held, arc), []);
    const held = new Set(all.flatMap(membersOf));
    assert.deepEqual(held, new Set(added.flatMap(membersOf)));
    for (const arc of all) {
      if (arc.from !== arc.to) assert.ok(!all.some((other) => other !== arc && other.from === arc.to));
    }
  });
});
