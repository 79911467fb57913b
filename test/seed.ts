// The seed of a random test: a new one each run, MONSOON_FUZZ_SEED replays one that failed.
import { type Random, randomBelow } from '../src/base/index.ts';

export const SEED: number = Number(process.env.MONSOON_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Runs a check with consecutive seeds; a failure says which seed replays it. */
export function eachSeed(count: number, check: (seed: number) => void): void {
  for (let seed = SEED; seed < SEED + count; seed++) {
    try {
      check(seed);
    } catch (cause) {
      throw new Error(`MONSOON_FUZZ_SEED=${seed}: ${cause}`, { cause });
    }
  }
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[randomBelow(random, from.length)]!;
}

export function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => randomBelow(random, 256));
}
