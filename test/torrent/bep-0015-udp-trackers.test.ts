// The client's side of BEP 15: datagrams in and out of the machine, with a tracker played by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Address,
  bytesOfHex,
  concatBytes,
  hex,
  type Instant,
  infoHashBytes,
  instant,
  isFault,
  latin1,
  parseInfoHash,
  randomBelow,
  readUint32,
  seededRandom,
  utf8,
  writeUint32,
} from '../../src/base/index.ts';
import { type AnnounceFacts, UdpExchange, type UdpExchangeEffect } from '../../src/torrent/index.ts';
import { encodeUdpAnnounce, parseUdpRequest } from '../../src/wire/index.ts';
import { randomBytes, SEED } from '../seed.ts';

const TRACKER: Address = { host: '192.0.2.1', port: 6969 };
const TRACKER6: Address = { host: '2001:db8::1', port: 6969 };
const ID = bytesOfHex('a1a2a3a4a5a6a7a8')!;
const FACTS: AnnounceFacts = {
  infoHash: parseInfoHash('c1'.repeat(20))!,
  peerId: utf8('-MS0100-abcdefghijkl'),
  port: 7373,
  uploaded: 3,
  downloaded: 2 ** 33 + 5,
  left: 2 ** 40,
  event: 'started',
  wanted: 80,
  isPartialSeed: false,
};
const at = (seconds: number): Instant => instant(seconds * 1000);

/** The machine, with what it last sent and said. */
class Bench {
  readonly exchange = new UdpExchange(seededRandom(5));
  now: Instant = at(0);
  sent: Extract<UdpExchangeEffect, { type: 'send' }>[] = [];
  settled: Extract<UdpExchangeEffect, { type: 'settled' }>[] = [];

  ask(call: number, facts: Partial<AnnounceFacts> = {}, tracker = TRACKER, urlData = ''): void {
    this.exchange.input({ type: 'ask', call, tracker, urlData, facts: { ...FACTS, ...facts } }, this.now);
    this.take();
  }
  hear(bytes: Uint8Array, from = TRACKER): void {
    this.exchange.input({ type: 'heard', from, bytes }, this.now);
    this.take();
  }
  /** Goes on to the machine's next deadline. */
  wait(): number {
    this.now = this.exchange.deadline!.at;
    this.exchange.input({ type: 'tick' }, this.now);
    this.take();
    return this.now / 1000;
  }
  take(): void {
    this.sent = [];
    for (const effect of this.exchange.effects()) {
      if (effect.type === 'send') this.sent.push(effect);
      else this.settled.push(effect);
    }
  }
  get request() {
    assert.equal(this.sent.length, 1);
    const request = parseUdpRequest(this.sent[0]!.bytes);
    assert.ok(request);
    return request;
  }
  connect(tracker = TRACKER): void {
    assert.equal(this.request.type, 'connect');
    this.hear(reply(0, this.request.transaction, ID), tracker);
  }
}

function reply(action: number, transaction: number, ...parts: Uint8Array[]): Uint8Array {
  const head = new Uint8Array(8);
  writeUint32(head, 0, action);
  writeUint32(head, 4, transaction);
  return concatBytes([head, ...parts]);
}
const counts = (...words: number[]): Uint8Array => {
  const bytes = new Uint8Array(words.length * 4);
  for (const [i, word] of words.entries()) writeUint32(bytes, i * 4, word);
  return bytes;
};

test('an announce connects first, and says what the torrent is', () => {
  const bench = new Bench();
  bench.ask(1, {}, TRACKER, '/announce?a=b');
  bench.connect();
  const { bytes, to } = bench.sent[0]!;
  assert.deepEqual(to, TRACKER);
  const { request } = bench;
  assert.ok(request.type === 'announce');
  assert.equal(hex(request.connectionId), hex(ID));
  assert.equal(hex(request.infoHash), hex(infoHashBytes(FACTS.infoHash)));
  assert.deepEqual([request.event, request.wanted, request.port], ['started', 80, 7373]);
  assert.equal(latin1(bytes.subarray(36, 56)), '-MS0100-abcdefghijkl');
  assert.equal(hex(bytes.subarray(56, 80)), '000000020000000500000100000000000000000000000003');
  assert.equal(hex(bytes.subarray(84, 88)), '00000000', 'no address of our own choice');
  assert.equal(latin1(bytes.subarray(98)), '\u0002\u000d/announce?a=b', 'URLData of BEP 41');
  bench.hear(reply(1, request.transaction, counts(900, 4, 7), bytesOfHex('c00002090050c000020a0000')!));
  assert.deepEqual(bench.settled, [
    {
      type: 'settled',
      call: 1,
      result: {
        intervalSeconds: 900,
        minIntervalSeconds: 900,
        leechers: 4,
        seeders: 7,
        peers: [{ host: '192.0.2.9', port: 80 }],
      },
    },
  ]);
  assert.equal(bench.exchange.deadline, undefined);
});

test('a tracker asked over IPv6 names IPv6 peers', () => {
  const bench = new Bench();
  bench.ask(1, {}, TRACKER6);
  bench.connect(TRACKER6);
  const peer = bytesOfHex(`20010db8${'00'.repeat(11)}021ae1`)!;
  bench.hear(reply(1, bench.request.transaction, counts(900, 0, 1), peer), TRACKER6);
  const { result } = bench.settled[0]!;
  assert.ok(!isFault(result));
  assert.deepEqual(result.peers, [{ host: '2001:db8::2', port: 6881 }]);
});

test('a connection id serves a minute, and a new one is asked for after it', () => {
  const bench = new Bench();
  bench.ask(1);
  bench.connect();
  bench.now = at(59);
  bench.ask(2);
  assert.equal(bench.request.type, 'announce');
  bench.now = at(60);
  bench.ask(3);
  assert.equal(bench.request.type, 'connect');
});

test('many torrents of one tracker connect once', () => {
  const bench = new Bench();
  bench.ask(1);
  const { transaction } = bench.request;
  for (let call = 2; call <= 100; call++) {
    bench.ask(call);
    assert.equal(bench.sent.length, 0);
  }
  bench.hear(reply(0, transaction, ID));
  assert.equal(bench.sent.length, 100);
  assert.equal(new Set(bench.sent.map(({ bytes }) => readUint32(bytes, 12))).size, 100, 'each its own transaction');
});

test('what is not answered is sent again after 15 s and given up 30 s later, at each step', () => {
  const bench = new Bench();
  bench.ask(1);
  const { transaction } = bench.request;
  assert.equal(bench.wait(), 15);
  assert.equal(bench.request.transaction, transaction, 'the late answer to the first is as good');
  bench.connect();
  assert.equal(bench.wait(), 30);
  assert.equal(bench.request.type, 'announce');
  assert.equal(bench.wait(), 60);
  const { result } = bench.settled[0]!;
  assert.ok(isFault(result) && result.code === 'tracker-silent');
  assert.equal(bench.exchange.deadline, undefined);
});

test('an announce whose connection id grew old before its second try connects anew', () => {
  const bench = new Bench();
  bench.ask(1);
  bench.connect();
  bench.now = at(50);
  bench.ask(2);
  bench.exchange.input({ type: 'forget', call: 1 }, bench.now);
  assert.equal(bench.wait(), 65);
  assert.equal(bench.request.type, 'connect');
});

test('only the tracker that was asked, with what it was asked, is believed', () => {
  const bench = new Bench();
  bench.ask(1);
  const { transaction } = bench.request;
  bench.hear(reply(0, transaction ^ 1, ID));
  bench.hear(reply(0, transaction, ID), { ...TRACKER, port: 6970 });
  bench.hear(reply(0, transaction, ID), { ...TRACKER, host: '192.0.2.2' });
  bench.hear(reply(1, transaction, counts(900, 0, 0)));
  bench.hear(reply(0, transaction, ID.subarray(1)));
  assert.equal(bench.sent.length, 0);
  bench.hear(reply(0, transaction, ID));
  const announced = bench.request.transaction;
  assert.notEqual(announced, transaction);
  bench.hear(reply(0, announced, bytesOfHex('ff'.repeat(8))!));
  bench.ask(2);
  assert.equal(hex(bench.sent[0]!.bytes.subarray(0, 8)), hex(ID), 'a late connect answer changes nothing');
});

test('an error is told with its text made harmless, and the next announce connects anew', () => {
  const bench = new Bench();
  bench.ask(1);
  bench.connect();
  bench.hear(reply(3, bench.request.transaction, utf8('go \u0007 away')));
  const { result } = bench.settled[0]!;
  assert.ok(isFault(result) && result.code === 'tracker-refused');
  assert.match(result.text, /go .*away/);
  assert.ok(!result.text.includes('\u0007'));
  bench.ask(2);
  assert.equal(bench.request.type, 'connect');
});

test('what is forgotten says nothing more, and there is a bound on what is under way', () => {
  const bench = new Bench();
  bench.ask(1);
  bench.exchange.input({ type: 'forget', call: 1 }, bench.now);
  bench.hear(reply(0, 1, ID));
  assert.equal(bench.exchange.deadline, undefined);
  for (let call = 2; call < 1102; call++) bench.ask(call);
  assert.equal(bench.settled.length, 100);
  assert.ok(bench.settled.every(({ result }) => isFault(result) && result.code === 'too-many-announces'));
});

test('a long URL goes in parts of 255 bytes', () => {
  const urlData = `/${'x'.repeat(299)}`;
  const bytes = encodeUdpAnnounce({
    ...FACTS,
    connectionId: ID,
    transaction: 1,
    infoHash: new Uint8Array(20),
    event: 'none',
    key: 1,
    urlData,
  });
  assert.equal(bytes.length, 98 + 2 + 255 + 2 + 45);
  assert.deepEqual([bytes[98], bytes[99], bytes[98 + 257], bytes[98 + 258]], [2, 255, 2, 45]);
});

test(`no reply throws or names more than 200 peers (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  for (let round = 0; round < 300; round++) {
    const bench = new Bench();
    bench.ask(1);
    if (random() < 0.7) bench.connect();
    const { transaction } = bench.request;
    for (let n = 0; n < 10; n++) {
      bench.hear(reply(randomBelow(random, 5), transaction, randomBytes(random, randomBelow(random, 4000))));
    }
    for (const { result } of bench.settled) assert.ok(isFault(result) || result.peers.length <= 200);
  }
});
