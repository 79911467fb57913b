/**
 * What scenario tests share: a small network that has settled, and the questions every one of them ends with. Knows no
 * fault; each test brings its own.
 */
import assert from 'node:assert/strict';
import type { SimNode } from './sim-node.ts';
import { Simulation, type SimulationPlan } from './simulation.ts';

const SECOND = 1000;
/** How long views may take to agree after the last change. */
const AGREE_MS = 180_000;

/** A network where all serve and clients have announced for a while. Nothing goes wrong by itself. */
export function settled(plan: Partial<SimulationPlan>, seconds = 120): Simulation {
  const simulation = new Simulation({
    seed: 1,
    hours: 1,
    profile: 'A',
    supernodes: 12,
    clients: 120,
    hasChurn: false,
    ...plan,
  });
  simulation.begin();
  simulation.world.run(simulation.warmUpMs + seconds * SECOND);
  const { serving } = simulation.roster;
  assert.equal(serving.length, simulation.plan.supernodes, `seed ${simulation.plan.seed}: all serve in three minutes`);
  return simulation;
}

/** Lets some seconds pass. */
export function pass(simulation: Simulation, seconds: number): void {
  simulation.world.run(simulation.world.now + seconds * SECOND);
}

/** Everybody who serves knows the same members, and every hash has one owner; within three minutes from now. */
export function agrees(simulation: Simulation): void {
  const { world } = simulation;
  const until = world.now + AGREE_MS;
  while (world.now < until && disagreement(simulation) !== undefined) pass(simulation, 5);
  assert.equal(disagreement(simulation), undefined, where(simulation));
}

/** No promise was broken until now, the last look included. */
export function unbroken(simulation: Simulation): void {
  simulation.check();
  const { world, ledger } = simulation;
  const broken = world.breaks.map(({ step, atMs, what }) => `step ${step}, ${atMs} ms: ${what}`);
  assert.deepEqual(broken, [], where(simulation));
  assert.equal(ledger.lost, 0, where(simulation));
}

/** Announces were made and noted: a test without any proves nothing. */
export function isBusy(simulation: Simulation, atLeast = 50): void {
  assert.ok(simulation.ledger.acknowledged >= atLeast, `${simulation.ledger.acknowledged} announces`);
}

/** Share of lookups that were answered by somebody who keeps his word, of those that could be. */
export function successOf(simulation: Simulation): number {
  const { native } = simulation.tally;
  return native.won / (native.lookups - native.hopeless);
}

function disagreement({ roster, space }: Simulation): string | undefined {
  const { honest, serving } = roster;
  const odd = honest.find((node) => node.overlay!.members !== serving.length);
  if (odd) return `node ${odd.index} knows ${odd.overlay!.members} of ${serving.length} members`;
  for (let rank = 0; rank < space.count; rank += 7) {
    const owners: SimNode[] = honest.filter((node) => node.claims(rank));
    if (owners.length > 1) return `hash ${rank} has owners ${owners.map(({ index }) => index).join(' and ')}`;
    if (owners.length === 0 && honest.length === serving.length) return `hash ${rank} has no owner`;
  }
  return undefined;
}

function where({ plan, world }: Simulation): string {
  return `seed ${plan.seed}, step ${world.steps}, ${world.now} ms`;
}
