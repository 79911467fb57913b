// A network that begins in its midst has to be one that the machines take for their own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agrees, unbroken } from './scenario.ts';
import { Simulation } from './simulation.ts';

const PLAN = {
  seed: 44,
  hours: 1,
  profile: 'A',
  supernodes: 100,
  clients: 0,
  hasChurn: false,
  isSettled: true,
} as const;

test('in a settled network nobody doubts the votes of others, and all renew theirs in an hour', () => {
  const simulation = new Simulation(PLAN);
  const { world, roster, exchanges } = simulation;
  simulation.begin();
  world.run(simulation.warmUpMs);
  assert.equal(roster.serving.length, PLAN.supernodes);
  agrees(simulation);
  const votes = (): number => exchanges.traffic.weights.get('vote')?.messages ?? 0;
  const before = votes();
  world.run(world.now + 600_000);
  // A sixth of an hour: a sixth of all ask five witnesses, each question and most answers are messages.
  const asked = (votes() - before) / (2 * 5 * PLAN.supernodes);
  assert.ok(asked > 0.1 && asked < 0.25, `${asked} asked for votes`);
  assert.equal(simulation.tally.elections, PLAN.supernodes, 'nobody was elected anew');
  agrees(simulation);
  unbroken(simulation);
});

test('a settled network takes in who joins it, and drops who crashes', () => {
  const simulation = new Simulation(PLAN);
  const { world, roster } = simulation;
  simulation.begin();
  world.run(simulation.warmUpMs);
  const newcomer = simulation.addNode();
  newcomer.start();
  roster.nodes[7]!.crash();
  world.run(world.now + 90_000);
  assert.ok(newcomer.serves);
  assert.equal(roster.serving.length, PLAN.supernodes);
  agrees(simulation);
  unbroken(simulation);
});
