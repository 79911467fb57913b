/**
 * The public page: what a browser sees at `/` of any supernode. Read-only HTML rendered here in full, no script, all
 * state in the URL. Every text from the network passes `escapeHtml`; knows nothing of stores or sockets.
 */
import type { WallSeconds } from '../src/base/index.ts';
import {
  CATEGORIES,
  type Category,
  isCategory,
  LIST_OFFSET_MAX,
  LISTING_SORTS,
  type ListingQuery,
  type ListingRow,
  type ListingSort,
} from '../src/listing/index.ts';
import { formatAge, formatCount, formatSize, isNew, magnetOf, shortHex } from './local/format.js';

/** Rows on one page. */
export const PAGE_ROWS = 100;
const PAGES_MAX: number = LIST_OFFSET_MAX / PAGE_ROWS;

/** What the URL of the page asks for. */
export interface PageQuery {
  /** All when absent. */
  readonly category?: Category;
  readonly sort: ListingSort;
  /** From 1. */
  readonly page: number;
}

export interface ListingPageView {
  readonly query: PageQuery;
  readonly rows: readonly ListingRow[];
  /** Torrents in the category, on all pages. */
  readonly total: number;
  readonly network: string;
  readonly now: WallSeconds;
  /** This node's tracker for ordinary clients, put into magnet links; left out when absent. */
  readonly announceUrl?: string;
}

/** Reads the query of a URL, with or without `?`; whatever is not understood counts as not said. */
export function parsePageQuery(search: string): PageQuery {
  const parameters = new URLSearchParams(search);
  const category = parameters.get('cat') ?? '';
  const sort = LISTING_SORTS.find((name) => name === parameters.get('sort')) ?? 'age';
  const page = parameters.get('page') ?? '';
  return {
    ...(isCategory(category) ? { category } : {}),
    sort,
    page: /^[1-9][0-9]{0,8}$/.test(page) ? Math.min(Number(page), PAGES_MAX) : 1,
  };
}

/** The rows that a page shows. */
export function listingQueryOf({ category, sort, page }: PageQuery): ListingQuery {
  return { ...(category ? { category } : {}), sort, limit: PAGE_ROWS, offset: (page - 1) * PAGE_ROWS };
}

/** Renders the whole document; it links to `/page.css` and to nothing else. */
export function renderListingPage(view: ListingPageView): string {
  const { query, rows, total, network, announceUrl } = view;
  const tracker =
    announceUrl === undefined
      ? ''
      : `<p>Tracker for any BitTorrent client: <code>${escapeHtml(announceUrl)}</code></p>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(query.category ?? 'everything')} – ${escapeHtml(network)}</title>
<link rel="stylesheet" href="/page.css">
</head>
<body>
<header class="bar"><a class="brand" href="/">monsoon</a>
<p class="summary">${escapeHtml(network)} · ${formatCount(total)} ${total === 1 ? 'torrent' : 'torrents'}</p></header>
<main>
<nav class="chips" aria-label="Category">
${[undefined, ...CATEGORIES].map((category) => categoryLink(category, query)).join('\n')}
</nav>
${rows.length > 0 ? table(view) : '<p class="empty">Nothing is listed here.</p>'}
${pageLinks(query, total)}
</main>
<footer>${tracker}
<p>“?” means that nobody has counted. <span class="badge verified">verified</span> means that name, size and files
were checked against the torrent's metadata; category and description are the publisher's word.</p></footer>
</body>
</html>
`;
}

/** Makes a text safe in element content and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function table(view: ListingPageView): string {
  return `<table class="listing">
<thead><tr><th scope="col" class="minor">Cat</th>${sortHeader('Name', 'name', view.query)}${sortHeader('Size', 'size', view.query)}\
<th scope="col" class="minor number">Files</th>${sortHeader('Age', 'age', view.query)}${sortHeader('Seeds', 'seeds', view.query)}\
<th scope="col" class="minor number">Leech</th>${sortHeader('Done', 'done', view.query)}\
<th scope="col" class="minor">Hash</th><th scope="col" class="minor">By</th></tr></thead>
<tbody>
${view.rows.map((row) => tableRow(row, view)).join('\n')}
</tbody>
</table>`;
}

function tableRow(row: ListingRow, { now, announceUrl }: ListingPageView): string {
  const magnet = escapeHtml(magnetOf(row.infoHash, row.name, announceUrl));
  const badges = [
    isNew(row.added, now) ? '<span class="badge new">new</span>' : '',
    row.verified ? '<span class="badge verified">verified</span>' : '',
    ...row.tags.map((tag) => `<span class="badge">${escapeHtml(tag)}</span>`),
  ].join('');
  const description = row.description === '' ? '' : `<p class="about" dir="auto">${escapeHtml(row.description)}</p>`;
  return `<tr><td class="cat ${row.category}">${row.category}</td>\
<td class="name"><a href="${magnet}" dir="auto" title="Magnet link">${escapeHtml(row.name)}</a>${badges}${description}</td>\
<td class="number" data-label="Size">${formatSize(row.size)}</td>\
<td class="number" data-label="Files">${formatCount(row.files)}</td>\
<td class="number" data-label="Age">${formatAge(now - row.added)}</td>\
${countCell('Seeds', 'seeds', row.seeders)}${countCell('Leech', 'leech', row.leechers)}${countCell('Done', '', row.completions)}\
<td class="hex" data-label="Hash"><code title="${row.infoHash}">${shortHex(row.infoHash)}</code></td>\
<td class="hex" data-label="By"><code title="${row.publisher}">${shortHex(row.publisher)}</code></td></tr>`;
}

function countCell(label: string, kind: string, count: number | null): string {
  if (count === null) return `<td class="number unknown" data-label="${label}" title="Nobody has counted">?</td>`;
  return `<td class="number ${kind}" data-label="${label}">${formatCount(count)}</td>`;
}

function sortHeader(label: string, sort: ListingSort, query: PageQuery): string {
  const order = sort === 'name' ? 'ascending' : 'descending';
  const sorted = query.sort === sort ? ` aria-sort="${order}"` : '';
  const href = escapeHtml(urlOf({ ...query, sort, page: 1 }));
  return `<th scope="col" class="${sort === 'name' ? 'name' : 'number'}"${sorted}><a href="${href}">${label}</a></th>`;
}

function categoryLink(category: Category | undefined, query: PageQuery): string {
  const href = escapeHtml(urlOf({ sort: query.sort, page: 1, ...(category ? { category } : {}) }));
  const current = category === query.category ? ' aria-current="page"' : '';
  return `<a href="${href}"${current}>${category ?? 'all'}</a>`;
}

function pageLinks(query: PageQuery, total: number): string {
  const pages = Math.min(PAGES_MAX, Math.max(1, Math.ceil(total / PAGE_ROWS)));
  if (pages === 1 && query.page === 1) return '';
  const link = (page: number, label: string, rel: string): string =>
    page < 1 || page > pages
      ? `<span>${label}</span>`
      : `<a href="${escapeHtml(urlOf({ ...query, page }))}" rel="${rel}">${label}</a>`;
  const before = link(Math.min(query.page - 1, pages), '‹ previous', 'prev');
  return `<nav class="pages" aria-label="Pages">${before}
<span>page ${query.page} of ${pages}</span> ${link(query.page + 1, 'next ›', 'next')}</nav>`;
}

function urlOf({ category, sort, page }: PageQuery): string {
  const parameters = new URLSearchParams();
  if (category) parameters.set('cat', category);
  if (sort !== 'age') parameters.set('sort', sort);
  if (page > 1) parameters.set('page', String(page));
  return parameters.size > 0 ? `/?${parameters}` : '/';
}
