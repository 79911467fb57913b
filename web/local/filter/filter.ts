/** Changes of the filter: what is denied, and whose lists are followed. */
import type { FilterChange, FilterStatus } from '../../../app/running-node.ts';
import { change } from '../api.ts';
import { attempt } from '../notices.ts';

/** Changes the filter, saying what was done; resolves to whether it was. */
export type Change = (changes: FilterChange, done: string) => Promise<boolean>;

/** Resolves to the filter as it is then; undefined when it could not be changed, which is said. */
export function changeFilter(changes: FilterChange, done: string): Promise<FilterStatus | undefined> {
  return attempt(
    () => change<FilterStatus>('/api/filter', changes),
    () => done,
  );
}
