// The disk's part of "resume": kills, power cuts, failed syncs and failed writes at random points of a download never
// lead to a claimed piece whose bytes are not right, and a kill costs no stored piece.
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { concatBytes, encodeBencode, type Random, randomBelow, seededRandom } from '../../src/base/index.ts';
import { sha1 } from '../../src/io/hash.ts';
import { ResumeFile } from '../../src/io/resume-file.ts';
import { TorrentDisk } from '../../src/io/torrent-disk.ts';
import { type Bitfield, NO_WISHES, parseInfo, type TorrentInfo } from '../../src/torrent/index.ts';
import { SEED } from '../seed.ts';
import { randomContent, temporaryFolder, until } from './loopback-node.ts';
import { VolatileStore } from './volatile-store.ts';

const BLOCK_BYTES = 16_384;
const MEMO = { metainfo: undefined, magnet: '', addedSeconds: 0, completedSeconds: 0, wishes: NO_WISHES } as const;

interface Subject {
  readonly info: TorrentInfo;
  readonly bytes: Buffer;
}
function subject(pieceLength: number, pieceCount: number): Subject {
  const bytes = randomContent(pieceLength * pieceCount);
  const hashes = Array.from({ length: pieceCount }, (_, i) =>
    sha1(bytes.subarray(i * pieceLength, (i + 1) * pieceLength)),
  );
  const raw = encodeBencode({
    length: bytes.length,
    name: 'a.bin',
    'piece length': pieceLength,
    pieces: concatBytes(hashes),
  });
  return { info: parseInfo(raw, sha1) as TorrentInfo, bytes };
}

/** One process's life with a disk. */
class Life {
  readonly home: string;
  readonly store: VolatileStore;
  readonly disk: TorrentDisk;
  readonly refusals: string[] = [];
  readonly losses: string[] = [];
  readonly #subject: Subject;
  readonly #resume: ResumeFile;
  stored!: Bitfield;

  constructor(subject: Subject, store: VolatileStore, home: string = temporaryFolder('life')) {
    const { info } = subject;
    this.#subject = subject;
    this.home = home;
    this.store = store;
    this.#resume = new ResumeFile(home, info.infoHash);
    this.disk = new TorrentDisk(
      { info, directory: '/volatile', sourcePaths: [] },
      this.#resume,
      {
        refused: (error) => this.refusals.push(`${error}`),
        lost: (error) => this.losses.push(error.message),
        drained: () => {},
      },
      store,
    );
  }

  async begin(): Promise<void> {
    this.stored = await this.disk.recall(await this.#resume.load(assert.fail), () => {});
    await this.save();
  }

  save(): Promise<void> {
    return this.disk.save(MEMO, this.stored, false);
  }

  /** The blocks of a piece arrive, all or only the first few. */
  arrive(piece: number, blocks: number = this.#subject.info.pieceLength / BLOCK_BYTES, from = 0): void {
    const start = piece * this.#subject.info.pieceLength;
    for (let offset = from * BLOCK_BYTES; offset < blocks * BLOCK_BYTES; offset += BLOCK_BYTES) {
      const bytes = this.#subject.bytes.subarray(start + offset, start + offset + BLOCK_BYTES);
      this.disk.intake.place(piece, offset, BLOCK_BYTES).set(bytes);
      this.disk.intake.arrived(piece, offset, BLOCK_BYTES);
    }
  }

  /** A piece whose blocks are there is stored, or stays in memory because the disk refuses. */
  async store1(piece: number): Promise<void> {
    assert.ok(await this.disk.intake.check(piece));
    await this.disk.storePiece(piece);
    this.stored.add(piece);
  }

  journal(): string {
    return join(this.home, `${this.#subject.info.infoHash}.journal`);
  }
  snapshot(): string {
    return join(this.home, `${this.#subject.info.infoHash}.resume`);
  }

  /** Pieces that are on disk as they should be, for whoever reads them now. */
  async rightPieces(): Promise<Set<number>> {
    const { info, bytes } = this.#subject;
    const right = new Set<number>();
    const found = Buffer.alloc(info.pieceLength);
    for (let piece = 0; piece < info.pieceCount; piece++) {
      const start = piece * info.pieceLength;
      await this.store.read(start, [found]);
      if (found.equals(bytes.subarray(start, start + info.pieceLength))) right.add(piece);
    }
    return right;
  }

  async assertRight(what: string): Promise<void> {
    const right = await this.rightPieces();
    for (let piece = 0; piece < this.stored.length; piece++) {
      if (this.stored.has(piece)) assert.ok(right.has(piece), `${what}: piece ${piece} is claimed and wrong`);
    }
  }
}

/** The next process, with the files of the memory as a stop at this moment leaves them. */
function nextLife(subject: Subject, life: Life, store: VolatileStore, journalFrom = life.journal()): Life {
  const next = new Life(subject, store);
  if (existsSync(life.snapshot())) copyFileSync(life.snapshot(), next.snapshot());
  if (existsSync(journalFrom)) copyFileSync(journalFrom, next.journal());
  return next;
}

function fakeTimers(t: TestContext): { tick(ms: number): void } {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  return t.mock.timers;
}

for (const [pieceLength, pieceCount, seeds] of [
  [2 * BLOCK_BYTES, 24, 25],
  [2 << 20, 4, 5],
] as const) {
  test(`kills, power cuts and disk failures in pieces of ${pieceLength} bytes never claim a wrong piece (seed ${SEED})`, async (t) => {
    const timers = fakeTimers(t);
    const content = subject(pieceLength, pieceCount);
    for (let seed = SEED; seed < SEED + seeds; seed++) {
      const random = seededRandom(seed);
      let life = new Life(content, new VolatileStore(content.info, random));
      await life.begin();
      for (let lives = 0; lives < 5; lives++) {
        const olderJournal = await liveOn(life, random, timers);
        const isPowerLoss = random() < 0.7;
        const next = isPowerLoss
          ? nextLife(content, life, life.store.afterPowerLoss(), random() < 0.2 ? olderJournal : undefined)
          : nextLife(content, life, life.store.afterKill());
        if (isPowerLoss) truncateSync(next.journal(), randomBelow(random, readFileSync(next.journal()).length + 1));
        const before = life.stored;
        life = next;
        await life.begin();
        await life.assertRight(`MONSOON_FUZZ_SEED=${seed}, life ${lives}`);
        if (isPowerLoss) continue;
        for (let piece = 0; piece < pieceCount; piece++) {
          assert.ok(!before.has(piece) || life.stored.has(piece), `seed ${seed}: a kill lost piece ${piece}`);
        }
      }
      // What the last start believed was in the system's memory perhaps; its snapshot must hold without it.
      const last = nextLife(content, life, life.store.afterPowerLoss());
      await last.begin();
      await last.assertRight(`MONSOON_FUZZ_SEED=${seed}, after the last start`);
    }
  });
}

/** Some random steps of a download; returns a journal from before the last snapshot. */
async function liveOn(life: Life, random: Random, timers: { tick(ms: number): void }): Promise<string> {
  const older = join(life.home, 'older');
  copyFileSync(life.journal(), older);
  const underWay: Promise<unknown>[] = [];
  for (let step = 0; step < 12; step++) {
    const piece = randomBelow(random, life.stored.length);
    const dice = random();
    if (dice < 0.1) life.store.syncFailures++;
    else if (dice < 0.15) life.store.writeFailures++;
    else if (dice < 0.3) timers.tick(1000);
    else if (dice < 0.35) underWay.push(life.disk.retry().catch(() => {}));
    else if (dice < 0.4) {
      copyFileSync(life.journal(), older);
      await life.save();
    } else if (!life.stored.has(piece) && dice < 0.55) {
      life.arrive(piece, Math.ceil(life.disk.layout.blocksOf(piece) / 2));
      life.disk.intake.drop(piece);
    } else if (!life.stored.has(piece)) {
      life.arrive(piece);
      await life.store1(piece).catch(() => life.disk.intake.drop(piece));
    }
    for (let turns = randomBelow(random, 6); turns > 0; turns--) await new Promise(setImmediate);
  }
  if (random() < 0.5) await Promise.all(underWay);
  return older;
}

test('a failed sync claims nothing, in the journal or in a snapshot; what it lost is written again and then claimed', async (t) => {
  const timers = fakeTimers(t);
  const content = subject(2 * BLOCK_BYTES, 4);
  const life = new Life(content, new VolatileStore(content.info, () => 0.99));
  await life.begin();
  life.arrive(1);
  await life.store1(1);
  life.store.syncFailures = 1;
  timers.tick(1000);
  await until('the failure', () => life.refusals.length > 0);
  life.store.syncFailures = 1;
  await life.save();
  const crashed = nextLife(content, life, life.store.afterPowerLoss());
  await crashed.begin();
  assert.equal(crashed.stored.count, 0, 'the pages were lost, and the memory does not say otherwise');
  await life.disk.retry();
  const again = nextLife(content, life, life.store.afterPowerLoss());
  await again.begin();
  await again.assertRight('after the retry');
  assert.ok(again.stored.has(1));
});

test('a failed sync loses what was written of pieces that are still arriving too: they are written again', async (t) => {
  const timers = fakeTimers(t);
  const content = subject(2 << 20, 2);
  const life = new Life(content, new VolatileStore(content.info, () => 0.99));
  await life.begin();
  life.arrive(0);
  await life.store1(0);
  const half = (1 << 20) / BLOCK_BYTES;
  life.arrive(1, half);
  // The first half is written at once, to free its memory.
  await until('the first half on disk', () => life.disk.intake.checkNow(1) === undefined);
  for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
  life.store.syncFailures = 1;
  timers.tick(1000);
  await until('the failure', () => life.refusals.length > 0);
  life.arrive(1, 2 * half, half);
  await life.store1(1);
  await life.disk.retry();
  const next = nextLife(content, life, life.store.afterPowerLoss());
  await next.begin();
  await next.assertRight('after the power cut');
  assert.equal(next.stored.count, 2);
});

test('a stored piece that is gone from memory and disk is reported as lost, and never claimed', async (t) => {
  const timers = fakeTimers(t);
  const content = subject(2 * BLOCK_BYTES, 2);
  const life = new Life(content, new VolatileStore(content.info, () => 0.99));
  await life.begin();
  life.arrive(0);
  await life.store1(0);
  life.store.syncFailures = 1;
  timers.tick(1000);
  await until('the failure', () => life.refusals.length > 0);
  life.store.dropCaches();
  await assert.rejects(life.disk.retry(), /the disk lost piece 0 of a\.bin/);
  assert.equal(life.losses.length, 1);
  const next = nextLife(content, life, life.store.afterKill());
  await next.begin();
  assert.equal(next.stored.count, 0);
});

test('a journal holds at most two records per piece, however often its blocks arrive', async (t) => {
  fakeTimers(t);
  const content = subject(2 << 20, 2);
  const life = new Life(content, new VolatileStore(content.info, Math.random));
  await life.begin();
  for (let round = 0; round < 20; round++) {
    life.arrive(0, 100);
    life.disk.intake.drop(0);
  }
  life.arrive(0);
  await life.store1(0);
  await life.disk.retry();
  assert.equal(readFileSync(life.journal()).length, 8 * (1 + 2));
});
