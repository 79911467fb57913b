/**
 * The view: the newest descriptor of every supernode this node knows of, and the grants between them. Merging is a
 * union, so that two views that meet need no ceremony. It holds only checked records, and does not know how they came.
 * Its hashes tell two views apart, and where they differ; they protect nobody, for every record protects itself.
 */
import {
  bytesOfHex,
  hex,
  type InfoHash,
  type NodeId,
  type Random,
  randomBelow,
  readUint32,
  type WallSeconds,
  writeUint32,
} from '../base/index.ts';
import type { Descriptor } from './descriptor.ts';
import type { Grant } from './grant.ts';
import type { Digest } from './message.ts';
import { BUCKETS } from './message-codec.ts';
import { isSamePlace, Ring } from './ring.ts';
import type { Token } from './token.ts';
import type { Widening } from './widening.ts';

/** Most supernodes held; at under 2 KiB each that is below 20 MB. */
export const SUPERNODES_MAX = 10_000;
/** Most grants held, and of one giver. */
export const GRANTS_MAX = 10_000;
export const GRANTS_PER_GIVER_MAX = 32;

/** What became of an offered descriptor; `stale` is one we hold or one older than it. */
export type Offered = 'added' | 'renewed' | 'stale' | 'full';

interface Held {
  readonly digest: Digest;
  /** A letter for its kind, then the record. */
  readonly bytes: () => Uint8Array;
}

/** Widened hashes held, and of one owner. */
export const WIDENINGS_MAX = 4096;
export const WIDENINGS_PER_OWNER_MAX = 16;

const DESCRIPTOR_LETTER = 0x64;
const GRANT_LETTER = 0x67;
const WIDENING_LETTER = 0x77;
const KEY_DIGITS = 16;

export class View {
  readonly #newest = new Map<NodeId, Descriptor>();
  /** By the token that is granted. */
  readonly #grants = new Map<Token, Grant>();
  readonly #widenings = new Map<InfoHash, Widening>();
  /** As nodes were when they were dropped; gossip about their past does not bring them back. Bounded like the view. */
  readonly #dropped = new Map<NodeId, Descriptor>();
  /** Everything held, by the key of its digest. */
  readonly #held = new Map<string, Held>();
  /** Two words a bucket. */
  readonly #hashes = new Uint32Array(2 * BUCKETS);
  /** The ring of everyone held; `version` rises whenever somebody may own something else. */
  readonly ring: Ring = new Ring();
  version = 0;

  get size(): number {
    return this.#newest.size;
  }

  /** Takes a descriptor that `openDescriptor` or `sealDescriptor` made; the highest sequence of a node stays. */
  offer(descriptor: Descriptor): Offered {
    const held = this.#newest.get(descriptor.nodeId);
    const seen = held?.sequence ?? this.#dropped.get(descriptor.nodeId)?.sequence;
    if (seen !== undefined && seen >= descriptor.sequence) return 'stale';
    if (!held && this.#newest.size >= SUPERNODES_MAX) return 'full';
    this.#dropped.delete(descriptor.nodeId);
    this.#newest.set(descriptor.nodeId, descriptor);
    this.#hold(keyOf(descriptor.nodeId), descriptor.sequence, DESCRIPTOR_LETTER, descriptor.record);
    if (!held || !isSamePlace(held, descriptor)) this.version++;
    this.ring.put(descriptor);
    return held ? 'renewed' : 'added';
  }

  /**
   * Takes a grant that `openGrant` or `signedGrant` made; of one place the highest sequence stays. One that its taker has
   * not signed yet (an empty record) counts for this node alone, which gave it.
   */
  offerGrant(grant: Grant): boolean {
    const held = this.#grants.get(grant.to);
    const isNewer = !held || grant.sequence > held.sequence || (grant.sequence === held.sequence && !isSigned(held));
    if (!isNewer || (held && held.epoch > grant.epoch)) return false;
    if (!held && (this.#grants.size >= GRANTS_MAX || this.#grantsOf(grant.giver) >= GRANTS_PER_GIVER_MAX)) return false;
    this.#grants.set(grant.to, grant);
    if (isSigned(grant)) this.#hold(grantKeyOf(grant.to), grant.sequence, GRANT_LETTER, grant.record);
    this.ring.grant(grant);
    this.version++;
    return true;
  }

  /** Takes a widening that `openWidening` or `sealWidening` made; of one hash the highest sequence stays. */
  offerWidening(widening: Widening): boolean {
    const { infoHash, owner, sequence } = widening;
    const held = this.#widenings.get(infoHash);
    const isOwners = (of: Widening): boolean => this.ring.ownerOf(infoHash)?.nodeId === of.owner;
    if (!isOwners(widening) || (held && isOwners(held) && held.sequence >= sequence)) return false;
    if (!held && (this.#widenings.size >= WIDENINGS_MAX || this.#wideningsOf(owner) >= WIDENINGS_PER_OWNER_MAX)) {
      return false;
    }
    this.#widenings.set(infoHash, widening);
    this.#hold(wideningKeyOf(infoHash), sequence, WIDENING_LETTER, widening.record);
    return true;
  }

  /** Who answers for a widened hash, its owner first; undefined when it is not widened. */
  wideOwnersOf(infoHash: InfoHash): readonly Descriptor[] | undefined {
    if (this.#widenings.size === 0) return undefined;
    const widening = this.#widenings.get(infoHash);
    if (!widening || this.ring.ownerOf(infoHash)?.nodeId !== widening.owner) return undefined;
    return this.ring.membersAfter(infoHash, 2 ** widening.level);
  }
  wideningOf(infoHash: InfoHash): Widening | undefined {
    return this.#widenings.get(infoHash);
  }

  /** Forgets a grant: its giver takes it back before anybody else heard of it. */
  withdraw(to: Token): void {
    if (!this.#grants.delete(to)) return;
    this.#release(grantKeyOf(to));
    this.ring.revoke(to);
    this.version++;
  }

  /** Drops what has expired; true when somebody is gone. */
  expire(wallNow: WallSeconds): boolean {
    const version = this.version;
    for (const { nodeId, expires } of this.#newest.values()) if (expires <= wallNow) this.#forget(nodeId);
    for (const { to, expires } of this.#grants.values()) if (expires <= wallNow) this.withdraw(to);
    for (const { infoHash, expires } of this.#widenings.values()) if (expires <= wallNow) this.#narrow(infoHash);
    return this.version !== version;
  }

  /** Drops a node that no longer answers; only a newer descriptor of its own brings it back, or `forgive`. */
  drop(nodeId: NodeId): void {
    const held = this.#newest.get(nodeId);
    if (!held) return;
    this.#forget(nodeId);
    if (this.#dropped.size >= SUPERNODES_MAX) this.#dropped.delete(this.#dropped.keys().next().value!);
    this.#dropped.set(nodeId, held);
  }

  /** True when a descriptor is of a node that was dropped, and no newer than it was then. */
  wasDropped({ nodeId, sequence }: Descriptor): boolean {
    return (this.#dropped.get(nodeId)?.sequence ?? -1) >= sequence;
  }
  /** One of those that were dropped, by chance, while its descriptor lasts. */
  someDropped(random: Random, wallNow: WallSeconds): Descriptor | undefined {
    const dropped = [...this.#dropped.values()][randomBelow(random, this.#dropped.size)];
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
  grants(): Iterable<Grant> {
    return this.#grants.values();
  }

  /** At most `count` descriptors, each set of them equally likely. */
  sample(count: number, random: Random): readonly Descriptor[] {
    const drawn = [...this.#newest.values()];
    const kept = Math.min(count, drawn.length);
    for (let i = 0; i < kept; i++) {
      const other = i + randomBelow(random, drawn.length - i);
      [drawn[i], drawn[other]] = [drawn[other]!, drawn[i]!];
    }
    return drawn.slice(0, kept);
  }

  /** The sequence held under a digest's key; for a dropped node the one at which it was dropped is not told here. */
  sequenceOf(key: string): number | undefined {
    return this.#held.get(key)?.digest.sequence;
  }

  digestOf(key: string): Digest | undefined {
    return this.#held.get(key)?.digest;
  }

  /** A record as it is passed on: a letter for its kind before it. */
  recordOf(key: string): Uint8Array | undefined {
    return this.#held.get(key)?.bytes();
  }

  /** One hash over everything held: 16 hex digits. */
  get hash(): string {
    let [high, low] = [0, 0];
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      high ^= this.#hashes[2 * bucket]!;
      low ^= this.#hashes[2 * bucket + 1]!;
    }
    return hexOfWords(high, low);
  }

  /** One hash a bucket. */
  get bucketHashes(): readonly string[] {
    return Array.from({ length: BUCKETS }, (_, i) => hexOfWords(this.#hashes[2 * i]!, this.#hashes[2 * i + 1]!));
  }

  digestsIn(bucket: number): Digest[] {
    const digests: Digest[] = [];
    for (const { digest } of this.#held.values()) if (bucketOf(digest.key) === bucket) digests.push(digest);
    return digests;
  }

  #narrow(infoHash: InfoHash): void {
    this.#widenings.delete(infoHash);
    this.#release(wideningKeyOf(infoHash));
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
    this.#newest.delete(nodeId);
    this.#release(keyOf(nodeId));
    this.ring.take(nodeId);
    this.version++;
  }

  #hold(key: string, sequence: number, letter: number, record: Uint8Array): void {
    this.#release(key);
    const digest = { key, sequence };
    this.#held.set(key, {
      digest,
      bytes: () => {
        const lettered = new Uint8Array(record.length + 1);
        lettered[0] = letter;
        lettered.set(record, 1);
        return lettered;
      },
    });
    this.#toggle(digest);
  }

  #release(key: string): void {
    const held = this.#held.get(key);
    if (!held) return;
    this.#held.delete(key);
    this.#toggle(held.digest);
  }

  /** Each record is in the hash of its bucket once: what comes in goes out the same way. */
  #toggle({ key, sequence }: Digest): void {
    const at = 2 * bucketOf(key);
    const bytes = bytesOfHex(key)!;
    const [a, b] = [readUint32(bytes, 0), readUint32(bytes, 4)];
    const high = mix(a ^ Math.imul(sequence >>> 0, 0x9e37_79b1) ^ Math.floor(sequence / 2 ** 32));
    this.#hashes[at]! ^= high;
    this.#hashes[at + 1]! ^= mix(b ^ high);
  }
}

/** The digest key of a node's descriptor. */
export function keyOf(nodeId: NodeId): string {
  return nodeId.slice(0, KEY_DIGITS);
}

/** The digest key of a grant: of its place, told apart from nodes by its last digits. */
export function grantKeyOf(to: Token): string {
  return to.slice(-KEY_DIGITS);
}

/** The digest key of a widening: of its hash, its middle digits. */
export function wideningKeyOf(infoHash: InfoHash): string {
  return infoHash.slice(KEY_DIGITS / 2, KEY_DIGITS / 2 + KEY_DIGITS);
}

/** A record from outside, by the letter before it; undefined when no such kind is known. */
export function unletter(
  lettered: Uint8Array,
): { kind: 'descriptor' | 'grant' | 'widening'; record: Uint8Array } | undefined {
  const record = lettered.subarray(1);
  if (lettered[0] === DESCRIPTOR_LETTER) return { kind: 'descriptor', record };
  if (lettered[0] === GRANT_LETTER) return { kind: 'grant', record };
  return lettered[0] === WIDENING_LETTER ? { kind: 'widening', record } : undefined;
}

function isSigned({ record }: Grant): boolean {
  return record.length > 0;
}

function bucketOf(key: string): number {
  return Number.parseInt(key.slice(0, 2), 16) % BUCKETS;
}

/** murmur3's finaliser. */
function mix(word: number): number {
  let mixed = word;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function hexOfWords(high: number, low: number): string {
  const bytes = new Uint8Array(8);
  writeUint32(bytes, 0, high >>> 0);
  writeUint32(bytes, 4, low >>> 0);
  return hex(bytes);
}
