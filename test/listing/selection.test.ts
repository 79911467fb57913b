import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nameKeysOf, nameTextOf, PartSelector, RowColumns } from '../../src/listing/index.ts';

const values = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: -5000, max: 5000 }), fc.maxSafeInteger());

test('a part of an order is what sorting all of it would give there', () => {
  const selector = new PartSelector();
  const rows = fc.array(fc.tuple(values, values), { maxLength: 3000, size: 'max' });
  fc.assert(
    fc.property(rows, fc.nat(3000), fc.nat(1200), (pairs, from, count) => {
      const ids = Uint32Array.from(pairs.keys()).reverse();
      const level = (at: 0 | 1) => (some: Uint32Array, into: Float64Array) =>
        into.set(Float64Array.from(some, (id) => pairs[id]![at]));
      const sorted = [...ids].sort((a, b) => pairs[a]![0] - pairs[b]![0] || pairs[a]![1] - pairs[b]![1] || b - a);
      const wanted = sorted.slice(from, from + count);
      assert.deepEqual(selector.part(ids, [level(0), level(1)], from, from + count), wanted);
      const some = selector.some(ids, [level(0), level(1)], from, from + count);
      assert.deepEqual(
        some.toSorted((a, b) => a - b),
        wanted.toSorted((a, b) => a - b),
      );
    }),
    { numRuns: 60 },
  );
});

test('however many rows are wanted of however many, each is looked at a few times', () => {
  const selector = new PartSelector();
  const values = Float64Array.from({ length: 40_000 }, (_, i) => (i * 7919) % 40_009);
  const ids = Uint32Array.from(values.keys());
  for (const [from, to] of [
    [0, 50],
    [0, 4000],
    [20_000, 20_050],
    [0, 40_000],
    [100, 39_900],
    [36_000, 40_000],
  ] as const) {
    for (const take of ['part', 'some'] as const) {
      let looks = 0;
      const level = (some: Uint32Array, into: Float64Array): void => {
        looks += some.length;
        for (let i = 0; i < some.length; i++) into[i] = values[some[i]!]!;
      };
      assert.equal(selector[take](ids, [level], from, to).length, to - from);
      assert.ok(looks <= 3 * ids.length, `${take} ${from} to ${to}: ${looks} looks`);
    }
  }
});

test('names are in the same order by their keys and whole', () => {
  const character = fc.oneof(fc.constantFrom(...'aAbB09 .-[éÉжЖ漢🎵'), fc.string({ unit: 'binary', maxLength: 1 }));
  const name = fc.array(character, { maxLength: 30 }).map((characters) => characters.join('').toWellFormed());
  fc.assert(
    fc.property(name, name, (a, b) => {
      const [x, y] = [nameKeysOf(a), nameKeysOf(b)];
      const byKeys = Math.sign(x[0] - y[0] || x[1] - y[1]);
      const [s, t] = [nameTextOf(a), nameTextOf(b)];
      assert.ok(byKeys === 0 || byKeys === (s < t ? -1 : s > t ? 1 : 0), JSON.stringify([a, b]));
    }),
    { numRuns: 500 },
  );
});

test('names with the same beginning are in order to their ends, signs and letters in either case as one', () => {
  const names = [
    'A Very Long Show.Indeed.S01E10.1080p',
    'a very long show indeed S01E02',
    'A Very Long Show Indeed S01E03',
    'A.Very.Long.Show.Indeed.S01E01',
    'Ámbar',
    'ambar 2',
    'Жук',
    'аист',
  ];
  const columns = new RowColumns((ids) => ids.map((id) => names[id]!));
  for (const [id, name] of names.entries()) columns.set(id, { ...FIGURES, name });
  const ordered = (isReversed: boolean): string[] =>
    columns.part(columns.filtered({}), 'name', isReversed, 0, 10).ids.map((id) => names[id]!);
  const forward = [3, 1, 2, 0, 4, 5, 7, 6].map((id) => names[id]!);
  assert.deepEqual(ordered(false), forward);
  assert.deepEqual(ordered(true), forward.toReversed());
});

const FIGURES = {
  category: 0,
  isVerified: true,
  isPinned: false,
  published: 1,
  size: 1,
  files: 1,
  hashStart: 0,
  publisher: 1,
  worth: 0,
  seeders: undefined,
  leechers: undefined,
  completions: undefined,
};
