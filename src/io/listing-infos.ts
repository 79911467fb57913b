/** Info dictionaries kept for others, within their bytes: the oldest go first, those of pinned entries never. */
import { type InfoHash, infoHashBytes } from '../base/index.ts';
import type { Row, Sql } from './sql.ts';

/** Of so many of the oldest one that is not pinned is looked for. */
const OLDEST_MAX = 1000;

export class InfoTable {
  readonly #sql: Sql;
  readonly #bytesMax: number;
  readonly #isPinned: (hash: Uint8Array) => boolean;
  #bytes: number;

  constructor(sql: Sql, bytesMax: number, isPinned: (hash: Uint8Array) => boolean) {
    this.#sql = sql;
    this.#bytesMax = bytesMax;
    this.#isPinned = isPinned;
    this.#bytes = this.#stored;
  }

  /** Keeps one, dropping the oldest for room; false when there is no room for it. */
  put(infoHash: InfoHash, raw: Uint8Array): boolean {
    if (raw.length > this.#bytesMax) return false;
    const hash = infoHashBytes(infoHash);
    if (this.#sql.one('SELECT id FROM info WHERE hash = ?', hash)) return true;
    while (this.#bytes + raw.length > this.#bytesMax) {
      const oldest = this.#oldest();
      if (!oldest) return false;
      this.#sql.run('DELETE FROM info WHERE id = ?', Number(oldest.id));
      this.#bytes -= Number(oldest.bytes);
    }
    this.#sql.run('INSERT INTO info (hash, raw) VALUES (?, ?)', hash, raw);
    this.#bytes += raw.length;
    return true;
  }

  has(infoHash: InfoHash): boolean {
    return this.#sql.one('SELECT 1 FROM info WHERE hash = ?', infoHashBytes(infoHash)) !== undefined;
  }

  get(infoHash: InfoHash): Uint8Array | undefined {
    return this.#sql.one('SELECT raw FROM info WHERE hash = ?', infoHashBytes(infoHash))?.raw as Uint8Array | undefined;
  }

  /** Counts again what is there: a transaction was undone. */
  recount(): void {
    this.#bytes = this.#stored;
  }

  get #stored(): number {
    return this.#sql.number('SELECT coalesce(sum(length(raw)), 0) AS n FROM info');
  }

  #oldest(): Row | undefined {
    const oldest = this.#sql.all(`SELECT id, hash, length(raw) AS bytes FROM info ORDER BY id LIMIT ${OLDEST_MAX}`);
    return oldest.find(({ hash }) => !this.#isPinned(hash as Uint8Array));
  }
}
