// Nodes of the overlay in one process: a virtual clock, messages through the codec, and swarms as plain maps. For the
// machine's own tests; test/sim has the world with loss, churn and hostile nodes.
import assert from 'node:assert/strict';
import {
  type Address,
  hex,
  type InfoHash,
  type Instant,
  instant,
  isFault,
  later,
  type NodeId,
  type Random,
  seededRandom,
  type WallSeconds,
  wallSeconds,
} from '../../src/base/index.ts';
import { verify } from '../../src/io/identity.ts';
import {
  type Capacity,
  encodeMessage,
  Overlay,
  type OverlayEffect,
  type OverlayEvent,
  type OverlayMessage,
  type OverlayRole,
  parseMessage,
} from '../../src/overlay/index.ts';
import type { AnnounceBatch, Arc, ArcLoad, HotHash, SwarmFrame, SwarmKeeper } from '../../src/ports/index.ts';
import { identity, NOW, sha1 } from './fixtures.ts';

const DELAY_MS = 30;
const WALL_START = NOW;

/** Swarms as a set of lines "hash peer". */
export class MapKeeper implements SwarmKeeper {
  readonly lines: Set<string> = new Set();
  ownership: Overlay['ownership'] | undefined;
  readonly #logs = new Map<NodeId, string[]>();
  /** Most that one call of `batches` takes for each receiver. */
  linesPerBatch = 65_536;
  /** Announces a second, by hash. */
  readonly rates: Map<string, number> = new Map();

  announce(infoHash: InfoHash, peer: string): void {
    this.lines.add(`${infoHash} ${peer}`);
    for (const to of this.ownership!.copiesOf(infoHash)) {
      const log = this.#logs.get(to);
      if (log) log.push(`${infoHash} ${peer}`);
      else this.#logs.set(to, [`${infoHash} ${peer}`]);
    }
  }
  frameOf(arc: Arc, cursor: number): SwarmFrame {
    const inArc = [...this.lines].filter((line) => isIn(arc, line.slice(0, 40)));
    const next = cursor + 500;
    const bytes = Buffer.from(inArc.slice(cursor, next).join('\n'));
    return { bytes, cursor: next < inArc.length ? next : undefined };
  }
  take(bytes: Uint8Array, _now: Instant, mayKeep: (infoHash: InfoHash) => boolean): boolean {
    const text = Buffer.from(bytes).toString();
    for (const line of text === '' ? [] : text.split('\n')) {
      if (mayKeep(line.slice(0, 40) as InfoHash)) this.lines.add(line);
    }
    return true;
  }
  batches(): readonly AnnounceBatch[] {
    const batches: AnnounceBatch[] = [];
    for (const [to, lines] of this.#logs) {
      batches.push({ to, bytes: Buffer.from(lines.splice(0, this.linesPerBatch).join('\n')) });
      if (lines.length === 0) this.#logs.delete(to);
    }
    return batches;
  }
  /** Gives up what nobody took in time. */
  forgetBatches(): void {
    this.#logs.clear();
  }
  get hasBatches(): boolean {
    return this.#logs.size > 0;
  }
  loadOf(arcs: readonly Arc[]): readonly ArcLoad[] {
    return arcs.map((arc) => {
      let announcesPerSecond = 0;
      for (const [hash, rate] of this.rates) if (isIn(arc, hash) && this.#isAsked(hash)) announcesPerSecond += rate;
      return { announcesPerSecond, bytesPerSecond: 0 };
    });
  }
  /** Whoever owns a hash is asked for it, wherever its rate is set. */
  #isAsked(hash: string): boolean {
    return this.ownership!.ownerOf(hash as InfoHash) === 'self';
  }
  cutOf(arc: Arc, share: number): string | undefined {
    const hashes = [...this.rates.keys()].filter((hash) => isIn(arc, hash)).sort();
    const wrapped = [...hashes.filter((hash) => hash > arc.from), ...hashes.filter((hash) => hash <= arc.from)];
    return wrapped[Math.floor(share * wrapped.length)];
  }
  hottest(): readonly HotHash[] {
    return [...this.rates]
      .map(([infoHash, announcesPerSecond]) => ({ infoHash: infoHash as InfoHash, announcesPerSecond }))
      .sort((a, b) => b.announcesPerSecond - a.announcesPerSecond)
      .slice(0, 16);
  }
  get size(): { readonly peers: number; readonly hashes: number } {
    return { peers: this.lines.size, hashes: this.lines.size };
  }
}

const isIn = ({ from, to }: Arc, at: string): boolean => (from < to ? at > from && at <= to : at > from || at <= to);

export interface MeshNode {
  readonly n: number;
  readonly nodeId: NodeId;
  address: Address;
  keeper: MapKeeper;
  overlay: Overlay;
  readonly events: OverlayEvent[];
  isDrained: boolean;
  isUp: boolean;
}

interface Job {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export interface MeshOptions {
  /** Private unless said. */
  readonly host?: string;
  readonly role?: OverlayRole;
  readonly capacity?: Partial<Capacity>;
}

/** All nodes and what is on its way between them. */
export class Mesh {
  now: Instant = instant(0);
  readonly nodes: MeshNode[] = [];
  readonly random: Random;
  /** False loses a message. */
  isOpen: (from: MeshNode, to: MeshNode) => boolean = () => true;
  /** How long a message is on its way. */
  delayMs: (from: MeshNode, to: MeshNode) => number = () => DELAY_MS;
  /** True loses a question that would arrive. */
  isLost: (from: MeshNode, to: MeshNode, message: OverlayMessage) => boolean = () => false;
  /** Sees every message that is sent. */
  watch: (from: MeshNode, message: OverlayMessage) => void = () => {};
  bytes = 0;
  readonly #wakeAt = new Map<MeshNode, number>();
  #jobs: Job[] = [];
  #order = 0;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  get wall(): WallSeconds {
    return wallSeconds(WALL_START + this.now / 1000);
  }

  add(options: MeshOptions = {}): MeshNode {
    const n = this.nodes.length + 1;
    const { nodeId } = identity(n);
    const address = { host: options.host ?? `10.0.${n >> 8}.${n & 255}`, port: 7373 };
    const node: MeshNode = {
      n,
      nodeId,
      address,
      ...this.#machine(n, () => node.address, options),
      events: [],
      isDrained: false,
      isUp: true,
    };
    this.nodes.push(node);
    this.#wake(node);
    return node;
  }

  /** A node's process ends and begins anew at once, without anything that it knew. */
  restart(node: MeshNode, options: MeshOptions = {}): void {
    Object.assign(
      node,
      this.#machine(node.n, () => node.address, options),
    );
  }

  /** What a node answers to a message of somebody. */
  ask(to: MeshNode, from: Pick<MeshNode, 'nodeId' | 'address'>, message: OverlayMessage): OverlayMessage {
    let answer: OverlayMessage | undefined;
    const exchange = ++this.#asked;
    this.#replies.set(exchange, (reply) => {
      answer = reply;
    });
    const { nodeId, address } = from;
    this.feed(to, { type: 'asked', exchange, from: nodeId, address, message: this.#passed(message) });
    this.until('an answer', () => answer !== undefined, 5);
    return answer!;
  }

  #machine(n: number, addressNow: () => Address, options: MeshOptions): { keeper: MapKeeper; overlay: Overlay } {
    const { nodeId, sign } = identity(n);
    const keeper = new MapKeeper();
    const overlay = new Overlay(
      {
        network: 'monsoon',
        self: nodeId,
        sign,
        verify,
        sha1,
        random: seededRandom(n * 7919 + 17),
        role: options.role ?? 'supernode',
        addresses: () => [addressNow()],
        capacity: {
          announcesPerSecond: 1000,
          peers: 1_000_000,
          hashes: 100_000,
          trackingBytesPerSecond: 1_000_000,
          ...options.capacity,
        },
        roles: () => 0,
        keeper,
        term: 0,
        sequence: 0,
      },
      this.now,
      this.wall,
    );
    keeper.ownership = overlay.ownership;
    return { keeper, overlay };
  }

  /** A first supernode and others that know it, all serving. */
  grow(count: number, options: MeshOptions = {}): MeshNode[] {
    const first = this.add(options);
    this.feed(first, { type: 'alone', withinMs: 0 });
    const rest = Array.from({ length: count - 1 }, () => this.join(first, options));
    this.until(`${count} supernodes`, () => [first, ...rest].every(({ overlay }) => overlay.members === count));
    return [first, ...rest];
  }

  join(known: MeshNode, options: MeshOptions = {}): MeshNode {
    const node = this.add(options);
    this.tell(node, known);
    return node;
  }

  /** A node hears of another from outside the network. */
  tell(node: MeshNode, known: MeshNode): void {
    this.feed(node, { type: 'found', contacts: [{ nodeId: known.nodeId, address: known.address }] });
  }

  feed(node: MeshNode, input: Parameters<Overlay['input']>[0]): void {
    if (!node.isUp) return;
    node.overlay.input(input, this.now);
    this.#pump(node);
  }

  /** Runs until something holds; fails when it does not within so many virtual seconds. */
  until(what: string, holds: () => boolean, seconds = 120): void {
    const end = this.now + 1000 * seconds;
    while (!holds()) {
      assert.ok(this.now < end && this.#step(), `${what} within ${seconds} s`);
    }
  }

  run(seconds: number): void {
    const end = later(this.now, 1000 * seconds);
    while (this.#jobs.length > 0 && this.#jobs[0]!.at <= end) this.#step();
    this.now = end;
  }

  /** A node is at another address from now on. */
  move(node: MeshNode, host: string): void {
    node.address = { ...node.address, host };
    this.feed(node, { type: 'moved' });
  }

  kill(node: MeshNode): void {
    node.isUp = false;
  }

  /** Nothing happens in a node for so long, nor reaches it; its clock goes on. */
  sleep(node: MeshNode, seconds: number): void {
    node.isUp = false;
    this.#wakeAt.delete(node);
    this.run(seconds);
    node.isUp = true;
    this.feed(node, { type: 'tick', wall: this.wall });
  }

  ownersOf(infoHash: InfoHash): MeshNode[] {
    return this.nodes.filter(
      ({ isUp, overlay }) => isUp && overlay.isSupernode && overlay.ownership.ownerOf(infoHash) === 'self',
    );
  }

  #step(): boolean {
    const job = this.#jobs.shift();
    if (!job) return false;
    this.now = instant(Math.max(this.now, job.at));
    job.run();
    return true;
  }

  #at(ms: number, run: () => void): void {
    const job = { at: this.now + ms, order: this.#order++, run };
    let low = 0;
    let high = this.#jobs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#jobs[middle]!.at <= job.at) low = middle + 1;
      else high = middle;
    }
    this.#jobs.splice(low, 0, job);
  }

  /** Ticks a node at its deadline, which every input may bring forward. */
  #wake(node: MeshNode): void {
    // A machine that is never satisfied would stop the clock.
    const at = Math.max(node.overlay.deadline.at, this.now + 1);
    if (at >= (this.#wakeAt.get(node) ?? Number.POSITIVE_INFINITY)) return;
    this.#wakeAt.set(node, at);
    this.#at(at - this.now, () => {
      if (this.#wakeAt.get(node) !== at || !node.isUp) return;
      this.#wakeAt.delete(node);
      if (node.overlay.deadline.at <= this.now) node.overlay.input({ type: 'tick', wall: this.wall }, this.now);
      this.#pump(node);
    });
  }

  #pump(node: MeshNode): void {
    for (const effect of node.overlay.effects()) this.#carryOut(node, effect);
    this.#wake(node);
  }

  readonly #replies = new Map<number, (message: OverlayMessage) => void>();
  #asked = 0;

  #carryOut(node: MeshNode, effect: OverlayEffect): void {
    switch (effect.type) {
      case 'ask':
        return this.#ask(node, effect);
      case 'answer':
        this.#replies.get(effect.exchange)?.(effect.message);
        this.#replies.delete(effect.exchange);
        return;
      case 'event':
        node.events.push(effect.event);
        return;
      case 'drained':
        node.isDrained = true;
        return;
      case 'changed':
        return;
    }
  }

  #ask(from: MeshNode, { exchange, to, message, timeoutMs }: Extract<OverlayEffect, { type: 'ask' }>): void {
    const target = this.nodes.find(({ nodeId }) => nodeId === to.nodeId);
    this.watch(from, message);
    let isSettled = false;
    const settle = (reply: OverlayMessage | undefined): void => {
      if (isSettled) return;
      isSettled = true;
      if (reply) this.feed(from, { type: 'answered', exchange, message: reply });
      else this.feed(from, { type: 'unanswered', exchange });
    };
    this.#at(timeoutMs, () => settle(undefined));
    const isThere = target?.address.host === to.address.host;
    if (!target || !isThere || this.isLost(from, target, message)) return;
    this.#at(this.delayMs(from, target), () => {
      if (!target.isUp || !from.isUp || !this.isOpen(from, target)) return;
      const asked = ++this.#asked;
      this.#replies.set(asked, (reply) => {
        if (!this.isOpen(target, from)) return;
        this.#at(this.delayMs(target, from), () => settle(this.#passed(reply)));
      });
      const { nodeId, address } = from;
      this.feed(target, { type: 'asked', exchange: asked, from: nodeId, address, message: this.#passed(message) });
    });
  }

  /** What arrives of a message: as its bytes say. */
  #passed(message: OverlayMessage): OverlayMessage {
    const bytes = encodeMessage(message);
    this.bytes += bytes.length;
    const parsed = parseMessage(bytes);
    assert.ok(!isFault(parsed), `${message.type}: ${parsed}`);
    return parsed;
  }
}

export const hashAt = (random: Random): InfoHash =>
  hex(Uint8Array.from({ length: 20 }, () => random() * 256)) as InfoHash;
