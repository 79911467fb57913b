// What an owner accepted is with its replicas, also when they miss some of what they are told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
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
