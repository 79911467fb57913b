/**
 * The listing in SQLite, synchronous: meant for the store's worker thread. Keeps the rules of src/listing inside one
 * transaction per call, so that a killed process leaves all of a call or nothing of it. Knows no clock, no network
 * and no signatures: what comes in was opened before.
 */
import { randomBytes } from 'node:crypto';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import {
  equalBytes,
  type InfoHash,
  infoHashBytes,
  MonsoonError,
  type NodeId,
  nodeIdBytes,
  type WallSeconds,
} from '../base/index.ts';
import {
  CATEGORIES,
  compareCandidates,
  type Entry,
  isSuccessor,
  LIST_LIMIT_DEFAULT,
  LIST_LIMIT_MAX,
  LIST_OFFSET_MAX,
  type ListingQuery,
  type ListingRow,
  type ListingSort,
  PAGE_ITEMS_MAX,
} from '../listing/index.ts';
import {
  changeOf,
  DamagedRow,
  ENTRY_COLUMNS,
  entryOfRow,
  type HashCounts,
  type ListingChanges,
  listingRowOf,
  type Row,
  type StoredItem,
} from './listing-rows.ts';

/** Most publishers kept for one hash: more than can be shown, few enough to look through at every entry. */
export const PUBLISHERS_PER_HASH_MAX = 16;
/** Most rows that a search by name or prefix finds. */
export const FOUND_MAX = 20;
/** Most nodes remembered as sources of counts. */
export const SOURCES_MAX = 4096;
const SCHEMA_VERSION = 1;
/** `seen` is not rewritten more often, since a busy network offers the same entries every minute. */
const SEEN_GRANULARITY_SECONDS = 3600;
/** Change numbers skipped at each opening: power loss may undo the newest commits, and no number may come twice. */
const CHANGE_GAP: number = 2 ** 20;
/** At the cap this share of the rows goes at once, since finding the oldest reads them all. */
const EVICTION_SHARE: number = 1 / 64;

export interface DatabaseLimits {
  /** Most entries, tombstones included. */
  readonly rowsMax: number;
  /** Most bytes of stored info dictionaries. */
  readonly infoBytesMax: number;
}

interface Sibling {
  readonly id: number;
  readonly entry: Entry;
  readonly bytes: Uint8Array;
  readonly isVerified: boolean;
  readonly isPinned: boolean;
  readonly isShown: boolean;
  readonly seen: number;
}

const SCHEMA = `
  CREATE TABLE meta (generation TEXT NOT NULL, change INTEGER NOT NULL) STRICT;
  CREATE TABLE source (id INTEGER PRIMARY KEY, node BLOB NOT NULL UNIQUE) STRICT;
  CREATE TABLE entry (
    id INTEGER PRIMARY KEY, hash BLOB NOT NULL, change INTEGER NOT NULL, seen INTEGER NOT NULL,
    verified INTEGER NOT NULL, pinned INTEGER NOT NULL, shown INTEGER NOT NULL,
    published INTEGER NOT NULL, size INTEGER NOT NULL, category INTEGER NOT NULL, name TEXT NOT NULL,
    seeders INTEGER, leechers INTEGER, completions INTEGER, source INTEGER, counted INTEGER,
    sealed BLOB NOT NULL
  ) STRICT;
  CREATE INDEX entry_hash ON entry (hash);
  CREATE INDEX entry_change ON entry (change);
  CREATE INDEX entry_age ON entry (published) WHERE shown = 1;
  CREATE INDEX entry_seeds ON entry (seeders, published) WHERE shown = 1;
  CREATE TABLE info (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, raw BLOB NOT NULL) STRICT;
`;
const ORDERS: Readonly<Record<ListingSort, string>> = {
  age: 'published DESC, id DESC',
  seeds: 'seeders DESC, published DESC, id DESC',
  size: 'size DESC, id DESC',
  done: 'completions DESC, published DESC, id DESC',
  name: 'name COLLATE NOCASE, id DESC',
};

/** One open listing file. Every method may throw what SQLite throws, and DamagedRow. */
export class ListingDatabase {
  readonly #db: DatabaseSync;
  readonly #limits: DatabaseLimits;
  /** By SQL text; all texts are in this file, so there are about 40. */
  readonly #statements = new Map<string, StatementSync>();
  readonly #generation: string;
  #change: number;
  #rows: number;
  #infoBytes: number;

  constructor(file: string, limits: DatabaseLimits) {
    this.#limits = limits;
    this.#db = new DatabaseSync(file);
    try {
      this.#db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
      this.#db.exec('PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 16777216');
      this.#createOnce();
      const meta = this.#one('SELECT generation, change FROM meta');
      if (!meta) throw new DamagedRow('the listing has lost its generation');
      this.#generation = String(meta.generation);
      this.#change = Number(meta.change) + CHANGE_GAP;
      this.#rows = this.#number('SELECT count(*) AS n FROM entry');
      this.#infoBytes = this.#number('SELECT coalesce(sum(length(raw)), 0) AS n FROM info');
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  /** Stores entries by the rules of src/listing; returns how many changed what is stored. */
  put(items: readonly StoredItem[], now: WallSeconds): number {
    return this.#transaction(() => {
      let changed = 0;
      for (const item of items) if (this.#admit(item, now)) changed++;
      this.#evict();
      return changed;
    });
  }

  /** Notes what one node counted at one time; older counts, and hashes of which nothing was counted, are ignored. */
  setCounts(counts: readonly HashCounts[], source: NodeId, at: WallSeconds): void {
    this.#transaction(() => {
      const sourceId = this.#sourceId(source);
      for (const { infoHash, seeders = null, leechers = null, completions = null } of counts) {
        if (seeders === null && leechers === null && completions === null) continue;
        const rows = this.#all(
          'SELECT id, seeders, leechers, completions FROM entry WHERE hash = ? AND (counted IS NULL OR counted <= ?)',
          infoHashBytes(infoHash),
          at,
        );
        for (const row of rows) {
          const isSame = row.seeders === seeders && row.leechers === leechers && row.completions === completions;
          this.#run(
            `UPDATE entry SET seeders = ?, leechers = ?, completions = ?, source = ?, counted = ?,
              change = coalesce(?, change) WHERE id = ?`,
            ...[seeders, leechers, completions, sourceId, at, isSame ? null : ++this.#change, Number(row.id)],
          );
        }
      }
    });
  }

  get(infoHash: InfoHash, now: WallSeconds): ListingRow | undefined {
    const row = this.#one(`SELECT ${ENTRY_COLUMNS} FROM entry WHERE hash = ? AND shown = 1`, infoHashBytes(infoHash));
    return row && listingRowOf(row, now);
  }

  /** The sealed bytes of one publisher's entry, withdrawn or not: an edit needs its sequence. */
  getEntry(infoHash: InfoHash, publisher: NodeId): Uint8Array | undefined {
    return this.#siblings(infoHashBytes(infoHash)).find(({ entry }) => entry.publisher === publisher)?.bytes;
  }

  /** @param prefix 1–40 hex digits; anything else finds nothing */
  findByPrefix(prefix: string, now: WallSeconds): ListingRow[] {
    if (!/^[0-9a-f]{1,40}$/i.test(prefix)) return [];
    const rows = this.#all(
      `SELECT ${ENTRY_COLUMNS} FROM entry WHERE hash BETWEEN ? AND ? AND shown = 1 ORDER BY hash LIMIT ${FOUND_MAX}`,
      Uint8Array.fromHex(prefix.padEnd(40, '0')),
      Uint8Array.fromHex(prefix.padEnd(40, 'f')),
    );
    return rows.map((row) => listingRowOf(row, now));
  }

  /** Rows of exactly this name, ASCII letters in either case, newest first. */
  findByName(name: string, now: WallSeconds): ListingRow[] {
    const rows = this.#all(
      `SELECT ${ENTRY_COLUMNS} FROM entry WHERE name = ? COLLATE NOCASE AND shown = 1
        ORDER BY ${ORDERS.age} LIMIT ${FOUND_MAX}`,
      name,
    );
    return rows.map((row) => listingRowOf(row, now));
  }

  list(query: ListingQuery, now: WallSeconds): ListingRow[] {
    const limit = bounded(query.limit ?? LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX);
    const offset = bounded(query.offset ?? 0, LIST_OFFSET_MAX);
    const { where, values } = shownIn(query.category);
    const order = ORDERS[query.sort ?? 'age'];
    const rows = this.#all(
      `SELECT ${ENTRY_COLUMNS} FROM entry WHERE ${where} ORDER BY ${order} LIMIT ? OFFSET ?`,
      ...[...values, limit, offset],
    );
    return rows.map((row) => listingRowOf(row, now));
  }

  /** How many torrents `list` shows, in one category or in all. */
  rowCount(category?: string): number {
    const { where, values } = shownIn(category);
    return this.#number(`SELECT count(*) AS n FROM entry WHERE ${where}`, ...values);
  }

  /**
   * What changed after a cursor, oldest change first; an empty or foreign cursor starts from the beginning.
   * @param limit at most PAGE_ITEMS_MAX
   */
  changesSince(cursor: string, limit: number): ListingChanges {
    const [generation, change] = cursor.split('.');
    const since = generation === this.#generation && /^[0-9]{1,15}$/.test(change ?? '') ? Number(change) : 0;
    const itemsMax = bounded(limit, PAGE_ITEMS_MAX);
    const rows = this.#all(
      `SELECT change, ${ENTRY_COLUMNS} FROM entry WHERE change > ? ORDER BY change LIMIT ?`,
      since,
      itemsMax + 1,
    );
    const more = rows.length > itemsMax;
    if (more) rows.length = itemsMax;
    const reached = more ? Number(rows.at(-1)?.change ?? since) : this.#change;
    return { cursor: `${this.#generation}.${reached}`, more, items: rows.map(changeOf) };
  }

  /** Keeps an info dictionary, dropping the oldest for room; false when it is larger than all the room there is. */
  putInfo(infoHash: InfoHash, raw: Uint8Array): boolean {
    if (raw.length > this.#limits.infoBytesMax) return false;
    return this.#transaction(() => {
      const hash = infoHashBytes(infoHash);
      if (this.#one('SELECT id FROM info WHERE hash = ?', hash)) return true;
      while (this.#infoBytes + raw.length > this.#limits.infoBytesMax) {
        const oldest = this.#one(
          `DELETE FROM info WHERE id = (SELECT min(id) FROM info
            WHERE NOT EXISTS (SELECT 1 FROM entry WHERE entry.hash = info.hash AND pinned = 1))
            RETURNING length(raw) AS bytes`,
        );
        if (!oldest) return false;
        this.#infoBytes -= Number(oldest.bytes);
      }
      this.#run('INSERT INTO info (hash, raw) VALUES (?, ?)', hash, raw);
      this.#infoBytes += raw.length;
      return true;
    });
  }

  getInfo(infoHash: InfoHash): Uint8Array | undefined {
    return this.#one('SELECT raw FROM info WHERE hash = ?', infoHashBytes(infoHash))?.raw as Uint8Array | undefined;
  }

  close(): void {
    this.#db.close();
  }

  #createOnce(): void {
    const version = this.#number('PRAGMA user_version');
    if (version === SCHEMA_VERSION) return;
    if (version !== 0) {
      throw new MonsoonError(
        'config',
        `the listing was written by a newer monsoon (format ${version}): update monsoon`,
      );
    }
    this.#db.exec(`BEGIN IMMEDIATE; ${SCHEMA}
      INSERT INTO meta VALUES ('${randomBytes(6).toString('hex')}', 0);
      PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
  }

  #admit(item: StoredItem, now: WallSeconds): boolean {
    const hash = infoHashBytes(item.entry.infoHash);
    const siblings = this.#siblings(hash);
    const stored = siblings.find(({ entry }) => entry.publisher === item.entry.publisher);
    let isChanged = true;
    if (!stored) {
      if (siblings.length >= PUBLISHERS_PER_HASH_MAX && !this.#makeRoom(siblings, item)) return false;
      this.#insert(item, now, siblings[0]);
    } else if (isSuccessor(item.entry, stored.entry)) {
      this.#rewrite(stored, item, now);
    } else {
      isChanged = this.#confirm(stored, item, now);
    }
    if (isChanged) this.#showOne(hash);
    return isChanged;
  }

  #insert({ entry, bytes, isVerified, isPinned }: StoredItem, now: WallSeconds, sibling: Sibling | undefined): void {
    const { lastInsertRowid } = this.#run(
      `INSERT INTO entry (hash, change, seen, verified, pinned, shown, published, size, category, name, sealed)
        VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)`,
      ...[infoHashBytes(entry.infoHash), ++this.#change, now, Number(isVerified), Number(isPinned)],
      ...[entry.published, entry.size, CATEGORIES.indexOf(entry.category), entry.name, bytes],
    );
    this.#rows++;
    if (!sibling) return;
    this.#run(
      `UPDATE entry SET (seeders, leechers, completions, source, counted) =
        (SELECT seeders, leechers, completions, source, counted FROM entry WHERE id = ?) WHERE id = ?`,
      ...[sibling.id, Number(lastInsertRowid)],
    );
  }

  /** Replaces an entry by its successor; what was verified stays so while the facts stay the same. */
  #rewrite(stored: Sibling, { entry, bytes, isVerified, isPinned }: StoredItem, now: WallSeconds): void {
    const areFactsKept =
      entry.name === stored.entry.name && entry.size === stored.entry.size && entry.files === stored.entry.files;
    this.#run(
      `UPDATE entry SET change = ?, seen = ?, verified = ?, pinned = ?, published = ?, size = ?, category = ?,
        name = ?, sealed = ? WHERE id = ?`,
      ...[++this.#change, now, Number(isVerified || (stored.isVerified && areFactsKept))],
      ...[Number(isPinned || stored.isPinned), entry.published, entry.size, CATEGORIES.indexOf(entry.category)],
      ...[entry.name, bytes, stored.id],
    );
  }

  /** The same entry again: it was seen, and may by now be verified or pinned. */
  #confirm(stored: Sibling, item: StoredItem, now: WallSeconds): boolean {
    if (!equalBytes(item.bytes, stored.bytes)) return false;
    const isRaised = (item.isVerified && !stored.isVerified) || (item.isPinned && !stored.isPinned);
    if (!isRaised && now - stored.seen < SEEN_GRANULARITY_SECONDS) return false;
    this.#run(
      `UPDATE entry SET seen = ?, verified = max(verified, ?), pinned = max(pinned, ?), change = coalesce(?, change)
        WHERE id = ?`,
      ...[now, Number(item.isVerified), Number(item.isPinned), isRaised ? ++this.#change : null, stored.id],
    );
    return isRaised;
  }

  /** Drops the sibling that would be shown last, when the newcomer would be shown before it. */
  #makeRoom(siblings: readonly Sibling[], newcomer: StoredItem): boolean {
    const last = siblings
      .filter(({ isPinned }) => !isPinned)
      .toSorted(compareSiblings)
      .at(-1);
    if (!last || (!newcomer.isPinned && compareSiblings(newcomer, last) > 0)) return false;
    this.#run('DELETE FROM entry WHERE id = ?', last.id);
    this.#rows--;
    return true;
  }

  /** Makes exactly one live entry of a hash the shown one. */
  #showOne(hash: Uint8Array): void {
    const siblings = this.#siblings(hash);
    const shown = siblings.filter(({ entry }) => !entry.isWithdrawn).toSorted(compareSiblings)[0];
    for (const sibling of siblings) {
      const isShown = sibling === shown;
      if (sibling.isShown !== isShown)
        this.#run('UPDATE entry SET shown = ? WHERE id = ?', Number(isShown), sibling.id);
    }
  }

  #evict(): void {
    const { rowsMax } = this.#limits;
    if (this.#rows <= rowsMax) return;
    const excess = this.#rows - rowsMax + Math.floor(rowsMax * EVICTION_SHARE);
    const evicted = this.#all(
      `DELETE FROM entry WHERE id IN (SELECT id FROM entry WHERE pinned = 0 ORDER BY seen, id LIMIT ?)
        RETURNING hash, shown`,
      excess,
    );
    this.#rows -= evicted.length;
    if (this.#rows > rowsMax) {
      throw new MonsoonError(
        'refused',
        `the listing holds ${rowsMax} entries and all of them are yours: withdraw some`,
      );
    }
    for (const { hash, shown } of evicted) if (shown === 1) this.#showOne(hash as Uint8Array);
  }

  #siblings(hash: Uint8Array): Sibling[] {
    return this.#all('SELECT id, sealed, verified, pinned, shown, seen FROM entry WHERE hash = ?', hash).map((row) => ({
      id: Number(row.id),
      entry: entryOfRow(row),
      bytes: row.sealed as Uint8Array,
      isVerified: row.verified === 1,
      isPinned: row.pinned === 1,
      isShown: row.shown === 1,
      seen: Number(row.seen),
    }));
  }

  #sourceId(node: NodeId): number {
    const known = this.#one('SELECT id FROM source WHERE node = ?', nodeIdBytes(node));
    if (known) return Number(known.id);
    const oldest = this.#one(
      `DELETE FROM source WHERE id = (SELECT min(id) FROM source) AND (SELECT count(*) FROM source) >= ${SOURCES_MAX}
        RETURNING id`,
    );
    if (oldest) {
      this.#run(
        `UPDATE entry SET seeders = NULL, leechers = NULL, completions = NULL, source = NULL, counted = NULL
          WHERE source = ?`,
        Number(oldest.id),
      );
    }
    return Number(this.#run('INSERT INTO source (node) VALUES (?)', nodeIdBytes(node)).lastInsertRowid);
  }

  #transaction<Result>(work: () => Result): Result {
    const before = { rows: this.#rows, infoBytes: this.#infoBytes };
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#run('UPDATE meta SET change = ?', this.#change);
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      this.#rows = before.rows;
      this.#infoBytes = before.infoBytes;
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #run(sql: string, ...values: SQLInputValue[]): { lastInsertRowid: number | bigint } {
    return this.#statement(sql).run(...values);
  }

  #all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...values);
  }

  #one(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...values);
  }

  #number(sql: string, ...values: SQLInputValue[]): number {
    return Number(Object.values(this.#one(sql, ...values) ?? {})[0] ?? 0);
  }
}

function shownIn(category: string | undefined): { where: string; values: SQLInputValue[] } {
  if (category === undefined) return { where: 'shown = 1', values: [] };
  return { where: 'shown = 1 AND category = ?', values: [(CATEGORIES as readonly string[]).indexOf(category)] };
}

function bounded(value: number, max: number): number {
  return Number.isSafeInteger(value) ? Math.min(Math.max(value, 0), max) : 0;
}

function compareSiblings(a: Omit<StoredItem, 'bytes'>, b: Omit<StoredItem, 'bytes'>): number {
  return compareCandidates({ ...a.entry, isVerified: a.isVerified }, { ...b.entry, isVerified: b.isVerified });
}
