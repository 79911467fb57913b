/**
 * Multicast DNS by the multicast-dns package, which is imported here alone and never bare: datagrams reach it through a
 * socket of ours that lets pass what is short enough, comes from a neighbour, and is within that neighbour's budget; what
 * it throws ends the datagram. One of them per IPv4 address that the node may use.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { EventEmitter } from 'node:events';
import { BlockList } from 'node:net';
import multicastDns, { type MulticastDNS } from 'multicast-dns';
import { SourceBudgets } from '../base/index.ts';
import { answersTo, beaconsIn, recordsOf, SERVICE, type ServiceInstance, type ServiceRecord } from '../lan/index.ts';
import { now } from './alarm-clock.ts';
import type { BoundNetwork } from './bound-network.ts';
import { addNetwork, type Foothold } from './lan-sockets.ts';

const MDNS_PORT = 5353;
/** Largest datagram that is decoded: one Ethernet frame. */
const DATAGRAM_BYTES_MAX = 1500;
/** Datagrams of one neighbour that are decoded, and sources that are remembered. */
const PER_SOURCE = { perSecond: 10, burst: 50 };
const SOURCES_MAX = 1024;
/** Questions of one datagram that are answered. */
const QUESTIONS_MAX = 8;

export interface DnsSdSettings {
  readonly network: BoundNetwork;
  readonly foothold: Foothold;
  /** The label of this node's instance. */
  readonly name: string;
  readonly port: number;
  /** A fresh beacon of this node. */
  readonly beacon: () => Uint8Array;
  /** A neighbour's record carried a beacon. */
  readonly heard: (host: string, beacon: Uint8Array) => void;
}

/** Multicast DNS on one address. */
export class DnsSd {
  readonly #settings: DnsSdSettings;
  readonly #mdns: MulticastDNS;

  constructor(settings: DnsSdSettings) {
    const { host } = settings.foothold;
    this.#settings = settings;
    const socket = new NeighbourSocket(settings.network, settings.foothold) as unknown as Socket;
    this.#mdns = multicastDns({ socket, interface: host, bind: '0.0.0.0' });
    // The port may be another program's alone, or the address gone: then there is no DNS-SD, and the beacon is there.
    this.#mdns.on('error', () => {});
    this.#mdns.on('warning', () => {});
    this.#mdns.on('query', ({ id, questions }, source) => this.#answer(id ?? 0, questions ?? [], source));
    this.#mdns.on('response', ({ answers, additionals }, { address }) => {
      const records = [...(answers ?? []), ...(additionals ?? [])].flatMap((record) =>
        record.type === 'TXT' ? [{ name: record.name, texts: [record.data].flat().map(String) }] : [],
      );
      for (const beacon of beaconsIn(records)) settings.heard(address, beacon);
    });
  }

  /** Asks who is there. */
  ask(): void {
    this.#mdns.query([{ name: SERVICE, type: 'PTR' }]);
  }

  /** Tells that this node is there, and as what. */
  announce(): void {
    this.#respond(recordsOf(this.#instance));
  }

  /** Says goodbye. */
  close(): void {
    this.#respond(recordsOf(this.#instance, true));
    setImmediate(() => this.#mdns.destroy());
  }

  get #instance(): ServiceInstance {
    const { name, foothold, port, beacon } = this.#settings;
    return { name, host: foothold.host, port, beacon: beacon() };
  }

  #answer(id: number, questions: readonly { name: string; type: string }[], source: RemoteInfo): void {
    const instance = this.#instance;
    const answers = questions.slice(0, QUESTIONS_MAX).flatMap((question) => answersTo(question, instance));
    if (answers.length === 0) return;
    if (source.port === MDNS_PORT) return this.#respond(answers);
    // A plain resolver: it wants its question back, under its own number (RFC 6762, 6.7).
    const reply = { id, questions: [...questions] as never, answers: packed(answers) as never };
    this.#mdns.respond(reply, { address: source.address, port: source.port } as never);
  }

  #respond(answers: readonly ServiceRecord[]): void {
    this.#mdns.respond({ answers: packed(answers) as never });
  }
}

/** Each record once. */
function packed(records: readonly ServiceRecord[]): ServiceRecord[] {
  return [...new Map(records.map((record) => [JSON.stringify(record), record])).values()];
}

/** A socket that only neighbours reach; it has what the package calls of dgram.Socket. */
class NeighbourSocket extends EventEmitter {
  readonly #network: BoundNetwork;
  readonly #socket: Socket;
  readonly #neighbours = new BlockList();
  readonly #budgets = new SourceBudgets(PER_SOURCE, SOURCES_MAX);

  constructor(network: BoundNetwork, foothold: Foothold) {
    super();
    const { host } = foothold;
    this.#network = network;
    addNetwork(this.#neighbours, foothold);
    this.#socket = createSocket({ type: 'udp4', reuseAddr: true });
    this.#socket.on('message', (bytes, source) => this.#receive(bytes, source));
    this.#socket.on('error', (error) => this.emit('error', error));
    this.#socket.on('listening', () => {
      try {
        this.#socket.setMulticastInterface(host);
        this.emit('listening');
      } catch (error) {
        // The address went meanwhile.
        this.emit('error', error);
      }
    });
  }

  bind(port: number, address: string, bound: () => void): void {
    const binding = this.#network.sharedBinding(address, port);
    // Without one it is never open, and what the package sends goes nowhere.
    if (binding) this.#socket.bind(binding, bound);
    else setImmediate(() => this.emit('error', new Error('the system does not hold it to our interface')));
  }
  address(): unknown {
    return this.#socket.address();
  }
  addMembership(group: string, host: string): void {
    this.#socket.addMembership(group, host);
  }
  dropMembership(group: string, host: string): void {
    this.#socket.dropMembership(group, host);
  }
  setMulticastTTL(hops: number): void {
    this.#socket.setMulticastTTL(hops);
  }
  setMulticastLoopback(isOn: boolean): void {
    this.#socket.setMulticastLoopback(isOn);
  }
  setMulticastInterface(host: string): void {
    this.#socket.setMulticastInterface(host);
  }
  send(bytes: Buffer, offset: number, length: number, port: number, host: string, done: () => void): void {
    this.#socket.send(bytes, offset, length, port, host, () => done());
  }
  close(done: () => void): void {
    this.#socket.close(done);
  }

  #receive(bytes: Buffer, source: RemoteInfo): void {
    if (bytes.length > DATAGRAM_BYTES_MAX || !this.#neighbours.check(source.address, 'ipv4')) return;
    if (!this.#budgets.take(source.address, 1, now())) return;
    try {
      this.emit('message', bytes, source);
    } catch {
      // A shape that the package does not survive: the sender loses one answer.
    }
  }
}
