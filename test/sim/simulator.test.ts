// The simulator itself: that a run repeats to the last event, that its parts do what they say, and that it finds flaws
// which are planted in a machine.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant, type Random, seededRandom } from '../../src/base/index.ts';
import { encodeMessage, type OverlayMessage } from '../../src/overlay/index.ts';
import type { Ownership } from '../../src/ports/index.ts';
import { Connections } from './connections.ts';
import { EventQueue } from './event-queue.ts';
import { FakeOverlay, flaws } from './fake-overlay.ts';
import { percentile } from './figures.ts';
import { HashSpace } from './hash-space.ts';
import {
  ANSWER_OVERHEAD_BYTES,
  CONNECTION_IDLE_MS,
  estimateBytes,
  HANDSHAKE_BYTES,
  QUESTION_OVERHEAD_BYTES,
} from './message-bytes.ts';
import { NETWORK_PLAN, Network } from './network.ts';
import type { MakeOverlay } from './overlay-under-test.ts';
import { SimDisk } from './sim-disk.ts';
import { SimKeeper } from './sim-keeper.ts';
import { Simulation, type SimulationPlan } from './simulation.ts';
import { streamOf } from './streams.ts';
import { Traffic } from './traffic.ts';
import { KIND, World } from './world.ts';

const SMALL: SimulationPlan = { seed: 3, hours: 0.15, profile: 'A', supernodes: 8, clients: 100 };
const makeFake: MakeOverlay = (settings, now, wall) => new FakeOverlay(settings, now, wall);

test('two runs of one seed are the same to the last event, and another seed is another run', () => {
  const hashOf = (seed: number): string => new Simulation({ ...SMALL, seed }).run().hashes[0]!;
  assert.equal(hashOf(5), hashOf(5));
  assert.notEqual(hashOf(5), hashOf(6));
});

test('events happen in order of time, and of planning within one instant', () => {
  const random = seededRandom(1);
  const queue = new EventQueue();
  const happened: number[] = [];
  const planned = Array.from({ length: 500 }, (_, i) => ({ at: Math.floor(random() * 50), i }));
  for (const { at, i } of planned) queue.push(at, 1, i, () => happened.push(i));
  while (queue.size > 0) queue.pop().happen();
  const wanted = planned.toSorted((a, b) => a.at - b.at || a.i - b.i).map(({ i }) => i);
  assert.deepEqual(happened, wanted);
});

test('half a million cheap events take less than two seconds of the processor', () => {
  const world = new World(1);
  const random = streamOf(1, 'bench');
  const again = (): void => world.plan(1000 * random(), KIND.check, 0, again);
  for (let i = 0; i < 10_000; i++) again();
  const started = process.cpuUsage();
  world.run(Number.POSITIVE_INFINITY, () => world.steps >= 500_000);
  assert.ok(process.cpuUsage(started).user / 1e6 < 2);
});

test('a stream of chance does not shift when another is drawn from', () => {
  const draw = (random: Random): number[] => Array.from({ length: 5 }, random);
  assert.deepEqual(draw(streamOf(1, 'node', 7)), draw(streamOf(1, 'node', 7)));
  assert.notDeepEqual(draw(streamOf(1, 'node', 7)), draw(streamOf(1, 'node', 8)));
  assert.notDeepEqual(draw(streamOf(1, 'node', 7)), draw(streamOf(1, 'key', 7)));
});

test('packets take 60 ms at the median and 300 ms at the 95th percentile, and some are lost', () => {
  const world = new World(2);
  const network = new Network(world, NETWORK_PLAN);
  const places = Array.from({ length: 100 }, () => network.join(true));
  const delays: number[] = [];
  for (const from of places) {
    for (const to of places) network.send(from, to, KIND.asked, () => delays.push(world.now));
  }
  world.run(10_000);
  assert.ok(Math.abs(percentile(delays, 0.5) - 60) < 6, `median ${percentile(delays, 0.5)}`);
  assert.ok(Math.abs(percentile(delays, 0.95) - 300) < 45, `95th ${percentile(delays, 0.95)}`);
  const lost = 1 - delays.length / 10_000;
  assert.ok(lost > 0.002 && lost < 0.009, `lost ${lost}`);
});

test('a cut may let questions through and no answers', () => {
  const world = new World(3);
  const network = new Network(world, { ...NETWORK_PLAN, loss: 0 });
  const [a, b] = [network.join(true), network.join(true)];
  let arrived = '';
  network.cut((from) => from === b, true);
  network.send(a, b, KIND.asked, () => {
    arrived += 'question';
    network.send(b, a, KIND.answered, () => {
      arrived += ' answer';
    });
  });
  world.run(60_000);
  assert.equal(arrived, 'question');
  assert.equal(network.isWhole, false);
});

test('a crash leaves on disk what was synced before it', () => {
  const disk = new SimDisk();
  const state = (sequence: number) => ({ term: 1, sequence, contacts: [] });
  disk.write(state(1), 0, 100);
  disk.write(state(2), 50, 300);
  assert.equal(disk.read().sequence, 2);
  disk.crash(200);
  assert.equal(disk.read().sequence, 1);
});

test('a load fades with a window of a minute, over hours as over seconds', () => {
  const space = new HashSpace(10, seededRandom(1));
  let now = 0;
  const keeper = new SimKeeper(space, () => now);
  const ownership = { copiesOf: () => [] } as unknown as Ownership;
  let expected = 0;
  for (; now < 7_200_000; now += 7000) {
    keeper.note(3, 1, false, false, ownership);
    expected = expected * Math.exp(-7000 / 60_000) + 1;
    const [all] = keeper.loadOf([{ from: '', to: '' }]);
    assert.ok(Math.abs(60 * all!.announcesPerSecond - expected) < 1e-9, `${now} ms`);
  }
});

test('frames of an arc carry every peer of it to another keeper, whatever they are cut into', () => {
  const space = new HashSpace(300, streamOf(4, 'hashes'));
  const random = streamOf(4, 'peers');
  const ownership: Ownership = {
    ownerOf: () => 'self',
    roleOf: () => 'owner',
    copiesOf: () => [],
    recordsOf: () => [],
  };
  const [from, to] = [new SimKeeper(space, () => 1000), new SimKeeper(space, () => 1000)];
  for (let i = 0; i < 20_000; i++) from.note(space.draw(random), i, true, false, ownership);
  const arc = { from: space.hashes[200]!, to: space.hashes[100]! };
  let frames = 0;
  for (let cursor: number | undefined = 0; cursor !== undefined; frames++) {
    const frame = from.frameOf(arc, cursor);
    assert.ok(to.take(frame.bytes, instant(0), () => true));
    cursor = frame.cursor;
  }
  assert.ok(frames > 1);
  for (let rank = 0; rank < space.count; rank++) {
    const isInside = rank > 200 || rank <= 100;
    assert.equal(to.peersOf(rank), isInside ? from.peersOf(rank) : 0);
  }
});

test('the estimate of a message is within a tenth of what the codec gives, or 40 bytes', () => {
  const simulation = new Simulation({ ...SMALL, hours: 0.1 });
  const seen = new Map<OverlayMessage['type'], number>();
  simulation.exchanges.watch = (_, point, message) => {
    if (point !== 'before-send' || (seen.get(message.type) ?? 0) >= 50) return;
    seen.set(message.type, (seen.get(message.type) ?? 0) + 1);
    const [estimate, actual] = [estimateBytes(message), encodeMessage(message).length];
    assert.ok(Math.abs(estimate - actual) <= 40 + actual / 10, `${message.type}: ${estimate} for ${actual}`);
  };
  simulation.run();
  assert.ok(seen.size >= 8, [...seen.keys()].join(' '));
});

/** Runs the stand-in with a flaw, and returns what the world says is broken. */
function brokenBy(flaw: keyof typeof flaws | undefined, plan: Partial<SimulationPlan> = {}): string {
  if (flaw) flaws[flaw] = true;
  try {
    const simulation = new Simulation({ ...SMALL, hours: 0.3, hasChurn: false, ...plan }, makeFake);
    simulation.begin();
    for (const index of [2, 5]) {
      simulation.world.plan(240_000 + 60_000 * index, KIND.fault, index, () => simulation.roster.nodes[index]!.crash());
    }
    simulation.world.run(simulation.plan.hours * 3_600_000);
    simulation.check();
    return simulation.world.breaks.map(({ what }) => what).join('\n');
  } finally {
    if (flaw) flaws[flaw] = false;
  }
}

test('the stand-in keeps the promises, and each flaw planted in it is found', () => {
  assert.equal(brokenBy(undefined), '');
  assert.match(brokenBy('keepsAlone'), /an announce is on/);
  assert.match(brokenBy('neverDrops'), /nobody owns hash/);
  assert.match(brokenBy('spins'), /due again and again/);
});

test('a question costs a handshake unless its asker asked the same node lately, and neither of them ended since', () => {
  const connections = new Connections();
  const [anna, bert, carl] = [1, 2, 3] as const;
  assert.ok(connections.use(anna, bert, 0));
  assert.ok(!connections.use(anna, bert, CONNECTION_IDLE_MS - 1));
  assert.ok(connections.use(bert, anna, CONNECTION_IDLE_MS), 'a connection goes one way');
  assert.ok(connections.use(anna, carl, CONNECTION_IDLE_MS));
  assert.ok(!connections.use(anna, bert, 2 * CONNECTION_IDLE_MS - 2), 'the last question counts');
  assert.ok(connections.use(anna, carl, 2 * CONNECTION_IDLE_MS), 'it was closed');
  connections.end(bert, 2 * CONNECTION_IDLE_MS);
  assert.ok(connections.use(anna, bert, 2 * CONNECTION_IDLE_MS + 1), 'the asked one ended');
  assert.ok(!connections.use(anna, carl, 2 * CONNECTION_IDLE_MS + 1));
  connections.end(anna, 2 * CONNECTION_IDLE_MS + 2);
  assert.ok(connections.use(anna, carl, 2 * CONNECTION_IDLE_MS + 3), 'the asker ended');
});

test('handshakes count as upkeep of the question that needed them, but for copies and announces', () => {
  const traffic = new Traffic();
  traffic.noteQuestion('gossip', 100);
  traffic.noteAnswer('gossip', 50);
  const asked = 150 + QUESTION_OVERHEAD_BYTES + ANSWER_OVERHEAD_BYTES;
  assert.equal(traffic.upkeep, asked);
  traffic.noteHandshake('gossip');
  traffic.noteHandshake('frame');
  traffic.noteHandshake('announces');
  assert.equal(traffic.upkeep, asked + HANDSHAKE_BYTES);
  assert.equal(traffic.moved, HANDSHAKE_BYTES);
  assert.equal(traffic.handshakes, 1);
});
