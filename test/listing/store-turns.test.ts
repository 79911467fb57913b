import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openListingStore } from '../../src/io/index.ts';
import { infoHashOf, NOW, storedItem } from './signer.ts';

test('a search is answered while a long write goes on, from what is stored so far', async (t) => {
  const store = await openListingStore(':memory:', { rowsMax: 20_000, warn: assert.fail });
  t.after(() => store.close());
  await store.put([storedItem({ name: 'first of all' })]);
  const order: string[] = [];
  const writing = store
    .put(Array.from({ length: 2000 }, (_, i) => storedItem({ infoHash: infoHashOf(i + 10) })))
    .then(() => order.push('write'));
  for (let i = 0; i < 3; i++) {
    const { total } = await store.list({ text: 'first' }, NOW);
    assert.equal(total, 1);
    order.push('search');
  }
  await writing;
  assert.deepEqual(order, ['search', 'search', 'search', 'write']);
  assert.equal(await store.rowCount(), 2001);
});

test('a write that fails leaves nothing behind, also of what a search saw meanwhile', async (t) => {
  const store = await openListingStore(':memory:', { rowsMax: 500, warn: assert.fail });
  t.after(() => store.close());
  const own = Array.from({ length: 600 }, (_, i) => storedItem({ infoHash: infoHashOf(i) }, { isPinned: true }));
  const writing = assert.rejects(store.put(own), { code: 'refused' });
  await store.list({ text: 'silicon' }, NOW);
  await writing;
  assert.equal((await store.list({ text: 'silicon' }, NOW)).total, 0);
  assert.equal(await store.rowCount(), 0);
});

test('the journal is moved into the file while the listing is open, and stays small', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'monsoon-listing-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'listing.db');
  const store = await openListingStore(file, { rowsMax: 100_000, warn: assert.fail });
  let largest = 0;
  for (let at = 0; at < 16_000; at += 1000) {
    await store.put(Array.from({ length: 1000 }, (_, i) => storedItem({ infoHash: infoHashOf(at + i) })));
    largest = Math.max(largest, statSync(`${file}-wal`).size);
  }
  const { size } = statSync(file);
  await store.close();
  assert.ok(largest < 12 * 2 ** 20, `a journal of ${largest} bytes`);
  assert.ok(size > 2 ** 20, `a file of ${size} bytes`);
});
