/**
 * The ring as a pure function of a set of descriptors: each token ends the range that begins after the token before
 * it, so every hash has exactly one owner as long as there is one supernode.
 */
import type { InfoHash, NodeId } from '../base/index.ts';
import type { Descriptor } from './descriptor.ts';
import type { Token } from './token.ts';

/** An arc of the ring: `from` exclusive, `to` inclusive; equal ends mean the whole ring. */
export interface Range {
  readonly from: Token;
  readonly to: Token;
  /** Grows with every grant of the range; an own range that was never handed off has 0. */
  readonly epoch: number;
}

/** Who owns which arc, for one set of supernodes. */
export class Ring {
  readonly #tokens: Token[] = [];
  /** The owner of the range that ends at the token of the same index. */
  readonly #owners: Descriptor[] = [];

  /** Of two supernodes with one token the lower node id has it, so that all who see both agree. */
  constructor(descriptors: Iterable<Descriptor>) {
    const claims: { token: Token; owner: Descriptor }[] = [];
    for (const owner of descriptors) for (const token of owner.tokens) claims.push({ token, owner });
    claims.sort((a, b) => order(a.token, b.token) || order(a.owner.nodeId, b.owner.nodeId));
    for (const { token, owner } of claims) {
      if (token === this.#tokens.at(-1)) continue;
      this.#tokens.push(token);
      this.#owners.push(owner);
    }
  }

  /** The supernode whose token is the first at or after the hash; undefined on an empty ring. */
  ownerOf(infoHash: InfoHash): Descriptor | undefined {
    const tokens = this.#tokens;
    let low = 0;
    let high = tokens.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (tokens[middle]! < (infoHash as string)) low = middle + 1;
      else high = middle;
    }
    return this.#owners[low === tokens.length ? 0 : low];
  }

  /** The arcs that a node owns, by where they end. */
  rangesOf(nodeId: NodeId): readonly Range[] {
    const ranges: Range[] = [];
    for (const [i, owner] of this.#owners.entries()) {
      if (owner.nodeId === nodeId) ranges.push({ from: this.#tokens.at(i - 1)!, to: this.#tokens[i]!, epoch: 0 });
    }
    return ranges;
  }
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
