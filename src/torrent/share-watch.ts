/**
 * Follows what is shared in place as its owner changes it: when to look at it, and when it is at rest and another thing
 * than what is shared. Invariants: one look and one renewal at a time; nothing is renewed that two looks in a row, some
 * time apart, did not find the same. Refuses to know files.
 */
import { type Deadline, earliest, type Instant, later, type Machine } from '../base/index.ts';

/** Shares that are followed. */
export const WATCHED_SHARES_MAX = 10_000;
/** From a notice to the first look. */
const DELAY_MS = 300;
/** Between looks until two are equal: who copies a file writes more often. */
const REST_MS = 700;
/** What keeps changing is renewed so often without delay; each renewal beyond doubles the time to the next, */
const RENEWALS_AT_ONCE = 6;
const APART_MS = 600;
const APART_MS_MAX = 120_000;
/** and one is forgotten every minute. */
const RENEWAL_FORGOTTEN_MS = 60_000;
/** Looking takes at most a sixth of the time, and sharing anew, which reads every byte, at most a third. */
const LOOK_TIMES = 5;
const RENEWAL_TIMES = 2;
/** Between looks while nobody notices anything: network file systems tell of no change that another machine made. */
const RESCAN_MS = 10 * 60_000;
const RESCAN_LOOK_TIMES = 500;
/** After a look or a renewal that failed. */
const RETRY_MS = 5000;

/** What lies at a place: equal texts are equal as far as names, sizes, times and inodes tell; undefined where nothing is. */
export type Survey = string | undefined;

export type ShareFact =
  /** It is shared as it was then: for the first time, or again. */
  | { readonly type: 'shared'; readonly path: string; readonly survey: Survey }
  /** It is shared no more. */
  | { readonly type: 'left'; readonly path: string }
  /** The system says that something changed there. */
  | { readonly type: 'noticed'; readonly path: string }
  | { readonly type: 'surveyed'; readonly path: string; readonly survey: Survey; readonly tookMs: number }
  /** What was wanted could not be done; it stays wanted. */
  | { readonly type: 'failed'; readonly path: string }
  | { readonly type: 'tick' };

/** Each is answered by a fact: `survey` by surveyed or failed, `renew` by shared, left or failed. */
export interface ShareEffect {
  /** Look at it; or share what lies there now, which may be nothing. */
  readonly type: 'survey' | 'renew';
  readonly path: string;
}

interface Share {
  shared: Survey;
  /** What the last look found, when that was something else. */
  found: { readonly survey: Survey } | undefined;
  /** When to look next. */
  at: Instant;
  /** Since the last look began. */
  isNoticed: boolean;
  /** Not forgotten yet when it was renewed last, and when that was. */
  renewals: number;
  renewedAt: Instant;
  /** When it may be renewed again. */
  notBefore: Instant;
}

/** The machine. */
export class ShareWatch implements Machine<ShareFact, ShareEffect> {
  readonly #shares = new Map<string, Share>();
  #surveying: string | undefined;
  #renewing: { readonly path: string; readonly since: Instant } | undefined;
  #effects: ShareEffect[] = [];

  get deadline(): Deadline | undefined {
    if (this.#surveying !== undefined) return undefined;
    let at: Instant | undefined;
    for (const [path, share] of this.#shares) if (path !== this.#renewing?.path) at = earliest(at, share.at);
    return at === undefined ? undefined : { at, why: 'a look at what is shared' };
  }

  effects(): ShareEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  input(fact: ShareFact, now: Instant): void {
    if (fact.type === 'tick') return this.#lookAtNext(now);
    const share = this.#shares.get(fact.path);
    if (fact.type === 'shared') this.#noteShared(fact.path, share, fact.survey, now);
    else if (fact.type === 'noticed') {
      if (share) notice(share, now);
    } else if (fact.type === 'surveyed') {
      this.#surveying = undefined;
      if (share) this.#compare(fact.path, share, fact, now);
    } else this.#end(fact, share, now);
  }

  #noteShared(path: string, share: Share | undefined, survey: Survey, now: Instant): void {
    const tookMs = this.#endRenewal(path, now);
    if (!share && this.#shares.size >= WATCHED_SHARES_MAX) return;
    const forgotten = share ? (now - share.renewedAt) / RENEWAL_FORGOTTEN_MS : 0;
    const renewals = share ? Math.max(0, share.renewals - forgotten) + 1 : 0;
    this.#shares.set(path, {
      shared: survey,
      found: undefined,
      // At once: what changed while it was made was noticed by nobody.
      at: now,
      isNoticed: false,
      renewals,
      renewedAt: now,
      notBefore: later(now, Math.max(apartMs(renewals), RENEWAL_TIMES * tookMs)),
    });
  }

  #lookAtNext(now: Instant): void {
    if (this.#surveying !== undefined) return;
    let next: [string, Share] | undefined;
    for (const [path, share] of this.#shares) {
      if (path === this.#renewing?.path || share.at > now) continue;
      if (!next || share.at < next[1].at) next = [path, share];
    }
    if (!next) return;
    const [path, share] = next;
    share.isNoticed = false;
    this.#surveying = path;
    this.#effects.push({ type: 'survey', path });
  }

  #compare(path: string, share: Share, { survey, tookMs }: { survey: Survey; tookMs: number }, now: Instant): void {
    const pauseMs = Math.max(REST_MS, LOOK_TIMES * tookMs);
    if (survey === share.shared) {
      share.found = undefined;
      share.at = later(now, share.isNoticed ? pauseMs : Math.max(RESCAN_MS, RESCAN_LOOK_TIMES * tookMs));
      return;
    }
    if (now < share.notBefore) {
      share.at = share.notBefore;
      return;
    }
    const isAtRest = share.found !== undefined && share.found.survey === survey;
    share.found = { survey };
    share.at = later(now, pauseMs);
    if (!isAtRest || this.#renewing !== undefined) return;
    this.#renewing = { path, since: now };
    this.#effects.push({ type: 'renew', path });
  }

  /** Returns how long it took; 0 when none was under way there. */
  #endRenewal(path: string, now: Instant): number {
    if (this.#renewing?.path !== path) return 0;
    const { since } = this.#renewing;
    this.#renewing = undefined;
    return now - since;
  }

  #end({ type, path }: { type: 'left' | 'failed'; path: string }, share: Share | undefined, now: Instant): void {
    if (this.#surveying === path && type === 'failed') this.#surveying = undefined;
    this.#endRenewal(path, now);
    if (type === 'left') this.#shares.delete(path);
    else if (share) {
      share.found = undefined;
      share.at = later(now, RETRY_MS);
    }
  }
}

/** Between a renewal and the next. */
function apartMs(renewals: number): number {
  const beyond = Math.floor(renewals) - RENEWALS_AT_ONCE;
  return beyond <= 0 ? 0 : Math.min(APART_MS * 2 ** beyond, APART_MS_MAX);
}

function notice(share: Share, now: Instant): void {
  share.isNoticed = true;
  const soon = later(now, DELAY_MS);
  if (soon < share.at) share.at = soon > share.notBefore ? soon : share.notBefore;
}
