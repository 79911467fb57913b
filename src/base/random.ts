/**
 * Randomness as an argument, so that the simulator replays bit for bit. Hosts pass the system's generator;
 * tests and the simulator pass `seededRandom`.
 */

/** A number in [0, 1). */
export type Random = () => number;

/** A repeatable generator (mulberry32): good spread, no security. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** A whole number in [0, below). */
export function randomBelow(random: Random, below: number): number {
  return Math.floor(random() * below);
}

/** At most `count` of some items, each set of them equally likely. */
export function sampleOf<Item>(items: Iterable<Item>, count: number, random: Random): Item[] {
  const drawn = [...items];
  const kept = Math.min(count, drawn.length);
  for (let i = 0; i < kept; i++) {
    const other = i + randomBelow(random, drawn.length - i);
    [drawn[i], drawn[other]] = [drawn[other]!, drawn[i]!];
  }
  return drawn.slice(0, kept);
}

/** The same items, in an order by chance. */
export function shuffled<Item>(items: Iterable<Item>, random: Random): Item[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const other = randomBelow(random, i + 1);
    [order[i], order[other]] = [order[other]!, order[i]!];
  }
  return order;
}

/** `value` stretched or shrunk by up to `share` (0.1 is ±10 %). */
export function jittered(random: Random, value: number, share: number): number {
  return value * (1 + share * (2 * random() - 1));
}
