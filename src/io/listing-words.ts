/**
 * Which listed rows hold which words: SQLite's FTS5, the rows of the commonest words as bits in memory, and every word
 * there is. All of it can be made again from the entries.
 */
import { CommonWords, RowBits, SAMPLE_ROWS, Vocabulary } from '../listing/index.ts';
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

/** Words of which a row holds at least one. */
export type AnyOf = readonly string[];
/** What rows must hold: one of several words, or one of several sets of such. */
export type Condition = AnyOf | { readonly either: readonly (readonly AnyOf[])[] };

export class WordIndex {
  readonly #sql: Sql;
  readonly #common = new CommonWords();
  /** Where the common word that is being filled is looked for next. */
  #filled = 0;
  readonly vocabulary: Vocabulary = new Vocabulary();

  constructor(sql: Sql) {
    this.#sql = sql;
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
  }

  /** @param words those that it was added with */
  remove(id: number, words: readonly string[]): void {
    this.#sql.run(`INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)`, id, words.join(' '));
    this.#common.delete(id, words);
  }

  /** True of a word that so many rows hold that it is hardly a misspelt one. */
  isCommon(word: string): boolean {
    return this.#common.rowsOf(word) !== undefined;
  }

  /** The rows that hold all of this; none where nothing is asked for. */
  matching(conditions: readonly Condition[]): Uint32Array {
    const bits: RowBits[] = [];
    const expressions: string[] = [];
    for (const condition of conditions) {
      const rows = 'either' in condition || condition.length > 1 ? undefined : this.#common.rowsOf(condition[0]!);
      if (rows) bits.push(rows);
      else expressions.push(expressionOf(condition));
    }
    if (expressions.length === 0) return RowBits.inAll(bits);
    const ids = this.#indexed('SELECT json_group_array(rowid) AS ids FROM words WHERE words MATCH ?', expressions);
    return bits.length === 0 ? ids : ids.filter((id) => bits.every((rows) => rows.has(id)));
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
    const text = 'SELECT json_group_array(rowid) AS ids FROM words WHERE words MATCH ? AND rowid >= ? AND rowid < ?';
    const next = this.#filled + FILL_STEP;
    const isAll = next >= end;
    this.#common.fill(word, this.#indexed(text, [quoted(word)], this.#filled, next), isAll);
    this.#filled = isAll ? 0 : next;
    return true;
  }

  /** As one value: a million rows one by one would take a second. */
  #indexed(text: string, expressions: readonly string[], ...bounds: readonly number[]): Uint32Array {
    const row = this.#sql.one(text, expressions.join(' AND '), ...bounds);
    return Uint32Array.from(JSON.parse(String(row?.ids ?? '[]')) as number[]);
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
