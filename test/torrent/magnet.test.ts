import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Address, type InfoHash, isFault, parseInfoHash } from '../../src/base/index.ts';
import { parseMagnet } from '../../src/io/index.ts';
import { checkMagnet, formatMagnet, type Magnet, magnetOf } from '../../src/torrent/index.ts';

const HASH = 'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd' as InfoHash;
const LINK = `magnet:?xt=urn:btih:${HASH}`;

interface Row {
  readonly expect: string;
  readonly uri: string;
}
const vectors: { rows: Record<string, Row> } = JSON.parse(
  readFileSync(new URL('../fixtures/magnets.json', import.meta.url), 'utf8'),
);
const generated = new Map([
  ['ours_10k_trackers', LINK + Array.from({ length: 10_000 }, (_, i) => `&tr=http://t${i}.example/announce`).join('')],
]);

/** What the rows that say more than accept or reject come to. */
const details: Record<string, (magnet: Magnet) => void> = {
  mixed_case_keys: ({ name, webSeeds }) => assert.deepEqual([name, webSeeds], ['foobar', ['http://foo.com/bar']]),
  so_ranges: ({ selectedFiles }) => assert.deepEqual(selectedFiles, [0, 2, 4, 6, 7, 8]),
  so_bomb: ({ selectedFiles }) => assert.equal(selectedFiles, undefined),
  tr_schemes: ({ trackers }) => assert.deepEqual(trackers, ['HTTP://2', 'udp://4', 'https://5', 'http://foo']),
  tr_x: ({ trackers }) => assert.deepEqual(trackers, ['udp://1', 'http://2', 'http://3']),
  ours_dn_rtl: ({ name }) => assert.equal(name, 'gpj.exe'),
  ours_dn_html: ({ name }) => assert.equal(name, '<img src=x onerror=alert(1)>'),
  ours_tr_query: ({ trackers }) => assert.deepEqual(trackers, []),
  ours_tr_file: ({ trackers }) => assert.deepEqual(trackers, []),
  ours_xpe_local: ({ peers }) => assert.deepEqual([peers.length, peers.some(({ port }) => port === 0)], [5, false]),
  ours_10k_trackers: ({ trackers }) => assert.equal(trackers.length, 100),
};

test('every magnet of the vectors gets its verdict', async (t) => {
  for (const [name, row] of Object.entries(vectors.rows)) {
    await t.test(`${name}: ${row.expect}`, async () => {
      const magnet = await parseMagnet(generated.get(name) ?? row.uri);
      assert.equal(isFault(magnet) ? 'reject' : 'accept', row.expect.slice(0, 6));
      if (!isFault(magnet)) details[name]?.(magnet);
    });
  }
});

test('a range of files that would be a bomb is answered in under 10 ms', async () => {
  const bomb = `${LINK}&so=0-100000000`;
  await parseMagnet(bomb);
  const started = performance.now();
  for (let i = 0; i < 20; i++) await parseMagnet(bomb);
  assert.ok((performance.now() - started) / 20 < 10);
  for (const so of [
    '5-1',
    '0-9999,20000',
    `${'0,'.repeat(10_000)}0`,
    '0-100000',
    '1-',
    'a',
    '-1',
    '99999999999999999999',
  ]) {
    const magnet = await good(`${LINK}&so=${so}`);
    assert.equal(magnet.selectedFiles, undefined, so.slice(0, 20));
  }
});

test('a hash may be base32 in either case, and stands in more than one place only if it is the same', async () => {
  const base32 = 'ZXG43TONZXG43TONZXG43TONZXG43TON';
  assert.equal((await good(`magnet:?xt=urn:btih:${base32}`)).infoHash, HASH);
  assert.equal((await good(`MAGNET:?xt=urn:btih:${base32.toLowerCase()}`)).infoHash, HASH);
  assert.equal((await good(`${LINK}&xt.2=urn:sha1:abc&xt.3=urn:btih:${HASH.toUpperCase()}`)).infoHash, HASH);
  const two = await parseMagnet(`${LINK}&xt=urn:btih:${'ab'.repeat(20)}`);
  assert.ok(isFault(two) && two.code === 'magnet-malformed');
});

test('a magnet of a v2-only torrent is refused with a code of its own, one of a hybrid is read', async () => {
  const v2 = `urn:btmh:1220${'cd'.repeat(32)}`;
  const refused = await parseMagnet(`magnet:?xt=${v2}`);
  assert.ok(isFault(refused) && refused.code === 'magnet-v2-only');
  assert.equal((await good(`magnet:?xt=${v2}&xt=urn:btih:${HASH}`)).infoHash, HASH);
});

test('a name keeps its plus signs, loses what hides, and is left out when its escapes are broken', async () => {
  assert.equal((await good(`${LINK}&dn=C%2B%2B+in+%C3%A9t%C3%A9%0A`)).name, 'C++ in été');
  assert.equal((await good(`${LINK}&dn=100%`)).name, undefined);
  assert.equal((await good(`${LINK}&dn=%FFa`)).name, 'a');
  assert.equal((await good(`${LINK}&dn=${'x'.repeat(1000)}`)).name?.length, 255);
});

test('a tracker that hides its own info hash, a user name or a space is dropped', async () => {
  const urls = [
    'http://a/?info%5Fhash=x',
    'http://a/?INFO_HASH=x',
    'http://u:p@a/',
    'http://a b/',
    'udp://',
    'http://ok/?k=1',
  ];
  const magnet = await good(LINK + urls.map((url) => `&tr=${encodeURIComponent(url)}`).join(''));
  assert.deepEqual(magnet.trackers, ['http://ok/?k=1']);
});

test('what the package returns is typed again: other shapes are faults or left out', () => {
  for (const parsed of [undefined, null, 'x', {}, { infoHash: '../../etc/passwd' }, { infoHash: [HASH] }]) {
    assert.ok(isFault(magnetOf(parsed, '')));
  }
  const odd = { infoHash: HASH, announce: [1, 'ws://a'], urlList: 'http://a', peerAddresses: [{}], so: ['1', 1.5] };
  assert.deepEqual(magnetOf(odd, ''), { infoHash: HASH, trackers: [], webSeeds: [], peers: [] });
});

test('a link over 512 KiB is refused before it is read', () => {
  const refused = checkMagnet(LINK.padEnd(512 * 1024 + 1, '&'));
  assert.ok(isFault(refused) && refused.code === 'magnet-too-large');
});

test('a magnet that is written reads back the same', async () => {
  const url = (scheme: string): fc.Arbitrary<string> =>
    fc.webUrl({ withQueryParameters: true }).map((text) => text.replace(/^https?/, scheme));
  const address: fc.Arbitrary<Address> = fc.record(
    {
      host: fc.constantFrom('1.2.3.4', '2001:db8::1', '::1'),
      port: fc.integer({ min: 1, max: 65_535 }),
    },
    { noNullPrototype: true },
  );
  const magnet = fc.record(
    {
      infoHash: fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => parseInfoHash(bytes.toHex())!),
      name: fc.constantFrom('a', 'C++ & co = 100 %', 'été 😀', '#x?y'),
      trackers: fc.uniqueArray(fc.oneof(url('http'), url('https'), url('udp')), { maxLength: 5 }),
      webSeeds: fc.uniqueArray(url('https'), { maxLength: 3 }),
      peers: fc.uniqueArray(address, { maxLength: 4, selector: ({ host, port }) => `${host} ${port}` }),
      selectedFiles: fc
        .uniqueArray(fc.nat(500), { minLength: 1, maxLength: 30 })
        .map((files) => files.sort((a, b) => a - b)),
    },
    { noNullPrototype: true },
  );
  await fc.assert(
    fc.asyncProperty(magnet, async (written) => assert.deepEqual(await parseMagnet(formatMagnet(written)), written)),
    { numRuns: 200 },
  );
});

async function good(link: string): Promise<Magnet> {
  const magnet = await parseMagnet(link);
  assert.ok(!isFault(magnet), String(magnet));
  return magnet;
}
