/**
 * The two clocks of one machine: a monotonic one that began at some number, and a calendar that may be wrong, may jump,
 * and goes on while a suspended machine's monotonic clock stands still.
 */
import { type Instant, instant, type WallSeconds, wallSeconds } from '../../src/base/index.ts';

/** When the world begins. */
const WALL_START_SECONDS = 1_800_000_000;

export class SimClock {
  #monotonicAheadMs: number;
  #wallAheadMs: number;

  constructor(monotonicAheadMs: number, wallAheadMs: number) {
    this.#monotonicAheadMs = monotonicAheadMs;
    this.#wallAheadMs = wallAheadMs;
  }

  instant(worldMs: number): Instant {
    return instant(worldMs + this.#monotonicAheadMs);
  }

  wall(worldMs: number): WallSeconds {
    return wallSeconds(WALL_START_SECONDS + (worldMs + this.#wallAheadMs) / 1000);
  }

  /** The world's time at which this machine's clock shows `at`. */
  worldMs(at: Instant): number {
    return at - this.#monotonicAheadMs;
  }

  /** Somebody sets the calendar. */
  jump(ms: number): void {
    this.#wallAheadMs += ms;
  }

  /** The machine was suspended: its monotonic clock stood still. */
  stoodStill(ms: number): void {
    this.#monotonicAheadMs -= ms;
  }
}
