/**
 * Tables that fit the terminal: every column as wide as its widest cell, and the one that may shrink gives way.
 * Cells are cleaned here, so no name from outside reaches the terminal with control characters in it.
 */
import { cleanText } from '../../src/base/index.ts';
import { columnsOf, fitColumns, padColumns } from './width.ts';

export interface Column {
  readonly title: string;
  readonly isNumber?: boolean;
  /** Cut with an ellipsis when the terminal is too narrow. */
  readonly shrinks?: boolean;
  /** Left out where a column that shrinks has little room; the lowest first. */
  readonly leavesAs?: number;
}

export interface TableLayout {
  /** Terminal columns; Infinity where lines may be of any length. */
  readonly columns: number;
  readonly hasColour: boolean;
}

const GAP = '  ';
const SHRUNK_COLUMNS_MIN = 8;
/** What a cut text is still told by; other columns leave before it is narrower. */
const TELLING_COLUMNS = 20;
const CELL_LENGTH_MAX = 4096;

/** Lines with a heading, each ended by a newline; rows have one cell per column. */
export function formatTable(
  allColumns: readonly Column[],
  rows: readonly (readonly string[])[],
  layout: TableLayout,
): string {
  const allCells = rows.map((row) => row.map((cell) => cleanText(cell, CELL_LENGTH_MAX)));
  const allWidths = allColumns.map((column, i) =>
    allCells.reduce((widest, row) => Math.max(widest, columnsOf(row[i]!)), column.title.length),
  );
  const places = placesKept(allColumns, allWidths, layout.columns);
  const columns = places.map((at) => allColumns[at]!);
  const widths = places.map((at) => allWidths[at]!);
  const cells = allCells.map((row) => places.map((at) => row[at]!));
  shrink(columns, widths, layout.columns);
  const lineOf = (row: readonly string[]): string =>
    row
      .map((cell, i) => padColumns(fitColumns(cell, widths[i]!), widths[i]!, columns[i]!.isNumber ? 'left' : 'right'))
      .join(GAP)
      .trimEnd();
  const heading = lineOf(columns.map((column) => column.title));
  const lines = [layout.hasColour ? `\u001b[1m${heading}\u001b[22m` : heading, ...cells.map(lineOf)];
  return `${lines.join('\n')}\n`;
}

/** `name  value` lines with the values under each other. */
export function formatFacts(facts: readonly (readonly [string, string])[]): string {
  const width = facts.reduce((widest, [name]) => Math.max(widest, name.length), 0);
  return facts.map(([name, value]) => `${name.padEnd(width)}  ${cleanText(value, CELL_LENGTH_MAX)}\n`).join('');
}

/** The places of the columns that there is room for. */
function placesKept(columns: readonly Column[], widths: readonly number[], available: number): number[] {
  let kept = [...columns.keys()];
  const needed = (): number =>
    kept.reduce((sum, at) => sum + (columns[at]!.shrinks ? Math.min(widths[at]!, TELLING_COLUMNS) : widths[at]!), 0) +
    GAP.length * (kept.length - 1);
  const leaving = kept
    .filter((at) => columns[at]!.leavesAs !== undefined)
    .sort((a, b) => columns[a]!.leavesAs! - columns[b]!.leavesAs!);
  for (const next of leaving) if (needed() > available) kept = kept.filter((at) => at !== next);
  return kept;
}

function shrink(columns: readonly Column[], widths: number[], available: number): void {
  let excess = widths.reduce((sum, width) => sum + width, GAP.length * (columns.length - 1)) - available;
  for (const [i, column] of columns.entries()) {
    if (excess <= 0 || !column.shrinks) continue;
    const width = Math.max(Math.min(widths[i]!, SHRUNK_COLUMNS_MIN), widths[i]! - excess);
    excess -= widths[i]! - width;
    widths[i] = width;
  }
}
