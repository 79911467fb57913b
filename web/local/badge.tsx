/** A small word beside a name. */
import type { JSX } from 'preact';

interface Props {
  readonly kind?: 'new' | 'warn';
  readonly title?: string;
  readonly children: string;
}

export function Badge({ kind, title, children }: Props): JSX.Element {
  return (
    <span class={`badge ${kind ?? ''}`} title={title}>
      {children}
    </span>
  );
}
