// The hosts known from before: who is kept, who gives way, and in which order they are tried.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type NodeId, parseNodeId, seededRandom } from '../../src/base/index.ts';
import { ANCHORS, HOSTS_MAX, HOSTS_PER_NETWORK_MAX, HostCache, type HostName } from '../../src/overlay/index.ts';

const NOW = 1_790_000_000;
const DAY = 86_400;
const nodeOf = (n: number): NodeId => parseNodeId(n.toString(16).padStart(64, '0'))!;
const nameOf = (n: number, host = `${20 + (n % 100)}.${n >> 3}.1.${n % 8}`): HostName => ({
  nodeId: nodeOf(n),
  addresses: [{ host, port: 7373 }],
});
const numbersOf = (hosts: readonly HostName[]): number[] => hosts.map(({ nodeId }) => Number.parseInt(nodeId!, 16));

test('N-24 at most 200 are kept, and who answered does not give way to who was only heard of', () => {
  const cache = new HostCache();
  for (let n = 0; n < 50; n++) cache.noteAnswered(nameOf(n), NOW);
  for (let n = 50; n < 5000; n++) cache.note(nameOf(n), NOW + n);
  assert.equal(cache.size, HOSTS_MAX);
  const kept = numbersOf(cache.hosts());
  for (let n = 0; n < 50; n++) assert.ok(kept.includes(n), `${n} was pushed out`);
});

test('one public network has 8 places, and private ones together half of all', () => {
  const cache = new HostCache();
  for (let n = 0; n < 1000; n++) cache.note(nameOf(n, `66.6.${n >> 8}.${n & 255}`), NOW);
  assert.equal(cache.size, HOSTS_PER_NETWORK_MAX);
  for (let n = 1000; n < 2000; n++) cache.note(nameOf(n, `10.0.${n >> 8}.${n & 255}`), NOW);
  assert.equal(cache.size, HOSTS_PER_NETWORK_MAX + HOSTS_MAX / 2);
  assert.ok(cache.note(nameOf(3000, '77.1.1.1'), NOW));
});

test('the two that answered for the longest time are tried first, from two networks where that can be', () => {
  const cache = new HostCache();
  for (let n = 1; n <= 20; n++) cache.noteAnswered(nameOf(n, n < 9 ? '66.6.6.6' : `${n}.1.1.1`), NOW - n * DAY);
  for (const n of [7, 8, 15]) cache.noteAnswered(nameOf(n, n < 9 ? '66.6.6.6' : `${n}.1.1.1`), NOW);
  for (let seed = 0; seed < 20; seed++) {
    const order = numbersOf(cache.order(seededRandom(seed)));
    assert.deepEqual(order.slice(0, ANCHORS), [15, 8]);
    assert.equal(new Set(order).size, cache.size);
  }
});

test('who was tried in vain comes later each time, and everybody has a turn', () => {
  const cache = new HostCache();
  for (let n = 1; n <= 100; n++) cache.note(nameOf(n), NOW);
  const tried = new Set<number>();
  for (let round = 0; round < 25; round++) {
    const order = cache.order(seededRandom(round)).slice(0, 4);
    for (const n of numbersOf(order)) tried.add(n);
    for (const host of order) cache.noteMissed(host);
  }
  assert.equal(tried.size, 100);
});

test('N-24 three weeks later the hosts are still there; who is silent for two months is forgotten', () => {
  const cache = new HostCache();
  for (let n = 1; n <= 10; n++) cache.noteAnswered(nameOf(n), NOW);
  for (let misses = 0; misses < 12; misses++) cache.noteMissed(nameOf(1));
  const restored = new HostCache(cache.hosts());
  restored.expire(NOW + 21 * DAY);
  assert.deepEqual(numbersOf(restored.hosts()), [2, 3, 4, 5, 6, 7, 8, 9, 10]);
  restored.expire(NOW + 61 * DAY);
  assert.equal(restored.size, 0);
});

test('where somebody answered is tried first, and a new address of it is learnt', () => {
  const cache = new HostCache();
  const [one, two, three] = ['20.1.1.1', '20.1.1.2', '20.1.1.3'].map((host) => ({ host, port: 7373 }));
  const nodeId = nodeOf(1);
  cache.note({ nodeId, addresses: [one!, two!] }, NOW);
  cache.noteAnswered({ nodeId, addresses: [two!] }, NOW);
  assert.deepEqual(cache.hosts()[0]!.addresses, [two, one]);
  cache.note({ nodeId, addresses: [one!, two!, three!] }, NOW);
  assert.deepEqual(cache.hosts()[0]!.addresses, [two, one, three]);
  cache.note({ nodeId, addresses: [three!] }, NOW);
  assert.deepEqual(cache.hosts()[0]!.addresses, [three]);
});

test('an address that the user named is no host of its own any more once somebody answered there', () => {
  const cache = new HostCache();
  const named = nameOf(1);
  cache.note({ nodeId: undefined, addresses: named.addresses }, NOW);
  cache.note(nameOf(2), NOW);
  cache.noteAnswered(named, NOW);
  assert.deepEqual(numbersOf(cache.hosts()).toSorted(), [1, 2]);
});
