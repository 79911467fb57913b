/**
 * A buddy allocator over numbers: hands out aligned runs of 2^order units of a space that somebody else holds.
 * Two free neighbours of one size always merge, so that peers which come and go never wear the space out.
 * It knows nothing of what the units are.
 */
import { assert } from '../src/base/index.ts';

/** The smallest block: 2 units. */
export const ORDER_MIN = 1;

const NONE = -1;
const ORDERS = 32;

/** Blocks of a space of `units`, a power of two. */
export class BuddyBlocks {
  readonly units: number;
  /** First free block of each order. */
  readonly #heads: Int32Array = new Int32Array(ORDERS).fill(NONE);
  // Links and order of each free block, found by its offset; elsewhere the order is 0. Bounded by the space.
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #freeOrder: Uint8Array;

  constructor(units: number) {
    assert(units >= 2 && units <= 2 ** 30 && (units & (units - 1)) === 0, 'a buddy space is a power of two');
    this.units = units;
    this.#next = new Int32Array(units >>> ORDER_MIN);
    this.#previous = new Int32Array(units >>> ORDER_MIN);
    this.#freeOrder = new Uint8Array(units >>> ORDER_MIN);
    this.#link(0, 31 - Math.clz32(units));
  }

  /** The offset of a block of 2^order units, or -1 when no run that long is free. */
  take(order: number): number {
    let found = order;
    while (found < ORDERS && this.#heads[found] === NONE) found++;
    if (found >= ORDERS) return NONE;
    const offset = this.#heads[found]!;
    this.#unlink(offset, found);
    while (found > order) {
      found--;
      this.#link(offset + 2 ** found, found);
    }
    return offset;
  }

  /** Takes a block back and merges it with its free neighbours. */
  give(offset: number, order: number): void {
    let start = offset;
    let size = order;
    while (2 ** size < this.units) {
      const buddy = start ^ (1 << size);
      if (this.#freeOrder[buddy >>> ORDER_MIN] !== size) break;
      this.#unlink(buddy, size);
      start = Math.min(start, buddy);
      size++;
    }
    this.#link(start, size);
  }

  /** Units in free blocks, counted anew. */
  countFree(): number {
    let free = 0;
    for (let order = ORDER_MIN; order < ORDERS; order++) {
      for (let offset = this.#heads[order]!; offset !== NONE; offset = this.#next[offset >>> ORDER_MIN]!) {
        assert(this.#freeOrder[offset >>> ORDER_MIN] === order, 'a free block knows its order');
        free += 2 ** order;
      }
    }
    return free;
  }

  #link(offset: number, order: number): void {
    const head = this.#heads[order]!;
    const at = offset >>> ORDER_MIN;
    this.#next[at] = head;
    this.#previous[at] = NONE;
    this.#freeOrder[at] = order;
    if (head !== NONE) this.#previous[head >>> ORDER_MIN] = offset;
    this.#heads[order] = offset;
  }

  #unlink(offset: number, order: number): void {
    const at = offset >>> ORDER_MIN;
    const next = this.#next[at]!;
    const previous = this.#previous[at]!;
    if (previous === NONE) this.#heads[order] = next;
    else this.#next[previous >>> ORDER_MIN] = next;
    if (next !== NONE) this.#previous[next >>> ORDER_MIN] = previous;
    this.#freeOrder[at] = 0;
  }
}
