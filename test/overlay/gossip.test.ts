// What a node asks for of what it is told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyOf } from '../../src/overlay/record-names.ts';
import { identity } from './fixtures.ts';
import { Mesh, type MeshNode } from './mesh.ts';

test('a record that several tell of at once is asked for once, and again where nobody brought it', () => {
  const mesh = new Mesh(81);
  const [asked, first, second] = mesh.grow(3) as [MeshNode, MeshNode, MeshNode];
  mesh.run(20);
  const key = keyOf(identity(99).nodeId);
  const wantedOf = (teller: MeshNode, sequence: number): readonly string[] => {
    const news = {
      type: 'gossip',
      digests: [{ key, sequence }],
      suspects: [],
      view: '0'.repeat(16),
      againMs: undefined,
    } as const;
    const reply = mesh.ask(asked, teller, news);
    return reply.type === 'gossiped' ? reply.wanted : assert.fail(reply.type);
  };
  assert.deepEqual(wantedOf(first, 7), [key]);
  assert.deepEqual(wantedOf(second, 7), []);
  assert.deepEqual(wantedOf(second, 8), [key], 'a newer one is another record');
  mesh.run(3);
  assert.deepEqual(wantedOf(second, 8), [key]);
});
