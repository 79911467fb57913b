/**
 * The simulator on the command line: `npm run sim -- --seed 1 --hours 1 --profile A --supernodes 50 --clients 2000`
 * prints one JSON line of figures, and on standard error what was broken and how to see it again. With `--keep` a run that
 * broke a promise is kept among those that test/sim/seeds.test.ts runs for ever.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { figuresOf } from './figures.ts';
import { planOf, replayCommand } from './replay.ts';
import { runSeeds } from './seed-runner.ts';
import type { SimulationPlan } from './simulation.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    hours: { type: 'string', default: '1' },
    profile: { type: 'string', default: 'A' },
    supernodes: { type: 'string', default: '50' },
    clients: { type: 'string', default: '2000' },
    hostile: { type: 'string' },
    threads: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});

const plan = planOf(values);
const runs = await runSeeds(plan, Number(values.seeds), values.threads ? Number(values.threads) : undefined);
for (const { seed, breaks } of runs) {
  for (const { step, atMs, what } of breaks) console.error(`seed ${seed}, step ${step}, ${atMs} ms: ${what}`);
  if (breaks.length === 0) continue;
  console.error(`again: ${replayCommand({ ...plan, seed })}`);
  if (values.keep) keep({ ...plan, seed }, breaks[0]!.what);
}
console.log(JSON.stringify(figuresOf(runs.map(({ tally }) => tally))));
process.exitCode = runs.some(({ breaks }) => breaks.length > 0) ? 1 : 0;

function keep(kept: SimulationPlan, why: string): void {
  const file = new URL(`seeds/${kept.profile.toLowerCase()}-${kept.seed}.json`, import.meta.url);
  writeFileSync(file, `${JSON.stringify({ why, plan: kept }, null, 2)}\n`);
}
