// How a network begins: by one, by ten at once, and by two networks that meet.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agrees, pass, unbroken } from './scenario.ts';
import { Simulation } from './simulation.ts';

test('ten candidates that find nobody at once become one network', () => {
  const simulation = new Simulation({ seed: 41, hours: 1, profile: 'A', supernodes: 10, clients: 50, hasChurn: false });
  for (const node of simulation.roster.nodes) node.start();
  simulation.begin();
  simulation.world.run(simulation.warmUpMs);
  agrees(simulation);
  assert.equal(simulation.roster.serving.length, 10);
  pass(simulation, 120);
  unbroken(simulation);
});
