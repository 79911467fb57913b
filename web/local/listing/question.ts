/** What is asked of the listing, as it stands in the page's address, and as the node is asked. Pure. */
import type { Sorting } from '../table/column.ts';

export const CATEGORIES = ['movie', 'music', 'game', 'application', 'misc'] as const;

/** The fields of the filter, by the names that the node's API and the address use. */
export const FILTERS = [
  { name: 'min-size', label: 'Size from', hint: '700M' },
  { name: 'max-size', label: 'to', hint: '4G' },
  { name: 'age', label: 'Newer than', hint: '7d' },
  { name: 'seeds', label: 'Seeds from', hint: '1' },
  { name: 'min-files', label: 'Files from', hint: '1' },
] as const;
export type FilterName = (typeof FILTERS)[number]['name'];

const ASKED = ['q', 'category', ...FILTERS.map(({ name }) => name), 'sort', 'reverse'];

/** What the node is asked, without the part of rows wanted; the same text for the same question. */
export function questionOf(parameters: URLSearchParams): URLSearchParams {
  const question = new URLSearchParams();
  for (const name of ASKED) {
    const value = parameters.get(name)?.trim() ?? '';
    if (value !== '') question.set(name, value);
  }
  return question;
}

/** How rows are sorted: as somebody chose, else the best fit of a search or the newest first. */
export function sortingOf(parameters: URLSearchParams): Sorting {
  const sort = parameters.get('sort') || ((parameters.get('q') ?? '').trim() === '' ? 'age' : 'best');
  return { sort, isReversed: parameters.get('reverse') === '1' };
}

/** The place in the page with one thing changed; an empty value takes it away. */
export function withChanges(parameters: URLSearchParams, changes: Readonly<Record<string, string>>): URLSearchParams {
  const next = new URLSearchParams(parameters);
  for (const [name, value] of Object.entries(changes)) {
    if (value === '') next.delete(name);
    else next.set(name, value);
  }
  return next;
}

/** True when rows are left out by anything but the words searched for and the category. */
export function isFiltered(parameters: URLSearchParams): boolean {
  return FILTERS.some(({ name }) => parameters.has(name));
}
