/**
 * The nodes known from before, which are the first way back in: those that answered, and those that were only heard of.
 * Bounded in all and by network (a public /16, of IPv6 a /32), so that who owns one network, or names many keys, does
 * not push out who answered. The two that answered for the longest time are anchors and are tried first.
 */
import { type Address, formatAddress, isSameAddress, type NodeId, type Random } from '../base/index.ts';
import { ADDRESSES_MAX } from './descriptor.ts';
import { networkOf } from './first-contacts.ts';

/** Hosts kept, of one public network, and of private ones together. */
export const HOSTS_MAX = 200;
export const HOSTS_PER_NETWORK_MAX = 8;
const PRIVATE_HOSTS_MAX = 100;
export const ANCHORS = 2;
/** Who was neither heard of nor answered for so long is forgotten; sooner when it was tried in vain so often. */
const FORGET_SECONDS = 60 * 86_400;
const FORGET_MISSED_SECONDS = 7 * 86_400;
const MISSES_MAX = 10;
const DAY_SECONDS = 86_400;

/** A node that was somewhere. Times are seconds since 1970. */
export interface KnownHost {
  /** Undefined where somebody named an address alone. */
  readonly nodeId: NodeId | undefined;
  /** 1–4, where it answered first. */
  readonly addresses: readonly Address[];
  readonly heard: number;
  /** When it answered us first and last; 0 when it never did. */
  readonly since: number;
  readonly answered: number;
  /** Tries in a row that came to nothing. */
  readonly misses: number;
}

/** Whom it is about. */
export type HostName = Pick<KnownHost, 'nodeId' | 'addresses'>;

/** The remembered hosts of one network. */
export class HostCache {
  /** Bounded by HOSTS_MAX. */
  readonly #hosts = new Map<string, KnownHost>();
  /** The network of each, for it is asked for often. */
  readonly #networks = new Map<string, string>();

  constructor(hosts: Iterable<KnownHost> = []) {
    for (const host of hosts) if (this.#hasRoomIn(networkAt(host))) this.#set(host);
  }

  get size(): number {
    return this.#hosts.size;
  }
  hosts(): readonly KnownHost[] {
    return [...this.#hosts.values()];
  }

  /** Somebody was heard of; true when it is kept. */
  note({ nodeId, addresses }: HostName, now: number): boolean {
    const key = keyOf({ nodeId, addresses });
    const known = this.#hosts.get(key);
    const host = { nodeId, addresses, heard: now, since: 0, answered: 0, misses: 0 };
    if (!known && !this.#makeRoom(host)) return false;
    const first = known?.addresses[0];
    const kept =
      first && addresses.some((address) => isSameAddress(address, first)) ? withFirst(first, addresses) : addresses;
    this.#set(known ? { ...known, addresses: kept, heard: now } : host);
    return true;
  }

  /** Somebody answered at the first of these addresses, whether it was known or not. */
  noteAnswered({ nodeId, addresses }: HostName, now: number): void {
    const key = keyOf({ nodeId, addresses });
    // It may have been known by its address alone until now.
    if (nodeId !== undefined) this.#drop(formatAddress(addresses[0]!));
    const others = this.#hosts.get(key)?.addresses ?? [];
    if (!this.note({ nodeId, addresses: withFirst(addresses[0]!, others) }, now)) return;
    const host = this.#hosts.get(key)!;
    const reached = withFirst(addresses[0]!, host.addresses);
    this.#set({ ...host, addresses: reached, since: host.since || now, answered: now, misses: 0 });
  }

  noteMissed(name: HostName): void {
    const host = this.#hosts.get(keyOf(name));
    if (host) this.#set({ ...host, misses: host.misses + 1 });
  }

  /** Forgets those that are too old. */
  expire(now: number): void {
    for (const [key, host] of this.#hosts) {
      const age = now - Math.max(host.heard, host.answered);
      if (age > FORGET_SECONDS || (host.misses >= MISSES_MAX && age > FORGET_MISSED_SECONDS)) this.#drop(key);
    }
  }

  /** Those that answered for the longest time, from two networks where that can be. */
  anchors(): readonly KnownHost[] {
    const [first, ...others] = this.hosts()
      .filter(({ answered }) => answered > 0)
      .toSorted((a, b) => a.misses - b.misses || b.answered - b.since - (a.answered - a.since));
    if (!first) return [];
    const elsewhere = others.find((host) => networkAt(host) !== networkAt(first));
    return [first, ...[elsewhere ?? others[0]].filter((host) => host !== undefined)].slice(0, ANCHORS);
  }

  /** Everybody, in the order to be tried: anchors, then who missed least and answered lately, else by chance. */
  order(random: Random): readonly KnownHost[] {
    const anchors = this.anchors();
    const others = this.hosts()
      .filter((host) => !anchors.includes(host))
      .map((host) => ({ host, day: Math.floor(host.answered / DAY_SECONDS), chance: random() }))
      .toSorted((a, b) => a.host.misses - b.host.misses || b.day - a.day || a.chance - b.chance);
    return [...anchors, ...others.map(({ host }) => host)];
  }

  /** Room for one more, at the expense of somebody worse: first within its network, then of all. */
  #makeRoom(host: KnownHost): boolean {
    const network = networkAt(host);
    if (this.#hasRoomIn(network)) return true;
    const near = this.#near(network);
    const among = near.length >= capacityOf(network) ? near : this.hosts();
    const [worst] = among.toSorted(byWorth);
    // Who never answered gives way to who may; nobody who answered does, unless it is gone.
    if (!worst || (worst.answered > 0 && worst.misses < MISSES_MAX)) return false;
    this.#drop(keyOf(worst));
    return true;
  }

  #hasRoomIn(network: string): boolean {
    return this.#hosts.size < HOSTS_MAX && this.#near(network).length < capacityOf(network);
  }

  #near(network: string): KnownHost[] {
    return this.hosts().filter((host) => this.#networks.get(keyOf(host)) === network);
  }

  #set(host: KnownHost): void {
    this.#hosts.set(keyOf(host), host);
    this.#networks.set(keyOf(host), networkAt(host));
  }

  #drop(key: string): void {
    this.#hosts.delete(key);
    this.#networks.delete(key);
  }
}

function networkAt({ addresses }: HostName): string {
  return networkOf(addresses[0]!.host);
}

function capacityOf(network: string): number {
  return network === 'private' ? PRIVATE_HOSTS_MAX : HOSTS_PER_NETWORK_MAX;
}

/** The least worth keeping first. */
function byWorth(a: KnownHost, b: KnownHost): number {
  return a.answered - b.answered || b.misses - a.misses || a.heard - b.heard;
}

function withFirst(first: Address, others: readonly Address[]): readonly Address[] {
  return [first, ...others.filter((address) => !isSameAddress(address, first))].slice(0, ADDRESSES_MAX);
}

function keyOf({ nodeId, addresses }: HostName): string {
  return nodeId ?? formatAddress(addresses[0]!);
}
