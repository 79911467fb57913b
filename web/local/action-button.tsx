/** A button whose work takes a while: it cannot be pressed again until that is done. */
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';

interface Props {
  readonly label?: string;
  readonly className?: string;
  readonly tabIndex?: number;
  readonly onAct: () => Promise<unknown>;
  readonly children: ComponentChildren;
}

export function ActionButton({ label, className = 'quiet', tabIndex, onAct, children }: Props): JSX.Element {
  const [isBusy, setBusy] = useState(false);
  const act = async (event: MouseEvent): Promise<void> => {
    event.stopPropagation();
    // Of a double click the second one was not meant for what stands on the button by then.
    if (event.detail > 1) return;
    setBusy(true);
    await onAct();
    setBusy(false);
  };
  return (
    <button type="button" class={className} aria-label={label} tabIndex={tabIndex} disabled={isBusy} onClick={act}>
      {children}
    </button>
  );
}
