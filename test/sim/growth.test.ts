// A network that grows faster than news of it spreads: many stand for election with views that are behind.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agrees, unbroken } from './scenario.ts';
import { Simulation } from './simulation.ts';

test('150 that join within a minute and a half know each other, although their witnesses were others at first', () => {
  const plan = { seed: 43, hours: 1, profile: 'A', supernodes: 150, clients: 0, hasChurn: false } as const;
  const simulation = new Simulation(plan);
  simulation.begin();
  simulation.world.run(simulation.warmUpMs);
  assert.equal(simulation.roster.serving.length, plan.supernodes);
  agrees(simulation);
  unbroken(simulation);
});
