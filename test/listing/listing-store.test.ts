import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { isFault, MonsoonError, wallSeconds } from '../../src/base/index.ts';
import { type ListingStore, type ListingStoreOptions, openListingStore } from '../../src/io/index.ts';
import { openEntry } from '../../src/listing/index.ts';
import { infoHashOf, NOW, nodeIdOf, storedItem } from './signer.ts';

const LATER = wallSeconds(NOW + 7200);

async function memoryStore(t: TestContext, options: Partial<ListingStoreOptions> = {}): Promise<ListingStore> {
  const store = await openListingStore(':memory:', { rowsMax: 1000, warn: assert.fail, ...options });
  t.after(() => store.close());
  return store;
}

function temporaryFile(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'monsoon-listing-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return join(directory, 'listing.db');
}

test('a stored entry is found by hash, prefix, name and in the list, with unknown counts as null', async (t) => {
  const store = await memoryStore(t);
  const item = storedItem({}, { isVerified: true });
  assert.equal(await store.put([item], NOW), 1);
  const row = await store.get(infoHashOf(1), NOW);
  const { infoHash, name, size, files, category, tags, description, publisher } = item.entry;
  assert.deepEqual(row, {
    ...{ infoHash, name, size, files, category, tags, description, publisher, added: NOW },
    ...{ seeders: null, leechers: null, completions: null, countsFrom: null, countsAgeSeconds: null, verified: true },
  });
  assert.deepEqual(await store.findByPrefix(infoHash.slice(0, 7).toUpperCase(), NOW), [row]);
  assert.deepEqual(await store.findByPrefix('', NOW), []);
  assert.deepEqual(await store.findByPrefix('00000002', NOW), []);
  assert.deepEqual(await store.findByName('silicon VALLEY', NOW), [row]);
  assert.deepEqual(await store.list({}, NOW), [row]);
  assert.equal(await store.rowCount(), 1);
  assert.deepEqual(await store.getEntry(infoHash, publisher), item.bytes);
  assert.equal(await store.get(infoHashOf(2), NOW), undefined);
});

test('only a higher sequence of the same publisher replaces an entry', async (t) => {
  const store = await memoryStore(t);
  await store.put([storedItem({ sequence: 5, description: 'five' })], NOW);
  assert.equal(await store.put([storedItem({ sequence: 4, description: 'four' })], NOW), 0);
  assert.equal(await store.put([storedItem({ sequence: 5, description: 'other five' })], NOW), 0);
  assert.equal((await store.get(infoHashOf(1), NOW))?.description, 'five');
  assert.equal(await store.put([storedItem({ sequence: 6, description: 'six' })], NOW), 1);
  assert.equal((await store.get(infoHashOf(1), NOW))?.description, 'six');
});

test('a withdrawn entry is not listed, stays as a tombstone, and its old version does not come back', async (t) => {
  const store = await memoryStore(t);
  const published = storedItem({ sequence: 1 });
  await store.put([published], NOW);
  await store.put([storedItem({ sequence: 2, isWithdrawn: true, name: '', files: 0 })], NOW);
  assert.equal(await store.put([published], NOW), 0);
  assert.equal(await store.get(infoHashOf(1), NOW), undefined);
  assert.equal(await store.rowCount(), 0);
  const [change] = (await store.changesSince('', 10)).items;
  const tombstone = openEntry(change!.bytes, () => true, NOW);
  assert.ok(!isFault(tombstone) && tombstone.isWithdrawn);
});

test('several publishers of one hash show as one row: verified first, then oldest', async (t) => {
  const store = await memoryStore(t);
  const byOne = storedItem({ publisher: nodeIdOf(1), published: wallSeconds(NOW - 10), name: 'fake' });
  const byTwo = storedItem({ publisher: nodeIdOf(2), published: NOW }, { isVerified: true });
  const byThree = storedItem({ publisher: nodeIdOf(3), published: wallSeconds(NOW - 5) }, { isVerified: true });
  const shown = async (): Promise<unknown> => (await store.list({}, NOW)).map(({ publisher }) => publisher);
  await store.put([byOne], NOW);
  assert.deepEqual(await shown(), [nodeIdOf(1)]);
  await store.put([byTwo], NOW);
  assert.deepEqual(await shown(), [nodeIdOf(2)]);
  await store.put([byThree], NOW);
  assert.deepEqual(await shown(), [nodeIdOf(3)]);
  await store.put([storedItem({ publisher: nodeIdOf(3), sequence: 2, isWithdrawn: true })], NOW);
  assert.deepEqual(await shown(), [nodeIdOf(2)]);
  assert.equal(await store.rowCount(), 1);
});

test('at most 16 publishers of one hash are kept, and a verified one gets in', async (t) => {
  const store = await memoryStore(t);
  const crowd = Array.from({ length: 40 }, (_, i) => storedItem({ publisher: nodeIdOf(i), published: wallSeconds(i) }));
  await store.put(crowd, NOW);
  assert.equal((await store.changesSince('', 1000)).items.length, 16);
  assert.equal(await store.put([storedItem({ publisher: nodeIdOf(99) }, { isVerified: true })], NOW), 1);
  assert.equal((await store.get(infoHashOf(1), NOW))?.publisher, nodeIdOf(99));
  assert.equal((await store.changesSince('', 1000)).items.length, 16);
});

test('an entry that comes again may become verified, and an edit of its description leaves it so', async (t) => {
  const store = await memoryStore(t);
  await store.put([storedItem()], NOW);
  assert.equal(await store.put([storedItem({}, { isVerified: true })], NOW), 1);
  await store.put([storedItem({ sequence: 2, description: 'new words' })], NOW);
  assert.equal((await store.get(infoHashOf(1), NOW))?.verified, true);
  await store.put([storedItem({ sequence: 3, name: 'new name' })], NOW);
  assert.equal((await store.get(infoHashOf(1), NOW))?.verified, false);
});

test('counts carry their source and age, a missing one stays unknown, older ones are ignored', async (t) => {
  const store = await memoryStore(t);
  await store.put([storedItem()], NOW);
  await store.setCounts([{ infoHash: infoHashOf(1), seeders: 0, completions: 9 }], nodeIdOf(5), NOW);
  const counted = await store.get(infoHashOf(1), wallSeconds(NOW + 60));
  assert.deepEqual(
    [counted?.seeders, counted?.leechers, counted?.completions, counted?.countsFrom, counted?.countsAgeSeconds],
    [0, null, 9, nodeIdOf(5), 60],
  );
  await store.setCounts([{ infoHash: infoHashOf(1), seeders: 99 }], nodeIdOf(6), wallSeconds(NOW - 1));
  assert.equal((await store.get(infoHashOf(1), NOW))?.seeders, 0);
  await store.setCounts([{ infoHash: infoHashOf(1) }], nodeIdOf(6), LATER);
  assert.equal((await store.get(infoHashOf(1), NOW))?.countsFrom, nodeIdOf(5), 'who counted nothing says nothing');
  await store.put([storedItem({ publisher: nodeIdOf(1), published: wallSeconds(0) })], NOW);
  assert.equal((await store.get(infoHashOf(1), NOW))?.completions, 9, 'another publisher of the same hash keeps them');
  await store.setCounts([{ infoHash: infoHashOf(404), seeders: 1 }], nodeIdOf(5), NOW);
});

test('rows sort by age, seeds, size, completions and name, unknown counts last', async (t) => {
  const store = await memoryStore(t);
  const rows = [
    { number: 1, name: 'banana', size: 30, published: 100, category: 'music', seeders: 5, completions: 1 },
    { number: 2, name: 'Apple', size: 10, published: 300, category: 'movie', seeders: undefined, completions: 7 },
    { number: 3, name: 'cherry', size: 20, published: 200, category: 'music', seeders: 50, completions: undefined },
  ] as const;
  for (const { number, name, size, published, category, seeders, completions } of rows) {
    const infoHash = infoHashOf(number);
    await store.put([storedItem({ infoHash, name, size, category, published: wallSeconds(published) })], NOW);
    const counts = { infoHash, ...(seeders && { seeders }), ...(completions && { completions }) };
    await store.setCounts([counts], nodeIdOf(5), NOW);
  }
  const names = async (query: Parameters<ListingStore['list']>[0]): Promise<string[]> =>
    (await store.list(query, NOW)).map(({ name }) => name);
  assert.deepEqual(await names({}), ['Apple', 'cherry', 'banana']);
  assert.deepEqual(await names({ sort: 'seeds' }), ['cherry', 'banana', 'Apple']);
  assert.deepEqual(await names({ sort: 'size' }), ['banana', 'cherry', 'Apple']);
  assert.deepEqual(await names({ sort: 'done' }), ['Apple', 'banana', 'cherry']);
  assert.deepEqual(await names({ sort: 'name' }), ['Apple', 'banana', 'cherry']);
  assert.deepEqual(await names({ category: 'music' }), ['cherry', 'banana']);
  assert.deepEqual(await names({ category: "misc' OR 1=1 --" }), []);
  assert.deepEqual(await names({ limit: 1, offset: 1 }), ['cherry']);
  assert.deepEqual(await names({ limit: -1 }), []);
  assert.equal((await names({ limit: 1e12, offset: -5 })).length, 3);
  assert.equal(await store.rowCount('music'), 2);
});

test('changes come in order, page by page, each entry at its newest change', async (t) => {
  const store = await memoryStore(t);
  const hashes = Array.from({ length: 25 }, (_, i) => infoHashOf(i));
  await store.put(
    hashes.map((infoHash) => storedItem({ infoHash })),
    NOW,
  );
  const seen: Uint8Array[] = [];
  let cursor = '';
  for (let more = true; more; ) {
    const page = await store.changesSince(cursor, 10);
    assert.ok(page.items.length <= 10);
    seen.push(...page.items.map(({ bytes }) => bytes));
    ({ cursor, more } = page);
  }
  assert.equal(new Set(seen.map((bytes) => Buffer.from(bytes).toString('hex'))).size, 25);
  assert.deepEqual(await store.changesSince(cursor, 10), { cursor, more: false, items: [] });
  await store.setCounts([{ infoHash: infoHashOf(3), seeders: 4 }], nodeIdOf(5), NOW);
  const changed = await store.changesSince(cursor, 10);
  assert.deepEqual(
    changed.items.map(({ counts, countsFrom, countsAt }) => ({ counts, countsFrom, countsAt })),
    [{ counts: { seeders: 4 }, countsFrom: nodeIdOf(5), countsAt: NOW }],
  );
  await store.setCounts([{ infoHash: infoHashOf(3), seeders: 4 }], nodeIdOf(5), LATER);
  assert.equal((await store.changesSince(changed.cursor, 10)).items.length, 0, 'the same count is no change');
  assert.equal((await store.changesSince('0a0a0a.99999', 1000)).items.length, 25, 'a foreign cursor starts anew');
});

test('at the cap the entries unseen for longest go, and pinned ones stay', async (t) => {
  const store = await memoryStore(t, { rowsMax: 10 });
  await store.put([storedItem({ infoHash: infoHashOf(0) }, { isPinned: true })], NOW);
  const others = Array.from({ length: 9 }, (_, i) => storedItem({ infoHash: infoHashOf(i + 1) }));
  await store.put(others, NOW);
  await store.put(others.slice(0, 3), LATER);
  const fresh = Array.from({ length: 6 }, (_, i) => storedItem({ infoHash: infoHashOf(i + 100) }));
  await store.put(fresh, LATER);
  assert.equal(await store.rowCount(), 10);
  const kept = new Set((await store.list({}, NOW)).map(({ infoHash }) => infoHash));
  assert.deepEqual(kept, new Set([0, 1, 2, 3, 100, 101, 102, 103, 104, 105].map(infoHashOf)));
});

test('a listing full of own entries says so instead of growing or forgetting', async (t) => {
  const store = await memoryStore(t, { rowsMax: 2 });
  const own = [0, 1, 2].map((number) => storedItem({ infoHash: infoHashOf(number) }, { isPinned: true }));
  await store.put(own.slice(0, 2), NOW);
  await assert.rejects(store.put(own.slice(2), NOW), { name: 'MonsoonError', code: 'refused' });
  assert.equal(await store.rowCount(), 2);
  await store.put([storedItem({ infoHash: infoHashOf(9) })], NOW);
  assert.equal(await store.rowCount(), 2);
});

test('info dictionaries are kept within their bytes, the oldest going first', async (t) => {
  const store = await memoryStore(t, { infoBytesMax: 1000 });
  await store.put([storedItem({ infoHash: infoHashOf(1) }, { isPinned: true })], NOW);
  for (const number of [1, 2, 3]) {
    assert.equal(await store.putInfo(infoHashOf(number), new Uint8Array(400).fill(number)), true);
  }
  assert.deepEqual(await store.getInfo(infoHashOf(1)), new Uint8Array(400).fill(1), 'ours stays');
  assert.equal(await store.getInfo(infoHashOf(2)), undefined);
  assert.deepEqual(await store.getInfo(infoHashOf(3)), new Uint8Array(400).fill(3));
  assert.equal(await store.putInfo(infoHashOf(4), new Uint8Array(1001)), false);
});

test('a closed store keeps its rows and its cursors, and refuses calls', async (t) => {
  const file = temporaryFile(t);
  const first = await openListingStore(file, { rowsMax: 100, warn: assert.fail });
  await first.put([storedItem()], NOW);
  await first.putInfo(infoHashOf(1), Uint8Array.of(1, 2));
  const { cursor } = await first.changesSince('', 10);
  await first.close();
  await first.close();
  await assert.rejects(first.rowCount(), MonsoonError);
  const second = await openListingStore(file, { rowsMax: 100, warn: assert.fail });
  t.after(() => second.close());
  assert.equal(await second.rowCount(), 1);
  assert.deepEqual(await second.getInfo(infoHashOf(1)), Uint8Array.of(1, 2));
  await second.put([storedItem({ infoHash: infoHashOf(2) })], NOW);
  assert.equal((await second.changesSince(cursor, 10)).items.length, 1);
});

test('a second process that opens the same listing is told that it is in use', async (t) => {
  const file = temporaryFile(t);
  const first = await openListingStore(file, { rowsMax: 100, warn: assert.fail });
  t.after(() => first.close());
  await first.put([storedItem()], NOW);
  await assert.rejects(openListingStore(file, { rowsMax: 100, warn: assert.fail }), { code: 'busy' });
});

test('a listing in a folder that does not exist is a disk error that names the file', async () => {
  await assert.rejects(openListingStore('/nonexistent/listing.db', { rowsMax: 1, warn: assert.fail }), {
    code: 'disk',
    message: /\/nonexistent\/listing\.db/,
  });
});

for (const [damage, at] of [
  ['a file that is no database', 0],
  ['a page overwritten in the middle', 4096 * 4],
] as const) {
  test(`${damage} is set aside under a name that the warning tells, and the listing goes on`, async (t) => {
    const file = temporaryFile(t);
    const first = await openListingStore(file, { rowsMax: 5000, warn: assert.fail });
    await first.put(
      Array.from({ length: 2000 }, (_, i) => storedItem({ infoHash: infoHashOf(i) })),
      NOW,
    );
    await first.close();
    const size = statSync(file).size;
    const descriptor = openSync(file, 'r+');
    writeSync(descriptor, Buffer.alloc(4096 * 20, 0x5a), 0, 4096 * 20, at);
    closeSync(descriptor);
    const warnings: string[] = [];
    const second = await openListingStore(file, { rowsMax: 5000, warn: (text) => warnings.push(text) });
    t.after(() => second.close());
    await second.changesSince('', 1000);
    await second.list({ sort: 'name', limit: 1000 }, NOW);
    await second.put([storedItem()], NOW);
    assert.equal(await second.rowCount(), 1);
    assert.equal(warnings.length, 1);
    assert.ok(warnings[0]?.includes(`${file}.damaged-1`));
    assert.equal(statSync(`${file}.damaged-1`).size, size);
  });
}

test('an older damaged copy is never overwritten', async (t) => {
  const file = temporaryFile(t);
  writeFileSync(`${file}.damaged-1`, 'the older one');
  writeFileSync(file, 'x'.repeat(10_000));
  const store = await openListingStore(file, { rowsMax: 10, warn: () => {} });
  await store.close();
  assert.deepEqual(readdirSync(join(file, '..')).toSorted(), [
    'listing.db',
    'listing.db.damaged-1',
    'listing.db.damaged-2',
  ]);
  assert.equal(statSync(`${file}.damaged-1`).size, 13);
});

test('kill -9 in the middle of writing loses nothing that was acknowledged', async (t) => {
  const file = temporaryFile(t);
  let acknowledged = 0;
  for (const killAfter of [3, 11, 20]) {
    const writer = spawn(process.execPath, [join(import.meta.dirname, 'store-writer.ts'), file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = new Promise((resolve) => writer.once('exit', resolve));
    let lines = 0;
    for await (const line of createInterface({ input: writer.stdout })) {
      acknowledged = Number(line);
      if (++lines === killAfter) writer.kill('SIGKILL');
    }
    await exited;
    assert.ok(lines >= killAfter);
    const store = await openListingStore(file, { rowsMax: 1_000_000, warn: assert.fail });
    const rows = await store.rowCount();
    await store.close();
    assert.ok(rows >= acknowledged, `${rows} of ${acknowledged} rows`);
    assert.equal(rows % 50, 0, 'a batch is there in full or not at all');
  }
  assert.ok(acknowledged >= 50 * 34);
});
