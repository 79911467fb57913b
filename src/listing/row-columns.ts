/**
 * What rows are filtered and ordered by, as columns of numbers in memory: any order of a million rows, and how many
 * of them fit a filter, costs one pass and no index on disk. Rows are known by small numbers that the store reuses.
 */
import { nameKeysOf, nameTextOf } from './name-order.ts';
import type { ListingSort } from './query.ts';
import { RowBits } from './row-bits.ts';
import { RowSet } from './row-set.ts';
import { type OrderLevel, PartSelector } from './selection.ts';
import { distrustOf, UNSEEDED } from './worth.ts';

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
  /** Rows that are left out. */
  readonly besides?: ReadonlySet<number>;
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
  #count = 0;
  readonly #listed = new RowBits();
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
  /** What rows with seeders are worth less for it. */
  #distrust = new Int32Array(1024);

  /** @param namesOf the names of listed rows, of which only the beginnings are kept here */
  constructor(namesOf: (ids: readonly number[]) => readonly string[]) {
    this.#namesOf = namesOf;
  }

  /** Rows that are listed. */
  get size(): number {
    return this.#count;
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
    this.#count++;
    this.#listed.add(id);
    this.#countRow(figures.publisher, 1);
    this.#flags[id] =
      (figures.isVerified ? VERIFIED : 0) | (figures.isPinned ? PINNED : 0) | (figures.category & CATEGORY);
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
    return this.#listed.has(id);
  }

  /** Lists a row no more. */
  delete(id: number): void {
    if (!this.has(id)) return;
    this.#listed.delete(id);
    this.#count--;
    this.#countRow(this.#publisher[id]!, -1);
  }

  /** Worth of a row, trust in its publisher included. */
  worthOf(id: number): number {
    const less = this.#distrust[this.#publisher[id]!]!;
    return this.#worth[id]! - (isSeeded(this.#seeders[id]!) ? less : UNSEEDED * less);
  }

  /** All rows, as of now. */
  get listed(): RowSet {
    return RowSet.ofBits(this.#listed);
  }

  /** The rows that fit, of some or of all. */
  filtered(filter: FigureFilter, among?: RowSet): Uint32Array<ArrayBuffer> {
    let ids = (among?.and(this.listed) ?? this.listed).ids();
    const { besides, category, publishers } = filter;
    if (besides?.size) ids = kept(ids, (id) => !besides.has(id));
    if (category !== undefined) ids = ofCategory(ids, this.#flags, category);
    if (publishers) ids = kept(ids, (id) => publishers.has(this.#publisher[id]!));
    ids = within(ids, this.#size, filter.sizeMin, filter.sizeMax);
    ids = within(ids, this.#files, filter.filesMin, filter.filesMax);
    ids = within(ids, this.#published, filter.publishedMin, filter.publishedMax);
    const { seedsMin, seedsMax } = filter;
    const isCounted = seedsMin !== undefined || seedsMax !== undefined;
    return isCounted ? within(ids, this.#seeders, seedsMin, Math.min(seedsMax ?? COUNT_MAX, COUNT_MAX)) : ids;
  }

  /** As many of these rows as may be of those worth most, in no order. */
  worthMost(ids: Uint32Array, count: number): readonly number[] {
    return this.#selector.some(ids, this.#levelsOf('best', 1), 0, count);
  }

  /** A part of these rows in an order; ties are broken by the newest, so that pages do not overlap. */
  part(ids: Uint32Array, sort: ListingSort, isReversed: boolean, offset: number, limit: number): Selection {
    const levels = this.#levelsOf(sort, isReversed ? -1 : 1);
    return { ids: this.#selector.part(ids, levels, offset, offset + limit), total: ids.length };
  }

  /** The numbers of the rows worth least, pinned ones never; at most `count`. */
  leastWorth(count: number): number[] {
    const ids = this.filtered({}).filter((id) => (this.#flags[id]! & PINNED) === 0);
    const from = Math.max(0, ids.length - count);
    return this.#selector.some(ids, this.#levelsOf('best', 1), from, ids.length);
  }

  #levelsOf(sort: ListingSort, sign: 1 | -1): OrderLevel[] {
    return [...this.#levels(sort, sign), valuesOf(this.#published, -1), newestFirst];
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
    const [worth, seeders, publisher, distrust] = [this.#worth, this.#seeders, this.#publisher, this.#distrust];
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      const less = distrust[publisher[id]!]!;
      values[i] = -sign * (worth[id]! - (isSeeded(seeders[id]!) ? less : UNSEEDED * less));
    }
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
      const length = Math.max(this.#rowsOf.length * 2, publisher + 1);
      this.#rowsOf = grown(Uint32Array, this.#rowsOf, length);
      this.#distrust = grown(Int32Array, this.#distrust, length);
    }
    this.#rowsOf[publisher]! += change;
    this.#distrust[publisher] = distrustOf(this.#rowsOf[publisher]!);
  }

  #grow(id: number): void {
    const capacity = Math.max(this.#capacity * 2, id + 1);
    this.#flags = grown(Uint8Array, this.#flags, capacity);
    this.#published = grown(Uint32Array, this.#published, capacity);
    this.#size = grown(Float64Array, this.#size, capacity);
    this.#files = grown(Uint32Array, this.#files, capacity);
    this.#name = grown(Float64Array, this.#name, capacity);
    this.#nameRest = grown(Float64Array, this.#nameRest, capacity);
    this.#hash = grown(Uint32Array, this.#hash, capacity);
    this.#publisher = grown(Uint32Array, this.#publisher, capacity);
    this.#worth = grown(Int32Array, this.#worth, capacity);
    this.#seeders = grown(Uint32Array, this.#seeders, capacity);
    this.#leechers = grown(Uint32Array, this.#leechers, capacity);
    this.#completions = grown(Uint32Array, this.#completions, capacity);
    this.#capacity = capacity;
  }
}

/** Those of the rows that fit; in the memory of these. */
function kept(ids: Uint32Array<ArrayBuffer>, fits: (id: number) => boolean): Uint32Array<ArrayBuffer> {
  let count = 0;
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    if (fits(id)) ids[count++] = id;
  }
  return ids.subarray(0, count);
}

// A call for each of a million rows, or a branch that is taken every third time, takes three times as long as these.
function ofCategory(ids: Uint32Array<ArrayBuffer>, flags: Uint8Array, category: number): Uint32Array<ArrayBuffer> {
  let count = 0;
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    ids[count] = id;
    count += Number((flags[id]! & CATEGORY) === category);
  }
  return ids.subarray(0, count);
}

function within(
  ids: Uint32Array<ArrayBuffer>,
  column: Column,
  min = 0,
  max = Number.POSITIVE_INFINITY,
): Uint32Array<ArrayBuffer> {
  if (min <= 0 && max === Number.POSITIVE_INFINITY) return ids;
  let count = 0;
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    const value = column[id]!;
    ids[count] = id;
    count += Number(value >= min) & Number(value <= max);
  }
  return ids.subarray(0, count);
}

/** A larger column with what another holds. */
function grown<T extends Column>(make: new (length: number) => T, from: T, length: number): T {
  const to = new make(length);
  to.set(from);
  return to;
}

function isSeeded(seeders: number): boolean {
  return seeders > 0 && seeders !== UNKNOWN;
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
