// A node that stops right before or after it sends or receives a message, for every step of an election and a hand-off:
// whatever was under way is finished, undone or taken over, and nothing that was acknowledged is lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OverlayMessage } from '../../src/overlay/index.ts';
import type { CrashPoint } from './exchanges.ts';
import { agrees, pass, settled, unbroken } from './scenario.ts';
import type { SimNode } from './sim-node.ts';
import type { Simulation } from './simulation.ts';

const POINTS: readonly CrashPoint[] = ['before-send', 'after-send', 'before-receive', 'after-receive'];

/** Crashes the first node that comes to a point with a message of a type, and restarts it a while later. */
function crashAt(simulation: Simulation, type: OverlayMessage['type'], point: CrashPoint): SimNode[] {
  const crashed: SimNode[] = [];
  simulation.exchanges.watch = (node, at, message) => {
    if (at !== point || message.type !== type || crashed.length > 0) return;
    crashed.push(node);
    node.crash();
    simulation.world.plan(20_000, 9, node.index, () => node.start());
  };
  return crashed;
}

for (const type of ['nominate', 'vote', 'voted', 'claim', 'claimed', 'frame', 'records'] as const) {
  test(`a crash at any point of a message "${type}" of an election`, () => {
    for (const [i, point] of POINTS.entries()) {
      const simulation = settled({ seed: 71 + i, supernodes: 8, clients: 80 }, 30);
      const newcomer = simulation.addNode();
      const crashed = crashAt(simulation, type, point);
      newcomer.start();
      pass(simulation, 60);
      assert.equal(crashed.length, 1, `${point} ${type} came`);
      pass(simulation, 60);
      agrees(simulation);
      unbroken(simulation);
    }
  });
}

/** A supernode is told to bear less than it is asked for, so that it gives a part of its ranges away. */
function overload(simulation: Simulation): void {
  const all = [{ from: '', to: '' }];
  const loads = simulation.roster.nodes.map((node) => node.keeper!.loadOf(all)[0]!.announcesPerSecond);
  const node = simulation.roster.nodes[loads.indexOf(Math.max(...loads))]!;
  const announcesPerSecond = Math.max(1, Math.floor(Math.max(...loads) / 2));
  node.input({ type: 'capped', capacity: { ...node.plan.capacity, announcesPerSecond } });
}

for (const type of ['offer', 'frame', 'receipt', 'grant', 'signed'] as const) {
  test(`a crash at any point of a message "${type}" of a hand-off`, () => {
    for (const [i, point] of POINTS.entries()) {
      // Many who ask for little, so that what a node is asked for does not jump.
      const plan = { supernodes: 8, clients: 1500, torrentsMean: 16, capacityOverDemand: 6 };
      const simulation = settled({ seed: 81 + i, ...plan }, 300);
      const crashed = crashAt(simulation, type, point);
      overload(simulation);
      pass(simulation, 120);
      assert.equal(crashed.length, 1, `${point} ${type} came`);
      pass(simulation, 60);
      agrees(simulation);
      unbroken(simulation);
    }
  });
}
