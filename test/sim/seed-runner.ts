/** Runs several seeds of one plan, on as many threads as there are cores. */
import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import type { Tally } from './figures.ts';
import { Simulation, type SimulationPlan } from './simulation.ts';
import type { Break } from './world.ts';

/** Messages live for milliseconds of a run, but more of them than the engine's default holds: copying them took a fifth of it. */
const YOUNG_MIB = 192;

export interface SeedRun {
  readonly seed: number;
  readonly tally: Tally;
  readonly breaks: readonly Break[];
}

export function runSeed(plan: SimulationPlan): SeedRun {
  const simulation = new Simulation(plan);
  const tally = simulation.run();
  return { seed: plan.seed, tally, breaks: simulation.world.breaks };
}

/** Runs seeds from the plan's on, in order of seed. */
export async function runSeeds(plan: SimulationPlan, count: number, threads?: number): Promise<readonly SeedRun[]> {
  const plans = Array.from({ length: count }, (_, i) => ({ ...plan, seed: plan.seed + i }));
  const wanted = Math.min(count, threads ?? availableParallelism());
  if (wanted <= 1) return plans.map(runSeed);
  const runs: SeedRun[] = [];
  const queue = [...plans];
  await Promise.all(
    Array.from({ length: wanted }, async () => {
      const worker = new Worker(new URL(import.meta.url), { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB } });
      try {
        for (let next = queue.shift(); next; next = queue.shift()) runs.push(await runOn(worker, next));
      } finally {
        await worker.terminate();
      }
    }),
  );
  return runs.toSorted((a, b) => a.seed - b.seed);
}

function runOn(worker: Worker, plan: SimulationPlan): Promise<SeedRun> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (run: SeedRun) => {
      worker.off('error', reject);
      resolve(run);
    });
    worker.postMessage(plan);
  });
}

if (!isMainThread) parentPort?.on('message', (plan: SimulationPlan) => parentPort!.postMessage(runSeed(plan)));
