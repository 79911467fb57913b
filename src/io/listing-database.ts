/**
 * The listing in SQLite, synchronous: meant for the store's worker thread. Keeps the rules of src/listing inside one
 * transaction per call, so that a killed process leaves all of a call or nothing of it. Knows no clock, no network
 * and no signatures: what comes in was opened before.
 */
import { randomBytes } from 'node:crypto';
import {
  type InfoHash,
  infoHashBytes,
  infoHashOfBytes,
  isFault,
  type NodeId,
  type Steps,
  type WallSeconds,
  wallSeconds,
} from '../base/index.ts';
import {
  CATEGORIES,
  hashPrefixOf,
  LIST_LIMIT_DEFAULT,
  type ListingAnswer,
  type ListingQuery,
  type ListingRow,
  linesBesides,
  openEntry,
  PAGE_ITEMS_MAX,
} from '../listing/index.ts';
import type { Arc } from '../ports/index.ts';
import { newDenyList } from './deny-rules.ts';
import { arcTest } from './listing-arcs.ts';
import { prepareTables } from './listing-format.ts';
import type { PublishersLike } from './listing-index.ts';
import { InfoTable } from './listing-infos.ts';
import {
  changeOf,
  DamagedRow,
  entryOfRow,
  FLAG,
  type HashCounts,
  hashOfRow,
  type ListingChange,
  type ListingChanges,
  listingRowOf,
  type StoredItem,
  sealedOfRow,
} from './listing-rows.ts';
import { Shelf, type Sibling } from './listing-shelf.ts';
import { Sql, sqliteCodeOf } from './sql.ts';

/** Most rows that a search by name or prefix finds. */
export const FOUND_MAX = 20;
/** Change numbers skipped at each opening: power loss may undo the newest commits, and no number may come twice. */
const CHANGE_GAP: number = 2 ** 20;
/** Fails where another process has the file open, and lets only this one open it from now on: a thread of ours does. */
const ONLY_OURS = `SELECT count(*) FROM sqlite_schema; PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT;
  PRAGMA locking_mode = NORMAL; SELECT count(*) FROM sqlite_schema`;

export interface DatabaseLimits {
  /** Most entries, tombstones included. */
  readonly rowsMax: number;
  /** Most bytes of stored info dictionaries. */
  readonly infoBytesMax: number;
}

/** Entries looked at for one page where only some arcs are asked for. */
const LOOKED_AT_MAX = 4000;

const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;
/** So many times as long as memory took to be read anew after a failed write, no other is tried. */
const RESTS_PER_FAILURE = 20;

/** One open listing file. Every method may throw what SQLite throws, and DamagedRow. */
export class ListingDatabase {
  readonly #sql: Sql;
  readonly #limits: DatabaseLimits;
  readonly #generation: string;
  readonly #infos: InfoTable;
  #shelf: Shelf;
  #denied = newDenyList();
  /** Those that everything here was held against. */
  #rules = '';
  /** When a write is tried again after one that failed, and how that did. */
  #restUntil = 0;
  #lastFailure: unknown;

  constructor(file: string, limits: DatabaseLimits) {
    this.#limits = limits;
    this.#sql = new Sql(file);
    try {
      this.#sql.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0');
      this.#sql.exec('PRAGMA cache_size = -32000; PRAGMA temp_store = MEMORY');
      this.#sql.exec(ONLY_OURS);
      const version = prepareTables(this.#sql, randomBytes(6).toString('hex'));
      const meta = this.#sql.one('SELECT generation, change FROM meta');
      if (!meta) throw new DamagedRow('the listing has lost its generation');
      this.#generation = String(meta.generation);
      this.#shelf = new Shelf(this.#sql, Number(meta.change) + CHANGE_GAP, limits.rowsMax);
      if (version === 1) this.#convertFirstFormat();
      this.#infos = new InfoTable(this.#sql, limits.infoBytesMax, (hash) => this.#shelf.siblings(hash).some(isPinned));
    } catch (error) {
      this.#sql.close();
      throw error;
    }
  }

  /** Stores entries by the rules of src/listing; returns how many changed what is stored. */
  put(items: readonly StoredItem[]): Steps<number> {
    return this.#transaction(this.#shelf.putAll(items, this.#denied));
  }

  /** Notes what one node counted at one time; older counts, and hashes of which nothing was counted, are ignored. */
  *setCounts(counts: readonly HashCounts[], source: NodeId, at: WallSeconds): Steps<void> {
    const known = counts.flatMap(({ infoHash, seeders = null, leechers = null, completions = null }) => {
      if (seeders === null && leechers === null && completions === null) return [];
      return [[infoHashBytes(infoHash), { seeders, leechers, completions, counted: at }] as const];
    });
    const news = yield* this.#shelf.newCounts(known);
    // A quiet network counts the same again and again: that is not worth a write.
    if (news.length > 0) yield* this.#transaction(this.#shelf.noteCounts(news, source));
  }

  get(infoHash: InfoHash, now: WallSeconds): ListingRow | undefined {
    const shown = this.#shelf.siblings(infoHashBytes(infoHash)).find(({ isShown }) => isShown);
    return shown && listingRowOf(shown.row, now);
  }

  /** The sealed bytes of one publisher's entry, withdrawn or not: an edit needs its sequence. */
  getEntry(infoHash: InfoHash, publisher: NodeId): Uint8Array | undefined {
    const found = this.#shelf.siblings(infoHashBytes(infoHash)).find(({ entry }) => entry.publisher === publisher);
    return found && sealedOfRow(found.row, found.entry);
  }

  /** @param prefix 1–40 hex digits; anything else finds nothing */
  findByPrefix(prefix: string, now: WallSeconds): ListingRow[] {
    return this.#shelf.entries.byHashPrefix(prefix, FOUND_MAX).map((row) => listingRowOf(row, now));
  }

  /** Rows of exactly this name, letters in either case, newest first. */
  findByName(name: string, now: WallSeconds): ListingRow[] {
    return this.#shelf.index.named(name, FOUND_MAX).map((id) => listingRowOf(this.#shelf.entries.get(id), now));
  }

  list(query: ListingQuery, now: WallSeconds): ListingAnswer {
    const { entries, index } = this.#shelf;
    const { only } = this.#denied;
    const asked = only.size === 0 ? query : { ...query, publisher: query.publisher ?? '' };
    const publishersLike: PublishersLike = (start) =>
      only.size === 0 ? entries.publishersLike(start) : entries.publishersAmong(only, start);
    // What may be a hash is looked for as one too; such rows stand before all others.
    const alike = entries.byHashPrefix(hashPrefixOf(query.text ?? '') ?? '', FOUND_MAX);
    const numbers = alike.map(({ id }) => Number(id));
    const kept = index.keeping(numbers, asked, now, publishersLike);
    const byHash = alike.filter((_, i) => kept.has(numbers[i]!));
    const { offset = 0, limit = LIST_LIMIT_DEFAULT } = query;
    const first = byHash.slice(offset, offset + limit);
    const others = { ...asked, offset: Math.max(0, offset - byHash.length), limit: limit - first.length };
    const { ids, total, corrected } = index.search(others, now, publishersLike, kept);
    return {
      rows: [...first, ...ids.map((id) => entries.get(id))].map((row) => listingRowOf(row, now)),
      total: byHash.length + total,
      ...(corrected !== undefined && byHash.length === 0 && { corrected }),
    };
  }

  /** How many torrents `list` shows, in one category or in all. */
  rowCount(category?: string): number {
    const { columns } = this.#shelf.index;
    if (category === undefined) return columns.size;
    return columns.filtered({ category: (CATEGORIES as readonly string[]).indexOf(category) }).length;
  }

  /**
   * What changed after a cursor, oldest change first; an empty or foreign cursor starts from the beginning.
   * @param limit at most PAGE_ITEMS_MAX
   * @param arcs only hashes in one of these; all when absent. A page may then be short, or empty, and more follow
   */
  *changesSince(cursor: string, limit: number, arcs?: readonly Arc[]): Steps<ListingChanges> {
    const [generation, change] = cursor.split('.');
    const since = generation === this.#generation && /^[0-9]{1,15}$/.test(change ?? '') ? Number(change) : 0;
    const itemsMax = Math.min(Math.max(limit, 0), PAGE_ITEMS_MAX);
    const lookedAtMax = arcs ? LOOKED_AT_MAX : itemsMax + 1;
    const changed = this.#shelf.entries.changedAfter(since, lookedAtMax);
    const isWanted = arcs && arcTest(arcs);
    const wanted = isWanted ? changed.filter(({ start }) => isWanted(Number(start))) : changed;
    const page = wanted.slice(0, itemsMax);
    const isRead = changed.length < lookedAtMax;
    const more = wanted.length > itemsMax || !isRead;
    // Up to the last one given, or, where all that fit were given, the last one looked at.
    const last = wanted.length > itemsMax ? page.at(-1) : changed.at(-1);
    const reached = more ? Number(last?.change ?? since) : this.#shelf.change;
    const items = yield* this.#changesOf(page.map(({ id }) => Number(id)));
    return { cursor: `${this.#generation}.${reached}`, more, items };
  }

  /** The newest and the best rows, half of each, for somebody who has none yet. */
  *firstPage(limit: number): Steps<ListingChanges> {
    const { columns } = this.#shelf.index;
    const all = columns.filtered({});
    const half = Math.ceil(Math.min(limit, PAGE_ITEMS_MAX) / 2);
    const newest = columns.part(all, 'age', false, 0, half).ids;
    const best = columns.part(all, 'best', false, 0, half).ids;
    const items = yield* this.#changesOf([...new Set([...newest, ...best])]);
    return { cursor: `${this.#generation}.0`, more: items.length < columns.size, items };
  }

  /** Lets entries of an arc count as changed: whoever asks by cursor hears of them again. */
  touch(arc: Arc): Steps<void> {
    return this.#transaction(this.#shelf.touchAll(arc));
  }

  /** Takes deny rules in the place of those before: what they name goes, and is not taken again; pinned entries stay. */
  *deny(rules: string): Steps<void> {
    const denied = newDenyList();
    yield* denied.addSteps(rules);
    const news = newDenyList();
    yield* news.addSteps((yield* linesBesides([rules], [this.#rules])).join('\n'));
    this.#denied = denied;
    // What was denied before is not here any more.
    if (news.size > 0) yield* this.#transaction(this.#shelf.dropDenied(news));
    this.#rules = rules;
  }

  /** The sealed bytes of what a publisher of this machine published, withdrawn or not. */
  ownEntries(publisher: NodeId): Uint8Array[] {
    return this.#shelf.entries.pinnedOf(publisher).map((row) => sealedOfRow(row, entryOfRow(row)));
  }

  /** Keeps an info dictionary, dropping the oldest for room; false when it is larger than all the room there is. */
  putInfo(infoHash: InfoHash, raw: Uint8Array): Steps<boolean> {
    return this.#transaction(this.#keepInfo(infoHash, raw));
  }

  /** Hashes of listed rows among the next entries by number; '' begins, and comes at the end. */
  hashesAfter(cursor: string, limit: number): { cursor: string; hashes: InfoHash[] } {
    const rows = this.#shelf.entries.after(Number(cursor || '0'), limit);
    const hashes = rows
      .filter((row) => (Number(row.flags) & FLAG.shown) !== 0)
      .flatMap((row) => infoHashOfBytes(hashOfRow(row)) ?? []);
    return { cursor: rows.length === 0 ? '' : String(rows.at(-1)!.id), hashes };
  }

  /** Of these those whose info dictionary is not kept. */
  infosMissing(from: string): { cursor: string; hashes: InfoHash[] } {
    const { cursor, hashes } = this.hashesAfter(from, LOOKED_AT_MAX / 4);
    return { cursor, hashes: hashes.filter((infoHash) => !this.#infos.has(infoHash)) };
  }

  /** The sealed bytes of all publishers' entries of a hash. */
  entriesOf(infoHash: InfoHash): Uint8Array[] {
    return this.#shelf.siblings(infoHashBytes(infoHash)).map(({ row, entry }) => sealedOfRow(row, entry));
  }

  getInfo(infoHash: InfoHash): Uint8Array | undefined {
    return this.#infos.get(infoHash);
  }

  /** Does one small step of what makes searches faster; true when there is more to do. */
  upkeep(): boolean {
    return this.#shelf.index.upkeep();
  }

  close(): void {
    this.#sql.close();
  }

  *#changesOf(ids: readonly number[]): Steps<ListingChange[]> {
    const changes: ListingChange[] = [];
    for (const id of ids) {
      changes.push(changeOf(this.#shelf.entries.get(id)));
      yield;
    }
    return changes;
  }

  // biome-ignore lint/correctness/useYield: too small to be done in steps
  *#keepInfo(infoHash: InfoHash, raw: Uint8Array): Steps<boolean> {
    return this.#infos.put(infoHash, raw);
  }

  /** Takes over the entries of the first format and ends the transaction that `prepareTables` began. */
  #convertFirstFormat(): void {
    const rows = this.#sql.all('SELECT sealed, verified, pinned FROM first_entry ORDER BY change');
    for (const row of rows) {
      const bytes = row.sealed as Uint8Array;
      const entry = openEntry(bytes, () => true, wallSeconds(Number.MAX_SAFE_INTEGER));
      if (isFault(entry)) throw new DamagedRow(`a stored entry does not open: ${entry}`);
      this.#shelf.admit({ entry, bytes, isVerified: row.verified === 1, isPinned: row.pinned === 1 });
    }
    this.#sql.run('UPDATE meta SET change = ?', this.#shelf.change);
    this.#sql.exec('DROP TABLE first_entry; COMMIT');
  }

  /** All of the work or nothing of it. Who reads between two steps sees what was done so far. */
  *#transaction<Result>(work: Steps<Result>): Steps<Result> {
    if (performance.now() < this.#restUntil) throw this.#lastFailure;
    this.#sql.exec('BEGIN IMMEDIATE');
    try {
      const result = yield* work;
      this.#sql.run('UPDATE meta SET change = ?', this.#shelf.change);
      this.#sql.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#sql.isInTransaction) this.#sql.exec('ROLLBACK');
      // Memory is ahead of the file now. To read it anew takes seconds in a large listing: writes that would fail too wait.
      const startedAt = performance.now();
      this.#shelf = new Shelf(this.#sql, this.#shelf.change, this.#limits.rowsMax);
      this.#infos.recount();
      const endedAt = performance.now();
      if (isDiskFailure(error)) this.#restUntil = endedAt + (endedAt - startedAt) * RESTS_PER_FAILURE;
      this.#lastFailure = error;
      throw error;
    }
  }
}

/** The disk is full, or does not work. */
function isDiskFailure(error: unknown): boolean {
  const code = sqliteCodeOf(error);
  return code === SQLITE_FULL || code === SQLITE_IOERR;
}

function isPinned(sibling: Sibling): boolean {
  return sibling.isPinned;
}
