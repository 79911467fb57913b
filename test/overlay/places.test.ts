import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomBelow, seededRandom } from '../../src/base/index.ts';
import { Places } from '../../src/overlay/places.ts';
import type { Token } from '../../src/overlay/token.ts';
import { eachSeed, pick, SEED } from '../seed.ts';
import { randomHash, randomToken } from './fixtures.ts';

interface Place {
  readonly token: Token;
  readonly owner: number;
}

const placed = (): Places<number> => new Places((a, b) => a - b);
const sorted = (held: readonly Place[]): Place[] =>
  held.toSorted((a, b) => (a.token < b.token ? -1 : a.token > b.token ? 1 : a.owner - b.owner));
/** Of places with one token the first. */
const counting = (held: readonly Place[]): Place[] =>
  sorted(held).filter(({ token }, i, all) => token !== all[i - 1]?.token);

/** Everything that is asked of places, at a position, and what a look at all of them says. */
function agree(places: Places<number>, held: readonly Place[], position: string): void {
  const counted = counting(held);
  const found = counted.findIndex(({ token }) => token >= position);
  const from = Math.max(found, 0);
  assert.deepEqual([places.size, places.count], [counted.length, held.length]);
  let spot = places.from(position);
  if (spot === undefined) return assert.equal(held.length, 0);
  assert.equal(places.before(spot), counted.at(from - 1)!.token);
  for (const { token, owner } of [...counted.slice(from), ...counted.slice(0, from), counted[from]!].slice(0, 600)) {
    assert.deepEqual([places.tokenAt(spot), places.ownerAt(spot)], [token, owner]);
    spot = places.next(spot);
  }
  const n = Math.floor(held.length / 2);
  assert.deepEqual(places.nth(n), sorted(held)[n]);
}

test(`many places that come and go lie as if they were sorted at once (seed ${SEED})`, () =>
  eachSeed(4, (seed) => {
    const random = seededRandom(seed);
    const places = placed();
    let held: Place[] = [];
    agree(places, held, randomHash(random));
    // They become some thousands and then none again.
    for (const comes of [0.9, 0.5, 0]) {
      for (let i = 0; i < 4000 && (comes > 0 || held.length > 0); i++) {
        if (random() < comes) {
          const place = {
            token: random() < 0.1 && held.length > 0 ? pick(random, held).token : randomToken(random),
            owner: i,
          };
          held.push(place);
          places.add(place.token, place.owner);
        } else if (held.length > 0) {
          const gone = pick(random, held);
          held = held.filter((place) => place !== gone);
          places.remove(gone.token, gone.owner);
        }
        if (i % 400 === 0) agree(places, held, random() < 0.5 ? randomHash(random) : (held[0]?.token ?? ''));
      }
      agree(places, held, randomHash(random));
    }
    assert.equal(places.size, 0);
  }));

test('a copy is no part of what it was copied from', () => {
  const random = seededRandom(SEED);
  const places = placed();
  const held = Array.from({ length: 1000 }, (_, owner) => ({ token: randomToken(random), owner }));
  for (const { token, owner } of held) places.add(token, owner);
  const copy = places.copy();
  const { token, owner } = held[randomBelow(random, held.length)]!;
  copy.remove(token, owner);
  agree(places, held, token);
  agree(
    copy,
    held.filter((place) => place.token !== token),
    token,
  );
});
