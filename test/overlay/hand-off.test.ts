// A hand-off is broken off at each of its steps, by the end of either side or by a refusal to hear each other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InfoHash } from '../../src/base/index.ts';
import type { OverlayMessage } from '../../src/overlay/index.ts';
import { hashAt, Mesh, type MeshNode } from './mesh.ts';

const HASHES = 40;
type Step = OverlayMessage['type'];

/** A network in which one supernode is about to hand something over. */
function overloaded(seed: number, supernodes = 5): { mesh: Mesh; busy: MeshNode; hashes: InfoHash[] } {
  const mesh = new Mesh(seed);
  const busy = mesh.grow(supernodes)[2]!;
  mesh.run(20);
  const hashes: InfoHash[] = [];
  while (hashes.length < HASHES) {
    const hash = hashAt(mesh.random);
    if (mesh.ownersOf(hash)[0] === busy) hashes.push(hash);
  }
  for (const hash of hashes) busy.keeper.announce(hash, 'peer');
  // Its replicas hear of them.
  mesh.run(3);
  for (const hash of hashes) for (const { keeper } of mesh.nodes) keeper.rates.set(hash, 30);
  return { mesh, busy, hashes };
}

const isIn = (node: MeshNode, hash: InfoHash): boolean => node.keeper.lines.has(`${hash} peer`);

/** Waits for the step of the hand-off, and then breaks it off. */
function breakOff(mesh: Mesh, busy: MeshNode, step: Step, act: (taker: MeshNode) => void): void {
  let taker: MeshNode | undefined;
  let isThere = false;
  mesh.watch = (from, { type }) => {
    const giving = busy.overlay.givingNow;
    if (from !== busy || !giving || type !== step) return;
    taker = mesh.nodes.find(({ nodeId }) => nodeId === giving.to);
    isThere = true;
  };
  mesh.until(`the step ${step}`, () => isThere, 120);
  mesh.watch = () => {};
  act(taker!);
}

for (const step of ['offer', 'frame', 'receipt', 'grant'] as const) {
  for (const victim of ['giver', 'taker'] as const) {
    test(`C-02 the ${victim} that dies at the ${step} of a hand-off leaves each hash with one owner, who has its peers`, () => {
      const { mesh, busy, hashes } = overloaded(40);
      breakOff(mesh, busy, step, (taker) => mesh.kill(victim === 'giver' ? busy : taker));
      for (const { keeper } of mesh.nodes) keeper.rates.clear();
      mesh.run(40);
      for (const hash of hashes) {
        const owners = mesh.ownersOf(hash);
        assert.equal(owners.length, 1, `${owners.length} owners`);
        assert.ok(isIn(owners[0]!, hash));
      }
    });
  }
}

test('a hand-off whose answers are lost ends with one owner all the same, and each knows the other as that', () => {
  const { mesh, busy, hashes } = overloaded(41);
  breakOff(mesh, busy, 'grant', (taker) => {
    mesh.isOpen = (from, to) => !(from === taker && to === busy);
  });
  mesh.run(4);
  mesh.isOpen = () => true;
  for (const { keeper } of mesh.nodes) keeper.rates.clear();
  mesh.run(60);
  for (const hash of hashes) {
    const [owner, ...others] = mesh.ownersOf(hash);
    assert.ok(owner && others.length === 0 && isIn(owner, hash));
    for (const { overlay } of mesh.nodes) assert.equal(overlay.ownersOf(hash)[0]?.nodeId, owner.nodeId);
  }
});

test('who was about to take from a giver that died takes from the next one', () => {
  const { mesh, busy, hashes } = overloaded(42, 3);
  let taker: MeshNode | undefined;
  breakOff(mesh, busy, 'frame', (node) => {
    taker = node;
    mesh.kill(busy);
  });
  mesh.run(20);
  const other = mesh.nodes.find((node) => node !== busy && node !== taker)!;
  const theirs = hashes.filter((hash) => mesh.ownersOf(hash)[0] === other);
  for (const { keeper } of mesh.nodes) keeper.rates.clear();
  for (const hash of theirs) other.keeper.rates.set(hash, (HASHES * 30) / theirs.length);
  const before = other.overlay.handOffs;
  mesh.until('the other to give', () => other.overlay.handOffs > before, 60);
});

test('a taker whose process begins anew knows what was given to it, and has its peers, before it serves again', () => {
  const { mesh, busy, hashes } = overloaded(44);
  mesh.until('a hand-off', () => busy.overlay.handOffs > 0, 120);
  for (const { keeper } of mesh.nodes) keeper.rates.clear();
  mesh.run(40);
  const taker = mesh.nodes.find((node) => node !== busy && hashes.some((hash) => mesh.ownersOf(hash)[0] === node))!;
  const taken = hashes.filter((hash) => mesh.ownersOf(hash)[0] === taker);
  mesh.restart(taker);
  mesh.tell(taker, busy);
  assert.ok(!taker.overlay.isSupernode);
  mesh.until('it to serve again', () => taker.overlay.isSupernode, 120);
  for (const hash of taken) {
    assert.ok(mesh.ownersOf(hash).includes(taker));
    assert.ok(isIn(taker, hash));
  }
});

test("a taker that hears of no announce takes nothing, and the range is its giver's again within seconds", () => {
  const { mesh, busy, hashes } = overloaded(43);
  breakOff(mesh, busy, 'frame', (taker) => {
    mesh.isLost = (from, to, { type }) => from === busy && to === taker && type === 'announces';
  });
  for (const { keeper } of mesh.nodes) keeper.rates.clear();
  let ownerless = 0;
  for (let second = 0; second < 30; second++) {
    for (const hash of hashes) busy.keeper.announce(hash, `peer ${second}`);
    mesh.run(1);
    if (hashes.some((hash) => mesh.ownersOf(hash).length === 0)) ownerless++;
  }
  assert.ok(ownerless > 0 && ownerless <= 14, `${ownerless} seconds without an owner`);
  for (const hash of hashes) assert.equal(mesh.ownersOf(hash).length, 1);
});

for (const end of ['stays', 'leaves'] as const) {
  test(`a taker that answers all but the grant and ${end} leaves the range with its giver, who offers it nothing more`, () => {
    const { mesh, busy, hashes } = overloaded(40);
    mesh.isLost = (from, _to, { type }) => from === busy && type === 'grant';
    mesh.until('the grant', () => busy.overlay.givingNow?.step === 'granting', 120);
    const silent = busy.overlay.givingNow!.to;
    const taker = mesh.nodes.find(({ nodeId }) => nodeId === silent)!;
    mesh.isLost = (from, to, { type }) => from === busy && to === taker && type === 'grant';
    const before = busy.overlay.handOffs;
    if (end === 'leaves') mesh.feed(taker, { type: 'drain' });
    const isServed = (): boolean => hashes.every((hash) => mesh.ownersOf(hash).length === 1);
    mesh.until('somebody to serve all of it', () => busy.overlay.givingNow?.to !== silent && isServed(), 20);
    if (end === 'leaves') mesh.kill(taker);
    const told = busy.events.length;
    mesh.until('it to give to another', () => busy.overlay.handOffs > before, 120);
    assert.ok(busy.events.slice(told).every((event) => !('to' in event) || event.to !== silent));
  });
}
