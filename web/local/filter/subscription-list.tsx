/** The lists of others that are followed: by the key of whoever signs them. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { FilterListRow } from '../../../app/running-node.ts';
import { formatCount, formatLeft } from '../../format.ts';
import { ActionButton } from '../action-button.tsx';
import { unless } from '../use-typed.ts';
import type { Change } from './filter.ts';

interface Props {
  readonly lists: readonly FilterListRow[];
  readonly change: Change;
}

export function SubscriptionList({ lists, change }: Props): JSX.Element {
  const [key, setKey] = useState('');
  const [takesOnly, setOnly] = useState(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const author = key.trim() as FilterListRow['author'];
    if (await change({ subscribe: { author, takesOnly } }, 'You follow that list now')) setKey(unless(key, ''));
  };
  return (
    <section class="card" aria-labelledby="lists-title">
      <h2 id="lists-title">Lists that you follow</h2>
      <form class="line-form" autocomplete="off" onSubmit={submit}>
        <label class="hidden" for="list-key">
          Key of a list’s author
        </label>
        <input
          id="list-key"
          value={key}
          required
          pattern="\s*[0-9a-fA-F]{64}\s*"
          title="64 hex digits"
          placeholder="key of its author, 64 hex digits"
          spellcheck={false}
          onInput={(event) => setKey(event.currentTarget.value)}
        />
        <button type="submit">Follow</button>
        <label class="tick">
          <input type="checkbox" checked={takesOnly} onChange={(event) => setOnly(event.currentTarget.checked)} /> show
          only the publishers that it names
        </label>
      </form>
      {lists.length === 0 ? (
        <p class="hint">You follow none. Whoever signs one passes his key on.</p>
      ) : (
        <ul class="entries" aria-label="Lists">
          {lists.map((list) => (
            <li key={list.author}>
              <span>
                <strong dir="auto">{list.title ?? 'Not found yet'}</strong>{' '}
                <span class="hint">
                  {rulesText(list)}, {askedText(list)}
                </span>
                <code class="whole">{list.author}</code>
              </span>
              <ActionButton
                label={`Leave ${list.title ?? list.author}`}
                onAct={() => change({ unsubscribe: list.author }, 'You left the list: what it kept out comes back')}
              >
                Leave
              </ActionButton>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function rulesText({ rules, takesOnly }: FilterListRow): string {
  const count = rules === 1 ? '1 rule' : `${formatCount(rules)} rules`;
  return takesOnly ? `${count}, only its publishers are shown` : count;
}

function askedText({ checkedAgeSeconds }: FilterListRow): string {
  if (checkedAgeSeconds === null) return 'nobody who keeps it has answered yet';
  return checkedAgeSeconds < 1 ? 'asked for just now' : `asked for ${formatLeft(checkedAgeSeconds)} ago`;
}
