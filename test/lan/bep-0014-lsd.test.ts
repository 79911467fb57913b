import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type InfoHash,
  type Instant,
  instant,
  latin1,
  parseInfoHash,
  seededRandom,
  utf8,
} from '../../src/base/index.ts';
import { LocalDiscovery, type LsdEffect } from '../../src/lan/index.ts';
import { randomBytes, SEED } from '../seed.ts';

const at = (seconds: number): Instant => instant(seconds * 1000);
const hash = (n: number): InfoHash => parseInfoHash(n.toString(16).padStart(40, '0'))!;
const range = (count: number): InfoHash[] => Array.from({ length: count }, (_, n) => hash(n + 1));

function discovery(infoHashes: readonly InfoHash[], seed = 1, now = at(0)): LocalDiscovery {
  const made = new LocalDiscovery(seededRandom(seed));
  made.input({ type: 'torrents', infoHashes, port: 7373 }, now);
  return made;
}
const callsOf = (effects: readonly LsdEffect[]): string[] =>
  effects.flatMap((effect) => (effect.type === 'call' ? [latin1(effect.datagrams.ip4)] : []));
const hear = (to: LocalDiscovery, text: string, now: Instant = at(0), host = '10.0.0.5'): readonly LsdEffect[] => {
  to.effects();
  to.input({ type: 'heard', host, bytes: utf8(text) }, now);
  return to.effects();
};
const call = (infoHash: string, port: string | number = 6881): string =>
  `BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: ${port}\r\nInfohash: ${infoHash}\r\n\r\n\r\n`;

test('a call has the form of BEP 14, under the name of each group', () => {
  const [effect] = discovery([hash(0xabc)]).effects();
  assert.ok(effect?.type === 'call');
  const cookie = /cookie: (\S+)/.exec(latin1(effect.datagrams.ip4))![1];
  const infoHash = `Infohash: ${hash(0xabc)}\r\ncookie: ${cookie}\r\n\r\n\r\n`;
  assert.equal(
    latin1(effect.datagrams.ip4),
    `BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 7373\r\n${infoHash}`,
  );
  assert.equal(
    latin1(effect.datagrams.ip6),
    `BT-SEARCH * HTTP/1.1\r\nHost: [ff15::efc0:988f]:6771\r\nPort: 7373\r\n${infoHash}`,
  );
});

test('each torrent is called every five minutes, many in one datagram, and a datagram leaves at most once a minute', () => {
  const made = discovery(range(60));
  const times = new Map<string, number[]>();
  for (let second = 0; second < 900; second++) {
    made.input({ type: 'tick' }, at(second));
    const calls = callsOf(made.effects());
    assert.ok(calls.length <= 1);
    for (const text of calls) {
      assert.ok(text.length < 1400);
      for (const [, infoHash] of text.matchAll(/Infohash: (\w+)/g)) {
        times.set(infoHash!, [...(times.get(infoHash!) ?? []), second]);
      }
    }
  }
  assert.equal(times.size, 60);
  for (const seconds of times.values())
    assert.deepEqual(
      seconds.map((second) => second - seconds[0]!),
      [0, 300, 600],
    );
  assert.deepEqual([...new Set([...times.values()].map(([first]) => first))], [0, 60, 120]);
});

test('a torrent that is taken out, as a private one is, is called no more', () => {
  const made = discovery([hash(1), hash(2)]);
  made.effects();
  made.input({ type: 'torrents', infoHashes: [hash(2)], port: 7373 }, at(1));
  made.input({ type: 'tick' }, at(300));
  assert.deepEqual(
    callsOf(made.effects()).map((text) => text.match(/Infohash/g)!.length),
    [1],
  );
  made.input({ type: 'torrents', infoHashes: [], port: 7373 }, at(301));
  assert.equal(made.deadline, undefined);
});

test('a neighbour that calls one of our torrents is a peer at its own address; what we do not have is nothing to us', () => {
  const made = discovery([hash(1)]);
  assert.deepEqual(hear(made, call(hash(1).toUpperCase())), [
    { type: 'found', infoHash: hash(1), peer: { host: '10.0.0.5', port: 6881 } },
  ]);
  assert.deepEqual(hear(made, call(hash(2))), []);
  const several = call(hash(2)).replace('Infohash', `infohash: ${hash(1)}\r\nInfohash`);
  assert.equal(hear(made, several).length, 1);
});

test('our own call, a bad port and what is no call are not heard', () => {
  const [own] = callsOf(discovery([hash(1)], 9).effects());
  const made = discovery([hash(1)], 9);
  assert.deepEqual(hear(made, own!), []);
  for (const port of ['0', '65536', '1e3', '-1', '']) assert.deepEqual(hear(made, call(hash(1), port)), [], port);
  assert.deepEqual(hear(made, call(hash(1)).replace('BT-SEARCH', 'M-SEARCH')), []);
  assert.deepEqual(hear(made, call('xyz')), []);
  assert.equal(hear(discovery([hash(1)], 8), own!).length, 1, 'the same call of somebody else');
});

test('who calls too often is not listened to, and others still are', () => {
  const made = discovery([hash(1)]);
  let found = 0;
  for (let n = 0; n < 500; n++) found += hear(made, call(hash(1))).length;
  assert.equal(found, 50);
  assert.equal(hear(made, call(hash(1)), at(0), '10.0.0.6').length, 1);
  assert.equal(hear(made, call(hash(1)), at(60)).length, 1);
});

test(`no datagram throws or finds more than one call may name (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  const made = discovery(range(40));
  const whole = utf8(call(range(40).join('\r\nInfohash: ')));
  for (let n = 0; n < 2000; n++) {
    const bytes = whole.slice();
    bytes.set(randomBytes(random, 8), Math.floor(random() * (bytes.length - 8)));
    made.input(
      { type: 'heard', host: `10.0.${n >> 8}.${n & 255}`, bytes: n % 2 ? bytes : randomBytes(random, 200) },
      at(n),
    );
    assert.ok(made.effects().filter(({ type }) => type === 'found').length <= 24);
  }
});
