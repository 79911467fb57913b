/**
 * How well a row's texts answer a search: which of the words that are looked for occur, where, how nearly, and in
 * which order. Decides phrases too, which the index does not know.
 */
import type { SearchTerm } from './search-text.ts';

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

/** True when the words stand side by side in one of the row's texts. */
export function holdsPhrase({ name, claims }: RowWords, words: readonly string[]): boolean {
  return holdsInOrder(name, words) || holdsInOrder(claims, words);
}

function holdsInOrder(text: readonly string[], words: readonly string[]): boolean {
  for (let at = 0; at + words.length <= text.length; at++) {
    if (words.every((word, i) => text[at + i] === word)) return true;
  }
  return false;
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
