/**
 * The sockets of what nodes say on the local network: on each address that the node may use, calls go out of that
 * address's interface alone, and only neighbours on its network are heard. They are opened anew when the addresses
 * change. Refuses to know what is said.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { BlockList, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type Address, formatIp, parseIp } from '../base/index.ts';
import type { LsdFamily } from '../lan/index.ts';
import type { BoundNetwork } from './bound-network.ts';

/** Calls pass no router; the groups are wider than a LAN on paper only. */
const HOPS = 1;
/** Addresses that are called from; a machine with more has them for something else. */
const ADDRESSES_MAX = 16;

/** Largest IPv4 network of which every address is called, by the length of its prefix. */
const SWEPT_PREFIX_MIN = 24;
/** Of those addresses so many are called every so often: who asks for all of them at once asks the network a lot. */
const SWEPT_AT_ONCE = 16;
const SWEEP_STEP_MS = 10;

/** Where calls go, one group per address family. */
export interface LanGroup {
  readonly groups: Readonly<Record<LsdFamily, string>>;
  readonly port: number;
}

/** An address of this machine on some network. */
export interface Foothold {
  readonly host: string;
  readonly device: string;
  /** As `192.0.2.1/24`. */
  readonly cidr: string;
}

/** The sockets of a node; `call` opens them. */
export class LanSockets {
  readonly #network: BoundNetwork;
  readonly #group: LanGroup;
  readonly #heard: (from: Address, bytes: Uint8Array) => void;
  /** One listener per family, and one sender per foothold; bounded by ADDRESSES_MAX. */
  #open: { readonly socket: Socket; readonly family: LsdFamily; readonly foothold: Foothold | undefined }[] = [];
  #neighbours = new BlockList();
  #signature = '';

  constructor(network: BoundNetwork, group: LanGroup, heard: (from: Address, bytes: Uint8Array) => void) {
    this.#network = network;
    this.#group = group;
    this.#heard = heard;
  }

  /** Opens what is not open, and follows the machine's addresses. */
  refresh(): void {
    const footholds = footholdsOf(this.#network);
    const signature = this.#network.signature + JSON.stringify(footholds);
    if (signature === this.#signature) return;
    this.close();
    this.#signature = signature;
    this.#neighbours = new BlockList();
    for (const foothold of footholds) addNetwork(this.#neighbours, foothold);
    for (const family of ['ip4', 'ip6'] as const) {
      const ours = footholds.filter(({ host }) => isIPv6(host) === (family === 'ip6'));
      if (ours.length > 0) this.#listen(family, ours);
      for (const foothold of ours) this.#prepareSender(family, foothold);
    }
  }

  /** The addresses that are called from. */
  get footholds(): readonly Foothold[] {
    return this.#open.flatMap(({ foothold }) => foothold ?? []);
  }

  /** Whether there is any network to call on. */
  get hasNetwork(): boolean {
    return this.#open.some(({ foothold }) => foothold !== undefined);
  }

  /** Sends each datagram to the group of its family, once per foothold. */
  call(datagrams: Readonly<Record<LsdFamily, Uint8Array>>): void {
    const { groups, port } = this.#group;
    for (const { socket, family, foothold } of this.#open) {
      if (foothold) send(socket, datagrams[family], port, groups[family]);
    }
  }

  /** Sends to the broadcast address of each IPv4 network. */
  broadcast(bytes: Uint8Array): void {
    for (const { socket, foothold, family } of this.#open) {
      if (foothold && family === 'ip4') send(socket, bytes, this.#group.port, rangeOf(foothold).last);
    }
  }

  /** Sends to every address of each small IPv4 network, some at a time. */
  sweep(bytes: Uint8Array): void {
    for (const { socket, foothold, family } of this.#open) {
      if (!foothold || family !== 'ip4' || rangeOf(foothold).prefix < SWEPT_PREFIX_MIN) continue;
      const hosts = rangeOf(foothold)
        .hosts()
        .filter((host) => host !== foothold.host);
      const timer = setInterval(() => {
        for (const host of hosts.splice(0, SWEPT_AT_ONCE)) send(socket, bytes, this.#group.port, host);
        if (hosts.length === 0) clearInterval(timer);
      }, SWEEP_STEP_MS);
    }
  }

  /** Sends to one neighbour, by the network that it is on. */
  tell(bytes: Uint8Array, { host, port }: Address): void {
    const family = isIPv6(host) ? 'ip6' : 'ip4';
    const senders = this.#open.filter((each) => each.family === family && each.foothold);
    const near = senders.find(({ foothold }) => isWithin(foothold!, host)) ?? senders[0];
    if (near) send(near.socket, bytes, port, host);
  }

  close(): void {
    for (const { socket } of this.#open) socket.close();
    this.#open = [];
    this.#signature = '';
  }

  #listen(family: LsdFamily, footholds: readonly Foothold[]): void {
    // Other clients of this machine listen there as well.
    this.#bind(family, undefined, family === 'ip6' ? '::' : '0.0.0.0', this.#group.port, (socket) => {
      for (const foothold of footholds)
        attempt(() => socket.addMembership(this.#group.groups[family], wayOf(foothold)));
    });
  }

  #prepareSender(family: LsdFamily, foothold: Foothold): void {
    this.#bind(family, foothold, foothold.host, 0, (socket) => {
      attempt(() => socket.setBroadcast(true));
      attempt(() => socket.setMulticastInterface(wayOf(foothold)));
      attempt(() => socket.setMulticastTTL(HOPS));
    });
  }

  #bind(
    family: LsdFamily,
    foothold: Foothold | undefined,
    host: string,
    port: number,
    bound: (socket: Socket) => void,
  ): void {
    const binding = this.#network.sharedBinding(host, port);
    // Held to the device or not at all; the next refresh tries again.
    if (!binding) {
      this.#signature = '';
      return;
    }
    const socket = this.#make(family, foothold);
    socket.bind(binding, () => bound(socket));
  }

  #make(family: LsdFamily, foothold: Foothold | undefined): Socket {
    const type = family === 'ip6' ? 'udp6' : 'udp4';
    const socket = createSocket(
      type === 'udp6' ? { type, ipv6Only: true, reuseAddr: true } : { type, reuseAddr: true },
    );
    // An address that went, a family that is switched off, or a port that somebody has: the next refresh tries again.
    socket.on('error', () => {
      if (this.#open.some((each) => each.socket === socket)) this.#signature = '';
    });
    socket.on('message', (bytes, source) => this.#receive(bytes, source));
    this.#open.push({ socket, family, foothold });
    return socket;
  }

  #receive(bytes: Buffer, { address, port }: RemoteInfo): void {
    const ip = parseIp(address.replace(/%.*$/, ''));
    const host = ip && formatIp(ip);
    if (host && this.#neighbours.check(host, isIPv6(host) ? 'ipv6' : 'ipv4')) this.#heard({ host, port }, bytes);
  }
}

/** The addresses that the node may use, with their networks. */
function footholdsOf(network: BoundNetwork): Foothold[] {
  const allowed = new Set(network.hosts());
  // Another interface may have our address too.
  const device = network.source?.device;
  return Object.entries(networkInterfaces())
    .flatMap(([device, entries]) => (entries ?? []).map(({ address, cidr }) => ({ host: address, device, cidr })))
    .filter((foothold): foothold is Foothold => foothold.cidr !== null && allowed.has(foothold.host))
    .filter((foothold) => device === undefined || foothold.device === device)
    .slice(0, ADDRESSES_MAX);
}

/** How dgram names an interface: by an address of it, or for IPv6 by its scope. */
function wayOf({ host, device }: Foothold): string {
  return isIPv6(host) ? `::%${device}` : host;
}

/** What fails here is one address that went between two readings; the others stay. */
function attempt(act: () => void): void {
  try {
    act();
  } catch {
    // See above.
  }
}

/** Adds the network that a foothold is on. */
export function addNetwork(list: BlockList, { cidr, host }: Foothold): void {
  const [subnet, prefix] = cidr.split('/');
  list.addSubnet(subnet!, Number(prefix), isIPv6(host) ? 'ipv6' : 'ipv4');
}

function isWithin(foothold: Foothold, host: string): boolean {
  const list = new BlockList();
  addNetwork(list, foothold);
  return list.check(host, isIPv6(host) ? 'ipv6' : 'ipv4');
}

/** An IPv4 network: its last address, which is that of all its hosts, and each of them. */
function rangeOf({ cidr }: Foothold): { prefix: number; last: string; hosts(): string[] } {
  const [subnet, length] = cidr.split('/');
  const prefix = Number(length);
  const size = 2 ** (32 - prefix);
  const number = parseIp(subnet!)!.reduce((sum, byte) => sum * 256 + byte, 0);
  const first = number - (number % size);
  const text = (at: number): string => [24, 16, 8, 0].map((shift) => Math.floor(at / 2 ** shift) % 256).join('.');
  const hosts = (): string[] => Array.from({ length: Math.max(0, size - 2) }, (_, i) => text(first + 1 + i));
  return { prefix, last: text(first + size - 1), hosts };
}

/** What is lost is said again. */
function send(socket: Socket, bytes: Uint8Array, port: number, host: string): void {
  attempt(() => socket.send(bytes, port, host, () => {}));
}
