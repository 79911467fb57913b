import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bytesOfLatin1,
  type InfoHash,
  infoHashOfBytes,
  instant,
  later,
  type NodeId,
  parseIp,
} from '../../src/base/index.ts';
import type { Ownership } from '../../src/ports/index.ts';
import { ANSWER_BYTES_MAX, type Tracker } from '../../tracker/index.ts';
import { announceQuery, dictOf, escaped, HASH, newTracker, ownership, peersOf, START, textOf } from './requests.ts';

const ip = (text: string): Uint8Array => parseIp(text)!;

function announce(tracker: Tracker, source: string, fields: Record<string, string | number> = {}, now = START) {
  return dictOf(tracker.serve('announce', bytesOfLatin1(announceQuery(fields)), ip(source), now).body);
}

function scrape(tracker: Tracker, query: string) {
  return dictOf(tracker.serve('scrape', bytesOfLatin1(query), ip('192.0.2.1'), START).body);
}

test('N-43 M-03 M-05 an announce is answered with address and port of those who have the file, over IPv4 and IPv6', () => {
  const tracker = newTracker();
  announce(tracker, '198.51.100.1', { port: 7001, left: 0 });
  announce(tracker, '2001:db8::2', { port: 7002, left: 0 });
  const answer = announce(tracker, '198.51.100.3', { port: 7003 });
  assert.deepEqual(peersOf(answer), ['198.51.100.1:7001']);
  assert.equal((answer.get('peers6') as Uint8Array).toHex(), `20010db80000000000000000000000021b5a`);
  assert.equal(answer.get('complete'), 2);
  assert.equal(answer.get('incomplete'), 1);
});

test('the answer carries the intervals and the address the announce came from', () => {
  const tracker = newTracker();
  const intervals = new Set<number>();
  for (let i = 0; i < 50; i++) {
    const answer = announce(tracker, '198.51.100.9');
    assert.equal(answer.get('min interval'), 300);
    assert.deepEqual(answer.get('external ip'), ip('198.51.100.9'));
    const interval = answer.get('interval') as number;
    assert.ok(interval >= 1620 && interval <= 1980);
    intervals.add(interval);
  }
  assert.ok(intervals.size > 10, 'intervals are spread');
  assert.deepEqual(announce(tracker, '2001:db8::7').get('external ip'), ip('2001:db8::7'));
});

test('a peer never gets itself back, a seeder gets leechers only', () => {
  const tracker = newTracker();
  announce(tracker, '198.51.100.1', { left: 0 });
  announce(tracker, '198.51.100.2', { left: 0 });
  announce(tracker, '198.51.100.3', { left: 5 });
  assert.deepEqual(peersOf(announce(tracker, '198.51.100.1', { left: 0 })), ['198.51.100.3:6881']);
  assert.deepEqual(peersOf(announce(tracker, '198.51.100.3', { left: 5 })).toSorted(), [
    '198.51.100.1:6881',
    '198.51.100.2:6881',
  ]);
});

test('compact=0 gets dictionaries of ip and port, of both families in one list', () => {
  const tracker = newTracker();
  announce(tracker, '198.51.100.1', { port: 7001 });
  announce(tracker, '2001:db8::2', { port: 7002 });
  const answer = announce(tracker, '198.51.100.3', { compact: 0, no_peer_id: 1 });
  const peers = (answer.get('peers') as Map<string, Uint8Array | number>[]).map((peer) => [
    textOf(peer, 'ip'),
    peer.get('port'),
    peer.has('peer id'),
  ]);
  assert.deepEqual(peers, [
    ['198.51.100.1', 7001, false],
    ['2001:db8::2', 7002, false],
  ]);
  assert.equal(answer.has('peers6'), false);
});

test('the other address family keeps a share of a full answer', () => {
  const tracker = newTracker();
  for (let i = 0; i < 100; i++) announce(tracker, `198.51.100.${i}`);
  for (let i = 1; i <= 100; i++) announce(tracker, `2001:db8::${i}`);
  for (const source of ['198.51.100.0', '2001:db8::1']) {
    const answer = announce(tracker, source, { numwant: 40 });
    const own = source.includes(':') ? 18 : 6;
    assert.equal((answer.get('peers') as Uint8Array).length / 6, own === 6 ? 30 : 10);
    assert.equal((answer.get('peers6') as Uint8Array).length / 18, own === 6 ? 10 : 30);
  }
});

test('the largest answers stay within their bound', () => {
  const tracker = newTracker();
  for (let i = 0; i < 300; i++)
    announce(tracker, `2001:db8:1111:2222:3333:4444:5555:${(0x6000 + i).toString(16)}`, { port: 60_000 });
  for (const compact of [0, 1]) {
    const query = bytesOfLatin1(announceQuery({ compact, numwant: 100_000_000 }));
    const { body } = tracker.serve('announce', query, ip('2001:db8::1'), START);
    assert.ok(body.length > 200 * 18 && body.length < ANSWER_BYTES_MAX);
    const answer = dictOf(body);
    const peers = compact ? (answer.get('peers6') as Uint8Array).length / 18 : (answer.get('peers') as []).length;
    assert.equal(peers, 200);
  }
});

test('stopped removes the peer and gets no peers; numwant=0 gets none either', () => {
  const tracker = newTracker();
  announce(tracker, '198.51.100.1');
  announce(tracker, '198.51.100.2');
  assert.deepEqual(peersOf(announce(tracker, '198.51.100.2', { numwant: 0 })), []);
  const answer = announce(tracker, '198.51.100.2', { event: 'stopped' });
  assert.deepEqual(peersOf(answer), []);
  assert.equal(answer.get('incomplete'), 1);
  assert.equal(tracker.peerCount, 1);
});

test('completed counts once per peer and only from a peer that has everything', () => {
  const tracker = newTracker();
  announce(tracker, '198.51.100.1', { event: 'completed', left: 9 });
  for (let i = 0; i < 3; i++) announce(tracker, '198.51.100.1', { event: 'completed', left: 0 });
  const expected = { seeders: 1, leechers: 0, completions: 1 };
  assert.deepEqual(tracker.counts(infoHashOfBytes(HASH)!), expected);
  assert.equal(announce(tracker, '198.51.100.2').get('downloaded'), 1);
  assert.equal(tracker.counts('00'.repeat(20) as InfoHash), undefined);
});

test('a peer on a low port is answered and never handed out; 80 and 443 are', () => {
  const tracker = newTracker();
  announce(tracker, '198.51.100.1', { port: 6881 });
  for (const port of [22, 25, 53, 1023]) {
    assert.deepEqual(peersOf(announce(tracker, '198.51.100.2', { port })), ['198.51.100.1:6881']);
  }
  for (const port of [80, 443]) announce(tracker, '198.51.100.2', { port });
  const seen = peersOf(announce(tracker, '198.51.100.3'));
  assert.deepEqual(seen.toSorted(), ['198.51.100.1:6881', '198.51.100.2:443', '198.51.100.2:80']);
});

test('peers that stay away for more than two intervals are forgotten', () => {
  const tracker = newTracker();
  announce(tracker, '198.51.100.1');
  for (let i = 0; i < 60; i++) tracker.sweep(later(START, 66 * 60_000));
  assert.equal(tracker.peerCount, 1);
  for (let i = 0; i < 60; i++) tracker.sweep(later(START, 67 * 60_000));
  assert.equal(tracker.peerCount, 0);
  assert.equal(tracker.swarmCount, 0);
});

function ownedBy(host: string | undefined): Ownership {
  const owner = { nodeId: 'ab'.repeat(32) as NodeId, addresses: host ? [{ host, port: 7373 }] : [] };
  return ownership({ ownerOf: () => (host === 'nobody' ? undefined : owner) });
}

test('N-44 a hash of another supernode is redirected to it with the same query, and no swarm is touched', () => {
  const query = announceQuery({ event: 'started' });
  for (const [host, authority] of [
    ['203.0.113.5', '203.0.113.5:7373'],
    ['2001:db8::5', '[2001:db8::5]:7373'],
  ] as const) {
    const tracker = newTracker({ ownership: ownedBy(host) });
    const answer = tracker.serve('announce', bytesOfLatin1(query), ip('198.51.100.1'), START);
    assert.equal(answer.status, 307);
    assert.equal(answer.location, `http://${authority}/announce?${query}`);
    assert.equal(tracker.swarmCount, 0);
    const scraped = tracker.serve('scrape', bytesOfLatin1(`info_hash=${escaped(HASH)}`), ip('198.51.100.1'), START);
    assert.equal(scraped.location, `http://${authority}/scrape?info_hash=${escaped(HASH)}`);
  }
});

test('a hash that nobody is known to own is refused with a time to come back (BEP 31)', () => {
  for (const host of ['nobody', undefined]) {
    const tracker = newTracker({ ownership: ownedBy(host) });
    const answer = announce(tracker, '198.51.100.1');
    assert.match(textOf(answer, 'failure reason')!, /no supernode/);
    assert.equal(answer.get('retry in'), 5);
  }
});

test('a node, which hears of owners itself, is refused without a time', () => {
  const tracker = newTracker({ ownership: ownedBy(undefined) });
  const query = bytesOfLatin1(announceQuery());
  const answer = dictOf(tracker.serve('announce', query, ip('198.51.100.1'), START, 'ab'.repeat(32) as NodeId).body);
  assert.match(textOf(answer, 'failure reason')!, /no supernode/);
  assert.equal(answer.has('retry in'), false);
});

test('scrape counts known and unknown hashes, sorted, at most 70, and refuses to tell everything', () => {
  const tracker = newTracker();
  announce(tracker, '198.51.100.1', { left: 5, event: 'started' });
  announce(tracker, '198.51.100.1', { left: 0, event: 'completed' });
  const unknown = new Uint8Array(20);
  const query = [HASH, unknown, HASH].map((hash) => `info_hash=${escaped(hash)}`).join('&');
  const files = scrape(tracker, query).get('files') as Map<string, Map<string, number>>;
  assert.equal(files.size, 2);
  const counts = [...files.values()].map((file) => [
    file.get('complete'),
    file.get('downloaded'),
    file.get('incomplete'),
  ]);
  assert.deepEqual(counts, [
    [0, 0, 0],
    [1, 1, 0],
  ]);
  const many = Array.from({ length: 100 }, (_, i) => `info_hash=${escaped(new Uint8Array(20).fill(i))}`).join('&');
  assert.equal((scrape(tracker, many).get('files') as Map<string, unknown>).size, 70);
  assert.match(textOf(scrape(tracker, ''), 'failure reason')!, /info_hash/);
  assert.equal(tracker.swarmCount, 1);
});

test('a scrape over several owners tells what is ours', () => {
  const other = { nodeId: 'ab'.repeat(32) as NodeId, addresses: [{ host: '203.0.113.5', port: 7373 }] };
  const ours = infoHashOfBytes(HASH)!;
  const tracker = newTracker({ ownership: ownership({ ownerOf: (hash) => (hash === ours ? 'self' : other) }) });
  const query = [new Uint8Array(20), HASH].map((hash) => `info_hash=${escaped(hash)}`).join('&');
  const files = scrape(tracker, query).get('files') as Map<string, unknown>;
  assert.equal(files.size, 1);
});

test('short of bandwidth, answers shrink and intervals stretch before anything else, and recover', () => {
  const tracker = newTracker({ bytesPerSecond: 60_000 });
  for (let i = 0; i < 100; i++) announce(tracker, `198.51.100.${i}`, {}, instant(i * 1000));
  const calm = instant(200_000);
  assert.equal(peersOf(announce(tracker, '198.51.100.1', {}, calm)).length, 50);
  const query = bytesOfLatin1(announceQuery());
  const serve = () => tracker.serve('announce', query, ip('198.51.100.1'), calm);
  let answer = announce(tracker, '198.51.100.1', {}, calm);
  let last = answer;
  let bytes = 0;
  for (; !answer.has('failure reason'); answer = dictOf(serve().body)) {
    last = answer;
    bytes += (answer.get('peers') as Uint8Array).length;
  }
  assert.equal(peersOf(last).length, 5);
  assert.ok((last.get('interval') as number) >= 3200);
  assert.ok(bytes < 30_000, 'half a second of the cap');
  // Then the shortest answer that there is, and then none.
  const retry = answer.get('retry in') as number;
  assert.ok(textOf(answer, 'failure reason') === 'busy' && retry === 1, 'a burst is over soon');
  let terse = 0;
  for (; serve().status === 200; terse++);
  assert.ok(terse > 30 && serve().status === undefined);
  // Who was told a long interval lives long enough to keep to it.
  for (let i = 0; i < 60; i++) tracker.sweep(later(calm, 131 * 60_000));
  assert.equal(tracker.peerCount, 1);
  const after = announce(tracker, '198.51.100.200', {}, later(calm, 131 * 60_000));
  assert.ok((after.get('interval') as number) <= 1980);
});

test('without room for a new swarm an announce is refused with a time to come back', () => {
  const tracker = newTracker({ swarmsMax: 1 });
  announce(tracker, '198.51.100.1');
  announce(tracker, '198.51.100.2');
  const query = bytesOfLatin1(announceQuery({}, new Uint8Array(20)));
  const answer = dictOf(tracker.serve('announce', query, ip('198.51.100.3'), START).body);
  assert.match(textOf(answer, 'failure reason')!, /no room/);
  assert.equal(answer.get('retry in'), 5);
});
