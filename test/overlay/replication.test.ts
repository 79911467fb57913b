// What an owner accepted is with its replicas, also when they miss some of what they are told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InfoHash } from '../../src/base/index.ts';
import { hashAt, Mesh } from './mesh.ts';

test('a replica that missed announces while it was copied to is copied to again', () => {
  const mesh = new Mesh(71);
  const nodes = mesh.grow(4);
  mesh.run(20);
  const hash = hashAt(mesh.random);
  const [owner] = mesh.ownersOf(hash);
  const [, { nodeId }] = owner!.overlay.ownersOf(hash) as [unknown, { nodeId: string }];
  const replica = nodes.find((node) => node.nodeId === nodeId)!;
  let frames = 0;
  let isDeaf = true;
  mesh.isLost = (from, to, message) => {
    if (from !== owner || to !== replica) return false;
    const hasHash = message.type === 'frame' && Buffer.from(message.bytes).includes(`${hash} before`);
    if (hasHash && ++frames === 1) {
      // The frame that was just made does not have it, and its second try carries the same bytes.
      owner!.keeper.announce(hash, 'meanwhile');
      return true;
    }
    return message.type === 'announces' && isDeaf;
  };
  owner!.keeper.announce(hash, 'before');
  mesh.until('the second try of a frame', () => frames >= 2, 30);
  mesh.run(5);
  isDeaf = false;
  mesh.run(30);
  for (const peer of ['before', 'meanwhile']) assert.ok(replica.keeper.lines.has(`${hash} ${peer}`), peer);
});

test('who is about to own a range is told of what is announced while it is copied to', () => {
  const mesh = new Mesh(72);
  const [first] = mesh.grow(4);
  mesh.run(20);
  const hashes = Array.from({ length: 200 }, () => hashAt(mesh.random));
  const newcomer = mesh.join(first!);
  let told = 0;
  mesh.watch = (from, { type }) => {
    if (newcomer.overlay.phase !== 'claiming' || from === newcomer) return;
    if (type === 'frame' && told === 0) {
      told++;
      for (const hash of hashes) mesh.ownersOf(hash)[0]?.keeper.announce(hash, 'meanwhile');
    }
  };
  // Long enough for a batch: the last frame's answer comes late.
  mesh.isLost = (_from, to, message) => to === newcomer && message.type === 'frame' && told++ < 20;
  mesh.until('it to serve', () => newcomer.overlay.isSupernode, 90);
  const own = hashes.filter((hash) => newcomer.overlay.ownership.ownerOf(hash) === 'self');
  assert.ok(told > 0 && own.length > 10, `${own.length} hashes`);
  for (const hash of own) assert.ok(newcomer.keeper.lines.has(`${hash} meanwhile`));
});

test('copies of a newcomer are made within seconds, though its replicas hear of it after it asks them', () => {
  const mesh = new Mesh(73);
  const [first] = mesh.grow(3);
  mesh.run(20);
  const newcomer = mesh.join(first!);
  mesh.until('it to serve', () => newcomer.overlay.isSupernode, 90);
  const since = mesh.now;
  // No gossip tells of it.
  mesh.isLost = (from, _to, { type }) => from === newcomer && type === 'gossip' && mesh.now - since < 10_000;
  let begun = 0;
  mesh.watch = (from, message) => {
    if (from === newcomer && message.type === 'frame' && message.index === 0) begun++;
  };
  mesh.until('its copies to be made', () => newcomer.overlay.isReplicated, 4);
  assert.ok(begun > 3, `copies were begun ${begun} times for three replicas`);
});

test('what one who has not heard of a newcomer tells the owner reaches the newcomer, too', () => {
  const mesh = new Mesh(74);
  const options = { capacity: { announcesPerSecond: 4000 } };
  const nodes = mesh.grow(6, options);
  mesh.run(20);
  const hashes = Array.from({ length: 200 }, () => hashAt(mesh.random));
  const before = new Map(hashes.map((hash) => [hash, nodes[0]!.overlay.ownersOf(hash).map(({ nodeId }) => nodeId)]));
  const [first] = nodes;
  const newcomer = mesh.add(options);
  const stale = nodes[3]!;
  mesh.isLost = (from, to, { type }) => [from, to].includes(stale) && ['records', 'sync', 'frame'].includes(type);
  mesh.tell(newcomer, first!);
  mesh.until('it to serve', () => newcomer.overlay.isSupernode, 90);
  mesh.until('it to be known', () =>
    nodes.every(({ overlay }) => overlay.members === (overlay === stale.overlay ? 6 : 7)),
  );
  mesh.until('the copies to be there', () => nodes.every((node) => node === stale || node.overlay.isReplicated), 40);
  // The stale one kept these for another owner, who has the newcomer for a replica now.
  const told = hashes.filter((hash) => {
    const [owner, ...replicas] = first!.overlay.ownersOf(hash).map(({ nodeId }) => nodeId);
    const kept = before.get(hash)!;
    return (
      kept[0] === owner && owner !== stale.nodeId && kept.includes(stale.nodeId) && replicas.includes(newcomer.nodeId)
    );
  });
  assert.ok(told.length > 5, `${told.length} hashes`);
  assert.equal(stale.overlay.view.get(newcomer.nodeId), undefined);
  for (const hash of told) stale.keeper.announce(hash, 'late');
  mesh.run(5);
  for (const hash of told) assert.ok(newcomer.keeper.lines.has(`${hash} late`));
});

test('a newcomer whose neighbour dies before it copied anything to it gets the copies of those who have them', () => {
  const mesh = new Mesh(75);
  const nodes = mesh.grow(6);
  const hashes = Array.from({ length: 100 }, () => hashAt(mesh.random));
  for (const hash of hashes) mesh.ownersOf(hash)[0]!.keeper.announce(hash, 'peer');
  mesh.run(40);
  const newcomer = mesh.join(nodes[0]!);
  const inherits = (hash: InfoHash): boolean =>
    nodes[0]!.overlay.ownersOf(hash)[1]?.nodeId === newcomer.nodeId && !newcomer.keeper.lines.has(`${hash} peer`);
  mesh.isLost = (_from, to, { type }) => to === newcomer && type === 'frame' && newcomer.overlay.isSupernode;
  mesh.until('it to be known', () => mesh.nodes.every(({ overlay }) => overlay.members === 7));
  const [neighbour] = mesh.ownersOf(hashes.find(inherits)!);
  const inherited = hashes.filter((hash) => inherits(hash) && mesh.ownersOf(hash)[0] === neighbour);
  assert.ok(inherited.length > 2, `${inherited.length} hashes`);
  mesh.kill(neighbour!);
  mesh.isLost = () => false;
  mesh.until(
    'it to own them',
    () => inherited.every((hash) => newcomer.overlay.ownership.ownerOf(hash) === 'self'),
    20,
  );
  mesh.run(40);
  for (const hash of inherited) assert.ok(newcomer.keeper.lines.has(`${hash} peer`));
});

test('a newcomer that takes over from one who copies nothing has what a replica keeps', () => {
  const mesh = new Mesh(76);
  const nodes = mesh.grow(6);
  const hashes = Array.from({ length: 200 }, () => hashAt(mesh.random));
  for (const hash of hashes) mesh.ownersOf(hash)[0]!.keeper.announce(hash, 'peer');
  mesh.until('copies', () => nodes.every(({ overlay }) => overlay.isReplicated), 60);
  mesh.run(5);
  const [first, , liar] = nodes;
  const before = new Map(hashes.map((hash) => [hash, mesh.ownersOf(hash)[0]]));
  mesh.isLost = (from, _to, { type }) => from === liar && type === 'frame';
  const newcomer = mesh.join(first!);
  mesh.until('it to serve', () => newcomer.overlay.isSupernode, 120);
  const own = hashes.filter((hash) => newcomer.overlay.ownership.ownerOf(hash) === 'self');
  const taken = own.filter((hash) => before.get(hash) === liar);
  assert.ok(taken.length > 2, `${taken.length} hashes`);
  for (const hash of own) assert.ok(newcomer.keeper.lines.has(`${hash} peer`), hash);
});

test('who becomes a replica of one who copies nothing has it from the other replica', () => {
  const mesh = new Mesh(77);
  const nodes = mesh.grow(7);
  const hashes = Array.from({ length: 200 }, () => hashAt(mesh.random));
  for (const hash of hashes) mesh.ownersOf(hash)[0]!.keeper.announce(hash, 'peer');
  mesh.until('copies', () => nodes.every(({ overlay }) => overlay.isReplicated), 60);
  mesh.run(35);
  const [first, liar, leaves] = nodes;
  const setOf = (hash: InfoHash): string[] => first!.overlay.ownersOf(hash).map(({ nodeId }) => nodeId);
  const before = new Map(hashes.map((hash) => [hash, setOf(hash)]));
  mesh.isLost = (from, _to, { type }) => from === liar && type === 'frame';
  mesh.kill(leaves!);
  mesh.run(30);
  const kept = hashes.filter((hash) => setOf(hash)[0] === liar!.nodeId && before.get(hash)![0] === liar!.nodeId);
  const gained = kept.flatMap((hash) =>
    setOf(hash)
      .filter((nodeId) => !before.get(hash)!.includes(nodeId))
      .map((nodeId) => ({ hash, node: nodes.find((node) => node.nodeId === nodeId)! })),
  );
  assert.ok(gained.length > 2, `${gained.length} hashes`);
  for (const { hash, node } of gained) assert.ok(node.keeper.lines.has(`${hash} peer`), hash);
});

test('what one of many who answer for a hash accepts reaches its keepers, who had just dropped it', () => {
  const mesh = new Mesh(74);
  const nodes = mesh.grow(8);
  mesh.run(20);
  const hash = hashAt(mesh.random);
  mesh.ownersOf(hash)[0]!.keeper.rates.set(hash, 350);
  mesh.until('the hash to be widened', () => mesh.ownersOf(hash).length === 4, 60);
  // The fourth of them keeps no copy: it tells the three who do.
  const answering = mesh.ownersOf(hash).find(({ overlay }) => overlay.ownership.roleOf(hash) === undefined)!;
  for (const node of nodes) if (node !== answering) node.overlay.view.drop(answering.nodeId);
  // Views are not compared for now.
  mesh.isLost = (_from, _to, { type }) => type === 'gossip' || type === 'sync';
  answering.keeper.announce(hash, 'peer');
  const keepers = nodes.filter(({ overlay }) => overlay.ownership.roleOf(hash) !== undefined);
  assert.equal(keepers.length, 3);
  mesh.until('all to have it', () => keepers.every(({ keeper }) => keeper.lines.has(`${hash} peer`)), 4);
});

test('what one with an old ring accepts reaches those who keep it, by way of whom it takes for its keepers', () => {
  const mesh = new Mesh(75);
  const nodes = mesh.grow(10);
  mesh.run(60);
  const hash = hashAt(mesh.random);
  const { ring } = nodes[0]!.overlay.view;
  const [first, second, third, fourth] = ring.membersAfter(hash, 4).map(({ nodeId }) => nodeId);
  const keepers = nodes.filter(({ nodeId }) => [first, second, third].includes(nodeId));
  const stale = nodes.find(({ nodeId }) => nodeId === fourth)!;
  for (const { nodeId } of keepers) stale.overlay.view.drop(nodeId);
  mesh.isLost = (_from, _to, { type }) => type === 'gossip' || type === 'sync';
  mesh.run(1);
  assert.equal(stale.overlay.ownership.ownerOf(hash), 'self');
  stale.keeper.announce(hash, 'peer');
  mesh.until('all to have it', () => keepers.every(({ keeper }) => keeper.lines.has(`${hash} peer`)), 4);
});

test('a node whose keeper gives up the rest of a batch does not wait for it for ever', () => {
  const mesh = new Mesh(79);
  mesh.grow(4);
  mesh.run(20);
  const hash = hashAt(mesh.random);
  const [owner] = mesh.ownersOf(hash);
  owner!.keeper.linesPerBatch = 1;
  let parts = 0;
  mesh.watch = (from, { type }) => {
    if (from === owner && type === 'announces') parts++;
  };
  for (const peer of ['first', 'second', 'third']) owner!.keeper.announce(hash, peer);
  mesh.until('the first part', () => parts > 0, 5);
  owner!.keeper.forgetBatches();
  mesh.run(1.5);
  assert.ok(owner!.overlay.deadline.at > mesh.now, `due ${mesh.now - owner!.overlay.deadline.at} ms ago`);
});
