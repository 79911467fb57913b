/**
 * One direction's rate limits: of the node and of each torrent, shared block by block among the links that wait.
 * Invariants: over any stretch of time in which somebody waits, or waits again within half a second, what is granted
 * differs from the limit by at most one quantum and one burst; who waits is served in turn; a limit of 0 grants nothing.
 * Knows numbers only: what is granted is payload; metadata goes ungranted and is owed; tracking and the wire's other
 * messages are not asked for here.
 */
import { type Deadline, type Instant, later, type Machine } from '../base/index.ts';

/** What one link is granted in its turn: a block. */
const QUANTUM_BYTES = 16_384;
/** What may be granted at once after a rest. */
const BURST_MS = 50;
/**
 * How late a grant may be made up for while somebody waits, or did so just before and uses what it got: longer than the host is
 * ever held up, or a disk takes.
 */
const LATE_MS = 500;
/** Grants come at most this often, so that a fast limit costs no timer per block. */
const PACE_MS = 20;

export type ThrottleInput<Torrent, Link> =
  /** A torrent's limit, or the node's where there is no torrent; null lifts it. */
  | { readonly type: 'limit'; readonly torrent?: Torrent; readonly bytesPerSecond: number | null }
  /** A link wants so many bytes, in place of what it wanted before; 0 takes its wish back. */
  | { readonly type: 'claim'; readonly torrent: Torrent; readonly link: Link; readonly bytes: number }
  /** Granted bytes that were not used. */
  | { readonly type: 'refund'; readonly torrent: Torrent; readonly bytes: number }
  /** Bytes that went without being granted: what is granted afterwards is less by as many. */
  | { readonly type: 'owed'; readonly torrent: Torrent; readonly bytes: number }
  /** A torrent ended: its claims and its limit are forgotten. */
  | { readonly type: 'gone'; readonly torrent: Torrent }
  | { readonly type: 'tick' };

export interface ThrottleGrant<Link> {
  readonly link: Link;
  readonly bytes: number;
}

interface Claim<Torrent> {
  readonly torrent: Torrent;
  bytes: number;
}

/** The rate limits of one direction. */
export class Throttle<Torrent, Link> implements Machine<ThrottleInput<Torrent, Link>, ThrottleGrant<Link>> {
  readonly #node = new Bucket();
  /** Only torrents with a limit. */
  readonly #torrents = new Map<Torrent, Bucket>();
  /** In the order in which they will be served; at most one per link. */
  readonly #claims = new Map<Link, Claim<Torrent>>();
  #grants = new Map<Link, number>();
  #now: Instant | undefined;
  #servedAt: Instant | undefined;

  /** True when a link of this torrent must ask before it moves anything. */
  isLimited(torrent: Torrent): boolean {
    return this.#node.perSecond !== null || this.#torrents.has(torrent);
  }

  /** True when nothing may move. */
  isClosed(torrent: Torrent): boolean {
    return this.#node.perSecond === 0 || this.#torrents.get(torrent)?.perSecond === 0;
  }

  /** True when so much went ungranted that no more may: as much as the limit lets go in a second. */
  isOverdrawn(torrent: Torrent): boolean {
    return this.#node.isOverdrawn || this.#torrents.get(torrent)?.isOverdrawn === true;
  }

  get deadline(): Deadline | undefined {
    const nodeMs = this.#node.emptyMs;
    let waitMs = Number.POSITIVE_INFINITY;
    for (const { torrent } of this.#claims.values()) {
      waitMs = Math.min(waitMs, Math.max(nodeMs, this.#torrents.get(torrent)?.emptyMs ?? 0));
      if (waitMs <= nodeMs) break;
    }
    if (waitMs === Number.POSITIVE_INFINITY || this.#now === undefined) return undefined;
    const at = Math.max(later(this.#now, waitMs), later(this.#servedAt ?? this.#now, PACE_MS)) as Instant;
    return { at, why: 'links wait for their share of a limited rate' };
  }

  effects(): ThrottleGrant<Link>[] {
    const grants = [...this.#grants].map(([link, bytes]) => ({ link, bytes }));
    this.#grants = new Map();
    return grants;
  }

  input(input: ThrottleInput<Torrent, Link>, now: Instant): void {
    this.#fill(now);
    switch (input.type) {
      case 'limit':
        this.#limit(input.torrent, input.bytesPerSecond);
        break;
      case 'claim':
        if (input.bytes > 0) this.#claim(input.link, input.torrent, input.bytes);
        else this.#unclaim(input.link);
        break;
      case 'refund':
        this.#node.spend(-input.bytes);
        this.#torrents.get(input.torrent)?.spend(-input.bytes);
        break;
      case 'owed':
        this.#node.spend(input.bytes);
        this.#torrents.get(input.torrent)?.spend(input.bytes);
        break;
      case 'gone':
        for (const [link, { torrent }] of this.#claims) if (torrent === input.torrent) this.#unclaim(link);
        this.#torrents.delete(input.torrent);
        break;
      case 'tick':
        break;
    }
    this.#serve(now);
  }

  #limit(torrent: Torrent | undefined, perSecond: number | null): void {
    if (torrent === undefined) return this.#node.limit(perSecond);
    if (perSecond === null) {
      this.#torrents.delete(torrent);
      return;
    }
    const bucket = this.#torrents.get(torrent) ?? new Bucket();
    bucket.limit(perSecond);
    bucket.waiting = [...this.#claims.values()].filter((claim) => claim.torrent === torrent).length;
    this.#torrents.set(torrent, bucket);
  }

  #claim(link: Link, torrent: Torrent, bytes: number): void {
    const known = this.#claims.get(link);
    if (known) {
      // Whoever wants more keeps its turn.
      known.bytes = bytes;
      return;
    }
    this.#claims.set(link, { torrent, bytes });
    this.#node.waiting++;
    const bucket = this.#torrents.get(torrent);
    if (bucket) bucket.waiting++;
  }

  #unclaim(link: Link): void {
    const claim = this.#claims.get(link);
    if (!claim) return;
    this.#claims.delete(link);
    this.#node.waiting--;
    const bucket = this.#torrents.get(claim.torrent);
    if (bucket) bucket.waiting--;
  }

  #fill(now: Instant): void {
    const elapsedMs = now - (this.#now ?? now);
    this.#now = now;
    if (elapsedMs <= 0) return;
    this.#node.fill(elapsedMs);
    for (const bucket of this.#torrents.values()) bucket.fill(elapsedMs);
  }

  /** Round after round, one quantum for each that waits, until the buckets are empty or nobody waits. */
  #serve(now: Instant): void {
    // A claim that was served and wants more goes to the end of the map, and so comes again in the same loop.
    for (const [link, claim] of this.#claims) {
      if (this.#node.isEmpty) return;
      const bucket = this.#torrents.get(claim.torrent);
      if (bucket?.isEmpty) continue;
      const isUnlimited = bucket === undefined && this.#node.perSecond === null;
      const bytes = isUnlimited ? claim.bytes : Math.min(claim.bytes, QUANTUM_BYTES);
      this.#node.spend(bytes);
      bucket?.spend(bytes);
      claim.bytes -= bytes;
      this.#servedAt = now;
      this.#grants.set(link, (this.#grants.get(link) ?? 0) + bytes);
      if (claim.bytes === 0) {
        this.#unclaim(link);
      } else {
        this.#claims.delete(link);
        this.#claims.set(link, claim);
      }
    }
  }
}

/** A token bucket whose level may fall below nothing by one quantum; without a limit it is never empty. */
class Bucket {
  perSecond: number | null = null;
  /** Links that wait for it. */
  waiting = 0;
  #level = 0;
  /** Since somebody waited. */
  #restedMs = Number.POSITIVE_INFINITY;

  limit(perSecond: number | null): void {
    this.perSecond = perSecond;
    this.#level = Math.min(this.#level, 0);
    if (perSecond === null) this.#level = 0;
  }

  get isEmpty(): boolean {
    return this.perSecond !== null && this.#level <= 0;
  }

  get isOverdrawn(): boolean {
    return this.perSecond !== null && this.#level <= -this.perSecond;
  }

  /** Milliseconds until it is not empty; Infinity when that never comes. */
  get emptyMs(): number {
    if (!this.isEmpty) return 0;
    return this.perSecond === 0 ? Number.POSITIVE_INFINITY : ((1 - this.#level) * 1000) / this.perSecond!;
  }

  fill(elapsedMs: number): void {
    if (this.perSecond === null) return;
    this.#restedMs = this.waiting > 0 ? 0 : this.#restedMs + elapsedMs;
    const isResting = this.#restedMs > LATE_MS;
    const levelMax = (this.perSecond * (isResting ? BURST_MS : LATE_MS)) / 1000;
    this.#level = Math.min(
      this.#level + (this.perSecond * elapsedMs) / 1000,
      Math.max(levelMax, isResting ? 0 : this.#level),
    );
  }

  spend(bytes: number): void {
    if (this.perSecond !== null) this.#level -= bytes;
  }
}
