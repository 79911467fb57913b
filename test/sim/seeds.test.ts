// Runs that once broke a promise: each is kept, and runs again for ever. A file says what went wrong and holds the plan.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { replayCommand } from './replay.ts';
import { runSeed } from './seed-runner.ts';
import type { SimulationPlan } from './simulation.ts';

interface KeptSeed {
  /** What was broken, as a sentence. */
  readonly why: string;
  readonly plan: SimulationPlan;
}

for (const file of globSync('test/sim/seeds/*.json').toSorted()) {
  const { why, plan } = JSON.parse(readFileSync(file, 'utf8')) as KeptSeed;
  test(`${file}: ${why}`, () => {
    const { breaks } = runSeed(plan);
    assert.deepEqual(breaks, [], `again: ${replayCommand(plan)}`);
  });
}
