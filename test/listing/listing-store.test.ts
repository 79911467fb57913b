import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { infoHashBytes, isFault, MonsoonError, wallSeconds } from '../../src/base/index.ts';
import { type ListingStore, type ListingStoreOptions, openListingStore, type StoredItem } from '../../src/io/index.ts';
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
  assert.equal(await store.put([item]), 1);
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
  assert.deepEqual(await store.list({}, NOW), { rows: [row], total: 1 });
  assert.equal(await store.rowCount(), 1);
  assert.deepEqual(await store.getEntry(infoHash, publisher), item.bytes);
  assert.equal(await store.get(infoHashOf(2), NOW), undefined);
});

test('hashes of listed rows are gone through by a cursor, some entries at a time', async (t) => {
  const store = await memoryStore(t);
  const infoHashes = [1, 2, 3, 4].map(infoHashOf);
  await store.put(infoHashes.map((infoHash) => storedItem({ infoHash })));
  const isWithdrawn = { infoHash: infoHashOf(3), sequence: 2, isWithdrawn: true, name: '', files: 0 };
  await store.put([storedItem(isWithdrawn)]);
  const seen: string[] = [];
  let looks = 0;
  let cursor = '';
  do {
    const page = await store.hashesAfter(cursor, 3);
    seen.push(...page.hashes);
    cursor = page.cursor;
    looks++;
  } while (cursor !== '');
  assert.deepEqual(seen.toSorted(), [1, 2, 4].map(infoHashOf).toSorted());
  assert.equal(looks, 3, 'of which the last finds the end');
});

test('only a higher sequence of the same publisher replaces an entry', async (t) => {
  const store = await memoryStore(t);
  await store.put([storedItem({ sequence: 5, description: 'five' })]);
  assert.equal(await store.put([storedItem({ sequence: 4, description: 'four' })]), 0);
  assert.equal(await store.put([storedItem({ sequence: 5, description: 'other five' })]), 0);
  assert.equal((await store.get(infoHashOf(1), NOW))?.description, 'five');
  assert.equal(await store.put([storedItem({ sequence: 6, description: 'six' })]), 1);
  assert.equal((await store.get(infoHashOf(1), NOW))?.description, 'six');
});

test('a withdrawn entry is not listed, stays as a tombstone, and its old version does not come back', async (t) => {
  const store = await memoryStore(t);
  const published = storedItem({ sequence: 1 });
  await store.put([published]);
  await store.put([storedItem({ sequence: 2, isWithdrawn: true, name: '', files: 0 })]);
  assert.equal(await store.put([published]), 0);
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
  const shown = async (): Promise<unknown> => (await store.list({}, NOW)).rows.map(({ publisher }) => publisher);
  await store.put([byOne]);
  assert.deepEqual(await shown(), [nodeIdOf(1)]);
  await store.put([byTwo]);
  assert.deepEqual(await shown(), [nodeIdOf(2)]);
  await store.put([byThree]);
  assert.deepEqual(await shown(), [nodeIdOf(3)]);
  await store.put([storedItem({ publisher: nodeIdOf(3), sequence: 2, isWithdrawn: true })]);
  assert.deepEqual(await shown(), [nodeIdOf(2)]);
  assert.equal(await store.rowCount(), 1);
});

test('at most 16 publishers of one hash are kept, and a verified one gets in', async (t) => {
  const store = await memoryStore(t);
  const crowd = Array.from({ length: 40 }, (_, i) => storedItem({ publisher: nodeIdOf(i), published: wallSeconds(i) }));
  await store.put(crowd);
  assert.equal((await store.changesSince('', 1000)).items.length, 16);
  assert.equal(await store.put([storedItem({ publisher: nodeIdOf(99) }, { isVerified: true })]), 1);
  assert.equal((await store.get(infoHashOf(1), NOW))?.publisher, nodeIdOf(99));
  assert.equal((await store.changesSince('', 1000)).items.length, 16);
});

test('an entry that comes again may become verified, and an edit of its description leaves it so', async (t) => {
  const store = await memoryStore(t);
  await store.put([storedItem()]);
  assert.equal(await store.put([storedItem({}, { isVerified: true })]), 1);
  await store.put([storedItem({ sequence: 2, description: 'new words' })]);
  assert.equal((await store.get(infoHashOf(1), NOW))?.verified, true);
  await store.put([storedItem({ sequence: 3, name: 'new name' })]);
  assert.equal((await store.get(infoHashOf(1), NOW))?.verified, false);
});

test('counts carry their source and age, a missing one stays unknown, older ones are ignored', async (t) => {
  const store = await memoryStore(t);
  await store.put([storedItem()]);
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
  await store.put([storedItem({ publisher: nodeIdOf(1), published: wallSeconds(0) })]);
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
    await store.put([storedItem({ infoHash, name, size, category, published: wallSeconds(published) })]);
    const counts = { infoHash, ...(seeders && { seeders }), ...(completions && { completions }) };
    await store.setCounts([counts], nodeIdOf(5), NOW);
  }
  const names = async (query: Parameters<ListingStore['list']>[0]): Promise<string[]> =>
    (await store.list(query, NOW)).rows.map(({ name }) => name);
  assert.deepEqual(await names({}), ['Apple', 'cherry', 'banana']);
  assert.deepEqual(await names({ sort: 'seeds' }), ['cherry', 'banana', 'Apple']);
  assert.deepEqual(await names({ sort: 'size' }), ['banana', 'cherry', 'Apple']);
  assert.deepEqual(await names({ sort: 'done' }), ['Apple', 'banana', 'cherry']);
  assert.deepEqual(await names({ sort: 'name' }), ['Apple', 'banana', 'cherry']);
  assert.deepEqual(await names({ category: 'music' }), ['cherry', 'banana']);
  assert.deepEqual(await names({ limit: 1, offset: 1 }), ['cherry']);
  assert.deepEqual(await names({ limit: -1 }), []);
  assert.equal((await names({ limit: 1e12, offset: -5 })).length, 3);
  assert.equal(await store.rowCount('music'), 2);
});

test('changes come in order, page by page, each entry at its newest change', async (t) => {
  const store = await memoryStore(t);
  const hashes = Array.from({ length: 25 }, (_, i) => infoHashOf(i));
  await store.put(hashes.map((infoHash) => storedItem({ infoHash })));
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

test('at the cap what is worth least goes: never what is pinned, and the dead before the old', async (t) => {
  const store = await memoryStore(t, { rowsMax: 10 });
  const old = (number: number): StoredItem =>
    storedItem({ infoHash: infoHashOf(number), published: wallSeconds(NOW - 90 * 86_400) });
  await store.put([storedItem({ infoHash: infoHashOf(0), published: wallSeconds(0) }, { isPinned: true })]);
  await store.put(Array.from({ length: 9 }, (_, i) => old(i + 1)));
  await store.setCounts(
    [1, 2, 3].map((number) => ({ infoHash: infoHashOf(number), seeders: 2 })),
    nodeIdOf(5),
    NOW,
  );
  await store.put(Array.from({ length: 6 }, (_, i) => storedItem({ infoHash: infoHashOf(i + 100) })));
  assert.equal(await store.rowCount(), 10);
  const kept = new Set((await store.list({}, NOW)).rows.map(({ infoHash }) => infoHash));
  assert.deepEqual(kept, new Set([0, 1, 2, 3, 100, 101, 102, 103, 104, 105].map(infoHashOf)));
});

test('tombstones and rows that nobody sees are bounded like all others', async (t) => {
  const store = await memoryStore(t, { rowsMax: 64 });
  for (let i = 0; i < 200; i++) {
    await store.put([storedItem({ infoHash: infoHashOf(i), isWithdrawn: true, name: '', files: 0 })]);
  }
  await store.put(Array.from({ length: 60 }, (_, i) => storedItem({ infoHash: infoHashOf(1000 + i) })));
  const { items } = await store.changesSince('', 1000);
  assert.ok(items.length <= 64 && (await store.rowCount()) >= 50, `${items.length}`);
});

test('a listing full of own entries says so instead of growing or forgetting', async (t) => {
  const store = await memoryStore(t, { rowsMax: 2 });
  const own = [0, 1, 2].map((number) => storedItem({ infoHash: infoHashOf(number) }, { isPinned: true }));
  await store.put(own.slice(0, 2));
  await assert.rejects(store.put(own.slice(2)), { name: 'MonsoonError', code: 'refused' });
  assert.equal(await store.rowCount(), 2);
  await store.put([storedItem({ infoHash: infoHashOf(9) })]);
  assert.equal(await store.rowCount(), 2);
});

test('info dictionaries are kept within their bytes, the oldest going first', async (t) => {
  const store = await memoryStore(t, { infoBytesMax: 1000 });
  await store.put([storedItem({ infoHash: infoHashOf(1) }, { isPinned: true })]);
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
  await first.put([storedItem()]);
  await first.putInfo(infoHashOf(1), Uint8Array.of(1, 2));
  const { cursor } = await first.changesSince('', 10);
  await first.close();
  await first.close();
  await assert.rejects(first.rowCount(), MonsoonError);
  const second = await openListingStore(file, { rowsMax: 100, warn: assert.fail });
  t.after(() => second.close());
  assert.equal(await second.rowCount(), 1);
  assert.deepEqual(await second.getInfo(infoHashOf(1)), Uint8Array.of(1, 2));
  await second.put([storedItem({ infoHash: infoHashOf(2) })]);
  assert.equal((await second.changesSince(cursor, 10)).items.length, 1);
});

test('a second process that opens the same listing is told that it is in use', async (t) => {
  const file = temporaryFile(t);
  const first = await openListingStore(file, { rowsMax: 100, warn: assert.fail });
  t.after(() => first.close());
  await first.put([storedItem()]);
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
    await first.put(Array.from({ length: 2000 }, (_, i) => storedItem({ infoHash: infoHashOf(i) })));
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
    await second.put([storedItem()]);
    assert.equal(await second.rowCount(), 1);
    assert.equal(warnings.length, 1);
    assert.ok(warnings[0]?.includes(`${file}.damaged-1`));
    assert.equal(statSync(`${file}.damaged-1`).size, size);
  });
}

test('what is denied stays out of a listing that is built anew, and whoever fills it is told', async (t) => {
  const file = temporaryFile(t);
  let renewals = 0;
  const store = await openListingStore(file, { rowsMax: 50, warn: () => {}, renewed: () => renewals++ });
  t.after(() => store.close());
  const denied = storedItem({ infoHash: infoHashOf(7), name: 'evil keygen' });
  await store.deny('name:keygen');
  await store.put([storedItem()]);
  assert.equal(renewals, 0);
  const other = new DatabaseSync(file);
  other.exec("UPDATE entry SET rest = x'00'");
  other.close();
  await store.list({}, NOW);
  assert.equal(renewals, 1);
  assert.equal(await store.put([denied]), 0);
  assert.equal(await store.rowCount(), 0);
});

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

test('a listing of the first format is taken over with everything in it', async (t) => {
  const file = temporaryFile(t);
  const items = [
    storedItem({ name: 'ours' }, { isPinned: true, isVerified: true }),
    storedItem({ infoHash: infoHashOf(2), name: 'theirs' }),
    storedItem({ infoHash: infoHashOf(3), isWithdrawn: true, name: '', files: 0 }),
  ];
  makeFirstFormat(file, items);
  const store = await openListingStore(file, { rowsMax: 100, warn: assert.fail });
  t.after(() => store.close());
  assert.deepEqual(
    (await store.list({ sort: 'name' }, NOW)).rows.map(({ name, verified }) => [name, verified]),
    [
      ['ours', true],
      ['theirs', false],
    ],
  );
  assert.equal((await store.list({ text: 'theirs' }, NOW)).total, 1);
  assert.deepEqual(await store.getInfo(infoHashOf(1)), Uint8Array.of(7));
  const changes = (await store.changesSince('', 10)).items.map(({ bytes }) => Buffer.from(bytes));
  assert.deepEqual(
    changes,
    items.map(({ bytes }) => Buffer.from(bytes)),
  );
});

/** Writes a file as version 0.1 did. */
function makeFirstFormat(file: string, items: readonly StoredItem[]): void {
  const db = new DatabaseSync(file);
  db.exec(`
    CREATE TABLE meta (generation TEXT NOT NULL, change INTEGER NOT NULL) STRICT;
    CREATE TABLE source (id INTEGER PRIMARY KEY, node BLOB NOT NULL UNIQUE) STRICT;
    CREATE TABLE entry (
      id INTEGER PRIMARY KEY, hash BLOB NOT NULL, change INTEGER NOT NULL, seen INTEGER NOT NULL,
      verified INTEGER NOT NULL, pinned INTEGER NOT NULL, shown INTEGER NOT NULL,
      published INTEGER NOT NULL, size INTEGER NOT NULL, category INTEGER NOT NULL, name TEXT NOT NULL,
      seeders INTEGER, leechers INTEGER, completions INTEGER, source INTEGER, counted INTEGER,
      sealed BLOB NOT NULL
    ) STRICT;
    CREATE INDEX entry_hash ON entry (hash);
    CREATE INDEX entry_change ON entry (change);
    CREATE INDEX entry_age ON entry (published) WHERE shown = 1;
    CREATE INDEX entry_seeds ON entry (seeders, published) WHERE shown = 1;
    CREATE TABLE info (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, raw BLOB NOT NULL) STRICT;
    INSERT INTO meta VALUES ('aabbccddeeff', 3);
    PRAGMA user_version = 1;
  `);
  const insert = db.prepare(
    'INSERT INTO entry VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, 0, ?, NULL, NULL, NULL, NULL, NULL, ?)',
  );
  for (const [i, { entry, bytes, isVerified, isPinned }] of items.entries()) {
    const hash = infoHashBytes(entry.infoHash);
    const flags = [Number(isVerified), Number(isPinned), Number(!entry.isWithdrawn)];
    insert.run(i + 1, hash, i + 1, ...flags, entry.published, entry.size, entry.name, bytes);
  }
  db.prepare('INSERT INTO info (hash, raw) VALUES (?, ?)').run(infoHashBytes(infoHashOf(1)), Uint8Array.of(7));
  db.close();
}
