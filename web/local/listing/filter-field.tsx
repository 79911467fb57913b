/** One filter: counts when it is left or confirmed; what is half typed outlives rows that come meanwhile. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

interface Props {
  readonly label: string;
  readonly hint: string;
  /** What filters now. */
  readonly value: string;
  readonly onChange: (text: string) => void;
}

export function FilterField({ label, hint, value, onChange }: Props): JSX.Element {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  return (
    <label>
      {label}{' '}
      <input
        value={typed}
        placeholder={hint}
        size={6}
        maxLength={20}
        spellcheck={false}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onChange={() => onChange(typed.trim())}
      />
    </label>
  );
}
