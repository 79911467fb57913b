/**
 * Questions to other nodes that are under way, and what follows from each answer. Invariant: whoever asks hears exactly
 * once, from a later input and never from within its own call.
 */
import type { NodeId } from '../base/index.ts';
import type { OverlayMessage } from './message.ts';
import type { Contact, OverlayEffect } from './overlay-facts.ts';

/** What follows from an answer; undefined when none came. */
export type Then = (reply: OverlayMessage | undefined) => void;

/** Questions under way at a time; more count as unanswered. */
export const ASKS_MAX = 1024;
/** Of these, what other nodes have this one ask: whoever sends much must not keep us from our own questions. */
export const ASKS_FOR_OTHERS_MAX = 128;

/** The questions and orders of one machine, since its host last took them. */
export class Exchanges {
  readonly #pending = new Map<number, Then>();
  /** What could not be asked; heard with the next input. */
  #refused: Then[] = [];
  #effects: OverlayEffect[] = [];
  #next = 1;
  #forOthers = 0;

  ask(to: Contact, message: OverlayMessage, timeoutMs: number, then: Then): void {
    if (this.#pending.size >= ASKS_MAX) {
      this.#refused.push(then);
      return;
    }
    const exchange = this.#next++;
    this.#pending.set(exchange, then);
    this.#effects.push({ type: 'ask', exchange, to, message, timeoutMs });
  }

  /** Asks what another node has us ask. */
  askForOther(to: Contact, message: OverlayMessage, timeoutMs: number, then: Then): void {
    if (this.#forOthers >= ASKS_FOR_OTHERS_MAX) {
      this.#refused.push(then);
      return;
    }
    this.#forOthers++;
    this.ask(to, message, timeoutMs, (reply) => {
      this.#forOthers--;
      then(reply);
    });
  }

  order(effect: OverlayEffect): void {
    this.#effects.push(effect);
  }

  /** An answer, or its absence, came in. */
  settle(exchange: number, reply: OverlayMessage | undefined): void {
    const then = this.#pending.get(exchange);
    if (!this.#pending.delete(exchange)) return;
    then?.(reply);
  }

  /** Tells those whose questions found no room. */
  settleRefused(): void {
    const refused = this.#refused;
    this.#refused = [];
    for (const then of refused) then(undefined);
  }

  get hasRefused(): boolean {
    return this.#refused.length > 0;
  }
  /** Questions under way. */
  get size(): number {
    return this.#pending.size;
  }

  take(): OverlayEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}

/** Who is asked, named by its descriptor: at the address it puts first. */
export function contactOf({
  nodeId,
  addresses,
}: {
  nodeId: NodeId;
  addresses: Contact['address'][] | readonly Contact['address'][];
}): Contact {
  return { nodeId, address: addresses[0]! };
}
