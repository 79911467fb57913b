/** What this node does not want to see, keep, track or fetch, and whose lists it follows in that. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { FilterStatus } from '../../../app/running-node.ts';
import { read } from '../api.ts';
import { type Change, changeFilter } from './filter.ts';
import { OwnList } from './own-list.tsx';
import { RuleList } from './rule-list.tsx';
import { SubscriptionList } from './subscription-list.tsx';

const READ_MS = 5000;

export function FilterView(): JSX.Element {
  const [filter, setFilter] = useState<FilterStatus | undefined>(undefined);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  useEffect(() => {
    const ends = new AbortController();
    const take = (): void =>
      void read<FilterStatus>('/api/filter', ends.signal).then(
        (status) => {
          setFilter(status);
          setProblem(undefined);
        },
        (error) => !ends.signal.aborted && setProblem((error as Error).message),
      );
    take();
    const timer = setInterval(take, READ_MS);
    return () => {
      clearInterval(timer);
      ends.abort();
    };
  }, []);
  const change: Change = async (changes, done) => {
    const changed = await changeFilter(changes, done);
    if (changed) setFilter(changed);
    return changed !== undefined;
  };
  return (
    <section class="view page-view" aria-labelledby="filter-title">
      <h1 id="filter-title">Filter</h1>
      <p class="lead">
        What is denied is not listed here, not kept, tracked or fetched. It is your word for this node alone: others see
        what they like. Taking a rule away lets in again what it kept out.
      </p>
      {problem !== undefined && <p class="problem">{problem}</p>}
      {filter && (
        <div class="cards">
          <RuleList filter={filter} change={change} />
          <SubscriptionList lists={filter.lists} change={change} />
          <OwnList own={filter.own} change={change} />
        </div>
      )}
    </section>
  );
}
