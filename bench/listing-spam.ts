/** What a flood of fakes under the names of honest rows does to searches: are they still in front, and how much later. */
import { type InfoHash, infoHashOfBytes, type NodeId, wallSeconds } from '../src/base/index.ts';
import { type ListingStore, openListingStore, type StoredItem } from '../src/io/index.ts';
import { infoHashOf, NOW, nodeIdOf, storedItem } from '../test/listing/signer.ts';
import { Titles, withSwappedWords, withTypo } from '../test/listing/titles.ts';
import { percentiles, type Times } from './listing-questions.ts';

const HONEST = 2000;
const HONEST_PUBLISHERS = 400;
const FLOODERS = 50;
const BATCH = 1000;

export async function measureSpam(fakes: number, searches: number, random: () => number): Promise<object> {
  const honest = honestRows(random);
  const quiet = await storeOf(honest, fakes);
  const flooded = await storeOf(honest, fakes);
  await flood(flooded, honest, fakes);
  const names = Array.from({ length: searches }, () => honest[Math.floor(random() * HONEST)]!.entry.name);
  const texts = names.map((name) => withSwappedWords(withTypo(name.replace(/[.]/g, ' '), random), random));
  const times = { quiet: [] as number[], flooded: [] as number[] };
  let first = 0;
  // By turns, so that what else the machine does meets both.
  for (const text of [...names, ...texts]) {
    times.quiet.push((await timed(quiet, text)).ms);
    const { ms, publisher } = await timed(flooded, text);
    times.flooded.push(ms);
    if (publisher !== undefined && !isFlooder(publisher)) first++;
  }
  const { rows } = await flooded.list({ sort: 'best', limit: 100 }, NOW);
  await quiet.close();
  await flooded.close();
  const [without, withFakes] = [percentiles(times.quiet), percentiles(times.flooded)];
  const ratio = (of: keyof Times): number => Number((withFakes[of] / without[of]).toFixed(1));
  return {
    honest: HONEST,
    fakes,
    without,
    with: withFakes,
    ratio: { p50: ratio('p50'), p99: ratio('p99') },
    honestFirst: Number((first / (2 * searches)).toFixed(3)),
    honestOfBest100: rows.filter(({ publisher }) => !isFlooder(publisher)).length,
  };
}

function honestRows(random: () => number): StoredItem[] {
  const titles = new Titles(random);
  return Array.from({ length: HONEST }, (_, i) => {
    const { key: _key, ...title } = titles.next();
    const publisher = publisherOf(1000 + (i % HONEST_PUBLISHERS));
    const entry = { ...title, infoHash: infoHashOf(i), publisher, published: wallSeconds(NOW - i * 600) };
    return storedItem(entry, { isVerified: true });
  });
}

async function storeOf(honest: readonly StoredItem[], fakes: number): Promise<ListingStore> {
  const store = await openListingStore(':memory:', { rowsMax: 2 * (HONEST + fakes), warn: console.error });
  await store.put(honest);
  const counts = honest.map(({ entry }, i) => ({ infoHash: entry.infoHash, seeders: i % 4 }));
  await store.setCounts(counts, nodeIdOf(1), NOW);
  return store;
}

/** Each calls itself what an honest row is called, and is as new as can be. */
async function flood(store: ListingStore, honest: readonly StoredItem[], fakes: number): Promise<void> {
  for (let at = 0; at < fakes; at += BATCH) {
    const batch = Array.from({ length: BATCH }, (_, i) => {
      const { entry } = honest[(at + i) % HONEST]!;
      const publisher = publisherOf((at + i) % FLOODERS);
      return storedItem({ ...entry, infoHash: fakeHash(at + i), publisher, published: NOW, description: '' });
    });
    await store.put(batch);
  }
}

async function timed(store: ListingStore, text: string): Promise<{ ms: number; publisher: NodeId | undefined }> {
  const startedAt = performance.now();
  const { rows } = await store.list({ text, limit: 50 }, NOW);
  return { ms: performance.now() - startedAt, publisher: rows[0]?.publisher };
}

function fakeHash(number: number): InfoHash {
  const bytes = new Uint8Array(20).fill(0xfa);
  new DataView(bytes.buffer).setUint32(0, number);
  return infoHashOfBytes(bytes)!;
}

function publisherOf(number: number): NodeId {
  return number.toString(16).padStart(64, '0') as NodeId;
}

function isFlooder(publisher: NodeId): boolean {
  return Number.parseInt(publisher, 16) < FLOODERS;
}
