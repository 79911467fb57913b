/** Files as the node's API names them. Pure. */

/** What the node takes in one selector. */
const SELECTOR_LENGTH_MAX = 4000;

/** Indices as `0,2,4-6`, in as many texts as the node takes. */
export function selectorsOf(indices: Iterable<number>): string[] {
  const ranges: [from: number, to: number][] = [];
  for (const index of [...indices].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && last[1] === index - 1) last[1] = index;
    else ranges.push([index, index]);
  }
  const selectors: string[] = [];
  for (const [from, to] of ranges) {
    const range = from === to ? `${from}` : `${from}-${to}`;
    const last = selectors.at(-1);
    if (last !== undefined && last.length + range.length < SELECTOR_LENGTH_MAX)
      selectors[selectors.length - 1] = `${last},${range}`;
    else selectors.push(range);
  }
  return selectors;
}
