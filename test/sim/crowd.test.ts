// More than one supernode can bear: a crowd on one hash, and demand that does not fit where it falls.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agrees, pass, settled, successOf, unbroken } from './scenario.ts';

test('a crowd that wants one hash is answered, and nobody else suffers', () => {
  const simulation = settled({ seed: 51, clients: 300 });
  simulation.clients.flash(simulation.space.popular(5), 1500, 240_000);
  pass(simulation, 600);
  assert.ok(simulation.ledger.acknowledged > 1500);
  assert.ok(successOf(simulation) >= 0.995, `${successOf(simulation)}`);
  agrees(simulation);
  unbroken(simulation);
});

test('ranges move from supernodes that are asked for more than they bear to those with room', () => {
  const simulation = settled({ seed: 52, supernodes: 10, clients: 200, torrentsMean: 80, capacityOverDemand: 1.6 });
  pass(simulation, 1500);
  simulation.count();
  const { handOffs } = simulation.tally;
  assert.ok(handOffs > 0, 'nothing was handed off');
  agrees(simulation);
  unbroken(simulation);
});
