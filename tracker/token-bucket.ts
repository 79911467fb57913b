/**
 * A rate as a level: fills with time, empties by what is spent, and may go into debt by one fill, so that whoever
 * must not refuse can still see how far over the rate it is. It never refuses; its owner decides what a level means.
 */
import type { Instant } from '../src/base/index.ts';

/** A bucket that holds one second of its rate. */
export class TokenBucket {
  readonly #perSecond: number;
  #tokens: number;
  #filledAt: Instant | undefined;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
  }

  /** From -1 (a second in debt) to 1 (full). */
  level(now: Instant): number {
    const elapsedMs = Math.max(0, now - (this.#filledAt ?? now));
    this.#filledAt = now;
    this.#tokens = Math.min(this.#perSecond, this.#tokens + (this.#perSecond * elapsedMs) / 1000);
    return this.#tokens / this.#perSecond;
  }

  spend(tokens: number): void {
    this.#tokens = Math.max(-this.#perSecond, this.#tokens - tokens);
  }
}
