/**
 * Which descriptors of strangers are believed. A good signature says that a node says so, not that it may serve: the
 * votes have to be those of the members whom the ring names, or those members have to believe it themselves. Where this
 * node cannot tell, because it is new or because two networks meet, it connects to the stranger first.
 */
import { type Instant, type NodeId, reachOf } from '../base/index.ts';
import { QUORUM, WITNESSES } from './certificate.ts';
import { type Context, SLACK } from './context.ts';
import { type Descriptor, isSameStanding, ROLE_LEAVES } from './descriptor.ts';
import { Doubts } from './doubts.ts';
import { contactOf } from './exchanges.ts';
import { HELLO_MS, LATE_MS } from './slow-ways.ts';

/** Strangers being connected to. */
const STRANGERS_MAX = 256;

/** What becomes of descriptors that come. */
export interface AdmissionEvents {
  admitted(descriptor: Descriptor): void;
  /** It was asked about, and nobody whom the ring names believes it. */
  refused(descriptor: Descriptor): void;
  /** It was dropped, and does not answer by this descriptor still. */
  silent(descriptor: Descriptor): void;
}

/** The gate before a view. */
export class Admission {
  readonly #context: Context;
  readonly #events: AdmissionEvents;
  readonly #doubts: Doubts;
  /** By node; each is asked once. */
  readonly #strangers = new Map<NodeId, Descriptor>();
  /** Who waits until nobody is being connected to; bounded by the questions that led to them. */
  #waiting: (() => void)[] = [];

  constructor(context: Context, events: AdmissionEvents) {
    this.#context = context;
    this.#events = events;
    this.#doubts = new Doubts(context, (descriptor, isBelieved) => {
      if (isBelieved) this.#check(descriptor);
      else events.refused(descriptor);
    });
  }

  get deadline(): Instant | undefined {
    return this.#doubts.deadline;
  }

  tick(): void {
    this.#doubts.tick();
  }

  /** Calls back once every stranger that is being connected to was heard, or was not. */
  whenSettled(then: () => void): void {
    if (this.#strangers.size === 0) then();
    else this.#waiting.push(then);
  }

  /** Takes an opened descriptor; `admitted` or `refused` is called now, later, or never. False when it is not believed. */
  consider(descriptor: Descriptor): boolean {
    const { view, self } = this.#context;
    if (descriptor.nodeId === self) return true;
    const held = view.get(descriptor.nodeId);
    if (held && held.sequence >= descriptor.sequence) return true;
    // Who was silent is believed when it answers, whatever others say of it.
    if (view.wasDropped(descriptor)) {
      this.#check(descriptor);
      return true;
    }
    const isKnown = held !== undefined && isSameStanding(held, descriptor);
    const isLeaving = (descriptor.roles & ROLE_LEAVES) !== 0;
    const { nodeId, term, certificate } = descriptor;
    const isBelieved =
      isKnown || (isLeaving && held !== undefined) || this.#context.isWitnessed(nodeId, term, certificate);
    if (isBelieved) {
      this.#events.admitted(descriptor);
      return true;
    }
    // It was believed once, and those who vote for it now may be as lost to us as it was: each would wait for the other.
    const dropped = view.dropped(nodeId);
    const isReturning = dropped !== undefined && isSameStanding(dropped, descriptor);
    if (isLeaving) return false;
    if (!isReturning && !this.#mayBeChecked(descriptor)) return this.#doubts.take(descriptor);
    this.#check(descriptor);
    return true;
  }

  /**
   * In a young network everybody who answers. Later on votes of strangers count on a private network alone, where two may
   * meet: elsewhere anybody could make the votes himself, and with them the seat.
   */
  #mayBeChecked({ certificate, addresses }: Descriptor): boolean {
    if (this.#context.view.size < SLACK * WITNESSES) return true;
    return certificate.votes.length >= QUORUM && reachOf(addresses[0]!.host) !== 'public';
  }

  #check(descriptor: Descriptor): void {
    const waiting = this.#strangers.get(descriptor.nodeId);
    if (waiting && waiting.sequence >= descriptor.sequence) return;
    if (!waiting && this.#strangers.size >= STRANGERS_MAX) return;
    this.#strangers.set(descriptor.nodeId, descriptor);
    if (waiting) return;
    // Perhaps it was dropped because the way to it is slow. A stranger that is not waited for is told of again.
    const waitMs = this.#context.view.dropped(descriptor.nodeId) ? LATE_MS : HELLO_MS;
    this.#context.exchanges.ask(contactOf(descriptor), { type: 'hello' }, waitMs, (reply) => {
      const newest = this.#strangers.get(descriptor.nodeId);
      this.#strangers.delete(descriptor.nodeId);
      // It serves, and by no later descriptor than this one.
      if (newest && reply?.type === 'here' && reply.sequence === newest.sequence) {
        this.#context.view.forgive(newest.nodeId);
        this.#events.admitted(newest);
      } else if (newest && this.#context.view.wasDropped(newest)) this.#events.silent(newest);
      if (this.#strangers.size === 0) this.#settle();
    });
  }

  #settle(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const then of waiting) then();
  }
}
