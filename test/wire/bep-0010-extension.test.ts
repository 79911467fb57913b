// The extension protocol (BEP 10): what a peer's extension handshake tells us, however oddly it is written.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBencode, randomBelow, seededRandom, utf8 } from '../../src/base/index.ts';
import { METADATA_BYTES_MAX, parseExtendedHandshake } from '../../src/wire/index.ts';
import { eachSeed, SEED } from '../seed.ts';

const nothing = {
  metadataId: undefined,
  pexId: undefined,
  metadataSize: undefined,
  requestQueue: undefined,
  isUploadOnly: undefined,
  client: '',
  listenPort: undefined,
};
const parse = (dict: Parameters<typeof encodeBencode>[0]): ReturnType<typeof parseExtendedHandshake> =>
  parseExtendedHandshake(encodeBencode(dict));

test('everything we use is read', () => {
  assert.deepEqual(
    parse({
      m: { ut_metadata: 3, ut_pex: 1 },
      metadata_size: 31_235,
      reqq: 500,
      upload_only: 1,
      v: 'µTorrent 1.2',
      p: 6881,
      yourip: 'xxxx',
    }),
    {
      metadataId: 3,
      pexId: 1,
      metadataSize: 31_235,
      requestQueue: 500,
      isUploadOnly: true,
      client: 'µTorrent 1.2',
      listenPort: 6881,
    },
  );
});

test('what is missing, of another type or out of range is left out, the rest is kept', () => {
  assert.deepEqual(parse({}), nothing);
  assert.deepEqual(parse({ m: [], metadata_size: 'x', reqq: [], v: 7, p: {} }), nothing);
  assert.deepEqual(parse({ m: { ut_metadata: 'x' }, metadata_size: -1, reqq: 0, p: 0 }), nothing);
  assert.deepEqual(
    parse({ m: { ut_metadata: 256 }, metadata_size: METADATA_BYTES_MAX + 1, reqq: 2 ** 40, p: 65_536 }),
    nothing,
  );
  assert.equal(parse({ metadata_size: METADATA_BYTES_MAX })?.metadataSize, METADATA_BYTES_MAX);
  assert.equal(parse({ metadata_size: 2n ** 62n })?.metadataSize, undefined);
});

test('BEP 21: who says nothing of `upload_only` is not taken for a downloader', () => {
  assert.equal(parse({ upload_only: 0 })?.isUploadOnly, false);
  assert.equal(parse({ upload_only: 'yes' })?.isUploadOnly, undefined);
});

test('an id of 0 turns an extension off', () => {
  assert.equal(parse({ m: { ut_metadata: 0 } })?.metadataId, undefined);
});

test('unsorted keys and bytes after the dictionary are accepted, as clients send them', () => {
  assert.equal(parseExtendedHandshake(utf8('d1:v1:x4:reqqi7e1:pi9ee junk'))?.requestQueue, 7);
});

test('a client’s name is cleaned and cut before anybody reads it', () => {
  const client = parse({ v: `a\u202eb\u0000c${'x'.repeat(500)}` })?.client ?? '';
  assert.match(client, /^ab cx+$/);
  assert.equal(client.length, 60);
  assert.equal(parse({ v: Uint8Array.of(0xff, 0x41) })?.client, 'A');
});

test('what is no dictionary, or over 16 KiB, is no handshake', () => {
  for (const text of ['', 'le', 'i1e', '3:abc', 'd1:v', 'd1:vi1e'])
    assert.equal(parseExtendedHandshake(utf8(text)), undefined);
  assert.equal(parse({ v: 'x'.repeat(16_384) }), undefined);
});

test(`20,000 mutated handshakes give values in range or nothing (seed ${SEED})`, () => {
  const good = encodeBencode({ m: { ut_metadata: 3 }, metadata_size: 31_235, reqq: 500, v: 'client', p: 6881 });
  eachSeed(20_000, (seed) => {
    const random = seededRandom(seed);
    const bytes = good.slice(0, random() < 0.1 ? randomBelow(random, good.length) : good.length);
    for (let change = 0; change < 3 && bytes.length > 0; change++)
      bytes[randomBelow(random, bytes.length)] = randomBelow(random, 128);
    const parsed = parseExtendedHandshake(bytes);
    if (!parsed) return;
    const { metadataId = 1, metadataSize = 1, requestQueue = 1, listenPort = 1, client } = parsed;
    assert.ok(metadataId >= 1 && metadataId <= 255 && Number.isInteger(metadataId));
    assert.ok(metadataSize >= 1 && metadataSize <= METADATA_BYTES_MAX);
    assert.ok(requestQueue >= 1 && listenPort >= 1 && listenPort <= 65_535 && client.length <= 60);
  });
});
