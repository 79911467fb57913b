/** What a column of a table is. */
import type { ComponentChildren } from 'preact';

export interface Column<Row> {
  readonly label: string;
  /** Also the name by which style sheets give it a width. */
  readonly className: string;
  /** How rows are asked to be sorted by it; undefined where they cannot be. */
  readonly sort?: string;
  /** Starts at A when it is chosen; others start at the largest. */
  readonly isText?: boolean;
  /** For the column of buttons: its label is for screen readers alone. */
  readonly isLabelHidden?: boolean;
  cell(row: Row): ComponentChildren;
  /** What stands in the title of the cell. */
  title?(row: Row): string | undefined;
  /** A class of one cell. */
  cellClass?(row: Row): string;
}

export interface Sorting {
  readonly sort: string;
  readonly isReversed: boolean;
}
