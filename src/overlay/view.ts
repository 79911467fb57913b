/**
 * The view: the newest descriptor of every supernode this node knows of. Merging is a union, so that two views that
 * meet need no ceremony. It holds only checked descriptors, and does not know how they came.
 */
import { type NodeId, type Random, randomBelow, type WallSeconds } from '../base/index.ts';
import type { Ownership } from '../ports/index.ts';
import type { Descriptor } from './descriptor.ts';
import { Ring } from './ring.ts';

/** Most supernodes held; at under 2 KiB each that is below 20 MB. */
export const SUPERNODES_MAX = 10_000;

/** What became of an offered descriptor; `stale` is one we hold or one older than it. */
export type Offered = 'added' | 'renewed' | 'stale' | 'full';

export class View {
  readonly #newest = new Map<NodeId, Descriptor>();
  /** The sequence at which a node was dropped; gossip about its past does not bring it back. Bounded like the view. */
  readonly #dropped = new Map<NodeId, number>();
  #ring: Ring | undefined = new Ring([]);

  get size(): number {
    return this.#newest.size;
  }

  /** The ring of everyone held. */
  get ring(): Ring {
    this.#ring ??= new Ring(this.#newest.values());
    return this.#ring;
  }

  /** Takes a descriptor that `openDescriptor` or `sealDescriptor` made; the highest sequence of a node stays. */
  offer(descriptor: Descriptor): Offered {
    const held = this.#newest.get(descriptor.nodeId);
    const seen = held?.sequence ?? this.#dropped.get(descriptor.nodeId);
    if (seen !== undefined && seen >= descriptor.sequence) return 'stale';
    if (!held && this.#newest.size >= SUPERNODES_MAX) return 'full';
    this.#dropped.delete(descriptor.nodeId);
    this.#newest.set(descriptor.nodeId, descriptor);
    this.#ring = undefined;
    return held ? 'renewed' : 'added';
  }

  /** Drops what has expired. */
  expire(wallNow: WallSeconds): void {
    for (const { nodeId, expires } of this.#newest.values()) {
      if (expires > wallNow) continue;
      this.#newest.delete(nodeId);
      this.#ring = undefined;
    }
  }

  /** Drops a node that no longer answers; only a newer descriptor of its own brings it back. */
  drop(nodeId: NodeId): void {
    const held = this.#newest.get(nodeId);
    if (!held) return;
    this.#newest.delete(nodeId);
    this.#ring = undefined;
    if (this.#dropped.size >= SUPERNODES_MAX) this.#dropped.delete(this.#dropped.keys().next().value!);
    this.#dropped.set(nodeId, held.sequence);
  }

  get(nodeId: NodeId): Descriptor | undefined {
    return this.#newest.get(nodeId);
  }

  descriptors(): Iterable<Descriptor> {
    return this.#newest.values();
  }

  /** At most `count` descriptors, each set of them equally likely. */
  sample(count: number, random: Random): readonly Descriptor[] {
    const drawn = [...this.#newest.values()];
    const kept = Math.min(count, drawn.length);
    for (let i = 0; i < kept; i++) {
      const other = i + randomBelow(random, drawn.length - i);
      [drawn[i], drawn[other]] = [drawn[other]!, drawn[i]!];
    }
    return drawn.slice(0, kept);
  }
}

/** The view as the tracker and the listing of one node ask it. */
export function ownershipOf(view: View, self: NodeId): Ownership {
  return {
    ownerOf(infoHash) {
      const owner = view.ring.ownerOf(infoHash);
      return owner?.nodeId === self ? 'self' : owner;
    },
    roleOf: (infoHash) => (view.ring.ownerOf(infoHash)?.nodeId === self ? 'owner' : undefined),
    copiesOf: () => [],
    recordsOf: () => [],
  };
}
