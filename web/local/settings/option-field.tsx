/** The field of one option, made from its line in the option table. */
import type { JSX } from 'preact';
import { OPTIONS, type Option, type OptionName } from '../../../config/index.ts';

interface Props {
  readonly name: OptionName;
  readonly label: string;
  /** As text; switches are `true` and `false`. */
  readonly value: string;
  readonly note: string | undefined;
  readonly onSet: (text: string) => void;
}

export function OptionField({ name, label, value, note, onSet }: Props): JSX.Element {
  const option: Option = OPTIONS[name];
  const id = `option-${name}`;
  return (
    <div class={`field ${option.kind}`}>
      <label for={id}>{label}</label>
      <Control id={id} name={name} option={option} value={value} onSet={onSet} />
      <p class="hint" id={`${id}-help`}>
        {option.help}
        {note !== undefined && <strong> {note}</strong>}
      </p>
    </div>
  );
}

interface ControlProps {
  readonly id: string;
  readonly name: OptionName;
  readonly option: Option;
  readonly value: string;
  readonly onSet: (text: string) => void;
}

function Control({ id, name, option, value, onSet }: ControlProps): JSX.Element {
  const described = { id, 'aria-describedby': `${id}-help` };
  switch (option.kind) {
    case 'choice':
      return (
        <select {...described} value={value} onChange={(event) => onSet(event.currentTarget.value)}>
          {option.choices.map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      );
    case 'switch':
      return (
        <input
          {...described}
          type="checkbox"
          checked={value === 'true'}
          onChange={(event) => onSet(String(event.currentTarget.checked))}
        />
      );
    case 'integer':
      return (
        <input
          {...described}
          type="number"
          required
          min={option.min}
          max={option.max}
          value={value}
          onInput={(event) => onSet(event.currentTarget.value)}
        />
      );
    default:
      return (
        <input
          {...described}
          value={value}
          placeholder={name.endsWith('Limit') ? 'no limit' : ''}
          maxLength={4096}
          spellcheck={false}
          onInput={(event) => onSet(event.currentTarget.value)}
        />
      );
  }
}
