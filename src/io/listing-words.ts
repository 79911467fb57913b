/**
 * Which listed rows hold which words: SQLite's FTS5, the rows of the commonest words as bits in memory, and every word
 * there is. All of it can be made again from the entries.
 */
import { CommonWords, RowSet, SAMPLE_ROWS, Vocabulary } from '../listing/index.ts';
import type { Sql } from './sql.ts';

/** detail=none: rows only, no positions, a third of the size; phrases are decided by the texts themselves. */
export const WORDS_SCHEMA = `
  CREATE VIRTUAL TABLE words USING fts5(
    text, content = '', columnsize = 0, detail = none, tokenize = "ascii tokenchars '#-'"
  );
  CREATE TABLE word (word TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
`;
/** Numbers of rows in which a common word is looked for at once; a search waits for one such step at most. */
const FILL_STEP: number = 2 ** 18;

/** Rows written before what they changed is moved into the index: some milliseconds of work at once. */
const FLUSH_ROWS = 250;
/** The index's pages merged at once, 1 or 2 ms of work, and at most for each row that was written: rather more than are needed. */
const MERGE_PAGES = 16;
const MERGE_PAGES_PER_ROW = 8;

/** Words of which a row holds at least one. */
export type AnyOf = readonly string[];
/** What rows must hold: one of several words, or one of several sets of such. */
export type Condition = AnyOf | { readonly either: readonly (readonly AnyOf[])[] };

export class WordIndex {
  readonly #sql: Sql;
  readonly #common = new CommonWords();
  /** Where the common word that is being filled is looked for next. */
  #filled = 0;
  /** Rows written since the index was merged. */
  #unmerged = 0;
  readonly vocabulary: Vocabulary = new Vocabulary();

  constructor(sql: Sql) {
    this.#sql = sql;
    // The index would merge its parts when a transaction ends, for as long as that takes.
    if (sql.one(`SELECT v FROM words_config WHERE k = 'automerge'`)?.v !== 0)
      sql.run(`INSERT INTO words (words, rank) VALUES ('automerge', 0)`);
    for (const { word } of sql.each('SELECT word FROM word')) this.vocabulary.add(String(word));
  }

  /** @param words each once */
  add(id: number, words: readonly string[]): void {
    this.#sql.run('INSERT INTO words (rowid, text) VALUES (?, ?)', id, words.join(' '));
    for (const word of words) {
      if (!this.vocabulary.add(word)) continue;
      this.#sql.run('INSERT OR IGNORE INTO word (word) VALUES (?)', word);
    }
    this.#common.add(id, words);
    this.#unmerged++;
  }

  /** @param words those that it was added with */
  remove(id: number, words: readonly string[]): void {
    this.#sql.run(`INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)`, id, words.join(' '));
    this.#common.delete(id, words);
    this.#unmerged++;
  }

  /** True when so many rows were written that their words should be moved into the index now. */
  get isFull(): boolean {
    return this.#unmerged >= FLUSH_ROWS;
  }

  /** Moves the words of rows written into the index, and its small parts into larger ones, in steps of the same transaction. */
  *merge(): Generator<void, void, void> {
    const pagesMax = this.#unmerged * MERGE_PAGES_PER_ROW;
    this.#unmerged = 0;
    for (let pages = 0; pages < pagesMax && this.#mergeSome(); pages += MERGE_PAGES) yield;
  }

  /** True of a word that so many rows hold that it is hardly a misspelt one. */
  isCommon(word: string): boolean {
    return this.#common.rowsOf(word) !== undefined;
  }

  /** The rows that hold all of this; none where nothing is asked for. */
  matching(conditions: readonly Condition[]): RowSet {
    const rare = conditions.filter((condition) => !this.#hasCommon(condition));
    let rows = rare.length === 0 ? undefined : this.#indexed(rare.map(expressionOf).join(' AND '));
    for (const condition of conditions) {
      if (rows?.isEmpty) break;
      if (!this.#hasCommon(condition)) continue;
      const others = this.#rowsOf(condition);
      rows = rows?.and(others) ?? others;
    }
    return rows ?? RowSet.none;
  }

  /**
   * One small step of keeping the common words: chooses them, or reads on in the rows of one.
   * @param rows how many are listed
   * @param sample the words of so many of them
   * @param end above all numbers of rows
   * @returns true when there is more to do
   */
  upkeep(rows: number, end: number, sample: (count: number) => readonly (readonly string[])[]): boolean {
    if (this.#common.isStale(rows)) {
      this.#common.choose(sample(SAMPLE_ROWS), rows);
      this.#filled = 0;
    }
    const word = this.#common.unfilled;
    if (word === undefined) return false;
    const next = this.#filled + FILL_STEP;
    const isAll = next >= end;
    this.#common.fill(word, this.#indexed(quoted(word), this.#filled, next), isAll);
    this.#filled = isAll ? 0 : next;
    return true;
  }

  /** False when there was nothing to do (https://sqlite.org/fts5.html, 6.8). */
  #mergeSome(): boolean {
    const before = this.#sql.number('SELECT total_changes()');
    this.#sql.run(`INSERT INTO words (words, rank) VALUES ('merge', ?)`, MERGE_PAGES);
    return this.#sql.number('SELECT total_changes()') - before >= 2;
  }

  #hasCommon(condition: Condition): boolean {
    if (!('either' in condition)) return condition.some((word) => this.isCommon(word));
    return condition.either.some((all) => all.some((anyOf) => this.#hasCommon(anyOf)));
  }

  /** The rows of a condition that has common words in it. */
  #rowsOf(condition: Condition): RowSet {
    const sets = 'either' in condition ? condition.either.map((all) => this.matching(all)) : this.#rowsOfAny(condition);
    return sets.reduce((rows, others) => rows.or(others));
  }

  #rowsOfAny(words: AnyOf): RowSet[] {
    const rare = words.filter((word) => !this.isCommon(word));
    const common = words.flatMap((word) => this.#common.rowsOf(word) ?? []);
    return rare.length === 0 ? common : [...common, this.#indexed(expressionOf(rare))];
  }

  /** The rows that an expression of FTS5 finds. As one value: a million rows one by one would take a second. */
  #indexed(expression: string, from = 0, to: number = 2 ** 32): RowSet {
    // FTS5 finds rows in the order of their numbers.
    const text = 'SELECT json_group_array(rowid) AS ids FROM words WHERE words MATCH ? AND rowid >= ? AND rowid < ?';
    const row = this.#sql.one(text, expression, from, to);
    return RowSet.of(Uint32Array.from(JSON.parse(String(row?.ids ?? '[]')) as number[]));
  }
}

function expressionOf(condition: Condition): string {
  if (!('either' in condition)) return `(${condition.map(quoted).join(' OR ')})`;
  return `(${condition.either.map((all) => `(${all.map(expressionOf).join(' AND ')})`).join(' OR ')})`;
}

/** Words hold letters and digits only, so nothing in them can end the quotation. */
function quoted(word: string): string {
  return `"${word}"`;
}
