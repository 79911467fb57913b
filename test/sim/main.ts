/**
 * The simulator on the command line: `npm run sim -- --seed 1 --hours 1 --profile A --supernodes 50 --clients 2000`
 * prints one JSON line of figures, and on standard error what was broken and how to see it again.
 */
import { parseArgs } from 'node:util';
import { figuresOf } from './figures.ts';
import { planOf, replayCommand } from './replay.ts';
import { runSeeds } from './seed-runner.ts';

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
  },
});

const plan = planOf(values);
const runs = await runSeeds(plan, Number(values.seeds), values.threads ? Number(values.threads) : undefined);
for (const { seed, breaks } of runs) {
  for (const { step, atMs, what } of breaks) console.error(`seed ${seed}, step ${step}, ${atMs} ms: ${what}`);
  if (breaks.length > 0) console.error(`again: ${replayCommand({ ...plan, seed })}`);
}
console.log(JSON.stringify(figuresOf(runs.map(({ tally }) => tally))));
process.exitCode = runs.some(({ breaks }) => breaks.length > 0) ? 1 : 0;
