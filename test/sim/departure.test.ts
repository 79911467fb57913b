// Nodes that go: many at once, with and without a word, asleep, and at the end of their term.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agrees, isBusy, pass, settled, unbroken } from './scenario.ts';

test('a third of the supernodes that leave at once hand over what they own', () => {
  const simulation = settled({ seed: 31, supernodes: 15 });
  for (const node of simulation.roster.nodes.slice(0, 5)) node.leave();
  pass(simulation, 90);
  assert.equal(simulation.roster.serving.length, 10);
  agrees(simulation);
  pass(simulation, 90);
  isBusy(simulation);
  unbroken(simulation);
});

test('a crashed owner is known to all in 30 s, and its hashes are answered again in 10', () => {
  const simulation = settled({ seed: 32, supernodes: 20 });
  const { roster, space } = simulation;
  for (let crashes = 0; crashes < 3; crashes++) {
    // Who owns no hash that exists is not missed.
    const owner = roster.honest.find(
      (node) => node.index % 5 === 3 && space.hashes.some((_, rank) => node.claims(rank)),
    );
    owner!.crash();
    pass(simulation, 60);
  }
  const { answeredAgainSeconds, knownSeconds } = simulation.members;
  assert.equal(answeredAgainSeconds.length, 3);
  assert.ok(Math.max(...answeredAgainSeconds) <= 10, answeredAgainSeconds.join(' '));
  assert.ok(Math.max(...knownSeconds) <= 30, knownSeconds.join(' '));
  agrees(simulation);
  unbroken(simulation);
});

test('a node that crashed serves again with a higher sequence than ever before, whatever its disk had synced', () => {
  const simulation = settled({ seed: 33 });
  const node = simulation.roster.nodes[4]!;
  const before = node.overlay!.memory;
  node.crash();
  pass(simulation, 5);
  node.start();
  pass(simulation, 120);
  assert.ok(node.serves);
  assert.ok(node.overlay!.memory.sequence > before.sequence);
  agrees(simulation);
  unbroken(simulation);
});

test('a node that left gracefully serves again when it comes back at another address', () => {
  const simulation = settled({ seed: 34 });
  const node = simulation.roster.nodes[6]!;
  node.leave();
  pass(simulation, 70);
  assert.equal(node.isUp, false);
  simulation.network.move(node.endpoint);
  node.start();
  pass(simulation, 150);
  assert.ok(node.serves);
  agrees(simulation);
  unbroken(simulation);
});

test('a node that slept for five minutes makes no storm, and is one of the network again', () => {
  const simulation = settled({ seed: 35 });
  simulation.roster.nodes[2]!.sleep(300_000);
  simulation.roster.nodes[7]!.sleep(300_000, true);
  pass(simulation, 305);
  const before = simulation.world.steps;
  pass(simulation, 5);
  assert.ok(simulation.world.steps - before < 20_000);
  agrees(simulation);
  unbroken(simulation);
});

test('an address that changes is known, and calendars that jump by four minutes harm nobody', () => {
  const simulation = settled({ seed: 36 });
  const [moved, late, early] = simulation.roster.nodes.slice(3);
  simulation.network.move(moved!.endpoint);
  moved!.input({ type: 'moved' });
  late!.plan.clock.jump(-240_000);
  early!.plan.clock.jump(240_000);
  pass(simulation, 240);
  agrees(simulation);
  unbroken(simulation);
});

test('N-09 whose term ends while others wait hands its duty to one of them, and rests', () => {
  const simulation = settled({ seed: 37, supernodes: 4, clients: 20, torrentsMean: 1 });
  const waiting = [simulation.addNode({ role: 'auto' }), simulation.addNode({ role: 'auto' })];
  for (const node of waiting) node.start();
  // A term is 18 to 30 hours.
  pass(simulation, 31 * 3600);
  const said = (type: 'elected' | 'retired'): Set<number> =>
    new Set(simulation.events.flatMap(({ node, event }) => (event.type === type ? [node] : [])));
  assert.equal(said('retired').size, waiting.length);
  assert.deepEqual(
    waiting.filter(({ index }) => !said('elected').has(index)),
    [],
  );
  agrees(simulation);
  unbroken(simulation);
});
