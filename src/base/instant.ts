/**
 * Time as values. An Instant is monotonic and only good for intervals; WallSeconds is the calendar and only
 * stands in signed records and on screens (SAFETY: never mix them).
 */

/** Milliseconds on this process's monotonic clock; meaningless outside it. */
export type Instant = number & { readonly brand: 'Instant' };

/** Whole seconds since 1970-01-01 UTC. */
export type WallSeconds = number & { readonly brand: 'WallSeconds' };

/** Takes a host's monotonic reading as an Instant. */
export function instant(ms: number): Instant {
  return ms as Instant;
}

/** Takes a host's calendar reading in seconds. */
export function wallSeconds(seconds: number): WallSeconds {
  return Math.floor(seconds) as WallSeconds;
}

/** The instant `ms` milliseconds later (earlier when negative). */
export function later(from: Instant, ms: number): Instant {
  return (from + ms) as Instant;
}

/** The next after `now` of what follows `at` every so often: however late it is noticed, it keeps its beat. */
export function following(at: Instant, everyMs: number, now: Instant): Instant {
  return later(at, everyMs * Math.max(1, Math.floor((now - at) / everyMs) + 1));
}

/** The earlier of two instants, either of which may be missing. */
export function earliest(a: Instant | undefined, b: Instant | undefined): Instant | undefined {
  if (a === undefined) return b;
  if (b === undefined) return a;
  return a < b ? a : b;
}
