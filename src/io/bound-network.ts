/**
 * What the user bound this node to: every address, one address, or one interface. Every socket of the node is opened
 * by what this says. Invariant: while the address or interface is gone nothing is opened at all, so that no traffic
 * takes another way; where the kernel can pin a socket to a device (Linux), it is pinned.
 */
import type { BindOptions } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { isIPv6, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { formatIp, MonsoonError, parseIp, reachOf } from '../base/index.ts';
import type { ListeningPlaces, Place, PlaceKey } from '../ports/index.ts';
import { type OpenPinned, openPinning } from './pinned-socket.ts';
import type { SocketPlace } from './raw-socket.ts';

/** How old a reading of the interfaces may be; the kernel refuses what is wrong in between. */
const READING_MS = 500;
const WATCH_MS = 1000;
const LOOPBACK_DEVICE = 'lo';

type Bind =
  | { readonly kind: 'any' | 'loopback' | 'address'; readonly host: string }
  | { readonly kind: 'interface'; readonly name: string };

/** An interface, and those of its addresses that we may use. */
export interface Source {
  readonly device: string;
  readonly hosts: readonly string[];
}

/** One reading of the machine's interfaces. */
interface Reading {
  readonly at: number;
  /** Canonical addresses per interface, link-local IPv6 left out: it means nothing without its zone. */
  readonly hosts: ReadonlyMap<string, readonly string[]>;
}

/** The part of the machine's network that this node may use. */
export class BoundNetwork implements ListeningPlaces {
  readonly #bind: Bind;
  readonly #openPinned: OpenPinned | undefined;
  #reading: Reading;
  #signature: string;
  /** Parts of the node that open sockets; a handful. */
  readonly #watchers = new Set<() => void>();
  readonly #timer: NodeJS.Timeout | undefined;
  /** One per server that listens at exact places. */
  readonly #placeTimers: NodeJS.Timeout[] = [];
  /** Connections made while bound; bounded by the links and requests of the node. */
  readonly #connections = new Set<Socket>();

  /** Takes an IP address or the name of an interface; rejects with a MonsoonError when the machine has neither. */
  static async open(bind: string): Promise<BoundNetwork> {
    const parsed = parseBind(bind);
    const isWatched = parsed.kind === 'address' || parsed.kind === 'interface';
    const network = new BoundNetwork(parsed, isWatched ? openPinning() : undefined);
    if (network.problem !== undefined) {
      network.close();
      throw new MonsoonError('config', `${network.problem}. --bind takes one of: ${choices(network.#reading)}`);
    }
    return network;
  }

  private constructor(bind: Bind, openPinned: OpenPinned | undefined) {
    this.#bind = bind;
    this.#openPinned = openPinned;
    this.#reading = readInterfaces();
    this.#signature = this.signature;
    if (bind.kind === 'address' || bind.kind === 'interface') {
      this.#timer = setInterval(() => this.#look(), WATCH_MS);
      this.#timer.unref();
    }
  }

  /** What the node was bound to is gone: why nothing moves, for the user. */
  get problem(): string | undefined {
    if (this.#source() !== undefined) return undefined;
    return this.#bind.kind === 'interface'
      ? `the interface ${this.#bind.name} is gone or has no address`
      : `the address ${this.#bind.kind === 'address' ? this.#bind.host : ''} is gone from this machine`;
  }

  /** True when sockets may not be opened just anyhow. */
  get isRestricted(): boolean {
    return this.#bind.kind !== 'any';
  }

  /** The interface and addresses that we are bound to and that are there; undefined without such a bond. */
  get source(): Source | undefined {
    const { kind } = this.#bind;
    return kind === 'address' || kind === 'interface' ? this.#source() : undefined;
  }

  /** True when nothing that we say leaves this machine. */
  get isLoopback(): boolean {
    return this.#bind.kind === 'loopback';
  }

  /** The device that traffic is pinned to by the kernel, if any. */
  get device(): string | undefined {
    return this.#openPinned && this.#source()?.device;
  }

  /** Equal as long as sockets that are open stay usable. An interface that was made anew has the same name and another index. */
  get signature(): string {
    const source = this.#source();
    if (!source) return '';
    const index = this.#openPinned ? indexOf(source.device) : '';
    return [source.device, index, ...source.hosts.toSorted()].join(' ');
  }

  /** Calls back when what may be used has changed, gone and back included. */
  watch(changed: () => void): void {
    this.#watchers.add(changed);
  }

  watchPlaces(changed: () => void): void {
    let last = [...this.exactPlaces().keys()].join();
    const look = (): void => {
      const keys = [...this.exactPlaces().keys()].join();
      if (keys === last) return;
      last = keys;
      changed();
    };
    this.#placeTimers.push(setInterval(look, WATCH_MS).unref());
  }

  close(): void {
    clearInterval(this.#timer);
    for (const timer of this.#placeTimers) clearInterval(timer);
    this.#watchers.clear();
  }

  /** Addresses that others may reach us by, widest reach first; loopback only when there is nothing else. */
  hosts(): string[] {
    const bind = this.#bind;
    if (bind.kind === 'any') return reachable(this.#everyHost(bind.host));
    if (bind.kind === 'interface') return reachable(this.#source()?.hosts ?? []);
    return [bind.host];
  }

  /** Where to listen now; none while what we are bound to is gone. */
  places(): Place[] {
    const { kind } = this.#bind;
    if (kind === 'any' || kind === 'loopback') return [{ host: this.#bind.host, device: undefined }];
    const source = this.#source();
    if (!source) return [];
    if (!this.#openPinned) return source.hosts.map((host) => ({ host, device: undefined }));
    return placesOf(source.device, [kind === 'address' ? this.#bind.host : '::']);
  }

  exactPlaces(): Map<PlaceKey, Place> {
    const keyOf = ({ host, device }: Place): PlaceKey => `${host} ${device === undefined ? '' : indexOf(device)}`;
    return new Map(this.#exactPlaces().map((place) => [keyOf(place), place]));
  }

  heldSocket(kind: 'tcp' | 'udp', { host, device }: Place, port: number): number | undefined {
    return device === undefined ? undefined : this.#openPinned?.(device, { kind, host, port });
  }

  /** Why this address cannot be reached from what we are bound to, or undefined. */
  obstacle(host: string): string | undefined {
    if (this.#bind.kind === 'any') return undefined;
    if (this.problem !== undefined) return this.problem;
    const isSix = isIPv6(host);
    if (this.#localAddress(isSix) !== undefined) return undefined;
    return `${nameOf(this.#bind)} has no ${isSix ? 'IPv6' : 'IPv4'} address`;
  }

  /**
   * Opens an outgoing connection from the bound address and device only; what stands against it comes as its `error`.
   * @param host the IP literal that is connected to
   * @param begin calls `connect` of net or tls with these options and that literal, and returns the socket at once
   */
  open<Made extends Socket>(host: string, begin: (from: { localAddress?: string }) => Made): Made {
    if (this.#bind.kind === 'any') return begin({});
    const localAddress = this.#localAddress(isIPv6(host));
    // What this machine says to itself never leaves it, and goes by the loopback device.
    const device = this.isOwn(host) ? undefined : this.device;
    // Of an interface's addresses the kernel chooses the one that suits the destination.
    const isChosen = localAddress !== undefined && (device === undefined || this.#bind.kind === 'address');
    const socket = begin(isChosen ? { localAddress } : {});
    const obstacle = this.obstacle(host);
    if (obstacle !== undefined) return socket.destroy(new Error(obstacle));
    if (device !== undefined && !this.#pin(socket, device, host)) {
      return socket.destroy(new Error(`the system does not let us use ${device}`));
    }
    this.#connections.add(socket);
    return socket.once('close', () => this.#connections.delete(socket));
  }

  /**
   * How to bind a UDP socket: `socket.bind(network.udpBinding('udp4', port))`. Undefined while there is nothing to bind
   * to, or no address of that family.
   */
  udpBinding(family: 'udp4' | 'udp6', port: number): BindOptions | undefined {
    const isSix = family === 'udp6';
    const wildcard = isSix ? '::' : '0.0.0.0';
    if (this.#bind.kind === 'any') return isSix && !isIPv6(this.#bind.host) ? undefined : { port, address: wildcard };
    const address = this.#localAddress(isSix);
    if (address === undefined) return undefined;
    const { device } = this;
    const fd = device && this.#openPinned?.(device, { kind: 'udp', host: address, port });
    // Without a descriptor the plain bind says what is wrong, the port taken most of all.
    return typeof fd === 'number' ? { fd } : { port, address };
  }

  /**
   * How to bind a UDP socket to an address, or every one of its family, on a port that others of this machine may have
   * as well. Undefined when what we are bound to is gone, or the kernel does not hold such a socket there.
   */
  sharedBinding(host: string, port: number): BindOptions | undefined {
    return this.#heldBinding({ kind: 'udp', host, port, isShared: true });
  }

  /** How to bind a UDP socket that speaks to one host; undefined when that cannot be reached from what we are bound to. */
  bindingTowards(host: string): BindOptions | undefined {
    if (this.problem !== undefined) return undefined;
    const isSix = isIPv6(host);
    // A server of this machine may answer nobody whose own address is another one.
    if (reachOf(host) === 'loopback') return { port: 0, address: isSix ? '::1' : '127.0.0.1' };
    if (this.#bind.kind === 'any') return { port: 0, address: isSix ? '::' : '0.0.0.0' };
    const address = this.#localAddress(isSix);
    if (address === undefined) return undefined;
    return this.isOwn(host) ? { port: 0, address } : this.#heldBinding({ kind: 'udp', host: address, port: 0 });
  }

  #heldBinding({
    kind,
    host,
    port,
    isShared = false,
  }: SocketPlace & { readonly port: number }): BindOptions | undefined {
    if (this.problem !== undefined) return undefined;
    const { device } = this;
    if (device === undefined) return { port, address: host, exclusive: !isShared };
    const fd = this.#openPinned?.(device, { kind, host, port, isShared });
    return fd === undefined ? undefined : { fd };
  }

  /** The device and addresses in use; undefined when what we are bound to is gone. */
  #source(): Source | undefined {
    const bind = this.#bind;
    const { hosts } = this.#read();
    switch (bind.kind) {
      case 'any':
      case 'loopback':
        return { device: LOOPBACK_DEVICE, hosts: [bind.host] };
      case 'address': {
        const device = [...hosts].find(([, own]) => own.includes(bind.host))?.[0];
        return device === undefined ? undefined : { device, hosts: [bind.host] };
      }
      case 'interface': {
        const own = hosts.get(bind.name);
        return own && own.length > 0 ? { device: bind.name, hosts: own } : undefined;
      }
    }
  }

  /** Every address of the machine that a wildcard stands for. */
  #everyHost(wildcard: string): string[] {
    const all = [...this.#read().hosts.values()].flat();
    return isIPv6(wildcard) ? all : all.filter((host) => !isIPv6(host));
  }

  #exactPlaces(): Place[] {
    const bind = this.#bind;
    if (bind.kind === 'any') return this.#everyHost(bind.host).map((host) => ({ host, device: undefined }));
    const source = bind.kind === 'interface' && this.#openPinned ? this.#source() : undefined;
    return source ? placesOf(source.device, source.hosts) : this.places();
  }

  #localAddress(isSix: boolean): string | undefined {
    return sortedByReach(this.#source()?.hosts ?? []).find((host) => isIPv6(host) === isSix);
  }

  /** Whether that is an address of this machine. */
  isOwn(host: string): boolean {
    return reachOf(host) === 'loopback' || [...this.#read().hosts.values()].some((own) => own.includes(host));
  }

  /** Gives a socket that is about to connect (Node does so on the next tick) a descriptor that is pinned. */
  #pin(socket: Socket, device: string, host: string): boolean {
    const place = { kind: 'tcp', host: isIPv6(host) ? '::' : '0.0.0.0', port: undefined } as const;
    const fd = this.#openPinned?.(device, place);
    // Node documents a descriptor for new net sockets only. Under TLS this is the one way in; test/interop/bind.test.ts
    // counts the packets.
    const handle = (socket as unknown as { _handle?: { open?(fd: number): number } })._handle;
    return fd !== undefined && handle?.open?.(fd) === 0;
  }

  #read(): Reading {
    if (performance.now() - this.#reading.at > READING_MS) this.#reading = readInterfaces();
    return this.#reading;
  }

  #look(): void {
    const { signature } = this;
    if (signature === this.#signature) return;
    this.#signature = signature;
    // What was opened on the old address or device would only time out.
    for (const socket of this.#connections) socket.destroy(new Error('the network changed'));
    for (const changed of this.#watchers) changed();
  }
}

function parseBind(bind: string): Bind {
  const ip = parseIp(bind);
  if (!ip) return { kind: 'interface', name: bind };
  if (ip.every((byte) => byte === 0)) return { kind: 'any', host: bind };
  const host = formatIp(ip);
  return { kind: reachOf(host) === 'loopback' ? 'loopback' : 'address', host };
}

/** Those addresses by the device, and by the one that this machine speaks to itself by. */
function placesOf(source: string, hosts: readonly string[]): Place[] {
  const devices = [...new Set([source, LOOPBACK_DEVICE])];
  return hosts.flatMap((host) => devices.map((device) => ({ host, device })));
}

function nameOf(bind: Bind): string {
  return bind.kind === 'interface' ? bind.name : bind.host;
}

function readInterfaces(): Reading {
  const hosts = new Map<string, string[]>();
  for (const [name, entries] of Object.entries(networkInterfaces())) {
    const own = (entries ?? []).flatMap(({ address }) => {
      const ip = parseIp(address.replace(/%.*$/, ''));
      const host = ip && formatIp(ip);
      return host && !(isIPv6(host) && reachOf(host) === 'link-local') ? [host] : [];
    });
    hosts.set(name, own);
  }
  return { at: performance.now(), hosts };
}

function indexOf(device: string): string {
  try {
    return readFileSync(`/sys/class/net/${device}/ifindex`, 'utf8').trim();
  } catch {
    // Gone between the two readings: the next one says so.
    return '';
  }
}

/** Widest reach first; IPv4 first among equals, because every stock client has it. */
function sortedByReach(hosts: readonly string[]): string[] {
  const order = { public: 0, private: 1, 'link-local': 2, loopback: 3, forbidden: 4 };
  const rank = (host: string): number => 2 * order[reachOf(host)] + (isIPv6(host) ? 1 : 0);
  return hosts.toSorted((a, b) => rank(a) - rank(b));
}

function reachable(hosts: readonly string[]): string[] {
  const sorted = sortedByReach(hosts);
  const beyond = sorted.filter((host) => reachOf(host) === 'public' || reachOf(host) === 'private');
  return beyond.length > 0 ? beyond : sorted.filter((host) => reachOf(host) === 'loopback').slice(0, 1);
}

function choices({ hosts }: Reading): string {
  return ['::', ...[...hosts].flatMap(([name, own]) => [name, ...own])].join(', ');
}
