/**
 * Chance in the world: one stream per concern and subject, so that one more node does not shift what happens to the
 * others, and the distributions of the churn papers.
 */
import { type Random, seededRandom } from '../../src/base/index.ts';

/** A stream of its own for a concern, and for one subject of it. */
export function streamOf(seed: number, concern: string, subject = 0): Random {
  let mixed = mix(seed ^ 0x9e3779b9);
  for (let i = 0; i < concern.length; i++) mixed = mix(mixed ^ concern.charCodeAt(i));
  return seededRandom(mix(mixed ^ subject));
}

/** 32 bits that depend on all 32 of a number (murmur3's finaliser). */
export function mix(value: number): number {
  let mixed = value >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** A standard normal number out of two uniform ones (Box and Muller). */
export function normalOf(u: number, v: number): number {
  return Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * v);
}

export function lognormal(random: Random, median: number, sigma: number): number {
  return median * Math.exp(sigma * normalOf(random(), random()));
}

export function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random());
}

export function weibull(random: Random, shape: number, scale: number): number {
  return scale * (-Math.log(1 - random())) ** (1 / shape);
}

export function pareto(random: Random, shape: number, least: number): number {
  return least / (1 - random()) ** (1 / shape);
}

/** Draws places 0..count-1 by popularity: place i weighs 1/(i+1)^exponent. */
export class Zipf {
  readonly #upTo: Float64Array;

  constructor(count: number, exponent: number) {
    this.#upTo = new Float64Array(count);
    let sum = 0;
    for (let i = 0; i < count; i++) {
      sum += 1 / (i + 1) ** exponent;
      this.#upTo[i] = sum;
    }
  }

  draw(random: Random): number {
    const upTo = this.#upTo;
    const wanted = random() * upTo[upTo.length - 1]!;
    let low = 0;
    let high = upTo.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (upTo[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
