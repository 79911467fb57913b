// A real node with a long listing, with its page and its public page: from a click to a finished file.
// MONSOON_PAGE_ROWS sets how long; the page is meant for 100,000.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Page } from 'playwright-core';
import { loadConfig } from '../../app/config-file.ts';
import { type OpenControl, openControl } from '../../app/control/open-control.ts';
import { type Home, prepareHome } from '../../app/home.ts';
import { wallSeconds } from '../../src/base/index.ts';
import { openListingStore } from '../../src/io/index.ts';
import { formatCount } from '../../web/format.ts';
import { placeFor, SILENT_LOG } from '../app/place.ts';
import { infoHashOf, nodeIdOf, storedItem } from '../listing/signer.ts';
import { randomOf, Titles } from '../listing/titles.ts';
import { type Running, running } from '../node/running.ts';
import { canVisit, visit } from './visit.ts';

const ROWS = Number(process.env.MONSOON_PAGE_ROWS ?? 100_000);
const BATCH = 5000;
/** Rows in the document: those in sight, and a margin. */
const DRAWN_ROWS_MAX = 90;

/** Fills a listing through the store's own code, as pulling from supernodes would. */
async function fillListing(home: Home): Promise<void> {
  await prepareHome(home);
  const store = await openListingStore(join(home.dataDir, 'listing.sqlite'), {
    rowsMax: 200_000,
    warn: (text) => assert.fail(text),
  });
  const titles = new Titles(randomOf(7));
  const now = Math.floor(Date.now() / 1000);
  // The store's thread takes one batch while the next is made.
  let taken: Promise<number> = Promise.resolve(0);
  for (let from = 0; from < ROWS; from += BATCH) {
    const items = Array.from({ length: BATCH }, (_, i) => {
      const { key, description, ...title } = titles.next();
      const infoHash = infoHashOf(Math.imul(from + i + 1, 0x9e3779b1) >>> 0);
      return storedItem({
        ...title,
        infoHash,
        published: wallSeconds(now - 60 - (from + i) * 300),
        publisher: nodeIdOf(i % 200),
      });
    });
    await taken;
    taken = store.put(items);
  }
  await taken;
  await store.close();
}

async function openPage(t: TestContext, { node, home }: Running): Promise<OpenControl> {
  const resolved = await loadConfig(home, { flags: {}, environment: {} });
  const control = await openControl(node, { home, resolved, log: SILENT_LOG, requestStop: () => {} });
  t.after(() => control.close());
  return control;
}

/** Scrolls through the whole table, a step a frame, and resolves to the longest frame and to how long each took at the median. */
function scrollThrough(page: Page): Promise<{ median: number; drawn: number }> {
  return page.evaluate(`(async () => {
    const box = document.querySelector('.scroll');
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const lengths = [];
    let drawn = 0;
    let before = await frame();
    for (let step = 0; step <= 60; step++) {
      box.scrollTop = ((box.scrollHeight - box.clientHeight) * step) / 60;
      const at = await frame();
      lengths.push(at - before);
      before = at;
      drawn = Math.max(drawn, box.querySelectorAll('tbody tr').length);
    }
    lengths.sort((a, b) => a - b);
    return { median: lengths[30], drawn };
  })()`);
}

test('C-06 C-08 a node with 100,000 rows: scrolled, searched, one fetched by a click, and the page outlives its server', async (t) => {
  if (!(await canVisit(t))) return;
  const place = placeFor(t);
  await fillListing(place.home);
  const host = await running(t, { role: 'supernode' }, place);
  const control = await openPage(t, host);
  const { page, incidents } = await visit(t, control.uiAddress);
  const shown = (text: string): Promise<void> =>
    page.locator('.shown').getByText(text, { exact: true }).waitFor({ timeout: 60_000 });
  await shown(`${formatCount(ROWS)} torrents`);

  await t.test('rows are drawn as they come into sight, in frames no longer than those of a short table', async () => {
    await page.locator('tr[aria-rowindex="2"] .title').waitFor();
    const long = await scrollThrough(page);
    assert.ok(long.drawn < DRAWN_ROWS_MAX, `${long.drawn} rows drawn`);
    await page.locator(`tr[aria-rowindex="${ROWS + 1}"] .title`).waitFor();
    assert.equal(await page.locator('.listing .pending').count(), 0);
    await page.getByLabel('Search the listing').fill('lighthouse');
    await page
      .locator('.shown')
      .getByText(/^[\d\u202f]{3,6} torrents$/)
      .waitFor();
    const short = await scrollThrough(page);
    assert.ok(long.median < 3 * short.median + 20, `${long.median} ms a frame, ${short.median} ms in a short table`);
    await page.getByLabel('Search the listing').fill('');
    await shown(`${formatCount(ROWS)} torrents`);
  });

  await t.test('what somebody shares shows by itself, and is fetched by one click', async () => {
    const sharer = await running(t, { role: 'client', bootstrap: [`127.0.0.1:${host.port}`] });
    const folder = join(sharer.place.root, 'Lighthouse sounds');
    mkdirSync(folder);
    writeFileSync(join(folder, 'one.flac'), randomBytes(3_000_000));
    writeFileSync(join(folder, 'notes.txt'), 'It rains.\n');
    await sharer.node.share(folder, { category: 'music', description: 'Recorded at night' });
    await shown(`${formatCount(ROWS + 1)} torrents`);
    await page.getByRole('button', { name: 'Fetch Lighthouse sounds' }).click();
    await page.getByRole('status').getByText('Fetching Lighthouse sounds').waitFor();
    await page.locator('tr[aria-rowindex="2"]').getByText('here', { exact: true }).waitFor({ timeout: 60_000 });
    const [row] = host.node.torrents();
    for (const name of ['one.flac', 'notes.txt'])
      assert.ok(readFileSync(join(row!.path, name)).equals(readFileSync(join(folder, name))), name);
    await page.locator('tr[aria-rowindex="2"] .title').click();
    await page.getByRole('complementary').getByText('one.flac').waitFor();
    await page.getByRole('complementary').getByText('Recorded at night').waitFor();
  });

  await t.test('a reload shows the same, and a server that comes back is noticed without one', async () => {
    await page.reload();
    await page.getByRole('complementary').getByText('one.flac').waitFor();
    await control.close();
    await page.getByRole('alert').waitFor();
    await page.getByText('not connected', { exact: true }).waitFor();
    const again = await openPage(t, host);
    assert.equal(again.uiAddress, control.uiAddress);
    await page.getByRole('alert').waitFor({ state: 'detached' });
    await page.getByText('1 supernode', { exact: true }).waitFor();
    await page.getByLabel('Search the listing').fill('lighthouse sounds');
    await page.locator('tr[aria-rowindex="2"]').getByText('Lighthouse sounds').waitFor();
  });

  assert.deepEqual(
    incidents.filter((text) => !/ERR_(?:CONNECTION|INCOMPLETE)|403/.test(text)),
    [],
  );

  await t.test('N-21 its public page shows the same to any browser without script, in pages', async () => {
    const url = `http://127.0.0.1:${host.port}/`;
    const { page: visitor, incidents: reports } = await visit(t, url, { javaScriptEnabled: false });
    assert.match((await visitor.locator('.summary').textContent())!, new RegExp(`${formatCount(ROWS + 1)} torrents`));
    assert.equal(await visitor.locator('tbody tr').count(), 100);
    assert.match((await visitor.locator('tbody tr').first().textContent())!, /^musicLighthouse sounds/);
    await visitor.getByRole('link', { name: formatCount(ROWS / 100 + 1), exact: true }).click();
    assert.equal(await visitor.locator('tbody tr').count(), 1);
    await visitor.goto(url);
    await visitor.getByRole('link', { name: 'game', exact: true }).click();
    await visitor.getByRole('columnheader', { name: 'Size' }).getByRole('link').click();
    await visitor.getByRole('link', { name: 'next ›' }).click();
    assert.match(visitor.url(), /\?cat=game&sort=size&page=2$/);
    assert.deepEqual(new Set(await visitor.locator('td.cat').allTextContents()), new Set(['game']));
    await visitor.getByLabel('Search the listing').fill('lighthouse sounds');
    await visitor.getByRole('button', { name: 'Search' }).click();
    assert.match(visitor.url(), /\?q=lighthouse\+sounds&cat=game$/);
    await visitor.getByRole('link', { name: 'all', exact: true }).click();
    await visitor.getByRole('link', { name: 'Lighthouse sounds' }).waitFor();
    assert.deepEqual(reports, []);
  });
});
