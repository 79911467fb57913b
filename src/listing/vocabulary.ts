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

/** Words that go on are found by so many letters; shorter beginnings are taken as they are. */
const BEGINNING_LENGTH = 3;

export class Vocabulary {
  readonly #known = new Set<string>();
  /** By length in UTF-16 units, then by first letter, since few typos are in that. */
  readonly #buckets: readonly Map<string, Bucket>[] = Array.from({ length: WORD_LENGTH_MAX + 1 }, () => new Map());
  /** By their first letters. */
  readonly #beginnings = new Map<string, string[]>();

  get size(): number {
    return this.#known.size;
  }

  has(word: string): boolean {
    return this.#known.has(word);
  }

  /** True when the word was not there; false too when there is no room for it. */
  add(word: string): boolean {
    const byLetter = this.#buckets[word.length];
    if (!byLetter || this.#known.size >= VOCABULARY_MAX || this.#known.has(word)) return false;
    this.#known.add(word);
    const letter = word.charAt(0);
    let bucket = byLetter.get(letter);
    if (!bucket) {
      bucket = { words: [], masks: new Uint32Array(16) };
      byLetter.set(letter, bucket);
    }
    if (bucket.words.length === bucket.masks.length) {
      const grown = new Uint32Array(bucket.masks.length * 2);
      grown.set(bucket.masks);
      bucket.masks = grown;
    }
    bucket.masks[bucket.words.length] = maskOf(word);
    bucket.words.push(word);
    this.#noteBeginning(word);
    return true;
  }

  /**
   * What a misspelt word may mean, nearest first. Another first letter is thought of only when nothing begins alike,
   * the word itself included, and digits are meant as they are.
   */
  near(word: string): NearWord[] {
    const editsMax = word.length < TYPO_LENGTH_MIN ? 0 : word.length < TWO_TYPOS_LENGTH_MIN ? 1 : 2;
    if (editsMax === 0) return [];
    const first = word.charAt(0);
    const alike: NearWord[] = [];
    for (const byLetter of this.#lengths(word.length, editsMax)) {
      const bucket = byLetter.get(first);
      if (bucket) takeNear(bucket, word, editsMax, alike);
    }
    if (alike.length > 0 || this.#known.has(word)) return nearest(alike);
    const others: NearWord[] = [];
    for (const byLetter of this.#lengths(word.length, editsMax)) {
      for (const [letter, bucket] of byLetter) if (letter !== first) takeNear(bucket, word, editsMax, others);
    }
    return nearest(others);
  }

  /** Longer words that begin with this one, the shortest first; none for fewer than three letters. */
  beginningWith(start: string): string[] {
    const found = this.#beginnings.get(start.slice(0, BEGINNING_LENGTH)) ?? [];
    return found
      .filter((word) => word.length > start.length && word.startsWith(start))
      .sort((a, b) => a.length - b.length)
      .slice(0, NEAR_MAX);
  }

  /** Longer words that hold this one anywhere, the shortest first. */
  holding(part: string): string[] {
    const mask = maskOf(part);
    const found: string[] = [];
    for (let length = part.length + 1; length < this.#buckets.length; length++) {
      for (const { words, masks } of this.#buckets[length]!.values()) {
        for (let i = 0; i < words.length; i++) {
          if ((masks[i]! & mask) >>> 0 !== mask || !words[i]!.includes(part)) continue;
          found.push(words[i]!);
          if (found.length === NEAR_MAX) return found;
        }
      }
    }
    return found;
  }

  #lengths(length: number, editsMax: number): readonly Map<string, Bucket>[] {
    return this.#buckets.slice(Math.max(0, length - editsMax), length + editsMax + 1);
  }

  #noteBeginning(word: string): void {
    if (word.length <= BEGINNING_LENGTH) return;
    const beginning = word.slice(0, BEGINNING_LENGTH);
    const words = this.#beginnings.get(beginning);
    if (words) words.push(word);
    else this.#beginnings.set(beginning, [word]);
  }
}

function takeNear({ words, masks }: Bucket, word: string, editsMax: number, found: NearWord[]): void {
  const mask = maskOf(word);
  const digits = digitsOf(word);
  for (let i = 0; i < words.length; i++) {
    // One edit changes at most two letters of the set.
    if (bitsOf(masks[i]! ^ mask) > 2 * editsMax) continue;
    const edits = editsBetween(word, words[i]!, editsMax);
    if (edits > 0 && edits <= editsMax && digitsOf(words[i]!) === digits) found.push({ word: words[i]!, edits });
  }
}

function nearest(found: NearWord[]): NearWord[] {
  return found.sort((a, b) => a.edits - b.edits).slice(0, NEAR_MAX);
}

function digitsOf(word: string): string {
  return word.replace(/[^0-9]/g, '');
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
  // What both begin and end with costs nothing, and is most of two words that are alike.
  let start = 0;
  let [endA, endB] = [a.length, b.length];
  while (start < endA && start < endB && a.charCodeAt(start) === b.charCodeAt(start)) start++;
  while (endA > start && endB > start && a.charCodeAt(endA - 1) === b.charCodeAt(endB - 1)) {
    endA--;
    endB--;
  }
  if (start === endA || start === endB) return Math.max(endA, endB) - start;
  if (editsMax === 1) return editsBetweenMiddles(a, b, start, endA, endB);
  return editsOfTable(a.slice(start, endA), b.slice(start, endB), editsMax);
}

/** 1 or more than that, of two texts of which what is between `start` and the ends differs at both its ends. */
function editsBetweenMiddles(a: string, b: string, start: number, endA: number, endB: number): number {
  if (endA !== endB) return 2;
  if (endA - start === 1) return 1;
  const isSwap =
    endA - start === 2 &&
    a.charCodeAt(start) === b.charCodeAt(start + 1) &&
    a.charCodeAt(start + 1) === b.charCodeAt(start);
  return isSwap ? 1 : 2;
}

function editsOfTable(a: string, b: string, editsMax: number): number {
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
