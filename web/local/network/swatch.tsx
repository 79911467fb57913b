/** The colour of an owner, beside its name. */
import type { JSX } from 'preact';

export function Swatch({ colour }: { readonly colour: number }): JSX.Element {
  return (
    <svg class="swatch" viewBox="0 0 10 10" aria-hidden="true">
      <rect class={`owner-${colour}`} width={10} height={10} rx={3} />
    </svg>
  );
}
