/**
 * How nodes come and go, as measurement papers have it. A: a public network. B: A with liars among the supernodes.
 * C: laptops, 8 h on and 16 h off, that sleep inside sessions.
 */
import type { Random } from '../../src/base/index.ts';
import { exponential, weibull } from './streams.ts';

export type ProfileName = 'A' | 'B' | 'C';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const RETURNING_SHARE = 0.6;
const ONE_SHOT_MEDIAN_MS = 1.75 * 24 * HOUR_MS;

/** One node's time on the network. */
export interface Session {
  readonly lengthMs: number;
  readonly awayMs: number;
  /** It comes back from another address. */
  readonly doesMove: boolean;
  /** It hands over before it goes. */
  readonly isGraceful: boolean;
}

export interface Profile {
  readonly session: (random: Random) => Session;
  /** Until the next sleep inside a session, and how long it is; undefined where nobody sleeps. */
  readonly sleep: ((random: Random) => { readonly inMs: number; readonly forMs: number }) | undefined;
  readonly hostileShare: number;
  /** What is left of a session is as long as a whole one, however old it is. */
  readonly isAgeless?: boolean;
}

function publicSession(random: Random): Session {
  const isReturning = random() < RETURNING_SHARE;
  return {
    lengthMs: isReturning ? weibull(random, 0.5, 12 * HOUR_MS) : exponential(random, ONE_SHOT_MEDIAN_MS / Math.LN2),
    awayMs: exponential(random, 20 * MINUTE_MS),
    doesMove: !isReturning,
    isGraceful: random() < 0.5,
  };
}

const A: Profile = { session: publicSession, sleep: undefined, hostileShare: 0 };

export const PROFILES: { readonly [name in ProfileName]: Profile } = {
  A,
  B: { ...A, hostileShare: 0.1 },
  C: {
    session: (random) => ({
      lengthMs: 8 * HOUR_MS * (0.5 + random()),
      awayMs: 16 * HOUR_MS * (0.5 + random()),
      doesMove: random() < 0.2,
      isGraceful: random() < 0.2,
    }),
    sleep: (random) => ({ inMs: exponential(random, HOUR_MS), forMs: exponential(random, 10 * MINUTE_MS) }),
    hostileShare: 0,
  },
};

/** A profile in which every session is as likely to end in one minute as in another; half of them last longer than this. */
export function livingFor(profile: Profile, medianHours: number): Profile {
  const meanMs = (medianHours * HOUR_MS) / Math.LN2;
  const session = (random: Random): Session => ({ ...profile.session(random), lengthMs: exponential(random, meanMs) });
  return { ...profile, session, isAgeless: true };
}
