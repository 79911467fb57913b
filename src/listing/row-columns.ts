/**
 * What rows are filtered and ordered by, as columns of numbers in memory: any order of a million rows, and how many
 * of them fit a filter, costs one pass and no index on disk. Rows are known by small numbers that the store reuses.
 */
import { nameKeysOf, nameTextOf } from './name-order.ts';
import type { ListingSort } from './query.ts';
import { type OrderLevel, PartSelector } from './selection.ts';
import { distrustOf } from './worth.ts';

/** What one row is filtered and ordered by. */
export interface RowFigures {
  /** Position in CATEGORIES. */
  readonly category: number;
  readonly isVerified: boolean;
  readonly isPinned: boolean;
  /** Seconds since 1970. */
  readonly published: number;
  /** Bytes. */
  readonly size: number;
  readonly files: number;
  readonly name: string;
  /** First 32 bits of the info hash. */
  readonly hashStart: number;
  /** The store's number of the publisher. */
  readonly publisher: number;
  /** Its own (worth.ts), its publisher aside. */
  readonly worth: number;
  readonly seeders: number | undefined;
  readonly leechers: number | undefined;
  readonly completions: number | undefined;
}

/** Bounds that rows must keep; all inclusive. */
export interface FigureFilter {
  readonly category?: number;
  readonly publishers?: ReadonlySet<number>;
  readonly sizeMin?: number;
  readonly sizeMax?: number;
  readonly filesMin?: number;
  readonly filesMax?: number;
  readonly seedsMin?: number;
  readonly seedsMax?: number;
  readonly publishedMin?: number;
  readonly publishedMax?: number;
}

/** Rows by number, in an order, of which a part is wanted. */
export interface Selection {
  readonly ids: readonly number[];
  readonly total: number;
}

const UNKNOWN = 0xffffffff;
const COUNT_MAX = 0xfffffffe;
const LISTED = 0x80;
const VERIFIED = 0x40;
const PINNED = 0x20;
const CATEGORY = 0x07;
/** Rows with the same beginning of the name of which the rest is compared; more are ordered by age. */
export const NAMES_READ_MAX = 4000;

type Column = Float64Array | Uint32Array | Int32Array | Uint8Array;

export class RowColumns {
  readonly #namesOf: (ids: readonly number[]) => readonly string[];
  readonly #selector = new PartSelector();
  #capacity = 1024;
  #end = 0;
  #listed = 0;
  #flags = new Uint8Array(this.#capacity);
  #published = new Uint32Array(this.#capacity);
  #size = new Float64Array(this.#capacity);
  #files = new Uint32Array(this.#capacity);
  #name = new Float64Array(this.#capacity);
  #nameRest = new Float64Array(this.#capacity);
  #hash = new Uint32Array(this.#capacity);
  #publisher = new Uint32Array(this.#capacity);
  #worth = new Int32Array(this.#capacity);
  #seeders = new Uint32Array(this.#capacity);
  #leechers = new Uint32Array(this.#capacity);
  #completions = new Uint32Array(this.#capacity);
  /** Listed rows, by number of the publisher. */
  #rowsOf = new Uint32Array(1024);

  /** @param namesOf the names of listed rows, of which only the beginnings are kept here */
  constructor(namesOf: (ids: readonly number[]) => readonly string[]) {
    this.#namesOf = namesOf;
  }

  /** Rows that are listed. */
  get size(): number {
    return this.#listed;
  }

  /** Above the numbers of all rows. */
  get end(): number {
    return this.#end;
  }

  /** Lists a row, or changes what it is ordered by. */
  set(id: number, figures: RowFigures): void {
    if (id >= this.#capacity) this.#grow(id);
    if (id >= this.#end) this.#end = id + 1;
    this.delete(id);
    this.#listed++;
    this.#countRow(figures.publisher, 1);
    this.#flags[id] =
      LISTED | (figures.isVerified ? VERIFIED : 0) | (figures.isPinned ? PINNED : 0) | (figures.category & CATEGORY);
    this.#published[id] = Math.min(figures.published, COUNT_MAX);
    this.#size[id] = figures.size;
    this.#files[id] = figures.files;
    [this.#name[id], this.#nameRest[id]] = nameKeysOf(figures.name);
    this.#hash[id] = figures.hashStart;
    this.#publisher[id] = figures.publisher;
    this.#worth[id] = figures.worth;
    this.#seeders[id] = countOf(figures.seeders);
    this.#leechers[id] = countOf(figures.leechers);
    this.#completions[id] = countOf(figures.completions);
  }

  setCounts(id: number, counts: Pick<RowFigures, 'seeders' | 'leechers' | 'completions' | 'worth'>): void {
    if (!this.has(id)) return;
    this.#worth[id] = counts.worth;
    this.#seeders[id] = countOf(counts.seeders);
    this.#leechers[id] = countOf(counts.leechers);
    this.#completions[id] = countOf(counts.completions);
  }

  has(id: number): boolean {
    return id < this.#end && (this.#flags[id]! & LISTED) !== 0;
  }

  /** Lists a row no more. */
  delete(id: number): void {
    if (!this.has(id)) return;
    this.#flags[id] = 0;
    this.#listed--;
    this.#countRow(this.#publisher[id]!, -1);
  }

  /** Worth of a row, trust in its publisher included. */
  worthOf(id: number): number {
    const seeders = this.#seeders[id]!;
    const isSeeded = seeders > 0 && seeders !== UNKNOWN;
    return this.#worth[id]! - distrustOf(this.#rowsOf[this.#publisher[id]!]!, isSeeded);
  }

  /** The rows that fit, of some or of all. */
  filtered(filter: FigureFilter, candidates?: Uint32Array): Uint32Array {
    const among = candidates ?? this.#all();
    const isAny = Object.keys(filter).length === 0;
    if (isAny && !candidates) return among;
    const fits = isAny ? (id: number) => this.has(id) : this.#test(filter);
    const fitting = new Uint32Array(among.length);
    let count = 0;
    for (let i = 0; i < among.length; i++) {
      const id = among[i]!;
      if (fits(id)) fitting[count++] = id;
    }
    return fitting.subarray(0, count);
  }

  /** A part of these rows in an order; ties are broken by the newest, so that pages do not overlap. */
  part(ids: Uint32Array, sort: ListingSort, isReversed: boolean, offset: number, limit: number): Selection {
    const levels = [...this.#levels(sort, isReversed ? -1 : 1), valuesOf(this.#published, -1), newestFirst];
    return { ids: this.#selector.part(ids, levels, offset, offset + limit), total: ids.length };
  }

  /** The numbers of the rows worth least, pinned ones never; at most `count`. */
  leastWorth(count: number): number[] {
    const ids = this.filtered({}).filter((id) => (this.#flags[id]! & PINNED) === 0);
    return [...this.part(ids, 'best', false, Math.max(0, ids.length - count), count).ids];
  }

  #all(): Uint32Array {
    const ids = new Uint32Array(this.#listed);
    const flags = this.#flags;
    for (let id = 0, at = 0; at < ids.length; id++) if ((flags[id]! & LISTED) !== 0) ids[at++] = id;
    return ids;
  }

  #test(filter: FigureFilter): (id: number) => boolean {
    const { category, publishers, sizeMin = 0, sizeMax = Infinity, filesMin = 0, filesMax = Infinity } = filter;
    const { seedsMin = 0, seedsMax = Infinity, publishedMin = 0, publishedMax = Infinity } = filter;
    const mask = category === undefined ? LISTED : LISTED | CATEGORY;
    const flags = category === undefined ? LISTED : LISTED | category;
    const mustBeCounted = filter.seedsMin !== undefined || filter.seedsMax !== undefined;
    return (id) => {
      if ((this.#flags[id]! & mask) !== flags) return false;
      const size = this.#size[id]!;
      const files = this.#files[id]!;
      const published = this.#published[id]!;
      if (size < sizeMin || size > sizeMax || files < filesMin || files > filesMax) return false;
      if (published < publishedMin || published > publishedMax) return false;
      if (publishers && !publishers.has(this.#publisher[id]!)) return false;
      if (!mustBeCounted) return true;
      const seeders = this.#seeders[id]!;
      return seeders !== UNKNOWN && seeders >= seedsMin && seeders <= seedsMax;
    };
  }

  /** @param sign -1 for the other end of the order first */
  #levels(sort: ListingSort, sign: 1 | -1): OrderLevel[] {
    switch (sort) {
      case 'best':
        return [(ids, values) => this.#worths(ids, values, sign)];
      case 'age':
        return [valuesOf(this.#published, -sign)];
      case 'size':
        return [valuesOf(this.#size, -sign)];
      case 'files':
        return [valuesOf(this.#files, -sign)];
      case 'seeds':
        return [countsOf(this.#seeders, -sign)];
      case 'leech':
        return [countsOf(this.#leechers, -sign)];
      case 'done':
        return [countsOf(this.#completions, -sign)];
      case 'name':
        return [
          valuesOf(this.#name, sign),
          valuesOf(this.#nameRest, sign),
          (ids, values) => this.#nameRanks(ids, values, sign),
        ];
      case 'category':
        return [(ids, values) => this.#categories(ids, values, sign)];
      case 'hash':
        return [valuesOf(this.#hash, sign)];
      case 'by':
        return [valuesOf(this.#publisher, sign)];
    }
  }

  #categories(ids: Uint32Array, values: Float64Array, sign: number): void {
    for (let i = 0; i < ids.length; i++) values[i] = sign * (this.#flags[ids[i]!]! & CATEGORY);
  }

  #worths(ids: Uint32Array, values: Float64Array, sign: number): void {
    for (let i = 0; i < ids.length; i++) values[i] = -sign * this.worthOf(ids[i]!);
  }

  /** Places in the order of whole names, the same for the same name. */
  #nameRanks(ids: Uint32Array, ranks: Float64Array, sign: number): void {
    ranks.fill(0);
    if (ids.length > NAMES_READ_MAX) return;
    const names = this.#namesOf([...ids]).map(nameTextOf);
    const order = [...names.keys()].sort((a, b) => compareTexts(names[a]!, names[b]!));
    for (let i = 1; i < order.length; i++) {
      const [before, at] = [order[i - 1]!, order[i]!];
      ranks[at] = ranks[before]! + (names[at] === names[before] ? 0 : sign);
    }
  }

  #countRow(publisher: number, change: 1 | -1): void {
    if (publisher >= this.#rowsOf.length) {
      const grown = new Uint32Array(Math.max(this.#rowsOf.length * 2, publisher + 1));
      grown.set(this.#rowsOf);
      this.#rowsOf = grown;
    }
    this.#rowsOf[publisher]! += change;
  }

  #grow(id: number): void {
    const capacity = Math.max(this.#capacity * 2, id + 1);
    const grown = <T extends Column>(make: new (length: number) => T, from: T): T => {
      const to = new make(capacity);
      to.set(from);
      return to;
    };
    this.#flags = grown(Uint8Array, this.#flags);
    this.#published = grown(Uint32Array, this.#published);
    this.#size = grown(Float64Array, this.#size);
    this.#files = grown(Uint32Array, this.#files);
    this.#name = grown(Float64Array, this.#name);
    this.#nameRest = grown(Float64Array, this.#nameRest);
    this.#hash = grown(Uint32Array, this.#hash);
    this.#publisher = grown(Uint32Array, this.#publisher);
    this.#worth = grown(Int32Array, this.#worth);
    this.#seeders = grown(Uint32Array, this.#seeders);
    this.#leechers = grown(Uint32Array, this.#leechers);
    this.#completions = grown(Uint32Array, this.#completions);
    this.#capacity = capacity;
  }
}

function countOf(count: number | undefined): number {
  return count === undefined ? UNKNOWN : Math.min(count, COUNT_MAX);
}

function valuesOf(column: Column, sign: number): OrderLevel {
  return (ids, values) => {
    for (let i = 0; i < ids.length; i++) values[i] = sign * column[ids[i]!]!;
  };
}

/** Counts that nobody knows are after all others in either order. */
function countsOf(column: Uint32Array, sign: number): OrderLevel {
  const unknown = sign < 0 ? 1 : UNKNOWN;
  return (ids, values) => {
    for (let i = 0; i < ids.length; i++) {
      const count = column[ids[i]!]!;
      values[i] = count === UNKNOWN ? unknown : sign * count;
    }
  };
}

/** Higher numbers are newer, mostly. */
function newestFirst(ids: Uint32Array, values: Float64Array): void {
  for (let i = 0; i < ids.length; i++) values[i] = -ids[i]!;
}

/** By code units, as no language in particular does. */
function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
