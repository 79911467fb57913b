import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomBelow, seededRandom } from '../../src/base/index.ts';
import { Bitfield, Layout, type TorrentFile } from '../../src/torrent/index.ts';
import { BLOCK_BYTES } from '../../src/wire/index.ts';
import { eachSeed, randomBytes, SEED } from '../seed.ts';

test(`blocks tile pieces, pieces tile the torrent, and spans tile the files (seed ${SEED})`, () => {
  eachSeed(200, (seed) => {
    const random = seededRandom(seed);
    const lengths = Array.from({ length: randomBelow(random, 12) }, () =>
      random() < 0.3 ? 0 : randomBelow(random, 90_000),
    );
    const files: TorrentFile[] = [];
    let length = 0;
    for (const bytes of lengths) {
      files.push({ path: ['a'], length: bytes, offset: length, isPadding: false });
      length += bytes;
    }
    const pieceLength = [BLOCK_BYTES, 3 * BLOCK_BYTES, 20_000, 1][randomBelow(random, 3)]!;
    const layout = new Layout({ length, pieceLength, pieceCount: Math.ceil(length / pieceLength), files });
    let bytes = 0;
    for (let piece = 0; piece < layout.pieceCount; piece++) {
      assert.equal(layout.startOf(piece), bytes);
      let offset = 0;
      for (let block = 0; block < layout.blocksOf(piece); block++) {
        const size = layout.blockBytes(piece, block);
        assert.ok(size > 0 && size <= BLOCK_BYTES);
        assert.ok(layout.isBlock(piece, offset, size) && layout.isStretch(piece, offset, size));
        assert.ok(!layout.isBlock(piece, offset, size - 1) && !layout.isBlock(piece, offset, size + 1));
        assert.ok(!layout.isBlock(piece, offset + 1, size));
        offset += size;
      }
      assert.equal(offset, layout.bytesOf(piece));
      bytes += offset;
    }
    assert.equal(bytes, length);
    assert.ok(!layout.isBlock(layout.pieceCount, 0, BLOCK_BYTES));
    const start = randomBelow(random, length + 1);
    const stretch = randomBelow(random, length - start + 1);
    let at = start;
    for (const span of layout.spans(start, stretch)) {
      assert.ok(span.length > 0);
      assert.equal(files[span.file]!.offset + span.offset, at);
      assert.ok(span.offset + span.length <= files[span.file]!.length);
      at += span.length;
    }
    assert.equal(at, start + stretch);
  });
});

test('a torrent without bytes has no pieces and is complete', () => {
  const layout = new Layout({ length: 0, pieceLength: BLOCK_BYTES, pieceCount: 0, files: [] });
  assert.equal(layout.bitfieldBytes, 0);
  assert.ok(new Bitfield(0).isFull);
  assert.ok(Bitfield.full(0).isFull);
});

test(`a bitfield counts what it holds (seed ${SEED})`, () => {
  eachSeed(100, (seed) => {
    const random = seededRandom(seed);
    const length = 1 + randomBelow(random, 40);
    const field = new Bitfield(length);
    const model = new Set<number>();
    for (let step = 0; step < 100; step++) {
      const index = randomBelow(random, length);
      if (random() < 0.7) {
        assert.equal(field.add(index), !model.has(index));
        model.add(index);
      } else {
        field.remove(index);
        model.delete(index);
      }
      assert.equal(field.count, model.size);
      assert.equal(field.isFull, model.size === length);
    }
    for (let index = 0; index < length; index++) assert.equal(field.has(index), model.has(index));
    assert.deepEqual(Bitfield.parse(field.bytes, length), field);
    const full = new Bitfield(length);
    for (let index = 0; index < length; index++) full.add(index);
    assert.deepEqual(Bitfield.full(length), full);
    const parsed = Bitfield.parse(randomBytes(random, Math.ceil(length / 8)), length);
    if (parsed) for (let index = length; index < parsed.bytes.length * 8; index++) assert.ok(!parsed.has(index));
  });
});

test('a bitfield with a spare bit set or of another size is refused (BEP 3)', () => {
  assert.ok(Bitfield.parse(Uint8Array.of(0xff, 0x80), 9));
  assert.equal(Bitfield.parse(Uint8Array.of(0xff, 0xc0), 9), undefined);
  assert.equal(Bitfield.parse(Uint8Array.of(0xff), 9), undefined);
  assert.equal(Bitfield.parse(Uint8Array.of(0xff, 0x80, 0), 9), undefined);
});
