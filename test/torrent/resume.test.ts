import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, isFault, randomBelow, seededRandom } from '../../src/base/index.ts';
import {
  Bitfield,
  encodeJournalRecord,
  encodeSnapshot,
  JOURNAL,
  JOURNAL_RECORD_BYTES,
  parseSnapshot,
  replayJournal,
  type Snapshot,
} from '../../src/torrent/index.ts';
import { eachSeed, randomBytes, SEED } from '../seed.ts';

const snapshot: Snapshot = {
  metainfo: Uint8Array.of(1, 2, 3),
  magnet: 'magnet:?xt=urn:btih:1',
  directory: '/home/ünï/Downloads',
  sourcePaths: ['/a', '/b'],
  have: Uint8Array.of(0x80),
  wishes: {
    rules: [
      { files: '0,2-4', priority: 0 },
      { files: 'é*', priority: 3 },
    ],
    isSequential: true,
  },
  modifiedMs: [1_700_000_000_123, 0],
  addedSeconds: 5,
  completedSeconds: 6,
};

const pieces = (stored: Bitfield): number[] => [...Array(stored.length).keys()].filter((piece) => stored.has(piece));

test('a snapshot reads back as it was written, with and without metadata', () => {
  assert.deepEqual(parseSnapshot(encodeSnapshot(snapshot)), snapshot);
  const bare = { ...snapshot, metainfo: undefined, sourcePaths: [], modifiedMs: [], have: new Uint8Array(0) };
  assert.deepEqual(parseSnapshot(encodeSnapshot(bare)), bare);
});

test('a snapshot cut at any byte is damaged, never guessed', () => {
  const whole = encodeSnapshot(snapshot);
  for (let length = 0; length < whole.length; length++)
    assert.ok(isFault(parseSnapshot(whole.subarray(0, length))), `${length} bytes`);
});

test(`a snapshot with changed bytes is damaged or a snapshot (seed ${SEED})`, () => {
  eachSeed(3000, (seed) => {
    const random = seededRandom(seed);
    const bytes = encodeSnapshot(snapshot);
    bytes[randomBelow(random, bytes.length)] = randomBelow(random, 256);
    const parsed = parseSnapshot(bytes);
    if (isFault(parsed)) return;
    assert.ok(parsed.have instanceof Uint8Array && typeof parsed.directory === 'string');
    assert.ok(Number.isFinite(parsed.addedSeconds) && parsed.modifiedMs.every(Number.isFinite));
  });
});

/** A journal, and what is true after each of its records. */
function story(
  random: () => number,
  pieceCount: number,
): { records: Uint8Array[]; touched: Set<number>[]; stored: Set<number>[] } {
  const records: Uint8Array[] = [];
  const touched = [new Set<number>()];
  const stored = [new Set<number>([0])];
  for (let step = 0; step < 30; step++) {
    const piece = randomBelow(random, pieceCount);
    const isClaim = random() < 0.5;
    records.push(encodeJournalRecord(isClaim ? JOURNAL.claimed : JOURNAL.touched, piece));
    const [suspects, ours] = [new Set(touched.at(-1)), new Set(stored.at(-1))];
    if (isClaim) {
      ours.add(piece);
      suspects.delete(piece);
    } else {
      ours.delete(piece);
      suspects.add(piece);
    }
    touched.push(suspects);
    stored.push(ours);
  }
  return { records, touched, stored };
}

const MARK = 0xfeed_face;
const head = encodeJournalRecord(JOURNAL.follows, MARK);

test(`a journal cut at any byte tells what its whole records tell (seed ${SEED})`, () => {
  eachSeed(40, (seed) => {
    const random = seededRandom(seed);
    const pieceCount = 1 + randomBelow(random, 1000);
    const have = new Bitfield(pieceCount);
    have.add(0);
    const { records, touched, stored } = story(random, pieceCount);
    const journal = concatBytes([head, ...records]);
    for (let length = 0; length <= journal.length; length++) {
      const replayed = replayJournal(pieceCount, have.bytes, journal.subarray(0, length), MARK);
      const whole = Math.max(0, Math.floor(length / JOURNAL_RECORD_BYTES) - 1);
      assert.deepEqual(new Set(pieces(replayed.stored)), stored[whole]);
      assert.deepEqual(replayed.suspect, touched[whole]);
    }
  });
});

test(`no flipped bit of a journal makes it claim a piece; what it hides is looked at again (seed ${SEED})`, () => {
  eachSeed(5, (seed) => {
    const random = seededRandom(seed);
    const pieceCount = 2 ** (1 + randomBelow(random, 20));
    const order = [...new Set(Array.from({ length: 12 }, () => randomBelow(random, pieceCount)))];
    const claimed = order.slice(0, -2);
    const journal = concatBytes([
      head,
      ...order.map((piece) => encodeJournalRecord(JOURNAL.touched, piece)),
      ...claimed.map((piece) => encodeJournalRecord(JOURNAL.claimed, piece)),
    ]);
    const { stored: truth } = replayJournal(pieceCount, new Uint8Array(0), journal, MARK);
    assert.deepEqual(new Set(pieces(truth)), new Set(claimed));
    for (let bit = 0; bit < journal.length * 8; bit++) {
      journal[bit >> 3]! ^= 1 << (bit & 7);
      const { stored, suspect } = replayJournal(pieceCount, new Uint8Array(0), journal, MARK);
      const right = claimed.filter((piece) => stored.has(piece));
      assert.equal(stored.count, right.length, `bit ${bit} claims what is not there`);
      for (const piece of suspect) assert.ok(order.includes(piece), `bit ${bit} suspects ${piece}`);
      for (const piece of claimed) assert.ok(stored.has(piece) || suspect.has(piece), `bit ${bit} forgets ${piece}`);
      journal[bit >> 3]! ^= 1 << (bit & 7);
    }
  });
});

test('a journal of an older snapshot claims nothing: what it names is hashed, what the snapshot has is believed', () => {
  const have = new Bitfield(8);
  have.add(0);
  const journal = concatBytes([
    head,
    encodeJournalRecord(JOURNAL.claimed, 0),
    encodeJournalRecord(JOURNAL.claimed, 1),
    encodeJournalRecord(JOURNAL.touched, 2),
  ]);
  for (const other of [journal, journal.subarray(JOURNAL_RECORD_BYTES)]) {
    const { stored, suspect } = replayJournal(8, have.bytes, other, MARK + 1);
    assert.deepEqual(pieces(stored), [0]);
    assert.deepEqual(suspect, new Set([1, 2]));
  }
});

test(`a record torn in the middle, zeros or garbage between records claim nothing (seed ${SEED})`, () => {
  eachSeed(300, (seed) => {
    const random = seededRandom(seed);
    const pieceCount = 1 + randomBelow(random, 70_000);
    const claim = (piece: number): Uint8Array => encodeJournalRecord(JOURNAL.claimed, piece);
    const [first, torn, last] = [0, 0, 0].map(() => randomBelow(random, pieceCount)) as [number, number, number];
    const between = [
      claim(torn).subarray(0, randomBelow(random, JOURNAL_RECORD_BYTES)),
      new Uint8Array(20),
      randomBytes(random, 30),
    ][seed % 3]!;
    const journal = concatBytes([head, claim(first), between, claim(last)]);
    const { stored } = replayJournal(pieceCount, new Uint8Array(0), journal, MARK);
    assert.deepEqual(new Set(pieces(stored)), new Set([first, last]));
  });
});

test('records of pieces that do not exist, and a have of the wrong size, are not believed', () => {
  const journal = concatBytes([
    head,
    encodeJournalRecord(JOURNAL.claimed, 8),
    encodeJournalRecord(JOURNAL.claimed, 0xffff_ffff),
  ]);
  const { stored, suspect } = replayJournal(8, Uint8Array.of(0xff, 0xff), journal, MARK);
  assert.equal(stored.count, 0);
  assert.equal(suspect.size, 0);
});
