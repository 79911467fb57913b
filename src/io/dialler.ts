/**
 * The one way out: every outgoing connection is made here, and every address passes the rule first. A peer, a
 * tracker or a DNS answer can name any address; only those that lead to somebody else's node are dialled.
 */
import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { type Address, type Fault, fault, formatAddress, isHearsayPort, reachOf } from '../base/index.ts';
import type { BoundNetwork } from './bound-network.ts';
import { type OnRead, readingInPlace } from './read-buffer.ts';

const CONNECT_MS = 10_000;
/** Connections being made at a time. */
const DIALLING_MAX = 96;
/** Places that nobody takes whose own connection just failed: those who come for the first time find one. */
export const DIALS_FOR_OTHERS = 4;

/** How an address came to us: what is private may be dialled only when it came from somewhere private. */
export type Trust = 'public' | 'private' | 'user';

export interface DialPolicy {
  /** Opens loopback and private addresses whatever their source: development and tests. */
  readonly allowLocal: boolean;
  /** Where this node takes links itself; undefined where it takes none. */
  readonly ownPort?: number;
}

export type DialFault = Fault<'refused-address' | 'too-many-dials' | 'connect-failed'>;

/** `net.connect`, or what has its shape. */
export type OpenSocket = (options: TcpNetConnectOpts) => Socket;

/** Makes outgoing connections. */
export class Dialler {
  readonly #network: BoundNetwork;
  readonly #policy: DialPolicy;
  #dialling = 0;
  /** Bounded by DIALLING_MAX. */
  readonly #unconnected = new Set<Socket>();

  constructor(network: BoundNetwork, policy: DialPolicy) {
    this.#network = network;
    this.#policy = policy;
  }

  /** Nothing can be dialled now: too much is under way, or what we are bound to is gone. No peer is to blame for that. */
  get isBusy(): boolean {
    return this.#dialling >= DIALLING_MAX || this.#network.problem !== undefined;
  }

  /**
   * Whether one more connection may be made for a torrent with so many under way: never more than twice what is free, so
   * that torrents whose peers are all silent do not keep the others from theirs.
   * @param left places that are to stay free
   */
  mayDial(underWay: number, left: number): boolean {
    return !this.isBusy && underWay < 2 * (DIALLING_MAX - this.#dialling - left);
  }

  /** The rule (SAFETY rule 2): why this address is not dialled, or undefined when it may be. */
  refusal(address: Address, trust: Trust): string | undefined {
    const obstacle = this.#network.obstacle(address.host);
    if (obstacle !== undefined) return obstacle;
    const reach = reachOf(address.host);
    if (reach === 'forbidden') return `${address.host} is not a host's address`;
    if (reach === 'public') return undefined;
    if (this.#policy.allowLocal) return undefined;
    if (reach === 'private' && trust !== 'public') return undefined;
    return `${address.host} is a ${reach} address; --allow-local permits it for tests`;
  }

  /** Why this peer is not dialled: the rule, no port that belongs to another service unless the user named it, not us. */
  peerRefusal(address: Address, trust: Trust): string | undefined {
    if (address.port === 0 || (trust !== 'user' && !isHearsayPort(address.port)))
      return `port ${address.port} is not a peer's`;
    // A tracker names us to ourselves, among the others.
    if (address.port === this.#policy.ownPort && this.#network.hosts().includes(address.host)) return 'it is this node';
    return this.refusal(address, trust);
  }

  /**
   * Connects to a peer; `onRead` gets every byte that arrives, in a buffer that is reused.
   * @param open makes the socket; it may be one that does more as soon as it is connected
   */
  dial(address: Address, trust: Trust, onRead: OnRead, open: OpenSocket = connect): Promise<Socket | DialFault> {
    const refused = this.peerRefusal(address, trust);
    if (refused !== undefined) return Promise.resolve(fault('refused-address', refused));
    if (this.isBusy) return Promise.resolve(fault('too-many-dials', 'too many connections are being made'));
    this.#dialling++;
    return new Promise((settle) => {
      const { host, port } = address;
      const socket = this.#network.open(host, (from) => open({ host, port, ...readingInPlace(onRead), ...from }));
      this.#unconnected.add(socket);
      const end = (result: Socket | DialFault): void => {
        clearTimeout(timer);
        if (!this.#unconnected.delete(socket)) return;
        this.#dialling--;
        settle(result);
      };
      const failed = (error: Error): void =>
        end(fault('connect-failed', `${formatAddress(address)}: ${error.message}`));
      const timer = setTimeout(() => socket.destroy(new Error('no answer')), CONNECT_MS);
      // It stays: an error between the connection and its first owner must find somebody.
      socket.on('error', failed);
      socket.once('connect', () => end(socket));
    });
  }

  /** Gives up on every connection that is being made. */
  close(): void {
    for (const socket of this.#unconnected) socket.destroy(new Error('closed'));
  }
}

/** The trust that an address deserves when a node at `host` named it. */
export function trustOf(host: string): Trust {
  const reach = reachOf(host);
  // A name says nothing about where its owner is: anybody's tracker has one.
  return reach === 'private' || reach === 'loopback' || reach === 'link-local' ? 'private' : 'public';
}
