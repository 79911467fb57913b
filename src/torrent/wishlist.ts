/**
 * Pieces still to be opened: the highest priority first, the rarest among equals. Invariant: `#order` is sorted by
 * bucket, a bucket holds one priority and one count of the partial links that have the piece, and moving a piece by
 * one bucket is one swap. Links that have everything are not counted: they change no order.
 */
import { assert, type Random, randomBelow } from '../base/index.ts';
import { PRIORITY, type Priority } from './selection.ts';

/** Counts told apart; a piece that more links have is as good as any of that kind. */
const COUNTS = 64;
/** One stretch of buckets per priority that is fetched at all. */
const BUCKETS = PRIORITY.high * COUNTS;

/** A bucket queue over piece indices. */
export class Wishlist {
  /** Wanted pieces by bucket, then all others. */
  readonly #order: Int32Array;
  /** Where each piece stands in `#order`. */
  readonly #place: Int32Array;
  /** Partial links that have each piece. */
  readonly #count: Uint16Array;
  readonly #priority: Uint8Array;
  /** First place of each bucket; the last entry is the number of wanted pieces. */
  readonly #start = new Int32Array(BUCKETS + 1);
  /** Per priority: no wanted piece of it has a lower index. */
  readonly #lowest = new Int32Array(PRIORITY.high + 1);
  readonly #random: Random;

  constructor(pieceCount: number, random: Random) {
    this.#order = Int32Array.from({ length: pieceCount }, (_, piece) => piece);
    this.#place = new Int32Array(pieceCount);
    this.#count = new Uint16Array(pieceCount);
    this.#priority = new Uint8Array(pieceCount);
    this.#random = random;
    // A random start: a swarm whose members all begin at the same piece has nothing to trade.
    for (let i = pieceCount - 1; i > 0; i--) {
      const j = randomBelow(random, i + 1);
      const piece = this.#order[i]!;
      this.#order[i] = this.#order[j]!;
      this.#order[j] = piece;
    }
  }

  get size(): number {
    return this.#start[BUCKETS]!;
  }

  has(piece: number): boolean {
    return this.#place[piece]! < this.size;
  }

  /** Begins anew with the pieces whose priority is not `skip`; equals keep their random order. */
  fill(priorityOf: (piece: number) => Priority): void {
    const before = this.#order.slice();
    const next = new Int32Array(BUCKETS + 1);
    for (const piece of before) {
      this.#priority[piece] = priorityOf(piece);
      next[this.#bucketOf(piece)]!++;
    }
    let place = 0;
    for (let bucket = 0; bucket <= BUCKETS; bucket++) {
      const size = next[bucket]!;
      this.#start[bucket] = place;
      next[bucket] = place;
      place += size;
    }
    for (const piece of before) {
      const at = next[this.#bucketOf(piece)]!++;
      this.#order[at] = piece;
      this.#place[piece] = at;
    }
    this.#lowest.fill(0);
  }

  /** One more link has the piece. */
  increase(piece: number): void {
    const before = this.#bucketOf(piece);
    const isIn = this.has(piece);
    this.#count[piece]!++;
    if (isIn && this.#bucketOf(piece) > before) this.#raise(piece, before);
  }

  /** One link less has the piece. */
  decrease(piece: number): void {
    if (this.#count[piece] === 0) return;
    const before = this.#bucketOf(piece);
    const isIn = this.has(piece);
    this.#count[piece]!--;
    if (isIn && this.#bucketOf(piece) < before) this.#lower(piece, before);
  }

  /** The piece is being fetched, or not wanted any more. */
  remove(piece: number): void {
    assert(this.has(piece), 'only a piece on the list is taken off it');
    for (let bucket = this.#bucketOf(piece); bucket < BUCKETS; bucket++) this.#raise(piece, bucket);
  }

  /** The piece is to be fetched, for the first time or again. */
  add(piece: number, priority: Priority): void {
    assert(!this.has(piece) && priority !== PRIORITY.skip, 'only a wanted piece that is not listed is added');
    this.#priority[piece] = priority;
    for (let bucket = BUCKETS; bucket > this.#bucketOf(piece); bucket--) this.#lower(piece, bucket);
    this.#lowest[priority] = Math.min(this.#lowest[priority]!, piece);
  }

  /** The first piece that passes: by priority, then rarest first. */
  rarest(passes: (piece: number) => boolean): number | undefined {
    for (let place = 0; place < this.size; place++) {
      const piece = this.#order[place]!;
      if (passes(piece)) return piece;
    }
    return undefined;
  }

  /** A random piece of the highest priority that passes, or the rarest that does when chance finds none. */
  random(passes: (piece: number) => boolean): number | undefined {
    let end = this.#start[COUNTS]!;
    if (end === 0) end = this.#start[2 * COUNTS]!;
    if (end === 0) end = this.size;
    for (let tries = 0; tries < 8 && end > 0; tries++) {
      const piece = this.#order[randomBelow(this.#random, end)]!;
      if (passes(piece)) return piece;
    }
    return this.rarest(passes);
  }

  /** The first piece that passes: by priority, then as they follow in the torrent. */
  first(passes: (piece: number) => boolean): number | undefined {
    for (let priority: number = PRIORITY.high; priority > PRIORITY.skip; priority--) {
      const stretch = (PRIORITY.high - priority) * COUNTS;
      let left = this.#start[stretch + COUNTS]! - this.#start[stretch]!;
      let isLowest = true;
      for (let piece = this.#lowest[priority]!; left > 0; piece++) {
        if (this.#priority[piece] !== priority || !this.has(piece)) continue;
        if (isLowest) this.#lowest[priority] = piece;
        isLowest = false;
        left--;
        if (passes(piece)) return piece;
      }
    }
    return undefined;
  }

  /** The bucket a piece belongs in while it is wanted; the place after all buckets when it is to be skipped. */
  #bucketOf(piece: number): number {
    const priority = this.#priority[piece]!;
    if (priority === PRIORITY.skip) return BUCKETS;
    return (PRIORITY.high - priority) * COUNTS + Math.min(this.#count[piece]!, COUNTS - 1);
  }

  /** Moves a piece from `bucket` over its upper edge. */
  #raise(piece: number, bucket: number): void {
    const edge = --this.#start[bucket + 1]!;
    this.#swap(this.#place[piece]!, edge);
  }

  /** Moves a piece from `bucket` over its lower edge. */
  #lower(piece: number, bucket: number): void {
    const edge = this.#start[bucket]!++;
    this.#swap(this.#place[piece]!, edge);
  }

  #swap(a: number, b: number): void {
    const pieceA = this.#order[a]!;
    const pieceB = this.#order[b]!;
    this.#order[a] = pieceB;
    this.#order[b] = pieceA;
    this.#place[pieceA] = b;
    this.#place[pieceB] = a;
  }
}
