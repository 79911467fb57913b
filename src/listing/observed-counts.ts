/**
 * What several supernodes count of one swarm, made into what is shown: the middle of what they say, never the largest
 * claim, so that one liar among three moves a count no further than the other two differ.
 */
import type { NodeId, WallSeconds } from '../base/index.ts';
import type { Counts } from './row.ts';

/** What one supernode counted. */
export interface Observation extends Counts {
  readonly source: NodeId;
  readonly at: WallSeconds;
}

/** Observations kept of one swarm: one of each member of its owner set. */
export const OBSERVATIONS_MAX = 5;
/** Older ones do not count beside newer ones. */
const OBSERVATION_SECONDS = 3600;

/** Takes a newer observation in; one of each source is kept, the newest ones. */
export function withObservation(known: readonly Observation[], added: Observation): Observation[] {
  const others = known.filter(({ source, at }) => source !== added.source && added.at - at < OBSERVATION_SECONDS);
  return [added, ...others].toSorted((a, b) => b.at - a.at).slice(0, OBSERVATIONS_MAX);
}

/** The counts to show; a member that nobody counted is absent. */
export function combineCounts(observations: readonly Observation[]): Counts {
  const counts: { -readonly [Name in keyof Counts]: Counts[Name] } = {};
  for (const name of ['seeders', 'leechers', 'completions'] as const) {
    const values = observations.flatMap((observation) => observation[name] ?? []).toSorted((a, b) => a - b);
    // Of two the lower one: nobody gains by saying more.
    const middle = values[Math.floor((values.length - 1) / 2)];
    if (middle !== undefined) counts[name] = middle;
  }
  return counts;
}
