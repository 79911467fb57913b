/** A field for a rate as people write it, `500K` or `2 MiB/s`; empty is no limit. */
import type { JSX } from 'preact';
import { parseRate } from '../../config/index.ts';
import { formatRate } from '../format.ts';

interface Props {
  readonly label: string;
  readonly value: string;
  readonly onType: (text: string) => void;
}

export function RateField({ label, value, onType }: Props): JSX.Element {
  return (
    <label>
      {label}{' '}
      <input
        value={value}
        placeholder="no limit"
        size={9}
        spellcheck={false}
        pattern="[0-9]+(\.[0-9]+)? ?([KMGkmg]i?B?|B)?(/s)?"
        title="Bytes per second, as 500K or 2M; empty for no limit, 0 to stop"
        onInput={(event) => onType(event.currentTarget.value)}
      />
    </label>
  );
}

/** What stands in the field for a rate; null is no limit. */
export function rateText(rate: number | null): string {
  if (rate === null) return '';
  return rate === 0 ? '0' : formatRate(rate);
}

/** Bytes per second; null for no limit, and for what the field's pattern would not let through. */
export function rateOf(text: string): number | null {
  return parseRate(text.trim()) ?? null;
}
