/** The table of the public page: Cat, Name, Size, Files, Age, Seeds, Leech, Done, Hash, By. */
import type { WallSeconds } from '../../src/base/index.ts';
import type { ListingRow, ListingSort } from '../../src/listing/index.ts';
import { formatAge, formatCount, formatSize, isNew, magnetOf, shortHex } from '../format.ts';
import { escapeHtml } from './html.ts';
import { type PageQuery, sortOf, urlOf } from './page-query.ts';

const COLUMNS: readonly (readonly [label: string, sort: ListingSort, className: string])[] = [
  ['Cat', 'category', 'cat'],
  ['Name', 'name', 'name'],
  ['Size', 'size', 'size number'],
  ['Files', 'files', 'files number'],
  ['Age', 'age', 'age number'],
  ['Seeds', 'seeds', 'seeds number'],
  ['Leech', 'leech', 'leech number'],
  ['Done', 'done', 'done number'],
  ['Hash', 'hash', 'hash'],
  ['By', 'by', 'by'],
];
/** These start at A, the others at the largest. */
const TEXTS: readonly ListingSort[] = ['category', 'name', 'hash', 'by'];

export interface TableView {
  readonly query: PageQuery;
  readonly rows: readonly ListingRow[];
  readonly now: WallSeconds;
  /** This node's tracker for ordinary clients, put into magnet links; left out when absent. */
  readonly announceUrl?: string;
}

/** The table as HTML. */
export function listingTable(view: TableView): string {
  return `<table class="listing">
<thead><tr>${COLUMNS.map((column) => sortHeader(column, view.query)).join('')}</tr></thead>
<tbody>
${view.rows.map((row) => tableRow(row, view)).join('\n')}
</tbody>
</table>`;
}

function sortHeader([label, sort, className]: (typeof COLUMNS)[number], query: PageQuery): string {
  const isSorted = sortOf(query) === sort;
  const direction = TEXTS.includes(sort) !== query.isReversed ? 'ascending' : 'descending';
  const href = escapeHtml(urlOf({ ...query, sort, isReversed: isSorted && !query.isReversed, page: 1 }));
  const sorted = isSorted ? ` aria-sort="${direction}"` : '';
  return `<th scope="col" class="${className}"${sorted}><a href="${href}">${label}</a></th>`;
}

function tableRow(row: ListingRow, { now, announceUrl }: TableView): string {
  const magnet = escapeHtml(magnetOf(row.infoHash, row.name, announceUrl));
  const badges = [
    isNew(row.added, now) ? '<span class="badge new">new</span>' : '',
    row.verified ? '<span class="verified" title="verified">✓</span>' : '<span class="badge warn">unchecked</span>',
    ...row.tags.map((tag) => `<span class="badge">${escapeHtml(tag)}</span>`),
  ].join(' ');
  const description = row.description === '' ? '' : `<p class="about" dir="auto">${escapeHtml(row.description)}</p>`;
  return `<tr><td class="cat ${row.category}">${row.category}</td>\
<td class="name"><a href="${magnet}" dir="auto" title="Magnet link">${escapeHtml(row.name)}</a> ${badges}${description}</td>\
<td class="size number" data-label="Size">${formatSize(row.size)}</td>\
<td class="files number" data-label="Files">${formatCount(row.files)}</td>\
<td class="age number" data-label="Age">${formatAge(now - row.added)}</td>\
${countCell('Seeds', row.seeders)}${countCell('Leech', row.leechers)}${countCell('Done', row.completions)}\
<td class="hash" data-label="Hash"><code title="${row.infoHash}">${shortHex(row.infoHash)}</code></td>\
<td class="by" data-label="By"><code title="${row.publisher}">${shortHex(row.publisher)}</code></td></tr>`;
}

function countCell(label: string, count: number | null): string {
  const className = `${label.toLowerCase()} number`;
  if (count === null) return `<td class="${className} unknown" data-label="${label}" title="Nobody has counted">?</td>`;
  return `<td class="${className}" data-label="${label}">${formatCount(count)}</td>`;
}
