/**
 * What rows are filtered and ordered by, as columns of numbers in memory: any order of a million rows, and how many
 * of them fit a filter, costs one pass and no index on disk. Rows are known by small numbers that the store reuses.
 */
import type { ListingSort } from './query.ts';
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
const NAME_DIGITS = 10;
const NAME_BASE = 38;

export class RowColumns {
  #capacity = 1024;
  #end = 0;
  #listed = 0;
  #flags = new Uint8Array(this.#capacity);
  #published = new Uint32Array(this.#capacity);
  #size = new Float64Array(this.#capacity);
  #files = new Uint32Array(this.#capacity);
  #name = new Float64Array(this.#capacity);
  #hash = new Uint32Array(this.#capacity);
  #publisher = new Uint32Array(this.#capacity);
  #worth = new Int32Array(this.#capacity);
  #seeders = new Uint32Array(this.#capacity);
  #leechers = new Uint32Array(this.#capacity);
  #completions = new Uint32Array(this.#capacity);
  /** Listed rows, by number of the publisher. */
  #rowsOf = new Uint32Array(1024);

  /** Rows that are listed. */
  get size(): number {
    return this.#listed;
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
    this.#name[id] = nameKeyOf(figures.name);
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
    const among = candidates?.length ?? this.#end;
    const fitting = new Uint32Array(among);
    let count = 0;
    const fits = this.#test(filter);
    for (let i = 0; i < among; i++) {
      const id = candidates ? candidates[i]! : i;
      if (fits(id)) fitting[count++] = id;
    }
    return fitting.subarray(0, count);
  }

  /**
   * A part of these rows in an order; ties are broken by the newest, so that pages do not overlap.
   * @param ids reordered in place
   */
  part(ids: Uint32Array, sort: ListingSort, isReversed: boolean, offset: number, limit: number): Selection {
    const end = Math.min(ids.length, offset + limit);
    if (offset >= end) return { ids: [], total: ids.length };
    const keys = this.#keys(ids, sort, isReversed);
    const published = this.#published;
    const isBefore = (a: number, b: number): boolean => {
      const difference = keys[a]! - keys[b]!;
      if (difference !== 0 && !Number.isNaN(difference)) return difference > 0;
      const x = ids[a]!;
      const y = ids[b]!;
      return published[x]! === published[y]! ? x > y : published[x]! > published[y]!;
    };
    const order = new Uint32Array(ids.length);
    for (let i = 0; i < order.length; i++) order[i] = i;
    if (end < order.length) partition(order, 0, order.length - 1, end, isBefore);
    if (offset > 0) partition(order, 0, end - 1, offset, isBefore);
    const wanted = [...order.subarray(offset, end)].sort((a, b) => (isBefore(a, b) ? -1 : 1));
    return { ids: wanted.map((at) => ids[at]!), total: ids.length };
  }

  /** The numbers of the rows worth least, pinned ones never; at most `count`. */
  leastWorth(count: number): number[] {
    const ids = this.filtered({}).filter((id) => (this.#flags[id]! & PINNED) === 0);
    return [...this.part(ids, 'best', false, Math.max(0, ids.length - count), count).ids];
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

  /** What to order by, the largest first. */
  #keys(ids: Uint32Array, sort: ListingSort, isReversed: boolean): Float64Array {
    const { column, isText, isCount } = this.#column(sort);
    const keys = new Float64Array(ids.length);
    const sign = isText === isReversed ? 1 : -1;
    if (sort === 'best') {
      for (let i = 0; i < keys.length; i++) keys[i] = sign * this.worthOf(ids[i]!);
      return keys;
    }
    for (let i = 0; i < keys.length; i++) {
      const value = sort === 'category' ? column[ids[i]!]! & CATEGORY : column[ids[i]!]!;
      keys[i] = isCount && value === UNKNOWN ? -Infinity : sign * value;
    }
    return keys;
  }

  #column(sort: ListingSort): { column: ArrayLike<number>; isText: boolean; isCount: boolean } {
    const number = (column: ArrayLike<number>) => ({ column, isText: false, isCount: false });
    const text = (column: ArrayLike<number>) => ({ column, isText: true, isCount: false });
    const count = (column: ArrayLike<number>) => ({ column, isText: false, isCount: true });
    switch (sort) {
      case 'best':
        return number(this.#worth);
      case 'age':
        return number(this.#published);
      case 'size':
        return number(this.#size);
      case 'files':
        return number(this.#files);
      case 'seeds':
        return count(this.#seeders);
      case 'leech':
        return count(this.#leechers);
      case 'done':
        return count(this.#completions);
      case 'name':
        return text(this.#name);
      case 'category':
        return text(this.#flags);
      case 'hash':
        return text(this.#hash);
      case 'by':
        return text(this.#publisher);
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
    const grown = <T extends Float64Array | Uint32Array | Int32Array | Uint8Array>(
      make: new (length: number) => T,
      from: T,
    ): T => {
      const to = new make(capacity);
      to.set(from);
      return to;
    };
    this.#flags = grown(Uint8Array, this.#flags);
    this.#published = grown(Uint32Array, this.#published);
    this.#size = grown(Float64Array, this.#size);
    this.#files = grown(Uint32Array, this.#files);
    this.#name = grown(Float64Array, this.#name);
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

/** The beginning of a name as a number in the order of names, letters in either case and signs as one. */
function nameKeyOf(name: string): number {
  let key = 0;
  let digits = 0;
  for (let i = 0; i < name.length && digits < NAME_DIGITS; i++, digits++) {
    const code = name.charCodeAt(i) | 0x20;
    const isLetter = code >= 97 && code <= 122;
    const isDigit = name.charCodeAt(i) >= 48 && name.charCodeAt(i) <= 57;
    const place = isLetter ? code - 97 + 11 : isDigit ? name.charCodeAt(i) - 48 + 1 : name.charCodeAt(i) > 127 ? 37 : 0;
    key = key * NAME_BASE + place;
  }
  return key * NAME_BASE ** (NAME_DIGITS - digits);
}

/** Moves the first `count` of `order[from..to]` in order before the others, without ordering either part. */
function partition(
  order: Uint32Array,
  from: number,
  to: number,
  count: number,
  isBefore: (a: number, b: number) => boolean,
): void {
  let low = from;
  let high = to;
  while (low < high) {
    const pivot = order[(low + high) >>> 1]!;
    let i = low;
    let j = high;
    while (i <= j) {
      while (isBefore(order[i]!, pivot)) i++;
      while (isBefore(pivot, order[j]!)) j--;
      if (i > j) break;
      const swapped = order[i]!;
      order[i++] = order[j]!;
      order[j--] = swapped;
    }
    if (count - 1 <= j) high = j;
    else if (count - 1 >= i) low = i;
    else return;
  }
}
