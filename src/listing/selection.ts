/**
 * A part of many rows in an order, without ordering the rest: rows are counted by where their value lies between the
 * least and the largest, and only those at the edges of what is wanted are looked at again. A few passes over a
 * million rows.
 */

/** What rows are ordered by, the least first: fills in a finite value of each of these rows, in their order. */
export type OrderLevel = (ids: Uint32Array, values: Float64Array) => void;

const BUCKETS = 4096;
/** So many are sorted outright. */
const SORTED_MAX = 512;

/** Takes parts; holds 10 bytes for each of the most rows that it has seen, since making them anew costs as much as using them. */
export class PartSelector {
  #values = new Float64Array(SORTED_MAX);
  #buckets = new Uint16Array(SORTED_MAX);

  /**
   * The rows from a position to another, exclusive, where all are ordered by the first level, equal ones by the next.
   * What is equal in all of them stays as it came.
   * @param ids each once
   */
  part(ids: Uint32Array, levels: readonly OrderLevel[], from: number, to: number): number[] {
    if (ids.length > this.#values.length) {
      const capacity = Math.max(ids.length, 2 * this.#values.length);
      this.#values = new Float64Array(capacity);
      this.#buckets = new Uint16Array(capacity);
    }
    const end = Math.min(ids.length, to);
    const part: number[] = [];
    if (from < end) this.#take(ids, levels, from, end, part);
    return part;
  }

  #take(ids: Uint32Array, levels: readonly OrderLevel[], from: number, to: number, part: number[]): void {
    const [level, ...later] = levels;
    if (!level || ids.length === 1) {
      for (let i = from; i < to; i++) part.push(ids[i]!);
      return;
    }
    const values = this.#values.subarray(0, ids.length);
    level(ids, values);
    const [least, largest] = bounds(values);
    if (least === largest) this.#take(ids, later, from, to, part);
    else if (ids.length <= SORTED_MAX) this.#takeSorted(ids, values.slice(), later, from, to, part);
    else this.#takeBuckets(ids, [least, largest], levels, from, to, part);
  }

  #takeSorted(
    ids: Uint32Array,
    values: Float64Array,
    later: readonly OrderLevel[],
    from: number,
    to: number,
    part: number[],
  ): void {
    const order = Array.from(ids.keys()).sort((a, b) => values[a]! - values[b]! || a - b);
    for (let start = 0; start < to; ) {
      let end = start + 1;
      while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
      const equals = Uint32Array.from(order.slice(start, end), (at) => ids[at]!);
      if (end > from) this.#take(equals, later, Math.max(0, from - start), Math.min(end, to) - start, part);
      start = end;
    }
  }

  /** Takes the buckets that hold both ends of the part, and what is between, each with its own bounds. */
  #takeBuckets(
    ids: Uint32Array,
    range: readonly [number, number],
    levels: readonly OrderLevel[],
    from: number,
    to: number,
    part: number[],
  ): void {
    const sizes = this.#fillBuckets(ids.length, range);
    const [first, firstStart] = bucketAt(sizes, from);
    const [last, lastStart] = bucketAt(sizes, to - 1);
    const firstEnd = firstStart + sizes[first]!;
    const between = Math.max(0, lastStart - firstEnd);
    // All three before any is looked into, which needs the memory that says which is where.
    const atFirst = this.#inBuckets(ids, first, first, sizes[first]!);
    const inside = this.#inBuckets(ids, first + 1, last - 1, between);
    const atLast = this.#inBuckets(ids, last, last, last === first ? 0 : sizes[last]!);
    this.#take(atFirst, levels, from - firstStart, Math.min(to, firstEnd) - firstStart, part);
    if (between > 0) this.#take(inside, levels, 0, between, part);
    if (last !== first) this.#take(atLast, levels, 0, to - lastStart, part);
  }

  /** Notes the bucket of each row; returns how many are in each. */
  #fillBuckets(rows: number, [least, largest]: readonly [number, number]): Uint32Array {
    const sizes = new Uint32Array(BUCKETS);
    const scale = (BUCKETS - 1) / (largest - least);
    const values = this.#values;
    const buckets = this.#buckets;
    for (let i = 0; i < rows; i++) {
      const bucket = ((values[i]! - least) * scale) | 0;
      buckets[i] = bucket;
      sizes[bucket]!++;
    }
    return sizes;
  }

  #inBuckets(ids: Uint32Array, low: number, high: number, count: number): Uint32Array {
    const rows = new Uint32Array(count);
    const buckets = this.#buckets;
    for (let i = 0, at = 0; at < count; i++) {
      const bucket = buckets[i]!;
      if (bucket >= low && bucket <= high) rows[at++] = ids[i]!;
    }
    return rows;
  }
}

/** The bucket that holds a position, and the position of its first row. */
function bucketAt(sizes: Uint32Array, position: number): [number, number] {
  let start = 0;
  let bucket = 0;
  while (start + sizes[bucket]! <= position) start += sizes[bucket++]!;
  return [bucket, start];
}

function bounds(values: Float64Array): [number, number] {
  let least = values[0]!;
  let largest = least;
  for (let i = 1; i < values.length; i++) {
    const value = values[i]!;
    if (value < least) least = value;
    else if (value > largest) largest = value;
  }
  return [least, largest];
}
