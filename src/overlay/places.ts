/**
 * Places on the ring in their order, each with whoever it is of. One more and one less cost the same however many there
 * are, for they lie in blocks of a bounded length: a node hears of everybody who comes and goes in the whole network. Of
 * places at one position the first one counts. It knows nothing of what its owners are.
 */
import type { Token } from './token.ts';

/** Places of a block; a longer one is cut in two. */
const BLOCK_MAX = 256;

interface Block<Owner> {
  readonly tokens: Token[];
  readonly owners: Owner[];
}

/** Where a place lies. */
interface Spot {
  readonly block: number;
  readonly at: number;
}

export class Places<Owner> {
  readonly #order: (a: Owner, b: Owner) => number;
  /** None of them is empty. */
  #blocks: Block<Owner>[] = [];
  #count = 0;
  /** Places whose token another has too, and first. */
  #twins = 0;

  /** @param order which of two owners comes first at one position */
  constructor(order: (a: Owner, b: Owner) => number) {
    this.#order = order;
  }

  /** Places that count. */
  get size(): number {
    return this.#count - this.#twins;
  }

  copy(): Places<Owner> {
    const copy = new Places(this.#order);
    copy.#blocks = this.#blocks.map(({ tokens, owners }) => ({ tokens: [...tokens], owners: [...owners] }));
    copy.#count = this.#count;
    copy.#twins = this.#twins;
    return copy;
  }

  add(token: Token, owner: Owner): void {
    if (this.#blocks.length === 0) this.#blocks.push({ tokens: [], owners: [] });
    const spot = this.#spotOf(token, owner);
    const block = Math.min(spot.block, this.#blocks.length - 1);
    const found = this.#blocks[block]!;
    const at = spot.block > block ? found.tokens.length : spot.at;
    if (this.#hasTwin(token, block, at)) this.#twins++;
    this.#count++;
    found.tokens.splice(at, 0, token);
    found.owners.splice(at, 0, owner);
    if (found.tokens.length <= BLOCK_MAX) return;
    const half = BLOCK_MAX / 2;
    this.#blocks.splice(block + 1, 0, { tokens: found.tokens.splice(half), owners: found.owners.splice(half) });
  }

  /** Removes a place that is there. */
  remove(token: Token, owner: Owner): void {
    const { block, at } = this.#spotOf(token, owner);
    const { tokens, owners } = this.#blocks[block]!;
    tokens.splice(at, 1);
    owners.splice(at, 1);
    this.#count--;
    const isGone = tokens.length === 0;
    if (isGone) this.#blocks.splice(block, 1);
    if (this.#hasTwin(token, block, isGone ? 0 : at)) this.#twins--;
  }

  /** Who has the first place at or after a position, and where it is; undefined when there is none. */
  find(position: string): { readonly token: Token; readonly owner: Owner } | undefined {
    if (this.#count === 0) return undefined;
    const { block, at } = this.#firstFrom(position);
    const { tokens, owners } = this.#blocks[block]!;
    return { token: tokens[at]!, owner: owners[at]! };
  }

  ownerOf(position: string): Owner | undefined {
    if (this.#count === 0) return undefined;
    const { block, at } = this.#firstFrom(position);
    return this.#blocks[block]!.owners[at];
  }

  /** The last position before one of these that has another: that itself when there is no other. */
  before(token: Token): Token {
    const { block, at } = this.#firstFrom(token);
    if (at > 0) return this.#blocks[block]!.tokens[at - 1]!;
    return this.#blocks.at(block - 1)!.tokens.at(-1)!;
  }

  /** Shows who has the places from a position on, clockwise and once around, until somebody has seen enough. */
  walk(position: string, isDone: (owner: Owner) => boolean): void {
    if (this.#count === 0) return;
    let { block, at } = this.#firstFrom(position);
    let last: Token | undefined;
    for (let left = this.#count; left > 0; left--) {
      const { tokens, owners } = this.#blocks[block]!;
      const token = tokens[at]!;
      if (token !== last && isDone(owners[at]!)) return;
      last = token;
      if (++at < tokens.length) continue;
      at = 0;
      block = (block + 1) % this.#blocks.length;
    }
  }

  /** The n-th of all, those that do not count included. */
  nth(n: number): { readonly token: Token; readonly owner: Owner } | undefined {
    let left = n;
    for (const { tokens, owners } of this.#blocks) {
      if (left < tokens.length) return { token: tokens[left]!, owner: owners[left]! };
      left -= tokens.length;
    }
    return undefined;
  }

  /** All of them, those that do not count included. */
  get count(): number {
    return this.#count;
  }

  /** The first place at or after a position, closed to a circle. */
  #firstFrom(position: string): Spot {
    const spot = this.#spotOf(position);
    return spot.block < this.#blocks.length ? spot : { block: 0, at: 0 };
  }

  /** Where a place would stand, past the end too; without an owner before all others of its position. */
  #spotOf(position: string, owner?: Owner): Spot {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const block = this.#blocks[middle]!;
      if (this.#isBefore(block, block.tokens.length - 1, position, owner)) low = middle + 1;
      else high = middle;
    }
    const block = this.#blocks[low];
    if (!block) return { block: low, at: 0 };
    let first = 0;
    let end = block.tokens.length - 1;
    while (first < end) {
      const middle = (first + end) >>> 1;
      if (this.#isBefore(block, middle, position, owner)) first = middle + 1;
      else end = middle;
    }
    return { block: low, at: first };
  }

  #isBefore({ tokens, owners }: Block<Owner>, at: number, position: string, owner: Owner | undefined): boolean {
    const token: string = tokens[at]!;
    if (token !== position) return token < position;
    return owner !== undefined && this.#order(owners[at]!, owner) < 0;
  }

  /** A neighbour of what stands there, or would, has the same token. */
  #hasTwin(token: Token, block: number, at: number): boolean {
    const { length } = this.#blocks[block]?.tokens ?? [];
    const before = at > 0 ? this.#blocks[block]!.tokens[at - 1] : this.#blocks[block - 1]?.tokens.at(-1);
    const after = at < length ? this.#blocks[block]!.tokens[at] : this.#blocks[block + 1]?.tokens[0];
    return before === token || after === token;
  }
}
