/**
 * Hosts the overlay machine: gives it the time, carries its questions to other nodes over TLS and theirs to it, and
 * tells the rest of the node what became of it. TLS proves who speaks, in both directions and whatever the policy of
 * peer links is. It decides nothing about who serves; where somebody is asked is the address book's to know.
 */
import { type Address, isFault, type NodeId, nodeOrigin, SourceBudgets } from '../../src/base/index.ts';
import { type AlarmClock, now, wallNow } from '../../src/io/alarm-clock.ts';
import { sha1 } from '../../src/io/hash.ts';
import type { HttpClient } from '../../src/io/http-client.ts';
import { type Identity, verify } from '../../src/io/identity.ts';
import {
  type Contact,
  countedAs,
  Overlay,
  type OverlayEffect,
  type OverlayEvent,
  type OverlayInput,
  type OverlayMessage,
  type OverlayRole,
  type OverlaySettings,
  parseMessage,
} from '../../src/overlay/index.ts';
import type { Log } from '../log.ts';
import type { AddressBook, Addressed } from './address-book.ts';
import { askNode, HANDSHAKE_MS } from './overlay-client.ts';
import type { OverlayMemory } from './overlay-memory.ts';
import { addressesIn } from './told-addresses.ts';

/** How long a question of another node may wait for our answer. */
const ANSWER_MS = 8000;
/** Questions of others that wait. */
const WAITING_MAX = 1024;
/**
 * Questions of one source. A member asks another once in a while, but copies come frame by frame and an election has a
 * witness asked by many; a vote costs us a connection and a signature, which is what the rate bounds.
 */
const QUESTIONS = { perSecond: 50, burst: 500 } as const;
const SOURCES_MAX = 10_000;
/** The machine gives up handing over after 10 s; what is not done by then, replicas have. */
const DRAIN_MS_MAX = 12_000;

export interface OverlayHostSettings {
  readonly network: string;
  readonly identity: Identity;
  /** Speaks TLS to nodes, always. */
  readonly http: HttpClient;
  readonly alarms: AlarmClock;
  readonly book: AddressBook;
  readonly memory: OverlayMemory;
  readonly log: Log;
  readonly part: Pick<OverlaySettings, 'role' | 'addresses' | 'capacity' | 'roles' | 'keeper' | 'term' | 'sequence'>;
  /** Called when the set of supernodes, what this node owns, or its role changed. */
  readonly changed: () => void;
  /** Called for what belongs into a picture; the log has it already. */
  readonly told: (event: OverlayEvent) => void;
}

/** A question from another node, or why it is not answered. */
export type OverlayReply = OverlayMessage | 'busy' | 'malformed';

/** The overlay as this process runs it. */
export class OverlayHost {
  readonly machine: Overlay;
  /** What the user wants the node to be. */
  role: OverlayRole;
  readonly #settings: OverlayHostSettings;
  /** Those who wait for an answer of ours, by exchange. */
  readonly #waiting = new Map<number, (answer: OverlayReply) => void>();
  readonly #budgets = new SourceBudgets(QUESTIONS, SOURCES_MAX);
  readonly #ending = new AbortController();
  readonly #wake = (): void => this.feed({ type: 'tick', wall: wallNow() });
  #nextAsked = 1;
  /** Those who wait for this node to have left; as many as asked for it. */
  readonly #leavers = new Set<() => void>();

  constructor(settings: OverlayHostSettings) {
    const { network, identity, part } = settings;
    this.#settings = settings;
    this.role = part.role;
    const { nodeId: self, sign } = identity;
    const host = { verify, sha1, random: Math.random, connectMs: HANDSHAKE_MS };
    this.machine = new Overlay({ network, self, sign, ...host, ...part }, now(), wallNow());
  }

  /** Lets time pass. */
  start(): void {
    this.#wake();
  }

  /** Tells the machine a fact and carries out what follows. */
  feed(input: OverlayInput): void {
    if (this.#ending.signal.aborted) return;
    this.machine.input(input, now());
    this.#pump();
  }

  /** Answers another node's question, in its time; `busy` when that is too long, or the source asks too much. */
  answer(body: Uint8Array, from: NodeId, address: Address): Promise<OverlayReply> | OverlayReply {
    const source = countedAs({ nodeId: from, address });
    if (this.#waiting.size >= WAITING_MAX || !this.#budgets.take(source, 1, now())) return 'busy';
    const message = parseMessage(body);
    if (isFault(message)) return 'malformed';
    this.#settings.book.hear(() => addressesIn(message, this.#settings.network), address.host);
    const exchange = this.#nextAsked++;
    const { promise, resolve } = Promise.withResolvers<OverlayReply>();
    const timer = setTimeout(() => this.#answer(exchange, 'busy'), ANSWER_MS);
    this.#waiting.set(exchange, (answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
    this.feed({ type: 'asked', exchange, from, address, message });
    return promise;
  }

  /** The user's word about serving. */
  order(role: OverlayRole): void {
    this.role = role;
    this.feed({ type: 'ordered', role });
  }

  /** Hands over what this node owns, for good; resolves when others have it, or when that takes too long. */
  async drain(): Promise<void> {
    const left = this.#left();
    this.feed({ type: 'drain' });
    await left;
  }

  /** Hands over what this node owns, and stays a client until it is ordered otherwise. */
  async retire(): Promise<void> {
    this.order('client');
    if (this.machine.phase === 'leaving') await this.#left();
  }

  /** Resolves at the next `drained`, or when that takes too long. */
  async #left(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, DRAIN_MS_MAX);
    this.#leavers.add(resolve);
    await promise;
    clearTimeout(timer);
    this.#leavers.delete(resolve);
  }

  close(): void {
    this.#ending.abort();
    this.#settings.alarms.set(this.#wake, undefined);
    for (const exchange of [...this.#waiting.keys()]) this.#answer(exchange, 'busy');
  }

  #pump(): void {
    const { alarms, memory } = this.#settings;
    for (const effect of this.machine.effects()) this.#carryOut(effect);
    memory.note(this.machine.memory);
    alarms.set(this.#wake, this.machine.deadline.at);
  }

  #carryOut(effect: OverlayEffect): void {
    switch (effect.type) {
      case 'ask':
        void this.#ask(effect);
        return;
      case 'answer':
        return this.#answer(effect.exchange, effect.message);
      case 'changed':
        return this.#settings.changed();
      case 'drained':
        for (const leaver of this.#leavers) leaver();
        return;
      case 'event':
        logEvent(this.#settings.log, effect.event);
        return this.#settings.told(effect.event);
    }
  }

  #answer(exchange: number, answer: OverlayReply): void {
    const settle = this.#waiting.get(exchange);
    this.#waiting.delete(exchange);
    settle?.(answer);
  }

  async #ask({ exchange, to, message, timeoutMs }: Extract<OverlayEffect, { type: 'ask' }>): Promise<void> {
    const { book, log, network } = this.#settings;
    log.debug('a node is asked', { nodeId: to.nodeId, question: message.type });
    const node = this.#addressed(to);
    const address = book.addressOf(node);
    const reply = address && (await this.#post({ nodeId: to.nodeId, address }, message, timeoutMs));
    if (reply === undefined || address === undefined) {
      book.noteMissed(to.nodeId);
      log.debug('a node does not answer', {
        nodeId: to.nodeId,
        question: message.type,
        at: address?.host ?? 'nowhere',
      });
      return this.feed({ type: 'unanswered', exchange });
    }
    book.noteReached(node, address);
    book.hear(() => addressesIn(reply, network), address.host);
    this.feed({ type: 'answered', exchange, message: reply });
  }

  #post(to: Contact, message: OverlayMessage, timeoutMs: number): Promise<OverlayMessage | undefined> {
    const signal = this.#ending.signal;
    return askNode(this.#settings.http, { origin: nodeOrigin(to), message, timeoutMs, signal });
  }

  /** Who is meant, with everything that is known of where it is. */
  #addressed({ nodeId, address }: Contact): Addressed {
    return this.machine.view.get(nodeId) ?? { nodeId, addresses: [address] };
  }
}

function logEvent(log: Log, event: OverlayEvent): void {
  const { type, ...fields } = event;
  const texts = {
    elected: 'this node is a supernode now',
    retired: 'this node is no supernode any more',
    lost: 'a supernode is gone',
    nominated: 'a node was nominated as a supernode',
    'handed-off': 'a range was handed over',
    'hand-off-failed': 'a range could not be handed over',
  } as const;
  if (type === 'hand-off-failed') log.warn(texts[type], fields);
  else log.info(texts[type], fields);
}
