/**
 * The one port: a TCP listener whose connections are told apart by their first bytes. Invariants: an undecided
 * connection costs at most 2 KiB (and the state of a TLS handshake) and 10 s; there are at most 256 of them, and at most
 * 64 from one network.
 */
import type { Socket } from 'node:net';
import { type Address, formatIp, parseIp, reachOf, SourceBudgets, sourceOf } from '../base/index.ts';
import type { EncryptionPolicy } from '../link/index.ts';
import { now } from './alarm-clock.ts';
import { type PortUsers, receive } from './arrival.ts';
import type { BoundNetwork } from './bound-network.ts';
import { Listener } from './listener.ts';
import type { NodeTls } from './tls-context.ts';
import { TlsDoor } from './tls-door.ts';

const UNDECIDED_MAX = 256;
const UNDECIDED_PER_SOURCE_MAX = 64;
const UNDECIDED_MS = 10_000;
/** Key exchanges that one host may cost us, each two thirds of a millisecond. */
const KEY_EXCHANGES_PER_SOURCE = { perSecond: 30, burst: 120 };
const SOURCES_MAX = 4096;

/** An open port. */
export interface OnePort {
  /** The number really bound. */
  readonly port: number;
  /** From how far somebody has connected to us; undefined while nobody has. */
  readonly reachedFrom: 'internet' | 'lan' | undefined;
  close(): Promise<void>;
}

export interface PortSettings {
  /** Where to listen. */
  readonly network: BoundNetwork;
  /** 0 picks a free one. */
  readonly port: number;
  /** What is asked of incoming links. */
  readonly encryption: EncryptionPolicy;
  readonly tls: NodeTls;
}

/** Opens the port; rejects with a MonsoonError that says what to do when it cannot be had. */
export async function openPort({ network, port, encryption, tls }: PortSettings, users: PortUsers): Promise<OnePort> {
  const sockets = new Set<Socket>();
  const undecided = new Undecided();
  const keyExchanges = new SourceBudgets(KEY_EXCHANGES_PER_SOURCE, SOURCES_MAX);
  const settings = {
    users,
    policy: encryption,
    tls: new TlsDoor(tls),
    mayComputeKeys: (host: string) => keyExchanges.take(sourceOf(host), 1, now()),
    decided: (socket: Socket) => undecided.delete(socket),
  };
  const dropAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  let reachedFrom: OnePort['reachedFrom'];
  const listener = await Listener.open(network, port, (socket) => {
    const address = remoteAddress(socket);
    if (!address) return void socket.destroy();
    const reach = reachOf(address.host);
    if (reach === 'public') reachedFrom = 'internet';
    else if (reach !== 'loopback' && !network.isOwn(address.host)) reachedFrom ??= 'lan';
    sockets.add(socket);
    socket.on('close', () => {
      sockets.delete(socket);
      undecided.delete(socket);
    });
    socket.on('error', () => socket.destroy());
    undecided.add(socket, address.host);
    receive(socket, address, settings);
  });
  network.watch(dropAll);
  return {
    port: listener.port,
    get reachedFrom() {
      return reachedFrom;
    },
    async close() {
      const closed = listener.close();
      dropAll();
      await closed;
    },
  };
}

/** Connections of which nothing is known yet. The oldest gives way: it had its chance, and a newcomer did not. */
class Undecided {
  readonly #all = new Map<Socket, { readonly source: string; readonly timer: NodeJS.Timeout }>();
  readonly #sources = new Map<string, Set<Socket>>();

  add(socket: Socket, host: string): void {
    const source = sourceOf(host);
    const neighbours = this.#sources.get(source);
    if (neighbours && neighbours.size >= UNDECIDED_PER_SOURCE_MAX) this.#dropFirst(neighbours);
    else if (this.#all.size >= UNDECIDED_MAX) this.#dropFirst(this.#all.keys());
    const timer = setTimeout(() => socket.destroy(), UNDECIDED_MS).unref();
    this.#all.set(socket, { source, timer });
    const together = this.#sources.get(source);
    if (together) together.add(socket);
    else this.#sources.set(source, new Set([socket]));
  }

  delete(socket: Socket): void {
    const entry = this.#all.get(socket);
    if (!entry) return;
    clearTimeout(entry.timer);
    this.#all.delete(socket);
    const together = this.#sources.get(entry.source);
    together?.delete(socket);
    if (together?.size === 0) this.#sources.delete(entry.source);
  }

  #dropFirst(sockets: Iterable<Socket>): void {
    for (const socket of sockets) {
      this.delete(socket);
      socket.destroy();
      return;
    }
  }
}

/** Where a socket comes from, IPv4-mapped addresses as IPv4; undefined when it is gone already. */
export function remoteAddress(socket: Socket): Address | undefined {
  const ip = socket.remoteAddress === undefined ? undefined : parseIp(socket.remoteAddress.replace(/%.*$/, ''));
  return ip && { host: formatIp(ip), port: socket.remotePort ?? 0 };
}
