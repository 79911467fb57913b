/** What the URL of the public page asks for, and the URLs of its links. Pure. */
import {
  CATEGORIES,
  type Category,
  isCategory,
  LIST_OFFSET_MAX,
  LISTING_SORTS,
  type ListingQuery,
  type ListingSort,
} from '../../src/listing/index.ts';

/** Rows on one page. */
export const PAGE_ROWS = 100;
/** UTF-16 units of a search on the public page; longer ones are cut. */
const TEXT_LENGTH_MAX = 200;
const PAGES_MAX: number = LIST_OFFSET_MAX / PAGE_ROWS;

export interface PageQuery {
  /** Words that somebody typed; no search when empty. */
  readonly text: string;
  /** All when absent. */
  readonly category?: Category;
  /** Undefined for the best fit of a search, else the newest first. */
  readonly sort: ListingSort | undefined;
  readonly isReversed: boolean;
  /** From 1. */
  readonly page: number;
}

/** Reads the query of a URL, with or without `?`; whatever is not understood counts as not said. */
export function parsePageQuery(search: string): PageQuery {
  const parameters = new URLSearchParams(search);
  const category = parameters.get('cat') ?? '';
  const page = parameters.get('page') ?? '';
  return {
    text: (parameters.get('q') ?? '').trim().slice(0, TEXT_LENGTH_MAX),
    ...(isCategory(category) ? { category } : {}),
    sort: LISTING_SORTS.find((name) => name === parameters.get('sort')),
    isReversed: parameters.get('reverse') === '1',
    page: /^[1-9][0-9]{0,8}$/.test(page) ? Math.min(Number(page), PAGES_MAX) : 1,
  };
}

/** How its rows are sorted. */
export function sortOf({ sort, text }: PageQuery): ListingSort {
  return sort ?? (text === '' ? 'age' : 'best');
}

/** The rows that a page shows. */
export function listingQueryOf(query: PageQuery): ListingQuery {
  const { text, category, isReversed, page } = query;
  return {
    ...(text === '' ? {} : { text }),
    ...(category ? { category } : {}),
    ...(isReversed ? { isReversed } : {}),
    ...{ sort: sortOf(query), limit: PAGE_ROWS, offset: (page - 1) * PAGE_ROWS },
  };
}

/** The URL of a page. */
export function urlOf({ text, category, sort, isReversed, page }: PageQuery): string {
  const parameters = new URLSearchParams();
  if (text !== '') parameters.set('q', text);
  if (category) parameters.set('cat', category);
  if (sort) parameters.set('sort', sort);
  if (isReversed) parameters.set('reverse', '1');
  if (page > 1) parameters.set('page', String(page));
  return parameters.size > 0 ? `/?${parameters}` : '/';
}

/** The same question for another category, or for all of them. */
export function withCategory(query: PageQuery, category: Category | undefined): PageQuery {
  const { category: _, ...rest } = query;
  return { ...rest, page: 1, ...(category ? { category } : {}) };
}

/** Every category, and before them all together. */
export const CATEGORY_CHOICES: readonly (Category | undefined)[] = [undefined, ...CATEGORIES];

/** Pages there are; at least one. */
export function pageCountOf(total: number): number {
  return Math.min(PAGES_MAX, Math.max(1, Math.ceil(total / PAGE_ROWS)));
}

/** Pages that are linked: the first, the last, and those around the present one; null where some are left out. */
export function linkedPages(page: number, count: number): (number | null)[] {
  const near = [1, page - 2, page - 1, page, page + 1, page + 2, count];
  const pages = [...new Set(near)].filter((each) => each >= 1 && each <= count).sort((a, b) => a - b);
  return pages.flatMap((each, i) => (i > 0 && each - pages[i - 1]! > 1 ? [null, each] : [each]));
}
