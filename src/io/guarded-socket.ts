/**
 * The UDP socket that the DHT package is given instead of a real one. Only datagrams that `checkKrpc` passed and
 * their source can afford reach it; what it sends is bounded in size, rate and reach; what it throws ends the
 * datagram and not the process. Quacks like dgram.Socket as far as k-rpc-socket calls it.
 */
import type { RemoteInfo, Socket } from 'node:dgram';
import { EventEmitter } from 'node:events';
import { Budget, type Instant, instant, isFault, reachOf, SourceBudgets } from '../base/index.ts';
import { checkKrpc } from '../wire/index.ts';

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
  readonly #socket: Socket;
  readonly #allowLocal: boolean;
  readonly #datagramsOf = new SourceBudgets(DATAGRAMS_PER_SOURCE, SOURCES_MAX);
  readonly #answerBytesOf = new SourceBudgets(ANSWER_BYTES_PER_SOURCE, SOURCES_MAX);
  readonly #answerBytes = new Budget(ANSWER_BYTES, monotonicNow());
  readonly #queryBytes = new Budget(QUERY_BYTES, monotonicNow());
  readonly #counts = { refusedIn: 0, refusedOut: 0, thrown: 0 };

  /** @param allowLocal whether queries may go to loopback and private addresses (development and tests) */
  constructor(socket: Socket, allowLocal: boolean) {
    super();
    this.#socket = socket;
    this.#allowLocal = allowLocal;
    socket.on('message', (datagram, source) => this.#receive(datagram, source));
    for (const event of ['listening', 'close', 'error']) {
      socket.on(event, (...details: unknown[]) => this.emit(event, ...details));
    }
  }

  get counts(): GuardCounts {
    return { ...this.#counts };
  }

  bind(...bindArguments: Parameters<Socket['bind']>): void {
    this.#socket.bind(...bindArguments);
  }

  address(): ReturnType<Socket['address']> {
    return this.#socket.address();
  }

  close(): void {
    this.#socket.close();
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
    this.#socket.send(datagram, port, host, done);
  }

  #receive(datagram: Buffer, source: RemoteInfo): void {
    const isAffordable = source.port > 0 && this.#datagramsOf.take(source.address, 1, monotonicNow());
    if (!isAffordable || isFault(checkKrpc(datagram))) {
      this.#counts.refusedIn++;
      return;
    }
    try {
      this.emit('message', datagram, source);
    } catch {
      // A shape that the check does not know and the package does not survive: the sender loses one answer.
      this.#counts.thrown++;
    }
  }

  #mayAsk(bytes: number, port: number, host: string): boolean {
    const reach = reachOf(host);
    const isHost = reach === 'public' || (this.#allowLocal && reach !== 'forbidden');
    return isHost && port >= CONTACT_PORT_MIN && this.#queryBytes.take(bytes, monotonicNow());
  }

  #mayAnswer(bytes: number, host: string): boolean {
    const now = monotonicNow();
    return (
      bytes <= ANSWER_BYTES_MAX && this.#answerBytesOf.take(host, bytes, now) && this.#answerBytes.take(bytes, now)
    );
  }
}

function monotonicNow(): Instant {
  return instant(performance.now());
}
