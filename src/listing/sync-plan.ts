/**
 * Whom to ask next for what changed in the listing, and when: each supernode in its turn for the entries of its own
 * ranges, or for more where there are few, by cursor, within the bytes and the work that the user lends; and before that a
 * few of them for all of the arcs that came to this node, whose former keepers may be gone. Pure: the host asks, and tells
 * what came.
 */
import { type Instant, later, type NodeId } from '../base/index.ts';
import type { Arc } from '../ports/index.ts';
import { ASKED_ARCS_MAX } from './asked-arcs.ts';

/** Supernodes asked at a time. */
export const PULLS_MAX = 4;
/** Supernodes whose cursors are kept. */
export const SYNC_SOURCES_MAX = 100_000;
/**
 * How soon one that had no more is asked again, when there are few. With many it takes longer the more there are: of
 * 1,000 clients for each supernode there is, each supernode is asked 333 times a second then, however many there are.
 */
const REST_MS = 5000;
const REST_PER_SOURCE_MS = 3000;
const BACKOFF_MS = 2000;
const BACKOFF_MAX_MS = 60_000;
/** The bytes of so many seconds may be spent at once. */
const BURST_SECONDS = 10;

/**
 * Of which entries a supernode is asked: of those it owns, of those it keeps as owner or replica, or of all that it
 * has. In this order each holds more.
 */
export const SYNC_SCOPES = ['own', 'kept', 'all'] as const;
export type SyncScope = (typeof SYNC_SCOPES)[number];
/** With so few supernodes each is asked for everything: any one of them is enough, and who knows one knows all. */
const WHOLE_SOURCES_MAX = 4;

/** Supernodes asked for all of an arc that came to us; one may be as new to it. */
const FILLED_FROM = 2;
/** Questions for arcs that wait; the oldest leaves first. */
export const GAPS_MAX = 64;

export interface SyncBudget {
  /** Of answers, as they come over the wire. */
  readonly bytesPerSecond: number;
  /** 0–1: of the time that one processor has. */
  readonly workShare: number;
}

export interface PullRequest {
  readonly from: NodeId;
  /** '' begins. */
  readonly cursor: string;
  readonly scope: SyncScope;
  /** Of these arcs alone, whoever keeps them. */
  readonly arcs?: readonly Arc[];
}

export interface PullResult {
  readonly cursor: string;
  readonly more: boolean;
  readonly bytes: number;
  /** Milliseconds of computing that it took. */
  readonly workMs: number;
}

/** Arcs of which everything is asked for. */
interface Gap {
  readonly arcs: readonly Arc[];
  /** Those that were asked; as many as have to be, and those that failed. */
  readonly asked: Set<NodeId>;
  from: NodeId | undefined;
  cursor: string;
  left: number;
  isAsked: boolean;
}

interface Source {
  cursor: string;
  /** Not before this. */
  dueAt: Instant;
  failures: number;
  isAsked: boolean;
  /** What is under way began before everything was wanted again. */
  isOutdated: boolean;
}

export class SyncPlan {
  readonly #budget: SyncBudget;
  readonly #sources = new Map<NodeId, Source>();
  #gaps: Gap[] = [];
  #asked = 0;
  #scope: SyncScope = 'own';
  #bytes: number;
  #bytesAt: Instant;
  /** Nobody is asked before, for work was done. */
  #restsUntil: Instant;

  constructor(budget: SyncBudget, now: Instant) {
    this.#budget = budget;
    this.#bytes = budget.bytesPerSecond * BURST_SECONDS;
    this.#bytesAt = now;
    this.#restsUntil = now;
  }

  /**
   * Who there is now; cursors of those that went are forgotten.
   * @param isKeeper whether this node is a supernode, which has to know what others took for it
   */
  setSources(nodeIds: readonly NodeId[], isKeeper: boolean, now: Instant): void {
    const scope = nodeIds.length <= WHOLE_SOURCES_MAX ? 'all' : isKeeper ? 'kept' : 'own';
    // A cursor of a narrower question passed over what the wider one asks for.
    const isWider = SYNC_SCOPES.indexOf(scope) > SYNC_SCOPES.indexOf(this.#scope);
    this.#scope = scope;
    if (isWider) for (const source of this.#sources.values()) source.cursor = '';
    const wanted = new Set(nodeIds.slice(0, SYNC_SOURCES_MAX));
    for (const [nodeId, { isAsked }] of this.#sources) {
      if (!wanted.has(nodeId) && !isAsked) this.#sources.delete(nodeId);
    }
    for (const nodeId of wanted) {
      if (!this.#sources.has(nodeId))
        this.#sources.set(nodeId, { cursor: '', dueAt: now, failures: 0, isAsked: false, isOutdated: false });
    }
  }

  /** Asks everybody for everything again: what was refused before is welcome now. */
  restart(now: Instant): void {
    for (const source of this.#sources.values()) {
      source.cursor = '';
      source.isOutdated = source.isAsked;
      if (source.failures === 0) source.dueAt = now;
    }
  }

  /** Asks a few for all entries of some arcs that came to this node. */
  fill(arcs: readonly Arc[]): void {
    for (let at = 0; at < arcs.length; at += ASKED_ARCS_MAX) {
      const some = arcs.slice(at, at + ASKED_ARCS_MAX);
      this.#gaps.push({ arcs: some, asked: new Set(), from: undefined, cursor: '', left: FILLED_FROM, isAsked: false });
    }
    this.#gaps = this.#gaps.slice(-GAPS_MAX);
  }

  /** The next question; undefined when none is due, or the budget is spent. */
  next(now: Instant): PullRequest | undefined {
    if (this.#asked >= PULLS_MAX || this.#freeAt(now) > now) return undefined;
    const filling = this.#nextGap();
    if (filling) return filling;
    for (const [from, source] of this.#sources) {
      if (source.isAsked || source.dueAt > now) continue;
      source.isAsked = true;
      this.#asked++;
      return { from, cursor: source.cursor, scope: this.#scope };
    }
    return undefined;
  }

  /** When `next` should be called again although nothing came. */
  deadline(now: Instant): Instant {
    let due = later(now, REST_MS);
    for (const { isAsked, dueAt } of this.#sources.values()) if (!isAsked && dueAt < due) due = dueAt;
    const free = this.#freeAt(now);
    return free > due ? free : due;
  }

  noteAnswer({ from, scope, arcs }: PullRequest, { cursor, more, bytes, workMs }: PullResult, now: Instant): void {
    this.#refill(now);
    this.#bytes -= bytes;
    const { workShare } = this.#budget;
    const rest = later(now, workMs * (1 / workShare - 1));
    if (rest > this.#restsUntil) this.#restsUntil = rest;
    if (arcs) return this.#noteFilled(from, arcs, more ? cursor : undefined);
    const source = this.#settle(from);
    if (!source) return;
    source.failures = 0;
    const isOfNow = scope === this.#scope && !source.isOutdated;
    source.isOutdated = false;
    if (isOfNow) source.cursor = cursor;
    source.dueAt =
      more || !isOfNow ? now : later(now, this.#scope === 'all' ? REST_MS : this.#sources.size * REST_PER_SOURCE_MS);
  }

  /** @param arcs of the question, where it had some */
  noteFailure(from: NodeId, now: Instant, arcs?: readonly Arc[]): void {
    const gap = this.#gaps.find((each) => each.arcs === arcs);
    if (gap) Object.assign(gap, { from: undefined, cursor: '', isAsked: false });
    const source = this.#settle(from);
    if (!source) return;
    source.isOutdated = false;
    source.dueAt = later(now, Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** source.failures));
    source.failures = Math.min(source.failures + 1, 16);
  }

  /** The next question for arcs; each of those asked is somebody else, and is not asked anything else meanwhile. */
  #nextGap(): PullRequest | undefined {
    // Where everybody is asked for everything, nothing can be missing.
    if (this.#scope === 'all') this.#gaps = [];
    for (const gap of this.#gaps) {
      if (gap.isAsked) continue;
      if (gap.from !== undefined && !this.#sources.has(gap.from)) Object.assign(gap, { from: undefined, cursor: '' });
      const from = gap.from ?? this.#somebodyFor(gap);
      const source = from === undefined ? undefined : this.#sources.get(from);
      if (from === undefined || !source || source.isAsked) continue;
      source.isAsked = true;
      this.#asked++;
      gap.asked.add(from);
      Object.assign(gap, { from, isAsked: true });
      return { from, cursor: gap.cursor, scope: 'all', arcs: gap.arcs };
    }
    return undefined;
  }

  #somebodyFor({ asked }: Gap): NodeId | undefined {
    for (const [from, { isAsked, failures }] of this.#sources) {
      if (!isAsked && failures === 0 && !asked.has(from)) return from;
    }
    return undefined;
  }

  /** @param cursor where more is; undefined when that was all */
  #noteFilled(from: NodeId, arcs: readonly Arc[], cursor: string | undefined): void {
    const source = this.#sources.get(from);
    if (source?.isAsked) {
      source.isAsked = false;
      this.#asked--;
    }
    const gap = this.#gaps.find((each) => each.arcs === arcs);
    if (!gap) return;
    gap.isAsked = false;
    gap.cursor = cursor ?? '';
    if (cursor !== undefined) return;
    gap.from = undefined;
    if (--gap.left === 0) this.#gaps = this.#gaps.filter((each) => each !== gap);
  }

  /** Takes the source out and puts it last: everybody has its turn. */
  #settle(from: NodeId): Source | undefined {
    const source = this.#sources.get(from);
    if (!source?.isAsked) return undefined;
    source.isAsked = false;
    this.#asked--;
    this.#sources.delete(from);
    this.#sources.set(from, source);
    return source;
  }

  #refill(now: Instant): void {
    const { bytesPerSecond } = this.#budget;
    const earned = ((now - this.#bytesAt) / 1000) * bytesPerSecond;
    this.#bytes = Math.min(bytesPerSecond * BURST_SECONDS, this.#bytes + earned);
    this.#bytesAt = now;
  }

  /** When the budget allows another question. */
  #freeAt(now: Instant): Instant {
    this.#refill(now);
    const byBytes = this.#bytes >= 0 ? now : later(now, (-this.#bytes / this.#budget.bytesPerSecond) * 1000);
    return byBytes > this.#restsUntil ? byBytes : this.#restsUntil;
  }
}
