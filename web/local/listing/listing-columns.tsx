/** The columns of the listing: Cat, Name, Size, Files, Age, Seeds, Leech, Done, Hash, By, and what to do. */
import type { ListingRow } from '../../../app/running-node.ts';
import { formatAge, formatCount, formatLeft, formatPercent, formatSize, magnetOf, shortHex } from '../../format.ts';
import type { Column } from '../table/column.ts';
import { NameCell } from './name-cell.tsx';

export interface ListingActions {
  readonly onFetch: (row: ListingRow) => void;
  /** 0–1 of a torrent that is here; undefined for others. */
  readonly progressOf: (infoHash: string) => number | undefined;
}

/** Makes the columns. */
export function listingColumns({ onFetch, progressOf }: ListingActions): readonly Column<ListingRow>[] {
  return [
    {
      label: 'Cat',
      className: 'cat',
      sort: 'category',
      isText: true,
      cell: (row) => row.category,
      cellClass: (row) => row.category,
    },
    {
      label: 'Name',
      className: 'name',
      sort: 'name',
      isText: true,
      cell: (row) => <NameCell row={row} />,
      title: titleOf,
    },
    { label: 'Size', className: 'size number', sort: 'size', cell: (row) => formatSize(row.size) },
    { label: 'Files', className: 'files number', sort: 'files', cell: (row) => formatCount(row.files) },
    {
      label: 'Age',
      className: 'age number',
      sort: 'age',
      cell: (row) => formatAge(Date.now() / 1000 - row.added),
      title: dateOf,
    },
    countColumn('Seeds', 'seeds', 'seeds', (row) => row.seeders),
    countColumn('Leech', 'leech', 'leech', (row) => row.leechers),
    countColumn('Done', 'done', 'done', (row) => row.completions),
    {
      ...{
        label: 'Hash',
        className: 'hash',
        sort: 'hash',
        isText: true,
        title: (row) => `Magnet link of ${row.infoHash}`,
      },
      cell: (row) => (
        <a href={magnetOf(row.infoHash, row.name)} tabIndex={-1} onClick={stop}>
          <code>{shortHex(row.infoHash)}</code>
        </a>
      ),
    },
    {
      ...{ label: 'By', className: 'by', sort: 'by', isText: true, title: (row) => `Published by ${row.publisher}` },
      cell: (row) => <code>{shortHex(row.publisher)}</code>,
    },
    {
      ...{ label: 'Fetch', className: 'action', isLabelHidden: true },
      cell: (row) => {
        const progress = progressOf(row.infoHash);
        if (progress === 1) return <span class="here">here</span>;
        if (progress !== undefined) return <span class="here">{formatPercent(progress)}</span>;
        return (
          <button
            type="button"
            class="quiet"
            tabIndex={-1}
            aria-label={`Fetch ${row.name}`}
            onClick={(event) => {
              event.stopPropagation();
              onFetch(row);
            }}
          >
            Fetch
          </button>
        );
      },
    },
  ];
}

function countColumn(
  label: string,
  className: string,
  sort: string,
  countOf: (row: ListingRow) => number | null,
): Column<ListingRow> {
  return {
    ...{ label, className: `${className} number`, sort },
    cell: (row) => formatCount(countOf(row)),
    cellClass: (row) => (countOf(row) === null ? 'unknown' : ''),
    title: (row) => (countOf(row) === null ? 'Nobody has counted' : countedText(row)),
  };
}

/** Who counted, and when. */
export function countedText({ countsFrom, countsAgeSeconds }: ListingRow): string {
  if (countsFrom === null) return 'Nobody has counted';
  const age = countsAgeSeconds === null ? '' : countsAgeSeconds < 1 ? ', now' : `, ${formatLeft(countsAgeSeconds)} ago`;
  return `Counted by ${shortHex(countsFrom)}${age}`;
}

function titleOf({ name, description }: ListingRow): string {
  return description === '' ? name : `${name}\n${description}`;
}

function dateOf({ added }: ListingRow): string {
  return new Date(added * 1000).toLocaleString();
}

function stop(event: Event): void {
  event.stopPropagation();
}
