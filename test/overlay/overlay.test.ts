import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashAt, Mesh } from './mesh.ts';

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
