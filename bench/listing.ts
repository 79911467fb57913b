/**
 * The listing's store at sizes of a day, a year and a whole network: how fast rows come in, how many bytes each takes on
 * disk with its search index, and how long searches take (misspelt titles, and all kinds by turns) and pages of the whole
 * list, at rest and while a sync runs at full rate; and what 100,000 fakes under the names of 2,000 honest rows do to searches. One JSON line each; one list
 * grows from size to size.
 *
 *   npm run bench:listing -- [--rows 10000,100000,1000000] [--searches 600] [--fakes 100000] [--seed 1]
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type ListingStore, openListingStore, type StoredItem } from '../src/io/index.ts';
import { randomOf } from '../test/listing/titles.ts';
import { browse, search, searchMixed } from './listing-questions.ts';
import { RowMaker, SyncFeed } from './listing-rows.ts';
import { measureSpam } from './listing-spam.ts';
import { machineFacts } from './machine.ts';

/** Rows of one write of an import. */
const BATCH = 1000;
/** After opening, the commonest words are looked up while nothing else is asked. */
const SETTLE_MS = 8000;

const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000,100000,1000000' },
    searches: { type: 'string', default: '600' },
    fakes: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
  },
});
const seed = Number(flags.seed);
const searches = Number(flags.searches);
const sizes = flags.rows
  .split(',')
  .map(Number)
  .sort((a, b) => a - b);

const folder = mkdtempSync(join(tmpdir(), 'monsoon-bench-'));
try {
  const random = randomOf(seed);
  const rows = new RowMaker(random, sizes.at(-1) ?? 0);
  for (const size of sizes) print('listing', await measure(rows, size, random));
  print('listing-spam', await measureSpam(Number(flags.fakes), searches, random));
} finally {
  rmSync(folder, { recursive: true });
}

function print(bench: string, line: object): void {
  console.log(JSON.stringify({ bench, ...machineFacts(), seed, ...line }));
}

async function measure(rows: RowMaker, size: number, random: () => number): Promise<object> {
  const file = join(folder, 'listing.sqlite');
  let store = await opened(file);
  const imported = await grow(store, rows, size);
  await store.close();
  const bytesPerRow = Math.round(statSync(file).size / size);
  const openedAt = performance.now();
  store = await opened(file);
  const openMs = Math.round(performance.now() - openedAt);
  await pause((SETTLE_MS * size) / 1_000_000);
  const measured = async (): Promise<object> => ({
    search: await search(store, rows.wanted(searches), random),
    mix: await searchMixed(store, rows.wanted(searches), random),
    browse: await browse(store, size),
  });
  const idle = await measured();
  const feed = new SyncFeed(rows);
  const syncRowsPerSecond = await feed.run(store);
  const syncing = feed.runUntilStopped(store);
  const whileSyncing = await measured();
  feed.stop();
  const rowsPerSecond = await syncing;
  await store.close();
  return {
    rows: size,
    importRowsPerSecond: imported,
    syncRowsPerSecond,
    bytesPerRow,
    openMs,
    idle,
    whileSyncing: { ...whileSyncing, rowsPerSecond },
  };
}

function opened(file: string): Promise<ListingStore> {
  return openListingStore(file, { rowsMax: 2 * sizes.at(-1)!, warn: (text) => console.error(text) });
}

/** Adds rows up to a number of them; returns how many a second. */
async function grow(store: ListingStore, rows: RowMaker, size: number): Promise<number> {
  const startedAt = performance.now();
  const had = rows.made;
  let writing: Promise<number> | undefined;
  while (rows.made < size) {
    const batch: StoredItem[] = Array.from({ length: Math.min(BATCH, size - rows.made) }, () => rows.next());
    await writing;
    writing = store.put(batch);
  }
  await writing;
  return Math.round(((rows.made - had) / (performance.now() - startedAt)) * 1000);
}
