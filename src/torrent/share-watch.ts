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
/**
 * Between looks until two are equal: who copies a file writes more often. Twice as long for each look that found it in motion,
 * and for each two renewals that are not forgotten; not for what has not come to rest for a minute, and may never.
 */
const REST_MS = 700;
const REST_MS_MAX = 8000;
const RESTLESS_MS = 60_000;
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
/** After a look or a renewal that failed, as where a file went between the two. */
const RETRY_MS = 1000;

/** What lies at a place: equal texts are equal as far as names, sizes, times and inodes tell; undefined where nothing is. */
export type Survey = string | undefined;

export type ShareFact =
  /** Its user shares it, and it was so then. */
  | { readonly type: 'shared'; readonly path: string; readonly survey: Survey }
  /** Its user shares it no more. */
  | { readonly type: 'left'; readonly path: string }
  /** The system says that something changed there. */
  | { readonly type: 'noticed'; readonly path: string }
  | { readonly type: 'surveyed'; readonly path: string; readonly survey: Survey; readonly tookMs: number }
  | { readonly type: 'renewed'; readonly path: string; readonly survey: Survey }
  /** A look or a renewal came to nothing; it stays wanted. */
  | { readonly type: 'failed'; readonly path: string; readonly effect: ShareEffect['type'] }
  | { readonly type: 'tick' };

/** Each is answered by one fact: `survey` by surveyed or failed, `renew` by renewed or failed. */
export type ShareEffect =
  | { readonly type: 'survey'; readonly path: string }
  /** Share what lies there now, which is that, or nothing. */
  | { readonly type: 'renew'; readonly path: string; readonly survey: Survey };

/** Something that is under way. */
interface Work {
  readonly path: string;
  readonly since: Instant;
}

interface Share {
  shared: Survey;
  /** As far as the last look told. */
  isSame: boolean;
  /** What the last look found, when that was something else and may be shared. */
  found: { readonly survey: Survey } | undefined;
  /** Looks in a row that each found another thing, and since when there is something to share. */
  motions: number;
  differsSince: Instant | undefined;
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
  #surveying: Work | undefined;
  #renewing: Work | undefined;
  #effects: ShareEffect[] = [];

  get deadline(): Deadline | undefined {
    if (this.#surveying) return undefined;
    let at: Instant | undefined;
    for (const [path, share] of this.#shares) if (path !== this.#renewing?.path) at = earliest(at, share.at);
    return at === undefined ? undefined : { at, why: 'a look at what is shared' };
  }

  /** Whether the last look found what is shared. */
  isSame(path: string): boolean {
    return this.#shares.get(path)?.isSame ?? true;
  }

  effects(): ShareEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  input(fact: ShareFact, now: Instant): void {
    if (fact.type === 'tick') return this.#lookAtNext(now);
    const share = this.#shares.get(fact.path);
    switch (fact.type) {
      case 'shared':
        this.#noteShared(fact, 0, now);
        break;
      case 'left':
        this.#shares.delete(fact.path);
        break;
      case 'noticed':
        if (share) notice(share, now);
        break;
      case 'surveyed':
        this.#surveying = undefined;
        if (share) this.#compare(fact, share, now);
        break;
      case 'renewed': {
        const tookMs = this.#endRenewal(now);
        if (share) this.#noteShared(fact, tookMs, now);
        break;
      }
      case 'failed':
        this.#retry(fact.effect, share, now);
    }
  }

  #noteShared({ path, survey }: { path: string; survey: Survey }, tookMs: number, now: Instant): void {
    const share = this.#shares.get(path);
    if (!share && this.#shares.size >= WATCHED_SHARES_MAX) return;
    const forgotten = share ? (now - share.renewedAt) / RENEWAL_FORGOTTEN_MS : 0;
    const renewals = share ? Math.max(0, share.renewals - forgotten) + 1 : 0;
    this.#shares.set(path, {
      shared: survey,
      isSame: true,
      found: undefined,
      motions: 0,
      differsSince: undefined,
      // At once: what changed while it was made was noticed by nobody.
      at: now,
      isNoticed: false,
      renewals,
      renewedAt: now,
      notBefore: later(now, Math.max(apartMs(renewals), RENEWAL_TIMES * tookMs)),
    });
  }

  #lookAtNext(now: Instant): void {
    if (this.#surveying) return;
    let next: [string, Share] | undefined;
    for (const [path, share] of this.#shares) {
      if (path === this.#renewing?.path || share.at > now) continue;
      if (!next || share.at < next[1].at) next = [path, share];
    }
    if (!next) return;
    const [path, share] = next;
    share.isNoticed = false;
    this.#surveying = { path, since: now };
    this.#effects.push({ type: 'survey', path });
  }

  #compare(
    { path, survey, tookMs }: { path: string; survey: Survey; tookMs: number },
    share: Share,
    now: Instant,
  ): void {
    share.isSame = survey === share.shared;
    if (share.isSame) {
      share.found = undefined;
      share.motions = 0;
      share.differsSince = undefined;
      const againMs = share.isNoticed ? LOOK_TIMES * tookMs : Math.max(RESCAN_MS, RESCAN_LOOK_TIMES * tookMs);
      share.at = later(now, Math.max(REST_MS, againMs));
      return;
    }
    share.differsSince ??= now;
    if (now < share.notBefore) {
      share.at = share.notBefore;
      return;
    }
    const isAtRest = share.found !== undefined && share.found.survey === survey;
    if (share.found && !isAtRest) share.motions++;
    share.found = { survey };
    share.at = later(now, Math.max(restMs(share, now), LOOK_TIMES * tookMs));
    if (!isAtRest || this.#renewing) return;
    this.#renewing = { path, since: now };
    this.#effects.push({ type: 'renew', path, survey });
  }

  /** Returns how long it took. */
  #endRenewal(now: Instant): number {
    const tookMs = this.#renewing ? now - this.#renewing.since : 0;
    this.#renewing = undefined;
    return tookMs;
  }

  #retry(effect: ShareEffect['type'], share: Share | undefined, now: Instant): void {
    const lookedMs = effect === 'survey' && this.#surveying ? now - this.#surveying.since : 0;
    if (effect === 'survey') this.#surveying = undefined;
    const renewedMs = effect === 'renew' ? this.#endRenewal(now) : 0;
    if (!share) return;
    share.found = undefined;
    share.at = later(now, Math.max(RETRY_MS, LOOK_TIMES * lookedMs, RENEWAL_TIMES * renewedMs));
    // Sooner, by a notice, only for another look.
    if (effect === 'renew') share.notBefore = share.at;
  }
}

/** Between two looks that have to be equal. */
function restMs({ motions, renewals, differsSince }: Share, now: Instant): number {
  if (differsSince !== undefined && now - differsSince > RESTLESS_MS) return REST_MS;
  return Math.min(REST_MS * 2 ** (motions + Math.floor(renewals / 2)), REST_MS_MAX);
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
