/**
 * What a person types to search: words, "phrases", -exclusions, OR, filters, and a hash, a part of one or a magnet
 * in the same box. Any text means something; what is no filter is a word.
 *
 *   silicon valley            both words, in any order, typos allowed
 *   "silicon valley"          these words side by side
 *   alien OR aliens 1979      either of two, and the third
 *   matrix -reloaded -"the game"
 *   cat:movie tag:tv by:1f2e  a category, a tag, a publisher's id or its beginning
 *   size>700M size<4G files<10 seeds>5 age<7d
 */

import { isCategory, isTag } from './claims.ts';
import { parseAge, parseBytes, parseCount } from './quantity.ts';
import { type ListingFilters, SEARCH_LENGTH_MAX } from './query.ts';
import { wordsOf } from './words.ts';

/** Terms of a search that count. */
export const TERMS_MAX = 24;
/** Hex digits of a hash that make a word a hash. */
const HASH_DIGITS_MIN = 6;

/** Words that belong together. */
export interface SearchTerm {
  readonly words: readonly string[];
  /** Side by side and exactly so, not merely all of them. */
  readonly isPhrase: boolean;
}

export interface SearchText {
  /** Of each of these at least one term. */
  readonly all: readonly (readonly SearchTerm[])[];
  /** Not one of these. */
  readonly none: readonly SearchTerm[];
  /** 6–40 lower-case hex digits, when the text may mean a hash; `all` is empty when it cannot be anything else. */
  readonly hashPrefix: string | undefined;
  readonly filters: ListingFilters;
}

const TOKEN = /(-?)"([^"]*)"?|(\S+)/g;
const FILTER = /^(size|files|seeds|age)(>=|<=|>|<|:)(.+)$/i;
const CLAIM = /^(cat|category|tag|by):(.+)$/i;
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** Reads a search; never refuses one. */
export function parseSearch(text: string): SearchText {
  const typed = text.slice(0, SEARCH_LENGTH_MAX).trim();
  const hashPrefix = hashPrefixOf(typed);
  const reader = new SearchReader();
  // A whole hash, or a magnet, is nothing else.
  if (hashPrefix?.length !== 40) for (const match of typed.matchAll(TOKEN)) reader.take(match);
  return { all: reader.all, none: reader.none, filters: reader.filters, hashPrefix };
}

class SearchReader {
  readonly all: SearchTerm[][] = [];
  readonly none: SearchTerm[] = [];
  filters: ListingFilters = {};
  #isOr = false;
  #terms = 0;

  take([, minus, phrase, word = '']: RegExpExecArray): void {
    if (phrase !== undefined) return this.#add({ words: wordsOf(phrase), isPhrase: true }, minus === '-');
    if (word === 'OR' || word === '|') {
      this.#isOr = this.all.length > 0;
      return;
    }
    const filters = filterIn(word);
    if (filters) {
      this.filters = { ...this.filters, ...filters };
      return;
    }
    const isExcluded = word.length > 1 && word.startsWith('-');
    this.#add({ words: wordsOf(isExcluded ? word.slice(1) : word), isPhrase: false }, isExcluded);
  }

  #add(term: SearchTerm, isExcluded: boolean): void {
    const isOr = this.#isOr;
    this.#isOr = false;
    if (term.words.length === 0 || this.#terms === TERMS_MAX) return;
    this.#terms++;
    if (isExcluded) this.none.push(term);
    else if (isOr) this.all.at(-1)!.push(term);
    else this.all.push([term]);
  }
}

function filterIn(word: string): ListingFilters | undefined {
  const [, claim, claimed = ''] = CLAIM.exec(word) ?? [];
  if (claim !== undefined) return claimFilter(claim.toLowerCase(), claimed.toLowerCase());
  const [, name, sign, value = ''] = FILTER.exec(word) ?? [];
  const isMost = sign?.startsWith('<') ?? false;
  switch (name?.toLowerCase()) {
    case 'size':
      return withNumber(isMost ? 'sizeMax' : 'sizeMin', parseBytes(value));
    case 'files':
      return withNumber(isMost ? 'filesMax' : 'filesMin', parseCount(value));
    case 'seeds':
      return withNumber(isMost ? 'seedsMax' : 'seedsMin', parseCount(value));
    case 'age':
      return withNumber(isMost ? 'ageMaxSeconds' : 'ageMinSeconds', parseAge(value));
    default:
      return undefined;
  }
}

function claimFilter(claim: string, value: string): ListingFilters | undefined {
  if (claim === 'tag') return isTag(value) ? { tag: value } : undefined;
  if (claim === 'by') return /^[0-9a-f]{4,64}$/.test(value) ? { publisher: value } : undefined;
  return isCategory(value) ? { category: value } : undefined;
}

function withNumber(name: keyof ListingFilters, value: number | undefined): ListingFilters | undefined {
  return value === undefined ? undefined : { [name]: value };
}

/** The hash that a search may mean, or its beginning: 6–40 lower-case hex digits; undefined when it means none. */
export function hashPrefixOf(text: string): string | undefined {
  const word = /^magnet:\?(?:.*&)?xt=urn:btih:([^&]+)/i.exec(text.trim())?.[1] ?? text.trim();
  if (/^[0-9a-f]+$/i.test(word) && word.length >= HASH_DIGITS_MIN && word.length <= 40) return word.toLowerCase();
  return /^[a-z2-7]{32}$/i.test(word) ? hexOfBase32(word.toLowerCase()) : undefined;
}

/** 32 base32 digits are 160 bits. */
function hexOfBase32(text: string): string {
  let bits = 0n;
  for (const digit of text) bits = (bits << 5n) | BigInt(BASE32.indexOf(digit));
  return bits.toString(16).padStart(40, '0');
}
