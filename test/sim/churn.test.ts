// The bars that the overlay is held to, over forty hours of public churn with everything that goes wrong in a network, and
// two with liars. Each failure prints the command that replays it. MONSOON_SIM_SEEDS sets how many seeds of an hour,
// MONSOON_SIM_SEED the first. test/suite.ts runs this file beside all others.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Figures, figuresOf } from './figures.ts';
import { replayCommand } from './replay.ts';
import { runSeeds } from './seed-runner.ts';
import type { SimulationPlan } from './simulation.ts';

const SEEDS = Number(process.env.MONSOON_SIM_SEEDS ?? 40);
const SEEDS_WITH_LIARS = 2;
const FIRST = Number(process.env.MONSOON_SIM_SEED ?? 101);
const NETWORK = { seed: FIRST, supernodes: 50, clients: 2000 } as const;
const TIMEOUT_MS = 1_200_000;

interface Outcome {
  readonly figures: Figures;
  /** What broke, and the way to see it again. */
  readonly broken: readonly string[];
}

async function outcomeOf(plan: SimulationPlan, seeds: number): Promise<Outcome> {
  const runs = await runSeeds(plan, seeds);
  const broken = runs.flatMap(({ seed, breaks }) =>
    breaks.slice(0, 3).map(({ step, what }) => `step ${step}: ${what}; again: ${replayCommand({ ...plan, seed })}`),
  );
  const figures = figuresOf(runs.map(({ tally }) => tally));
  console.log(JSON.stringify(figures));
  return { figures, broken };
}

test('under public churn lookups are quick, and a crashed owner is replaced', { timeout: TIMEOUT_MS }, async () => {
  const { figures, broken } = await outcomeOf({ ...NETWORK, hours: 1, profile: 'A' }, SEEDS);
  assert.ok(figures.lookupSuccess >= 0.995, `lookups: ${figures.lookupSuccess}`);
  assert.ok(figures.requestsPerLookup <= 1.1, `requests: ${figures.requestsPerLookup}`);
  assert.ok(figures.rangeAnsweredAgainSecondsP99 <= 10, `again after ${figures.rangeAnsweredAgainSecondsP99} s`);
  assert.ok(figures.membershipKnownSecondsP99 <= 30, `known after ${figures.membershipKnownSecondsP99} s`);
  assert.ok(
    figures.upkeepBytesPerSupernodePerSecond <= 2048,
    `upkeep: ${figures.upkeepBytesPerSupernodePerSecond} B/s`,
  );
  assert.deepEqual(broken, []);
  assert.equal(figures.announcesLost, 0);
});

for (const [hostile, bar] of [
  [0.1, 0.99],
  [0.2, 0.97],
] as const) {
  test(`with ${100 * hostile} % of liars among the supernodes ${100 * bar} % of lookups are answered`, {
    timeout: TIMEOUT_MS,
  }, async () => {
    const { figures, broken } = await outcomeOf({ ...NETWORK, hours: 0.5, profile: 'B', hostile }, SEEDS_WITH_LIARS);
    assert.ok(figures.lookupSuccess >= bar, `lookups: ${figures.lookupSuccess}`);
    assert.deepEqual(broken, []);
  });
}
