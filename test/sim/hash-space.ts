/**
 * The info hashes of the world, in the order of the ring. A hash is known by its rank in that order, which makes sets of
 * them small and arcs of the ring two numbers.
 */
import { hex, type InfoHash, type Random, randomBelow } from '../../src/base/index.ts';
import type { Arc } from '../../src/ports/index.ts';
import { Zipf } from './streams.ts';

const POPULARITY_EXPONENT = 0.9;

export class HashSpace {
  /** Ascending. */
  readonly hashes: readonly InfoHash[];
  readonly #ranks: Map<string, number>;
  /** The rank of the n-th most popular hash. */
  readonly #byPopularity: readonly number[];
  readonly #popularity: Zipf;

  constructor(count: number, random: Random) {
    const drawn = Array.from({ length: count }, () => randomHash(random));
    this.hashes = drawn.toSorted();
    this.#ranks = new Map(this.hashes.map((hash, rank) => [hash, rank]));
    this.#byPopularity = drawn.map((hash) => this.#ranks.get(hash)!);
    this.#popularity = new Zipf(count, POPULARITY_EXPONENT);
  }

  get count(): number {
    return this.hashes.length;
  }

  rankOf(infoHash: string): number | undefined {
    return this.#ranks.get(infoHash);
  }

  /** A hash as people ask for it: few are wanted by many. */
  draw(random: Random): number {
    return this.#byPopularity[this.#popularity.draw(random)]!;
  }

  /** The rank of the n-th most popular hash. */
  popular(n: number): number {
    return this.#byPopularity[n]!;
  }

  /** The least rank whose hash is above a position. */
  rankAbove(position: string): number {
    let low = 0;
    let high = this.hashes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.hashes[middle]! > (position as InfoHash)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The ranks of an arc: from `first` on, `count` of them, past the end going on at 0. */
  ranksOf(arc: Arc): { readonly first: number; readonly count: number } {
    const first = this.rankAbove(arc.from);
    const end = this.rankAbove(arc.to);
    const count = arc.from < arc.to ? end - first : this.count - first + end;
    return { first, count };
  }
}

export function randomHash(random: Random): InfoHash {
  return hex(Uint8Array.from({ length: 20 }, () => randomBelow(random, 256))) as InfoHash;
}
