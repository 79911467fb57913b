// The store's process killed in the middle of writes of every kind; MONSOON_TEST_SEED repeats a run, MONSOON_KILLS sets
// how often it is killed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { InfoHash } from '../../src/base/index.ts';
import { type ListingStore, openListingStore } from '../../src/io/index.ts';
import { NOW } from './signer.ts';
import { perform, type Write, writeOf } from './store-writes.ts';
import { randomOf } from './titles.ts';

const SEED = Number(process.env.MONSOON_TEST_SEED ?? Date.now() & 0x7fffffff);
const KILLS = Number(process.env.MONSOON_KILLS ?? 3);
const WRITES_MAX = 12;
/** Longer than most writes take, so that the end of any may be hit. */
const DELAY_MS_MAX = 60;

function temporaryFile(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'monsoon-listing-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return join(directory, 'listing.db');
}

/** Lets a process write from a number on, and kills it after some writes and some time; returns how many were acknowledged. */
async function writeUntilKilled(file: string, first: number, rowsMax: number, random: () => number): Promise<number> {
  const args = [join(import.meta.dirname, 'store-writer.ts'), file, SEED, first, rowsMax].map(String);
  const writer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => writer.once('exit', resolve));
  const killAfter = 1 + Math.floor(random() * WRITES_MAX);
  const delayMs = random() * DELAY_MS_MAX;
  let acknowledged = first;
  let lines = 0;
  for await (const line of createInterface({ input: writer.stdout })) {
    acknowledged = Number(line);
    if (++lines === killAfter) void pause(delayMs).then(() => writer.kill('SIGKILL'));
  }
  await exited;
  assert.ok(lines >= killAfter, 'the writer wrote until it was killed');
  return acknowledged;
}

function assertSound(file: string, what: string): void {
  const sql = new DatabaseSync(file);
  assert.deepEqual({ ...sql.prepare('PRAGMA integrity_check').get() }, { integrity_check: 'ok' }, what);
  sql.exec(`INSERT INTO words (words) VALUES ('integrity-check')`);
  const unknown = sql
    .prepare('SELECT count(*) AS n FROM entry WHERE publisher NOT IN (SELECT id FROM publisher)')
    .get();
  assert.equal(unknown?.n, 0, what);
  sql.close();
}

/** All that is stored of entries and their counts, in an order that does not depend on rows' numbers. */
async function contents(store: ListingStore): Promise<string[]> {
  const lines: string[] = [];
  let cursor = '';
  for (let more = true; more; ) {
    const page = await store.changesSince(cursor, 1000);
    for (const { bytes, ...rest } of page.items) lines.push(`${bytes.toHex()} ${JSON.stringify(rest)}`);
    ({ cursor, more } = page);
  }
  return lines.sort();
}

/** What a killed write left is all of it or nothing: the model says which, and both go on from there. */
async function caughtUp(
  model: ListingStore,
  stored: readonly string[],
  done: number,
  acknowledged: number,
  infos: Set<InfoHash>,
): Promise<number> {
  let number = done;
  for (; number < acknowledged; number++) await performNoting(model, number, infos);
  if (same(stored, await contents(model))) return number;
  await performNoting(model, number, infos);
  assert.ok(same(stored, await contents(model)), `neither ${number} nor ${number + 1} writes are there, seed ${SEED}`);
  return number + 1;
}

async function performNoting(model: ListingStore, number: number, infos: Set<InfoHash>): Promise<void> {
  const write = writeOf(SEED, number);
  await perform(model, write, number);
  if (write.kind === 'info') infos.add(write.infoHash);
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, i) => line === b[i]);
}

test('kill -9 at any write leaves a sound file with all that was acknowledged, and of one write all or nothing', async (t) => {
  t.diagnostic(`seed ${SEED}`);
  const random = randomOf(SEED);
  const file = temporaryFile(t);
  const model = await openListingStore(':memory:', { rowsMax: 1_000_000, warn: assert.fail });
  t.after(() => model.close());
  const infos = new Set<InfoHash>();
  let done = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const acknowledged = await writeUntilKilled(file, done, 1_000_000, random);
    assertSound(file, `after ${acknowledged} writes, seed ${SEED}`);
    const store = await openListingStore(file, { rowsMax: 1_000_000, warn: assert.fail });
    done = await caughtUp(model, await contents(store), done, acknowledged, infos);
    for (const infoHash of infos) assert.deepEqual(await store.getInfo(infoHash), await model.getInfo(infoHash));
    await assertSearched(store, model);
    await store.close();
  }
  t.diagnostic(`${done} writes, ${await model.rowCount()} rows`);
});

/** The words of the index are those of the rows. */
async function assertSearched(store: ListingStore, model: ListingStore): Promise<void> {
  for (const text of ['the', 'silicon valley', 'movie tag:tv', '1080p -the']) {
    const [found, wanted] = await Promise.all([store, model].map((each) => each.list({ text, limit: 0 }, NOW)));
    assert.equal(found?.total, wanted?.total, `${text}, seed ${SEED}`);
  }
  assert.equal(await store.rowCount(), await model.rowCount());
}

test('kill -9 while rows are evicted leaves a sound file within its cap, with all that is pinned', async (t) => {
  t.diagnostic(`seed ${SEED}`);
  const random = randomOf(SEED + 1);
  const file = temporaryFile(t);
  const rowsMax = 700;
  let done = 0;
  for (let kill = 0; kill < Math.ceil(KILLS / 2); kill++) {
    done = await writeUntilKilled(file, done, rowsMax, random);
    assertSound(file, `after ${done} writes, seed ${SEED}`);
    const store = await openListingStore(file, { rowsMax, warn: assert.fail });
    assert.ok((await contents(store)).length <= rowsMax, `seed ${SEED}`);
    for (const [key, item] of pinnedBy(done)) {
      const stored = await store.getEntry(item.entry.infoHash, item.entry.publisher);
      assert.ok(stored, `${key} is gone, seed ${SEED}`);
    }
    await store.close();
  }
});

/** The entries that were pinned by so many writes. */
function pinnedBy(writes: number) {
  const items = Array.from({ length: writes }, (_, number) => writeOf(SEED, number)).flatMap((write: Write) =>
    write.kind === 'put' ? write.items.filter(({ isPinned }) => isPinned) : [],
  );
  return new Map(items.map((item) => [`${item.entry.infoHash} ${item.entry.publisher}`, item]));
}
