// What is wanted, how much, and in which order: one transfer machine whose selection changes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Priority } from '../../src/torrent/index.ts';
import { BLOCK_BYTES } from '../../src/wire/index.ts';
import { asked, Bench, of } from './transfer-bench.ts';

test('what is not wanted is not asked for, and everything else is complete without it', () => {
  const bench = new Bench(4, 1);
  bench.say({ type: 'selected', priorities: [0, 2, 0, 0] });
  assert.deepEqual(asked(bench.seeds([1])), ['1:1:0']);
  bench.arrive(1, 1, 0);
  bench.say({ type: 'pieceChecked', piece: 1, isGood: true });
  const effects = bench.say({ type: 'pieceStored', piece: 1 });
  assert.equal(of(effects, 'complete').length, 1);
  assert.deepEqual([bench.transfer.isComplete, bench.transfer.isWhole], [true, false]);
  assert.deepEqual([bench.transfer.wantedBytes, bench.transfer.missingBytes], [BLOCK_BYTES, 0]);
});

test('a peer that has only what we skip is of no interest until we want it', () => {
  const bench = new Bench(2, 1, [0]);
  bench.say({ type: 'selected', priorities: [2, 0] });
  bench.say({ type: 'linkOpened', link: 1, address: { host: '10.0.0.1', port: 1 }, hasFast: true });
  assert.deepEqual(bench.say({ type: 'have', link: 1, piece: 1 }, { type: 'unchoked', link: 1 }), []);
  const effects = bench.say({ type: 'selected', priorities: [2, 1] });
  assert.deepEqual(of(effects, 'interest'), [{ type: 'interest', link: 1, isInterested: true }]);
  assert.deepEqual(asked(effects), ['1:1:0']);
});

test('what is under way and no longer wanted is taken back, and its buffer is freed', () => {
  const bench = new Bench(2, 2);
  bench.seeds([1]);
  bench.arrive(1, 0, 0);
  const effects = bench.say({ type: 'selected', priorities: [0, 2] });
  assert.deepEqual(of(effects, 'cancel'), [
    { type: 'cancel', link: 1, piece: 0, offset: BLOCK_BYTES, length: BLOCK_BYTES },
  ]);
  assert.deepEqual(of(effects, 'drop'), [{ type: 'drop', piece: 0 }]);
  assert.equal(bench.transfer.expects(1, 0, BLOCK_BYTES, BLOCK_BYTES), undefined);
  assert.equal(bench.transfer.links.get(1)!.asked, 2);
});

test('skipping all that is missing completes a torrent at once, wanting more makes it incomplete again', () => {
  const bench = new Bench(2, 1, [0]);
  const done = bench.say({ type: 'selected', priorities: [2, 0] });
  assert.equal(of(done, 'complete').length, 1);
  bench.say({ type: 'selected', priorities: [2, 2] });
  assert.equal(bench.transfer.isComplete, false);
  assert.equal(of(bench.say({ type: 'selected', priorities: [3, 0] }), 'complete').length, 1);
});

test('a piece that was checked when it became unwanted is stored all the same, and one that fails is not fetched again', () => {
  const bench = new Bench(2, 1);
  bench.say({ type: 'queueMax', link: 1, requests: 1 });
  bench.seeds([1]);
  for (const piece of [0, 1]) {
    bench.arrive(1, piece, 0);
    bench.say({ type: 'pieceChecked', piece, isGood: true });
  }
  assert.equal(of(bench.say({ type: 'selected', priorities: [0, 0] }), 'complete').length, 1);
  assert.equal(of(bench.say({ type: 'pieceStored', piece: 0 }), 'announceHave').length, 1);
  assert.deepEqual(asked(bench.say({ type: 'storeFailed', piece: 1 })), []);
  assert.equal(bench.transfer.piecesUnderWay, 0);
});

test('BEP 21: who has all that it wants parts from seeds and from those that want nothing, and from nobody else', () => {
  const bench = new Bench(3, 1, [0]);
  for (const link of [1, 2, 3])
    bench.say({ type: 'linkOpened', link, address: { host: `10.0.0.${link}`, port: 1 }, hasFast: true });
  bench.say({ type: 'bitfield', link: 1, bytes: Uint8Array.of(0x40) });
  assert.deepEqual(of(bench.say({ type: 'uploadOnly', link: 1, isUploadOnly: true }), 'close'), [], 'it may serve us');
  bench.say({ type: 'bitfield', link: 2, bytes: Uint8Array.of(0x20) });
  const closed = of(bench.say({ type: 'selected', priorities: [2, 0, 0] }), 'close');
  assert.deepEqual(
    closed.map(({ link, why }) => [link, why.code]),
    [[1, 'redundant']],
  );
  bench.say({ type: 'uploadOnly', link: 2, isUploadOnly: false });
  assert.equal(of(bench.say({ type: 'uploadOnly', link: 2, isUploadOnly: true }), 'close').length, 1);
  bench.say({ type: 'interested', link: 3 });
  assert.ok(bench.transfer.mayServe(3, 0, 0, BLOCK_BYTES), 'a partial seed serves what it has');
  bench.seeds([4]);
  assert.deepEqual([...bench.transfer.links.keys()], [3]);
});

test('the more wanted piece comes first, and in sequence the next one of the torrent', () => {
  const first = (isSequential: boolean, priorities: Priority[]): number[] => {
    const bench = new Bench(6, 1);
    bench.say({ type: 'selected', priorities }, { type: 'sequence', isSequential });
    return asked(bench.seeds([1])).map((block) => Number(block.split(':')[1]));
  };
  assert.deepEqual(first(false, [1, 0, 2, 3, 0, 0]), [3, 2, 0]);
  assert.deepEqual(first(true, [2, 2, 2, 2, 2, 2]), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(first(true, [2, 1, 2, 3, 1, 3]), [3, 5, 0, 2, 1, 4]);
});
