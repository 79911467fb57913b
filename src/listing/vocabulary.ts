/**
 * All words that occur in the listing, and which of them a misspelt one may mean. Held in memory: typos are found by
 * looking at every word of about the same length, most of which one comparison of letter sets rules out.
 */
import { WORD_LENGTH_MAX } from './words.ts';

/** Words held; later ones are found only as they are spelt. */
export const VOCABULARY_MAX = 600_000;
/** Words that one misspelt word may stand for. */
export const NEAR_MAX = 24;
/** Shorter words are taken as they are: too many others are one letter away. */
const TYPO_LENGTH_MIN = 4;
const TWO_TYPOS_LENGTH_MIN = 9;

export interface NearWord {
  readonly word: string;
  /** Letters to add, drop, change or swap with their neighbour. */
  readonly edits: number;
}

interface Bucket {
  readonly words: string[];
  /** One bit for each letter that occurs; same order as `words`. */
  masks: Uint32Array;
}

export class Vocabulary {
  readonly #known = new Set<string>();
  /** By length in UTF-16 units. */
  readonly #buckets: readonly Bucket[] = Array.from({ length: WORD_LENGTH_MAX + 1 }, () => ({
    words: [],
    masks: new Uint32Array(16),
  }));

  get size(): number {
    return this.#known.size;
  }

  has(word: string): boolean {
    return this.#known.has(word);
  }

  /** True when the word was not there; false too when there is no room for it. */
  add(word: string): boolean {
    const bucket = this.#buckets[word.length];
    if (!bucket || this.#known.size >= VOCABULARY_MAX || this.#known.has(word)) return false;
    this.#known.add(word);
    if (bucket.words.length === bucket.masks.length) {
      const grown = new Uint32Array(bucket.masks.length * 2);
      grown.set(bucket.masks);
      bucket.masks = grown;
    }
    bucket.masks[bucket.words.length] = maskOf(word);
    bucket.words.push(word);
    return true;
  }

  /** What a misspelt word may mean, nearest first; of equally near ones those that begin alike. */
  near(word: string): NearWord[] {
    const editsMax = word.length < TYPO_LENGTH_MIN ? 0 : word.length < TWO_TYPOS_LENGTH_MIN ? 1 : 2;
    const found: NearWord[] = [];
    if (editsMax === 0) return found;
    const mask = maskOf(word);
    for (let length = word.length - editsMax; length <= word.length + editsMax; length++) {
      const bucket = this.#buckets[length];
      if (!bucket) continue;
      const { words, masks } = bucket;
      for (let i = 0; i < words.length; i++) {
        // One edit changes at most two letters of the set.
        if (bitsOf(masks[i]! ^ mask) > 2 * editsMax) continue;
        const edits = editsBetween(word, words[i]!, editsMax);
        if (edits > 0 && edits <= editsMax) found.push({ word: words[i]!, edits });
      }
    }
    const isAlike = (near: NearWord): number => (near.word[0] === word[0] ? 0 : 1);
    return found.sort((a, b) => a.edits - b.edits || isAlike(a) - isAlike(b)).slice(0, NEAR_MAX);
  }

  /** Longer words that begin with this one, the shortest first. */
  beginningWith(start: string): string[] {
    return this.#select(start, (word) => word.startsWith(start));
  }

  /** Longer words that hold this one anywhere, the shortest first. */
  holding(part: string): string[] {
    return this.#select(part, (word) => word.includes(part));
  }

  #select(part: string, isWanted: (word: string) => boolean): string[] {
    const mask = maskOf(part);
    const found: string[] = [];
    for (let length = part.length + 1; length < this.#buckets.length; length++) {
      const { words, masks } = this.#buckets[length]!;
      for (let i = 0; i < words.length; i++) {
        if ((masks[i]! & mask) !== mask || !isWanted(words[i]!)) continue;
        found.push(words[i]!);
        if (found.length === NEAR_MAX) return found;
      }
    }
    return found;
  }
}

/** Letters a–z have their own bits, all else shares the other six. */
function maskOf(word: string): number {
  let mask = 0;
  for (let i = 0; i < word.length; i++) {
    const code = word.charCodeAt(i);
    mask |= code >= 97 && code <= 122 ? 1 << (code - 97) : 1 << (26 + (code % 6));
  }
  return mask >>> 0;
}

function bitsOf(mask: number): number {
  let bits = mask - ((mask >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return (((bits + (bits >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}

/** Rows of the table of distances; words are at most WORD_LENGTH_MAX long. */
const BEFORE_LAST = new Uint8Array(WORD_LENGTH_MAX + 2);
const LAST = new Uint8Array(WORD_LENGTH_MAX + 2);
const ROW = new Uint8Array(WORD_LENGTH_MAX + 2);

/** Optimal string alignment distance, given up above `editsMax`. */
export function editsBetween(a: string, b: string, editsMax: number): number {
  if (Math.abs(a.length - b.length) > editsMax) return editsMax + 1;
  let beforeLast = BEFORE_LAST;
  let last = LAST;
  let row = ROW;
  for (let j = 0; j <= b.length; j++) last[j] = j;
  for (let i = 1; i <= a.length; i++) {
    row[0] = i;
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const isSame = a.charCodeAt(i - 1) === b.charCodeAt(j - 1);
      let edits = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (isSame ? 0 : 1));
      if (
        i > 1 &&
        j > 1 &&
        a.charCodeAt(i - 1) === b.charCodeAt(j - 2) &&
        a.charCodeAt(i - 2) === b.charCodeAt(j - 1)
      ) {
        edits = Math.min(edits, beforeLast[j - 2]! + 1);
      }
      row[j] = edits;
      if (edits < least) least = edits;
    }
    if (least > editsMax) return editsMax + 1;
    [beforeLast, last, row] = [last, row, beforeLast];
  }
  return last[b.length]!;
}
