/** How much a file is wanted. */
import type { JSX, TargetedEvent } from 'preact';
import type { PriorityName } from '../../../app/running-node.ts';

const PRIORITIES: readonly (readonly [PriorityName, string])[] = [
  ['skip', 'leave out'],
  ['low', 'last'],
  ['normal', 'normal'],
  ['high', 'first'],
];

interface Props {
  readonly label: string;
  /** Undefined where several files are meant at once. */
  readonly value?: PriorityName;
  readonly onChoose: (priority: PriorityName) => void;
}

export function PrioritySelect({ label, value, onChoose }: Props): JSX.Element {
  const choose = (event: TargetedEvent<HTMLSelectElement>): void => {
    const chosen = PRIORITIES.find(([name]) => name === event.currentTarget.value)?.[0];
    if (value === undefined) event.currentTarget.value = '';
    if (chosen) onChoose(chosen);
  };
  return (
    <select aria-label={label} value={value ?? ''} onChange={choose}>
      {value === undefined && <option value="">set to…</option>}
      {PRIORITIES.map(([name, text]) => (
        <option key={name} value={name}>
          {text}
        </option>
      ))}
    </select>
  );
}
