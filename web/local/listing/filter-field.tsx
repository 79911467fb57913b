/** One filter: counts when it is left or confirmed; what is half typed outlives rows that come meanwhile. */
import type { JSX } from 'preact';
import { useTyped } from '../use-typed.ts';

interface Props {
  readonly label: string;
  readonly hint: string;
  /** What filters now. */
  readonly value: string;
  readonly onChange: (text: string) => void;
}

export function FilterField({ label, hint, value, onChange }: Props): JSX.Element {
  const { typed, type, noteTold } = useTyped(value);
  const tell = (): void => {
    noteTold(typed.trim());
    onChange(typed.trim());
  };
  return (
    <label>
      {label}{' '}
      <input
        value={typed}
        placeholder={hint}
        size={6}
        maxLength={20}
        spellcheck={false}
        onInput={(event) => type(event.currentTarget.value)}
        onChange={tell}
      />
    </label>
  );
}
