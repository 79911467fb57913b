/**
 * The ring as a pure function of descriptors and grants: each token ends the range that begins after the token before
 * it, so that every hash has exactly one owner as long as there is one supernode. Whoever holds the same records has
 * the same ring, whatever order they came in.
 * A subnet counts with two supernodes at most and an address with one, so that many keys on few hosts own little.
 */
import { type InfoHash, type NodeId, type Random, randomBelow } from '../base/index.ts';
import type { Arc } from '../ports/index.ts';
import type { Descriptor } from './descriptor.ts';
import type { GrantTerms } from './grant.ts';
import { Places } from './places.ts';
import type { Token } from './token.ts';

/** Supernodes that keep a hash: its owner and two replicas. */
export const OWNERS = 3;
/** Supernodes of one public /24 (IPv6: /48) that own anything. */
export const PER_SUBNET_MAX = 2;
/** Owner sets that are remembered, of those that were asked for. */
const OWNER_SETS_MAX = 1024;
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

/** A supernode that is in the ring. Places name it, so that to renew it touches none of them. */
interface Member {
  descriptor: Descriptor;
}

/** A place that somebody has by a grant. */
interface Granted {
  readonly token: Token;
  readonly owner: Member;
}

/**
 * Who owns which arc, for one set of supernodes and grants. Renewing somebody, one who comes and one who goes cost little
 * however many there are: a node hears of all of those in the whole network.
 */
export class Ring {
  /** Own tokens of everybody who counts, of two with one token the lower node id first; and what was granted. */
  #places = new Places<Member>((a, b) => order(a.descriptor.nodeId, b.descriptor.nodeId));
  readonly #members = new Map<NodeId, Member>();
  /** Those whose subnet counts with others. */
  readonly #uncounted = new Map<NodeId, Member>();
  /** Everybody on a public address, by subnet: one, or some with the lowest seats first. */
  readonly #subnets = new Map<string, Member | readonly Member[]>();
  readonly #grants = new Map<string, GrantTerms>();
  /** In the order in which they are applied. */
  #sortedGrants: readonly GrantTerms[] | undefined;
  #takenBy: Map<NodeId, GrantTerms[]> | undefined;
  /** What of them is among the places, and by which epochs; undefined until it is looked at which of them count. */
  #granted: readonly Granted[] | undefined = [];
  readonly #epochs = new Map<Token, number>();
  /** By where their ranges end. */
  readonly #ownerSets = new Map<Token, readonly Descriptor[]>();
  /** By node, of those that were asked for. */
  #ranges = new Map<NodeId, readonly Range[]>();

  constructor(descriptors: Iterable<Descriptor> = [], grants: Iterable<GrantTerms> = []) {
    for (const descriptor of descriptors) this.put(descriptor);
    for (const grant of grants) this.grant(`${grant.giver} ${grant.to}`, grant);
  }

  /** The ring as it would be with this supernode in it, or with this descriptor in the place of its own. */
  with(descriptor: Descriptor): Ring {
    const ring = new Ring();
    this.#takeBack();
    ring.#places = this.#places.copy();
    for (const [nodeId, member] of this.#members) ring.#members.set(nodeId, member);
    for (const [nodeId, member] of this.#uncounted) ring.#uncounted.set(nodeId, member);
    for (const [subnet, crowd] of this.#subnets) ring.#subnets.set(subnet, crowd);
    for (const [key, grant] of this.#grants) ring.#grants.set(key, grant);
    ring.#granted = undefined;
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
    const { subnet } = descriptor;
    const member = { descriptor };
    if (subnet === undefined) this.#countIn(member);
    else this.#crowd(subnet, [...this.#crowdOf(subnet), member]);
  }

  /** Removes a supernode. */
  take(nodeId: NodeId): void {
    const member = this.#members.get(nodeId) ?? this.#uncounted.get(nodeId);
    if (!member) return;
    const { subnet } = member.descriptor;
    if (subnet === undefined) return this.#countOut(member);
    this.#uncounted.delete(nodeId);
    const rest = this.#crowdOf(subnet).filter((other) => other !== member);
    this.#crowd(subnet, rest);
  }

  /** Adds a grant, or puts it in the place of the one of the same key. */
  grant(key: string, terms: GrantTerms): void {
    this.#grants.set(key, terms);
    this.#forgetGrants();
  }

  revoke(key: string): void {
    if (this.#grants.delete(key)) this.#forgetGrants();
  }

  /** Ranges in all. */
  get size(): number {
    return this.#current.size;
  }

  /** The supernode whose token is the first at or after the hash; undefined on an empty ring. */
  ownerOf(infoHash: InfoHash): Descriptor | undefined {
    const places = this.#current;
    const spot = places.from(infoHash);
    return spot === undefined ? undefined : places.ownerAt(spot).descriptor;
  }

  /** The owner of a hash and those who keep copies, at most OWNERS: the next distinct ones, of other subnets first. */
  ownerSetOf(infoHash: InfoHash): readonly Descriptor[] {
    const spot = this.#current.from(infoHash);
    return spot === undefined ? [] : this.#ownersFrom(spot);
  }

  /** The owner set of the range that ends at a token. */
  ownerSetAt(to: Token): readonly Descriptor[] {
    return this.ownerSetOf(to as string as InfoHash);
  }

  /** The range that a position falls in; undefined on an empty ring. */
  rangeAt(position: string): Range | undefined {
    const spot = this.#current.from(position);
    return spot === undefined ? undefined : this.#rangeTo(spot);
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
    const places = this.#current;
    const members: Descriptor[] = [];
    let spot = places.from(position) ?? 0;
    for (let left = places.size; left > 0 && members.length < count; left--) {
      const { descriptor } = places.ownerAt(spot);
      if (descriptor.nodeId !== except && !members.includes(descriptor)) members.push(descriptor);
      spot = places.next(spot);
    }
    return members;
  }

  /** Everybody on a public subnet, whether it counts or not. */
  membersIn(subnet: string): readonly Descriptor[] {
    return this.#crowdOf(subnet).map(({ descriptor }) => descriptor);
  }

  /**
   * Up to `count` of those that count, by chance, each as likely as any other. It looks at a few places and not at all of
   * them, and may find fewer when most of them are of those left out.
   */
  sample(count: number, random: Random, except: (nodeId: NodeId) => boolean): Descriptor[] {
    const drawn: Descriptor[] = [];
    for (let i = 0; i < TRIES_PER_SAMPLE * count && drawn.length < count && this.#places.count > 0; i++) {
      const { token, owner } = this.#places.nth(randomBelow(random, this.#places.count))!;
      const { descriptor } = owner;
      // One of its places stands for a node: who has many is not drawn more often.
      if (token !== descriptor.tokens[0] || drawn.includes(descriptor) || except(descriptor.nodeId)) continue;
      drawn.push(descriptor);
    }
    return drawn;
  }

  /** The places as they are with all grants. */
  get #current(): Places<Member> {
    if (!this.#granted) this.#granted = this.#applyGrants();
    return this.#places;
  }

  /** Applies grants, lower epochs first: one counts when its giver owns the place as far as things are. */
  #applyGrants(): readonly Granted[] {
    this.#sortedGrants ??= [...this.#grants.values()].sort(
      (a, b) => a.epoch - b.epoch || order(a.to, b.to) || order(a.giver, b.giver),
    );
    const granted: Granted[] = [];
    for (const { giver, taker, to, epoch } of this.#sortedGrants) {
      const spot = this.#places.from(to);
      const owner = this.#members.get(taker);
      if (!owner || spot === undefined || this.#places.ownerAt(spot).descriptor.nodeId !== giver) continue;
      const token = this.#places.tokenAt(spot);
      if (token === to || epoch <= (this.#epochs.get(token) ?? 0)) continue;
      this.#places.add(to, owner);
      this.#epochs.set(to, epoch);
      granted.push({ token: to, owner });
    }
    return granted;
  }

  /** Leaves own tokens alone among the places. */
  #takeBack(): void {
    for (const { token, owner } of this.#granted ?? []) this.#places.remove(token, owner);
    this.#granted = this.#grants.size === 0 ? [] : undefined;
    this.#epochs.clear();
  }

  /** Of the places that may be a node's, its own tokens and what was granted to it, those that are. */
  #findRanges(nodeId: NodeId): readonly Range[] {
    const member = this.#members.get(nodeId);
    if (!member) return [];
    this.#takenBy ??= Map.groupBy(this.#grants.values(), ({ taker }) => taker);
    const taken = this.#takenBy.get(nodeId) ?? [];
    const ends = new Set<Token>([...member.descriptor.tokens, ...taken.map(({ to }) => to)]);
    const places = this.#current;
    return [...ends].sort(order).flatMap((to) => {
      const spot = places.from(to)!;
      return places.tokenAt(spot) === to && places.ownerAt(spot) === member ? [this.#rangeTo(spot)] : [];
    });
  }

  /** Counts in and out who of a subnet does, now that these are in it. */
  #crowd(subnet: string, crowd: readonly Member[]): void {
    const before = counted(this.#crowdOf(subnet));
    const sorted = crowd.toSorted(
      ({ descriptor: a }, { descriptor: b }) => order(a.seat, b.seat) || order(a.nodeId, b.nodeId),
    );
    if (sorted.length === 0) this.#subnets.delete(subnet);
    else this.#subnets.set(subnet, sorted.length === 1 ? sorted[0]! : sorted);
    const after = counted(sorted);
    for (const member of before) if (!after.includes(member)) this.#countOut(member);
    for (const member of sorted) {
      if (!after.includes(member)) this.#uncounted.set(member.descriptor.nodeId, member);
      else if (!before.includes(member)) this.#countIn(member);
    }
  }

  #crowdOf(subnet: string): readonly Member[] {
    const crowd = this.#subnets.get(subnet) ?? [];
    return 'descriptor' in crowd ? [crowd] : crowd;
  }

  #countIn(member: Member): void {
    const { nodeId, tokens } = member.descriptor;
    this.#forget();
    this.#uncounted.delete(nodeId);
    this.#members.set(nodeId, member);
    for (const token of tokens) this.#places.add(token, member);
  }

  #countOut(member: Member): void {
    const { nodeId, tokens } = member.descriptor;
    this.#forget();
    this.#members.delete(nodeId);
    for (const token of tokens) this.#places.remove(token, member);
  }

  #renew(member: Member, descriptor: Descriptor): void {
    member.descriptor = descriptor;
    for (const [to, set] of this.#ownerSets) {
      if (set.some(({ nodeId }) => nodeId === descriptor.nodeId)) this.#ownerSets.delete(to);
    }
  }

  #forgetGrants(): void {
    this.#forget();
    this.#granted = undefined;
    this.#sortedGrants = undefined;
    this.#takenBy = undefined;
  }

  #forget(): void {
    this.#takeBack();
    if (this.#ranges.size > 0) this.#ranges = new Map();
    if (this.#ownerSets.size > 0) this.#ownerSets.clear();
  }

  #rangeTo(spot: number): Range {
    const to = this.#places.tokenAt(spot);
    const epoch = this.#epochs.get(to);
    return { from: this.#places.before(spot), to, epoch: epoch ?? 0, by: epoch === undefined ? 'token' : 'grant' };
  }

  #ownersFrom(spot: number): readonly Descriptor[] {
    const token = this.#places.tokenAt(spot);
    let owners = this.#ownerSets.get(token);
    if (!owners) {
      if (this.#ownerSets.size >= OWNER_SETS_MAX) this.#ownerSets.clear();
      owners = this.#findOwnersFrom(spot);
      this.#ownerSets.set(token, owners);
    }
    return owners;
  }

  #findOwnersFrom(first: number): readonly Descriptor[] {
    const places = this.#places;
    const set: Descriptor[] = [];
    const nearby: Descriptor[] = [];
    let spot = first;
    for (let left = places.size; left > 0 && set.length < OWNERS; left--) {
      const { descriptor } = places.ownerAt(spot);
      spot = places.next(spot);
      if (set.includes(descriptor) || nearby.includes(descriptor)) continue;
      const { subnet } = descriptor;
      const isNear = subnet !== undefined && set.some((other) => other.subnet === subnet);
      (isNear ? nearby : set).push(descriptor);
    }
    return [...set, ...nearby].slice(0, OWNERS);
  }
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

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
