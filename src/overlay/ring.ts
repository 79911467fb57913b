/**
 * The ring as a pure function of descriptors and grants: each token ends the range that begins after the token before
 * it, so that every hash has exactly one owner as long as there is one supernode. Whoever holds the same records has
 * the same ring, whatever order they came in.
 * A subnet counts with two supernodes at most and an address with one, so that many keys on few hosts own little.
 */
import { type InfoHash, type NodeId, parseIp, prefixOfIp, reachOf } from '../base/index.ts';
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

/** Who owns which arc, for one set of supernodes and grants. Renewing somebody costs little, and so does one who comes. */
export class Ring {
  /** Own tokens of everybody who counts, ascending; of two with one token the lower node id comes first and has it. */
  #base: Place[] = [];
  readonly #members = new Map<NodeId, Descriptor>();
  /** Everybody on a public address, by subnet, the lowest seats first; and the subnet of each. */
  readonly #subnets = new Map<string, Descriptor[]>();
  readonly #subnetsOf = new Map<NodeId, string>();
  readonly #grants = new Map<string, GrantTerms>();
  #granted: readonly Place[] | undefined;
  #ownerSets: (readonly Descriptor[] | undefined)[] = [];
  #ranges: Map<NodeId, Range[]> | undefined;

  constructor(descriptors: Iterable<Descriptor> = [], grants: Iterable<GrantTerms> = []) {
    for (const descriptor of descriptors) this.put(descriptor);
    for (const grant of grants) this.#grants.set(`${grant.giver} ${grant.to}`, grant);
  }

  /** Adds a supernode, or replaces what it said before. */
  put(descriptor: Descriptor): void {
    const { nodeId } = descriptor;
    const held = this.#members.get(nodeId);
    if (held && isSamePlace(held, descriptor)) return this.#renew(descriptor);
    this.take(nodeId);
    // Who leaves owns nothing, and takes nobody's place.
    if (descriptor.tokens.length === 0) return;
    const subnet = subnetOf(descriptor);
    if (subnet === undefined) {
      this.#countIn(descriptor);
      return;
    }
    this.#subnetsOf.set(nodeId, subnet);
    this.#crowd(subnet, [...(this.#subnets.get(subnet) ?? []), descriptor]);
  }

  /** Removes a supernode. */
  take(nodeId: NodeId): void {
    const subnet = this.#subnetsOf.get(nodeId);
    if (subnet === undefined) {
      this.#countOut(nodeId);
      return;
    }
    this.#subnetsOf.delete(nodeId);
    const rest = this.#subnets.get(subnet)!.filter((other) => other.nodeId !== nodeId);
    this.#crowd(subnet, rest);
  }

  /** Adds a grant, or puts it in the place of the one of the same key. */
  grant(key: string, terms: GrantTerms): void {
    this.#grants.set(key, terms);
    this.#forget();
  }

  revoke(key: string): void {
    if (this.#grants.delete(key)) this.#forget();
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

  get #places(): readonly Place[] {
    this.#granted ??= withGrants(
      this.#base.filter(({ token }, i) => token !== this.#base[i - 1]?.token),
      this.#members,
      this.#grants.values(),
    );
    return this.#granted;
  }

  /** Counts in and out who of a subnet does, now that these are in it. */
  #crowd(subnet: string, crowd: readonly Descriptor[]): void {
    const before = counted(this.#subnets.get(subnet) ?? []);
    const sorted = crowd.toSorted((a, b) => order(a.seat, b.seat) || order(a.nodeId, b.nodeId));
    if (sorted.length === 0) this.#subnets.delete(subnet);
    else this.#subnets.set(subnet, sorted);
    const after = counted(sorted);
    for (const member of before) if (!after.includes(member)) this.#countOut(member.nodeId);
    for (const member of after) if (!before.includes(member)) this.#countIn(member);
  }

  #countIn(member: Descriptor): void {
    this.#members.set(member.nodeId, member);
    for (const place of placesOf(member)) this.#base.splice(insertionIn(this.#base, place), 0, place);
    this.#forget();
  }

  #countOut(nodeId: NodeId): void {
    if (!this.#members.delete(nodeId)) return;
    this.#base = this.#base.filter(({ owner }) => owner.nodeId !== nodeId);
    this.#forget();
  }

  #renew(descriptor: Descriptor): void {
    const { nodeId } = descriptor;
    this.#members.set(nodeId, descriptor);
    const crowd = this.#subnets.get(this.#subnetsOf.get(nodeId) ?? '');
    if (crowd) crowd[crowd.findIndex((other) => other.nodeId === nodeId)] = descriptor;
    const renewed = (place: Place): Place => (place.owner.nodeId === nodeId ? { ...place, owner: descriptor } : place);
    this.#base = this.#base.map(renewed);
    this.#granted = this.#granted?.map(renewed);
    for (const [index, set] of this.#ownerSets.entries()) {
      if (set?.some((owner) => owner.nodeId === nodeId)) this.#ownerSets[index] = undefined;
    }
  }

  #forget(): void {
    this.#granted = undefined;
    this.#ranges = undefined;
    this.#ownerSets = [];
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
  return prefixOfIp(ip, 3, 6);
}

/** True when a descriptor changes nothing about who owns what. */
export function isSamePlace(a: Descriptor, b: Descriptor): boolean {
  const isSameHost = a.addresses[0]!.host === b.addresses[0]!.host;
  return isSameHost && a.tokens.length === b.tokens.length && a.tokens.every((token, i) => token === b.tokens[i]);
}

function placesOf(owner: Descriptor): Place[] {
  return owner.tokens.map((token) => ({ token, owner, epoch: 0, by: 'token' }));
}

function inOrder(a: Place, b: Place): number {
  return order(a.token, b.token) || order(a.owner.nodeId, b.owner.nodeId);
}

/** Those of one subnet that count, given by their seats, which nobody can choose: the lowest, and one a host. */
function counted(crowd: readonly Descriptor[]): readonly Descriptor[] {
  const hosts = new Set<string>();
  return crowd.filter(({ addresses }) => {
    const { host } = addresses[0]!;
    if (hosts.has(host) || hosts.size >= PER_SUBNET_MAX) return false;
    hosts.add(host);
    return true;
  });
}

/** Applies grants, lower epochs first: one counts when its giver owns the place as far as things are. */
function withGrants(
  places: readonly Place[],
  members: ReadonlyMap<NodeId, Descriptor>,
  grants: Iterable<GrantTerms>,
): readonly Place[] {
  const sorted = [...grants].sort((a, b) => a.epoch - b.epoch || order(a.to, b.to) || order(a.giver, b.giver));
  if (sorted.length === 0) return places;
  const ring = [...places];
  for (const { giver, taker, to, epoch } of sorted) {
    const index = indexIn(ring, to);
    const place = ring[index];
    const owner = members.get(taker);
    if (!owner || place?.owner.nodeId !== giver) continue;
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

/** Where a place goes among those in order. */
function insertionIn(places: readonly Place[], place: Place): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (inOrder(places[middle]!, place) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
