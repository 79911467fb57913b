// Networks that fall apart and meet again, and nodes that cannot tell which of the two has happened.
import { test } from 'node:test';
import { agrees, isBusy, pass, settled, unbroken } from './scenario.ts';

test('two halves of a network that meet again are one network without a ceremony, and nothing is lost', () => {
  const simulation = settled({ seed: 21 });
  simulation.faults.partition((index) => index % 2 === 0, false, 120_000);
  pass(simulation, 130);
  agrees(simulation);
  pass(simulation, 120);
  isBusy(simulation);
  unbroken(simulation);
});

test('a part whose questions arrive and whose answers do not is one with the others afterwards', () => {
  const simulation = settled({ seed: 22 });
  simulation.faults.partition((index) => index < 4, true, 120_000);
  pass(simulation, 130);
  agrees(simulation);
  pass(simulation, 120);
  isBusy(simulation);
  unbroken(simulation);
});

test('a single node that hears and is not heard loses its part, and has it again afterwards', () => {
  const simulation = settled({ seed: 23 });
  simulation.faults.partition((index) => index !== 5, true, 180_000);
  pass(simulation, 190);
  agrees(simulation);
  unbroken(simulation);
});

test('a /16 that vanishes for a while comes back', () => {
  const simulation = settled({ seed: 24, supernodes: 24 });
  simulation.faults.vanish(3, 300_000);
  pass(simulation, 310);
  agrees(simulation);
  pass(simulation, 120);
  isBusy(simulation);
  unbroken(simulation);
});
