/** Which rows of a long table are drawn. Pure. */

export interface Span {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/** Rows drawn above and below what is seen, so that a short scroll finds them there. */
const MARGIN_ROWS = 12;
/** The span moves in steps, so that most scroll events draw nothing. */
const STEP_ROWS = 4;

/** The rows to draw; lengths are pixels. */
export function visibleRows(scrollTop: number, height: number, rowHeight: number, total: number): Span {
  const first = Math.floor(scrollTop / rowHeight) - MARGIN_ROWS;
  const from = Math.max(0, Math.min(total, Math.floor(first / STEP_ROWS) * STEP_ROWS));
  const count = Math.ceil(height / rowHeight) + 2 * MARGIN_ROWS + STEP_ROWS;
  return { from, to: Math.min(total, from + count) };
}

/** Where to scroll so that a row is seen whole, below the head; where it is when it already is. */
export function scrollTopFor(index: number, scrollTop: number, height: number, rowHeight: number): number {
  const top = index * rowHeight;
  if (top < scrollTop) return top;
  return Math.max(scrollTop, top + rowHeight - height);
}
