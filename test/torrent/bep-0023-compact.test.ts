// What a client says to an HTTP tracker and hears back (BEP 3, BEP 7, BEP 23).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  encodeBencode,
  encodeCompactAddress,
  formatAddress,
  isFault,
  parseInfoHash,
  randomBelow,
  seededRandom,
  utf8,
} from '../../src/base/index.ts';
import {
  type AnnounceFacts,
  announceUrl,
  parseTrackerReply,
  percentEncode,
  type TrackerReply,
} from '../../src/torrent/index.ts';
import { eachSeed, pick, randomBytes, SEED } from '../seed.ts';

const facts: AnnounceFacts = {
  infoHash: parseInfoHash('00ff207e41'.padEnd(40, '9'))!,
  peerId: utf8('-MS0001-abcdefghijkl'),
  port: 7373,
  uploaded: 1,
  downloaded: 2,
  left: 3,
  event: undefined,
  isPartialSeed: false,
  wanted: 80,
};

function read(reply: Parameters<typeof encodeBencode>[0]): TrackerReply {
  const parsed = parseTrackerReply(encodeBencode(reply));
  assert.ok(!isFault(parsed), String(parsed));
  return parsed;
}

test('an announce names every fact, with the hash as raw bytes percent-encoded', () => {
  assert.equal(
    announceUrl('http://t.example/announce', { ...facts, event: 'started' }),
    'http://t.example/announce?info_hash=%00%FF%20~A%99%99%99%99%99%99%99%99%99%99%99%99%99%99%99' +
      '&peer_id=-MS0001-abcdefghijkl&port=7373&uploaded=1&downloaded=2&left=3&numwant=80&compact=1&event=started',
  );
});

test('a query that the tracker’s URL has is kept, a fragment is not', () => {
  assert.match(announceUrl('http://t.example/announce?key=1', facts), /\?key=1&info_hash=/);
  assert.match(announceUrl('http://t.example/announce#x', facts), /announce\?info_hash=[^#]*$/);
  assert.doesNotMatch(announceUrl('http://t.example/announce', facts), /event/);
});

test('BEP 21: a partial seed says so in every announce that has no event of its own', () => {
  const partial = { ...facts, isPartialSeed: true };
  assert.match(announceUrl('http://t.example/announce', partial), /&event=paused$/);
  assert.match(announceUrl('http://t.example/announce', { ...partial, event: 'stopped' }), /&event=stopped$/);
});

test('every byte survives percent-encoding', () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const text = percentEncode(bytes);
  const back = [...text.matchAll(/%([0-9A-F]{2})|(.)/gs)].map(([, code, plain]) =>
    code ? Number.parseInt(code, 16) : plain!.charCodeAt(0),
  );
  assert.deepEqual(back, [...bytes]);
  assert.match(text, /^[A-Za-z0-9._~%-]*$/);
});

test('compact peers of both families are read, and those without a port left out', () => {
  const peers = Uint8Array.of(1, 2, 3, 4, 0x1a, 0xe1, 5, 6, 7, 8, 0, 0, 9, 9, 9);
  const peers6 = new Uint8Array(18).fill(0x20);
  const reply = read({ interval: 900, 'min interval': 60, complete: 5, incomplete: 6, peers, peers6 });
  assert.deepEqual(reply.peers.map(formatAddress), ['1.2.3.4:6881', '[2020:2020:2020:2020:2020:2020:2020:2020]:8224']);
  assert.deepEqual([reply.intervalSeconds, reply.minIntervalSeconds, reply.seeders, reply.leechers], [900, 60, 5, 6]);
});

test('peers as dictionaries are read; host names, ports out of range and nonsense are left out', () => {
  const peers = [
    { ip: '1.2.3.4', port: 6881 },
    { ip: '2001:db8::1', port: 1 },
    { ip: 'tracker.example', port: 1 },
    { ip: '1.2.3.4', port: 0 },
    { ip: '1.2.3.4', port: 65_536 },
    { ip: '1.2.3.4', port: -1 },
    { ip: '1.2.3.4' },
    {},
    7,
    'x',
  ];
  assert.deepEqual(read({ peers }).peers.map(formatAddress), ['1.2.3.4:6881', '[2001:db8::1]:1']);
});

test('a reply without an interval means half an hour; without a minimum, the interval is it', () => {
  assert.deepEqual([read({}).intervalSeconds, read({}).minIntervalSeconds], [1800, 1800]);
  assert.equal(read({ interval: 77 }).minIntervalSeconds, 77);
  assert.equal(read({ interval: -1 }).intervalSeconds, 1800);
});

test('at most 200 peers are taken', () => {
  assert.equal(
    read({ peers: new Uint8Array(6 * 5000).fill(1), peers6: new Uint8Array(18 * 5000).fill(0x21) }).peers.length,
    200,
  );
  assert.equal(read({ peers: Array.from({ length: 900 }, () => ({ ip: '1.2.3.4', port: 1 })) }).peers.length, 200);
});

test('a failure reason is a refusal, cleaned for a log line', () => {
  const reply = parseTrackerReply(encodeBencode({ 'failure reason': `no\u202e\n${'x'.repeat(500)}` }));
  assert.ok(isFault(reply) && reply.code === 'tracker-refused');
  assert.ok(reply.text.length <= 200 && !/[\n\u202e]/.test(reply.text));
});

test('what is no bencoded dictionary is malformed, and a bomb of values costs little', () => {
  for (const text of ['', '<html>', 'le', 'i1e', 'd5:peers']) {
    const reply = parseTrackerReply(utf8(text));
    assert.ok(isFault(reply) && reply.code === 'tracker-malformed', text);
  }
  assert.ok(isFault(parseTrackerReply(utf8(`d1:al${'le'.repeat(100_000)}ee`))));
});

test(`10,000 mutated replies are read within their bounds or refused (seed ${SEED})`, () => {
  const good = encodeBencode({
    complete: 1,
    interval: 900,
    peers: encodeCompactAddress({ host: '1.2.3.4', port: 5 }),
    peers6: new Uint8Array(18),
  });
  eachSeed(10_000, (seed) => {
    const random = seededRandom(seed);
    const bytes = good.slice(0, random() < 0.3 ? randomBelow(random, good.length) : good.length);
    for (let change = 0; change < 3 && bytes.length > 0; change++)
      bytes[randomBelow(random, bytes.length)] = pick(random, [...randomBytes(random, 1), 0x65, 0x69, 0x64, 0x30]);
    const reply = parseTrackerReply(bytes);
    if (isFault(reply)) return;
    assert.ok(reply.peers.length <= 200 && reply.intervalSeconds >= 0 && reply.minIntervalSeconds >= 0);
    for (const peer of reply.peers) assert.ok(peer.port >= 1 && peer.port <= 65_535);
  });
});

test('what a supernode says of its peers is read for as far as it goes, and harms no address', () => {
  const id = (n: number): Uint8Array => new Uint8Array(32).fill(n);
  const peers = Uint8Array.of(192, 0, 2, 1, 0, 80, 192, 0, 2, 2, 0, 0, 192, 0, 2, 3, 0, 80);
  const peers6 = new Uint8Array(18).fill(0x20);
  const said = (natives: Uint8Array | string) => {
    const all = read({ natives: typeof natives === 'string' ? utf8(natives) : natives, peers, peers6 }).peers;
    return all.map(({ nodeId }) => nodeId?.slice(0, 2) ?? '-').join(' ');
  };
  const whole = Uint8Array.of(1, ...id(1), 1, ...id(2), 0, 1, ...id(4));
  assert.equal(said(whole), '01 - 04', 'the second address has no port and is left out, and its id with it');
  assert.equal(said(''), '- - -');
  assert.equal(said(whole.subarray(0, 20)), '- - -');
  assert.equal(said(whole.subarray(0, 40)), '01 - -');
  assert.equal(said(Uint8Array.of(...whole, 1, 1, 1)), '01 - 04');
  assert.equal(said(new Uint8Array(100).fill(7)), '- - -');
  assert.deepEqual(
    read({ natives: 5, peers }).peers.map(({ nodeId }) => nodeId),
    [undefined, undefined],
  );
});
