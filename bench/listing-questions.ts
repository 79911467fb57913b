/** What is asked of the listing by its bench, and how long the answers take. */
import type { ListingStore } from '../src/io/index.ts';
import { wordsOf } from '../src/listing/index.ts';
import { NOW } from '../test/listing/signer.ts';
import { withSwappedWords, withTypo } from '../test/listing/titles.ts';
import { mixedSearches } from './listing-mix.ts';

const SORTS = ['age', 'best', 'seeds', 'size', 'name'] as const;
const BROWSE_ROUNDS = 5;

/** Milliseconds. */
export interface Times {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Titles with a typo and two words swapped, one after the other, and how many were among the first three. */
export async function search(
  store: ListingStore,
  wanted: readonly string[],
  random: () => number,
): Promise<Times & { readonly inTop3: number }> {
  const times: number[] = [];
  let found = 0;
  for (const key of wanted) {
    const text = withSwappedWords(withTypo(key, random), random);
    const startedAt = performance.now();
    const { rows } = await store.list({ text, limit: 50 }, NOW);
    times.push(performance.now() - startedAt);
    // Rows that share every word of the title are as good.
    const isWanted = (name: string): boolean => wordsOf(key).every((word) => wordsOf(name).includes(word));
    if (rows.slice(0, 3).some(({ name }) => isWanted(name))) found++;
  }
  return { ...percentiles(times), inTop3: Number((found / wanted.length).toFixed(3)) };
}

/** Searches of all kinds, by turns; and the kind that took longest, with half of its searches. */
export async function searchMixed(
  store: ListingStore,
  titles: readonly string[],
  random: () => number,
): Promise<Times & { readonly slowest: string; readonly slowestP50: number }> {
  const times: number[] = [];
  const timesOf = new Map<string, number[]>();
  for (const { kind, text } of mixedSearches(titles, random)) {
    const startedAt = performance.now();
    await store.list({ text, limit: 50 }, NOW);
    const ms = performance.now() - startedAt;
    times.push(ms);
    timesOf.getOrInsertComputed(kind, () => []).push(ms);
  }
  const medians = [...timesOf].map(([kind, of]) => [kind, percentiles(of).p50] as const);
  const [slowest, slowestP50] = medians.toSorted(([, a], [, b]) => b - a)[0]!;
  return { ...percentiles(times), slowest, slowestP50 };
}

/** The beginning and the middle of the whole list in several orders. */
export async function browse(store: ListingStore, rows: number): Promise<Times> {
  const times: number[] = [];
  for (let round = 0; round < BROWSE_ROUNDS; round++) {
    for (const sort of SORTS) {
      for (const offset of [0, Math.floor(rows / 2)]) {
        const startedAt = performance.now();
        await store.list({ sort, offset, limit: 50 }, NOW);
        times.push(performance.now() - startedAt);
      }
    }
  }
  return percentiles(times);
}

export function percentiles(times: readonly number[]): Times {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Number(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!.toFixed(1));
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
