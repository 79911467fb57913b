/**
 * The ring as a pure function of descriptors and grants: each token ends the range that begins after the token before
 * it, so that every hash has exactly one owner as long as there is one supernode. Whoever holds the same records has
 * the same ring, whatever order they came in.
 * A subnet counts with two supernodes at most and an address with one, so that many keys on few hosts own little.
 */
import { type InfoHash, type NodeId, parseIp, reachOf } from '../base/index.ts';
import type { Arc } from '../ports/index.ts';
import type { Descriptor } from './descriptor.ts';
import type { GrantTerms } from './grant.ts';
import type { Token } from './token.ts';

/** Supernodes that keep a hash: its owner and two replicas. */
export const OWNERS = 3;
/** Supernodes of one public /24 (IPv6: /48) that own anything. */
export const PER_SUBNET_MAX = 2;

/** An arc of the ring: `from` exclusive, `to` inclusive; equal ends mean the whole ring. */
export interface Range extends Arc {
  readonly from: Token;
  readonly to: Token;
  /** Grows with every grant of the range; an own range that was never handed off has 0. */
  readonly epoch: number;
  readonly by: 'token' | 'grant';
}

interface Place {
  readonly token: Token;
  readonly owner: Descriptor;
  readonly epoch: number;
  readonly by: 'token' | 'grant';
}

/** Who owns which arc, for one set of supernodes and grants. */
export class Ring {
  readonly #places: readonly Place[];
  readonly #ownerSets: (readonly Descriptor[] | undefined)[];
  #ranges: Map<NodeId, Range[]> | undefined;

  /** Of two supernodes with one token the lower node id has it, so that all who see both agree. */
  constructor(descriptors: Iterable<Descriptor>, grants: Iterable<GrantTerms> = []) {
    const members = withinSubnets(descriptors);
    const claims: Place[] = [];
    for (const owner of members) for (const token of owner.tokens) claims.push({ token, owner, epoch: 0, by: 'token' });
    claims.sort((a, b) => order(a.token, b.token) || order(a.owner.nodeId, b.owner.nodeId));
    const places = claims.filter(({ token }, i) => token !== claims[i - 1]?.token);
    this.#places = withGrants(places, members, grants);
    this.#ownerSets = new Array(this.#places.length);
  }

  /** Ranges in all. */
  get size(): number {
    return this.#places.length;
  }

  /** The supernode whose token is the first at or after the hash; undefined on an empty ring. */
  ownerOf(infoHash: InfoHash): Descriptor | undefined {
    return this.#places[indexIn(this.#places, infoHash)]?.owner;
  }

  /** The owner of a hash and those who keep copies, at most OWNERS: the next distinct ones, of other subnets first. */
  ownerSetOf(infoHash: InfoHash): readonly Descriptor[] {
    return this.#places.length === 0 ? [] : this.#ownerSetAt(indexIn(this.#places, infoHash));
  }

  /** The owner set of the range that ends at a token. */
  ownerSetAt(to: Token): readonly Descriptor[] {
    return this.ownerSetOf(to as string as InfoHash);
  }

  /** The range that a position falls in; undefined on an empty ring. */
  rangeAt(position: string): Range | undefined {
    const index = indexIn(this.#places, position);
    return this.#places[index] && this.#range(index);
  }

  /** The arcs that a node owns, by where they end. */
  rangesOf(nodeId: NodeId): readonly Range[] {
    if (!this.#ranges) {
      this.#ranges = new Map();
      for (const [index, { owner }] of this.#places.entries()) {
        const ranges = this.#ranges.get(owner.nodeId);
        if (ranges) ranges.push(this.#range(index));
        else this.#ranges.set(owner.nodeId, [this.#range(index)]);
      }
    }
    return this.#ranges.get(nodeId) ?? [];
  }

  /** The first `count` distinct supernodes whose tokens follow a position. */
  membersAfter(position: string, count: number, except?: NodeId): readonly Descriptor[] {
    const members = new Set<Descriptor>();
    const start = indexIn(this.#places, position);
    for (let i = 0; i < this.#places.length && members.size < count; i++) {
      const { owner } = this.#places[(start + i) % this.#places.length]!;
      if (owner.nodeId !== except) members.add(owner);
    }
    return [...members];
  }

  #range(index: number): Range {
    const { token, epoch, by } = this.#places[index]!;
    return { from: this.#places.at(index - 1)!.token, to: token, epoch, by };
  }

  #ownerSetAt(index: number): readonly Descriptor[] {
    this.#ownerSets[index] ??= this.#ownersFrom(index);
    return this.#ownerSets[index];
  }

  #ownersFrom(index: number): readonly Descriptor[] {
    const set: Descriptor[] = [];
    const nearby: Descriptor[] = [];
    const subnets = new Set<string>();
    for (let i = 0; i < this.#places.length && set.length < OWNERS; i++) {
      const { owner } = this.#places[(index + i) % this.#places.length]!;
      if (set.includes(owner) || nearby.includes(owner)) continue;
      const subnet = subnetOf(owner);
      if (subnet !== undefined && subnets.has(subnet)) {
        nearby.push(owner);
        continue;
      }
      if (subnet !== undefined) subnets.add(subnet);
      set.push(owner);
    }
    return [...set, ...nearby].slice(0, OWNERS);
  }
}

/** The /24 or /48 of a supernode's first address; undefined where it is not public. */
export function subnetOf({ addresses }: Pick<Descriptor, 'addresses'>): string | undefined {
  const host = addresses[0]?.host;
  if (host === undefined || reachOf(host) !== 'public') return undefined;
  const ip = parseIp(host)!;
  return ip.subarray(0, ip.length === 4 ? 3 : 6).join('.');
}

/** Those that count: in a crowded subnet the lowest seats, which nobody can choose. */
function withinSubnets(descriptors: Iterable<Descriptor>): readonly Descriptor[] {
  const members: Descriptor[] = [];
  const crowds = new Map<string, Descriptor[]>();
  for (const descriptor of descriptors) {
    const subnet = subnetOf(descriptor);
    if (subnet === undefined) members.push(descriptor);
    else if (!crowds.get(subnet)?.push(descriptor)) crowds.set(subnet, [descriptor]);
  }
  for (const crowd of crowds.values()) {
    const hosts = new Set<string>();
    for (const descriptor of crowd.sort((a, b) => order(a.seat, b.seat) || order(a.nodeId, b.nodeId))) {
      const { host } = descriptor.addresses[0]!;
      if (hosts.has(host) || hosts.size >= PER_SUBNET_MAX) continue;
      hosts.add(host);
      members.push(descriptor);
    }
  }
  return members;
}

/** Applies grants, lower epochs first: one counts when its giver owns the place as far as things are. */
function withGrants(
  places: readonly Place[],
  members: readonly Descriptor[],
  grants: Iterable<GrantTerms>,
): readonly Place[] {
  const sorted = [...grants].sort((a, b) => a.epoch - b.epoch || order(a.to, b.to) || order(a.taker, b.taker));
  if (sorted.length === 0) return places;
  const byId = new Map(members.map((member) => [member.nodeId, member]));
  const ring = [...places];
  for (const { giver, taker, to, epoch } of sorted) {
    const index = indexIn(ring, to);
    const place = ring[index];
    const owner = byId.get(taker);
    if (!owner || owner.tokens.length === 0 || place?.owner.nodeId !== giver) continue;
    if (place.token === to || epoch <= place.epoch) continue;
    const at = to > ring.at(-1)!.token ? ring.length : index;
    ring.splice(at, 0, { token: to, owner, epoch, by: 'grant' });
  }
  return ring;
}

/** The index of the first place at or after a position, closed to a circle; 0 when there is none. */
function indexIn(places: readonly Place[], position: string): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (places[middle]!.token < position) low = middle + 1;
    else high = middle;
  }
  return low === places.length ? 0 : low;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
