import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RowBits } from '../../src/listing/row-bits.ts';
import { FEW_ROWS_MAX, RowSet } from '../../src/listing/row-set.ts';
import { randomOf } from './titles.ts';

const SEED = Number(process.env.MONSOON_TEST_SEED ?? Date.now() & 0x7fffffff);

test('sets of few rows, of many, and of rows that are somebody else’s are joined like any sets', (t) => {
  t.diagnostic(`seed ${SEED}`);
  const random = randomOf(SEED);
  const drawn = (count: number, end: number): Set<number> =>
    new Set(Array.from({ length: count }, () => Math.floor(random() * end)));
  const ascending = (ids: Iterable<number>): number[] => [...ids].sort((a, b) => a - b);
  const setOf = (ids: Set<number>): RowSet => {
    if (random() < 0.5) return RowSet.of(Uint32Array.from(ascending(ids)));
    const bits = new RowBits();
    for (const id of ids) bits.add(id);
    return RowSet.ofBits(bits);
  };
  for (let round = 0; round < 200; round++) {
    const end = random() < 0.5 ? 300 : 50_000;
    const [a, b] = [0, 1].map(() => drawn(Math.floor(random() ** 3 * 2 * FEW_ROWS_MAX), end)) as [
      Set<number>,
      Set<number>,
    ];
    const [rows, others] = [setOf(a), setOf(b)];
    const check = (found: RowSet, wanted: Set<number>): void => {
      assert.deepEqual([...found.ids()], ascending(wanted), `seed ${SEED}, round ${round}`);
      assert.equal(found.size, wanted.size);
    };
    check(rows.and(others), a.intersection(b));
    check(rows.or(others), a.union(b));
    check(rows.andNot(others), a.difference(b));
    check(rows, a);
    check(others, b);
  }
  assert.deepEqual([...RowSet.none.or(RowSet.none).ids()], []);
});
