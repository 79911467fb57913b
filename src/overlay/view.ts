/**
 * The view: the newest descriptor of every supernode this node knows of, and the grants between them. Merging is a
 * union, so that two views that meet need no ceremony. It holds only checked records, and does not know how they came.
 */
import {
  type InfoHash,
  makeRoom,
  type NodeId,
  type Random,
  randomBelow,
  type Sha1,
  sampleOf,
  type WallSeconds,
} from '../base/index.ts';
import { type Descriptor, ROLE_LEAVES } from './descriptor.ts';
import { DigestTable } from './digest-table.ts';
import { type Grant, type GrantTerms, isSigned } from './grant.ts';
import { grantKeyOf, keyOf, wideningKeyOf } from './record-names.ts';
import { isSamePlace, Ring } from './ring.ts';
import type { Token } from './token.ts';
import type { Widening } from './widening.ts';

/** Most supernodes held: at 5 KiB each, nearly all of it the descriptor and its votes, 50 MB. */
export const SUPERNODES_MAX = 10_000;
/** Most grants held, and of one giver. */
export const GRANTS_MAX = 10_000;
export const GRANTS_PER_GIVER_MAX = 32;

/** What became of an offered descriptor; `stale` is one we hold or one older than it. */
export type Offered = 'added' | 'renewed' | 'stale' | 'full';

/** Widened hashes held, and of one owner. */
export const WIDENINGS_MAX = 4096;
export const WIDENINGS_PER_OWNER_MAX = 16;

/** Descriptors that are named to whoever asks what came lately; who asks less often is shown everything. */
const LATEST_MAX = 256;

export class View {
  readonly #sha1: Sha1;
  readonly #self: NodeId | undefined;
  readonly #newest = new Map<NodeId, Descriptor>();
  /** By their keys: of one place only its giver replaces what he gave. */
  readonly #grants = new Map<string, Grant>();
  readonly #widenings = new Map<InfoHash, Widening>();
  /** As nodes were when they were dropped; gossip about their past does not bring them back. Bounded like the view. */
  readonly #dropped = new Map<NodeId, Descriptor>();
  /** Short names of everything held. */
  readonly digests: DigestTable = new DigestTable();
  /** The ring of everyone held; `version` rises whenever somebody may own something else. */
  readonly ring: Ring = new Ring();
  version = 0;
  /** Nothing held expires before. */
  #expiresFrom = Number.POSITIVE_INFINITY;
  #leaving = 0;
  /** Descriptors taken so far, and the last of them by their number modulo LATEST_MAX. */
  taken = 0;
  readonly #latest: Descriptor[] = [];

  /** @param self whose view it is: what was given to it in an earlier life it has to know before it serves again */
  constructor(sha1: Sha1, self?: NodeId) {
    this.#sha1 = sha1;
    this.#self = self;
  }

  get size(): number {
    return this.#newest.size;
  }
  /** Of these, those that do not leave. */
  get staying(): number {
    return this.#newest.size - this.#leaving;
  }

  /** Takes a descriptor that `openDescriptor` or `sealDescriptor` made; the highest sequence of a node stays. */
  offer(descriptor: Descriptor): Offered {
    const held = this.#newest.get(descriptor.nodeId);
    const seen = held?.sequence ?? this.#dropped.get(descriptor.nodeId)?.sequence;
    if (seen !== undefined && seen >= descriptor.sequence) return 'stale';
    if (!held && this.#newest.size >= SUPERNODES_MAX) return 'full';
    this.#dropped.delete(descriptor.nodeId);
    this.#newest.set(descriptor.nodeId, descriptor);
    this.#leaving += leaving(descriptor) - (held ? leaving(held) : 0);
    this.#latest[this.taken++ % LATEST_MAX] = descriptor;
    this.#expiresFrom = Math.min(this.#expiresFrom, descriptor.expires);
    this.digests.hold(descriptor);
    if (!held || !isSamePlace(held, descriptor)) this.version++;
    this.ring.put(descriptor);
    return held ? 'renewed' : 'added';
  }

  /**
   * Takes a grant that `openGrant` or `signedGrant` made; of one place the highest sequence stays. One that its taker has
   * not signed yet (an empty record) counts for this node alone, which gave it.
   */
  offerGrant(grant: Grant): boolean {
    const key = this.grantKeyOf(grant);
    const held = this.#grants.get(key);
    const isNewer = !held || grant.sequence > held.sequence || (grant.sequence === held.sequence && !isSigned(held));
    if (!isNewer || (held && held.epoch > grant.epoch)) return false;
    // Grants of strangers would fill the table; those of members come again with the next comparison.
    const isTakerKnown = grant.taker === this.#self || this.#newest.has(grant.taker);
    if (!isTakerKnown || !this.#newest.has(grant.giver)) return false;
    if (!held && (this.#grants.size >= GRANTS_MAX || this.#grantsOf(grant.giver) >= GRANTS_PER_GIVER_MAX)) return false;
    this.#grants.set(key, grant);
    this.#expiresFrom = Math.min(this.#expiresFrom, grant.expires);
    if (isSigned(grant)) this.digests.hold({ digest: { key, sequence: grant.sequence }, record: grant.record });
    this.ring.grant(key, grant);
    this.version++;
    return true;
  }

  /** Takes a widening that `openWidening` or `sealWidening` made; of one hash the highest sequence stays. */
  offerWidening(widening: Widening): boolean {
    const { infoHash, owner, sequence } = widening;
    const held = this.#widenings.get(infoHash);
    if (!this.#isByOwner(widening) || (held && this.#isByOwner(held) && held.sequence >= sequence)) return false;
    if (!held && (this.#widenings.size >= WIDENINGS_MAX || this.#wideningsOf(owner) >= WIDENINGS_PER_OWNER_MAX)) {
      return false;
    }
    this.#widenings.set(infoHash, widening);
    this.#expiresFrom = Math.min(this.#expiresFrom, widening.expires);
    this.digests.hold({ digest: { key: wideningKeyOf(infoHash), sequence }, record: widening.record });
    return true;
  }

  /** Who answers for a widened hash, its owner first; undefined when it is not widened. */
  wideOwnersOf(infoHash: InfoHash): readonly Descriptor[] | undefined {
    if (this.#widenings.size === 0) return undefined;
    const widening = this.#widenings.get(infoHash);
    if (!widening || !this.#isByOwner(widening)) return undefined;
    return this.ring.membersAfter(infoHash, 2 ** widening.level);
  }
  wideningOf(infoHash: InfoHash): Widening | undefined {
    return this.#widenings.get(infoHash);
  }

  /** Forgets a grant: its giver takes it back before anybody else heard of it. */
  withdraw(grant: Pick<GrantTerms, 'giver' | 'to'>): void {
    const key = this.grantKeyOf(grant);
    if (!this.#grants.delete(key)) return;
    this.digests.release(key);
    this.ring.revoke(key);
    this.version++;
  }
  /** The grant that a giver gave of a place. */
  grantOf(giver: NodeId, to: Token): Grant | undefined {
    return this.#grants.get(this.grantKeyOf({ giver, to }));
  }

  /** The digest key of a grant. */
  grantKeyOf(grant: Pick<GrantTerms, 'giver' | 'to'>): string {
    return grantKeyOf(grant, this.#sha1);
  }

  /** Drops what has expired; true when somebody is gone. */
  expire(wallNow: WallSeconds): boolean {
    if (wallNow < this.#expiresFrom) return false;
    const version = this.version;
    for (const { nodeId, expires } of this.#newest.values()) if (expires <= wallNow) this.#forget(nodeId);
    for (const grant of this.#grants.values()) if (grant.expires <= wallNow) this.withdraw(grant);
    for (const { infoHash, expires } of this.#widenings.values()) if (expires <= wallNow) this.#narrow(infoHash);
    this.#expiresFrom = Number.POSITIVE_INFINITY;
    for (const held of [this.#newest, this.#grants, this.#widenings]) {
      for (const { expires } of held.values()) this.#expiresFrom = Math.min(this.#expiresFrom, expires);
    }
    return this.version !== version;
  }

  /** Drops a node that no longer answers; only a newer descriptor of its own brings it back, or `forgive`. */
  drop(nodeId: NodeId): void {
    const held = this.#newest.get(nodeId);
    if (!held) return;
    this.#forget(nodeId);
    makeRoom(this.#dropped, SUPERNODES_MAX);
    this.#dropped.set(nodeId, held);
  }

  /** True when a descriptor is of a node that was dropped, and no newer than it was then. */
  wasDropped({ nodeId, sequence }: Descriptor): boolean {
    return (this.#dropped.get(nodeId)?.sequence ?? -1) >= sequence;
  }
  /** The descriptor of a node when it was dropped; undefined when it is not forgotten that way. */
  dropped(nodeId: NodeId): Descriptor | undefined {
    return this.#dropped.get(nodeId);
  }
  /** One of those that were dropped, by chance, while its descriptor lasts. */
  someDropped(random: Random, wallNow: WallSeconds): Descriptor | undefined {
    const dropped = this.#dropped.values().drop(randomBelow(random, this.#dropped.size)).next().value;
    if (!dropped || dropped.expires > wallNow) return dropped;
    this.#dropped.delete(dropped.nodeId);
    return undefined;
  }
  /** A node that was dropped was found to be there after all. */
  forgive(nodeId: NodeId): void {
    this.#dropped.delete(nodeId);
  }

  get(nodeId: NodeId): Descriptor | undefined {
    return this.#newest.get(nodeId);
  }

  descriptors(): Iterable<Descriptor> {
    return this.#newest.values();
  }
  /** Those taken since so many were; all that are held where that was too long ago. */
  takenSince(count: number): Iterable<Descriptor> {
    const missed = this.taken - count;
    if (missed > LATEST_MAX) return this.#newest.values();
    return Array.from({ length: missed }, (_, i) => this.#latest[(count + i) % LATEST_MAX]!);
  }
  grants(): Iterable<Grant> {
    return this.#grants.values();
  }

  /** At most `count` descriptors, each set of them equally likely. */
  sample(count: number, random: Random): readonly Descriptor[] {
    return sampleOf(this.#newest.values(), count, random);
  }

  /** Its signer owns the hash, or gave it to who does: until that one widens it itself, all of its load would be his. */
  #isByOwner({ infoHash, owner }: Widening): boolean {
    const now = this.ring.ownerOf(infoHash)?.nodeId;
    if (now === undefined || now === owner) return now === owner;
    return this.grantOf(owner, this.ring.rangeAt(infoHash)!.to)?.taker === now;
  }

  #narrow(infoHash: InfoHash): void {
    this.#widenings.delete(infoHash);
    this.digests.release(wideningKeyOf(infoHash));
  }

  #wideningsOf(owner: NodeId): number {
    let count = 0;
    for (const widening of this.#widenings.values()) if (widening.owner === owner) count++;
    return count;
  }

  #grantsOf(giver: NodeId): number {
    let count = 0;
    for (const grant of this.#grants.values()) if (grant.giver === giver) count++;
    return count;
  }

  #forget(nodeId: NodeId): void {
    this.#leaving -= leaving(this.#newest.get(nodeId)!);
    this.#newest.delete(nodeId);
    this.digests.release(keyOf(nodeId));
    this.ring.take(nodeId);
    this.version++;
  }
}

function leaving({ roles }: Descriptor): number {
  return (roles & ROLE_LEAVES) === 0 ? 0 : 1;
}
