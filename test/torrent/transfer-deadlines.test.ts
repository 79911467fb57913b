// Pieces that somebody waits for: fetched first, by the fastest links, twice where a link would be late.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { later } from '../../src/base/index.ts';
import { DUE_PIECES_MAX } from '../../src/torrent/deadlines.ts';
import type { TransferEffect, TransferInput } from '../../src/torrent/index.ts';
import { BLOCK_BYTES } from '../../src/wire/index.ts';
import { randomOf } from '../listing/titles.ts';
import { eachSeed, SEED } from '../seed.ts';
import { Swarm } from './swarm.ts';
import { asked, Bench, of } from './transfer-bench.ts';

/** Where piece `piece` of pieces of `blocks` blocks lies. */
const stretch = (piece: number, blocks: number): { readonly start: number; readonly length: number } => {
  const length = blocks * BLOCK_BYTES;
  return { start: piece * length, length };
};
/** Such a piece, due in so many milliseconds. */
const due = (bench: Bench, piece: number, blocks: number, withinMs: number): TransferInput => ({
  type: 'due',
  ...stretch(piece, blocks),
  at: later(bench.now, withinMs),
});
const pieces = (effects: readonly TransferEffect[]): number[] => [
  ...new Set(asked(effects).map((block) => Number(block.split(':')[1]))),
];

test('what is due is asked for at once, although the queue is full, and the more urgent piece first', () => {
  const bench = new Bench(40, 4);
  assert.equal(asked(bench.seeds([1])).length, 16, 'a queue as deep as it gets at first');
  const lacking = Array.from({ length: 40 }, (_, piece) => piece).filter(
    (piece) => !bench.transfer.links.get(1)!.working.has(piece),
  );
  const [first, second, third] = lacking as [number, number, number];
  const effects = bench.say(due(bench, first, 4, 9000), due(bench, second, 4, 3000), due(bench, third, 4, 6000));
  assert.deepEqual(pieces(effects), [second, third, first]);
  assert.ok(bench.transfer.links.get(1)!.asked <= 16 + 32, 'a bounded number of them');
});

test('a link with room asks for what is due before anything else, in any order of the torrent', () => {
  const bench = new Bench(40, 4);
  bench.seeds([1], true, false);
  bench.say(due(bench, 33, 4, 5000), due(bench, 7, 4, 4000));
  assert.deepEqual(pieces(bench.say({ type: 'unchoked', link: 1 })).slice(0, 2), [7, 33]);
});

/** Two seeds, of which the first delivers ten blocks a second and the second one, for some seconds. */
function fastAndSlow(bench: Bench): void {
  bench.seeds([1, 2]);
  for (let second = 0; second < 6; second++) {
    for (const [link, blocks] of [
      [1, 10],
      [2, 1],
    ] as const) {
      for (let i = 0; i < blocks; i++) arriveSome(bench, link);
    }
    bench.wait(1);
  }
}

/** Lets the first block that a link owes arrive, and its piece be stored when it was the last. */
function arriveSome(bench: Bench, link: number): void {
  const { working } = bench.transfer.links.get(link)!;
  for (const piece of working) {
    for (let block = 0; block < bench.layout.blocksOf(piece); block++) {
      if (!bench.transfer.expects(link, piece, block * BLOCK_BYTES, BLOCK_BYTES)) continue;
      for (const { piece: whole } of of(bench.arrive(link, piece, block), 'check')) {
        bench.say({ type: 'pieceChecked', piece: whole, isGood: true }, { type: 'pieceStored', piece: whole });
      }
      return;
    }
  }
}

test('a piece that a slow link would bring too late is left to the fast one', () => {
  const bench = new Bench(100, 4);
  fastAndSlow(bench);
  const last = 99;
  assert.equal(bench.transfer.stored.has(last), false);
  bench.transfer.input(
    { type: 'selected', priorities: Array.from({ length: 100 }, (_, piece) => (piece === last ? 0 : 2)) },
    bench.now,
  );
  bench.transfer.effects();
  const effects = bench.say(due(bench, last, 4, 2000));
  const links = asked(effects)
    .filter((block) => block.split(':')[1] === `${last}`)
    .map((block) => block.split(':')[0]);
  assert.deepEqual([...new Set(links)], ['1']);
});

test('a block that a silent link owes is asked for again of another when it is due', () => {
  const bench = new Bench(30, 4);
  bench.seeds([1]);
  const [piece] = [...bench.transfer.links.get(1)!.working] as [number];
  bench.seeds([2]);
  bench.wait(2);
  arriveSome(bench, 2);
  assert.ok(!bench.transfer.links.get(2)!.working.has(piece));
  const effects = bench.say(due(bench, piece, 4, 500));
  assert.deepEqual(
    asked(effects).filter((block) => block.startsWith(`2:${piece}:`)).length,
    4,
    'of the other link, which is not silent',
  );
  assert.equal(bench.transfer.expects(1, piece, 0, BLOCK_BYTES), 'scratch');
  assert.equal(of(bench.arrive(2, piece, 0), 'cancel').length, 1, 'the first copy counts');
});

test('what is due is fetched although it is not selected, completes nothing, and is left when nobody waits any more', () => {
  const bench = new Bench(4, 2);
  bench.say({ type: 'selected', priorities: [0, 0, 0, 0] });
  assert.ok(bench.transfer.isComplete && bench.transfer.isUploadOnly);
  const standing = of(bench.say(due(bench, 2, 2, 1000)), 'standing');
  assert.deepEqual(standing, [{ type: 'standing', isUploadOnly: false }]);
  assert.deepEqual(pieces(bench.seeds([1])), [2]);
  bench.arrive(1, 2, 0);
  bench.arrive(1, 2, 1);
  bench.say({ type: 'pieceChecked', piece: 2, isGood: true });
  const stored = bench.say({ type: 'pieceStored', piece: 2 });
  assert.deepEqual(of(stored, 'complete'), []);
  assert.deepEqual([...of(stored, 'close'), ...of(stored, 'interest')], [], 'the next read needs the link');
  assert.deepEqual(pieces(bench.say(due(bench, 3, 2, 1000))), [3]);
  assert.deepEqual(bench.say({ type: 'notDue', ...stretch(2, 2) }), [], 'for something else');
  const left = bench.say({ type: 'notDue', ...stretch(3, 2) });
  assert.equal(of(left, 'cancel').length, 2);
  assert.deepEqual(of(left, 'drop'), [{ type: 'drop', piece: 3 }]);
  const gone = bench.wait(61);
  assert.deepEqual(of(gone, 'standing'), [{ type: 'standing', isUploadOnly: true }]);
  assert.equal(of(gone, 'close')[0]?.why.code, 'redundant', 'a minute later the reader is gone');
});

test('what is due and not selected any more is fetched all the same, as long as somebody waits', () => {
  const bench = new Bench(4, 2);
  bench.say(due(bench, 1, 2, 1000), due(bench, 2, 2, 1000));
  bench.say({ type: 'selected', priorities: [0, 0, 0, 0] });
  bench.say({ type: 'notDue', ...stretch(1, 2) });
  assert.deepEqual(pieces(bench.seeds([1])), [2]);
});

test('who waits for longer than a minute still reads, until nobody waits for it', () => {
  const bench = new Bench(4, 2);
  bench.say({ type: 'selected', priorities: [0, 0, 0, 0] }, due(bench, 2, 2, 1000));
  bench.wait(90);
  assert.equal(bench.transfer.isUploadOnly, false);
  bench.say({ type: 'notDue', ...stretch(2, 2) });
  bench.wait(1);
  assert.equal(bench.transfer.isUploadOnly, true);
});

test('a reader that looks too far ahead keeps the nearest pieces', () => {
  const bench = new Bench(DUE_PIECES_MAX + 10, 1);
  bench.say({ type: 'selected', priorities: Array(DUE_PIECES_MAX + 10).fill(0) });
  bench.say({
    type: 'due',
    start: 10 * BLOCK_BYTES,
    length: DUE_PIECES_MAX * BLOCK_BYTES,
    at: later(bench.now, 60_000),
  });
  bench.say({ type: 'due', start: 0, length: 10 * BLOCK_BYTES, at: later(bench.now, 1000) });
  bench.say({ type: 'due', start: 0, length: 1, at: later(bench.now, 60_000) });
  bench.seeds([1], true, false);
  const wanted = pieces(bench.say({ type: 'queueMax', link: 1, requests: 2000 }, { type: 'unchoked', link: 1 }));
  assert.deepEqual(wanted.slice(0, 10), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 'a later time does not put off an earlier one');
  for (let piece = 0; piece < DUE_PIECES_MAX + 10; piece++) {
    assert.equal(bench.transfer.links.get(1)!.working.has(piece) && piece >= DUE_PIECES_MAX, false, `${piece}`);
  }
});

test(`a reader of a torrent on a bad network waits for hardly a piece, and for none for long (seed ${SEED})`, () => {
  eachSeed(8, (seed) => {
    const blocks = 8;
    const swarm = new Swarm(
      {
        length: 120 * blocks * BLOCK_BYTES,
        pieceLength: blocks * BLOCK_BYTES,
        openPiecesMax: 16,
        breaks: 0.01,
        nodes: [
          { stored: 'all', uplink: 24 },
          { stored: 'all', uplink: 6 },
          { stored: 'all', uplink: 12, silentAfter: 100 },
          { stored: 'none', wants: seed % 2 ? [0] : [2] },
        ],
      },
      seed,
    );
    const reader = swarm.nodes[3]!;
    let at = 0;
    let stalls = 0;
    // It plays two pieces, 16 blocks, a second of what two seeds send at 30.
    swarm.read(reader, 0, 10, 2);
    swarm.pass(5);
    for (let second = 0; at < 110; second++) {
      assert.ok(second < 300, `stuck at piece ${at}`);
      swarm.read(reader, at, 10, 2);
      swarm.pass(1);
      if (reader.stored.has(at) && reader.stored.has(at + 1)) at += 2;
      else stalls++;
    }
    assert.ok(stalls <= 12, `${stalls} s of standing still`);
  });
});

test(`a reader that jumps about on a bad network leaves what it waited for, and stands still nowhere (seed ${SEED})`, () => {
  eachSeed(8, (seed) => {
    const blocks = 4;
    const swarm = new Swarm(
      {
        length: 200 * blocks * BLOCK_BYTES,
        pieceLength: blocks * BLOCK_BYTES,
        openPiecesMax: 16,
        breaks: 0.01,
        storeFailures: 0.05,
        nodes: [
          { stored: 'all', uplink: 16, poisons: 0.01 },
          { stored: 'all', uplink: 16 },
          { stored: 'none', wants: [0] },
        ],
      },
      seed,
    );
    const random = randomOf(seed);
    const reader = swarm.nodes[2]!;
    const seen = new Set<number>();
    for (let jump = 0; jump < 20; jump++) {
      let at = Math.floor(random() * 190);
      const until = at + Math.floor(random() * 10);
      for (let second = 0; at <= until; second++) {
        assert.ok(second < 200, `stuck at piece ${at} after ${jump} jumps`);
        swarm.read(reader, at, 10, 4);
        for (let piece = at; piece < at + 10; piece++) seen.add(piece);
        swarm.pass(1);
        while (at <= until && reader.stored.has(at)) at++;
      }
      swarm.leave(reader, 0, 200);
    }
    swarm.pass(5);
    for (let piece = 0; piece < 200; piece++) assert.ok(seen.has(piece) || !reader.stored.has(piece), `${piece}`);
    assert.equal(reader.transfer.piecesUnderWay, 0, 'nothing goes on for nobody');
  });
});
