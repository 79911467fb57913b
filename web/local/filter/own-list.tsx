/** The list that this node signs for others. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { FilterListText, OwnFilterList } from '../../../app/running-node.ts';
import { formatCount } from '../../format.ts';
import { read } from '../api.ts';
import { status } from '../live.ts';
import { say } from '../notices.ts';
import { useStore } from '../store.ts';
import { unless } from '../use-typed.ts';
import type { Change } from './filter.ts';

interface Props {
  readonly own: OwnFilterList | null;
  readonly change: Change;
}

interface Fields {
  readonly title: string;
  readonly rules: string;
}

export function OwnList({ own, change }: Props): JSX.Element {
  const [fields, setFields] = useState<Fields | undefined>(undefined);
  const key = useStore(status)?.nodeId;
  const write = async (): Promise<void> => {
    if (!own) return setFields({ title: '', rules: '' });
    try {
      const { title, text } = await read<FilterListText>('/api/filter/own');
      // Asked for twice, the second answer may come when something was typed.
      setFields((now) => now ?? { title, rules: text });
    } catch (error) {
      say('problem', (error as Error).message);
    }
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (fields && (await change({ publish: fields }, 'Your list is signed and on its way')))
      setFields(unless<Fields | undefined>(fields, undefined));
  };
  return (
    <section class="card" aria-labelledby="own-list-title">
      <h2 id="own-list-title">Your list for others</h2>
      <p class="hint">
        {own ? (
          <>
            You publish <strong dir="auto">{own.title}</strong> with {formatCount(own.rules)}{' '}
            {own.rules === 1 ? 'rule' : 'rules'}. Others follow it by your key:
          </>
        ) : (
          'You publish none. Others would follow it by your key:'
        )}
        {key && <code class="whole">{key}</code>}
      </p>
      {fields === undefined ? (
        <button type="button" class="quiet" onClick={() => void write()}>
          {own ? 'Change it' : 'Write one'}
        </button>
      ) : (
        <form class="form" autocomplete="off" onSubmit={submit}>
          <label for="list-title">Title</label>
          <input
            id="list-title"
            value={fields.title}
            required
            maxLength={80}
            onInput={(event) => setFields({ ...fields, title: event.currentTarget.value })}
          />
          <label for="list-rules">Rules, one a line</label>
          <textarea
            id="list-rules"
            value={fields.rules}
            rows={8}
            maxLength={250_000}
            spellcheck={false}
            onInput={(event) => setFields({ ...fields, rules: event.currentTarget.value })}
          />
          <div class="group">
            <button type="submit">Sign and publish</button>
            <button type="button" class="quiet" onClick={() => setFields(undefined)}>
              Cancel
            </button>
          </div>
        </form>
      )}
    </section>
  );
}
