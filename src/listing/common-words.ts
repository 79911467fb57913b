/**
 * Words that very many rows hold, each with its rows as bits: reading half a million numbers out of an index takes
 * longer than a whole search may. Which words are common is found in a sample; all others stay the index's.
 */
import { RowBits } from './row-bits.ts';
import { RowSet } from './row-set.ts';

/** Words kept so: 8 MB at a million rows. */
export const COMMON_WORDS_MAX = 64;
/** Rows looked at to find out which words are common. */
export const SAMPLE_ROWS = 512;
/** A word is common when one row of so many has it. */
const ROWS_PER_WORD = 64;
/** Fewer rows are read in no time. */
const ROWS_MIN = 4096;

export class CommonWords {
  /** Whole once they are in `#whole`. */
  readonly #rows = new Map<string, RowBits>();
  readonly #whole = new Set<string>();
  /** How many rows there were when the words were chosen. */
  #chosenAt = 0;

  /** True when so many rows came since that other words may be common by now. */
  isStale(rows: number): boolean {
    return rows >= ROWS_MIN && rows >= 2 * this.#chosenAt;
  }

  /**
   * Chooses words and forgets those that are common no more.
   * @param sample the words of some rows, each once
   * @param rows how many there are
   */
  choose(sample: readonly (readonly string[])[], rows: number): void {
    this.#chosenAt = rows;
    const found = new Map<string, number>();
    for (const words of sample) for (const word of words) found.set(word, (found.get(word) ?? 0) + 1);
    const chosen = [...found]
      .filter(([, times]) => times * ROWS_PER_WORD >= sample.length)
      .sort(([, a], [, b]) => b - a)
      .slice(0, COMMON_WORDS_MAX)
      .map(([word]) => word);
    for (const word of this.#rows.keys()) if (!chosen.includes(word)) this.#forget(word);
    for (const word of chosen) if (!this.#rows.has(word)) this.#rows.set(word, new RowBits());
  }

  /** A chosen word of which not all rows are noted. */
  get unfilled(): string | undefined {
    return this.#rows.keys().find((word) => !this.#whole.has(word));
  }

  /** Notes rows that hold a word. @param isAll true when none is left to be noted */
  fill(word: string, some: RowSet, isAll: boolean): void {
    const rows = this.#rows.get(word);
    rows?.addAll(some.ids());
    if (rows && isAll) this.#whole.add(word);
  }

  /** The rows that hold a word, as of now; undefined where it is not common, or not all of them are noted. */
  rowsOf(word: string): RowSet | undefined {
    return this.#whole.has(word) ? RowSet.ofBits(this.#rows.get(word)!) : undefined;
  }

  /** Notes a row that came. */
  add(id: number, words: readonly string[]): void {
    for (const word of words) this.#rows.get(word)?.add(id);
  }

  /** Forgets a row that goes. */
  delete(id: number, words: readonly string[]): void {
    for (const word of words) this.#rows.get(word)?.delete(id);
  }

  #forget(word: string): void {
    this.#rows.delete(word);
    this.#whole.delete(word);
  }
}
