/**
 * Places on the ring in their order, each with whoever it is of. One more and one less cost the same however many there
 * are, for they lie in blocks of a bounded length: a node hears of everybody who comes and goes in the whole network. Of
 * places at one position the first one counts. It knows nothing of what its owners are.
 */
import type { Token } from './token.ts';

/** Places of a block; a longer one is cut in two. */
const BLOCK_MAX = 256;
/** A spot is a block's number times this, and the number of a place in it: one number, for spots are looked up all the time. */
const SPAN = 1024;

interface Block<Owner> {
  readonly tokens: Token[];
  readonly owners: Owner[];
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
    const spot = this.#spotFor(token, owner);
    const block = Math.min(blockOf(spot), this.#blocks.length - 1);
    const found = this.#blocks[block]!;
    const at = blockOf(spot) > block ? found.tokens.length : spot % SPAN;
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
    const spot = this.#spotFor(token, owner);
    const block = blockOf(spot);
    const { tokens, owners } = this.#blocks[block]!;
    tokens.splice(spot % SPAN, 1);
    owners.splice(spot % SPAN, 1);
    this.#count--;
    const isGone = tokens.length === 0;
    if (isGone) this.#blocks.splice(block, 1);
    if (this.#hasTwin(token, block, isGone ? 0 : spot % SPAN)) this.#twins--;
  }

  /** Where the first place at or after a position is, closed to a circle; undefined when there is none. */
  from(position: string): number | undefined {
    if (this.#count === 0) return undefined;
    const spot = this.#spotFor(position);
    return blockOf(spot) < this.#blocks.length ? spot : 0;
  }

  tokenAt(spot: number): Token {
    return this.#blocks[blockOf(spot)]!.tokens[spot % SPAN]!;
  }

  ownerAt(spot: number): Owner {
    return this.#blocks[blockOf(spot)]!.owners[spot % SPAN]!;
  }

  /** The next one clockwise, of one position the first. */
  next(spot: number): number {
    const token = this.tokenAt(spot);
    let next = spot;
    for (let left = this.#count; left > 0; left--) {
      next = this.#following(next);
      if (this.#twins === 0 || this.tokenAt(next) !== token) break;
    }
    return next;
  }

  /** The last position before that of a spot where somebody has the first place: that one itself when there is no other. */
  before(spot: number): Token {
    const block = blockOf(spot);
    const at = spot % SPAN;
    return at > 0 ? this.#blocks[block]!.tokens[at - 1]! : this.#blocks.at(block - 1)!.tokens.at(-1)!;
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

  #following(spot: number): number {
    const block = blockOf(spot);
    if ((spot % SPAN) + 1 < this.#blocks[block]!.tokens.length) return spot + 1;
    return block + 1 < this.#blocks.length ? (block + 1) * SPAN : 0;
  }

  /** Where a place would stand, past the end too; without an owner before all others of its position. */
  #spotFor(position: string, owner?: Owner): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const block = this.#blocks[middle]!;
      if (this.#isBefore(block, block.tokens.length - 1, position, owner)) low = middle + 1;
      else high = middle;
    }
    const block = this.#blocks[low];
    if (!block) return low * SPAN;
    let first = 0;
    let end = block.tokens.length - 1;
    while (first < end) {
      const middle = (first + end) >>> 1;
      if (this.#isBefore(block, middle, position, owner)) first = middle + 1;
      else end = middle;
    }
    return low * SPAN + first;
  }

  #isBefore({ tokens, owners }: Block<Owner>, at: number, position: string, owner: Owner | undefined): boolean {
    const token: string = tokens[at]!;
    if (token < position) return true;
    return owner !== undefined && token === position && this.#order(owners[at]!, owner) < 0;
  }

  /** A neighbour of what stands there, or would, has the same token. */
  #hasTwin(token: Token, block: number, at: number): boolean {
    const { length } = this.#blocks[block]?.tokens ?? [];
    const before = at > 0 ? this.#blocks[block]!.tokens[at - 1] : this.#blocks[block - 1]?.tokens.at(-1);
    const after = at < length ? this.#blocks[block]!.tokens[at] : this.#blocks[block + 1]?.tokens[0];
    return before === token || after === token;
  }
}

function blockOf(spot: number): number {
  return Math.floor(spot / SPAN);
}
