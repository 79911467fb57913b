import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomBelow, seededRandom } from '../../src/base/index.ts';
import { Bitfield } from '../../src/torrent/bitfield.ts';
import { Layout } from '../../src/torrent/layout.ts';
import { Ledger, type LinkId, OpenPiece } from '../../src/torrent/ledger.ts';
import { BLOCK_BYTES } from '../../src/wire/index.ts';
import { eachSeed, SEED } from '../seed.ts';

/** The same story told naively: per block the links asked, in order, or the link it came from. */
interface Block {
  asked: LinkId[];
  from: LinkId | undefined;
}

test(`each block of an open piece is in exactly one state, as a naive model recounts (seed ${SEED})`, () => {
  eachSeed(80, (seed) => {
    const random = seededRandom(seed);
    const count = 1 + randomBelow(random, 12);
    const open = new OpenPiece(3, count, undefined);
    const model: Block[] = Array.from({ length: count }, () => ({ asked: [], from: undefined }));
    for (let step = 0; step < 300; step++) {
      const at = randomBelow(random, count);
      const block = model[at]!;
      const link = randomBelow(random, 4);
      const isAsked = block.asked.includes(link);
      switch (randomBelow(random, 4)) {
        case 0: {
          const run = open.wantedRun(3);
          const first = model.findIndex((one) => one.asked.length === 0 && one.from === undefined);
          assert.equal(run?.from ?? -1, first);
          for (let i = 0; run && i < run.count; i++) {
            open.ask(run.from + i, link);
            model[run.from + i]!.asked.push(link);
          }
          break;
        }
        case 1: {
          const may = block.asked.length > 0 && block.asked.length < 3 && !isAsked;
          assert.equal(open.askAlso(at, link, 3), may);
          if (may) block.asked.push(link);
          break;
        }
        case 2:
          if (!isAsked) {
            assert.throws(() => open.arrive(at, link), /bug/);
          } else {
            assert.deepEqual(
              open.arrive(at, link).toSorted(),
              block.asked.filter((other) => other !== link).toSorted(),
            );
            block.asked = [];
            block.from = link;
          }
          break;
        default:
          assert.equal(open.release(at, link), isAsked && block.asked.length === 1);
          block.asked = block.asked.filter((other) => other !== link);
      }
      recount(open, model);
    }
  });
});

function recount(open: OpenPiece, model: readonly Block[]): void {
  const wanted = model.filter((block) => block.asked.length === 0 && block.from === undefined);
  const arrived = model.filter((block) => block.from !== undefined);
  assert.equal(open.wanted, wanted.length);
  assert.equal(open.arrived, arrived.length);
  assert.equal(open.owed, model.length - wanted.length - arrived.length);
  assert.equal(open.isArrived, arrived.length === model.length);
  assert.deepEqual(open.contributors(), new Set(arrived.map((block) => block.from)));
  const owed = [...model.keys()].filter((at) => model[at]!.asked.length > 0);
  assert.deepEqual(open.blocksOwed(), owed);
  for (let link = 0; link < 4; link++) {
    assert.deepEqual(
      open.blocksAskedOf(link),
      owed.filter((at) => model[at]!.asked.includes(link)),
    );
  }
  for (const [at, block] of model.entries()) assert.equal(open.isContested(at), block.asked.length > 1);
}

const layout = new Layout({ length: 5 * BLOCK_BYTES + 1, pieceLength: 2 * BLOCK_BYTES, pieceCount: 3, files: [] });

function arrivedPiece(ledger: Ledger, piece: number): void {
  const open = ledger.open(piece, undefined);
  for (let block = 0; block < open.blockCount; block++) {
    open.ask(block, 9);
    open.arrive(block, 9);
  }
  ledger.noteArrived(piece);
}

test('a piece goes wanted, open, arrived, checked, stored, and each step only from the one before', () => {
  const ledger = new Ledger(layout, new Bitfield(3));
  assert.equal(ledger.stateOf(2), 'wanted');
  assert.throws(() => ledger.noteArrived(2), /bug/);
  arrivedPiece(ledger, 2);
  assert.equal(ledger.stateOf(2), 'arrived');
  assert.deepEqual(ledger.contributorsOf(2), new Set([9]));
  assert.throws(() => ledger.open(2, undefined), /bug/);
  assert.throws(() => ledger.noteStored(2), /bug/);
  ledger.noteChecked(2);
  assert.equal(ledger.stateOf(2), 'checked');
  assert.throws(() => ledger.noteChecked(2), /bug/);
  ledger.noteStored(2);
  assert.equal(ledger.stateOf(2), 'stored');
  assert.equal(ledger.storedBytes, BLOCK_BYTES + 1);
  assert.equal(ledger.openCount, 0);
  assert.throws(() => ledger.reopenLater(2), /bug/);
});

test('a piece is given up from every unfinished state', () => {
  const ledger = new Ledger(layout, new Bitfield(3));
  ledger.open(0, undefined);
  arrivedPiece(ledger, 1);
  arrivedPiece(ledger, 2);
  ledger.noteChecked(2);
  assert.equal(ledger.openCount, 3);
  for (const piece of [0, 1, 2]) {
    ledger.reopenLater(piece);
    assert.equal(ledger.stateOf(piece), 'wanted');
  }
  assert.equal(ledger.openCount, 0);
  assert.equal(ledger.storedBytes, 0);
});

test('what was stored before counts from the start', () => {
  const stored = new Bitfield(3);
  stored.add(2);
  stored.add(0);
  assert.equal(new Ledger(layout, stored).storedBytes, 3 * BLOCK_BYTES + 1);
  assert.ok(new Ledger(layout, Bitfield.full(3)).isComplete);
});
