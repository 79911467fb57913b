/**
 * Monotonic time and one timer for everybody: machines say when they want to be woken, and an idle torrent costs no
 * timer of its own.
 */
import { type Instant, instant, type WallSeconds, wallSeconds } from '../base/index.ts';

/** Milliseconds since this process started. */
export function now(): Instant {
  return instant(performance.now());
}

/** The calendar. */
export function wallNow(): WallSeconds {
  return wallSeconds(Date.now() / 1000);
}

/** Wakes sleepers at their instants, and those that fall due together in the order of these. */
export class AlarmClock {
  /** One entry per sleeper; bounded by the number of torrents and services. */
  readonly #alarms = new Map<() => void, Instant>();
  #timer: NodeJS.Timeout | undefined;
  #timerAt: Instant | undefined;

  /** Sets, moves or (with undefined) clears the alarm of one sleeper. */
  set(wake: () => void, at: Instant | undefined): void {
    if (at === undefined) {
      this.#alarms.delete(wake);
      return;
    }
    this.#alarms.set(wake, at);
    if (this.#timerAt === undefined || at < this.#timerAt) this.#arm(at);
  }

  /** Milliseconds until the next sleeper is woken; undefined while everybody sleeps for good. */
  get nextMs(): number | undefined {
    return this.#timerAt === undefined ? undefined : this.#timerAt - now();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#alarms.clear();
  }

  #arm(at: Instant): void {
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => this.#ring(), Math.min(Math.max(1, Math.ceil(at - now())), 2 ** 30));
  }

  #ring(): void {
    this.#timerAt = undefined;
    const time = now();
    // Without a copy of all: of a thousand sleepers one is due, some times a second.
    const due: { readonly wake: () => void; readonly at: Instant }[] = [];
    let next: Instant | undefined;
    for (const [wake, at] of this.#alarms) {
      if (at <= time) due.push({ wake, at });
      else if (next === undefined || at < next) next = at;
    }
    // Before anybody is woken, who may set an alarm that is sooner.
    if (next !== undefined) this.#arm(next);
    due.sort((a, b) => a.at - b.at);
    for (const { wake, at } of due) {
      // Whoever was woken before may have cleared or moved it.
      if (this.#alarms.get(wake) !== at) continue;
      this.#alarms.delete(wake);
      wake();
    }
  }
}
