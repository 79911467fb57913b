/** Rows for the bench of the listing: as an import brings them, and as pages of a supernode that a client checks. */
import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { infoHashOfBytes, isFault, type NodeId, nodeIdOfBytes, wallSeconds } from '../src/base/index.ts';
import { identityOfSeed, verify } from '../src/io/identity.ts';
import type { ListingStore, StoredItem } from '../src/io/index.ts';
import { type Entry, encodeListingPage, openEntry, parseListingPage, sealEntry } from '../src/listing/index.ts';
import { NOW } from '../test/listing/signer.ts';
import { Titles } from '../test/listing/titles.ts';

/** Of so many rows one publisher has one, on average. */
const ROWS_PER_PUBLISHER = 20;
/** As app/listing/listing-front.ts gives them out. */
const PAGE_ITEMS = 100;
/** Pages made beforehand; each is used once at most, the clock of the bench is not that of signing. */
const PAGES = 60;
const KEPT_KEYS = 5000;

/** Makes rows one after the other, and remembers by what some of them would be looked for. */
export class RowMaker {
  readonly #random: () => number;
  readonly #titles: Titles;
  readonly #publishers: readonly NodeId[];
  readonly #keys: string[] = [];
  #made = 0;

  constructor(random: () => number, rowsMax: number) {
    this.#random = random;
    this.#titles = new Titles(random);
    const publishers = Math.ceil(rowsMax / ROWS_PER_PUBLISHER);
    this.#publishers = Array.from({ length: publishers }, () => nodeIdOfBytes(randomBytes(32))!);
  }

  get made(): number {
    return this.#made;
  }

  /** An entry of the next title; who publishes one has often published before. */
  entry(): Entry {
    const { key, ...title } = this.#titles.next();
    // Every row is as likely to be among those kept.
    const at = Math.floor(this.#random() * ++this.#made);
    if (this.#keys.length < KEPT_KEYS) this.#keys.push(key);
    else if (at < KEPT_KEYS) this.#keys[at] = key;
    const published = wallSeconds(NOW - Math.floor(this.#random() * 30_000_000));
    return {
      ...title,
      infoHash: infoHashOfBytes(randomBytes(20))!,
      publisher: this.#publishers[Math.floor(this.#random() ** 2 * this.#publishers.length)]!,
      published,
      sequence: published,
      isWithdrawn: false,
    };
  }

  next(): StoredItem {
    const entry = this.entry();
    // Nothing here checks signatures, but they take their bytes, which nothing compresses.
    return { entry, bytes: sealEntry(entry, () => randomBytes(64)), isVerified: true, isPinned: false };
  }

  /** What some rows would be looked for by. */
  wanted(count: number): string[] {
    return Array.from({ length: count }, () => this.#keys[Math.floor(this.#random() * this.#keys.length)]!);
  }
}

/** What a client does with a supernode's pages: parses, checks each signature, stores. */
export class SyncFeed {
  readonly #pages: Uint8Array[] = [];
  readonly #rows: RowMaker;
  #isStopped = false;

  constructor(rows: RowMaker) {
    this.#rows = rows;
    const publisher = identityOfSeed(randomBytes(32));
    for (let page = 0; page < PAGES; page++) {
      const items = Array.from({ length: PAGE_ITEMS }, () => {
        const entry = { ...rows.entry(), publisher: publisher.nodeId };
        return { entry: sealEntry(entry, publisher.sign), counts: {}, isVerified: true };
      });
      this.#pages.push(encodeListingPage({ cursor: 'x', more: true, source: publisher.nodeId, items }));
    }
  }

  /** Rows per second of all pages. */
  async run(store: ListingStore): Promise<number> {
    const startedAt = performance.now();
    for (const page of this.#pages) await store.put(await opened(page));
    return perSecond(PAGES * PAGE_ITEMS, startedAt);
  }

  /** The same at full rate until it is stopped, with rows that are new; their making counts as the network's time. */
  async runUntilStopped(store: ListingStore): Promise<number> {
    const startedAt = performance.now();
    let stored = 0;
    for (let at = 0; !this.#isStopped; at = (at + 1) % PAGES) {
      // What is checked is an old page, so that signing takes none of the time.
      await opened(this.#pages[at]!);
      const rows = Array.from({ length: PAGE_ITEMS }, () => this.#rows.next());
      stored += await store.put(rows);
    }
    return perSecond(stored, startedAt);
  }

  stop(): void {
    this.#isStopped = true;
  }
}

/** The entries of a page, each checked, as app/listing/listing-sync.ts does it. */
async function opened(bytes: Uint8Array): Promise<StoredItem[]> {
  const page = parseListingPage(bytes);
  if (isFault(page)) throw new Error(page.text);
  const items: StoredItem[] = [];
  for (const [i, { entry: sealed }] of page.items.entries()) {
    if (i % 25 === 0) await turn();
    const entry = openEntry(sealed, verify, NOW);
    if (!isFault(entry)) items.push({ entry, bytes: sealed, isVerified: true, isPinned: false });
  }
  return items;
}

function perSecond(rows: number, startedAt: number): number {
  return Math.round((rows / (performance.now() - startedAt)) * 1000);
}
