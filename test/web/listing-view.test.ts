// The listing on the local page, behind the surface of a real node and over a real store.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import type { ListingAnswer } from '../../app/running-node.ts';
import { wallSeconds } from '../../src/base/index.ts';
import { CATEGORIES } from '../../src/listing/index.ts';
import { infoHashOf, nodeIdOf, storedItem } from '../listing/signer.ts';
import { openPageNode, ringOf, torrentOf } from './page-node.ts';
import { canVisit, visit } from './visit.ts';

const NOW = Math.floor(Date.now() / 1000);
const COLUMNS = ['Cat', 'Name', 'Size', 'Files', 'Age', 'Seeds', 'Leech', 'Done', 'Hash', 'By'];
/** Spread over the ring, so that rows are in another order by hash than by number. */
const hashOf = (i: number) => infoHashOf(Math.imul(i + 1, 0x9e3779b1) >>> 0);
const items = Array.from({ length: 300 }, (_, i) =>
  storedItem(
    {
      ...{ infoHash: hashOf(i), name: `Row ${i}`, size: 1000 + i * 1_000_003, files: 1 + ((i * 7) % 300) },
      ...{ category: CATEGORIES[i % 5]!, tags: [], description: i === 7 ? 'with a lighthouse' : '' },
      ...{ publisher: nodeIdOf(1 + (i % 200)), published: wallSeconds(NOW - i * 4000) },
    },
    { isVerified: i % 3 !== 0 },
  ),
);
const counts = items.flatMap(({ entry }, i) =>
  i % 5 === 3
    ? []
    : [{ infoHash: entry.infoHash, seeders: (i * 37) % 900, leechers: (i * 11) % 90, completions: i * 131 }],
);

const rows = (page: Page): Locator => page.locator('.listing tbody tr:not(.spacer)');
const cellsOf = (page: Page, className: string): Promise<string[]> =>
  page.locator(`.listing tbody td.${className}`).allTextContents();
const shown = (page: Page, text: string): Promise<void> =>
  page.locator('.shown').getByText(text, { exact: true }).waitFor();
/** Sorting and filtering are told by the answer to the next question, not by a time. */
async function answered(page: Page, act: () => Promise<unknown>): Promise<void> {
  const answer = page.waitForResponse((response) => response.url().includes('/api/listing'));
  await act();
  const { rows: answers } = (await (await answer).json()) as ListingAnswer;
  if (answers[0]) await rows(page).first().getByText(answers[0].name, { exact: true }).waitFor();
}

test('N-14 C-06 the page lists Cat, Name, Size, Files, Age, Seeds, Leech, Done, Hash and By, and says what nobody counted', async (t) => {
  if (!(await canVisit(t))) return;
  const { node, url } = await openPageNode(t, items);
  await node.store.setCounts(counts, nodeIdOf(9), wallSeconds(NOW - 40));
  const { page, incidents } = await visit(t, url);
  await shown(page, '300 torrents');
  assert.deepEqual(await page.locator('.listing thead th').allTextContents(), [...COLUMNS, 'Fetch']);
  const first = rows(page).first();
  const cells = await first.locator('td').allTextContents();
  assert.deepEqual(cells.slice(2, 10), [
    ...['1000 B', '1', 'now', '0', '0', '0', items[0]!.entry.infoHash.slice(0, 8), '01010101'],
  ]);
  assert.match(cells[1]!, /^Row 0newunchecked$/);
  assert.match((await rows(page).nth(1).locator('td.name').textContent())!, /verified/);
  assert.equal(await rows(page).nth(3).locator('td.seeds').textContent(), '?');
  assert.equal(await rows(page).nth(3).locator('td.seeds').getAttribute('title'), 'Nobody has counted');
  assert.match(
    (await rows(page).nth(4).locator('td.seeds').getAttribute('title'))!,
    /^Counted by 09090909, (\d+ s|1 min) ago$/,
  );
  assert.deepEqual(incidents, []);
});

test('N-17 N-18 C-07 rows sort by every column both ways by keyboard, and filter by category, words and bounds', async (t) => {
  if (!(await canVisit(t))) return;
  const { node, url } = await openPageNode(t, items);
  await node.store.setCounts(counts, nodeIdOf(9), wallSeconds(NOW - 40));
  const { page, incidents } = await visit(t, url);
  await shown(page, '300 torrents');
  for (const label of COLUMNS) {
    const header = page.locator('.listing thead').getByRole('button', { name: label, exact: true });
    const head = page.getByRole('columnheader', { name: label, exact: true });
    const seen: string[] = [];
    for (let press = 0; press < 2; press++) {
      await answered(page, () => header.press('Enter'));
      seen.push(`${await head.getAttribute('aria-sort')}: ${(await cellsOf(page, label.toLowerCase()))[0]}`);
    }
    assert.equal(new Set(seen.map((text) => text.split(':')[0])).size, 2, `${label}: ${seen}`);
    assert.equal(new Set(seen.map((text) => text.split(':')[1])).size, 2, `${label}: ${seen}`);
  }
  await answered(page, () => page.locator('.listing thead').getByRole('button', { name: 'Size' }).click());
  const sizes = (await cellsOf(page, 'size')).map(Number.parseFloat);
  assert.deepEqual(
    sizes,
    sizes.toSorted((a, b) => b - a),
  );

  const categories = page.locator('.chips button');
  assert.deepEqual(await categories.allTextContents(), ['all', 'movie', 'music', 'game', 'application', 'misc']);
  await categories.getByText('music').click();
  await shown(page, '60 torrents');
  assert.deepEqual(new Set(await cellsOf(page, 'cat')), new Set(['music']));
  await categories.getByText('all').click();
  await page.getByRole('button', { name: 'Filters' }).click();
  await page.getByLabel('Newer than').fill('1d');
  await page.getByLabel('Newer than').press('Enter');
  await shown(page, '22 torrents');
  await page.getByRole('button', { name: 'Clear' }).click();
  await shown(page, '300 torrents');
  await page.getByLabel('Seeds from').fill('many');
  await page.getByLabel('Seeds from').press('Enter');
  await page.locator('.shown').getByText('seeds is a whole number').waitFor();
  assert.deepEqual(
    incidents.filter((text) => !/400 \(Bad Request\)/.test(text)),
    [],
  );
});

test('search answers as one types, forgives a typo, knows phrases and exclusions, and is still there after a reload', async (t) => {
  if (!(await canVisit(t))) return;
  const { url } = await openPageNode(t, items);
  const { page, incidents } = await visit(t, url);
  await shown(page, '300 torrents');
  await page.keyboard.press('/');
  await page.keyboard.type('lighthose');
  await shown(page, '1 torrent for “lighthouse”');
  assert.match((await rows(page).first().locator('td.name').textContent())!, /^Row 7/);
  // Its first letters find as much, and a slow typist has asked for those.
  await page.waitForURL(/q=lighthose/);
  await page.reload();
  await shown(page, '1 torrent for “lighthouse”');
  const search = page.getByLabel('Search the listing');
  assert.equal(await search.inputValue(), 'lighthose');
  await search.fill('"row 7" -row');
  await page.getByText('Nothing in the listing fits this.').waitFor();
  await search.fill('');
  await shown(page, '300 torrents');
  assert.deepEqual(incidents, []);
});

test('letters that are typed while the first ones are asked for stay', async (t) => {
  if (!(await canVisit(t))) return;
  const { url } = await openPageNode(t, items);
  const { page, incidents } = await visit(t, url);
  await shown(page, '300 torrents');
  // As soon as the address has the first letters, and before anything of that is drawn, there are more of them.
  await page.evaluate(`{
    const field = document.querySelector('#search');
    const value = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value');
    window.drawn = [];
    const put = (text) => {
      value.set.call(field, text);
      field.dispatchEvent(new InputEvent('input', { bubbles: true }));
    };
    Object.defineProperty(field, 'value', {
      get: () => value.get.call(field),
      set: (text) => { window.drawn.push(text); value.set.call(field, text); },
    });
    const replace = history.replaceState;
    history.replaceState = (...given) => {
      history.replaceState = replace;
      history.replaceState(...given);
      put('lighthose');
    };
    put('ligh');
  }`);
  await page.waitForURL(/q=lighthose/);
  await shown(page, '1 torrent for “lighthouse”');
  assert.equal(await page.getByLabel('Search the listing').inputValue(), 'lighthose');
  assert.ok(!(await page.evaluate<string[]>('drawn')).includes('ligh'), 'none was taken away meanwhile');
  assert.deepEqual(incidents, []);
});

test('arrow keys walk through the rows, Enter opens one, f fetches it, Escape goes back to where one was', async (t) => {
  if (!(await canVisit(t))) return;
  const { node, url } = await openPageNode(t, items);
  node.ring = ringOf(1, 1);
  const { page, incidents } = await visit(t, url);
  await shown(page, '300 torrents');
  const grid = page.getByRole('grid', { name: 'Listing' });
  await grid.focus();
  const active = async (): Promise<string | null> => {
    const id = await grid.getAttribute('aria-activedescendant');
    return page.locator(`[id="${id}"]`).getAttribute('aria-rowindex');
  };
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowUp']) await page.keyboard.press(key);
  assert.equal(await active(), '3');
  await page.keyboard.press('f');
  await page.getByRole('status').getByText('Fetching Row 1').waitFor();
  assert.deepEqual(node.asked.at(-1), ['get', items[1]!.entry.infoHash]);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Row 1', exact: true }).waitFor();
  assert.equal(await rows(page).nth(1).getAttribute('aria-selected'), 'true');
  await page.keyboard.press('Escape');
  await page.getByRole('complementary').waitFor({ state: 'detached' });
  assert.equal(await page.evaluate('document.activeElement.getAttribute("role")'), 'grid');
  await page.keyboard.press('End');
  await page.locator('tr[aria-rowindex="301"]').waitFor();
  assert.equal(await active(), '301');
  await page.keyboard.press('Home');
  await page.locator('tr[aria-rowindex="2"]').waitFor();
  assert.deepEqual(incidents, []);
});

test('from the search ArrowDown and Enter go on to the rows, where the active one is marked, and Escape clears, then leaves', async (t) => {
  if (!(await canVisit(t))) return;
  const { node, url } = await openPageNode(t, items);
  node.ring = ringOf(1, 1);
  const { page, incidents } = await visit(t, url);
  await shown(page, '300 torrents');
  const search = page.getByLabel('Search the listing');
  const active = page.locator('.listing tr.active');
  const isGridFocused = (): Promise<boolean> => page.evaluate('document.activeElement.matches("[role=grid]")');
  await page.keyboard.press('/');
  await page.keyboard.press('ArrowDown');
  await active.getByText('Row 0', { exact: true }).waitFor();
  assert.ok(await isGridFocused());
  assert.equal(await page.evaluate('getComputedStyle(document.querySelector("tr.active")).outlineStyle'), 'solid');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('/');
  await page.keyboard.press('ArrowDown');
  await active.getByText('Row 1', { exact: true }).waitFor();

  await page.keyboard.press('/');
  await page.keyboard.type('lighthose');
  await page.keyboard.press('Enter');
  await shown(page, '1 torrent for “lighthouse”');
  await active.getByText('Row 7', { exact: true }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Row 7', exact: true }).waitFor();

  await page.keyboard.press('/');
  await page.keyboard.press('Escape');
  await shown(page, '300 torrents');
  assert.equal(await search.inputValue(), '');
  assert.ok(!(await isGridFocused()), 'the first clears');
  await page.keyboard.press('Escape');
  await active.getByText('Row 0', { exact: true }).waitFor();
  assert.ok(await isGridFocused(), 'the second leaves');
  await page.getByRole('complementary').waitFor();
  await page.keyboard.press('f');
  await page.getByRole('status').getByText('Fetching Row 0').waitFor();

  await page.keyboard.press('/');
  await page.keyboard.type('nothing is named so');
  await page.getByText('Nothing in the listing fits this.').waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await page.getByRole('complementary').waitFor({ state: 'detached' });
  assert.deepEqual(incidents, []);
});

test('who leaves the search for rows that are not here yet is among them when they come', async (t) => {
  if (!(await canVisit(t))) return;
  const { node, url } = await openPageNode(t, items);
  node.ring = ringOf(1, 1);
  const { page, incidents } = await visit(t, url);
  await shown(page, '300 torrents');
  await page.keyboard.press('/');
  await page.keyboard.type('lighthos');
  await page.getByText('Nothing in the listing fits this.').waitFor();
  await page.keyboard.type('e');
  await page.keyboard.press('Enter');
  await page.locator('.listing tr.active').getByText('Row 7', { exact: true }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Row 7', exact: true }).waitFor();
  assert.deepEqual(incidents, []);
});

test('who walks on before the answer to a search is there has the last of its rows active when there are fewer', async (t) => {
  if (!(await canVisit(t))) return;
  const { node, url } = await openPageNode(t, items);
  node.ring = ringOf(1, 1);
  const { page, incidents } = await visit(t, url);
  await shown(page, '300 torrents');
  const mayAnswer = Promise.withResolvers<void>();
  await page.route(/api\/listing\?.*q=/, async (asked) => {
    await mayAnswer.promise;
    await asked.continue();
  });
  await page.keyboard.press('/');
  await page.keyboard.type('lighthouse');
  await page.keyboard.press('Enter');
  for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowDown');
  await page.locator('tr.active[aria-rowindex="5"]').waitFor();
  for (const key of ['f', 'Enter']) await page.keyboard.press(key);
  mayAnswer.resolve();
  await shown(page, '1 torrent');
  await page.locator('.listing tr.active').getByText('Row 7', { exact: true }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Row 7', exact: true }).waitFor();
  assert.deepEqual(
    node.asked.filter(([deed]) => deed === 'get'),
    [],
    'no key works on a row of the question before',
  );
  assert.deepEqual(incidents, []);
});

test('the active row is the one that was walked to, wherever rows that come move it', async (t) => {
  if (!(await canVisit(t))) return;
  const { node, url } = await openPageNode(t, items.slice(2, 6));
  node.ring = ringOf(1, 1);
  const { page, incidents } = await visit(t, url);
  await shown(page, '4 torrents');
  await page.getByRole('grid', { name: 'Listing' }).focus();
  for (let i = 0; i < 2; i++) await page.keyboard.press('ArrowDown');
  const active = page.locator('.listing tr.active');
  await active.getByText('Row 3', { exact: true }).waitFor();
  await node.add(items.slice(0, 2));
  await shown(page, '6 torrents');
  await page.locator('tr.active[aria-rowindex="5"]').getByText('Row 3', { exact: true }).waitFor();
  await page.keyboard.press('f');
  await page.getByRole('status').getByText('Fetching Row 3').waitFor();
  await page.keyboard.press('ArrowDown');
  await active.getByText('Row 4', { exact: true }).waitFor();
  assert.deepEqual(incidents, []);
});

test('whoever goes elsewhere while letters wait to be asked for is not called back', async (t) => {
  if (!(await canVisit(t))) return;
  const { url } = await openPageNode(t, items);
  const { page, incidents } = await visit(t, url);
  await shown(page, '300 torrents');
  await page.getByLabel('Search the listing').fill('light');
  await shown(page, '1 torrent for “lighthouse”');
  await page.clock.install();
  await page.getByLabel('Search the listing').fill('lightho');
  // Its time comes after the address changed and before the page hears of that.
  await page.evaluate("location.hash = '#/transfers'");
  await page.clock.runFor(1000);
  await page.locator('.transfers-view').waitFor();
  assert.equal(await page.evaluate('location.hash'), '#/transfers');
  assert.deepEqual(incidents, []);
});

test('a row that is here shows how far it is, and rows that come show by themselves, whatever is being typed', async (t) => {
  if (!(await canVisit(t))) return;
  const { node, url } = await openPageNode(t, items.slice(0, 3));
  const { page, incidents } = await visit(t, url);
  await shown(page, '3 torrents');
  node.transfers = [torrentOf(0, { infoHash: items[0]!.entry.infoHash })];
  await rows(page).first().getByText('42.3 %', { exact: true }).waitFor();
  node.transfers = [torrentOf(0, { infoHash: items[0]!.entry.infoHash, progress: 1, state: 'seeding' })];
  await rows(page).first().getByText('here', { exact: true }).waitFor();
  node.transfers = [];
  await rows(page).first().getByRole('button', { name: 'Fetch Row 0' }).waitFor();
  await page.getByRole('button', { name: 'Filters' }).click();
  await page.getByLabel('Seeds from').fill('5');
  await node.add(items.slice(3, 6));
  await shown(page, '6 torrents');
  assert.equal(await rows(page).count(), 6);
  assert.equal(await page.getByLabel('Seeds from').inputValue(), '5', 'what is half typed stays');
  assert.deepEqual(incidents, []);
});
