/**
 * The table of entries with the publishers and the nodes that counted: finds rows, gives out their numbers, and knows
 * how many there are. Which entry is kept or shown is decided elsewhere; every call is part of somebody's transaction.
 */
import { type NodeId, nodeIdBytes } from '../base/index.ts';
import {
  type CountedColumns,
  columnsOfEntry,
  DamagedRow,
  ENTRY_COLUMNS,
  ENTRY_TABLES,
  FLAG,
  restOfHash,
  type StoredItem,
  startOfHash,
} from './listing-rows.ts';
import type { Row, Sql } from './sql.ts';

/** Most nodes remembered as sources of counts. */
export const SOURCES_MAX = 4096;

const COUNT_COLUMNS = ['seeders', 'leechers', 'completions', 'source', 'counted'] as const;

/** Rows looked at between two rests. */
const IDS_A_STEP = 5000;
const IDS_BETWEEN = 'SELECT id FROM entry WHERE id >= ? AND id < ?';

export class EntryTable {
  readonly #sql: Sql;
  /** Numbers below `#nextId` that no entry has: as many as entries were deleted. */
  readonly #freeIds: number[] = [];
  #nextId = 1;
  /** Entries by number of the publisher. */
  #entriesOf = new Uint32Array(1024);
  #size = 0;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Entries, tombstones included. */
  get size(): number {
    return this.#size;
  }

  /** Reads all entries once, each with what rows are filtered and ordered by. */
  *load(): Generator<Row> {
    const rows = this.#sql.each(
      `SELECT id, start, publisher, flags, published, size, files, name, seeders, leechers, completions, counted
        FROM entry ORDER BY id`,
    );
    for (const row of rows) {
      const id = Number(row.id);
      for (; this.#nextId < id; this.#nextId++) this.#freeIds.push(this.#nextId);
      this.#nextId = id + 1;
      this.#size++;
      this.#countOf(Number(row.publisher), 1);
      yield row;
    }
  }

  /** All publishers' entries of a hash. */
  ofHash(hash: Uint8Array): Row[] {
    const text = `SELECT ${ENTRY_COLUMNS} FROM ${ENTRY_TABLES} WHERE start = ? AND rest = ?`;
    return this.#sql.all(text, startOfHash(hash), restOfHash(hash));
  }

  /** One entry; throws DamagedRow when there is none of this number. */
  get(id: number): Row {
    const row = this.#sql.one(`SELECT ${ENTRY_COLUMNS} FROM ${ENTRY_TABLES} WHERE entry.id = ?`, id);
    if (!row) throw new DamagedRow(`the listing has lost row ${id}`);
    return row;
  }

  /** What the texts of these entries are made from, in their order; three times as fast as one by one. */
  texts(ids: readonly number[]): Row[] {
    const rows = this.#sql.all(
      'SELECT name, claims FROM json_each(?) CROSS JOIN entry ON entry.id = value',
      JSON.stringify(ids),
    );
    if (rows.length !== ids.length) throw new DamagedRow(`the listing has lost a row of ${ids.length}`);
    return rows;
  }

  /** Shown entries whose hash begins so, at most `limit`; none for what is not 1–40 hex digits. */
  byHashPrefix(prefix: string, limit: number): Row[] {
    if (!/^[0-9a-f]{1,40}$/i.test(prefix)) return [];
    const least = Uint8Array.fromHex(prefix.padEnd(40, '0'));
    const most = Uint8Array.fromHex(prefix.padEnd(40, 'f'));
    return this.#sql.all(
      `SELECT ${ENTRY_COLUMNS} FROM ${ENTRY_TABLES} WHERE start BETWEEN ? AND ? AND rest BETWEEN ? AND ? AND flags & ?
        ORDER BY start LIMIT ?`,
      ...[startOfHash(least), startOfHash(most), restOfHash(least), restOfHash(most), FLAG.shown, limit],
    );
  }

  /** Numbers, hashes and changes of entries after a change, oldest change first. */
  changedAfter(change: number, limit: number): Row[] {
    return this.#sql.all('SELECT id, start, change FROM entry WHERE change > ? ORDER BY change LIMIT ?', change, limit);
  }

  /** The numbers of the entries whose hash starts within these bounds, both inclusive. */
  startingWithin(from: number, to: number): number[] {
    return this.#sql.all('SELECT id FROM entry WHERE start BETWEEN ? AND ?', from, to).map(({ id }) => Number(id));
  }

  /** The pinned entries of one publisher; reads all entries. */
  pinnedOf(publisher: NodeId): Row[] {
    return this.#sql.all(
      `SELECT ${ENTRY_COLUMNS} FROM ${ENTRY_TABLES} WHERE publisher.node = ? AND flags & ${FLAG.pinned}`,
      nodeIdBytes(publisher),
    );
  }

  /** Hashes and flags of the next entries by number. */
  after(id: number, limit: number): Row[] {
    return this.#sql.all('SELECT id, start, rest, flags FROM entry WHERE id > ? ORDER BY id LIMIT ?', id, limit);
  }

  /** The numbers of all entries, or of one publisher's; undefined now and then, while they are looked for. */
  *ids(publisher?: Uint8Array): Generator<number | undefined, void, void> {
    const whose = publisher && this.#sql.one('SELECT id FROM publisher WHERE node = ?', publisher);
    if (publisher && !whose) return;
    for (let from = 0; from < this.#nextId; from += IDS_A_STEP) {
      yield undefined;
      const rows = whose
        ? this.#sql.all(`${IDS_BETWEEN} AND publisher = ?`, from, from + IDS_A_STEP, Number(whose.id))
        : this.#sql.all(IDS_BETWEEN, from, from + IDS_A_STEP);
      for (const { id } of rows) yield Number(id);
    }
  }

  setChange(id: number, change: number): void {
    this.#sql.run('UPDATE entry SET change = ? WHERE id = ?', change, id);
  }

  /**
   * Adds an entry and returns its number and its publisher's.
   * @param sibling another publisher's row of the same hash: what was counted holds for both
   */
  insert(item: StoredItem, change: number, flags: number, sibling: Row | undefined): { id: number; publisher: number } {
    const publisher = this.#publisherId(item.entry.publisher);
    const id = this.#freeIds.pop() ?? this.#nextId++;
    this.#sql.run(
      `INSERT INTO entry (start, rest, published, sequence, size, files, name, claims, sealed, id, publisher, change,
        flags, seeders, leechers, completions, source, counted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
        ?, ?, ?, ?, ?)`,
      ...columnsOfEntry(item),
      ...[id, publisher, change, flags],
      ...COUNT_COLUMNS.map((name) => (sibling?.[name] ?? null) as number | null),
    );
    this.#size++;
    this.#countOf(publisher, 1);
    return { id, publisher };
  }

  replace(id: number, item: StoredItem, change: number, flags: number): void {
    this.#sql.run(
      `UPDATE entry SET start = ?, rest = ?, published = ?, sequence = ?, size = ?, files = ?, name = ?, claims = ?,
        sealed = ?, change = ?, flags = ? WHERE id = ?`,
      ...columnsOfEntry(item),
      ...[change, flags, id],
    );
  }

  /** @param change undefined when nobody else need hear of it */
  setFlags(id: number, flags: number, change: number | undefined): void {
    this.#sql.run('UPDATE entry SET flags = ?, change = coalesce(?, change) WHERE id = ?', flags, change ?? null, id);
  }

  /** @param change undefined when the counts are those of before */
  setCounts(id: number, counts: CountedColumns, source: number, change: number | undefined): void {
    const { seeders, leechers, completions, counted } = counts;
    this.#sql.run(
      `UPDATE entry SET seeders = ?, leechers = ?, completions = ?, source = ?, counted = ?,
        change = coalesce(?, change) WHERE id = ?`,
      ...[seeders, leechers, completions, source, counted, change ?? null, id],
    );
  }

  delete(row: Row): void {
    const id = Number(row.id);
    this.#sql.run('DELETE FROM entry WHERE id = ?', id);
    this.#freeIds.push(id);
    this.#size--;
    const publisher = Number(row.publisher);
    if (this.#countOf(publisher, -1) === 0) this.#sql.run('DELETE FROM publisher WHERE id = ?', publisher);
  }

  /** The numbers of the publishers whose ids begin so. */
  publishersLike(start: string): ReadonlySet<number> {
    const rows = this.#sql.all('SELECT id FROM publisher WHERE hex(node) LIKE ?', `${start}%`);
    return new Set(rows.map(({ id }) => Number(id)));
  }

  /** Those of some publishers whose ids begin so. */
  publishersAmong(ids: ReadonlySet<string>, start: string): ReadonlySet<number> {
    const wanted = [...ids].filter((id) => id.startsWith(start.toLowerCase()));
    const find = (id: string) => this.#sql.one('SELECT id FROM publisher WHERE node = ?', Uint8Array.fromHex(id));
    return new Set(wanted.flatMap((id) => find(id)?.id ?? []).map(Number));
  }

  /** The number of a node that counts; the oldest such node is forgotten for it, with what it counted. */
  sourceId(node: NodeId): number {
    const known = this.#sql.one('SELECT id FROM source WHERE node = ?', nodeIdBytes(node));
    if (known) return Number(known.id);
    const oldest = this.#sql.one(
      `DELETE FROM source WHERE id = (SELECT min(id) FROM source) AND (SELECT count(*) FROM source) >= ${SOURCES_MAX}
        RETURNING id`,
    );
    if (oldest) {
      this.#sql.run(
        `UPDATE entry SET seeders = NULL, leechers = NULL, completions = NULL, source = NULL, counted = NULL
          WHERE source = ?`,
        Number(oldest.id),
      );
    }
    return Number(this.#sql.run('INSERT INTO source (node) VALUES (?)', nodeIdBytes(node)).lastInsertRowid);
  }

  /** @returns how many entries of the publisher there are then */
  #countOf(publisher: number, change: 1 | -1): number {
    if (publisher >= this.#entriesOf.length) {
      const grown = new Uint32Array(Math.max(2 * this.#entriesOf.length, publisher + 1));
      grown.set(this.#entriesOf);
      this.#entriesOf = grown;
    }
    this.#entriesOf[publisher]! += change;
    return this.#entriesOf[publisher]!;
  }

  #publisherId(node: NodeId): number {
    const known = this.#sql.one('SELECT id FROM publisher WHERE node = ?', nodeIdBytes(node));
    if (known) return Number(known.id);
    return Number(this.#sql.run('INSERT INTO publisher (node) VALUES (?)', nodeIdBytes(node)).lastInsertRowid);
  }
}
