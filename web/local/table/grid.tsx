/**
 * A table of any number of rows, of which those in sight are in the document. Arrow keys walk through it, Enter opens
 * a row; which one is active is told by `aria-activedescendant`, so that focus stays when its row is scrolled away.
 */
import type { JSX, Ref } from 'preact';
import { useEffect, useId, useImperativeHandle, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Column, Sorting } from './column.ts';
import { GridHead } from './grid-head.tsx';
import { GridRow } from './grid-row.tsx';
import { type Span, scrollTopFor, visibleRows } from './visible-rows.ts';

export interface GridProps<Row> {
  readonly label: string;
  readonly className: string;
  readonly columns: readonly Column<Row>[];
  readonly total: number;
  /** Pixels; the style sheet makes rows exactly this high. */
  readonly rowHeight: number;
  /** Undefined while a row is on its way. */
  readonly rowAt: (index: number) => Row | undefined;
  readonly keyOf: (row: Row) => string;
  readonly rowClass?: (row: Row) => string;
  readonly selectedKey: string | undefined;
  readonly sorting?: Sorting;
  readonly onSort?: (sorting: Sorting) => void;
  readonly onOpen: (row: Row) => void;
  /** A letter was typed while a row was active. */
  readonly onLetter?: (letter: string, row: Row) => void;
  /** These rows are in sight. */
  readonly onSpan?: (span: Span) => void;
  readonly onScrolled?: (isAtTop: boolean) => void;
  /** Goes back to the top when it changes. */
  readonly question?: string;
  /** False while the rows drawn are of the question before: keys do nothing with those. */
  readonly isCurrent?: boolean;
  /** Is set to what moves focus to the rows: to the one that was active, else to the first. */
  readonly enter?: Ref<() => void>;
}

/** The row that was active last. */
interface Picked {
  readonly index: number;
  readonly question: string | undefined;
  /** Undefined while it is on its way. */
  readonly key: string | undefined;
}

export function Grid<Row>(props: GridProps<Row>): JSX.Element {
  const { label, className, columns, total, rowHeight, rowAt, keyOf, selectedKey, onOpen, question } = props;
  const { isCurrent = true } = props;
  const id = useId();
  const frame = useRef<HTMLDivElement>(null);
  const table = useRef<HTMLTableElement>(null);
  const head = useRef<number>(0);
  const [span, setSpan] = useState<Span>({ from: 0, to: Math.min(total, 60) });
  // Of which question it is: a row of the one before is none of this one's, whatever is drawn when.
  const [picked, setPicked] = useState<Picked>();
  // There may be fewer rows by now.
  const place = picked && total > 0 && picked.question === question ? Math.min(picked.index, total - 1) : undefined;
  const keyAt = (index: number): string | undefined => {
    const row = rowAt(index);
    return row && keyOf(row);
  };
  const findActive = (): number | undefined => {
    const key = place === undefined ? undefined : keyAt(place);
    if (key === undefined || picked?.key === undefined || picked.key === key) return place;
    // Rows that came or went have moved it; when it is not in sight any more, none is active in its stead.
    return indicesOf(span, total).find((index) => keyAt(index) === picked.key);
  };
  const active = findActive();
  const pick = (index: number): void => setPicked({ index, question, key: isCurrent ? keyAt(index) : undefined });
  const latest = useRef(props);
  latest.current = props;

  const measure = (): void => {
    const box = frame.current;
    if (!box) return;
    head.current = box.querySelector('thead')?.offsetHeight ?? 0;
    const next = visibleRows(box.scrollTop, box.clientHeight, rowHeight, total);
    setSpan((now) => (now.from === next.from && now.to === next.to ? now : next));
    latest.current.onScrolled?.(box.scrollTop < rowHeight);
  };
  useLayoutEffect(measure, [total, rowHeight]);
  useEffect(() => {
    const box = frame.current;
    if (!box) return undefined;
    const observer = new ResizeObserver(measure);
    observer.observe(box);
    return () => observer.disconnect();
  }, [total, rowHeight]);
  useEffect(() => latest.current.onSpan?.(span), [span, question]);
  useLayoutEffect(() => {
    frame.current?.scrollTo({ top: 0 });
    if (document.activeElement === table.current) setPicked({ index: 0, question, key: undefined });
  }, [question]);

  const open = (index: number): void => {
    pick(index);
    const row = latest.current.rowAt(index);
    if (row) onOpen(row);
  };
  const walk = (index: number): void => {
    const box = frame.current;
    const next = Math.max(0, Math.min(total - 1, index));
    if (!box || total === 0) return;
    pick(next);
    box.scrollTop = scrollTopFor(next, box.scrollTop, box.clientHeight - head.current, rowHeight);
  };
  useImperativeHandle(props.enter ?? null, () => () => {
    table.current?.focus();
    walk(active ?? place ?? 0);
  });
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor((frame.current?.clientHeight ?? 0) / rowHeight) - 2);
    const at = active ?? place ?? -1;
    const steps: Readonly<Record<string, number>> = {
      ...{ ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1 },
      ...{ PageDown: at + page, PageUp: at - page, Home: 0, End: total - 1 },
    };
    const step = steps[event.key];
    const row = active !== undefined && isCurrent ? rowAt(active) : undefined;
    if (step !== undefined) walk(step);
    else if (active === undefined) return;
    else if (event.key !== 'Enter' && event.key.length > 1) return;
    else if (row && (event.key === 'Enter' || event.key === ' ')) open(active);
    else if (row) latest.current.onLetter?.(event.key, row);
    event.preventDefault();
  };

  const indices = indicesOf(span, total);
  const isActiveShown = active !== undefined && active >= span.from && active < span.to;
  return (
    <div class="scroll" ref={frame} onScroll={measure}>
      <table
        ref={table}
        class={className}
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: a table is how ARIA describes a grid
        role="grid"
        aria-label={label}
        aria-rowcount={total + 1}
        aria-activedescendant={isActiveShown ? `${id}-${active}` : undefined}
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        <GridHead columns={columns} sorting={props.sorting} onSort={props.onSort} />
        <tbody>
          <Spacer height={span.from * rowHeight} />
          {indices.map((index) => {
            const row = rowAt(index);
            return (
              <GridRow
                key={index}
                id={`${id}-${index}`}
                index={index}
                row={row}
                columns={columns as readonly Column<unknown>[]}
                className={(row && props.rowClass?.(row)) ?? ''}
                isActive={index === active}
                isSelected={row !== undefined && keyOf(row) === selectedKey}
                onOpen={open}
              />
            );
          })}
          <Spacer height={Math.max(0, total - span.to) * rowHeight} />
        </tbody>
      </table>
    </div>
  );
}

/** The rows in sight, as far as there are any. */
function indicesOf({ from, to }: Span, total: number): number[] {
  return Array.from({ length: Math.max(0, Math.min(to, total) - from) }, (_, i) => from + i);
}

function Spacer({ height }: { readonly height: number }): JSX.Element {
  return (
    // biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: it stands for rows that are not there
    <tr class="spacer" role="presentation" hidden={height === 0} style={{ height: `${height}px` }}>
      <td />
    </tr>
  );
}
