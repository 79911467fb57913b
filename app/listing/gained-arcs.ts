/**
 * Which arcs came to this node since it looked last. What it has of them is new to whoever knows its cursor, and passed it
 * over: of what it keeps for the first time, and of what it owns for the first time, though it kept copies before, for who
 * asks for what it owns was not told of copies. And of what it keeps for the first time something may be missing here.
 */
import { missingOf } from '../../src/overlay/index.ts';
import type { Arc } from '../../src/ports/index.ts';

export interface Gained {
  /** Arcs of which the entries count as changed. */
  readonly isNews: readonly Arc[];
  /** Arcs of which entries may be missing. */
  readonly isMissing: readonly Arc[];
}

const NOTHING: Gained = { isNews: [], isMissing: [] };

export class GainedArcs {
  #own: readonly Arc[] = [];
  #kept: readonly Arc[] = [];

  /**
   * @param own the arcs that it owns now
   * @param kept those that it owns or keeps copies of; the same arrays while nothing changed
   */
  note(own: readonly Arc[], kept: readonly Arc[]): Gained {
    const [ownBefore, keptBefore] = [this.#own, this.#kept];
    if (own === ownBefore && kept === keptBefore) return NOTHING;
    this.#own = own;
    this.#kept = kept;
    const isMissing = gainedOf(kept, keptBefore);
    // Who kept nothing was asked by nobody.
    return { isNews: keptBefore.length === 0 ? [] : [...gainedOf(own, ownBefore), ...isMissing], isMissing };
  }
}

function gainedOf(arcs: readonly Arc[], before: readonly Arc[]): Arc[] {
  return arcs.flatMap((arc) => missingOf(arc, before) ?? []);
}
