/**
 * When the torrents of one node may ask a tracker. Those that seed go one after the other, so that a thousand that begin at
 * once are no burst, here or there; and where a tracker is silent one of them asks for all, less and less often. Knows
 * trackers by host, and nothing of what is asked.
 */
import { type Instant, instant, jittered, later, makeRoom, type Random } from '../base/index.ts';

/** Hosts that are known; the one first met is forgotten first. */
const HOSTS_MAX = 4096;
/** Fifty a second, in which a thousand torrents of a start take twenty; a supernode of default caps answers twice that. */
const TURN_MS = 20;
/** Turns that may be taken at once after a rest. */
const AT_ONCE = 50;
/** How long a silent host is left alone, doubled each time. */
const REST_MS = 5000;
const REST_MAX_MS = 5 * 60_000;
const REST_JITTER = 0.2;
/** No outcome after this long, and somebody else tries. */
const TRIED_MS = 20_000;

/** A tracker's silence. */
export interface TrackerRest {
  readonly until: Instant;
  /** What became of the last question. */
  readonly text: string;
}

interface Silence extends TrackerRest {
  readonly failures: number;
  /** Somebody asks whether it is there again; `until` is when the next one may. */
  readonly isTried: boolean;
}

interface Host {
  /** When the next turn is. */
  freeAt: Instant;
  silence: Silence | undefined;
}

/** What a schedule of announces asks of others'. */
export interface AnnounceTurns {
  /** Until when a tracker is left alone, for it was silent; undefined where it may be asked. */
  restOf(tracker: string, now: Instant): TrackerRest | undefined;
  /** Takes a turn; it may be later than now. */
  turnAt(tracker: string, now: Instant): Instant;
  noteSilence(tracker: string, text: string, now: Instant): void;
  /** It said something, or what was silent until now was not its fault. */
  forgive(tracker: string): void;
}

/** The turns of all torrents of a node. */
export class TrackerTurns implements AnnounceTurns {
  readonly #random: Random;
  readonly #hosts = new Map<string, Host>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** The same for a torrent that waits for nobody while it is in a hurry: a user waits for its peers. */
  for(isHurried: () => boolean): AnnounceTurns {
    return {
      restOf: (tracker, now) => (isHurried() ? undefined : this.restOf(tracker, now)),
      turnAt: (tracker, now) => (isHurried() ? now : this.turnAt(tracker, now)),
      noteSilence: (tracker, text, now) => this.noteSilence(tracker, text, now),
      forgive: (tracker) => this.forgive(tracker),
    };
  }

  restOf(tracker: string, now: Instant): TrackerRest | undefined {
    const silence = this.#hosts.get(hostOf(tracker))?.silence;
    return silence && silence.until > now ? silence : undefined;
  }

  turnAt(tracker: string, now: Instant): Instant {
    const host = this.#host(tracker);
    if (host.silence) {
      host.silence = { ...host.silence, until: later(now, TRIED_MS), isTried: true };
      return now;
    }
    const at = Math.max(host.freeAt, now - (AT_ONCE - 1) * TURN_MS);
    host.freeAt = later(instant(at), TURN_MS);
    return instant(Math.max(at, now));
  }

  noteSilence(tracker: string, text: string, now: Instant): void {
    const host = this.#host(tracker);
    // Of many that were asked at a time the first one tells it.
    if (host.silence && !host.silence.isTried && host.silence.until > now) return;
    const failures = host.silence ? host.silence.failures + 1 : 0;
    const restMs = jittered(this.#random, Math.min(REST_MS * 2 ** failures, REST_MAX_MS), REST_JITTER);
    host.silence = { until: later(now, restMs), text, failures, isTried: false };
  }

  forgive(tracker: string): void {
    const host = this.#hosts.get(hostOf(tracker));
    if (host) host.silence = undefined;
  }

  #host(tracker: string): Host {
    const name = hostOf(tracker);
    let host = this.#hosts.get(name);
    if (!host) {
      makeRoom(this.#hosts, HOSTS_MAX);
      host = { freeAt: instant(Number.NEGATIVE_INFINITY), silence: undefined };
      this.#hosts.set(name, host);
    }
    return host;
  }
}

/** Host and port of a URL; all of what is none. */
function hostOf(tracker: string): string {
  return /^[a-z]+:\/\/([^/?#]+)/i.exec(tracker)?.[1] ?? tracker;
}
