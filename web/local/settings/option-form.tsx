/** One group of options: what can be changed while the node runs is, and the file keeps all of it. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { OptionName } from '../../../config/index.ts';
import { change } from '../api.ts';
import { attempt } from '../notices.ts';
import { OptionField } from './option-field.tsx';
import type { OptionGroup } from './option-groups.ts';

/** What the node says about an option. */
export interface Setting {
  readonly name: OptionName;
  /** What holds now. */
  readonly value: unknown;
  readonly origin: string;
  /** What holds from the next start. */
  readonly next: unknown;
}

interface Props {
  readonly group: OptionGroup;
  readonly settings: ReadonlyMap<string, Setting>;
  readonly onSaved: (settings: readonly Setting[]) => void;
}

export function OptionForm({ group, settings, onSaved }: Props): JSX.Element {
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>({});
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const saved = await attempt(
      () => change<readonly Setting[]>('/api/config', typed),
      (rows) => savedText(rows.filter(({ name }) => name in typed)),
    );
    if (!saved) return;
    setTyped((now) => Object.fromEntries(Object.entries(now).filter(([name, text]) => text !== typed[name])));
    onSaved(saved);
  };
  return (
    <form class="card settings" autocomplete="off" aria-label={group.title} onSubmit={submit}>
      <h2>{group.title}</h2>
      <p class="hint">{group.about}</p>
      {group.options.map(([name, label]) => {
        const setting = settings.get(name);
        return (
          <OptionField
            key={name}
            name={name}
            label={label}
            value={typed[name] ?? String(setting?.next ?? '')}
            note={setting && noteOf(setting)}
            onSet={(text) => setTyped((now) => ({ ...now, [name]: text }))}
          />
        );
      })}
      <button type="submit" disabled={Object.keys(typed).length === 0}>
        Save
      </button>
    </form>
  );
}

function noteOf({ value, origin, next }: Setting): string | undefined {
  if (String(value) !== String(next)) return `Until the next start: ${String(value) || 'nothing'}.`;
  return origin === 'flag' || origin === 'environment'
    ? `Set by the ${origin}, which counts before what is saved here.`
    : undefined;
}

function savedText(rows: readonly Setting[]): string {
  const isLater = rows.some(({ value, next }) => String(value) !== String(next));
  return isLater ? 'Saved. It holds when the node starts again.' : 'Saved. It holds now.';
}
