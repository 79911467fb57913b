// What a node asks for of what it is told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grantKeyOf, keyOf, lettered } from '../../src/overlay/record-names.ts';
import { grantBy, identity, sha1 } from './fixtures.ts';
import { Mesh, type MeshNode } from './mesh.ts';

/** What a node asks for when another tells it of a record. */
function wantedOf(mesh: Mesh, asked: MeshNode, teller: MeshNode, key: string, sequence: number): readonly string[] {
  const digests = [{ key, sequence }];
  const news = { type: 'gossip', digests, suspects: [], view: '0'.repeat(16), againMs: undefined } as const;
  const reply = mesh.ask(asked, teller, news);
  return reply.type === 'gossiped' ? reply.wanted : assert.fail(reply.type);
}

test('a record that several tell of at once is asked for once, and again where nobody brought it', () => {
  const mesh = new Mesh(81);
  const [asked, first, second] = mesh.grow(3) as [MeshNode, MeshNode, MeshNode];
  mesh.run(20);
  const key = keyOf(identity(99).nodeId);
  assert.deepEqual(wantedOf(mesh, asked, first, key, 7), [key]);
  assert.deepEqual(wantedOf(mesh, asked, second, key, 7), []);
  assert.deepEqual(wantedOf(mesh, asked, second, key, 8), [key], 'a newer one is another record');
  mesh.run(3);
  assert.deepEqual(wantedOf(mesh, asked, second, key, 8), [key]);
});

test('a record that came too early, before those whom it names, is asked for again at once', () => {
  const mesh = new Mesh(82);
  const [asked, teller] = mesh.grow(2) as [MeshNode, MeshNode];
  mesh.run(20);
  const grant = grantBy(98, 99);
  const key = grantKeyOf(grant, sha1);
  assert.deepEqual(wantedOf(mesh, asked, teller, key, grant.sequence), [key]);
  const records = [lettered({ digest: { key, sequence: grant.sequence }, record: grant.record })];
  mesh.ask(asked, teller, { type: 'records', records, wanted: [] });
  assert.deepEqual(wantedOf(mesh, asked, teller, key, grant.sequence), [key]);
});

test('views that differ are compared again soon where what differs was not brought', () => {
  const mesh = new Mesh(83);
  const [one, other] = mesh.grow(4) as [MeshNode, MeshNode];
  mesh.run(60);
  mesh.isLost = (from, to, { type }) => type === 'records' && (from === one || to === one);
  let compared = 0;
  mesh.watch = (from, { type }) => {
    if (from === one && type === 'sync') compared++;
  };
  const newcomer = mesh.join(other);
  mesh.until('views that differ', () => newcomer.overlay.isSupernode && compared > 0);
  mesh.run(30);
  assert.ok(compared >= 4, `compared ${compared} times`);
  mesh.isLost = () => false;
  mesh.until('one view', () => one.overlay.view.get(newcomer.nodeId) !== undefined, 10);
});
