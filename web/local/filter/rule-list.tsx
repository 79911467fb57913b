/** The user's own rules: each can be taken away, and others added. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { FilterStatus } from '../../../app/running-node.ts';
import { formatCount } from '../../format.ts';
import { ActionButton } from '../action-button.tsx';
import { unless } from '../use-typed.ts';
import type { Change } from './filter.ts';

interface Props {
  readonly filter: FilterStatus;
  readonly change: Change;
}

export function RuleList({ filter: { rules, total }, change }: Props): JSX.Element {
  const [rule, setRule] = useState('');
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (await change({ add: [rule.trim()] }, 'The rule is added')) setRule(unless(rule, ''));
  };
  return (
    <section class="card" aria-labelledby="rules-title">
      <h2 id="rules-title">Your rules</h2>
      <form class="line-form" autocomplete="off" onSubmit={submit}>
        <label class="hidden" for="rule">
          Rule
        </label>
        <input
          id="rule"
          value={rule}
          required
          maxLength={300}
          placeholder="name:*keygen*"
          spellcheck={false}
          onInput={(event) => setRule(event.currentTarget.value)}
        />
        <button type="submit">Add</button>
      </form>
      <p class="hint">
        A hash; <code>name:</code> and a pattern with <code>*</code>; <code>by:</code> and a publisher’s key;{' '}
        <code>only:</code> and a key, to show no other publishers.
      </p>
      {total === 0 ? (
        <p class="hint">Nothing is denied yet.</p>
      ) : (
        <ul class="entries" aria-label="Rules">
          {rules.map((each) => (
            <li key={each}>
              <span class="whole" dir="auto">
                {each}
              </span>
              <ActionButton
                label={`Remove ${each}`}
                onAct={() => change({ remove: [each] }, 'The rule is gone: what it kept out comes back')}
              >
                Remove
              </ActionButton>
            </li>
          ))}
        </ul>
      )}
      {total > rules.length && <p class="hint">and {formatCount(total - rules.length)} more</p>}
    </section>
  );
}
