// Arriving blocks in every order: a good piece is found good and written, a bad one found bad.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { encodeBencode, isFault, seededRandom } from '../../src/base/index.ts';
import { FileStore } from '../../src/io/file-store.ts';
import { sha1 } from '../../src/io/hash.ts';
import { type IntakeEvents, PieceIntake } from '../../src/io/piece-intake.ts';
import { giveSegment, isForThread, takeSegment } from '../../src/io/segments.ts';
import { parseInfo } from '../../src/torrent/index.ts';
import { BLOCK_BYTES } from '../../src/wire/index.ts';
import { SEED } from '../seed.ts';
import { randomContent, temporaryFolder } from './loopback-node.ts';

const MIB = 2 ** 20;
const random = seededRandom(SEED);
const EVENTS: IntakeEvents = {
  touched: () => {},
  writeFailed: (error) => assert.fail(`${error}`),
  drained: () => {},
};

/** How blocks may come; the last swaps some neighbours, as two peers at once would. */
const ORDERS: Record<string, (blocks: number[]) => number[]> = {
  'in order': (blocks) => blocks,
  backwards: (blocks) => blocks.toReversed(),
  'in any order': (blocks) => byKey(blocks, () => random()),
  'nearly in order': (blocks) => byKey(blocks, (block) => (block % 8 === 1 ? block - 1.5 : block)),
};

function byKey(blocks: readonly number[], keyOf: (block: number) => number): number[] {
  const keyed = blocks.map((block) => ({ block, key: keyOf(block) }));
  return keyed.toSorted((a, b) => a.key - b.key).map(({ block }) => block);
}

for (const pieceLength of [65_536, MIB, 4 * MIB]) {
  for (const [name, order] of Object.entries(ORDERS)) {
    test(`blocks of a piece of ${pieceLength / 1024} KiB, ${name} (seed ${SEED})`, async (t) => {
      // The second piece is shorter, and ends with a short block.
      const content = randomContent(pieceLength + pieceLength / 2 + 100);
      const pieces = [content.subarray(0, pieceLength), content.subarray(pieceLength)];
      const raw = { name: 'it', 'piece length': pieceLength, pieces: Buffer.concat(pieces.map(sha1)) };
      const info = parseInfo(encodeBencode({ ...raw, length: content.length }), sha1);
      assert.ok(!isFault(info));
      const store = new FileStore({ info, directory: temporaryFolder('intake'), sourcePaths: [] });
      t.after(() => store.close());
      let drained = 0;
      const events = { ...EVENTS, drained: () => drained++ };
      const intake = new PieceIntake(store, info.pieceHashes, events);
      for (const [piece, bytes] of pieces.entries()) {
        for (const isGood of [false, true]) {
          const blocks = order([...Array(Math.ceil(bytes.length / BLOCK_BYTES)).keys()]);
          const wrong = isGood ? undefined : blocks[Math.floor(random() * blocks.length)];
          for (const block of blocks) {
            const offset = block * BLOCK_BYTES;
            const given = bytes.subarray(offset, offset + BLOCK_BYTES);
            const place = intake.place(piece, offset, given.length);
            place.set(given);
            if (block === wrong) place[7]! ^= 1;
            intake.arrived(piece, offset, given.length);
          }
          assert.equal(intake.checkNow(piece) ?? (await intake.check(piece)), isGood);
          if (isGood) await intake.store(piece);
          else intake.drop(piece);
        }
      }
      const found = Buffer.alloc(content.length);
      await store.read(0, [found], found.length);
      assert.ok(found.equals(content));
      assert.equal(intake.waitingBytes, 0);
      assert.equal(drained > 0, pieceLength > MIB, 'whoever waits for memory hears of it');
    });
  }
}

test('a piece whose later parts find no room in the memory of the thread is good all the same', async (t) => {
  const content = randomContent(4 * MIB);
  const raw = { name: 'it', 'piece length': content.length, pieces: sha1(content), length: content.length };
  const info = parseInfo(encodeBencode(raw), sha1);
  assert.ok(!isFault(info));
  const store = new FileStore({ info, directory: temporaryFolder('room'), sourcePaths: [] });
  t.after(() => store.close());
  const intake = new PieceIntake(store, info.pieceHashes, EVENTS);
  const arrive = (segment: number): void => {
    intake.place(0, segment * MIB, MIB).set(content.subarray(segment * MIB, (segment + 1) * MIB));
    intake.arrived(0, segment * MIB, MIB);
  };
  for (const first = takeSegment(MIB); !isForThread(first); await turn());
  arrive(0);
  const taken: Uint8Array[] = [];
  do taken.push(takeSegment(MIB));
  while (isForThread(taken.at(-1)!));
  for (const segment of [1, 2]) arrive(segment);
  for (const bytes of taken) giveSegment(bytes);
  arrive(3);
  assert.equal(await intake.check(0), true);
  await intake.store(0);
  const found = Buffer.alloc(content.length);
  await store.read(0, [found], found.length);
  assert.ok(found.equals(content));
});

test('what arrives again while the first of it is being hashed and written ends as it should', async (t) => {
  const content = randomContent(65_536);
  const raw = { name: 'it', 'piece length': content.length, pieces: sha1(content), length: content.length };
  const info = parseInfo(encodeBencode(raw), sha1);
  assert.ok(!isFault(info));
  const store = new FileStore({ info, directory: temporaryFolder('again'), sourcePaths: [] });
  t.after(() => store.close());
  const touched: number[] = [];
  const intake = new PieceIntake(store, info.pieceHashes, { ...EVENTS, touched: (piece) => touched.push(piece) });
  const arrive = (): void => {
    intake.place(0, 0, content.length).set(content);
    intake.arrived(0, 0, content.length);
  };
  // Until the thread takes pieces they are hashed here, which says nothing of what is asked.
  for (arrive(); intake.checkNow(0) !== undefined; arrive()) {
    intake.drop(0);
    await turn();
  }
  const dropped = intake.check(0);
  intake.drop(0);
  arrive();
  assert.equal(await intake.check(0), true);
  await intake.store(0);
  assert.equal(await dropped, undefined, 'what is said now is about the second');
  const found = Buffer.alloc(content.length);
  await store.read(0, [found], found.length);
  assert.ok(found.equals(content));
  assert.deepEqual(touched, [0, 0]);
});
