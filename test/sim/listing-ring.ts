/** Who keeps which entry, for one set of supernodes: the shipped ring, asked once for every entry. */
import type { InfoHash } from '../../src/base/index.ts';
import { type Descriptor, OWNERS, Ring } from '../../src/overlay/index.ts';
import type { Arc } from '../../src/ports/index.ts';
import { hashOfStart } from './listing-log.ts';

const NOBODY = 0xffff;

export class ListingRing {
  /** Numbers of the supernodes that are in it. */
  readonly members: readonly number[];
  readonly #ring: Ring;
  readonly #numberOf: ReadonlyMap<string, number>;
  readonly #descriptors: readonly Descriptor[];
  readonly #keepers: Uint16Array;

  /** @param descriptors by number, members and others */
  constructor(descriptors: readonly Descriptor[], members: readonly number[], starts: Float64Array) {
    this.members = members;
    this.#descriptors = descriptors;
    this.#ring = new Ring(members.map((number) => descriptors[number]!));
    this.#numberOf = new Map(descriptors.map(({ nodeId }, number) => [nodeId, number]));
    this.#keepers = new Uint16Array(starts.length * OWNERS).fill(NOBODY);
    for (const [entry, start] of starts.entries()) {
      for (const [i, { nodeId }] of this.#ring.ownerSetOf(hashOfStart(start) as InfoHash).entries()) {
        this.#keepers[entry * OWNERS + i] = this.#numberOf.get(nodeId)!;
      }
    }
  }

  /** The owner of an entry and those with copies. */
  keepersOf(entry: number): number[] {
    return [...this.#keepers.subarray(entry * OWNERS, (entry + 1) * OWNERS)].filter((number) => number !== NOBODY);
  }

  /** 1 for each entry that a supernode owns, or, with `copies` 2, that it keeps. */
  marksOf(number: number, copies: 0 | 2): Uint8Array {
    const marks = new Uint8Array(this.#keepers.length / OWNERS);
    for (let entry = 0; entry < marks.length; entry++) {
      const at = entry * OWNERS;
      for (let i = at; i <= at + copies; i++) if (this.#keepers[i] === number) marks[entry] = 1;
    }
    return marks;
  }

  /** The arcs that a supernode owns. */
  ownArcs(number: number): readonly Arc[] {
    return this.#ring.rangesOf(this.#descriptors[number]!.nodeId);
  }

  /** The arcs that a supernode owns or keeps copies of, as Membership tells them. */
  keptArcs(number: number): Arc[] {
    const { nodeId } = this.#descriptors[number]!;
    return this.members
      .flatMap((member) => this.#ring.rangesOf(this.#descriptors[member]!.nodeId))
      .filter(({ to }) => this.#ring.ownerSetAt(to).some((owner) => owner.nodeId === nodeId));
  }
}
