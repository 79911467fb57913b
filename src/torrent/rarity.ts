/**
 * Pieces still to be opened, rarest first. Invariant: `#order` is sorted by how many partial links have the piece,
 * each count forms one bucket, and moving a piece by one bucket is one swap. Links that have everything are not
 * counted: they change no order.
 */
import { assert, type Random, randomBelow } from '../base/index.ts';

/** Buckets kept; counts above share the last. Far above the links of one torrent. */
const COUNT_MAX = 255;

/** A bucket queue over piece indices. */
export class Rarity {
  /** Candidate pieces by rising count, then everything that left. */
  readonly #order: Int32Array;
  /** Where each piece stands in `#order`. */
  readonly #place: Int32Array;
  readonly #count: Uint8Array;
  /** First place of each count's bucket; the last entry is the number of candidates. */
  readonly #start: Int32Array;
  readonly #random: Random;

  constructor(pieceCount: number, isCandidate: (piece: number) => boolean, random: Random) {
    this.#order = new Int32Array(pieceCount);
    this.#place = new Int32Array(pieceCount);
    this.#count = new Uint8Array(pieceCount);
    this.#random = random;
    let candidates = 0;
    let left = pieceCount;
    for (let piece = 0; piece < pieceCount; piece++) {
      this.#order[isCandidate(piece) ? candidates++ : --left] = piece;
    }
    // A random start: a swarm whose members all begin at the same piece has nothing to trade.
    for (let i = candidates - 1; i > 0; i--) {
      const j = randomBelow(random, i + 1);
      const piece = this.#order[i]!;
      this.#order[i] = this.#order[j]!;
      this.#order[j] = piece;
    }
    for (const [place, piece] of this.#order.entries()) this.#place[piece] = place;
    this.#start = new Int32Array(COUNT_MAX + 2).fill(candidates);
    this.#start[0] = 0;
  }

  get size(): number {
    return this.#start[COUNT_MAX + 1]!;
  }

  isCandidate(piece: number): boolean {
    return this.#place[piece]! < this.size;
  }

  /** One more link has the piece. */
  increase(piece: number): void {
    const count = this.#count[piece]!;
    if (count === COUNT_MAX) return;
    if (this.isCandidate(piece)) this.#raise(piece, count);
    this.#count[piece] = count + 1;
  }

  /** One link less has the piece. */
  decrease(piece: number): void {
    const count = this.#count[piece]!;
    if (count === 0) return;
    if (this.isCandidate(piece)) this.#lower(piece, count);
    this.#count[piece] = count - 1;
  }

  /** The piece is being fetched: no longer a candidate. */
  remove(piece: number): void {
    assert(this.isCandidate(piece), 'only a candidate is fetched');
    for (let count = this.#count[piece]!; count <= COUNT_MAX; count++) this.#raise(piece, count);
  }

  /** The piece is to be fetched again. */
  restore(piece: number): void {
    assert(!this.isCandidate(piece), 'only a piece that was fetched becomes a candidate again');
    for (let count = COUNT_MAX + 1; count > this.#count[piece]!; count--) this.#lower(piece, count);
  }

  /** The rarest candidate that passes, ties broken at random among neighbours. */
  rarest(passes: (piece: number) => boolean): number | undefined {
    for (let place = 0; place < this.size; place++) {
      const piece = this.#order[place]!;
      if (passes(piece)) return piece;
    }
    return undefined;
  }

  /** A random candidate that passes, or the rarest that does when chance finds none. */
  random(passes: (piece: number) => boolean): number | undefined {
    for (let tries = 0; tries < 8 && this.size > 0; tries++) {
      const piece = this.#order[randomBelow(this.#random, this.size)]!;
      if (passes(piece)) return piece;
    }
    return this.rarest(passes);
  }

  /** Moves a piece from bucket `count` over its upper edge. */
  #raise(piece: number, count: number): void {
    const edge = --this.#start[count + 1]!;
    this.#swap(this.#place[piece]!, edge);
  }

  /** Moves a piece from bucket `count` over its lower edge. */
  #lower(piece: number, count: number): void {
    const edge = this.#start[count]!++;
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
