/** SQLite with its statements prepared once each: the thin floor that the listing's tables stand on. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

/** A row as SQLite gives it. */
export type Row = Record<string, unknown>;

/** One open database. Every method may throw what SQLite throws. */
export class Sql {
  readonly #db: DatabaseSync;
  /** By text; all texts are constants of this folder, so there are about 60. */
  readonly #statements = new Map<string, StatementSync>();

  constructor(file: string) {
    this.#db = new DatabaseSync(file);
  }

  get isInTransaction(): boolean {
    return this.#db.isTransaction;
  }

  exec(text: string): void {
    this.#db.exec(text);
  }

  run(text: string, ...values: SQLInputValue[]): { lastInsertRowid: number | bigint } {
    return this.#statement(text).run(...values);
  }

  all(text: string, ...values: SQLInputValue[]): Row[] {
    return this.#statement(text).all(...values);
  }

  /** Rows one by one, for what is too large to hold at once. */
  each(text: string, ...values: SQLInputValue[]): Iterable<Row> {
    return this.#statement(text).iterate(...values);
  }

  one(text: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#statement(text).get(...values);
  }

  number(text: string, ...values: SQLInputValue[]): number {
    return Number(Object.values(this.one(text, ...values) ?? {})[0] ?? 0);
  }

  close(): void {
    this.#statements.clear();
    this.#db.close();
  }

  #statement(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (!statement) {
      statement = this.#db.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }
}

/** SQLite's primary result code; undefined for errors that are not SQLite's. */
export function sqliteCodeOf(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined;
}
