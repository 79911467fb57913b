/**
 * A part of many rows in an order, without ordering the rest: rows are counted by where their value lies between the
 * least and the largest, and only those at the edges of what is wanted are looked at again. A few passes over a
 * million rows; no memory is kept.
 */

/** What rows are ordered by, the least first: a finite value of each of these rows, in their order. */
export type OrderLevel = (ids: Uint32Array) => Float64Array;

const BUCKETS = 4096;
/** So many are sorted outright. */
const SORTED_MAX = 512;

/**
 * The rows from a position to another, exclusive, where all are ordered by the first level, equal ones by the next.
 * What is equal in all of them stays as it came.
 * @param ids each once
 */
export function selectPart(ids: Uint32Array, levels: readonly OrderLevel[], from: number, to: number): number[] {
  const end = Math.min(ids.length, to);
  const part: number[] = [];
  if (from < end) takePart(ids, levels, from, end, part);
  return part;
}

function takePart(ids: Uint32Array, levels: readonly OrderLevel[], from: number, to: number, part: number[]): void {
  const [level, ...later] = levels;
  if (!level || ids.length === 1) {
    for (let i = from; i < to; i++) part.push(ids[i]!);
    return;
  }
  const values = level(ids);
  const [least, largest] = bounds(values);
  if (least === largest) takePart(ids, later, from, to, part);
  else if (ids.length <= SORTED_MAX) takeSorted(ids, values, later, from, to, part);
  else takeBuckets(ids, values, [least, largest], levels, from, to, part);
}

function takeSorted(
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
    if (end > from) takePart(equals, later, Math.max(0, from - start), Math.min(end, to) - start, part);
    start = end;
  }
}

/** Takes the buckets that hold both ends of the part, and what is between, each with its own bounds. */
function takeBuckets(
  ids: Uint32Array,
  values: Float64Array,
  [least, largest]: readonly [number, number],
  levels: readonly OrderLevel[],
  from: number,
  to: number,
  part: number[],
): void {
  const scale = (BUCKETS - 1) / (largest - least);
  const buckets = new Uint16Array(ids.length);
  const sizes = new Uint32Array(BUCKETS);
  for (let i = 0; i < ids.length; i++) {
    const bucket = ((values[i]! - least) * scale) | 0;
    buckets[i] = bucket;
    sizes[bucket]!++;
  }
  const [first, firstStart] = bucketAt(sizes, from);
  const [last, lastStart] = bucketAt(sizes, to - 1);
  const rowsIn = (low: number, high: number, count: number): Uint32Array => {
    const rows = new Uint32Array(count);
    let at = 0;
    for (let i = 0; at < count; i++) if (buckets[i]! >= low && buckets[i]! <= high) rows[at++] = ids[i]!;
    return rows;
  };
  const firstEnd = firstStart + sizes[first]!;
  takePart(rowsIn(first, first, sizes[first]!), levels, from - firstStart, Math.min(to, firstEnd) - firstStart, part);
  if (last === first) return;
  const between = lastStart - firstEnd;
  if (between > 0) takePart(rowsIn(first + 1, last - 1, between), levels, 0, between, part);
  takePart(rowsIn(last, last, sizes[last]!), levels, 0, to - lastStart, part);
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
