/**
 * Who said when it will ask this node again. A supernode asks somebody each round, so somebody expects it each round, and
 * its silence is noticed a round after it began at the latest, whomever others happen to ask. Invariant: who breaks its
 * word costs one look at it; however many members say what, so many appointments are kept at most.
 */
import { earliest, type Instant, later, type NodeId } from '../base/index.ts';
import type { Context } from './context.ts';

/** How late a question may come: most are on their way for much less. */
const LATE_MS = 500;
/** Appointments kept; eight are usual, and who comes when there are so many is not expected. */
export const APPOINTMENTS_MAX = 128;

/** One node's appointments. */
export class Appointments {
  readonly #context: Context;
  readonly #missed: (nodeId: NodeId) => void;
  /** When each is overdue. */
  readonly #until = new Map<NodeId, Instant>();
  #deadline: Instant | undefined;

  /** @param missed somebody did not ask when it should have */
  constructor(context: Context, missed: (nodeId: NodeId) => void) {
    this.#context = context;
    this.#missed = missed;
  }

  get deadline(): Instant | undefined {
    return this.#deadline;
  }

  /** A member asked. @param againMs when it will again; undefined when it does not say */
  note(nodeId: NodeId, againMs: number | undefined): void {
    const until = this.#until.get(nodeId);
    if (againMs === undefined && until === undefined) return;
    this.#until.delete(nodeId);
    if (againMs !== undefined && this.#until.size < APPOINTMENTS_MAX) {
      this.#until.set(nodeId, later(this.#context.now, againMs + LATE_MS));
    }
    this.#findDeadline();
  }

  /** This node serves no more, or anew. */
  clear(): void {
    this.#until.clear();
    this.#deadline = undefined;
  }

  tick(): void {
    const { now } = this.#context;
    if (this.#deadline === undefined || now < this.#deadline) return;
    for (const [nodeId, until] of this.#until) {
      if (until > now) continue;
      this.#until.delete(nodeId);
      if (this.#context.member(nodeId)) this.#missed(nodeId);
    }
    this.#findDeadline();
  }

  #findDeadline(): void {
    let at: Instant | undefined;
    for (const until of this.#until.values()) at = earliest(at, until);
    this.#deadline = at;
  }
}
