import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeIdOfBytes, seededRandom, wallSeconds } from '../../src/base/index.ts';
import { type Descriptor, SUPERNODES_MAX, View } from '../../src/overlay/index.ts';
import { NOW, unsigned } from './fixtures.ts';

const template = unsigned(0);
const named = (n: number): Descriptor => {
  const key = new Uint8Array(32);
  new DataView(key.buffer).setUint32(0, n);
  return { ...template, nodeId: nodeIdOfBytes(key)! };
};

test('the highest sequence of a node wins, whatever order descriptors arrive in', () => {
  const versions = [3, 1, 2, 3].map((sequence) => unsigned(1, { sequence, load: sequence }));
  const view = new View();
  assert.deepEqual(
    versions.map((version) => view.offer(version)),
    ['added', 'stale', 'stale', 'stale'],
  );
  assert.equal(view.offer(unsigned(1, { sequence: 4, load: 99 })), 'renewed');
  assert.equal(view.get(unsigned(1).nodeId)?.load, 99);
  assert.equal(view.size, 1);
});

test('two views that merge each way hold the same', () => {
  const [left, right] = [new View(), new View()];
  for (const [n, sequence] of [1, 5, 2, 1, 3, 3].entries()) left.offer(unsigned(n, { sequence }));
  for (const [n, sequence] of [4, 1, 2, 8].entries()) right.offer(unsigned(n + 1, { sequence }));
  const [fromLeft, fromRight] = [[...left.descriptors()], [...right.descriptors()]];
  for (const descriptor of fromRight) left.offer(descriptor);
  for (const descriptor of fromLeft) right.offer(descriptor);
  const content = (view: View): string[] =>
    [...view.descriptors()].map(({ nodeId, sequence }) => `${nodeId} ${sequence}`).toSorted();
  assert.deepEqual(content(left), content(right));
});

test('an expired supernode leaves the view and the ring at the second it expires', () => {
  const view = new View();
  view.offer(unsigned(1, { expires: wallSeconds(NOW + 10) }));
  view.offer(unsigned(2, { expires: wallSeconds(NOW + 20) }));
  view.expire(wallSeconds(NOW + 9));
  assert.equal(view.size, 2);
  view.expire(wallSeconds(NOW + 10));
  assert.deepEqual(
    [...view.descriptors()].map(({ nodeId }) => nodeId),
    [unsigned(2).nodeId],
  );
  assert.deepEqual(view.ring.rangesOf(unsigned(1).nodeId), []);
});

test('a full view takes no newcomer but renews what it holds', () => {
  const view = new View();
  for (let n = 0; n < SUPERNODES_MAX; n++) assert.equal(view.offer(named(n)), 'added');
  assert.equal(view.offer(named(SUPERNODES_MAX)), 'full');
  assert.equal(view.offer({ ...named(5), sequence: 2 }), 'renewed');
  assert.equal(view.size, SUPERNODES_MAX);
});

test('a sample holds different members, never more than there are, and in time each of them', () => {
  const view = new View();
  for (let n = 0; n < 10; n++) view.offer(named(n));
  const random = seededRandom(7);
  assert.equal(view.sample(50, random).length, 10);
  const seen = new Set<string>();
  for (let round = 0; round < 100; round++) {
    const drawn = view.sample(3, random).map(({ nodeId }) => nodeId);
    assert.equal(new Set(drawn).size, 3);
    for (const nodeId of drawn) seen.add(nodeId);
  }
  assert.equal(seen.size, 10);
});
