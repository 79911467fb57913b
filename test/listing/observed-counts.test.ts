import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isFault, wallSeconds } from '../../src/base/index.ts';
import {
  COUNTED_HASHES_MAX,
  type Counts,
  combineCounts,
  encodeCounts,
  OBSERVATIONS_MAX,
  type Observation,
  parseCountedHashes,
  parseCounts,
  withObservation,
} from '../../src/listing/index.ts';
import { infoHashOf, NOW, nodeIdOf } from './signer.ts';

const by = (node: number, counts: Counts, at = NOW): Observation => ({ source: nodeIdOf(node), at, ...counts });

test('one liar of three moves a count by no more than the honest two differ', () => {
  const seed = Date.now() & 0x7fffffff;
  const count = fc.nat(1_000_000);
  fc.assert(
    fc.property(count, fc.nat(20), fc.nat(4_294_967_294), fc.nat(2), (true_, noise, lie, place) => {
      const other = Math.floor(true_ * (1 + noise / 200));
      const observations = [by(1, { seeders: true_ }), by(2, { seeders: other })];
      observations.splice(place, 0, by(3, { seeders: lie }));
      const { seeders } = combineCounts(observations);
      assert.ok(seeders! >= true_ && seeders! <= other, `${lie} beside ${true_} and ${other} gives ${seeders}`);
      assert.ok(Math.abs(seeders! - true_) <= true_ * 0.1);
    }),
    { seed, numRuns: 1000 },
  );
});

test('of two the lower one is shown, of one its word, of nobody nothing', () => {
  assert.deepEqual(combineCounts([by(1, { seeders: 9, leechers: 1 }), by(2, { seeders: 4 })]), {
    seeders: 4,
    leechers: 1,
  });
  assert.deepEqual(combineCounts([by(1, { completions: 0 })]), { completions: 0 });
  assert.deepEqual(combineCounts([]), {});
});

test('each source counts once, by its newest word, and old ones do not count', () => {
  let known: Observation[] = [];
  for (let i = 0; i < 20; i++) known = withObservation(known, by(i, { seeders: i }, wallSeconds(NOW + i)));
  assert.equal(known.length, OBSERVATIONS_MAX);
  known = withObservation(known, by(19, { seeders: 500 }, wallSeconds(NOW + 30)));
  assert.equal(known.filter(({ source }) => source === nodeIdOf(19)).length, 1);
  known = withObservation(known, by(1, { seeders: 7 }, wallSeconds(NOW + 7200)));
  assert.deepEqual(combineCounts(known), { seeders: 7 });
});

test('counts come back as they were asked for, unknown ones absent', () => {
  const hashes = [1, 2, 3].map(infoHashOf);
  const bytes = encodeCounts([{ seeders: 3, leechers: 0, completions: 4_294_967_294 }, undefined, { leechers: 5 }]);
  assert.deepEqual(parseCounts(bytes, hashes), [
    [hashes[0], { seeders: 3, leechers: 0, completions: 4_294_967_294 }],
    [hashes[2], { leechers: 5 }],
  ]);
  assert.ok(isFault(parseCounts(bytes.subarray(1), hashes)));
  assert.deepEqual(parseCountedHashes(hashes.join(',')), hashes);
  assert.ok(isFault(parseCountedHashes('')));
  assert.ok(isFault(parseCountedHashes(new Array(COUNTED_HASHES_MAX + 1).fill(hashes[0]).join(','))));
});

test('counts and questions for them are read or refused, whatever they hold', () => {
  const seed = Date.now() & 0x7fffffff;
  const hashes = [1, 2, 3].map(infoHashOf);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.string({ unit: 'binary' }), (bytes, text) => {
      const counts = parseCounts(bytes, hashes);
      assert.equal(isFault(counts), bytes.length !== 36);
      if (!isFault(counts)) assert.ok(counts.length <= hashes.length);
      const asked = parseCountedHashes(text);
      assert.ok(isFault(asked) || asked.length <= COUNTED_HASHES_MAX);
    }),
    { seed, numRuns: 2000 },
  );
});
