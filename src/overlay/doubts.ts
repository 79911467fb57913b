/**
 * Strangers whose votes this node's ring does not confirm, while it may be the ring that is wrong: a view that is behind
 * names other witnesses, and lacks those who voted. The members that it names for the election are asked whether they
 * hold the stranger's record; what a quorum of them believes is believed here. Invariant: a stranger chooses whom we ask no
 * more than he chooses his witnesses, and however many strangers come, few are asked about in a second.
 */
import { equalBytes, type Instant, later, type NodeId } from '../base/index.ts';
import { QUORUM, WITNESSES } from './certificate.ts';
import type { Context } from './context.ts';
import { type Descriptor, isSameStanding } from './descriptor.ts';
import { contactOf } from './exchanges.ts';
import type { OverlayMessage } from './message.ts';
import { keyOf, unletter } from './record-names.ts';

/** Strangers who wait or are asked about; more are not believed for now. */
const DOUBTS_MAX = 512;
const TURN_MS = 250;
/** Strangers that are asked about in a turn: at most a hundred questions a second. */
const DOUBTS_PER_TURN = 5;
const ANSWER_MS = 2000;

/** What one node asks of others about strangers. */
export class Doubts {
  readonly #context: Context;
  readonly #settled: (descriptor: Descriptor, isBelieved: boolean) => void;
  /** By node; the oldest first. */
  readonly #waiting = new Map<NodeId, Descriptor>();
  readonly #asked = new Set<NodeId>();
  #nextTurn: Instant;

  /** @param settled what comes of each stranger taken, once */
  constructor(context: Context, settled: (descriptor: Descriptor, isBelieved: boolean) => void) {
    this.#context = context;
    this.#settled = settled;
    this.#nextTurn = context.now;
  }

  get deadline(): Instant | undefined {
    return this.#waiting.size > 0 ? this.#nextTurn : undefined;
  }

  /** Takes a stranger to be asked about; false when there are too many. */
  take(descriptor: Descriptor): boolean {
    const { nodeId } = descriptor;
    if (this.#asked.has(nodeId)) return true;
    if (!this.#waiting.has(nodeId) && this.#waiting.size + this.#asked.size >= DOUBTS_MAX) return false;
    this.#waiting.set(nodeId, descriptor);
    return true;
  }

  tick(): void {
    const { now } = this.#context;
    if (this.#waiting.size === 0 || now < this.#nextTurn) return;
    this.#nextTurn = later(now, TURN_MS);
    for (const descriptor of [...this.#waiting.values()].slice(0, DOUBTS_PER_TURN)) {
      this.#waiting.delete(descriptor.nodeId);
      this.#ask(descriptor);
    }
  }

  #ask(descriptor: Descriptor): void {
    const { nodeId, term, certificate } = descriptor;
    // The view grew meanwhile.
    if (this.#context.isWitnessed(nodeId, term, certificate)) return this.#settled(descriptor, true);
    const { self, exchanges } = this.#context;
    const named = this.#context.witnessesOf(nodeId, term, WITNESSES + 1).filter((member) => member.nodeId !== self);
    const asked = named.slice(0, WITNESSES);
    if (asked.length < QUORUM) return this.#settled(descriptor, false);
    let open = asked.length;
    let holding = 0;
    this.#asked.add(nodeId);
    const message = { type: 'records', records: [], wanted: [keyOf(nodeId)] } as const;
    for (const member of asked) {
      exchanges.ask(contactOf(member), message, ANSWER_MS, (reply) => {
        open--;
        if (this.#holds(reply, descriptor)) holding++;
        if (open > 0 && holding < QUORUM) return;
        if (this.#asked.delete(nodeId)) this.#settled(descriptor, holding >= QUORUM);
      });
    }
  }

  /** A member holds what it believes: this record, or another one of the same seat and first address. */
  #holds(reply: OverlayMessage | undefined, doubted: Descriptor): boolean {
    const read = reply?.type === 'records' && reply.records[0] ? unletter(reply.records[0]) : undefined;
    if (read?.kind !== 'descriptor') return false;
    if (equalBytes(read.record, doubted.record)) return true;
    const other = this.#context.openNews(read.record);
    return other !== undefined && other.nodeId === doubted.nodeId && isSameStanding(other, doubted);
  }
}
