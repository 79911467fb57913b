/**
 * What a row is worth: availability x freshness x trust, as one whole number in which factors add up. Orders what is
 * browsed as `best`, weighs in on what is searched, and says what goes first when the store is full. Time does not
 * change it: a row sinks because newer ones are worth more.
 */

/** Steps to a doubling of the worth. */
export const WORTH_STEPS = 16;
/** After this long without a live seed a row is worth half. */
const HALF_LIFE_SECONDS: number = 30 * 86_400;
/** Seconds since 1970 from which freshness is counted; only keeps the numbers small. */
const EPOCH_SECONDS = 1_700_000_000;
const VERIFIED_DOUBLINGS = 2;
/** More seeders than this are no better. */
const SEEDERS_MAX = 4096;
/** Rows that one publisher may have before all of them lose trust. */
const ROWS_TRUSTED = 200;
const WORTH_MAX: number = 2 ** 30;

export interface WorthFacts {
  /** Seconds since 1970. */
  readonly published: number;
  /** When a seeder was last counted; undefined when never. */
  readonly aliveAt: number | undefined;
  readonly seeders: number | undefined;
  readonly isVerified: boolean;
}

/** The worth of a row, its publisher aside; twice as good is WORTH_STEPS more. */
export function worthOf({ published, aliveAt = 0, seeders = 0, isVerified }: WorthFacts): number {
  const freshness = (Math.max(published, aliveAt) - EPOCH_SECONDS) / HALF_LIFE_SECONDS;
  const availability = Math.log2(1 + Math.min(seeders, SEEDERS_MAX));
  const worth = Math.round((freshness + availability + (isVerified ? VERIFIED_DOUBLINGS : 0)) * WORTH_STEPS);
  return Math.min(WORTH_MAX, Math.max(-WORTH_MAX, worth));
}

/** How many times as much a row without seeders loses by its publisher. */
export const UNSEEDED = 2;

/**
 * What a row with seeders is worth less because its publisher has so many: nothing for a few hundred, then a step for each
 * doubling.
 * @param publisherRows rows of the publisher that are listed
 */
export function distrustOf(publisherRows: number): number {
  if (publisherRows < 2 * ROWS_TRUSTED) return 0;
  const doublings = 31 - Math.clz32(publisherRows / ROWS_TRUSTED);
  return doublings * WORTH_STEPS;
}
