/**
 * Questions between nodes and their answers: each is carried or lost, given up at its timeout, and weighed. A question
 * reaches the node it names and no other, as TLS has it. Crash points hang on here: a test may stop a node right before
 * or after it sends or receives a message of some type.
 */
import type { Random } from '../../src/base/index.ts';
import type { OverlayEffect, OverlayMessage } from '../../src/overlay/index.ts';
import { Connections } from './connections.ts';
import { estimateBytes, SAMPLE, throughCodec } from './message-bytes.ts';
import type { Endpoint, Network } from './network.ts';
import type { SimNode } from './sim-node.ts';
import { streamOf } from './streams.ts';
import { Traffic } from './traffic.ts';
import { KIND, type World } from './world.ts';

export type Ask = Extract<OverlayEffect, { type: 'ask' }>;
/** Where in the life of a message a node may be stopped. */
export type CrashPoint = 'before-send' | 'after-send' | 'before-receive' | 'after-receive';
export type Watcher = (node: SimNode, point: CrashPoint, message: OverlayMessage) => void;

/** A question under way. */
interface Exchange {
  readonly asker: SimNode;
  readonly life: number;
  readonly number: number;
  readonly question: OverlayMessage['type'];
  readonly isSampled: boolean;
  isDone: boolean;
}

/** Answers a node may owe at once; more means that a machine forgets to answer. */
const OWED_MAX = 4096;
// A machine whose process is gone says so at once; one that is off says nothing.
const REFUSED_SHARE = 0.5;

export class Exchanges {
  readonly traffic: Traffic = new Traffic();
  readonly #world: World;
  readonly #network: Network;
  readonly #nodeAt: (endpoint: Endpoint) => SimNode | undefined;
  readonly #chance: Random;
  readonly #connections = new Connections();
  readonly #owed = new Map<SimNode, Map<number, Exchange>>();
  #count = 0;
  /** Called at every crash point. */
  watch: Watcher | undefined;

  constructor(world: World, network: Network, nodeAt: (endpoint: Endpoint) => SimNode | undefined) {
    this.#world = world;
    this.#network = network;
    this.#nodeAt = nodeAt;
    this.#chance = streamOf(world.seed, 'exchanges');
  }

  ask(asker: SimNode, { exchange: number, to, message, timeoutMs }: Ask): void {
    const isSampled = this.#count++ % SAMPLE === 0;
    const exchange = { asker, life: asker.life, number, question: message.type, isSampled, isDone: false };
    this.watch?.(asker, 'before-send', message);
    if (asker.life !== exchange.life) return;
    this.#world.plan(timeoutMs, KIND.timeout, asker.index, () => this.#giveUp(exchange));
    const endpoint = this.#network.at(to.address);
    this.traffic.noteQuestion(exchange.question, estimateBytes(message));
    const carried = this.#carried(exchange, message);
    if (endpoint?.isDialable) {
      const receive = (): void => {
        const node = this.#nodeAt(endpoint);
        if (node?.isUp && node.nodeId === to.nodeId) this.#receive(node, exchange, carried);
        else if (node !== undefined && this.#chance() < REFUSED_SHARE) this.#refuse(endpoint, exchange);
      };
      this.#network.send(asker.endpoint, endpoint, KIND.asked, receive, true);
    }
    this.watch?.(asker, 'after-send', message);
  }

  answer(node: SimNode, number: number, message: OverlayMessage): void {
    const exchange = this.#owed.get(node)?.get(number);
    if (!exchange) return this.#world.broken(`node ${node.index} answers a question that nobody asked it`);
    this.#owed.get(node)!.delete(number);
    const { life } = node;
    this.watch?.(node, 'before-send', message);
    if (node.life !== life) return;
    const { asker } = exchange;
    this.traffic.noteAnswer(exchange.question, estimateBytes(message));
    const carried = this.#carried(exchange, message);
    this.#network.send(node.endpoint, asker.endpoint, KIND.answered, () => {
      if (exchange.isDone || asker.life !== exchange.life) return;
      exchange.isDone = true;
      this.watch?.(asker, 'before-receive', carried);
      asker.deliver(exchange.life, { type: 'answered', exchange: exchange.number, message: carried });
      this.watch?.(asker, 'after-receive', carried);
    });
    this.watch?.(node, 'after-send', message);
  }

  /** A node's process ended: what it owed it will never answer. */
  forget(node: SimNode): void {
    this.#owed.delete(node);
    this.#connections.end(node.index, this.#world.now);
  }

  #receive(node: SimNode, exchange: Exchange, message: OverlayMessage): void {
    const { life } = node;
    const isNew = this.#connections.use(exchange.asker.index, node.index, this.#world.now);
    if (isNew) this.traffic.noteHandshake(exchange.question);
    this.watch?.(node, 'before-receive', message);
    if (node.life !== life) return;
    let owed = this.#owed.get(node);
    if (!owed) {
      owed = new Map();
      this.#owed.set(node, owed);
    }
    const number = this.#count++;
    owed.set(number, exchange);
    if (owed.size > OWED_MAX) this.#purge(node, owed);
    const { asker } = exchange;
    const address = { host: asker.endpoint.address.host, port: 32_768 + (number % 28_000) };
    node.deliver(life, { type: 'asked', exchange: number, from: asker.nodeId, address, message });
    this.watch?.(node, 'after-receive', message);
  }

  /** Drops what its asker no longer waits for. */
  #purge(node: SimNode, owed: Map<number, Exchange>): void {
    for (const [number, { isDone }] of owed) if (isDone) owed.delete(number);
    if (owed.size > OWED_MAX / 2) this.#world.broken(`node ${node.index} owes ${owed.size} answers`);
  }

  #giveUp(exchange: Exchange): void {
    if (exchange.isDone) return;
    exchange.isDone = true;
    exchange.asker.deliver(exchange.life, { type: 'unanswered', exchange: exchange.number });
  }

  #refuse(from: Endpoint, exchange: Exchange): void {
    this.#network.send(from, exchange.asker.endpoint, KIND.answered, () => this.#giveUp(exchange));
  }

  /** The message as the other side has it. */
  #carried(exchange: Exchange, message: OverlayMessage): OverlayMessage {
    if (!exchange.isSampled) return message;
    const parsed = throughCodec(message);
    if (typeof parsed !== 'string') return parsed;
    this.#world.broken(parsed);
    return message;
  }
}
