/**
 * A rate as a level: fills with time, empties by what is spent, and goes into debt, so that whoever must not refuse can
 * still see how far over the rate it is. It never refuses; its owner decides what a level means.
 */
import type { Instant } from '../src/base/index.ts';

// What a window of 10 s may exceed the rate by is what the bucket holds and what its owner lets it owe.
const FILL_SECONDS = 0.5;

/** A bucket that holds half a second of its rate. */
export class TokenBucket {
  #perSecond: number;
  #tokens: number;
  #filledAt: Instant | undefined;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond * FILL_SECONDS;
  }

  /** Changes the rate; what is owed stays owed, what was saved beyond the new fill is lost. */
  setRate(perSecond: number): void {
    this.#perSecond = perSecond;
  }

  /** 1 when full, 0 when empty, below 0 in debt by that many fills. */
  level(now: Instant): number {
    const full = this.#perSecond * FILL_SECONDS;
    const elapsedMs = Math.max(0, now - (this.#filledAt ?? now));
    this.#filledAt = now;
    this.#tokens = Math.min(full, this.#tokens + (this.#perSecond * elapsedMs) / 1000);
    return this.#tokens / full;
  }

  spend(tokens: number): void {
    this.#tokens -= tokens;
  }
}
