// The messages of the metadata exchange (BEP 9); who is asked for what is in test/torrent/bep-0009-metadata.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, encodeBencode, randomBelow, seededRandom, utf8 } from '../../src/base/index.ts';
import {
  encodeMetadataMessage,
  METADATA_PIECE_BYTES,
  type MetadataMessage,
  metadataReply,
  parseMetadataMessage,
} from '../../src/wire/index.ts';
import { eachSeed, randomBytes, SEED } from '../seed.ts';

test('requests, data and rejections read back as they were written', () => {
  const messages: MetadataMessage[] = [
    { type: 'request', piece: 0 },
    { type: 'reject', piece: 65_535 },
    { type: 'data', piece: 3, totalSize: 60_000, bytes: Uint8Array.of(0x64, 0x65, 0) },
    { type: 'data', piece: 0, totalSize: 0, bytes: new Uint8Array(0) },
  ];
  for (const message of messages) assert.deepEqual(parseMetadataMessage(encodeMetadataMessage(message)), message);
});

test('the bytes on the wire are those of the specification', () => {
  assert.deepEqual(encodeMetadataMessage({ type: 'request', piece: 0 }), utf8('d8:msg_typei0e5:piecei0ee'));
  assert.deepEqual(encodeMetadataMessage({ type: 'reject', piece: 0 }), utf8('d8:msg_typei2e5:piecei0ee'));
  const data: MetadataMessage = { type: 'data', piece: 0, totalSize: 34_256, bytes: utf8('xx') };
  assert.deepEqual(encodeMetadataMessage(data), utf8('d8:msg_typei1e5:piecei0e10:total_sizei34256eexx'));
});

test('keys in any order and members we do not know are accepted', () => {
  assert.deepEqual(parseMetadataMessage(utf8('d5:piecei4e8:msg_typei0e1:xi1ee')), { type: 'request', piece: 4 });
});

test('unknown types, pieces out of range and missing members are no message', () => {
  for (const text of [
    '',
    'le',
    'd8:msg_typei3e5:piecei0ee',
    'd8:msg_typei0ee',
    'd5:piecei0ee',
    'd8:msg_typei0e5:piecei-1ee',
    'd8:msg_typei0e5:piecei65536ee',
    'd8:msg_typei0e5:piecei99999999999999999ee',
    'd8:msg_type1:05:piecei0ee',
    'd8:msg_typei1e5:piecei0eexx',
  ]) {
    assert.equal(parseMetadataMessage(utf8(text)), undefined, text);
  }
});

test('a bomb of values is refused after a few of them', () => {
  const bomb = concatBytes([utf8('d1:al'), utf8('le'.repeat(400_000)), utf8('e8:msg_typei0e5:piecei0ee')]);
  const values = encodeBencode({ a: Array.from({ length: 200 }, () => 1), msg_type: 0, piece: 0 });
  assert.equal(parseMetadataMessage(values), undefined);
  assert.equal(parseMetadataMessage(bomb), undefined);
});

for (const length of [0, 1, METADATA_PIECE_BYTES, METADATA_PIECE_BYTES + 1]) {
  test(`an info dictionary of ${length} bytes is served piece by piece, and nothing beyond`, () => {
    const raw = randomBytes(seededRandom(length), length);
    const parts: Uint8Array[] = [];
    for (let piece = 0; ; piece++) {
      const reply = metadataReply(raw, piece);
      if (reply.type !== 'data') {
        assert.deepEqual(reply, { type: 'reject', piece });
        break;
      }
      assert.equal(reply.totalSize, length);
      parts.push(reply.bytes);
    }
    assert.deepEqual(concatBytes(parts), new Uint8Array(raw));
    assert.deepEqual(metadataReply(undefined, 0), { type: 'reject', piece: 0 });
  });
}

test(`50,000 mutated messages are messages in range or nothing (seed ${SEED})`, () => {
  const good = encodeMetadataMessage({ type: 'data', piece: 1, totalSize: 20_000, bytes: utf8('payload') });
  let read = 0;
  eachSeed(50_000, (seed) => {
    const random = seededRandom(seed);
    const bytes = good.slice();
    for (let change = 0; change < 2; change++)
      bytes[randomBelow(random, bytes.length)] = 0x30 + randomBelow(random, 0x40);
    const message = parseMetadataMessage(bytes);
    if (!message) return;
    read++;
    assert.ok(Number.isInteger(message.piece) && message.piece >= 0 && message.piece <= 65_535);
  });
  assert.ok(read > 500);
});
