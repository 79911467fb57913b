/** A button for what cannot be undone: it asks on its own face, and a second press within a few seconds means it. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ActionButton } from './action-button.tsx';

const SURE_MS = 5000;

interface Props {
  readonly label: string;
  readonly question: string;
  readonly onAct: () => Promise<unknown>;
}

export function SureButton({ label, question, onAct }: Props): JSX.Element {
  const [isAsking, setAsking] = useState(false);
  useEffect(() => {
    const timer = isAsking ? setTimeout(() => setAsking(false), SURE_MS) : undefined;
    return () => clearTimeout(timer);
  }, [isAsking]);
  const press = async (): Promise<void> => {
    setAsking(!isAsking);
    if (isAsking) await onAct();
  };
  return (
    <ActionButton className="quiet danger" onAct={press}>
      {isAsking ? question : label}
    </ActionButton>
  );
}
