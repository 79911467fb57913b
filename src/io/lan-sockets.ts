/**
 * The multicast sockets of local discovery: on each address that the node may use, calls go out of that address's
 * interface alone, and only neighbours on its network are heard. They are opened anew when the addresses change.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { BlockList, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { formatIp, parseIp } from '../base/index.ts';
import { LSD_GROUPS, LSD_PORT, type LsdFamily } from '../lan/index.ts';
import type { BoundNetwork } from './bound-network.ts';

/** Calls pass no router; the groups are wider than a LAN on paper only. */
const HOPS = 1;
/** Addresses that are called from; a machine with more has them for something else. */
const ADDRESSES_MAX = 16;

/** An address of this machine on some network. */
interface Foothold {
  readonly host: string;
  readonly device: string;
  /** As `192.0.2.1/24`. */
  readonly cidr: string;
}

/** The sockets of a node; `call` opens them. */
export class LanSockets {
  readonly #network: BoundNetwork;
  readonly #heard: (host: string, bytes: Uint8Array) => void;
  /** One listener per family, and one sender per foothold; bounded by ADDRESSES_MAX. */
  #open: { readonly socket: Socket; readonly family: LsdFamily; readonly isSender: boolean }[] = [];
  #neighbours = new BlockList();
  #signature = '';

  constructor(network: BoundNetwork, heard: (host: string, bytes: Uint8Array) => void) {
    this.#network = network;
    this.#heard = heard;
  }

  /** Opens what is not open, and follows the machine's addresses. */
  refresh(): void {
    const footholds = footholdsOf(this.#network);
    const signature = JSON.stringify(footholds);
    if (signature === this.#signature) return;
    this.close();
    this.#signature = signature;
    this.#neighbours = new BlockList();
    for (const { cidr, host } of footholds) {
      const [subnet, prefix] = cidr.split('/');
      this.#neighbours.addSubnet(subnet!, Number(prefix), isIPv6(host) ? 'ipv6' : 'ipv4');
    }
    for (const family of ['ip4', 'ip6'] as const) {
      const ours = footholds.filter(({ host }) => isIPv6(host) === (family === 'ip6'));
      if (ours.length > 0) this.#listen(family, ours);
      for (const foothold of ours) this.#prepareSender(family, foothold);
    }
  }

  /** Sends each datagram to the group of its family, once per foothold. */
  call(datagrams: Readonly<Record<LsdFamily, Uint8Array>>): void {
    for (const { socket, family, isSender } of this.#open) {
      if (isSender) socket.send(datagrams[family], LSD_PORT, LSD_GROUPS[family], () => {});
    }
  }

  close(): void {
    for (const { socket } of this.#open) socket.close();
    this.#open = [];
    this.#signature = '';
  }

  #listen(family: LsdFamily, footholds: readonly Foothold[]): void {
    const socket = this.#make(family, false);
    socket.on('message', (bytes, source) => this.#receive(bytes, source));
    // Other clients of this machine listen there as well.
    socket.bind({ port: LSD_PORT, address: family === 'ip6' ? '::' : '0.0.0.0', exclusive: false }, () => {
      for (const foothold of footholds) attempt(() => socket.addMembership(LSD_GROUPS[family], wayOf(foothold)));
    });
  }

  #prepareSender(family: LsdFamily, foothold: Foothold): void {
    const socket = this.#make(family, true);
    socket.bind(0, foothold.host, () => {
      attempt(() => socket.setMulticastInterface(wayOf(foothold)));
      attempt(() => socket.setMulticastTTL(HOPS));
    });
  }

  #make(family: LsdFamily, isSender: boolean): Socket {
    const type = family === 'ip6' ? 'udp6' : 'udp4';
    const socket = createSocket(
      type === 'udp6' ? { type, ipv6Only: true, reuseAddr: true } : { type, reuseAddr: true },
    );
    // An address that went or a family that is switched off: the next refresh sees it.
    socket.on('error', () => {});
    this.#open.push({ socket, family, isSender });
    return socket;
  }

  #receive(bytes: Buffer, { address }: RemoteInfo): void {
    const ip = parseIp(address.replace(/%.*$/, ''));
    const host = ip && formatIp(ip);
    if (host && this.#neighbours.check(host, isIPv6(host) ? 'ipv6' : 'ipv4')) this.#heard(host, bytes);
  }
}

/** The addresses that the node may use, with their networks. */
function footholdsOf(network: BoundNetwork): Foothold[] {
  const allowed = new Set(network.hosts());
  return Object.entries(networkInterfaces())
    .flatMap(([device, entries]) => (entries ?? []).map(({ address, cidr }) => ({ host: address, device, cidr })))
    .filter((foothold): foothold is Foothold => foothold.cidr !== null && allowed.has(foothold.host))
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
