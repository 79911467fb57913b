// What others have a node ask never takes the room that it needs for its own questions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identity } from './fixtures.ts';
import { hashAt, Mesh, type MeshNode } from './mesh.ts';

const BATCHES = 1200;

test('a member that has thousands of announces passed on to silent keepers makes nobody lose sight of others', () => {
  const mesh = new Mesh(91);
  const nodes = mesh.grow(8);
  mesh.run(60);
  const newcomer = mesh.join(nodes[0]!);
  mesh.until('the newcomer to serve', () => newcomer.overlay.isSupernode, 90);
  mesh.until('everybody to know it', () => mesh.nodes.every(({ overlay }) => overlay.members === 9), 60);
  const keepersOf = (hash: ReturnType<typeof hashAt>) => nodes[0]!.overlay.ownersOf(hash).map(({ nodeId }) => nodeId);
  // An arc that changed within the last half minute: what its keepers hear they pass on.
  let hash = hashAt(mesh.random);
  while (!keepersOf(hash).includes(newcomer.nodeId)) hash = hashAt(mesh.random);
  const keepers = keepersOf(hash);
  const victim = nodes.find(({ nodeId }) => keepers.includes(nodeId))!;
  const deaf = new Set(keepers.filter((nodeId) => nodeId !== victim.nodeId));
  const liar = mesh.nodes.find(({ nodeId }) => !keepers.includes(nodeId))!;
  mesh.isLost = (from, to, { type }) => from === victim && deaf.has(to.nodeId) && type === 'announces';
  const before = victim.overlay.members;
  let passedOn = 0;
  for (let i = 0; i < BATCHES; i++) {
    const message = { type: 'announces', bytes: Buffer.from(`${hash} p${i}`), isPassedOn: false } as const;
    mesh.feed(victim, { type: 'asked', exchange: 1e9 + i, from: liar.nodeId, address: liar.address, message });
    passedOn = Math.max(passedOn, victim.overlay.asking);
  }
  assert.ok(passedOn > 100, `${passedOn} questions under way`);
  mesh.run(20);
  assert.equal(victim.overlay.members, before);
  assert.deepEqual(
    victim.events.filter(({ type }) => type === 'lost'),
    [],
  );
});

test('strangers who ask for votes and then do not answer make nobody lose sight of others', () => {
  const mesh = new Mesh(3);
  const victim = mesh.grow(12)[5]!;
  mesh.run(60);
  let asking = 0;
  // 1,000 a second, each from where it says that it is.
  for (let n = 0; n < 30_000; n++) {
    const address = { host: `${1 + (n % 200)}.${(n >> 8) % 250}.${n % 250}.9`, port: 8080 };
    const from = identity(20_000 + (n % 50)).nodeId;
    const term = 1 + (n % 500);
    const message = { type: 'vote', addresses: [address], term, issued: mesh.wall, seat: undefined } as const;
    mesh.feed(victim, { type: 'asked', exchange: 1e9 + n, from, address, message });
    if (n % 100 === 0) mesh.run(0.1);
    asking = Math.max(asking, victim.overlay.asking);
  }
  assert.ok(asking > 50 && asking < 128, `${asking} questions under way`);
  assert.equal(victim.overlay.members, 12);
});

test('a member that has many silent nodes looked for leaves room to look for what others ask about', () => {
  const mesh = new Mesh(3);
  const [liar, victim, other, asker] = mesh.grow(6) as [MeshNode, MeshNode, MeshNode, MeshNode];
  mesh.run(20);
  for (let n = 0; n < 130; n++) {
    const contact = { nodeId: identity(30_000 + n).nodeId, address: { host: '10.7.7.7', port: 9000 + n } };
    const message = { type: 'probe', ...contact } as const;
    mesh.feed(victim, { type: 'asked', exchange: 1e9 + n, from: liar.nodeId, address: liar.address, message });
  }
  const { nodeId, address } = other;
  assert.equal(mesh.ask(victim, liar, { type: 'probe', nodeId, address }).type, 'refused');
  assert.deepEqual(mesh.ask(victim, asker, { type: 'probe', nodeId, address }), { type: 'probed', isThere: true });
});
