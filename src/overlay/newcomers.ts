/**
 * Who came a moment ago: until it has asked each of its partners once nobody expects it, and nobody would miss it. So whoever
 * has what is its own when it is gone looks every few seconds whether it is there. Invariant: bounded, each is looked at LOOKS
 * times at most, and the ring is not asked for each of many who come at once.
 */
import { type Instant, later, type NodeId } from '../base/index.ts';
import type { Context } from './context.ts';

const LOOK_MS = 3000;
/** By then it has told all of its partners when it asks them again. */
const LOOKS = 6;
/** Newcomers that are remembered at a time; those who come when there are so many are not watched. */
export const NEWCOMERS_MAX = 1024;

/** The newcomers that one node watches. */
export class Newcomers {
  readonly #context: Context;
  readonly #look: (nodeId: NodeId) => void;
  /** The next look at each, in that order, and how many there are still. */
  readonly #watched = new Map<NodeId, { readonly at: Instant; readonly looks: number }>();

  /** @param look it is time to see whether one is there */
  constructor(context: Context, look: (nodeId: NodeId) => void) {
    this.#context = context;
    this.#look = look;
  }

  get deadline(): Instant | undefined {
    return this.#watched.values().next().value?.at;
  }

  /** Somebody serves from now on. */
  note(nodeId: NodeId): void {
    if (this.#watched.size < NEWCOMERS_MAX) this.#put(nodeId, LOOKS);
  }

  /** This node serves no more, or anew. */
  clear(): void {
    this.#watched.clear();
  }

  tick(): void {
    for (const [nodeId, { at, looks }] of this.#watched) {
      if (at > this.#context.now) return;
      this.#watched.delete(nodeId);
      if (!this.#context.member(nodeId) || !this.#isNextTo(nodeId)) continue;
      this.#look(nodeId);
      if (looks > 1) this.#put(nodeId, looks - 1);
    }
  }

  #put(nodeId: NodeId, looks: number): void {
    this.#watched.delete(nodeId);
    this.#watched.set(nodeId, { at: later(this.#context.now, LOOK_MS), looks });
  }

  /** This node owns some of what is its own, when it is gone. */
  #isNextTo(nodeId: NodeId): boolean {
    const { ring } = this.#context.view;
    return ring.rangesOf(nodeId).some(({ to }) => ring.ownerSetAt(to)[1]?.nodeId === this.#context.self);
  }
}
