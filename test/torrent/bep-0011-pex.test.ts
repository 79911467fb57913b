import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Address, encodeBencode, formatIp, type Instant, instant, seededRandom } from '../../src/base/index.ts';
import { PeerExchange, type PexEffect } from '../../src/torrent/index.ts';
import { encodePex, PEX_FLAG, type PexPeer, parsePex } from '../../src/wire/index.ts';
import { randomBytes, SEED } from '../seed.ts';

const at = (seconds: number): Instant => instant(seconds * 1000);
const peer = (n: number, port = 6881): Address => ({ host: formatIp(Uint8Array.of(81, 2, n >> 8, n & 255)), port });
const private4: Address = { host: '10.0.0.9', port: 6881 };

/** The machine with its links; each is what the next message to it says. */
class Bench {
  readonly seeds = new Set<number>();
  readonly exchange = new PeerExchange((link) => this.seeds.has(link));
  now: Instant = at(0);

  link(link: number, address: Address | undefined, parts: { host?: string; flags?: number; speaksPex?: boolean } = {}) {
    const host = parts.host ?? address?.host ?? '81.9.9.9';
    this.exchange.input(
      { type: 'linkReady', link, host, address, flags: parts.flags ?? 0, speaksPex: parts.speaksPex ?? true },
      this.now,
    );
    return this.take();
  }
  tick(seconds: number): Map<number, Extract<PexEffect, { type: 'send' }>['message']> {
    this.now = at(seconds);
    this.exchange.input({ type: 'tick' }, this.now);
    return this.take();
  }
  take() {
    return new Map(
      this.exchange.effects().flatMap((effect) => (effect.type === 'send' ? [[effect.link, effect.message]] : [])),
    );
  }
  hear(link: number, added: readonly PexPeer[]): readonly PexPeer[] {
    this.exchange.input({ type: 'heard', link, message: { added, dropped: [] } }, this.now);
    return this.exchange.effects().flatMap((effect) => (effect.type === 'found' ? effect.peers : []));
  }
}

test('a newcomer is told of the others at once, and they of it a minute after they were last told', () => {
  const bench = new Bench();
  assert.equal(bench.link(1, peer(1)).size, 0, 'there is nobody to tell of');
  const first = bench.link(2, peer(2));
  assert.deepEqual([...first.keys()], [1, 2]);
  bench.now = at(10);
  const second = bench.link(3, peer(3));
  assert.deepEqual([...second.keys()], [3]);
  assert.deepEqual(
    second.get(3)!.added.map(({ address }) => address),
    [peer(1), peer(2)],
  );
  assert.equal(bench.exchange.deadline?.at, at(60));
  assert.equal(bench.tick(59).size, 0);
  const later = bench.tick(60);
  assert.deepEqual(
    later.get(1)!.added.map(({ address }) => address),
    [peer(3)],
  );
  assert.equal(bench.tick(600).size, 0, 'news are told once');
});

test('who left is told as dropped, and only to those who had heard of it', () => {
  const bench = new Bench();
  bench.link(1, peer(1));
  bench.link(2, peer(2));
  bench.exchange.input({ type: 'linkClosed', link: 2 }, bench.now);
  const told = bench.tick(60);
  assert.deepEqual(told.get(1), { added: [], dropped: [peer(2)] });
});

test('flags say what is known: encryption, our TLS, reachable, and seeds as they are now', () => {
  const bench = new Bench();
  const flags = PEX_FLAG.encryption | PEX_FLAG.tls | PEX_FLAG.reachable;
  bench.link(1, peer(1), { flags });
  bench.seeds.add(1);
  const [told] = bench.link(2, peer(2)).get(2)!.added;
  assert.equal(told!.flags, flags | PEX_FLAG.seed);
});

test('nobody is told of itself, of a peer that does not say where it listens, or without speaking it', () => {
  const bench = new Bench();
  bench.link(1, undefined);
  bench.link(2, peer(2), { speaksPex: false });
  const told = bench.link(3, peer(3));
  assert.deepEqual(
    told.get(3)!.added.map(({ address }) => address),
    [peer(2)],
  );
  assert.ok(!told.has(2));
});

test('a private address is told to private links only', () => {
  const bench = new Bench();
  bench.link(1, private4);
  assert.ok(!bench.link(2, peer(2)).has(2));
  const neighbour = bench.link(3, { host: '192.168.1.4', port: 7000 }).get(3)!;
  assert.deepEqual(
    neighbour.added.map(({ address }) => address),
    [private4, peer(2)],
  );
});

test('a message names at most 50, and the rest follow a minute later', () => {
  const bench = new Bench();
  for (let n = 1; n <= 120; n++) bench.link(n, peer(n), { speaksPex: false });
  const counts = [bench.link(200, peer(500)).get(200)!.added.length];
  for (const seconds of [60, 120, 180]) counts.push(bench.tick(seconds).get(200)?.added.length ?? 0);
  assert.deepEqual(counts, [50, 50, 20, 0]);
});

test('of one link a message in 45 s is believed, 50 peers of it, and three ports of one host', () => {
  const bench = new Bench();
  bench.link(1, peer(1));
  const many = Array.from({ length: 90 }, (_, n) => ({ address: peer(n + 300), flags: 0 }));
  assert.equal(bench.hear(1, many).length, 50);
  assert.equal(bench.hear(1, many).length, 0);
  bench.now = at(45);
  const crowd = Array.from({ length: 50 }, (_, n) => ({ address: peer(7, 7000 + n), flags: 0 }));
  assert.equal(bench.hear(1, crowd).length, 3);
  assert.equal(bench.hear(9, crowd).length, 0, 'nobody by that name');
});

test('a private torrent neither tells nor believes, whatever it did before', () => {
  const bench = new Bench();
  bench.link(1, peer(1));
  bench.exchange.input({ type: 'private' }, bench.now);
  assert.equal(bench.link(2, peer(2)).size, 0);
  assert.equal(bench.hear(1, [{ address: peer(9), flags: 0 }]).length, 0);
  assert.equal(bench.tick(600).size, 0);
  assert.equal(bench.exchange.deadline, undefined);
});

test('messages are read as they are written, both families, flags and all', () => {
  const six: Address = { host: '2001:41d0::1', port: 51413 };
  const message = {
    added: [
      { address: peer(1), flags: 0x12 },
      { address: six, flags: 0x41 },
    ],
    dropped: [peer(2), six],
  };
  assert.deepEqual(parsePex(encodePex(message)), message);
  assert.deepEqual(parsePex(encodeBencode({ added: Uint8Array.of(81, 2, 0, 1, 0x1a, 0xe1, 9, 9) })), {
    added: [{ address: peer(1), flags: 0 }],
    dropped: [],
  });
});

test(`no payload throws or names more than 50 (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  for (let n = 0; n < 3000; n++) {
    const lists = {
      added: randomBytes(random, 900),
      'added.f': randomBytes(random, 3),
      dropped6: randomBytes(random, 1200),
    };
    const bytes = encodeBencode(lists);
    bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    const parsed = parsePex(n % 3 === 0 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes);
    assert.ok((parsed?.added.length ?? 0) <= 50 && (parsed?.dropped.length ?? 0) <= 50);
  }
});
