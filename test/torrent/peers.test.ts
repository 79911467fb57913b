import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Address,
  formatIp,
  type Instant,
  instant,
  type NodeId,
  randomBelow,
  seededRandom,
} from '../../src/base/index.ts';
import { Peers } from '../../src/torrent/index.ts';
import { KNOWN_PEERS_MAX } from '../../src/torrent/peers.ts';
import { eachSeed, SEED } from '../seed.ts';

const NODE_ID = 'ab'.repeat(32) as NodeId;
const at = (seconds: number): Instant => instant(seconds * 1000);
const peer = (n: number, port = 6881): Address => ({ host: formatIp(Uint8Array.of(10, n >> 16, n >> 8, n)), port });

test('a peer is handed out once, and again only after it rested', () => {
  const peers = new Peers();
  peers.note([peer(1), peer(1)], 'tracker');
  assert.equal(peers.size, 1);
  assert.ok(peers.hasUntried);
  assert.deepEqual(peers.take(at(0))?.address, peer(1));
  assert.equal(peers.take(at(0)), undefined);
  assert.equal(peers.nextRetry, undefined);
  peers.closed(peer(1), true, at(0));
  assert.equal(peers.take(at(14)), undefined);
  assert.equal(peers.nextRetry, at(15));
  assert.ok(peers.take(at(15)));
});

test('the rest doubles with each failure in a row, and who fails eight times is forgotten', () => {
  const peers = new Peers();
  peers.note([peer(1)], 'tracker');
  let now = at(0);
  const rests: number[] = [];
  while (peers.take(now)) {
    peers.closed(peer(1), true, now);
    if (peers.nextRetry === undefined) break;
    rests.push((peers.nextRetry - now) / 1000);
    now = peers.nextRetry;
  }
  assert.deepEqual(rests, [15, 30, 60, 120, 240, 480, 960]);
  assert.equal(peers.size, 0);
});

test('a connection wipes old failures out; a useless one is left alone for half an hour', () => {
  const peers = new Peers();
  peers.note([peer(1)], 'tracker');
  for (let failure = 0; failure < 5; failure++) peers.closed(peer(1), true, at(0));
  peers.connected(peer(1), 'plain');
  peers.closed(peer(1), false, at(0));
  assert.equal(peers.nextRetry, at(15));
  peers.retired(peer(1), at(0));
  assert.equal(peers.nextRetry, at(1800));
});

test('how a link to a peer begins is kept from hearsay and from links, until the peer takes it no more', () => {
  const peers = new Peers();
  const kindOf = () => peers.take(at(1e6))?.kind;
  peers.note([peer(1)], 'dht');
  assert.equal(kindOf(), undefined);
  peers.closed(peer(1), false, at(0));
  peers.note([{ ...peer(1), kind: 'mse' }], 'tracker');
  assert.equal(kindOf(), 'mse');
  peers.connected(peer(1), 'plain');
  peers.closed(peer(1), false, at(0));
  peers.note([{ ...peer(1), kind: 'mse' }], 'tracker');
  assert.equal(kindOf(), 'plain');
  peers.closed(peer(1), false, at(0));
  peers.note([{ ...peer(1), kind: 'tls', nodeId: NODE_ID }], 'tracker');
  assert.equal(kindOf(), 'tls');
  peers.disagreed(peer(1), false, at(0));
  assert.equal(kindOf(), undefined);
  assert.equal(peers.refusingEncryption, 0);
  peers.disagreed(peer(1), true, at(0));
  assert.equal(peers.refusingEncryption, 1);
  peers.connected(peer(1), 'mse');
  assert.equal(peers.refusingEncryption, 0);
});

test('who failed least is tried first', () => {
  const peers = new Peers();
  peers.note([peer(1), peer(2)], 'tracker');
  peers.closed(peer(1), true, at(0));
  peers.closed(peer(1), true, at(0));
  peers.closed(peer(2), true, at(0));
  peers.note([peer(3)], 'dht');
  const order = [1, 2, 3].map(() => peers.take(at(3600))?.address);
  assert.deepEqual(order, [peer(3), peer(2), peer(1)]);
});

test('a ban holds for the host on every port, for what is known, told later or incoming', () => {
  const peers = new Peers();
  peers.note([peer(1, 6881), peer(1, 6882), peer(2)], 'tracker');
  peers.ban(peer(1, 50_000));
  assert.ok(peers.isBanned(peer(1).host));
  assert.ok(!peers.isBanned(peer(2).host));
  peers.note([peer(1, 6883)], 'user');
  peers.connected(peer(1), 'plain');
  peers.closed(peer(1), false, at(0));
  assert.deepEqual(peers.take(at(0))?.address, peer(2));
  assert.equal(peers.take(at(99_999)), undefined);
});

test('bans are bounded, and the newest hold', () => {
  const peers = new Peers();
  for (let n = 0; n < 5000; n++) peers.ban(peer(n));
  assert.ok(peers.isBanned(peer(4999).host) && peers.isBanned(peer(4100).host));
  assert.ok(!peers.isBanned(peer(0).host));
  assert.equal(peers.size, 0);
});

test('a flood of addresses keeps to the bound, and those in use stay', () => {
  const peers = new Peers();
  peers.note([peer(0)], 'user');
  peers.take(at(0));
  peers.connected(peer(0), 'plain');
  peers.note(
    Array.from({ length: 5000 }, (_, n) => peer(n + 1)),
    'tracker',
  );
  assert.equal(peers.size, KNOWN_PEERS_MAX);
  peers.closed(peer(0), false, at(0));
  assert.equal(peers.nextRetry, at(15), 'the connected one was kept');
});

test(`no peer is ever in use twice, and every one that rests is due again (seed ${SEED})`, () => {
  eachSeed(60, (seed) => {
    const random = seededRandom(seed);
    const peers = new Peers();
    const inUse = new Map<string, Address>();
    const banned = new Set<string>();
    for (let step = 0; step < 600; step++) {
      const now = at(step * 10);
      const address = peer(randomBelow(random, 20), 1 + randomBelow(random, 2));
      const some = [...inUse.values()][randomBelow(random, Math.max(1, inUse.size))];
      const action = randomBelow(random, 6);
      if (action === 0) peers.note([address], 'tracker');
      else if (action === 1 && random() < 0.1) {
        peers.ban(address);
        banned.add(address.host);
        for (const [key, used] of inUse) if (used.host === address.host) inUse.delete(key);
      } else if (action === 2 && some) {
        peers.closed(some, random() < 0.5, now);
        inUse.delete(JSON.stringify(some));
      } else if (action === 3 && some) {
        peers.retired(some, now);
        inUse.delete(JSON.stringify(some));
      } else {
        const taken = peers.take(now);
        if (!taken) continue;
        const key = JSON.stringify(taken.address);
        assert.ok(!inUse.has(key) && !banned.has(taken.address.host));
        inUse.set(key, taken.address);
        if (random() < 0.5) peers.connected(taken.address, 'plain');
      }
    }
    for (let left = peers.size - inUse.size; left > 0; left--) assert.ok(peers.take(at(1e6)));
    assert.equal(peers.take(at(1e6)), undefined);
  });
});

test('a node that dialled us is dialled back as that node after a rest, and one that is known keeps its history', () => {
  const peers = new Peers();
  peers.dialledUs({ ...peer(1), nodeId: NODE_ID, kind: 'tls' }, at(0));
  assert.equal(peers.take(at(14)), undefined);
  const back = peers.take(at(15))!;
  assert.deepEqual([back.address, back.nodeId, back.kind, back.source], [peer(1), NODE_ID, 'tls', 'incoming']);
  peers.note([peer(2)], 'tracker');
  peers.dialledUs({ ...peer(2), nodeId: NODE_ID, kind: 'tls' }, at(20));
  const known = peers.take(at(20))!;
  assert.deepEqual([known.address, known.nodeId, known.source], [peer(2), NODE_ID, 'tracker']);
});
