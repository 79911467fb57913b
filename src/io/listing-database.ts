/**
 * The listing in SQLite, synchronous: meant for the store's worker thread. Keeps the rules of src/listing inside one
 * transaction per call, so that a killed process leaves all of a call or nothing of it. Knows no clock, no network
 * and no signatures: what comes in was opened before.
 */
import { randomBytes } from 'node:crypto';
import {
  equalBytes,
  type InfoHash,
  infoHashBytes,
  infoHashOfBytes,
  isFault,
  MonsoonError,
  type NodeId,
  type WallSeconds,
  wallSeconds,
} from '../base/index.ts';
import {
  CATEGORIES,
  compareCandidates,
  type Entry,
  hashPrefixOf,
  isSuccessor,
  LIST_LIMIT_DEFAULT,
  type ListingAnswer,
  type ListingQuery,
  type ListingRow,
  openEntry,
  PAGE_ITEMS_MAX,
} from '../listing/index.ts';
import type { Arc } from '../ports/index.ts';
import { newDenyList } from './deny-rules.ts';
import { isInArcs, spansOf } from './listing-arcs.ts';
import { EntryTable } from './listing-entries.ts';
import { prepareTables } from './listing-format.ts';
import { ListingIndex } from './listing-index.ts';
import { InfoTable } from './listing-infos.ts';
import {
  type CountedColumns,
  changeOf,
  DamagedRow,
  entryOfRow,
  FLAG,
  figuresOf,
  figuresOfEntry,
  flagsOf,
  type HashCounts,
  hashOfRow,
  type ListingChanges,
  listingRowOf,
  type StoredItem,
  sealedOfRow,
  textsOfRow,
} from './listing-rows.ts';
import { type Row, Sql } from './sql.ts';

/** Most publishers kept for one hash: more than can be shown, few enough to look through at every entry. */
export const PUBLISHERS_PER_HASH_MAX = 16;
/** Most rows that a search by name or prefix finds. */
export const FOUND_MAX = 20;
/** Change numbers skipped at each opening: power loss may undo the newest commits, and no number may come twice. */
const CHANGE_GAP: number = 2 ** 20;
/** At the cap this share of the rows goes at once, since finding those worth least looks at them all. */
const EVICTION_SHARE: number = 1 / 64;
/** Share of the rows that may be withdrawn entries and those of other publishers, which nobody sees. */
const UNLISTED_SHARE: number = 1 / 8;

export interface DatabaseLimits {
  /** Most entries, tombstones included. */
  readonly rowsMax: number;
  /** Most bytes of stored info dictionaries. */
  readonly infoBytesMax: number;
}

/** How old the time of a count may get while the count stays the same. */
const COUNTED_GRANULARITY_SECONDS = 300;
/** Entries looked at for one page where only some arcs are asked for. */
const LOOKED_AT_MAX = 4000;

interface Sibling {
  readonly row: Row;
  readonly id: number;
  readonly entry: Entry;
  readonly isVerified: boolean;
  readonly isPinned: boolean;
  readonly isShown: boolean;
}

/** One open listing file. Every method may throw what SQLite throws, and DamagedRow. */
export class ListingDatabase {
  readonly #sql: Sql;
  readonly #limits: DatabaseLimits;
  readonly #generation: string;
  readonly #infos: InfoTable;
  #entries: EntryTable;
  #index: ListingIndex;
  #change: number;
  #denied = newDenyList();
  /** Entries that are not shown, oldest first; at most UNLISTED_SHARE of the rows after an eviction. */
  #unlisted = new Set<number>();

  constructor(file: string, limits: DatabaseLimits) {
    this.#limits = limits;
    this.#sql = new Sql(file);
    try {
      this.#sql.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
      this.#sql.exec('PRAGMA cache_size = -32000; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 16777216');
      const version = prepareTables(this.#sql, randomBytes(6).toString('hex'));
      const meta = this.#sql.one('SELECT generation, change FROM meta');
      if (!meta) throw new DamagedRow('the listing has lost its generation');
      this.#generation = String(meta.generation);
      this.#change = Number(meta.change) + CHANGE_GAP;
      [this.#entries, this.#index] = this.#load();
      if (version === 1) this.#convertFirstFormat();
      this.#infos = new InfoTable(this.#sql, limits.infoBytesMax, (hash) => this.#siblings(hash).some(isPinned));
    } catch (error) {
      this.#sql.close();
      throw error;
    }
  }

  /** Stores entries by the rules of src/listing; returns how many changed what is stored. */
  put(items: readonly StoredItem[]): number {
    return this.#transaction(() => {
      let changed = 0;
      for (const item of items) if (this.#isWelcome(item) && this.#admit(item)) changed++;
      this.#evict();
      return changed;
    });
  }

  /** Notes what one node counted at one time; older counts, and hashes of which nothing was counted, are ignored. */
  setCounts(counts: readonly HashCounts[], source: NodeId, at: WallSeconds): void {
    const news = counts.flatMap(({ infoHash, seeders = null, leechers = null, completions = null }) => {
      if (seeders === null && leechers === null && completions === null) return [];
      const counted: CountedColumns = { seeders, leechers, completions, counted: at };
      return this.#entries
        .ofHash(infoHashBytes(infoHash))
        .flatMap((row) => (isNews(row, counted) ? [{ row, counted }] : []));
    });
    // A quiet network counts the same again and again: that is not worth a write.
    if (news.length === 0) return;
    this.#transaction(() => {
      const sourceId = this.#entries.sourceId(source);
      for (const { row, counted } of news) {
        const change = isSameCount(row, counted) ? undefined : ++this.#change;
        this.#entries.setCounts(Number(row.id), counted, sourceId, change);
        this.#index.columns.setCounts(Number(row.id), figuresOf({ ...row, ...counted }));
      }
    });
  }

  get(infoHash: InfoHash, now: WallSeconds): ListingRow | undefined {
    const shown = this.#siblings(infoHashBytes(infoHash)).find(({ isShown }) => isShown);
    return shown && listingRowOf(shown.row, now);
  }

  /** The sealed bytes of one publisher's entry, withdrawn or not: an edit needs its sequence. */
  getEntry(infoHash: InfoHash, publisher: NodeId): Uint8Array | undefined {
    const found = this.#siblings(infoHashBytes(infoHash)).find(({ entry }) => entry.publisher === publisher);
    return found && sealedOfRow(found.row, found.entry);
  }

  /** @param prefix 1–40 hex digits; anything else finds nothing */
  findByPrefix(prefix: string, now: WallSeconds): ListingRow[] {
    return this.#entries.byHashPrefix(prefix, FOUND_MAX).map((row) => listingRowOf(row, now));
  }

  /** Rows of exactly this name, letters in either case, newest first. */
  findByName(name: string, now: WallSeconds): ListingRow[] {
    return this.#index.named(name, FOUND_MAX).map((id) => listingRowOf(this.#entries.get(id), now));
  }

  list(query: ListingQuery, now: WallSeconds): ListingAnswer {
    // What may be a hash is looked for as one too; such rows stand before all others.
    const byHash = this.#entries.byHashPrefix(hashPrefixOf(query.text ?? '') ?? '', FOUND_MAX);
    const { offset = 0, limit = LIST_LIMIT_DEFAULT } = query;
    const first = byHash.slice(offset, offset + limit);
    const others = { ...query, offset: Math.max(0, offset - byHash.length), limit: limit - first.length };
    const { only } = this.#denied;
    const found = this.#index.search(
      only.size === 0 ? others : { ...others, publisher: query.publisher ?? '' },
      now,
      (start) => (only.size === 0 ? this.#entries.publishersLike(start) : this.#entries.publishersAmong(only, start)),
    );
    const isFirst = new Set(byHash.map(({ id }) => Number(id)));
    const rest = found.ids.filter((id) => !isFirst.has(id)).map((id) => this.#entries.get(id));
    const { corrected } = found;
    return {
      rows: [...first, ...rest].map((row) => listingRowOf(row, now)),
      total: found.total + byHash.length,
      ...(corrected !== undefined && byHash.length === 0 && { corrected }),
    };
  }

  /** How many torrents `list` shows, in one category or in all. */
  rowCount(category?: string): number {
    const { columns } = this.#index;
    if (category === undefined) return columns.size;
    return columns.filtered({ category: (CATEGORIES as readonly string[]).indexOf(category) }).length;
  }

  /**
   * What changed after a cursor, oldest change first; an empty or foreign cursor starts from the beginning.
   * @param limit at most PAGE_ITEMS_MAX
   * @param arcs only hashes in one of these; all when absent. A page may then be short, or empty, and more follow
   */
  changesSince(cursor: string, limit: number, arcs?: readonly Arc[]): ListingChanges {
    const [generation, change] = cursor.split('.');
    const since = generation === this.#generation && /^[0-9]{1,15}$/.test(change ?? '') ? Number(change) : 0;
    const itemsMax = Math.min(Math.max(limit, 0), PAGE_ITEMS_MAX);
    const lookedAtMax = arcs ? LOOKED_AT_MAX : itemsMax + 1;
    const changed = this.#entries.changedAfter(since, lookedAtMax);
    const wanted = arcs ? changed.filter(({ start }) => isInArcs(Number(start), arcs)) : changed;
    const page = wanted.slice(0, itemsMax);
    const isRead = changed.length < lookedAtMax;
    const more = wanted.length > itemsMax || !isRead;
    // Up to the last one given, or, where all that fit were given, the last one looked at.
    const last = wanted.length > itemsMax ? page.at(-1) : changed.at(-1);
    const reached = more ? Number(last?.change ?? since) : this.#change;
    const items = page.map(({ id }) => changeOf(this.#entries.get(Number(id))));
    return { cursor: `${this.#generation}.${reached}`, more, items };
  }

  /** The newest and the best rows, half of each, for somebody who has none yet. */
  firstPage(limit: number): ListingChanges {
    const { columns } = this.#index;
    const all = columns.filtered({});
    const half = Math.ceil(Math.min(limit, PAGE_ITEMS_MAX) / 2);
    const newest = columns.part(all, 'age', false, 0, half).ids;
    const best = columns.part(all, 'best', false, 0, half).ids;
    const items = [...new Set([...newest, ...best])].map((id) => changeOf(this.#entries.get(id)));
    return { cursor: `${this.#generation}.0`, more: items.length < columns.size, items };
  }

  /** Lets entries of an arc count as changed: whoever asks by cursor hears of them again. */
  touch(arc: Arc): void {
    this.#transaction(() => {
      for (const [from, to] of spansOf(arc)) {
        for (const id of this.#entries.startingWithin(from, to)) {
          this.#entries.setChange(id, ++this.#change);
        }
      }
    });
  }

  /** Takes deny rules in the place of those before: what they name goes, and is not taken again; pinned entries stay. */
  deny(rules: string): void {
    const denied = newDenyList();
    denied.add(rules);
    this.#denied = denied;
    if (denied.size === 0) return;
    this.#transaction(() => {
      for (const id of this.#entries.ids()) {
        const sibling = siblingOf(this.#entries.get(id));
        if (sibling.isPinned || denied.reason(sibling.entry) === undefined) continue;
        this.#delete(sibling);
        this.#showOne(hashOfRow(sibling.row));
      }
    });
  }

  /** The sealed bytes of what a publisher of this machine published, withdrawn or not. */
  ownEntries(publisher: NodeId): Uint8Array[] {
    return this.#entries.pinnedOf(publisher).map((row) => sealedOfRow(row, entryOfRow(row)));
  }

  /** Keeps an info dictionary, dropping the oldest for room; false when it is larger than all the room there is. */
  putInfo(infoHash: InfoHash, raw: Uint8Array): boolean {
    return this.#transaction(() => this.#infos.put(infoHash, raw));
  }

  /** Of the next entries by number those whose info dictionary is not kept; '' begins, and comes at the end. */
  infosMissing(cursor: string): { cursor: string; hashes: InfoHash[] } {
    const rows = this.#entries.after(Number(cursor || '0'), LOOKED_AT_MAX / 4);
    const hashes = rows
      .filter((row) => (Number(row.flags) & FLAG.shown) !== 0)
      .flatMap((row) => infoHashOfBytes(hashOfRow(row)) ?? [])
      .filter((infoHash) => !this.#infos.has(infoHash));
    return { cursor: rows.length === 0 ? '' : String(rows.at(-1)!.id), hashes };
  }

  /** The sealed bytes of all publishers' entries of a hash. */
  entriesOf(infoHash: InfoHash): Uint8Array[] {
    return this.#siblings(infoHashBytes(infoHash)).map(({ row, entry }) => sealedOfRow(row, entry));
  }

  getInfo(infoHash: InfoHash): Uint8Array | undefined {
    return this.#infos.get(infoHash);
  }

  close(): void {
    this.#sql.close();
  }

  /** Takes over the entries of the first format and ends the transaction that `prepareTables` began. */
  #convertFirstFormat(): void {
    const rows = this.#sql.all('SELECT sealed, verified, pinned FROM first_entry ORDER BY change');
    for (const row of rows) {
      const bytes = row.sealed as Uint8Array;
      const entry = openEntry(bytes, () => true, wallSeconds(Number.MAX_SAFE_INTEGER));
      if (isFault(entry)) throw new DamagedRow(`a stored entry does not open: ${entry}`);
      this.#admit({ entry, bytes, isVerified: row.verified === 1, isPinned: row.pinned === 1 });
    }
    this.#sql.run('UPDATE meta SET change = ?', this.#change);
    this.#sql.exec('DROP TABLE first_entry; COMMIT');
  }

  /** What memory holds of each entry. */
  #load(): [EntryTable, ListingIndex] {
    const entries = new EntryTable(this.#sql);
    const index = new ListingIndex(this.#sql, (ids) => entries.texts(ids).map(textsOfRow));
    this.#unlisted = new Set();
    for (const row of entries.load()) {
      const id = Number(row.id);
      if (Number(row.flags) & FLAG.shown) index.columns.set(id, figuresOf(row));
      else this.#unlisted.add(id);
    }
    return [entries, index];
  }

  #isWelcome({ entry, isPinned }: StoredItem): boolean {
    return isPinned || this.#denied.size === 0 || this.#denied.reason(entry) === undefined;
  }

  #admit(item: StoredItem): boolean {
    const hash = infoHashBytes(item.entry.infoHash);
    const siblings = this.#siblings(hash);
    if (siblings.length === 0) {
      this.#insertAlone(item);
      return true;
    }
    const stored = siblings.find(({ entry }) => entry.publisher === item.entry.publisher);
    if (!stored) {
      if (siblings.length >= PUBLISHERS_PER_HASH_MAX && !this.#makeRoom(siblings, item)) return false;
      this.#unlisted.add(this.#entries.insert(item, ++this.#change, flagsOf(item), siblings[0]?.row).id);
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
    const { id, publisher } = this.#entries.insert(item, ++this.#change, flags, undefined);
    if (isWithdrawn) this.#unlisted.add(id);
    else this.#index.add(id, item.entry, figuresOfEntry(item, publisher));
  }

  /** Replaces an entry by its successor; what was verified stays so while the facts stay the same. */
  #rewrite(stored: Sibling, item: StoredItem): void {
    const { entry } = item;
    const areFactsKept =
      entry.name === stored.entry.name && entry.size === stored.entry.size && entry.files === stored.entry.files;
    this.#unlist(stored);
    const isVerified = item.isVerified || (stored.isVerified && areFactsKept);
    const flags = flagsOf({ entry, isVerified, isPinned: item.isPinned || stored.isPinned });
    this.#entries.replace(stored.id, item, ++this.#change, flags);
  }

  /** The same entry again: it may by now be verified or pinned. */
  #confirm(stored: Sibling, item: StoredItem): boolean {
    const isRaised = (item.isVerified && !stored.isVerified) || (item.isPinned && !stored.isPinned);
    if (!isRaised || !equalBytes(item.bytes, sealedOfRow(stored.row, stored.entry))) return false;
    this.#unlist(stored);
    const isVerified = item.isVerified || stored.isVerified;
    const flags = flagsOf({ entry: item.entry, isVerified, isPinned: item.isPinned || stored.isPinned });
    this.#entries.setFlags(stored.id, flags, ++this.#change);
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
    const siblings = this.#siblings(hash);
    const shown = siblings.filter(({ entry }) => !entry.isWithdrawn).toSorted(compareSiblings)[0];
    for (const sibling of siblings) if (sibling !== shown) this.#unlist(sibling);
    if (!shown || shown.isShown) return;
    this.#entries.setFlags(shown.id, Number(shown.row.flags) | FLAG.shown, undefined);
    this.#index.add(shown.id, shown.entry, figuresOf(shown.row));
    this.#unlisted.delete(shown.id);
  }

  #unlist({ id, isShown, entry, row }: Sibling): void {
    if (!isShown) return;
    this.#entries.setFlags(id, Number(row.flags) & ~FLAG.shown, undefined);
    this.#index.remove(id, entry);
    this.#unlisted.add(id);
  }

  #delete(sibling: Sibling): void {
    this.#unlist(sibling);
    this.#unlisted.delete(sibling.id);
    this.#entries.delete(sibling.row);
  }

  /** What nobody sees goes first, the oldest first; then the listed rows worth least. */
  #evict(): void {
    const { rowsMax } = this.#limits;
    if (this.#entries.size <= rowsMax) return;
    let excess = this.#entries.size - rowsMax + Math.floor(rowsMax * EVICTION_SHARE);
    let hidden = Math.min(excess, Math.max(0, this.#unlisted.size - Math.floor(rowsMax * UNLISTED_SHARE)));
    for (const id of this.#unlisted) {
      if (hidden === 0) break;
      const sibling = siblingOf(this.#entries.get(id));
      if (sibling.isPinned) continue;
      this.#delete(sibling);
      hidden--;
      excess--;
    }
    for (const id of this.#index.columns.leastWorth(excess)) {
      const sibling = siblingOf(this.#entries.get(id));
      this.#delete(sibling);
      this.#showOne(hashOfRow(sibling.row));
    }
    this.#entries.dropIdlePublishers();
    if (this.#entries.size > rowsMax) {
      throw new MonsoonError(
        'refused',
        `the listing holds ${rowsMax} entries and all of them are yours: withdraw some`,
      );
    }
  }

  #siblings(hash: Uint8Array): Sibling[] {
    return this.#entries.ofHash(hash).map(siblingOf);
  }

  #transaction<Result>(work: () => Result): Result {
    this.#sql.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#sql.run('UPDATE meta SET change = ?', this.#change);
      this.#sql.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#sql.isInTransaction) this.#sql.exec('ROLLBACK');
      // Memory is ahead of the file now.
      [this.#entries, this.#index] = this.#load();
      this.#infos.recount();
      throw error;
    }
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

function isPinned(sibling: Sibling): boolean {
  return sibling.isPinned;
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
