/** Writes of every kind that the store knows, each following from a seed and its number alone. */
import { type InfoHash, type NodeId, wallSeconds } from '../../src/base/index.ts';
import type { ListingStore, StoredItem } from '../../src/io/index.ts';
import { infoHashOf, NOW, nodeIdOf, storedItem } from './signer.ts';
import { randomOf, Titles } from './titles.ts';

/** Hashes that entries have; few enough that many are edited and withdrawn. */
const HASHES = 4000;
const PUBLISHERS = 40;
const PAGE = 100;

export type Write =
  | { readonly kind: 'put'; readonly items: readonly StoredItem[] }
  | { readonly kind: 'count'; readonly hashes: readonly InfoHash[]; readonly seeders: number }
  | { readonly kind: 'touch' }
  | { readonly kind: 'info'; readonly infoHash: InfoHash; readonly raw: Uint8Array }
  | { readonly kind: 'deny'; readonly publisher: NodeId };

/** The write of a number: new entries, edits and withdrawals, a page of a sync, counts, an info dictionary, a rule. */
export function writeOf(seed: number, number: number): Write {
  const random = randomOf(seed * 100_003 + number);
  const whole = (below: number): number => Math.floor(random() * below);
  const titles = new Titles(random);
  const item = (pinnedShare: number): StoredItem => {
    const hash = whole(HASHES);
    const isWithdrawn = random() < 0.1;
    const { key: _key, ...title } = titles.next();
    const entry = {
      ...title,
      infoHash: infoHashOf(hash),
      publisher: nodeIdOf((hash + whole(2)) % PUBLISHERS),
      // Later writes replace earlier ones.
      sequence: number + 1,
      published: wallSeconds(NOW - whole(1_000_000)),
      isWithdrawn,
      ...(isWithdrawn && { name: '', files: 0, description: '' }),
    };
    return storedItem(entry, { isVerified: random() < 0.5, isPinned: random() < pinnedShare });
  };
  const draw = random();
  if (draw < 0.3) return { kind: 'put', items: [item(0.2)] };
  if (draw < 0.65) return { kind: 'put', items: Array.from({ length: PAGE + whole(PAGE) }, () => item(0.005)) };
  if (draw < 0.8) {
    return { kind: 'count', hashes: Array.from({ length: PAGE }, () => infoHashOf(whole(HASHES))), seeders: whole(9) };
  }
  if (draw < 0.85) return { kind: 'touch' };
  if (draw < 0.93) {
    return { kind: 'info', infoHash: infoHashOf(number), raw: new Uint8Array(1 + whole(50_000)).fill(number) };
  }
  return { kind: 'deny', publisher: nodeIdOf(whole(PUBLISHERS)) };
}

/** Performs a write; resolves when the store has acknowledged it. */
export async function perform(store: ListingStore, write: Write, number: number): Promise<void> {
  switch (write.kind) {
    case 'put':
      await store.put(write.items);
      break;
    case 'count': {
      const counts = write.hashes.map((infoHash) => ({ infoHash, seeders: write.seeders, leechers: number }));
      await store.setCounts(counts, nodeIdOf(number % 200), wallSeconds(NOW + number));
      break;
    }
    case 'touch':
      await store.touch({ from: infoHashOf(0), to: infoHashOf(HASHES / 2) });
      break;
    case 'info':
      await store.putInfo(write.infoHash, write.raw);
      break;
    case 'deny':
      await store.deny(`by:${write.publisher}`);
      // What is denied goes; later writes bring it back, so that there is always something to go.
      await store.deny('');
      break;
  }
}
