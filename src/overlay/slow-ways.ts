/**
 * Whose answers come late: most ways take a tenth of a second, one in a hundred more than a second. Who is known for it is given more
 * time before it counts as silent, or it would be dropped and taken back again and again. Invariant: bounded; nobody is
 * known for it longer than SLOW_MS after its last late answer.
 */
import { type Instant, later, makeRoom, type NodeId } from '../base/index.ts';
import type { Context } from './context.ts';

/** Most who are there answer within this time. */
export const HELLO_MS = 1000;
/** So late an answer still counts. */
export const LATE_MS = 3000;
const SLOW_MS = 600_000;
/** Members that are remembered; those who were late longest ago are forgotten first. */
export const SLOW_WAYS_MAX = 1024;

/** One node's memory of slow ways. */
export class SlowWays {
  readonly #context: Context;
  /** Until when each is taken for slow; who was late last stands last. */
  readonly #until = new Map<NodeId, Instant>();

  constructor(context: Context) {
    this.#context = context;
  }

  note(nodeId: NodeId): void {
    this.#until.delete(nodeId);
    makeRoom(this.#until, SLOW_WAYS_MAX);
    this.#until.set(nodeId, later(this.#context.now, SLOW_MS));
  }

  has(nodeId: NodeId): boolean {
    const until = this.#until.get(nodeId);
    return until !== undefined && this.#context.now < until;
  }
}
