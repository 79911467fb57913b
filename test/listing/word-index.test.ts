import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Condition, WORDS_SCHEMA, WordIndex } from '../../src/io/listing-words.ts';
import { Sql } from '../../src/io/sql.ts';
import { randomOf } from './titles.ts';

const SEED = Number(process.env.MONSOON_TEST_SEED ?? Date.now() & 0x7fffffff);
const WORDS = ['the', 'and', '1080p', '#tv', 'harbor', 'silent', 'violin', 'zebra', 'quagga'];

test('rows of common and of rare words are the same, kept in memory or asked of the index, whatever came and went', (t) => {
  t.diagnostic(`seed ${SEED}`);
  const random = randomOf(SEED);
  const sql = new Sql(':memory:');
  t.after(() => sql.close());
  sql.exec(WORDS_SCHEMA);
  const index = new WordIndex(sql);
  const rows = new Map<number, string[]>();
  // The first word is in half of the rows, each later one in a third as many as the one before.
  const drawn = (): string[] => WORDS.filter((_, i) => random() < 0.5 / 3 ** i);
  const change = (): void => {
    const id = 1 + Math.floor(random() * 9000);
    const words = rows.get(id);
    if (words) index.remove(id, words);
    rows.delete(id);
    if (words && random() < 0.5) return;
    rows.set(id, drawn());
    index.add(id, rows.get(id)!);
  };
  const sample = (count: number): string[][] => [...rows.values()].slice(0, count);
  const check = (conditions: readonly Condition[]): void => {
    const holds = (words: readonly string[], condition: Condition): boolean =>
      'either' in condition
        ? condition.either.some((all) => all.every((any) => holds(words, any)))
        : condition.some((word) => words.includes(word));
    const wanted = [...rows].filter(([, words]) => conditions.every((each) => holds(words, each))).map(([id]) => id);
    assert.deepEqual(
      [...index.matching(conditions).ids()],
      wanted.toSorted((a, b) => a - b),
      JSON.stringify(conditions),
    );
  };
  sql.exec('BEGIN');
  for (let i = 0; i < 16_000; i++) change();
  let steps = 0;
  for (; index.upkeep(rows.size, 600_000, sample); steps++) change();
  assert.ok(steps >= 9 && index.isCommon('the') && !index.isCommon('quagga'), `${steps} steps`);
  for (let round = 0; round < 50; round++) {
    for (let i = 0; i < 20; i++) change();
    const word = (): string => WORDS[Math.floor(random() * WORDS.length)]!;
    check([[word()]]);
    check([[word()], [word()]]);
    check([[word(), word()], [word()], [word()]]);
    check([
      [word(), word()],
      [word(), word()],
    ]);
    check([{ either: [[[word()], [word()]], [[word(), word()]]] }, [word()]]);
  }
});

test('an index that is opened again is not written to, since the disk may be full', (t) => {
  const sql = new Sql(':memory:');
  t.after(() => sql.close());
  sql.exec(WORDS_SCHEMA);
  new WordIndex(sql).add(1, ['the']);
  const before = sql.number('SELECT total_changes()');
  assert.ok(before > 0);
  assert.deepEqual([...new WordIndex(sql).matching([['the']]).ids()], [1]);
  assert.equal(sql.number('SELECT total_changes()'), before);
});

test('after many small writes the index has few parts, without one long merge', (t) => {
  const sql = new Sql(':memory:');
  t.after(() => sql.close());
  sql.exec(WORDS_SCHEMA);
  const index = new WordIndex(sql);
  const parts = (): number => sql.number('SELECT count(DISTINCT segid) FROM words_idx');
  let steps = 0;
  for (let write = 0; write < 200; write++) {
    sql.exec('BEGIN');
    for (let i = 0; i < 50; i++) index.add(write * 50 + i + 1, ['the', `w${write}`, `x${i}`, `y${write * 50 + i}`]);
    for (const _ of index.merge()) steps++;
    sql.exec('COMMIT');
    assert.ok(parts() <= 16, `${parts()} parts after ${write} writes`);
  }
  assert.ok(steps > 50, `${steps} steps`);
  assert.equal(index.matching([['the']]).size, 10_000);
});
