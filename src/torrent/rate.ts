/** Bytes per second as an exponential average over a few seconds, fed with counts, never with a timer of its own. */
import type { Instant } from '../base/index.ts';

const TIME_CONSTANT_MS = 4000;
/** A stream that is silent for this long is shown as standing still: the average's tail would hide a stall. */
const SILENCE_MS = 5000;

/** One direction of one link or torrent. */
export class Rate {
  #bytesPerSecond = 0;
  #pending = 0;
  #since: Instant;
  #movedAt: Instant;
  total = 0;

  constructor(now: Instant) {
    this.#since = now;
    this.#movedAt = now;
  }

  /** Nothing moves, and nothing did that a next reading would show. */
  get isStill(): boolean {
    return this.#bytesPerSecond === 0 && this.#pending === 0;
  }

  note(bytes: number): void {
    this.#pending += bytes;
    this.total += bytes;
  }

  /** The average as of now; call it from a tick, at most a few times a second. */
  at(now: Instant): number {
    const elapsedMs = now - this.#since;
    if (elapsedMs < 100) return this.#bytesPerSecond;
    const recent = (this.#pending * 1000) / elapsedMs;
    const weight = 1 - Math.exp(-elapsedMs / TIME_CONSTANT_MS);
    // The first reading is taken as is: an average that climbs from zero would lie for seconds.
    this.#bytesPerSecond += (recent - this.#bytesPerSecond) * (this.#bytesPerSecond === 0 ? 1 : weight);
    if (this.#pending > 0) this.#movedAt = now;
    if (this.#bytesPerSecond < 1 || now - this.#movedAt >= SILENCE_MS) this.#bytesPerSecond = 0;
    this.#pending = 0;
    this.#since = now;
    return this.#bytesPerSecond;
  }
}
