/**
 * A part of many rows in an order, without ordering the rest: rows are counted by where their value lies between the
 * least and the largest, and only those at the edges of what is wanted are looked at again. A few passes over a
 * million rows.
 */

/** What rows are ordered by, the least first: fills in a finite value of each of these rows, in their order. */
export type OrderLevel = (ids: Uint32Array, values: Float64Array) => void;

/** Rows that were taken. */
interface Part {
  readonly ids: number[];
  readonly isOrdered: boolean;
}

const BUCKETS = 4096;
/** So many are sorted outright. */
const SORTED_MAX = 512;
/** Where so few of the rows are wanted, from the beginning, most of the others are left out by a look at some of them. */
const FEW_SHARE: number = 1 / 16;
const SAMPLE = 1024;
/** How many more of the sample are let through than are likely to be needed. */
const SAMPLE_MARGIN = 8;

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
    return this.#part(ids, levels, from, to, true);
  }

  /** The rows that `part` gives, in no order. */
  some(ids: Uint32Array, levels: readonly OrderLevel[], from: number, to: number): number[] {
    return this.#part(ids, levels, from, to, false);
  }

  #part(ids: Uint32Array, levels: readonly OrderLevel[], from: number, to: number, isOrdered: boolean): number[] {
    if (ids.length > this.#values.length) {
      const capacity = Math.max(ids.length, 2 * this.#values.length);
      this.#values = new Float64Array(capacity);
      this.#buckets = new Uint16Array(capacity);
    }
    const end = Math.min(ids.length, to);
    const part: Part = { ids: [], isOrdered };
    if (from < end) this.#take(ids, levels, from, end, part);
    return part.ids;
  }

  #take(ids: Uint32Array, levels: readonly OrderLevel[], from: number, to: number, part: Part): void {
    const [level, ...later] = levels;
    const isAll = from === 0 && to === ids.length;
    if (!level || ids.length === 1 || (isAll && !part.isOrdered)) {
      for (let i = from; i < to; i++) part.ids.push(ids[i]!);
      return;
    }
    const values = this.#values.subarray(0, ids.length);
    level(ids, values);
    const few = this.#fewOf(ids, to);
    if (few) return this.#take(few, levels, from, to, part);
    const [least, largest] = bounds(values);
    if (least === largest) this.#take(ids, later, from, to, part);
    // Most of them in order: buckets would take two of them out at a time.
    else if (ids.length <= SORTED_MAX || (part.isOrdered && 4 * (to - from) > ids.length))
      this.#takeSorted(ids, values.slice(), later, from, to, part);
    else this.#takeBuckets(ids, [least, largest], levels, from, to, part);
  }

  #takeSorted(
    ids: Uint32Array,
    values: Float64Array,
    later: readonly OrderLevel[],
    from: number,
    to: number,
    part: Part,
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

  /** Those of the rows that are not after a value before which there are probably enough; undefined where that is no use. */
  #fewOf(ids: Uint32Array, wanted: number): Uint32Array | undefined {
    if (ids.length <= SAMPLE || wanted > ids.length * FEW_SHARE) return undefined;
    const values = this.#values;
    const step = ids.length / SAMPLE;
    const sample = Float64Array.from({ length: SAMPLE }, (_, i) => values[Math.floor(i * step)]!).sort();
    const last = sample[Math.ceil(wanted / step) + SAMPLE_MARGIN]!;
    let count = 0;
    for (let i = 0; i < ids.length; i++) if (values[i]! <= last) count++;
    if (count < wanted || 2 * count > ids.length) return undefined;
    const few = new Uint32Array(count);
    for (let i = 0, at = 0; at < count; i++) if (values[i]! <= last) few[at++] = ids[i]!;
    return few;
  }

  /** Takes the buckets that hold both ends of the part, and what is between, each with its own bounds. */
  #takeBuckets(
    ids: Uint32Array,
    range: readonly [number, number],
    levels: readonly OrderLevel[],
    from: number,
    to: number,
    part: Part,
  ): void {
    const sizes = this.#fillBuckets(ids.length, range);
    const [first, firstStart] = bucketAt(sizes, from);
    const [last, lastStart] = bucketAt(sizes, to - 1);
    const firstEnd = firstStart + sizes[first]!;
    const between = Math.max(0, lastStart - firstEnd);
    // All three before any is looked into, which needs the memory that says which is where.
    const atFirst = new Uint32Array(sizes[first]!);
    const inside = new Uint32Array(between);
    const atLast = new Uint32Array(last === first ? 0 : sizes[last]!);
    this.#spread(ids, first, last, [atFirst, inside, atLast]);
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

  /** The rows of the first bucket, of those between, and of the last where that is another one. */
  #spread(
    ids: Uint32Array,
    first: number,
    last: number,
    [atFirst, inside, atLast]: readonly [Uint32Array, Uint32Array, Uint32Array],
  ): void {
    const buckets = this.#buckets;
    let [ofFirst, ofInside, ofLast] = [0, 0, 0];
    for (let i = 0; i < ids.length; i++) {
      const bucket = buckets[i]!;
      if (bucket < first || bucket > last) continue;
      if (bucket === first) atFirst[ofFirst++] = ids[i]!;
      else if (bucket === last) atLast[ofLast++] = ids[i]!;
      else inside[ofInside++] = ids[i]!;
    }
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
