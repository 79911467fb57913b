import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOfLatin1, isFault, latin1 } from '../../src/base/index.ts';
import { type AnnounceRequest, parseAnnounce, parseScrape } from '../../tracker/index.ts';
import { announceQuery, escaped, HASH } from './requests.ts';

const parse = (query: string) => parseAnnounce(bytesOfLatin1(query));

function accepted(fields: Record<string, string | number>): AnnounceRequest {
  const request = parse(announceQuery(fields));
  assert.ok(!isFault(request), String(request));
  return request;
}

test('an info hash is decoded by bytes, escaped or not, in either case', () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  for (let from = 0; from + 20 <= 256; from += 20) {
    const hash = all.subarray(from, from + 20);
    for (const spelling of [escaped(hash), escaped(hash).toUpperCase()]) {
      const request = parse(`info_hash=${spelling}&port=1`);
      assert.ok(!isFault(request));
      assert.deepEqual(request.infoHash, hash);
    }
  }
  const raw = parse('port=1&info_hash=aaaaaaaaaaaaaaaaaaa+');
  assert.ok(!isFault(raw));
  assert.equal(latin1(raw.infoHash), 'aaaaaaaaaaaaaaaaaaa ');
});

test('a bad info hash or port is refused with a text that may be sent', () => {
  const hash = escaped(HASH);
  const faulty: [string, RegExp][] = [
    ['port=1', /missing/],
    [`info_hash=${escaped(HASH.subarray(1))}&port=1`, /20 bytes/],
    [`info_hash=${hash}a&port=1`, /20 bytes/],
    ['info_hash=&port=1', /20 bytes/],
    ['info_hash&port=1', /20 bytes/],
    [`info_hash=${hash}&info_hash=${hash}&port=1`, /twice/],
    [`info_hash=%zz${hash.slice(3)}&port=1`, /escape/],
    [`info_hash=${hash.slice(0, -1)}&port=1`, /escape/],
    [`port=1&info_hash=${hash.slice(0, -2)}`, /escape/],
    [`info_hash=${hash}`, /port/],
    ...['abc', '', '0', '65536', '-1', '1e3', '99999999999999999999'].map((port): [string, RegExp] => [
      `info_hash=${hash}&port=${port}`,
      /port/,
    ]),
  ];
  for (const [query, reason] of faulty) {
    const request = parse(query);
    assert.ok(isFault(request), query);
    assert.match(request.text, reason);
    assert.ok(request.mayLeave);
  }
});

test('left is a seeder only when it is zero', () => {
  for (const left of ['0', '00']) assert.equal(accepted({ left }).isSeeder, true);
  for (const left of ['1', '', 'abc', '-0', '0x0', '99999999999999999999']) {
    assert.equal(accepted({ left }).isSeeder, false, left);
  }
});

test('numwant is capped, and 50 when it is absent or no number', () => {
  const expected = { 0: 0, 7: 7, 200: 200, 201: 200, 100000000: 200, '99999999999999999999': 200, '-1': 50, x: 50 };
  for (const [numwant, wanted] of Object.entries(expected)) assert.equal(accepted({ numwant }).peersWanted, wanted);
  assert.equal(accepted({}).peersWanted, 50);
});

test('an unknown event is none, compact is the default', () => {
  for (const event of ['started', 'completed', 'stopped'] as const) assert.equal(accepted({ event }).event, event);
  for (const event of ['', 'Started', '<script>', 'stoppedx']) assert.equal(accepted({ event }).event, 'none');
  assert.equal(accepted({ compact: 0 }).isCompact, false);
  for (const compact of ['1', '', 'no']) assert.equal(accepted({ compact }).isCompact, true);
});

test('a scrape takes several hashes, ignores the rest, refuses a bad or missing one', () => {
  const hash = escaped(HASH);
  const request = parseScrape(bytesOfLatin1(`key=1&info_hash=${hash}&info_hash=${'%00'.repeat(20)}`));
  assert.ok(!isFault(request));
  assert.deepEqual(request.infoHashes, [HASH, new Uint8Array(20)]);
  for (const query of ['', 'info_hash', 'info_hash=abc', 'infohash=x']) {
    assert.ok(isFault(parseScrape(bytesOfLatin1(query))), query);
  }
});
