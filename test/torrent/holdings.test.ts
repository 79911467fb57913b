// What peers say they have, and the counts that follow from it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant, isFault } from '../../src/base/index.ts';
import { Holdings, type SaidSet } from '../../src/torrent/holdings.ts';
import { LinkState } from '../../src/torrent/link-state.ts';
import type { Picker } from '../../src/torrent/picker.ts';

const PIECES = 11;

function begin() {
  const counts = new Array<number>(PIECES).fill(0);
  let changes = 0;
  const count = (piece: number, by: number): void => {
    counts[piece]! += by;
    changes++;
  };
  const picker = { noteHas: (piece: number) => count(piece, 1), noteGone: (piece: number) => count(piece, -1) };
  const holdings = new Holdings(PIECES, picker as unknown as Picker);
  const link = new LinkState(1, { host: '10.0.0.1', port: 1 }, true, PIECES, instant(0));
  const say = (set: SaidSet) => holdings.takeSet(link, set);
  return { holdings, link, say, counts: () => counts.join(''), changes: () => changes };
}

test('a bitfield that is said again with more counts what is new, and one that says everything counts nothing', () => {
  const { holdings, link, say, counts, changes } = begin();
  assert.equal(say(Uint8Array.of(0b1010_0000, 0b0010_0000)), undefined);
  assert.equal(counts(), '10100000001');
  for (let i = 0; i < 100; i++) assert.equal(say(Uint8Array.of(0b1010_0000, 0b0010_0000)), undefined);
  assert.equal(changes(), 3, 'what is known costs no more than a look');
  say(Uint8Array.of(0b1110_0001, 0b0010_0000));
  assert.equal(counts(), '11100001001');
  assert.equal(holdings.takeOne(link, 3), true);
  assert.equal(counts(), '11110001001');
  say(Uint8Array.of(0xff, 0b1110_0000));
  assert.equal(counts(), '00000000000');
  assert.ok(link.isSeed);
});

test('nobody takes back what it had, but the first that it says of all may be less than it said of each', () => {
  const { holdings, link, say, counts, changes } = begin();
  holdings.takeOne(link, 0);
  assert.equal(say(Uint8Array.of(0b0100_0000, 0)), undefined);
  assert.equal(counts(), '01000000000');
  const before = changes();
  for (const less of [Uint8Array.of(0b1000_0000, 0), 'haveNone'] as const) {
    const wrong = say(less);
    assert.ok(isFault(wrong) && wrong.code === 'bitfield-wrong');
  }
  assert.equal(changes(), before);
  holdings.forget(link);
  assert.equal(counts(), '00000000000');
});
