/** One row of a long table; drawn again only when something of it has changed. */
import { Component, type JSX } from 'preact';
import type { Column } from './column.ts';

interface Props<Row> {
  readonly id: string;
  readonly index: number;
  readonly row: Row | undefined;
  readonly columns: readonly Column<Row>[];
  readonly className: string;
  readonly isActive: boolean;
  readonly isSelected: boolean;
  readonly onOpen: (index: number) => void;
}

export class GridRow<Row> extends Component<Props<Row>> {
  override shouldComponentUpdate(next: Props<Row>): boolean {
    return (Object.keys(next) as (keyof Props<Row>)[]).some((name) => next[name] !== this.props[name]);
  }

  override render({ id, index, row, columns, className, isActive, isSelected, onOpen }: Props<Row>): JSX.Element {
    return (
      <tr
        id={id}
        class={`${className}${isActive ? ' active' : ''}`}
        aria-rowindex={index + 2}
        aria-selected={isSelected}
        onClick={() => onOpen(index)}
      >
        {row
          ? columns.map((column) => (
              <td
                key={column.className}
                class={`${column.className} ${column.cellClass?.(row) ?? ''}`}
                title={column.title?.(row)}
                data-label={column.label}
              >
                {column.cell(row)}
              </td>
            ))
          : columns.map(({ className }) => (
              <td key={className} class={className}>
                <span class="pending" />
              </td>
            ))}
      </tr>
    );
  }
}
