/**
 * The rows of one question to the listing, read page by page as they come into sight. Keeps the pages seen last,
 * PAGES_MAX of them, so that 100,000 rows cost the page no more than 4,000.
 */
import type { ListingAnswer, ListingRow } from '../../../app/running-node.ts';

export const PAGE_ROWS = 100;
/** Pages kept. */
const PAGES_MAX = 40;
/** Pages asked for at a time; who scrolls on is not made to wait for what was passed. */
const READING_MAX = 2;

export type ReadPage = (offset: number, limit: number, interrupt: AbortSignal) => Promise<ListingAnswer>;

export class RowPages {
  readonly #read: ReadPage;
  readonly #changed: () => void;
  readonly #interrupt = new AbortController();
  /** Of each page, least recently seen first. */
  readonly #pages = new Map<number, readonly ListingRow[]>();
  readonly #reading = new Set<number>();
  #wanted: readonly number[] = [];
  /** Rises with every new reading of everything: an answer to an older one is not taken. */
  #edition = 0;
  #total: number | undefined;
  #corrected: string | undefined;
  #problem: string | undefined;

  /** @param changed called when there is something new to draw */
  constructor(read: ReadPage, changed: () => void) {
    this.#read = read;
    this.#changed = changed;
  }

  /** Undefined until the first answer. */
  get total(): number | undefined {
    return this.#total;
  }

  get corrected(): string | undefined {
    return this.#corrected;
  }

  /** Why the last reading failed. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Whether an answer is waited for; a new reading would throw it away. */
  get isReading(): boolean {
    return this.#reading.size > 0;
  }

  rowAt(index: number): ListingRow | undefined {
    return this.#pages.get(Math.floor(index / PAGE_ROWS))?.[index % PAGE_ROWS];
  }

  /** These rows are in sight: what is missing of them is read, and the others are not waited for. */
  want(from: number, to: number): void {
    const first = Math.floor(from / PAGE_ROWS);
    const last = Math.max(first, Math.floor((to - 1) / PAGE_ROWS));
    this.#wanted = Array.from({ length: last - first + 1 }, (_, i) => first + i);
    this.#readNext();
  }

  /** Reads again what is in sight; until the answer is there, the old rows are. */
  refresh(): void {
    this.#edition++;
    this.#reading.clear();
    for (const page of this.#wanted) void this.#readPage(page, 'again');
  }

  close(): void {
    this.#interrupt.abort();
  }

  #readNext(): void {
    for (const page of this.#wanted) {
      if (this.#reading.size >= READING_MAX) return;
      if (!this.#pages.has(page) && !this.#reading.has(page)) void this.#readPage(page, 'first');
    }
  }

  async #readPage(page: number, which: 'first' | 'again'): Promise<void> {
    const edition = this.#edition;
    this.#reading.add(page);
    try {
      const { rows, total, corrected } = await this.#read(page * PAGE_ROWS, PAGE_ROWS, this.#interrupt.signal);
      if (edition !== this.#edition || this.#interrupt.signal.aborted) return;
      // Pages of two editions do not fit together.
      if (which === 'again')
        for (const other of this.#pages.keys()) if (!this.#wanted.includes(other)) this.#pages.delete(other);
      this.#total = total;
      this.#corrected = corrected;
      this.#problem = undefined;
      this.#keep(page, rows);
    } catch (error) {
      if (edition !== this.#edition || this.#interrupt.signal.aborted) return;
      this.#problem = (error as Error).message;
    }
    this.#reading.delete(page);
    this.#changed();
    if (this.#problem === undefined) this.#readNext();
  }

  #keep(page: number, rows: readonly ListingRow[]): void {
    this.#pages.delete(page);
    this.#pages.set(page, rows);
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= PAGES_MAX) return;
      this.#pages.delete(oldest);
    }
  }
}
