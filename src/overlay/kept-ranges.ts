/**
 * What one node keeps of the ring, as owner or as replica: its own ranges and those that end a little before them, however many
 * there are in all. Whoever walks back from a place passes everything that its owner keeps by it.
 */
import type { NodeId } from '../base/index.ts';
import type { Range, Ring } from './ring.ts';
import type { Token } from './token.ts';

/**
 * Ranges of others that are passed after the last one that is kept: who keeps one may not keep the next where few own very many,
 * or where there are too few subnets for an owner set.
 */
const STRANGERS_MAX = 16;
/** Ranges that are looked at before each own one. */
const RANGES_BEFORE_MAX = 128;

/** The ranges that a node owns or keeps copies of, in the order of the ring. */
export function keptRanges(ring: Ring, nodeId: NodeId): readonly Range[] {
  const kept = new Map<Token, Range>();
  for (const own of ring.rangesOf(nodeId)) {
    let range: Range | undefined = own;
    let strangers = 0;
    for (let i = 0; i <= RANGES_BEFORE_MAX && strangers < STRANGERS_MAX && range; i++) {
      const isKept = ring.ownerSetAt(range.to).some((owner) => owner.nodeId === nodeId);
      strangers = isKept ? 0 : strangers + 1;
      if (isKept) kept.set(range.to, range);
      range = ring.rangeAt(range.from);
    }
  }
  return [...kept.values()].sort((a, b) => (a.to < b.to ? -1 : 1));
}
