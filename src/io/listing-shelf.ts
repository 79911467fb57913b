/**
 * The entries that are stored, and which of them are listed: the rules of src/listing applied to the tables and to what
 * memory holds of them. Every method is a part of somebody's transaction; after one that was undone a new shelf is made.
 */
import { equalBytes, infoHashBytes, MonsoonError, type NodeId, type Steps } from '../base/index.ts';
import { compareCandidates, type DenyList, type Entry, isSuccessor } from '../listing/index.ts';
import type { Arc } from '../ports/index.ts';
import { spansOf } from './listing-arcs.ts';
import { EntryTable } from './listing-entries.ts';
import { ListingIndex } from './listing-index.ts';
import {
  type CountedColumns,
  entryOfRow,
  FLAG,
  figuresOf,
  figuresOfEntry,
  flagsOf,
  hashOfRow,
  type StoredItem,
  sealedOfRow,
  textsOfRow,
} from './listing-rows.ts';
import type { Row, Sql } from './sql.ts';

/** Most publishers kept for one hash: more than can be shown, few enough to look through at every entry. */
export const PUBLISHERS_PER_HASH_MAX = 16;
/** At the cap this share of the rows goes at once, since finding those worth least looks at them all. */
const EVICTION_SHARE: number = 1 / 64;
/** Share of the rows that may be withdrawn entries and those of other publishers, which nobody sees. */
const UNLISTED_SHARE: number = 1 / 8;

/** How old the time of a count may get while the count stays the same. */
const COUNTED_GRANULARITY_SECONDS = 300;

/** One of the entries of a hash. */
export interface Sibling {
  readonly row: Row;
  readonly id: number;
  readonly entry: Entry;
  readonly isVerified: boolean;
  readonly isPinned: boolean;
  readonly isShown: boolean;
}

/** What was counted of an entry. */
export interface CountedEntry {
  readonly row: Row;
  readonly counted: CountedColumns;
}

export class Shelf {
  readonly entries: EntryTable;
  readonly index: ListingIndex;
  /** The newest change. */
  change: number;
  readonly #rowsMax: number;
  /** Entries that are not shown, oldest first; at most UNLISTED_SHARE of the rows after an eviction. */
  readonly #unlisted = new Set<number>();

  constructor(sql: Sql, change: number, rowsMax: number) {
    this.entries = new EntryTable(sql);
    this.index = new ListingIndex(sql, (ids) => this.entries.texts(ids).map(textsOfRow));
    this.change = change;
    this.#rowsMax = rowsMax;
    for (const row of this.entries.load()) {
      const id = Number(row.id);
      if (Number(row.flags) & FLAG.shown) this.index.columns.set(id, figuresOf(row));
      else this.#unlisted.add(id);
    }
  }

  /** Takes what no rule denies; returns how many changed what is stored. */
  *putAll(items: readonly StoredItem[], denied: DenyList): Steps<number> {
    const { words } = this.index;
    let changed = 0;
    for (const item of items) {
      if ((item.isPinned || denied.size === 0 || denied.reason(item.entry) === undefined) && this.admit(item))
        changed++;
      yield;
      if (words.isFull) yield* words.merge();
    }
    yield* this.#evict();
    yield* words.merge();
    return changed;
  }

  /** Of these those that say something new. */
  *newCounts(counts: Iterable<readonly [hash: Uint8Array, CountedColumns]>): Steps<CountedEntry[]> {
    const news: CountedEntry[] = [];
    for (const [hash, counted] of counts) {
      for (const row of this.entries.ofHash(hash)) if (isNews(row, counted)) news.push({ row, counted });
      yield;
    }
    return news;
  }

  *noteCounts(news: readonly CountedEntry[], source: NodeId): Steps<void> {
    const sourceId = this.entries.sourceId(source);
    for (const { row, counted } of news) {
      const change = isSameCount(row, counted) ? undefined : ++this.change;
      this.entries.setCounts(Number(row.id), counted, sourceId, change);
      this.index.columns.setCounts(Number(row.id), figuresOf({ ...row, ...counted }));
      yield;
    }
  }

  /** Lets the entries of an arc count as changed. */
  *touchAll(arc: Arc): Steps<void> {
    for (const [from, to] of spansOf(arc)) {
      for (const id of this.entries.startingWithin(from, to)) {
        this.entries.setChange(id, ++this.change);
        yield;
      }
    }
  }

  /** Drops what rules deny, pinned entries aside. */
  *dropDenied(denied: DenyList): Steps<void> {
    const { words } = this.index;
    for (const id of this.#deniable(denied)) {
      yield;
      if (id === undefined) continue;
      const sibling = siblingOf(this.entries.get(id));
      if (sibling.isPinned || denied.reason(sibling.entry) === undefined) continue;
      this.#delete(sibling);
      this.#showOne(hashOfRow(sibling.row));
      if (words.isFull) yield* words.merge();
    }
    yield* words.merge();
  }

  /** The numbers of what these rules may name, or of everything; undefined now and then, while it is looked for. */
  *#deniable(denied: DenyList): Generator<number | undefined, void, void> {
    const { named } = denied;
    if (!named) return yield* this.entries.ids();
    for (const infoHash of named.hashes) {
      yield undefined;
      yield* this.siblings(Uint8Array.fromHex(infoHash)).map(({ row }) => Number(row.id));
    }
    for (const publisher of named.publishers) yield* this.entries.ids(Uint8Array.fromHex(publisher));
  }

  /** Stores an entry by the rules of src/listing; true when it changed what is stored. */
  admit(item: StoredItem): boolean {
    const hash = infoHashBytes(item.entry.infoHash);
    const siblings = this.siblings(hash);
    if (siblings.length === 0) {
      this.#insertAlone(item);
      return true;
    }
    const stored = siblings.find(({ entry }) => entry.publisher === item.entry.publisher);
    if (!stored) {
      if (siblings.length >= PUBLISHERS_PER_HASH_MAX && !this.#makeRoom(siblings, item)) return false;
      this.#unlisted.add(this.entries.insert(item, ++this.change, flagsOf(item), siblings[0]?.row).id);
    } else if (isSuccessor(item.entry, stored.entry)) {
      this.#rewrite(stored, item);
    } else if (!this.#confirm(stored, item)) {
      return false;
    }
    this.#showOne(hash);
    return true;
  }

  /** The first entry of a hash, which most are: nothing to compare it with, so nothing is read again. */
  #insertAlone(item: StoredItem): void {
    const { isWithdrawn } = item.entry;
    const flags = flagsOf(item) | (isWithdrawn ? 0 : FLAG.shown);
    const { id, publisher } = this.entries.insert(item, ++this.change, flags, undefined);
    if (isWithdrawn) this.#unlisted.add(id);
    else this.index.add(id, item.entry, figuresOfEntry(item, publisher));
  }

  /** Replaces an entry by its successor; what was verified stays so while the facts stay the same. */
  #rewrite(stored: Sibling, item: StoredItem): void {
    const { entry } = item;
    const areFactsKept =
      entry.name === stored.entry.name && entry.size === stored.entry.size && entry.files === stored.entry.files;
    this.#unlist(stored);
    const isVerified = item.isVerified || (stored.isVerified && areFactsKept);
    const flags = flagsOf({ entry, isVerified, isPinned: item.isPinned || stored.isPinned });
    this.entries.replace(stored.id, item, ++this.change, flags);
  }

  /** The same entry again: it may by now be verified or pinned. */
  #confirm(stored: Sibling, item: StoredItem): boolean {
    const isRaised = (item.isVerified && !stored.isVerified) || (item.isPinned && !stored.isPinned);
    if (!isRaised || !equalBytes(item.bytes, sealedOfRow(stored.row, stored.entry))) return false;
    this.#unlist(stored);
    const isVerified = item.isVerified || stored.isVerified;
    const flags = flagsOf({ entry: item.entry, isVerified, isPinned: item.isPinned || stored.isPinned });
    this.entries.setFlags(stored.id, flags, ++this.change);
    return true;
  }

  /** Drops the sibling that would be shown last, when the newcomer would be shown before it. */
  #makeRoom(siblings: readonly Sibling[], newcomer: StoredItem): boolean {
    const last = siblings
      .filter((sibling) => !sibling.isPinned)
      .toSorted(compareSiblings)
      .at(-1);
    if (!last || (!newcomer.isPinned && compareSiblings(newcomer, last) > 0)) return false;
    this.#delete(last);
    return true;
  }

  /** Makes exactly one live entry of a hash the shown one. */
  #showOne(hash: Uint8Array): void {
    const siblings = this.siblings(hash);
    const shown = siblings.filter(({ entry }) => !entry.isWithdrawn).toSorted(compareSiblings)[0];
    for (const sibling of siblings) if (sibling !== shown) this.#unlist(sibling);
    if (!shown || shown.isShown) return;
    this.entries.setFlags(shown.id, Number(shown.row.flags) | FLAG.shown, undefined);
    this.index.add(shown.id, shown.entry, figuresOf(shown.row));
    this.#unlisted.delete(shown.id);
  }

  #unlist({ id, isShown, entry, row }: Sibling): void {
    if (!isShown) return;
    this.entries.setFlags(id, Number(row.flags) & ~FLAG.shown, undefined);
    this.index.remove(id, entry);
    this.#unlisted.add(id);
  }

  #delete(sibling: Sibling): void {
    this.#unlist(sibling);
    this.#unlisted.delete(sibling.id);
    this.entries.delete(sibling.row);
  }

  /** What nobody sees goes first, the oldest first; then the listed rows worth least. */
  *#evict(): Steps<void> {
    const rowsMax = this.#rowsMax;
    if (this.entries.size <= rowsMax) return;
    let excess = this.entries.size - rowsMax + Math.floor(rowsMax * EVICTION_SHARE);
    let hidden = Math.min(excess, Math.max(0, this.#unlisted.size - Math.floor(rowsMax * UNLISTED_SHARE)));
    for (const id of this.#unlisted) {
      if (hidden === 0) break;
      const sibling = siblingOf(this.entries.get(id));
      if (sibling.isPinned) continue;
      this.#delete(sibling);
      hidden--;
      excess--;
      yield;
    }
    for (const id of this.index.columns.leastWorth(excess)) {
      const sibling = siblingOf(this.entries.get(id));
      this.#delete(sibling);
      this.#showOne(hashOfRow(sibling.row));
      yield;
      if (this.index.words.isFull) yield* this.index.words.merge();
    }
    if (this.entries.size > rowsMax) {
      throw new MonsoonError(
        'refused',
        `the listing holds ${rowsMax} entries and all of them are yours: withdraw some`,
      );
    }
  }

  /** All publishers' entries of a hash. */
  siblings(hash: Uint8Array): Sibling[] {
    return this.entries.ofHash(hash).map(siblingOf);
  }
}

function siblingOf(row: Row): Sibling {
  const flags = Number(row.flags);
  return {
    row,
    id: Number(row.id),
    entry: entryOfRow(row),
    isVerified: (flags & FLAG.verified) !== 0,
    isPinned: (flags & FLAG.pinned) !== 0,
    isShown: (flags & FLAG.shown) !== 0,
  };
}

function compareSiblings(
  a: Pick<StoredItem, 'entry' | 'isVerified'>,
  b: Pick<StoredItem, 'entry' | 'isVerified'>,
): number {
  return compareCandidates({ ...a.entry, isVerified: a.isVerified }, { ...b.entry, isVerified: b.isVerified });
}

function isSameCount(row: Row, { seeders, leechers, completions }: CountedColumns): boolean {
  return row.seeders === seeders && row.leechers === leechers && row.completions === completions;
}

/** Older counts are none, and the same count again is news after some minutes only. */
function isNews(row: Row, counted: CountedColumns): boolean {
  if (row.counted === null) return true;
  const ageSeconds = counted.counted - Number(row.counted);
  return isSameCount(row, counted) ? ageSeconds >= COUNTED_GRANULARITY_SECONDS : ageSeconds >= 0;
}
