/**
 * The listing's store at sizes of a day, a year and a whole network: how fast rows come in, from a file and from a
 * supernode's pages, how many bytes each takes on disk with its search index, and how long searches take: misspelt
 * titles in another order, words that many rows share, and pages of the whole list; at the largest size while a sync
 * runs at full rate. One JSON line for each size.
 *
 *   npm run bench:listing -- [--rows 10000,100000,1000000] [--searches 500] [--seed 1]
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { infoHashOfBytes, isFault, type NodeId, nodeIdOfBytes, wallSeconds } from '../src/base/index.ts';
import { identityOfSeed, verify } from '../src/io/identity.ts';
import { type ListingStore, openListingStore, type StoredItem } from '../src/io/index.ts';
import { encodeListingPage, openEntry, parseListingPage, sealEntry, wordsOf } from '../src/listing/index.ts';
import { NOW } from '../test/listing/signer.ts';
import { randomOf, type Title, Titles, withSwappedWords, withTypo } from '../test/listing/titles.ts';
import { machineFacts } from './machine.ts';

const BATCH = 100;
/** As app/listing/listing-sync.ts stores what came: a search waits for one such step at most. */
const SYNC_BATCH = 25;
const SYNCED_ROWS = 5000;
/** Of so many rows one publisher has one, on average. */
const ROWS_PER_PUBLISHER = 20;
const ROUNDS = 5;

const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000,100000,1000000' },
    searches: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
  },
});
const seed = Number(flags.seed);
const searches = Number(flags.searches);
const sizes = flags.rows.split(',').map(Number);

interface Wanted {
  readonly key: string;
}

for (const rows of sizes) {
  const folder = mkdtempSync(join(tmpdir(), 'monsoon-bench-'));
  try {
    const line = await measure(join(folder, 'listing.sqlite'), rows, rows === Math.max(...sizes));
    console.log(JSON.stringify({ bench: 'listing', ...machineFacts(), seed, ...line }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measure(file: string, rows: number, whileSyncing: boolean): Promise<object> {
  const random = randomOf(seed);
  const titles = new Titles(random);
  const publishers = Array.from(
    { length: Math.ceil(rows / ROWS_PER_PUBLISHER) },
    () => nodeIdOfBytes(randomBytes(32))!,
  );
  const options = { rowsMax: rows * 2, warn: (text: string) => console.error(text) };
  let store = await openListingStore(file, options);
  const wanted: Wanted[] = [];
  let importMs = 0;
  for (let at = 0; at < rows; at += BATCH) {
    const batch: StoredItem[] = [];
    for (let i = at; i < Math.min(rows, at + BATCH); i++) {
      const title = titles.next();
      batch.push(itemOf(title, publishers[Math.floor(random() ** 2 * publishers.length)]!, random));
      if (i % Math.ceil(rows / searches) === 0) wanted.push({ key: title.key });
    }
    const startedAt = performance.now();
    await store.put(batch);
    importMs += performance.now() - startedAt;
  }
  await store.close();
  const bytesPerRow = Math.round(statSync(file).size / rows);
  const openedAt = performance.now();
  store = await openListingStore(file, options);
  const openMs = Math.round(performance.now() - openedAt);
  const quiet = await search(store, wanted, random);
  const browse = await browsing(store, rows);
  const sync = await synced(store, titles, random);
  const busy = whileSyncing ? await searchWhileSyncing(store, wanted, titles, publishers, random) : undefined;
  await store.close();
  return {
    rows,
    importRowsPerSecond: Math.round((rows / importMs) * 1000),
    syncRowsPerSecond: sync,
    bytesPerRow,
    openMs,
    ...quiet,
    ...browse,
    ...(busy && { whileSyncing: busy }),
  };
}

function itemOf(title: Title, publisher: NodeId, random: () => number): StoredItem {
  const published = wallSeconds(NOW - Math.floor(random() * 30_000_000));
  const hash = infoHashOfBytes(randomBytes(20))!;
  const entry = { ...title, infoHash: hash, publisher, published, sequence: published, isWithdrawn: false };
  // Nothing here checks signatures, but they take their bytes, which nothing compresses.
  const bytes = sealEntry(entry, () => randomBytes(64));
  return { entry, bytes, isVerified: true, isPinned: false };
}

async function search(store: ListingStore, wanted: readonly Wanted[], random: () => number) {
  const times: number[] = [];
  let found = 0;
  for (const { key } of wanted) {
    const typed = withSwappedWords(withTypo(key, random), random);
    const startedAt = performance.now();
    const { rows } = await store.list({ text: typed, limit: 50 }, NOW);
    times.push(performance.now() - startedAt);
    const isWanted = (name: string): boolean => wordsOf(key).every((word) => wordsOf(name).includes(word));
    if (rows.slice(0, 3).some(({ name }) => isWanted(name))) found++;
  }
  return { searchMs: percentiles(times), inTop3: Number((found / wanted.length).toFixed(3)) };
}

/** The middle and the end of the whole list in every order, five times each. */
async function browsing(store: ListingStore, rows: number) {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const sort of ['age', 'best', 'seeds', 'size', 'name'] as const) {
      for (const offset of [0, Math.floor(rows / 2)]) {
        const startedAt = performance.now();
        await store.list({ sort, offset, limit: 50 }, NOW);
        times.push(performance.now() - startedAt);
      }
    }
  }
  return { browseMs: percentiles(times) };
}

/** Rows per second of what a client does with a supernode's pages: parse, check each signature, store. */
async function synced(store: ListingStore, titles: Titles, random: () => number): Promise<number> {
  const publisher = identityOfSeed(randomBytes(32));
  const pages: Uint8Array[] = [];
  for (let at = 0; at < SYNCED_ROWS; at += BATCH) {
    const items = Array.from({ length: BATCH }, () => {
      const { entry } = itemOf(titles.next(), publisher.nodeId, random);
      return { entry: sealEntry(entry, publisher.sign), counts: {}, isVerified: true };
    });
    pages.push(encodeListingPage({ cursor: 'x', more: true, source: publisher.nodeId, items }));
  }
  const startedAt = performance.now();
  for (const bytes of pages) {
    const page = parseListingPage(bytes);
    if (isFault(page)) throw new Error(page.text);
    const opened = page.items.flatMap((item) => {
      const entry = openEntry(item.entry, verify, NOW);
      return isFault(entry) ? [] : [{ entry, bytes: item.entry, isVerified: true, isPinned: false }];
    });
    for (let at = 0; at < opened.length; at += SYNC_BATCH) await store.put(opened.slice(at, at + SYNC_BATCH));
  }
  return Math.round((SYNCED_ROWS / (performance.now() - startedAt)) * 1000);
}

async function searchWhileSyncing(
  store: ListingStore,
  wanted: readonly Wanted[],
  titles: Titles,
  publishers: readonly NodeId[],
  random: () => number,
) {
  let isOver = false;
  let stored = 0;
  const startedAt = performance.now();
  const syncing = (async () => {
    while (!isOver) {
      const batch = Array.from({ length: SYNC_BATCH }, () => itemOf(titles.next(), publishers[0]!, random));
      stored += await store.put(batch);
    }
  })();
  const found = await search(store, wanted, random);
  isOver = true;
  await syncing;
  return { ...found, rowsPerSecond: Math.round((stored / (performance.now() - startedAt)) * 1000) };
}

function percentiles(times: readonly number[]) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Number(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!.toFixed(1));
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
