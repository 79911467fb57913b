/** The head of a long table: a column's name sorts by it, and once more the other way around. */
import type { JSX } from 'preact';
import type { Column, Sorting } from './column.ts';

interface Props<Row> {
  readonly columns: readonly Column<Row>[];
  readonly sorting: Sorting | undefined;
  readonly onSort: ((sorting: Sorting) => void) | undefined;
}

export function GridHead<Row>({ columns, sorting, onSort }: Props<Row>): JSX.Element {
  return (
    <thead>
      <tr aria-rowindex={1}>
        {columns.map((column) => (
          <th key={column.className} scope="col" class={column.className} aria-sort={directionOf(column, sorting)}>
            {column.sort !== undefined && onSort ? (
              <button type="button" onClick={() => onSort(nextSorting(column.sort ?? '', sorting))}>
                {column.label}
              </button>
            ) : (
              <span class={column.isLabelHidden ? 'hidden' : ''}>{column.label}</span>
            )}
          </th>
        ))}
      </tr>
    </thead>
  );
}

function nextSorting(sort: string, sorting: Sorting | undefined): Sorting {
  return { sort, isReversed: sorting?.sort === sort && !sorting.isReversed };
}

function directionOf<Row>(
  { sort, isText }: Column<Row>,
  sorting: Sorting | undefined,
): 'ascending' | 'descending' | undefined {
  if (sort === undefined || sort !== sorting?.sort) return undefined;
  return Boolean(isText) !== sorting.isReversed ? 'ascending' : 'descending';
}
