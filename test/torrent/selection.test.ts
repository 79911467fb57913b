import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomBelow, seededRandom } from '../../src/base/index.ts';
import {
  Bitfield,
  Layout,
  type Priority,
  piecePriorities,
  storedPerFile,
  type TorrentFile,
} from '../../src/torrent/index.ts';
import { eachSeed, SEED } from '../seed.ts';

function filesOf(lengths: readonly number[], padding: readonly number[] = []): TorrentFile[] {
  let offset = 0;
  return lengths.map((length, index) => {
    const file = { path: [`f${index}`], length, offset, isPadding: padding.includes(index) };
    offset += length;
    return file;
  });
}

function layoutOf(files: readonly TorrentFile[], pieceLength: number): Layout {
  const length = files.reduce((sum, file) => sum + file.length, 0);
  return new Layout({ length, pieceLength, pieceCount: Math.ceil(length / pieceLength), files });
}

test('a piece that two files share is wanted as much as the more wanted one; padding makes no piece wanted', () => {
  const files = filesOf([25, 10, 0, 5, 20, 10], [3]);
  const layout = layoutOf(files, 10);
  assert.deepEqual(piecePriorities(layout, files, [2, 2, 2, 2, 2, 2]), [2, 2, 2, 2, 2, 2, 2]);
  assert.deepEqual(piecePriorities(layout, files, [3, 1, 0, 2, 0, 0]), [3, 3, 3, 1, 0, 0, 0]);
  assert.deepEqual(piecePriorities(layout, files, [0, 0, 3, 3, 0, 1]), [0, 0, 0, 0, 0, 0, 1]);
});

test(`priorities and stored bytes are what a look at every byte says (seed ${SEED})`, () => {
  eachSeed(100, (seed) => {
    const random = seededRandom(seed);
    const files = filesOf(Array.from({ length: 1 + randomBelow(random, 9) }, () => randomBelow(random, 40)));
    const layout = layoutOf(files, 1 + randomBelow(random, 30));
    const priorities = files.map(() => randomBelow(random, 4) as Priority);
    const stored = new Bitfield(layout.pieceCount);
    for (let piece = 0; piece < layout.pieceCount; piece++) if (random() < 0.5) stored.add(piece);
    const pieces = new Array<number>(layout.pieceCount).fill(0);
    const bytes = files.map(() => 0);
    for (const [index, { offset, length }] of files.entries()) {
      for (let at = offset; at < offset + length; at++) {
        const piece = Math.floor(at / layout.pieceLength);
        pieces[piece] = Math.max(pieces[piece]!, priorities[index]!);
        if (stored.has(piece)) bytes[index]!++;
      }
    }
    assert.deepEqual(piecePriorities(layout, files, priorities), pieces);
    assert.deepEqual(storedPerFile(layout, files, stored), bytes);
  });
});
