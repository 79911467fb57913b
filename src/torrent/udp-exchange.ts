/**
 * Announces to UDP trackers (BEP 15): connects, keeps a connection id for a minute for whatever else is asked there,
 * sends again what is not answered. It knows nothing of names or sockets. Invariants: a reply counts only from the
 * address that was asked and with the transaction that was sent; every call ends within its tries.
 */
import {
  type Address,
  cleanText,
  type Deadline,
  earliest,
  type Fault,
  fault,
  formatAddress,
  type Instant,
  infoHashBytes,
  later,
  lossyTextOfUtf8,
  type Machine,
  type Random,
  randomBelow,
} from '../base/index.ts';
import { encodeUdpAnnounce, encodeUdpConnect, parseUdpReply, type UdpReply } from '../wire/index.ts';
import { type AnnounceFacts, REPLY_PEERS_MAX, type TrackerFault, type TrackerReply } from './tracker-exchange.ts';

/** A connection id may be used for this long (BEP 15). */
const CONNECTION_MS = 60_000;
/** BEP 15 waits 15·2^n s up to an hour; after two tries the next tracker of the tier is a better use of the time. */
const RETRY_FIRST_MS = 15_000;
const TRIES_MAX = 2;
/** Announces under way at a time. */
const CALLS_MAX = 1000;
/** Trackers whose connection id is kept. */
const CONNECTIONS_MAX = 256;
const ERROR_LENGTH_MAX = 200;
const UINT32 = 2 ** 32;

export type UdpExchangeInput =
  | {
      readonly type: 'ask';
      /** Names the announce in effects; the host's choice, and new for each. */
      readonly call: number;
      readonly tracker: Address;
      /** Path and query of the tracker's URL, one character per byte. */
      readonly urlData: string;
      readonly facts: AnnounceFacts;
    }
  | { readonly type: 'heard'; readonly from: Address; readonly bytes: Uint8Array }
  | { readonly type: 'forget'; readonly call: number }
  | { readonly type: 'tick' };

export type UdpExchangeFault = TrackerFault | Fault<'tracker-silent' | 'too-many-announces'>;

export type UdpExchangeEffect =
  | { readonly type: 'send'; readonly to: Address; readonly bytes: Uint8Array }
  | { readonly type: 'settled'; readonly call: number; readonly result: TrackerReply | UdpExchangeFault };

interface Call {
  readonly id: number;
  readonly tracker: Address;
  readonly urlData: string;
  readonly facts: AnnounceFacts;
  /** Of the datagram under way; undefined while another call connects. */
  transaction: number | undefined;
  isConnected: boolean;
  tries: number;
  retryAt: Instant;
}

/** All announces of a node to UDP trackers. */
export class UdpExchange implements Machine<UdpExchangeInput, UdpExchangeEffect> {
  readonly #random: Random;
  /** The same for as long as the process runs, so that a tracker knows us when our address changes. */
  readonly #key: number;
  readonly #calls = new Map<number, Call>();
  readonly #byTransaction = new Map<number, Call>();
  /** By the tracker's address. */
  readonly #connections = new Map<string, { readonly id: Uint8Array; readonly until: Instant }>();
  #effects: UdpExchangeEffect[] = [];

  /** @param random must not be guessable: whoever guesses a transaction can answer for the tracker */
  constructor(random: Random) {
    this.#random = random;
    this.#key = randomBelow(random, UINT32);
  }

  get deadline(): Deadline | undefined {
    let at: Instant | undefined;
    for (const { retryAt } of this.#calls.values()) at = earliest(at, retryAt);
    return at === undefined ? undefined : { at, why: 'a UDP tracker that has not answered' };
  }

  effects(): UdpExchangeEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  input(input: UdpExchangeInput, now: Instant): void {
    switch (input.type) {
      case 'ask':
        return this.#ask(input, now);
      case 'heard':
        return this.#hear(input.from, input.bytes, now);
      case 'forget': {
        const call = this.#calls.get(input.call);
        if (call) this.#drop(call);
        return;
      }
      case 'tick':
        for (const call of [...this.#calls.values()]) if (call.retryAt <= now) this.#retry(call, now);
    }
  }

  #ask({ call: id, tracker, urlData, facts }: UdpExchangeInput & { type: 'ask' }, now: Instant): void {
    if (this.#calls.size >= CALLS_MAX) {
      const result = fault('too-many-announces', 'too many announces are under way');
      this.#effects.push({ type: 'settled', call: id, result });
      return;
    }
    const call: Call = {
      id,
      tracker,
      urlData,
      facts,
      transaction: undefined,
      isConnected: false,
      tries: 0,
      retryAt: now,
    };
    const isConnecting = this.#callsTo(tracker).some(({ isConnected }) => !isConnected);
    this.#calls.set(id, call);
    // A thousand torrents of one tracker connect once.
    if (isConnecting && !this.#connectionTo(tracker, now)) this.#wait(call, now);
    else this.#send(call, now);
  }

  #hear(from: Address, bytes: Uint8Array, now: Instant): void {
    const reply = parseUdpReply(bytes, from.host.includes(':') ? 18 : 6, REPLY_PEERS_MAX);
    const call = reply && this.#byTransaction.get(reply.transaction);
    if (!call || formatAddress(call.tracker) !== formatAddress(from)) return;
    if (reply.type === 'connected' && !call.isConnected) {
      this.#keep(from, reply.connectionId, now);
      for (const waiting of this.#callsTo(from)) {
        if (waiting.isConnected) continue;
        waiting.tries = 0;
        this.#send(waiting, now);
      }
    } else if (reply.type === 'error') {
      // It may be the id that the tracker does not like any more.
      this.#connections.delete(formatAddress(from));
      const said = cleanText(lossyTextOfUtf8(reply.text), ERROR_LENGTH_MAX);
      this.#settle(call, fault('tracker-refused', said));
    } else if (reply.type === 'announced' && call.isConnected) {
      this.#settle(call, replyOf(reply));
    }
  }

  #retry(call: Call, now: Instant): void {
    if (call.tries >= TRIES_MAX) this.#settle(call, fault('tracker-silent', 'the tracker did not answer'));
    else this.#send(call, now);
  }

  /** Sends what comes next: the announce where we are connected, else a connect request. */
  #send(call: Call, now: Instant): void {
    const connectionId = this.#connectionTo(call.tracker, now);
    const isNewStep = call.transaction === undefined || call.isConnected !== (connectionId !== undefined);
    call.isConnected = connectionId !== undefined;
    // A repeated datagram keeps its transaction: the late answer to the first one is as good.
    const transaction = isNewStep ? this.#newTransaction(call) : call.transaction!;
    const { facts, tracker: to, urlData } = call;
    const bytes = connectionId
      ? encodeUdpAnnounce({
          ...facts,
          connectionId,
          transaction,
          infoHash: infoHashBytes(facts.infoHash),
          event: facts.event ?? 'none',
          key: this.#key,
          urlData,
        })
      : encodeUdpConnect(transaction);
    this.#effects.push({ type: 'send', to, bytes });
    this.#wait(call, now);
  }

  #wait(call: Call, now: Instant): void {
    call.retryAt = later(now, RETRY_FIRST_MS * 2 ** call.tries++);
  }

  #newTransaction(call: Call): number {
    if (call.transaction !== undefined) this.#byTransaction.delete(call.transaction);
    let transaction: number;
    do transaction = randomBelow(this.#random, UINT32);
    while (this.#byTransaction.has(transaction));
    call.transaction = transaction;
    this.#byTransaction.set(transaction, call);
    return transaction;
  }

  #settle(call: Call, result: TrackerReply | UdpExchangeFault): void {
    this.#drop(call);
    this.#effects.push({ type: 'settled', call: call.id, result });
  }

  #drop(call: Call): void {
    this.#calls.delete(call.id);
    if (call.transaction !== undefined) this.#byTransaction.delete(call.transaction);
  }

  #callsTo(tracker: Address): Call[] {
    const { host, port } = tracker;
    return [...this.#calls.values()].filter((call) => call.tracker.host === host && call.tracker.port === port);
  }

  #connectionTo(tracker: Address, now: Instant): Uint8Array | undefined {
    const connection = this.#connections.get(formatAddress(tracker));
    return connection && connection.until > now ? connection.id : undefined;
  }

  #keep(tracker: Address, id: Uint8Array, now: Instant): void {
    const key = formatAddress(tracker);
    this.#connections.delete(key);
    this.#connections.set(key, { id, until: later(now, CONNECTION_MS) });
    if (this.#connections.size > CONNECTIONS_MAX) this.#connections.delete(this.#connections.keys().next().value!);
  }
}

function replyOf({ intervalSeconds, peers, seeders, leechers }: UdpReply & { type: 'announced' }): TrackerReply {
  return { intervalSeconds, minIntervalSeconds: intervalSeconds, peers, seeders, leechers };
}
