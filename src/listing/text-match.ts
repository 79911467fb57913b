/**
 * How well a row's texts answer a search: which of the words that are looked for occur, where, how nearly, and in
 * which order. Decides phrases too, which the index does not know.
 */
import type { SearchTerm } from './search-text.ts';
import { isPlain, WORD_LENGTH_MAX, wordsOf } from './words.ts';

const PLAIN_WORD = /^[a-z0-9]+$/;

/** A word that may stand for the one typed, and how well: 1 is the word itself. */
export type Readings = ReadonlyMap<string, number>;

/** A term with what each of its words may be read as. */
export interface ReadTerm {
  readonly term: SearchTerm;
  /** Parallel to `term.words`. */
  readonly readings: readonly Readings[];
}

/** Quality of a word that begins with the one typed, one that holds it, and of each letter that differs. */
export const BEGINNING_QUALITY = 0.85;
export const HOLDING_QUALITY = 0.7;
export const TYPO_QUALITY = 0.8;
/** In the description or a tag, not in the name. */
const ELSEWHERE_QUALITY = 0.6;
const MISSING_QUALITY = 0.2;
/** Of the whole: how much the order of the words, and what else the name says, can take away. */
const ORDER_SHARE = 0.1;
const COVERAGE_SHARE = 0.25;

export interface RowWords {
  readonly name: readonly string[];
  readonly claims: readonly string[];
}

/** Words that stand side by side, looked for in texts as they are written. */
export class Phrase {
  readonly #words: readonly string[];
  /** Finds them in a plain text, a tenth as much work as cutting it into words. */
  readonly #plain: RegExp | undefined;

  /** @param words as `wordsOf` cuts them */
  constructor(words: readonly string[]) {
    this.#words = words;
    const isPlain = words.every((word) => PLAIN_WORD.test(word) && word.length < WORD_LENGTH_MAX);
    if (isPlain) this.#plain = new RegExp(`(?<![a-z0-9])${words.join('[^a-z0-9]+')}(?![a-z0-9])`, 'i');
  }

  isIn(text: string): boolean {
    if (this.#plain && isPlain(text)) return this.#plain.test(text);
    const words = wordsOf(text);
    for (let at = 0; at + this.#words.length <= words.length; at++) {
      if (this.#words.every((word, i) => words[at + i] === word)) return true;
    }
    return false;
  }
}

/** 0–1: how well a row answers all clauses, each by the best of its terms. */
export function matchQuality(row: RowWords, clauses: readonly (readonly ReadTerm[])[]): number {
  if (clauses.length === 0) return 1;
  let product = 1;
  let words = 0;
  let matched = 0;
  let ordered = 0;
  let lastAt = -1;
  for (const clause of clauses) {
    let best: TermMatch | undefined;
    for (const term of clause) {
      const match = matchTerm(row, term);
      if (!best || match.quality > best.quality) best = match;
    }
    if (!best) continue;
    product *= best.quality;
    words++;
    matched += best.inName;
    if (best.at > lastAt) ordered++;
    if (best.at >= 0) lastAt = best.at;
  }
  const coverage = Math.min(1, matched / Math.max(1, row.name.length));
  return product * (1 - ORDER_SHARE * (1 - ordered / Math.max(1, words))) * (1 - COVERAGE_SHARE * (1 - coverage));
}

interface TermMatch {
  readonly quality: number;
  /** Where in the name its first word is; -1 when it is elsewhere. */
  readonly at: number;
  /** How many of its words are in the name. */
  readonly inName: number;
}

function matchTerm({ name, claims }: RowWords, { readings }: ReadTerm): TermMatch {
  let quality = 1;
  let first = -1;
  let inName = 0;
  for (const reading of readings) {
    let best = 0;
    let bestAt = -1;
    for (const [at, word] of name.entries()) {
      const found = reading.get(word) ?? 0;
      if (found <= best) continue;
      best = found;
      bestAt = at;
    }
    if (bestAt >= 0) inName++;
    if (best < ELSEWHERE_QUALITY) {
      for (const word of claims) best = Math.max(best, (reading.get(word) ?? 0) * ELSEWHERE_QUALITY);
    }
    if (first < 0) first = bestAt;
    quality *= Math.max(best, MISSING_QUALITY);
  }
  return { quality, at: first, inName };
}
