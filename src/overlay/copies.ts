/**
 * Arcs that are being copied to other nodes, frame by frame, and frames that others copy to us. Frames are chained by a
 * hash, so that none is lost or comes twice; they take at most half of the tracking bandwidth. Whoever is copied to is
 * told of new announces too, from before the first frame until it is told that this is over.
 */
import {
  bytesOfHex,
  concatBytes,
  hex,
  type InfoHash,
  type Instant,
  later,
  makeRoom,
  type NodeId,
} from '../base/index.ts';
import type { Arc, SwarmFrame } from '../ports/index.ts';
import { isInArc } from './arcs.ts';
import type { Context } from './context.ts';
import { type OverlayMessage, refused } from './message.ts';
import type { Contact } from './overlay-facts.ts';

/** Copies that run or are followed up at a time. */
export const COPIES_MAX = 64;
const FRAME_MS = 10_000;
const TRIES_MAX = 3;
/** Empty stretches of the table that are passed in one go. */
const SCAN_MAX = 64;
/** Of the tracking bandwidth. */
const SHARE = 0.5;
/** Chains of others that are remembered. */
const CHAINS_MAX = 256;
const NO_CHAIN = '0'.repeat(40);

type FrameMessage = Extract<OverlayMessage, { type: 'frame' }>;

/** Which hashes of one message may be kept here. */
export interface Keeping {
  mayKeep(infoHash: InfoHash): boolean;
  /** One was not. */
  hasRefused(): boolean;
}

interface Copy {
  readonly id: number;
  readonly to: Contact;
  readonly arc: Arc;
  readonly then: (isDone: boolean) => void;
  cursor: number | undefined;
  index: number;
  chain: string;
  /** When the next frame goes; undefined while one is under way or none is left. */
  nextAt: Instant | undefined;
}

interface Chain {
  index: number;
  chain: string;
}

/** The copies of one node. */
export class Copies {
  readonly #context: Context;
  readonly #bytesPerSecond: () => number;
  readonly #copies = new Map<number, Copy>();
  readonly #chains = new Map<string, Chain>();
  #nextId = 1;

  constructor(context: Context, bytesPerSecond: () => number) {
    this.#context = context;
    this.#bytesPerSecond = bytesPerSecond;
  }

  get deadline(): Instant | undefined {
    if (this.isEmpty) return undefined;
    let at: Instant | undefined;
    for (const { nextAt } of this.#copies.values())
      if (nextAt !== undefined && (at === undefined || nextAt < at)) at = nextAt;
    return at;
  }
  get isFull(): boolean {
    return this.#copies.size >= COPIES_MAX;
  }

  /** Begins a copy; new announces of the arc go there too until `end`. */
  begin(to: Contact, arc: Arc, then: (isDone: boolean) => void): number {
    const id = this.#nextId++;
    const { now } = this.#context;
    this.#copies.set(id, { id, to, arc, then, cursor: 0, index: 0, chain: NO_CHAIN, nextAt: now });
    return id;
  }

  /** New announces of a copied arc go there no more; a copy that runs is given up. */
  end(id: number): void {
    this.#copies.delete(id);
  }

  /** A node is gone, or missed something: no copy to it will be whole. */
  forget(nodeId: NodeId): void {
    for (const copy of [...this.#copies.values()]) if (copy.to.nodeId === nodeId) this.#finish(copy, false);
  }

  /** Where somebody is who is copied to. */
  contactOf(nodeId: NodeId): Contact | undefined {
    for (const { to } of this.#copies.values()) if (to.nodeId === nodeId) return to;
    return undefined;
  }
  /** A copy runs or is followed up still. */
  has(id: number | undefined): boolean {
    return id !== undefined && this.#copies.has(id);
  }

  /** Who is copied to, of a hash. */
  targetsOf(infoHash: InfoHash): NodeId[] {
    const targets: NodeId[] = [];
    for (const { arc, to } of this.#copies.values()) if (isInArc(arc, infoHash)) targets.push(to.nodeId);
    return targets;
  }
  get isEmpty(): boolean {
    return this.#copies.size === 0;
  }

  tick(): void {
    for (const copy of [...this.#copies.values()]) {
      if (copy.nextAt !== undefined && copy.nextAt <= this.#context.now) this.#sendNext(copy);
    }
  }

  /** Takes a frame that another copies to us. */
  answer(from: NodeId, message: FrameMessage, keeping: Keeping): OverlayMessage {
    const { settings, now } = this.#context;
    const name = `${from} ${message.copy}`;
    const known = this.#chains.get(name);
    const isFirst = message.index === 0 && message.chain !== known?.chain;
    // Numbers begin anew with the sender.
    const chain = known && !isFirst ? known : { index: 0, chain: NO_CHAIN };
    // The answer to the last one was lost.
    if (message.index === chain.index - 1 && message.chain === chain.chain) return { type: 'accepted' };
    const next = this.#chainAfter(chain.chain, message.bytes);
    if (message.index !== chain.index || message.chain !== next) return refused('a frame is missing');
    const isTaken = settings.keeper.take(message.bytes, now, (infoHash) => keeping.mayKeep(infoHash));
    if (!isTaken) return refused('the frame is malformed');
    // Else the sender would take what was left out for copied.
    if (keeping.hasRefused()) return refused('some of that is not kept here');
    makeRoom(this.#chains, CHAINS_MAX);
    this.#chains.delete(name);
    this.#chains.set(name, { index: chain.index + 1, chain: next });
    return { type: 'accepted' };
  }

  #sendNext(copy: Copy): void {
    const frame = this.#nextFrame(copy);
    copy.nextAt = undefined;
    copy.chain = this.#chainAfter(copy.chain, frame.bytes);
    this.#send(copy, frame, TRIES_MAX);
  }

  #nextFrame(copy: Copy): SwarmFrame {
    const { keeper } = this.#context.settings;
    let frame = keeper.frameOf(copy.arc, copy.cursor!);
    for (let i = 0; i < SCAN_MAX && frame.bytes.length === 0 && frame.cursor !== undefined; i++) {
      frame = keeper.frameOf(copy.arc, frame.cursor);
    }
    return frame;
  }

  #send(copy: Copy, { bytes, cursor }: SwarmFrame, tries: number): void {
    const { id, index, chain } = copy;
    const isLast = cursor === undefined;
    const message = { type: 'frame', copy: id, index, bytes, chain, isLast } as const;
    this.#context.exchanges.ask(copy.to, message, FRAME_MS, (reply) => {
      if (this.#copies.get(id) !== copy) return;
      if (reply === undefined && tries > 1) return this.#send(copy, { bytes, cursor }, tries - 1);
      if (reply?.type !== 'accepted') return this.#finish(copy, false);
      copy.index++;
      copy.cursor = cursor;
      if (isLast) copy.then(true);
      else copy.nextAt = later(this.#context.now, (1000 * bytes.length) / Math.max(1, this.#bytesPerSecond() * SHARE));
    });
  }

  #finish(copy: Copy, isDone: boolean): void {
    if (!this.#copies.delete(copy.id)) return;
    if (copy.cursor !== undefined) copy.then(isDone);
  }

  #chainAfter(chain: string, bytes: Uint8Array): string {
    return hex(this.#context.settings.sha1(concatBytes([bytesOfHex(chain)!, bytes])));
  }
}
