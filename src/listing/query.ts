/**
 * How rows are asked for: one question for the page, the command line and the local API, and the one parser of its
 * parameters, which are texts in a URL as well as behind flags.
 */
import { type Fault, publicFault } from '../base/index.ts';
import { CATEGORIES, type Category, isCategory, isTag } from './claims.ts';
import { parseAge, parseBytes, parseCount } from './quantity.ts';
import type { ListingRow } from './row.ts';

/** Most rows in one answer. */
export const LIST_LIMIT_MAX = 1000;
/** Rows in one answer when nothing else is asked for. */
export const LIST_LIMIT_DEFAULT = 100;
/** Most rows skipped. */
export const LIST_OFFSET_MAX = 10_000_000;
/** UTF-16 units of a search that are read. */
export const SEARCH_LENGTH_MAX = 512;

export const LISTING_SORTS = [
  'best',
  'age',
  'seeds',
  'leech',
  'done',
  'size',
  'files',
  'name',
  'category',
  'hash',
  'by',
] as const;
/**
 * What comes first: `best` is text x availability x freshness x trust. Numbers start at the largest, age at the
 * newest, texts at A; unknown counts are last in either order.
 */
export type ListingSort = (typeof LISTING_SORTS)[number];

/** What rows must be; each bound is inclusive, and a row whose count is unknown is within none. */
export interface ListingFilters {
  readonly category?: Category;
  readonly tag?: string;
  /** 4–64 hex digits that the publisher's id begins with. */
  readonly publisher?: string;
  /** Bytes. */
  readonly sizeMin?: number;
  readonly sizeMax?: number;
  readonly filesMin?: number;
  readonly filesMax?: number;
  readonly seedsMin?: number;
  readonly seedsMax?: number;
  readonly ageMinSeconds?: number;
  readonly ageMaxSeconds?: number;
}

export interface ListingQuery extends ListingFilters {
  /** What a person typed (search-text.ts); its filters count like those here, and before them. */
  readonly text?: string;
  /** Words as they are: no typos, no beginnings of words. */
  readonly isExact?: boolean;
  /** `best` when there is a text, else `age`. */
  readonly sort?: ListingSort;
  /** The other end of the order first. */
  readonly isReversed?: boolean;
  /** At most LIST_LIMIT_MAX. */
  readonly limit?: number;
  /** At most LIST_OFFSET_MAX. */
  readonly offset?: number;
}

/** A part of the rows that fit a question. */
export interface ListingAnswer {
  readonly rows: readonly ListingRow[];
  /** Rows that fit, on all pages. */
  readonly total: number;
  /** The words that were searched instead of those typed, when the typed ones are nowhere; else absent. */
  readonly corrected?: string;
}

export type QueryFault = Fault<'query-malformed'>;

interface Parameter {
  /** What the value says; undefined when it says nothing of the kind. */
  readonly read: (value: string) => ListingQuery | undefined;
  readonly expected: string;
}

const number = (
  name: keyof ListingQuery,
  expected: string,
  parse: (text: string) => number | undefined,
  max: number = Number.MAX_SAFE_INTEGER,
): Parameter => ({
  expected,
  read: (value) => {
    const parsed = parse(value);
    return parsed === undefined || parsed > max ? undefined : { [name]: parsed };
  },
});
const yes = (query: ListingQuery): Parameter => ({
  expected: '1',
  read: (value) => (value === '1' ? query : undefined),
});
const BYTES = 'bytes, such as 700M';
const WHOLE = 'a whole number';
const AGE = 'days, or an age such as 12h or 2w';
const PARAMETERS: Readonly<Record<string, Parameter>> = {
  q: { expected: 'a text', read: (value) => ({ text: value.slice(0, SEARCH_LENGTH_MAX) }) },
  category: {
    expected: `one of ${CATEGORIES.join(', ')}`,
    read: (value) => (isCategory(value) ? { category: value } : undefined),
  },
  tag: { expected: '1 to 20 of a-z 0-9 -', read: (value) => (isTag(value) ? { tag: value } : undefined) },
  publisher: {
    expected: '4 to 64 hex digits',
    read: (value) => (/^[0-9a-f]{4,64}$/i.test(value) ? { publisher: value.toLowerCase() } : undefined),
  },
  'min-size': number('sizeMin', BYTES, parseBytes),
  'max-size': number('sizeMax', BYTES, parseBytes),
  'min-files': number('filesMin', WHOLE, parseCount),
  'max-files': number('filesMax', WHOLE, parseCount),
  seeds: number('seedsMin', WHOLE, parseCount),
  'max-seeds': number('seedsMax', WHOLE, parseCount),
  age: number('ageMaxSeconds', AGE, parseAge),
  'min-age': number('ageMinSeconds', AGE, parseAge),
  exact: yes({ isExact: true }),
  sort: {
    expected: `one of ${LISTING_SORTS.join(', ')}`,
    read: (value) => {
      const sort = LISTING_SORTS.find((name) => name === value);
      return sort && { sort };
    },
  },
  reverse: yes({ isReversed: true }),
  limit: number('limit', `a whole number up to ${LIST_LIMIT_MAX}`, parseCount, LIST_LIMIT_MAX),
  offset: number('offset', `a whole number up to ${LIST_OFFSET_MAX}`, parseCount, LIST_OFFSET_MAX),
};

/** Reads the parameters of a URL's query or of a command's flags; the first wrong one is named. */
export function parseListingQuery(parameters: Iterable<readonly [string, string]>): ListingQuery | QueryFault {
  let query: ListingQuery = {};
  for (const [name, value] of parameters) {
    const parameter = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined;
    if (!parameter) return publicFault('query-malformed', `a listing has no "${name.slice(0, 40)}"`);
    const part = parameter.read(value);
    if (!part) return publicFault('query-malformed', `${name} is ${parameter.expected}`);
    query = { ...query, ...part };
  }
  return query;
}

const NAMES: readonly (readonly [keyof ListingQuery, string])[] = [
  ['text', 'q'],
  ['category', 'category'],
  ['tag', 'tag'],
  ['publisher', 'publisher'],
  ['sizeMin', 'min-size'],
  ['sizeMax', 'max-size'],
  ['filesMin', 'min-files'],
  ['filesMax', 'max-files'],
  ['seedsMin', 'seeds'],
  ['seedsMax', 'max-seeds'],
  ['isExact', 'exact'],
  ['sort', 'sort'],
  ['isReversed', 'reverse'],
  ['limit', 'limit'],
  ['offset', 'offset'],
];

/** The parameters that `parseListingQuery` reads as this question. */
export function listingParameters(query: ListingQuery): [string, string][] {
  const parameters = NAMES.flatMap(([name, parameter]): [string, string][] => {
    const value = query[name];
    if (value === undefined || value === false) return [];
    return [[parameter, value === true ? '1' : String(value)]];
  });
  if (query.ageMaxSeconds !== undefined) parameters.push(['age', `${query.ageMaxSeconds}s`]);
  if (query.ageMinSeconds !== undefined) parameters.push(['min-age', `${query.ageMinSeconds}s`]);
  return parameters;
}
