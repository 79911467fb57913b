// More than one supernode can bear: a crowd on one hash, and demand that does not fit where it falls.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { percentile } from './figures.ts';
import { agrees, pass, settled, successOf, unbroken } from './scenario.ts';

const TODO = 'the worst is at 2.3 of what it can bear';

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

test('five minutes after a tenfold demand on a hundredth of the ring nobody bears much more than it can', {
  todo: TODO,
}, () => {
  const plan = { supernodes: 12, clients: 1500, torrentsMean: 16, capacityOverDemand: 1.6 };
  const simulation = settled({ seed: 53, ...plan }, 600);
  const { space, clients, tally } = simulation;
  const hot = Math.ceil(space.count / 100);
  // A hundredth of the ring is asked for about 0.3 times a second; ten times that.
  for (let rank = 0; rank < hot; rank++) clients.flash(rank, Math.ceil(900 / hot), 300_000);
  pass(simulation, 300);
  tally.loads.length = 0;
  pass(simulation, 300);
  console.log(JSON.stringify({ worst: percentile(tally.loads, 1), p99: percentile(tally.loads, 0.99) }));
  assert.ok(percentile(tally.loads, 0.99) <= 1.3, `${percentile(tally.loads, 0.99)}`);
  unbroken(simulation);
});
