/**
 * The UDP socket that the DHT package is given instead of a real one: the DHT's share of the one port. Only datagrams
 * that `checkKrpc` passed and their source can afford reach it; what it sends is bounded in size, rate and reach; what
 * it throws ends the datagram and not the process. Quacks like dgram.Socket as far as k-rpc-socket calls it.
 */
import { EventEmitter } from 'node:events';
import { type Address, Budget, isFault, reachOf, SourceBudgets } from '../base/index.ts';
import { checkKrpc } from '../wire/index.ts';
import { now } from './alarm-clock.ts';
import type { UdpPort } from './udp-port.ts';

/** Largest answer we send: fits every path without fragments, as for DNS. */
export const ANSWER_BYTES_MAX = 1232;
/** Sources whose spending is remembered. */
const SOURCES_MAX = 4096;
/** Lowest port that a contact from hearsay may have: below it wait services that no DHT node is. */
const CONTACT_PORT_MIN = 1024;

/** Datagrams that one source may have us decode. */
const DATAGRAMS_PER_SOURCE = { perSecond: 10, burst: 60 };
/** Answer bytes that one source may draw: a forged source gets no flood out of us. */
const ANSWER_BYTES_PER_SOURCE = { perSecond: 256, burst: 3072 };
/** Answers and our own queries share the 8 KiB/s of SAFETY.md, so that neither can starve the other. */
const ANSWER_BYTES = { perSecond: 4096, burst: 16_384 };
const QUERY_BYTES = { perSecond: 4096, burst: 16_384 };

/** Every KRPC query ends like this: `y` is the last key. */
const QUERY_TAIL = Buffer.from('1:y1:qe');

/** Counts of what was kept from the package or from the network. */
export interface GuardCounts {
  readonly refusedIn: number;
  readonly refusedOut: number;
  readonly thrown: number;
}

export class GuardedSocket extends EventEmitter {
  readonly #udp: UdpPort;
  readonly #allowLocal: boolean;
  readonly #datagramsOf = new SourceBudgets(DATAGRAMS_PER_SOURCE, SOURCES_MAX);
  readonly #answerBytesOf = new SourceBudgets(ANSWER_BYTES_PER_SOURCE, SOURCES_MAX);
  readonly #answerBytes = new Budget(ANSWER_BYTES, now());
  readonly #queryBytes = new Budget(QUERY_BYTES, now());
  readonly #counts = { refusedIn: 0, refusedOut: 0, thrown: 0 };

  /** @param allowLocal whether queries may go to loopback and private addresses (development and tests) */
  constructor(udp: UdpPort, allowLocal: boolean) {
    super();
    this.#udp = udp;
    this.#allowLocal = allowLocal;
  }

  get counts(): GuardCounts {
    return { ...this.#counts };
  }

  /** Begins to listen; the socket itself is bound already. */
  bind(): void {
    this.#udp.read('krpc', (datagram, from) => this.#receive(datagram, from));
    setImmediate(() => this.emit('listening'));
  }

  address(): { readonly address: string; readonly port: number } {
    return { address: '0.0.0.0', port: this.#udp.port };
  }

  close(): void {
    this.#udp.read('krpc', undefined);
    setImmediate(() => this.emit('close'));
  }

  /** Sends, or drops what breaks a bound: to the package that is the loss that every datagram may meet. */
  send(message: Buffer, offset: number, length: number, port: number, host: string, done: () => void): void {
    const datagram = message.subarray(offset, offset + length);
    const isQuery = datagram.subarray(-QUERY_TAIL.length).equals(QUERY_TAIL);
    const maySend = isQuery ? this.#mayAsk(datagram.length, port, host) : this.#mayAnswer(datagram.length, host);
    if (!maySend) {
      this.#counts.refusedOut++;
      setImmediate(done);
      return;
    }
    this.#udp.send(datagram, { host, port }, done);
  }

  #receive(datagram: Buffer, from: Address): void {
    // The package knows IPv4 only.
    const isAffordable = !from.host.includes(':') && this.#datagramsOf.take(from.host, 1, now());
    if (!isAffordable || isFault(checkKrpc(datagram))) {
      this.#counts.refusedIn++;
      return;
    }
    try {
      this.emit('message', datagram, { address: from.host, family: 'IPv4', port: from.port, size: datagram.length });
    } catch {
      // A shape that the check does not know and the package does not survive: the sender loses one answer.
      this.#counts.thrown++;
    }
  }

  #mayAsk(bytes: number, port: number, host: string): boolean {
    const reach = reachOf(host);
    const isHost = reach === 'public' || (this.#allowLocal && reach !== 'forbidden');
    return isHost && port >= CONTACT_PORT_MIN && this.#queryBytes.take(bytes, now());
  }

  #mayAnswer(bytes: number, host: string): boolean {
    const time = now();
    return (
      bytes <= ANSWER_BYTES_MAX && this.#answerBytesOf.take(host, bytes, time) && this.#answerBytes.take(bytes, time)
    );
  }
}
