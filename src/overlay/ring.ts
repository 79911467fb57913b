/**
 * The ring as a pure function of descriptors and grants: each token ends the range that begins after the token before
 * it, so that every hash has exactly one owner as long as there is one supernode. Whoever holds the same records has
 * the same ring, whatever order they came in.
 * A subnet counts with two supernodes at most and an address with one, so that many keys on few hosts own little.
 */
import { type InfoHash, type NodeId, parseIp, prefixOfIp, type Random, randomBelow, reachOf } from '../base/index.ts';
import type { Arc } from '../ports/index.ts';
import type { Descriptor } from './descriptor.ts';
import type { GrantTerms } from './grant.ts';
import type { Token } from './token.ts';

/** Supernodes that keep a hash: its owner and two replicas. */
export const OWNERS = 3;
/** Supernodes of one public /24 (IPv6: /48) that own anything. */
export const PER_SUBNET_MAX = 2;
/** Places that are looked at for each supernode drawn: a node has at most 8 of them. */
const TRIES_PER_SAMPLE = 64;

/** An arc of the ring: `from` exclusive, `to` inclusive; equal ends mean the whole ring. */
export interface Range extends Arc {
  readonly from: Token;
  readonly to: Token;
  /** Grows with every grant of the range; an own range that was never handed off has 0. */
  readonly epoch: number;
  readonly by: 'token' | 'grant';
}

/** A supernode that counts, and the subnet it is in. Places name it, so that to renew it touches none of them. */
interface Member {
  descriptor: Descriptor;
  /** Undefined where it is not public. */
  readonly subnet: string | undefined;
}

interface Place {
  readonly token: Token;
  readonly owner: Member;
  readonly epoch: number;
  readonly by: 'token' | 'grant';
}

/**
 * Who owns which arc, for one set of supernodes and grants. Renewing somebody, one who comes and one who goes cost little
 * however many there are: a node hears of all of those in the whole network.
 */
export class Ring {
  /** Own tokens of everybody who counts, ascending; of two with one token the lower node id comes first and has it. */
  #base: Place[] = [];
  /** Places whose token another has too. */
  #twins = 0;
  readonly #members = new Map<NodeId, Member>();
  /** Those whose subnet counts with others. */
  readonly #uncounted = new Map<NodeId, Member>();
  /** Everybody on a public address, by subnet, the lowest seats first. */
  readonly #subnets = new Map<string, readonly Member[]>();
  readonly #grants = new Map<string, GrantTerms>();
  /** In the order in which they are applied. */
  #sortedGrants: readonly GrantTerms[] | undefined;
  #takenBy: Map<NodeId, GrantTerms[]> | undefined;
  #granted: readonly Place[] | undefined;
  /** By place and by node, of those that were asked for; bounded by both. */
  #ownerSets = new Map<number, readonly Descriptor[]>();
  #ranges = new Map<NodeId, readonly Range[]>();

  constructor(descriptors: Iterable<Descriptor> = [], grants: Iterable<GrantTerms> = []) {
    for (const descriptor of descriptors) this.put(descriptor);
    for (const grant of grants) this.#grants.set(`${grant.giver} ${grant.to}`, grant);
  }

  /** The ring as it would be with this supernode in it, or with this descriptor in the place of its own. */
  with(descriptor: Descriptor): Ring {
    const ring = new Ring();
    ring.#base = [...this.#base];
    ring.#twins = this.#twins;
    for (const [nodeId, member] of this.#members) ring.#members.set(nodeId, member);
    for (const [nodeId, member] of this.#uncounted) ring.#uncounted.set(nodeId, member);
    for (const [subnet, crowd] of this.#subnets) ring.#subnets.set(subnet, crowd);
    for (const [key, grant] of this.#grants) ring.#grants.set(key, grant);
    ring.take(descriptor.nodeId);
    ring.put(descriptor);
    return ring;
  }

  /** Adds a supernode, or replaces what it said before. */
  put(descriptor: Descriptor): void {
    const held = this.#members.get(descriptor.nodeId);
    if (held && isSamePlace(held.descriptor, descriptor)) return this.#renew(held, descriptor);
    this.take(descriptor.nodeId);
    // Who leaves owns nothing, and takes nobody's place.
    if (descriptor.tokens.length === 0) return;
    const member = { descriptor, subnet: subnetOf(descriptor) };
    if (member.subnet === undefined) this.#countIn(member);
    else this.#crowd(member.subnet, [...(this.#subnets.get(member.subnet) ?? []), member]);
  }

  /** Removes a supernode. */
  take(nodeId: NodeId): void {
    const member = this.#members.get(nodeId) ?? this.#uncounted.get(nodeId);
    if (!member) return;
    if (member.subnet === undefined) return this.#countOut(member);
    this.#uncounted.delete(nodeId);
    const rest = this.#subnets.get(member.subnet)!.filter((other) => other !== member);
    this.#crowd(member.subnet, rest);
  }

  /** Adds a grant, or puts it in the place of the one of the same key. */
  grant(key: string, terms: GrantTerms): void {
    this.#grants.set(key, terms);
    this.#sortedGrants = undefined;
    this.#takenBy = undefined;
    this.#forget();
  }

  revoke(key: string): void {
    if (!this.#grants.delete(key)) return;
    this.#sortedGrants = undefined;
    this.#takenBy = undefined;
    this.#forget();
  }

  /** Ranges in all. */
  get size(): number {
    return this.#places.length;
  }

  /** The supernode whose token is the first at or after the hash; undefined on an empty ring. */
  ownerOf(infoHash: InfoHash): Descriptor | undefined {
    return this.#places[indexIn(this.#places, infoHash)]?.owner.descriptor;
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
    let ranges = this.#ranges.get(nodeId);
    if (!ranges) {
      ranges = this.#findRanges(nodeId);
      this.#ranges.set(nodeId, ranges);
    }
    return ranges;
  }

  /** The first `count` distinct supernodes whose tokens follow a position. */
  membersAfter(position: string, count: number, except?: NodeId): readonly Descriptor[] {
    const places = this.#places;
    const members: Descriptor[] = [];
    const start = indexIn(places, position);
    for (let i = 0; i < places.length && members.length < count; i++) {
      const { descriptor } = places[(start + i) % places.length]!.owner;
      if (descriptor.nodeId !== except && !members.includes(descriptor)) members.push(descriptor);
    }
    return members;
  }

  /** Everybody on a public subnet, whether it counts or not. */
  membersIn(subnet: string): readonly Descriptor[] {
    return (this.#subnets.get(subnet) ?? []).map(({ descriptor }) => descriptor);
  }

  /**
   * Up to `count` of those that count, by chance, each as likely as any other. It looks at a few places and not at all of
   * them, and may find fewer when most of them are of those left out.
   */
  sample(count: number, random: Random, except: (nodeId: NodeId) => boolean): Descriptor[] {
    const drawn: Descriptor[] = [];
    for (let i = 0; i < TRIES_PER_SAMPLE * count && drawn.length < count && this.#base.length > 0; i++) {
      const { token, owner } = this.#base[randomBelow(random, this.#base.length)]!;
      const { descriptor } = owner;
      // One of its places stands for a node: who has many is not drawn more often.
      if (token !== descriptor.tokens[0] || drawn.includes(descriptor) || except(descriptor.nodeId)) continue;
      drawn.push(descriptor);
    }
    return drawn;
  }

  get #places(): readonly Place[] {
    this.#granted ??= this.#withGrants(
      this.#twins === 0 ? this.#base : this.#base.filter(({ token }, i) => token !== this.#base[i - 1]?.token),
    );
    return this.#granted;
  }

  /** Applies grants, lower epochs first: one counts when its giver owns the place as far as things are. */
  #withGrants(places: readonly Place[]): readonly Place[] {
    if (this.#grants.size === 0) return places;
    this.#sortedGrants ??= [...this.#grants.values()].sort(
      (a, b) => a.epoch - b.epoch || order(a.to, b.to) || order(a.giver, b.giver),
    );
    const ring = [...places];
    for (const { giver, taker, to, epoch } of this.#sortedGrants) {
      const index = indexIn(ring, to);
      const place = ring[index];
      const owner = this.#members.get(taker);
      if (!owner || place?.owner.descriptor.nodeId !== giver) continue;
      if (place.token === to || epoch <= place.epoch) continue;
      const at = to > ring.at(-1)!.token ? ring.length : index;
      ring.splice(at, 0, { token: to, owner, epoch, by: 'grant' });
    }
    return ring;
  }

  /** Of the places that may be a node's, its own tokens and what was granted to it, those that are. */
  #findRanges(nodeId: NodeId): readonly Range[] {
    const member = this.#members.get(nodeId);
    if (!member) return [];
    this.#takenBy ??= Map.groupBy(this.#grants.values(), ({ taker }) => taker);
    const taken = this.#takenBy.get(nodeId) ?? [];
    const ends = new Set<Token>([...member.descriptor.tokens, ...taken.map(({ to }) => to)]);
    const places = this.#places;
    return [...ends].sort(order).flatMap((to) => {
      const index = indexIn(places, to);
      const place = places[index]!;
      return place.token === to && place.owner === member ? [this.#range(index)] : [];
    });
  }

  /** Counts in and out who of a subnet does, now that these are in it. */
  #crowd(subnet: string, crowd: readonly Member[]): void {
    const before = counted(this.#subnets.get(subnet) ?? []);
    const sorted = crowd.toSorted(
      ({ descriptor: a }, { descriptor: b }) => order(a.seat, b.seat) || order(a.nodeId, b.nodeId),
    );
    if (sorted.length === 0) this.#subnets.delete(subnet);
    else this.#subnets.set(subnet, sorted);
    const after = counted(sorted);
    for (const member of before) if (!after.includes(member)) this.#countOut(member);
    for (const member of sorted) {
      if (!after.includes(member)) this.#uncounted.set(member.descriptor.nodeId, member);
      else if (!before.includes(member)) this.#countIn(member);
    }
  }

  #countIn(member: Member): void {
    const { nodeId, tokens } = member.descriptor;
    this.#uncounted.delete(nodeId);
    this.#members.set(nodeId, member);
    for (const token of tokens) {
      const at = this.#placeFor(token, nodeId);
      if (this.#isTwin(token, at - 1, at)) this.#twins++;
      this.#base.splice(at, 0, { token, owner: member, epoch: 0, by: 'token' });
    }
    this.#forget();
  }

  #countOut({ descriptor: { nodeId, tokens } }: Member): void {
    this.#members.delete(nodeId);
    for (const token of tokens) {
      const at = this.#placeFor(token, nodeId);
      this.#base.splice(at, 1);
      if (this.#isTwin(token, at - 1, at)) this.#twins--;
    }
    this.#forget();
  }

  /** Where a place stands among those in order, or would. */
  #placeFor(token: Token, nodeId: NodeId): number {
    let low = 0;
    let high = this.#base.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const place = this.#base[middle]!;
      if ((order(place.token, token) || order(place.owner.descriptor.nodeId, nodeId)) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #isTwin(token: Token, before: number, after: number): boolean {
    return this.#base[before]?.token === token || this.#base[after]?.token === token;
  }

  #renew(member: Member, descriptor: Descriptor): void {
    member.descriptor = descriptor;
    for (const [index, set] of this.#ownerSets) {
      if (set.some(({ nodeId }) => nodeId === descriptor.nodeId)) this.#ownerSets.delete(index);
    }
  }

  #forget(): void {
    this.#granted = undefined;
    if (this.#ranges.size > 0) this.#ranges = new Map();
    if (this.#ownerSets.size > 0) this.#ownerSets = new Map();
  }

  #range(index: number): Range {
    const { token, epoch, by } = this.#places[index]!;
    return { from: this.#places.at(index - 1)!.token, to: token, epoch, by };
  }

  #ownerSetAt(index: number): readonly Descriptor[] {
    let set = this.#ownerSets.get(index);
    if (!set) {
      set = this.#ownersFrom(index);
      this.#ownerSets.set(index, set);
    }
    return set;
  }

  #ownersFrom(index: number): readonly Descriptor[] {
    const set: Member[] = [];
    const nearby: Member[] = [];
    for (let i = 0; i < this.#places.length && set.length < OWNERS; i++) {
      const { owner } = this.#places[(index + i) % this.#places.length]!;
      if (set.includes(owner) || nearby.includes(owner)) continue;
      const isNear = owner.subnet !== undefined && set.some(({ subnet }) => subnet === owner.subnet);
      (isNear ? nearby : set).push(owner);
    }
    return [...set, ...nearby].slice(0, OWNERS).map(({ descriptor }) => descriptor);
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

/** Those of one subnet that count, given by their seats, which nobody can choose: the lowest, and one a host. */
function counted(crowd: readonly Member[]): readonly Member[] {
  const hosts = new Set<string>();
  return crowd.filter(({ descriptor }) => {
    const { host } = descriptor.addresses[0]!;
    if (hosts.has(host) || hosts.size >= PER_SUBNET_MAX) return false;
    hosts.add(host);
    return true;
  });
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
