/**
 * The public page: what a browser sees at `/` of any supernode. Read-only HTML rendered here in full, no script, all
 * state in the URL. Every text from the network passes `escapeHtml`; knows nothing of stores or sockets.
 */
import { formatCount } from '../format.ts';
import { escapeHtml } from './html.ts';
import { listingTable, type TableView } from './listing-table.ts';
import { CATEGORY_CHOICES, linkedPages, type PageQuery, pageCountOf, urlOf, withCategory } from './page-query.ts';

export interface ListingPageView extends TableView {
  /** Torrents that fit the question, on all pages. */
  readonly total: number;
  readonly network: string;
  /** The words that were searched instead of those typed. */
  readonly corrected?: string;
}

/** Renders the whole document; it links to `/page.css` and to nothing else. */
export function renderListingPage(view: ListingPageView): string {
  const { query, rows, total, network, announceUrl, corrected } = view;
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
<title>${escapeHtml(query.text || (query.category ?? 'everything'))} – ${escapeHtml(network)}</title>
<link rel="stylesheet" href="/page.css">
</head>
<body>
<header class="bar"><a class="brand" href="/">monsoon</a>
${searchForm(query)}
<p class="summary">${escapeHtml(network)} · ${formatCount(total)} ${total === 1 ? 'torrent' : 'torrents'}</p></header>
<main>
<nav class="chips" aria-label="Category">
${CATEGORY_CHOICES.map((category) => categoryLink(category, query)).join('\n')}
</nav>
${corrected === undefined ? '' : `<p class="hint">Nothing fits what was typed; these fit “${escapeHtml(corrected)}”.</p>`}
${rows.length > 0 ? listingTable(view) : '<p class="empty">Nothing is listed here.</p>'}
${pageLinks(query, total)}
</main>
<footer>${tracker}
<p>“?” means that nobody has counted. <span class="verified">✓</span> means that name, size and files were checked against
the torrent's metadata; category and description are the publisher's word.</p></footer>
</body>
</html>
`;
}

function searchForm({ text, category }: PageQuery): string {
  const kept = category ? `<input type="hidden" name="cat" value="${category}">` : '';
  return `<form class="find" action="/" role="search"><label class="hidden" for="q">Search the listing</label>\
<input id="q" name="q" type="search" maxlength="200" placeholder="Search" value="${escapeHtml(text)}">${kept}\
<button>Search</button></form>`;
}

function categoryLink(category: PageQuery['category'], query: PageQuery): string {
  const href = escapeHtml(urlOf(withCategory(query, category)));
  const current = category === query.category ? ' aria-current="page"' : '';
  return `<a href="${href}"${current}>${category ?? 'all'}</a>`;
}

function pageLinks(query: PageQuery, total: number): string {
  const count = pageCountOf(total);
  if (count === 1 && query.page === 1) return '';
  const step = (page: number, label: string, rel: string): string =>
    page < 1 || page > count
      ? `<span>${label}</span>`
      : `<a href="${escapeHtml(urlOf({ ...query, page }))}" rel="${rel}">${label}</a>`;
  const links = linkedPages(query.page, count).map((page) => {
    if (page === null) return '<span>…</span>';
    const current = page === query.page ? ' aria-current="page"' : '';
    return `<a href="${escapeHtml(urlOf({ ...query, page }))}"${current}>${formatCount(page)}</a>`;
  });
  return `<nav class="pages" aria-label="Pages">${step(Math.min(query.page - 1, count), '‹ previous', 'prev')}
${links.join('\n')}
${step(query.page + 1, 'next ›', 'next')}</nav>`;
}
