/**
 * The simulator on the command line: `npm run sim -- --seed 1 --hours 1 --profile A --supernodes 50 --clients 2000`
 * prints one JSON line of figures, and on standard error what was broken and how to see it again. With `--keep` a run that
 * broke a promise is kept among those that test/sim/seeds.test.ts runs for ever. `--settle 300` measures upkeep, loads and
 * how soon things are known from 300 seconds after the joining on, `--life 4` has half of all supernodes leave within 4 hours.
 * `--settled` begins with a network in which everybody serves and knows everybody, for one that is too large to join in.
 * `npm run sim -- --listing --supernodes 200 --clients 50 --entries 100000` has the listing of a network converge instead.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { OPTIONS } from '../../config/index.ts';
import { figuresOf } from './figures.ts';
import { runListing } from './listing-run.ts';
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
    settle: { type: 'string' },
    life: { type: 'string' },
    settled: { type: 'boolean', default: false },
    threads: { type: 'string' },
    keep: { type: 'boolean', default: false },
    listing: { type: 'boolean', default: false },
    entries: { type: 'string', default: '100000' },
  },
});

if (values.listing) runListings();
else await runOverlays();

/** Entries converge over a network in which a tenth of the supernodes is replaced, with what a node lends by default. */
function runListings(): void {
  const figures = runListing({
    ...{ seed: Number(values.seed), supernodes: Number(values.supernodes), readers: Number(values.clients) },
    ...{ entries: Number(values.entries), churn: 0.1, late: 0.01, seconds: Number(values.hours) * 3600 },
    budget: {
      bytesPerSecond: OPTIONS.listingBytesPerSecond.default,
      workShare: OPTIONS.listingWorkPercent.default / 100,
    },
  });
  console.log(JSON.stringify(figures));
  process.exitCode = figures.broken.length > 0 ? 1 : 0;
}

async function runOverlays(): Promise<void> {
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
}

function keep(kept: SimulationPlan, why: string): void {
  const file = new URL(`seeds/${kept.profile.toLowerCase()}-${kept.seed}.json`, import.meta.url);
  writeFileSync(file, `${JSON.stringify({ why, plan: kept }, null, 2)}\n`);
}
