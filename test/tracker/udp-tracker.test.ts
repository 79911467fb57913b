import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import {
  bytesOfHex,
  concatBytes,
  formatIp,
  hex,
  type Instant,
  instant,
  latin1,
  type NodeId,
  parseIp,
  randomBelow,
  readUint32,
  seededRandom,
  writeUint32,
} from '../../src/base/index.ts';
import { encodeUdpAnnounce, encodeUdpConnect, parseUdpReply, type UdpAnnounce } from '../../src/wire/index.ts';
import { ConnectionIds, Registrar, type TrackerOptions, UdpTracker } from '../../tracker/index.ts';
import { pick, randomBytes, SEED } from '../seed.ts';
import { HASH, ownership, SELF } from './requests.ts';

const AT: Instant = instant(10_000_000);
const later = (seconds: number): Instant => instant(AT + seconds * 1000);
const PEER_ID = bytesOfHex('2d'.repeat(20))!;

function newUdpTracker(options: Partial<TrackerOptions> = {}): UdpTracker {
  const registrar = new Registrar({
    ownership: SELF,
    random: seededRandom(7),
    hashKey: { k0: 1, k1: 2 },
    swarmsMax: 1000,
    peersMax: 10_000,
    bytesPerSecond: 1_000_000_000,
    ...options,
  });
  return new UdpTracker(registrar, new ConnectionIds((bytes) => createHmac('sha256', 'key').update(bytes).digest()));
}

const ip = (text: string): Uint8Array => parseIp(text)!;
const ANNOUNCE: Omit<UdpAnnounce, 'connectionId'> = {
  transaction: 0xdeadbeef,
  infoHash: HASH,
  peerId: PEER_ID,
  downloaded: 0,
  left: 5_000_000_000,
  uploaded: 0,
  event: 'started',
  key: 1,
  wanted: -1,
  port: 6881,
  urlData: '/announce',
};

/** Connects and announces as one client does; what it is answered. */
function announce(tracker: UdpTracker, source: string, facts: Partial<UdpAnnounce> = {}, at: Instant = AT) {
  const connected = tracker.serve(encodeUdpConnect(1), ip(source), at)!;
  const connectionId = connected.slice(8);
  const answer = tracker.serve(encodeUdpAnnounce({ ...ANNOUNCE, connectionId, ...facts }), ip(source), at);
  const width = source.includes(':') ? 18 : 6;
  const reply = answer && parseUdpReply(answer, width, 1000);
  assert.ok(reply, 'answered');
  return reply;
}

test('a connect is answered with as many bytes as it has, its transaction, and an id that is not a secret of anybody else', () => {
  const tracker = newUdpTracker();
  const request = encodeUdpConnect(0x01020304);
  const answer = tracker.serve(request, ip('192.0.2.1'), AT)!.slice();
  assert.equal(answer.length, request.length);
  assert.equal(hex(answer.subarray(0, 8)), '0000000001020304');
  const other = tracker.serve(request, ip('192.0.2.2'), AT)!.slice();
  assert.notEqual(hex(answer.subarray(8)), hex(other.subarray(8)));
});

test('peers announce, find each other by family, and are counted', () => {
  const tracker = newUdpTracker();
  announce(tracker, '192.0.2.1', { left: 0, port: 5001 });
  announce(tracker, '2001:db8::1', { port: 5003 });
  const reply = announce(tracker, '192.0.2.2', { port: 5002 });
  assert.ok(reply.type === 'announced');
  assert.deepEqual(reply.peers, [{ host: '192.0.2.1', port: 5001 }]);
  assert.deepEqual([reply.seeders, reply.leechers, reply.transaction], [1, 2, 0xdeadbeef]);
  assert.ok(reply.intervalSeconds >= 1620 && reply.intervalSeconds <= 1980);
  const six = announce(tracker, '2001:db8::2', { port: 5004 });
  assert.ok(six.type === 'announced');
  assert.deepEqual(six.peers, [{ host: '2001:db8::1', port: 5003 }]);
});

test('who stops is gone, and a port that no peer has is refused', () => {
  const tracker = newUdpTracker();
  announce(tracker, '192.0.2.1');
  announce(tracker, '192.0.2.1', { event: 'stopped' });
  const reply = announce(tracker, '192.0.2.2');
  assert.ok(reply.type === 'announced' && reply.peers.length === 0 && reply.leechers === 1);
  assert.equal(announce(tracker, '192.0.2.2', { port: 0 }).type, 'error');
});

test('an answer fits one datagram whatever is asked for: 200 peers of IPv4, 67 of IPv6', () => {
  const tracker = newUdpTracker();
  for (let n = 0; n < 250; n++) {
    announce(tracker, `198.51.100.${n}`);
    announce(tracker, `2001:db8:${n.toString(16)}::1`);
  }
  for (const [source, most] of [
    ['192.0.2.1', 200],
    ['2001:db8:ffff::1', 67],
  ] as const) {
    const reply = announce(tracker, source, { wanted: 1_000_000 });
    assert.ok(reply.type === 'announced');
    assert.equal(reply.peers.length, most);
  }
  const reply = announce(tracker, '192.0.2.1', { wanted: -1 });
  assert.ok(reply.type === 'announced' && reply.peers.length === 50);
});

describe('a connection id', () => {
  const request = (connectionId: Uint8Array) => encodeUdpAnnounce({ ...ANNOUNCE, connectionId });
  const idAt = (tracker: UdpTracker, source: string, at: Instant) =>
    tracker.serve(encodeUdpConnect(1), ip(source), at)!.slice(8);

  test('is good for more than the minute that a client keeps it, and never for more than two', () => {
    for (let offset = 0; offset < 120; offset += 7) {
      const tracker = newUdpTracker();
      const id = idAt(tracker, '192.0.2.1', later(offset));
      assert.ok(tracker.serve(request(id), ip('192.0.2.1'), later(offset + 79)), `given at ${offset}`);
      assert.equal(tracker.serve(request(id), ip('192.0.2.1'), later(offset + 121)), undefined, `given at ${offset}`);
    }
  });

  test('of another address, another key or with any bit changed is answered with nothing', () => {
    const tracker = newUdpTracker();
    const id = idAt(tracker, '192.0.2.1', AT);
    assert.equal(tracker.serve(request(id), ip('192.0.2.2'), AT), undefined);
    for (let bit = 0; bit < 64; bit++) {
      const wrong = id.slice();
      wrong[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(tracker.serve(request(wrong), ip('192.0.2.1'), AT), undefined, `bit ${bit}`);
    }
    assert.ok(tracker.serve(request(id), ip('192.0.2.1'), AT));
  });
});

test('a scrape has three counts for each hash, in the order asked', () => {
  const tracker = newUdpTracker();
  announce(tracker, '192.0.2.1');
  announce(tracker, '192.0.2.1', { left: 0, event: 'completed' });
  announce(tracker, '192.0.2.2');
  const id = tracker.serve(encodeUdpConnect(1), ip('192.0.2.1'), AT)!.slice(8);
  const head = new Uint8Array(16);
  head.set(id);
  writeUint32(head, 8, 2);
  writeUint32(head, 12, 77);
  const answer = tracker.serve(concatBytes([head, new Uint8Array(20), HASH]), ip('192.0.2.1'), AT)!;
  const words = Array.from({ length: answer.length / 4 }, (_, i) => readUint32(answer, i * 4));
  assert.deepEqual(words, [2, 77, 0, 0, 0, 1, 1, 1]);
  assert.equal(tracker.serve(head, ip('192.0.2.1'), AT), undefined, 'a scrape of everything');
});

test('N-44 a hash that another supernode owns is an error that says where to ask', () => {
  const owner = { nodeId: 'aa' as NodeId, addresses: [{ host: '198.51.100.7', port: 7373 }] };
  const tracker = newUdpTracker({ ownership: ownership({ ownerOf: () => owner }) });
  const reply = announce(tracker, '192.0.2.1');
  assert.ok(reply.type === 'error');
  assert.match(latin1(reply.text), /udp:\/\/198\.51\.100\.7:7373$/);
  const unknown = announce(newUdpTracker({ ownership: ownership({ ownerOf: () => undefined }) }), '192.0.2.1');
  assert.ok(unknown.type === 'error');
  assert.match(latin1(unknown.text), /no supernode is known/);
});

test('one address is served at a bounded rate, its /64 counting as one, and others are not slowed', () => {
  const tracker = newUdpTracker();
  let answered = 0;
  for (let n = 0; n < 1000; n++) {
    if (tracker.serve(encodeUdpConnect(n), ip(`2001:db8::${n.toString(16)}`), AT)) answered++;
  }
  assert.ok(answered >= 50 && answered <= 200, `${answered} answers`);
  assert.ok(tracker.serve(encodeUdpConnect(1), ip('2001:db8:1::1'), AT));
  assert.ok(tracker.serve(encodeUdpConnect(1), ip('2001:db8::1'), later(60)), 'and again after a while');
});

test(`no datagram throws, and without a good id none draws more bytes than it has (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  const tracker = newUdpTracker();
  const good = announceDatagram(tracker);
  for (let n = 0; n < 8000; n++) {
    const source = randomBytes(random, pick(random, [4, 16]));
    const bytes = mutated(good, random);
    const answer = tracker.serve(bytes, source, later(n / 100));
    assert.ok((answer?.length ?? 0) <= bytes.length, `${hex(bytes)} from ${formatIp(source)}`);
  }
});

test(`no datagram of somebody who did connect throws or draws more than one frame (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  const tracker = newUdpTracker();
  const good = announceDatagram(tracker);
  for (let n = 0; n < 4000; n++) {
    const bytes = mutated(good, random);
    const at = later(n / 10);
    if (bytes.length >= 8) bytes.set(tracker.serve(encodeUdpConnect(n), ip('192.0.2.9'), at)!.slice(8));
    assert.ok((tracker.serve(bytes, ip('192.0.2.9'), at)?.length ?? 0) <= 1232, hex(bytes));
  }
});

const announceDatagram = (tracker: UdpTracker): Uint8Array =>
  encodeUdpAnnounce({
    ...ANNOUNCE,
    connectionId: tracker.serve(encodeUdpConnect(1), ip('192.0.2.1'), AT)!.slice(8),
  });

/** Changes some bytes, cuts, or adds; now and then a connect request. */
function mutated(bytes: Uint8Array, random: () => number): Uint8Array {
  const copy = (random() < 0.2 ? encodeUdpConnect(9) : bytes).slice();
  for (let n = randomBelow(random, 5); n > 0; n--) copy[randomBelow(random, copy.length)] = randomBelow(random, 256);
  if (random() < 0.5) writeUint32(copy, 8, randomBelow(random, 5));
  const kept = random() < 0.3 ? copy.subarray(0, randomBelow(random, copy.length)) : copy;
  return concatBytes([kept, random() < 0.3 ? randomBytes(random, randomBelow(random, 1400)) : new Uint8Array(0)]);
}
