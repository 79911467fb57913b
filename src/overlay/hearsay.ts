/**
 * Whose word about others is worth a look. A member that says of another that it is silent costs whoever hears it a question
 * or more; who was wrong a few times is not heard for a while. Invariant: however many others a member names and however often,
 * over time it costs one look in ERROR_MS, and what stood in one message once before.
 */
import { type Instant, later, makeRoom, type NodeId } from '../base/index.ts';
import type { Context } from './context.ts';

/** One error is forgiven in this time. */
const ERROR_MS = 60_000;
/** Errors of a member that is still heard: honest ones have slow paths, and ask about somebody who only then is back. */
const ERRORS_MAX = 3;
/** Errors that are counted at all; a message may name as many before it is known that they are. */
const ERRORS_COUNTED_MAX = 8;
/** Members whose errors are remembered; the oldest are forgotten first. */
const TELLERS_MAX = 1024;

/** One node's memory of who was wrong. */
export class Hearsay {
  readonly #context: Context;
  /** When all errors of a member will be forgiven; who was wrong last stands last. */
  readonly #forgivenAt = new Map<NodeId, Instant>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** What it says of others is worth a look. */
  isHeard(teller: NodeId): boolean {
    return this.#errorsOf(teller) < ERRORS_MAX;
  }

  /** Somebody answered of whom it said that he does not. */
  noteWrong(teller: NodeId): void {
    const errors = Math.min(ERRORS_COUNTED_MAX, this.#errorsOf(teller) + 1);
    this.#forgivenAt.delete(teller);
    makeRoom(this.#forgivenAt, TELLERS_MAX);
    this.#forgivenAt.set(teller, later(this.#context.now, errors * ERROR_MS));
  }

  /** Errors not forgiven yet, a part of one included. */
  #errorsOf(teller: NodeId): number {
    const at = this.#forgivenAt.get(teller) ?? this.#context.now;
    return Math.max(0, (at - this.#context.now) / ERROR_MS);
  }
}
