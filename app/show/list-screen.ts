/**
 * The listing as a screen of a terminal: what keys do, and what is drawn. Knows neither the terminal nor the node: it
 * says what it wants to know, and is told.
 */
import { cleanText } from '../../src/base/index.ts';
import { LISTING_SORTS, type ListingAnswer, type ListingQuery, type ListingRow } from '../../src/listing/index.ts';
import { formatAge, formatCount, formatSize } from './quantities.ts';
import { formatTable } from './table.ts';
import { fitColumns, padColumns } from './width.ts';

/** What a key press asks of whoever shows the screen. */
export type ScreenWish = 'draw' | 'load' | 'fetch' | 'quit' | undefined;

/** The title, the heading of the table, and the line of help. */
const OTHER_LINES = 3;
const SEARCH_LENGTH_MAX = 200;
const COLUMNS = [
  { title: 'Cat', leavesAs: 1 },
  { title: 'Name', shrinks: true },
  { title: 'Size', isNumber: true },
  { title: 'Age', isNumber: true, leavesAs: 2 },
  { title: 'Seeds', isNumber: true },
  { title: 'Leech', isNumber: true, leavesAs: 3 },
];
/** The way out first, which a narrow terminal shows too. */
const HELP = 'q leaves · Enter fetches · / search · s order · arrows move';

export class ListScreen {
  #search = '';
  /** What is being typed; undefined while nothing is. */
  #typed: string | undefined;
  #sort: number | undefined;
  /** The selected row, of all that fit. */
  #at = 0;
  /** The row on the first line. */
  #top = 0;
  #height = 1;
  #answer: ListingAnswer = { rows: [], total: 0 };
  /** What that is the answer to. */
  #answered: ListingQuery = {};
  /** The torrent on which the person put the mark; undefined when it stands where the list put it. */
  #picked: string | undefined;
  #note = '';
  #problem = '';

  /** The rows that the screen shows. */
  get query(): ListingQuery {
    const sort = this.#sort === undefined ? undefined : LISTING_SORTS[this.#sort];
    return {
      ...(this.#search !== '' && { text: this.#search }),
      ...(sort && { sort }),
      offset: this.#top,
      limit: this.#height,
    };
  }

  /** The row that Enter means; undefined while it is on its way, and when rows that came or went have moved it out of sight. */
  get selected(): ListingRow | undefined {
    const row = this.#rowAt(this.#at);
    return this.#picked === undefined || this.#picked === row?.infoHash ? row : undefined;
  }

  /** How many lines there are; true when other rows are needed. */
  resize(lines: number): boolean {
    const height = Math.max(1, lines - OTHER_LINES);
    if (height === this.#height) return false;
    this.#height = height;
    this.#keepInView();
    return true;
  }

  /** Takes the answer to a query; true when other rows are needed. */
  show(answer: ListingAnswer, query: ListingQuery): boolean {
    this.#answer = answer;
    this.#answered = query;
    this.#problem = '';
    const place = answer.rows.findIndex(({ infoHash }) => infoHash === this.#picked);
    const at = place < 0 ? this.#at : place + (query.offset ?? 0);
    this.#at = Math.max(0, Math.min(at, answer.total - 1));
    const top = this.#top;
    this.#top = Math.max(0, Math.min(this.#top, answer.total - this.#height));
    this.#keepInView();
    return top !== this.#top;
  }

  /** A line for the person: what came of a fetch, until a key is pressed, or why the list is old, until it is not. */
  say(text: string, as: 'note' | 'problem' = 'note'): void {
    if (as === 'note') this.#note = text;
    else this.#problem = text;
  }

  /** @param key one character, or an escape sequence */
  press(key: string): ScreenWish {
    if (key === '\u0003') return 'quit';
    this.#note = '';
    if (this.#typed !== undefined) return this.#type(key, this.#typed);
    switch (key) {
      case 'q':
      case '\u001b':
        return 'quit';
      case '/':
        this.#typed = this.#search;
        return 'draw';
      case 's':
        this.#sort = ((this.#sort ?? -1) + 1) % LISTING_SORTS.length;
        return this.#moveTo(0, true);
      case '\r':
      case '\n':
        return this.selected ? 'fetch' : 'draw';
      default:
        return this.#move(key);
    }
  }

  /** The lines of the screen, each at most so many columns wide. */
  lines(columns: number, nowSeconds: number): string[] {
    const { total } = this.#answer;
    const place = total === 0 ? 'nothing' : `${this.#at + 1} of ${total}`;
    const order = this.#sort === undefined ? '' : `, by ${LISTING_SORTS[this.#sort]}`;
    const title =
      this.#typed !== undefined
        ? `search: ${this.#typed}_`
        : `monsoon · ${this.#search || 'everything'} · ${place}${order}`;
    const cells = this.#rowsInSight().map((row) =>
      row
        ? [
            row.category,
            row.name,
            formatSize(row.size),
            formatAge(nowSeconds - row.added),
            formatCount(row.seeders),
            formatCount(row.leechers),
          ]
        : COLUMNS.map(() => ''),
    );
    // One column is the mark of the selected row.
    const table = formatTable(COLUMNS, cells, { columns: columns - 2, hasColour: false })
      .trimEnd()
      .split('\n');
    const [heading = '', ...lines] = table;
    const body = Array.from({ length: this.#height }, (_, i) => {
      const mark = i + this.#top === this.#at && this.selected !== undefined ? '> ' : '  ';
      return mark + (lines[i] ?? '');
    });
    const corrected = this.#answer.corrected === undefined ? '' : `searched for "${this.#answer.corrected}"`;
    const foot = this.#note || this.#problem || corrected || HELP;
    return [title, `  ${heading}`, ...body, foot].map((line) => {
      const clean = line.replace(/^\s*|\s*$/g, (space) => space);
      return padColumns(fitColumns(leadingKept(clean), columns), columns, 'right');
    });
  }

  #type(key: string, typed: string): ScreenWish {
    if (key === '\r' || key === '\n') {
      this.#search = typed.trim();
      this.#typed = undefined;
      return this.#moveTo(0, true);
    }
    if (key === '\u001b') {
      this.#typed = undefined;
      return 'draw';
    }
    if (key === '\u007f' || key === '\b') this.#typed = [...typed].slice(0, -1).join('');
    else if (!/[\u0000-\u001f]/.test(key) && typed.length < SEARCH_LENGTH_MAX) this.#typed = typed + key;
    return 'draw';
  }

  #move(key: string): ScreenWish {
    switch (key) {
      case '\u001b[A':
      case 'k':
        return this.#moveTo(this.#at - 1);
      case '\u001b[B':
      case 'j':
        return this.#moveTo(this.#at + 1);
      case '\u001b[5~':
        return this.#moveTo(this.#at - this.#height);
      case '\u001b[6~':
        return this.#moveTo(this.#at + this.#height);
      case '\u001b[H':
      case '\u001b[1~':
        return this.#moveTo(0);
      case '\u001b[F':
      case '\u001b[4~':
        return this.#moveTo(this.#answer.total - 1);
      default:
        return undefined;
    }
  }

  #moveTo(at: number, isOther = false): ScreenWish {
    this.#at = Math.max(0, isOther ? at : Math.min(at, this.#answer.total - 1));
    const top = this.#top;
    this.#keepInView();
    this.#picked = isOther ? undefined : this.#rowAt(this.#at)?.infoHash;
    return isOther || top !== this.#top ? 'load' : 'draw';
  }

  /** A row of this search, as far as the answer has it. */
  #rowAt(at: number): ListingRow | undefined {
    return this.#isAnswered ? this.#answer.rows[at - (this.#answered.offset ?? 0)] : undefined;
  }

  /** Whether the rows are of this search in this order. */
  get #isAnswered(): boolean {
    const { text, sort } = this.query;
    return text === this.#answered.text && sort === this.#answered.sort;
  }

  /** Line by line; of the search before until this one is answered. */
  #rowsInSight(): readonly (ListingRow | undefined)[] {
    if (!this.#isAnswered) return this.#answer.rows;
    return Array.from({ length: this.#height }, (_, i) => this.#rowAt(this.#top + i));
  }

  #keepInView(): void {
    if (this.#at < this.#top) this.#top = this.#at;
    if (this.#at >= this.#top + this.#height) this.#top = this.#at - this.#height + 1;
  }
}

/** A line without control characters, spaces at its beginning kept. */
function leadingKept(line: string): string {
  const [space = ''] = /^ */.exec(line) ?? [];
  return space + cleanText(line, 4096);
}

/** The keys in what a terminal sent. */
export function keysIn(text: string): string[] {
  return text.match(/\u001b\[[0-9;]*[A-Za-z~]|\u001b|[\s\S]/gu) ?? [];
}
