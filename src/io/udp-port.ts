/**
 * The UDP side of the one port: a socket per address family whose datagrams go by their shape to who reads that kind,
 * and by which every answer and question of ours leaves. What nobody reads is dropped unanswered. Opened anew when
 * what the node is bound to changes.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type Address, formatIp, MonsoonError, parseIp } from '../base/index.ts';
import { type DatagramKind, datagramKind } from '../wire/index.ts';
import type { BoundNetwork } from './bound-network.ts';

const FAMILIES = ['udp4', 'udp6'] as const;
/** When somebody took the port while our network was gone, or a new IPv6 address is not usable yet. */
const RETRY_MS = 2000;

type Family = (typeof FAMILIES)[number];

/** Takes one datagram, whose bytes are its own, and where it came from. */
export type DatagramReader = (datagram: Buffer, from: Address) => void;

/** An open UDP port with a reader per kind of datagram. */
export class UdpPort {
  readonly #network: BoundNetwork;
  readonly #sockets = new Map<Family, Socket>();
  /** At most one per kind. */
  readonly #readers = new Map<DatagramKind, DatagramReader>();
  #port: number;
  #work: Promise<void> = Promise.resolve();
  #retry: NodeJS.Timeout | undefined;
  #isClosed = false;

  /**
   * Binds the port; rejects with a MonsoonError when it cannot be had.
   * @param port 0 picks one
   */
  static async open(network: BoundNetwork, port: number): Promise<UdpPort> {
    const udp = new UdpPort(network, port);
    try {
      await udp.#open();
    } catch (error) {
      await udp.close();
      throw bindError(error as NodeJS.ErrnoException, port);
    }
    network.watch(() => udp.#openAgain());
    return udp;
  }

  private constructor(network: BoundNetwork, port: number) {
    this.#network = network;
    this.#port = port;
  }

  /** By which names are looked up that datagrams go to. */
  get network(): BoundNetwork {
    return this.#network;
  }

  /** The number really bound. */
  get port(): number {
    return this.#port;
  }

  /** Whether there is a socket of the address family of a host. */
  hasFamilyOf(host: string): boolean {
    return this.#sockets.has(familyOf(host));
  }

  /** Gives datagrams of a kind to a reader, or with undefined to nobody. */
  read(kind: DatagramKind, reader: DatagramReader | undefined): void {
    if (reader) this.#readers.set(kind, reader);
    else this.#readers.delete(kind);
  }

  /** Sends a datagram, or loses it as the network may; `done` is called either way. */
  send(datagram: Uint8Array, { host, port }: Address, done: () => void = () => {}): void {
    const socket = this.#sockets.get(familyOf(host));
    if (socket) socket.send(datagram, port, host, done);
    else setImmediate(done);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    await this.#work;
    this.#stop();
  }

  async #open(): Promise<void> {
    for (const family of FAMILIES) {
      const binding = this.#network.udpBinding(family, this.#port);
      if (!binding) continue;
      const socket = family === 'udp6' ? createSocket({ type: family, ipv6Only: true }) : createSocket(family);
      try {
        // Asked for first, because a descriptor listens within the call; rejects when an error comes before.
        const listening = once(socket, 'listening');
        socket.bind(binding);
        await listening;
        // It was to say why it cannot be held to the device, and did not.
        if (this.#network.device !== undefined && !('fd' in binding))
          throw new Error('the system does not hold it there');
      } catch (error) {
        socket.close();
        const { code } = error as NodeJS.ErrnoException;
        // A machine without IPv6 still has every IPv4 address.
        if (family === 'udp6' && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL')) continue;
        throw error;
      }
      this.#port = socket.address().port;
      this.#sockets.set(family, socket);
      socket.on('message', (datagram, source) => this.#receive(datagram, source));
      // Once bound, an error is the loss of a datagram, which every protocol here expects.
      socket.on('error', () => {});
    }
  }

  #openAgain(): void {
    clearTimeout(this.#retry);
    this.#work = this.#work.then(async () => {
      this.#stop();
      if (this.#isClosed) return;
      try {
        await this.#open();
      } catch {
        // Somebody was faster, or the network changed under us: there is nobody to tell but the next try.
        this.#stop();
        this.#retry = setTimeout(() => this.#openAgain(), RETRY_MS);
      }
    });
  }

  #stop(): void {
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  #receive(datagram: Buffer, source: RemoteInfo): void {
    const kind = datagramKind(datagram);
    const reader = kind && this.#readers.get(kind);
    // A scoped address is good on one link only; its canonical form, without the scope, could not be answered.
    const ip = reader && source.port > 0 ? parseIp(source.address) : undefined;
    if (ip) reader!(datagram, { host: formatIp(ip), port: source.port });
  }
}

function familyOf(host: string): Family {
  return host.includes(':') ? 'udp6' : 'udp4';
}

function bindError(error: NodeJS.ErrnoException, port: number): MonsoonError {
  if (error.code !== 'EADDRINUSE') {
    return new MonsoonError('config', `cannot use UDP port ${port}: ${error.message}`, error);
  }
  const text = `UDP port ${port} is taken. Choose another with --port, or --port 0 for a free one`;
  return new MonsoonError('port-taken', text, error);
}
