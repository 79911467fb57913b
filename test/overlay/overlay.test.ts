import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant, wallSeconds } from '../../src/base/index.ts';
import { hashAt, Mesh, type MeshNode } from './mesh.ts';

test('a node that finds nobody becomes the first supernode and owns the whole ring', () => {
  const mesh = new Mesh(1);
  const node = mesh.add();
  mesh.feed(node, { type: 'alone', withinMs: 0 });
  assert.ok(node.overlay.isSupernode);
  for (let i = 0; i < 100; i++) assert.equal(node.overlay.ownership.ownerOf(hashAt(mesh.random)), 'self');
});

test('volunteers are elected by witnesses, and every hash has exactly one owner', () => {
  const mesh = new Mesh(2);
  const nodes = mesh.grow(8);
  mesh.run(5);
  for (let i = 0; i < 200; i++) {
    const hash = hashAt(mesh.random);
    assert.equal(mesh.ownersOf(hash).length, 1);
    const owners = nodes[0]!.overlay.ownersOf(hash).map(({ nodeId }) => nodeId);
    assert.equal(new Set(owners).size, 3);
    for (const { overlay } of nodes)
      assert.deepEqual(
        overlay.ownersOf(hash).map(({ nodeId }) => nodeId),
        owners,
      );
  }
});

test('W-02 a crashed owner is replaced by its replica within ten seconds, with every announce that it had passed on', () => {
  const mesh = new Mesh(3);
  const nodes = mesh.grow(8);
  mesh.run(10);
  const hashes = Array.from({ length: 200 }, () => hashAt(mesh.random));
  for (const hash of hashes) mesh.ownersOf(hash)[0]!.keeper.announce(hash, 'peer');
  mesh.run(3);
  const victim = nodes[3]!;
  const orphans = hashes.filter((hash) => mesh.ownersOf(hash)[0] === victim);
  assert.ok(orphans.length > 0);
  mesh.kill(victim);
  mesh.until('the range to be answered again', () => orphans.every((hash) => mesh.ownersOf(hash).length === 1), 10);
  for (const hash of orphans) assert.ok(mesh.ownersOf(hash)[0]!.keeper.lines.has(`${hash} peer`));
});

test('a newcomer that crashes as soon as it serves, before it asked anybody, is missed all the same', () => {
  const mesh = new Mesh(6);
  const nodes = mesh.grow(40);
  mesh.run(60);
  const newcomer = mesh.join(nodes[0]!);
  const knowing = (): number => nodes.filter(({ overlay }) => overlay.view.get(newcomer.nodeId)).length;
  mesh.until('others to know it', () => knowing() > 0, 60);
  mesh.kill(newcomer);
  mesh.run(5);
  assert.ok(knowing() > 10, 'the news is on its way');
  mesh.run(5);
  assert.ok(knowing() <= 2, `${knowing()} of 40 take it for a member after ten seconds`);
  mesh.until('everybody to know', () => knowing() === 0, 5);
});

test('a newcomer gets the swarms of its ranges before it serves them', () => {
  const mesh = new Mesh(4);
  const [first] = mesh.grow(4);
  mesh.run(10);
  const hashes = Array.from({ length: 300 }, () => hashAt(mesh.random));
  for (const hash of hashes) mesh.ownersOf(hash)[0]!.keeper.announce(hash, 'peer');
  const newcomer = mesh.join(first!);
  mesh.until('the newcomer to serve', () => newcomer.overlay.isSupernode, 60);
  const own = hashes.filter((hash) => newcomer.overlay.ownership.ownerOf(hash) === 'self');
  assert.ok(own.length > 10, `${own.length} hashes`);
  for (const hash of own) assert.ok(newcomer.keeper.lines.has(`${hash} peer`));
});

test('C-02 an overloaded supernode hands the lower part of its hottest range to one that has room', () => {
  const mesh = new Mesh(5);
  const nodes = mesh.grow(6);
  mesh.run(10);
  const busy = nodes[2]!;
  const hashes: ReturnType<typeof hashAt>[] = [];
  while (hashes.length < 60) {
    const hash = hashAt(mesh.random);
    if (mesh.ownersOf(hash)[0] === busy) hashes.push(hash);
  }
  for (const hash of hashes) {
    busy.keeper.announce(hash, 'before');
    for (const { keeper } of nodes) keeper.rates.set(hash, 20);
  }
  mesh.until('a hand-off', () => busy.events.some(({ type }) => type === 'handed-off'), 60);
  mesh.run(40);
  const moved = hashes.filter((hash) => mesh.ownersOf(hash)[0] !== busy);
  assert.ok(moved.length > 10 && moved.length < 60, `${moved.length} of 60 hashes moved`);
  for (const hash of hashes) {
    assert.equal(mesh.ownersOf(hash).length, 1);
    assert.ok(mesh.ownersOf(hash)[0]!.keeper.lines.has(`${hash} before`));
  }
  assert.ok(busy.overlay.load < 0.9, `load ${busy.overlay.load}`);
  const placement = nodes[0]!.overlay.placementOf(moved[0]!)!;
  assert.deepEqual([placement.by, placement.range.epoch > 0], ['grant', true]);
});

test('a grant is given only when the taker was told of everything, in however many parts', () => {
  const mesh = new Mesh(5);
  const nodes = mesh.grow(6);
  mesh.run(10);
  const busy = nodes[2]!;
  busy.keeper.linesPerBatch = 2;
  const hashes: ReturnType<typeof hashAt>[] = [];
  while (hashes.length < 60) {
    const hash = hashAt(mesh.random);
    if (mesh.ownersOf(hash)[0] === busy) hashes.push(hash);
  }
  for (const hash of hashes) for (const { keeper } of nodes) keeper.rates.set(hash, 20);
  let isLate = false;
  mesh.watch = (from, { type }) => {
    if (from !== busy || isLate || busy.overlay.givingNow?.step !== 'copying' || type !== 'frame') return;
    isLate = true;
    // After the only frame was made, and before the grant is.
    for (const hash of hashes) busy.keeper.announce(hash, 'late');
  };
  mesh.until('the taker to serve', () => hashes.some((hash) => mesh.ownersOf(hash)[0] !== busy), 60);
  assert.ok(isLate);
  for (const hash of hashes) {
    for (const { keeper } of mesh.ownersOf(hash))
      assert.ok(keeper.lines.has(`${hash} late`), 'whoever serves it has it');
  }
});

test('a supernode that is told to stop hands everything over first', () => {
  const mesh = new Mesh(6);
  const nodes = mesh.grow(5);
  mesh.run(10);
  const hashes = Array.from({ length: 200 }, () => hashAt(mesh.random));
  for (const hash of hashes) mesh.ownersOf(hash)[0]!.keeper.announce(hash, 'peer');
  const leaver = nodes[1]!;
  mesh.feed(leaver, { type: 'drain' });
  mesh.until('the node to be free', () => leaver.isDrained, 12);
  mesh.kill(leaver);
  mesh.run(1);
  for (const hash of hashes) {
    const [owner, ...more] = mesh.ownersOf(hash);
    assert.ok(owner && more.length === 0 && owner !== leaver);
    assert.ok(owner.keeper.lines.has(`${hash} peer`), hash);
  }
});

test('W-27 two halves of a partition go on alone, and are one again when it heals', () => {
  const mesh = new Mesh(7);
  const nodes = mesh.grow(8);
  mesh.run(10);
  const half = new Set(nodes.slice(0, 4));
  mesh.isOpen = (from, to) => half.has(from) === half.has(to);
  mesh.run(60);
  for (const { overlay } of nodes) assert.equal(overlay.members, 4);
  const hashes = Array.from({ length: 200 }, () => hashAt(mesh.random));
  for (const hash of hashes) for (const owner of mesh.ownersOf(hash)) owner.keeper.announce(hash, `peer of ${owner.n}`);
  mesh.isOpen = () => true;
  mesh.until('one view', () => nodes.every(({ overlay }) => overlay.members === 8), 60);
  mesh.run(30);
  for (const hash of hashes) {
    const owners = mesh.ownersOf(hash);
    assert.equal(owners.length, 1);
    const announced = nodes.flatMap(({ keeper, n }) => (keeper.lines.has(`${hash} peer of ${n}`) ? [n] : []));
    assert.equal(announced.length, 2);
    for (const n of announced) assert.ok(owners[0]!.keeper.lines.has(`${hash} peer of ${n}`), `${hash} of ${n}`);
  }
});

test('two whose way to each other is slow know each other again after a partition', () => {
  const mesh = new Mesh(19);
  const nodes = mesh.grow(6);
  mesh.run(10);
  const [one, other] = nodes as [MeshNode, MeshNode];
  const isSlow = (from: MeshNode, to: MeshNode): boolean => [one, other].includes(from) && [one, other].includes(to);
  mesh.delayMs = (from, to) => (isSlow(from, to) ? 700 : 30);
  mesh.isOpen = (from, to) => (from === one) === (to === one);
  mesh.run(60);
  assert.equal(one.overlay.members, 1);
  mesh.isOpen = () => true;
  mesh.until('one view', () => nodes.every(({ overlay }) => overlay.members === 6), 60);
});

test('W-24 ten nodes that start at once and then hear of each other end as one network', () => {
  const mesh = new Mesh(18);
  const nodes = Array.from({ length: 10 }, () => mesh.add({ role: 'auto' }));
  for (const node of nodes) mesh.feed(node, { type: 'alone', withinMs: 5000 });
  // As their hosts do while somebody shouts on the local network.
  for (let round = 0; round < 12; round++) {
    mesh.run(5);
    for (const [i, node] of nodes.entries()) {
      mesh.tell(node, nodes[(i + 1 + round) % nodes.length]!);
    }
  }
  mesh.run(10);
  const serving = nodes.filter(({ overlay }) => overlay.isSupernode);
  assert.ok(serving.length >= 3, `${serving.length} supernodes`);
  for (const { overlay } of serving) assert.equal(overlay.members, serving.length);
  for (let i = 0; i < 100; i++) assert.equal(mesh.ownersOf(hashAt(mesh.random)).length, 1);
});

test('a hash that is asked for too much is answered by more members, and by one again when it cools', () => {
  const mesh = new Mesh(9);
  const nodes = mesh.grow(8);
  mesh.run(10);
  const hash = hashAt(mesh.random);
  const [owner] = mesh.ownersOf(hash);
  owner!.keeper.rates.set(hash, 350);
  mesh.until('the hash to be widened', () => mesh.ownersOf(hash).length === 4, 60);
  // Three of four now ask the others.
  owner!.keeper.rates.set(hash, 350 / 4);
  mesh.run(15);
  const stranger = nodes.find(({ overlay }) => overlay.ownership.ownerOf(hash) !== 'self')!;
  const asked = new Set<string>();
  for (let i = 0; i < 100; i++) {
    const answer = stranger.overlay.ownership.ownerOf(hash);
    if (typeof answer === 'object') asked.add(answer.nodeId);
  }
  assert.equal(asked.size, 4);
  owner!.keeper.rates.set(hash, 1);
  mesh.until('the hash to be narrow', () => mesh.ownersOf(hash).length === 1, 2000);
  assert.equal(mesh.ownersOf(hash)[0], owner);
});

test('a first supernode that meets a large network is elected there, and brings what it tracked', () => {
  const mesh = new Mesh(10);
  const [known] = mesh.grow(12);
  const island = mesh.add({ role: 'auto' });
  mesh.feed(island, { type: 'alone', withinMs: 0 });
  const hashes = Array.from({ length: 100 }, () => hashAt(mesh.random));
  for (const hash of hashes) island.keeper.announce(hash, 'islander');
  mesh.tell(island, known!);
  mesh.until('the network to have it', () => mesh.nodes.every(({ overlay }) => overlay.members === 13), 400);
  mesh.run(60);
  for (const hash of hashes) {
    const owners = mesh.ownersOf(hash);
    assert.equal(owners.length, 1);
    assert.ok(owners[0]!.keeper.lines.has(`${hash} islander`), hash);
  }
});

for (const count of [14, 20]) {
  test(`${count} volunteers that join one node at the same time come to one view`, () => {
    const mesh = new Mesh(count);
    const nodes = mesh.grow(count);
    mesh.run(30);
    for (let i = 0; i < 100; i++) assert.equal(mesh.ownersOf(hashAt(mesh.random)).length, 1);
    assert.ok(nodes.every(({ overlay }) => overlay.members === count));
  });
}

test('copies come to an end when two networks have met', () => {
  const mesh = new Mesh(12);
  const [known] = mesh.grow(3);
  const [other] = mesh.grow(3);
  for (let i = 0; i < 50; i++) {
    const hash = hashAt(mesh.random);
    for (const owner of mesh.ownersOf(hash)) owner.keeper.announce(hash, `peer of ${owner.n}`);
  }
  mesh.tell(other!, known!);
  mesh.until('one view', () => mesh.nodes.every(({ overlay }) => overlay.members === 6), 60);
  mesh.until('every copy to be whole', () => mesh.nodes.every(({ overlay }) => overlay.isReplicated), 60);
  mesh.run(10);
  let frames = 0;
  mesh.watch = (_, { type }) => {
    if (type === 'frame') frames++;
  };
  mesh.run(30);
  assert.equal(frames, 0);
});

test("members of a public network that were lost, and have newer descriptors by each other's votes, are believed again", () => {
  const mesh = new Mesh(28);
  const first = mesh.grow(1, { host: '9.1.1.1' })[0]!;
  for (let i = 0; i < 21; i++) {
    const { overlay } = mesh.join(first, { host: `9.1.${i + 2}.1` });
    mesh.until('it to serve', () => overlay.isSupernode && first.overlay.view.size === i + 2, 60);
  }
  mesh.run(60);
  const isWest = ({ n }: MeshNode): boolean => n % 2 === 0;
  mesh.isOpen = (from, to) => isWest(from) === isWest(to);
  mesh.until('two halves', () => mesh.nodes.every(({ overlay }) => overlay.members === 11), 60);
  for (const node of mesh.nodes) mesh.feed(node, { type: 'moved' });
  mesh.run(5);
  mesh.isOpen = () => true;
  mesh.until('one network', () => mesh.nodes.every(({ overlay }) => overlay.members === 22), 180);
});

test('a supernode whose clock stood still while it slept says that it is back', () => {
  const mesh = new Mesh(28);
  const [first] = mesh.grow(3) as [MeshNode];
  mesh.run(20);
  const sequence = (): number => first.overlay.view.get(first.nodeId)!.sequence;
  const before = sequence();
  mesh.feed(first, { type: 'tick', wall: wallSeconds(mesh.wall + 10) });
  assert.equal(sequence(), before);
  mesh.feed(first, { type: 'tick', wall: wallSeconds(mesh.wall + 120) });
  assert.ok(sequence() > before);
});

test('a supernode that slept knows within seconds who went meanwhile, and who came', () => {
  const mesh = new Mesh(29);
  const [sleeper, ...others] = mesh.grow(30) as [MeshNode, ...MeshNode[]];
  mesh.run(30);
  const gone = others.slice(0, 4);
  const stayed = others.slice(4);
  for (const node of gone) mesh.kill(node);
  const newcomer = mesh.join(stayed[0]!);
  mesh.sleep(sleeper, 90);
  const { view } = sleeper.overlay;
  assert.ok(gone.every(({ nodeId }) => view.get(nodeId)) && !view.get(newcomer.nodeId));
  mesh.run(5);
  assert.deepEqual(
    mesh.nodes.filter(({ nodeId }) => view.get(nodeId)),
    [sleeper, ...stayed, newcomer],
  );
});

test('a candidate that has nothing to do for minutes did not sleep: it compares views no more often than any client', () => {
  const mesh = new Mesh(30);
  const [first] = mesh.grow(3) as [MeshNode];
  const candidate = mesh.join(first, { role: 'auto' });
  mesh.run(30);
  let compared = 0;
  mesh.watch = (from, { type }) => {
    if (from === candidate && type === 'sync') compared++;
  };
  mesh.run(3600);
  assert.ok(!candidate.overlay.isSupernode && compared <= 8, `compared ${compared} times in an hour`);
});

test('what a supernode does each second wakes it once, however late it is woken', () => {
  const mesh = new Mesh(14);
  const node = mesh.add();
  mesh.feed(node, { type: 'alone', withinMs: 0 });
  const { overlay } = node;
  const begun = mesh.now;
  let [time, wakings] = [begun + 2500, 0];
  for (const end = time + 60_000; time < end; wakings++) {
    overlay.input({ type: 'tick', wall: wallSeconds(1_800_000_000 + (time - begun) / 1000) }, instant(time));
    overlay.effects();
    // Timers ring up to three milliseconds late, and once all is a second and a half late.
    time = Math.max(time, overlay.deadline.at) + 3 * mesh.random() + (wakings === 10 ? 1500 : 0);
  }
  // Thirty rounds of gossip would be so many wakings more; what it does every few seconds comes besides.
  assert.ok(wakings <= 60 + 20, `${wakings} times in a minute`);
});
