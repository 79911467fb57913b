/** Arcs of the ring as the store sees them: bounds of the first 48 bits of hashes. */
import type { Arc } from '../ports/index.ts';

const START_DIGITS = 12;
const START_MAX: number = 2 ** 48 - 1;

/** Bounds, both inclusive, of the hashes in an arc: two where it goes over the end of the ring. */
export function spansOf({ from, to }: Arc): [number, number][] {
  const [low, high] = [startOf(from), startOf(to)];
  if (from < to) return [[low, high]];
  return [
    [low, START_MAX],
    [0, high],
  ];
}

/** Tells whether the first 48 bits of a hash are in one of these arcs; thousands of hashes are asked for with one set. */
export function arcTest(arcs: readonly Arc[]): (start: number) => boolean {
  const spans = arcs.flatMap(spansOf);
  return (start) => spans.some(([low, high]) => start >= low && start <= high);
}

/** Two positions that differ only later are the same here. */
function startOf(position: string): number {
  return Number.parseInt(position.slice(0, START_DIGITS), 16);
}
