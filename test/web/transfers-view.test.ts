// Transfers and the panel of one torrent on the local page, behind the surface of a real node.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { wallSeconds } from '../../src/base/index.ts';
import { wallNow } from '../../src/io/alarm-clock.ts';
import { hostNode, placeFor } from '../app/place.ts';
import { until } from '../io/loopback-node.ts';
import { infoHashOf, nodeIdOf, storedItem } from '../listing/signer.ts';
import { running } from '../node/running.ts';
import { fileOf, openPageNode, type PageNode, ringOf, torrentOf } from './page-node.ts';
import { canVisit, visit } from './visit.ts';

const NOW = Math.floor(Date.now() / 1000);

/** What the node was asked to do, one after the other. */
async function said(node: PageNode, ...expected: unknown[]): Promise<void> {
  await until(JSON.stringify(expected), () => node.asked.length > 0);
  assert.deepEqual(node.asked.splice(0), [expected]);
}

const openTorrent = (page: Page, name: string): Promise<void> =>
  page.getByRole('grid', { name: 'Transfers' }).getByText(name, { exact: true }).click();

test('transfers show progress, rates, peers, time left and why they stall, and change by themselves', async (t) => {
  if (!(await canVisit(t))) return;
  const { node, url } = await openPageNode(t);
  node.transfers = [torrentOf(0), torrentOf(1, { stalledBecause: 'No seed seen since 14:05.', progress: 0 })];
  const { page, incidents } = await visit(t, `${url}#/transfers`);
  const line = page.getByRole('row').filter({ hasText: 'Torrent number 0' });
  for (const text of ['downloading · 3.4 GiB', '42.3 %', '4.1 MiB/s', '88.9 KiB/s', '12', '8 min'])
    await line.getByText(text, { exact: true }).first().waitFor();
  await page.getByText('No seed seen since 14:05.').waitFor();
  assert.equal(await page.locator('.views .count').textContent(), '2');
  assert.match((await page.locator('.pulse').textContent())!, /8\.2 MiB\/s.*178 KiB\/s/);
  node.transfers = [torrentOf(0, { progress: 1, state: 'seeding', secondsLeft: null })];
  await line.getByText('seeding · 3.4 GiB', { exact: true }).waitFor();
  await page.getByText('No seed seen since 14:05.').waitFor({ state: 'detached' });
  node.transfers = [];
  await page.getByText('Nothing is fetched or shared yet.').waitFor();
  assert.deepEqual(incidents, []);
});

test('a real node says on its page, and within 15 s, why nothing moves', async (t) => {
  if (!(await canVisit(t))) return;
  const place = placeFor(t);
  const { node } = await running(t, { role: 'client', lan: false }, place);
  const { ui } = await hostNode(t, place, node);
  const { page } = await visit(t, `${ui}#/transfers`);
  await node.get(`magnet:?xt=urn:btih:${infoHashOf(1)}&tr=http://127.0.0.1:1/announce`, undefined);
  await page.getByRole('row').getByText('no tracker answers: ').waitFor({ timeout: 15_000 });
});

test('a transfer is paused and resumed, limited, moved, checked, put first, and removed in two clicks', async (t) => {
  if (!(await canVisit(t))) return;
  const { node, url } = await openPageNode(t);
  node.ring = ringOf(2, 1);
  node.transfers = [torrentOf(0), torrentOf(1, { state: 'paused', queuePlace: null })];
  const { page, incidents } = await visit(t, `${url}#/transfers`);
  const [first, second] = node.transfers.map(({ infoHash }) => infoHash);
  await page.getByRole('button', { name: 'Pause Torrent number 0' }).click();
  await said(node, 'act', first, { type: 'pause' });
  await page.getByText('Torrent number 0 is paused').waitFor();
  await page.getByRole('button', { name: 'Resume Torrent number 1' }).click();
  await said(node, 'act', second, { type: 'resume' });
  await openTorrent(page, 'Torrent number 0');
  const panel = page.getByRole('complementary', { name: 'Torrent number 0' });
  await panel.getByRole('button', { name: 'Check files' }).click();
  await said(node, 'act', first, { type: 'verify' });
  await panel.getByRole('button', { name: 'First in queue' }).click();
  await said(node, 'act', first, { type: 'queue', to: 'first' });
  await panel.getByLabel('Down', { exact: true }).fill('1.5 MiB/s');
  await panel.getByLabel('Up', { exact: true }).fill('');
  await panel.getByRole('button', { name: 'Limit', exact: true }).click();
  await said(node, 'act', first, { type: 'limit', down: 1_572_864, up: null });
  await panel.getByLabel('Up', { exact: true }).fill('fast');
  await panel.getByRole('button', { name: 'Limit', exact: true }).click();
  assert.equal(await panel.locator('form :invalid').count(), 2, 'what is no rate is not sent, nor an empty folder');
  await panel.getByLabel('To folder').fill('/home/me/films');
  await panel.getByRole('button', { name: 'Move', exact: true }).click();
  await said(node, 'act', first, { type: 'move', directory: '/home/me/films' });
  await panel.getByRole('button', { name: 'Remove with files' }).dblclick();
  await panel.getByRole('button', { name: 'Really delete them?' }).waitFor();
  assert.deepEqual(node.asked, [], 'neither one click nor a double one deletes anything');
  await panel.getByRole('button', { name: 'Really delete them?' }).click();
  await said(node, 'act', first, { type: 'remove', withData: true });
  await panel.waitFor({ state: 'detached' });
  assert.deepEqual(incidents, []);
});

test('an answer that comes late closes no other torrent and takes away nothing that was typed since', async (t) => {
  if (!(await canVisit(t))) return;
  const { node, url } = await openPageNode(t);
  node.ring = ringOf(1, 1);
  node.transfers = [torrentOf(0), torrentOf(1)];
  const { page, incidents } = await visit(t, `${url}#/transfers`);
  const [first] = node.transfers.map(({ infoHash }) => infoHash);
  let mayAnswer = Promise.withResolvers<void>();
  await page.route(/api\/torrents\/[0-9a-f]{40}$/, async (asked) => {
    await mayAnswer.promise;
    await asked.continue();
  });
  await openTorrent(page, 'Torrent number 0');
  await page.getByLabel('To folder').fill('/one');
  await page.getByRole('button', { name: 'Move', exact: true }).click();
  await page.getByLabel('To folder').fill('/two');
  mayAnswer.resolve();
  await said(node, 'act', first, { type: 'move', directory: '/one' });
  await page.getByText('Torrent number 0 is now').waitFor();
  assert.equal(await page.getByLabel('To folder').inputValue(), '/two');

  mayAnswer = Promise.withResolvers<void>();
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await openTorrent(page, 'Torrent number 1');
  const other = page.getByRole('complementary', { name: 'Torrent number 1' });
  await other.getByLabel('To folder').fill('/three');
  mayAnswer.resolve();
  await said(node, 'act', first, { type: 'remove', withData: false });
  await page.getByText('Torrent number 0 is removed').waitFor();
  assert.equal(await other.getByLabel('To folder').inputValue(), '/three');
  assert.deepEqual(incidents, []);
});

test('the files of a transfer are wanted more or less, one by one, by folder, and all that a filter shows', async (t) => {
  if (!(await canVisit(t))) return;
  const { node, url } = await openPageNode(t);
  node.ring = ringOf(1, 1);
  node.transfers = [torrentOf(0)];
  node.fileList = [
    fileOf(0, 'Season 1/01.mkv', { progress: 1 }),
    fileOf(1, 'Season 1/02.mkv'),
    fileOf(3, 'Season 1/Extras/03.mkv', { priority: 'skip', progress: 0 }),
    fileOf(4, 'notes.nfo', { priority: 'high' }),
  ];
  const { page, incidents } = await visit(t, `${url}#/transfers`);
  const { infoHash } = node.transfers[0]!;
  await openTorrent(page, 'Torrent number 0');
  const wanted = (file: string) => page.getByLabel(`How much ${file} is wanted`, { exact: true });
  await wanted('Season 1/Extras/03.mkv').waitFor();
  assert.equal(await wanted('Season 1/Extras/03.mkv').inputValue(), 'skip');
  assert.equal(await wanted('notes.nfo').inputValue(), 'high');
  await wanted('Season 1/02.mkv').selectOption('last');
  await said(node, 'choose', infoHash, { low: ['1'] });
  await wanted('everything in Season 1').selectOption('first');
  await said(node, 'choose', infoHash, { high: ['0-1,3'] });
  // The node has the last word.
  node.fileList = node.fileList.map((file) => ({ ...file, priority: 'normal', progress: 0.5 }));
  await page.locator('.tree li').filter({ hasText: 'notes.nfo' }).getByText('50 %').waitFor();
  assert.equal(await wanted('notes.nfo').inputValue(), 'normal');
  await page.getByLabel('Show files that contain').fill('nfo');
  await page.getByLabel('Set all shown files to').selectOption('leave out');
  await said(node, 'choose', infoHash, { skip: ['4'] });
  await page.getByLabel('Show files that contain').fill('');
  await page.getByRole('button', { name: 'Extras/' }).click();
  await wanted('Season 1/Extras/03.mkv').waitFor({ state: 'detached' });
  assert.deepEqual(incidents, []);
});

test('the panel of a listed torrent has its whole hash, description, files, magnet, torrent file, and whose its counts are', async (t) => {
  if (!(await canVisit(t))) return;
  const infoHash = infoHashOf(77);
  const listed = storedItem({
    infoHash,
    name: 'A film',
    description: 'Two lines\nof text',
    published: wallSeconds(NOW),
  });
  const { node, url } = await openPageNode(t, [listed]);
  node.ring = ringOf(3, 2);
  node.fileList = Array.from({ length: 400 }, (_, i) => fileOf(i, `Season ${i % 20}/${i}.mkv`));
  const counts = { infoHash, seeders: 12, leechers: 0 };
  await node.store.setCounts([counts], nodeIdOf(9), wallSeconds(wallNow() - 61));
  const { page, incidents } = await visit(t, url, { acceptDownloads: true });
  await page.getByRole('grid', { name: 'Listing' }).getByText('A film').click();
  const panel = page.getByRole('complementary', { name: 'A film' });
  for (const text of [
    infoHash,
    'Two lines of text',
    'counted by 09090909, 1 min ago',
    'nobody has counted',
    'as published',
  ])
    await panel.getByText(text).first().waitFor();
  await panel.getByText('owns the hash now; copies at 0a0a0a0a, 0b0b0b0b').waitFor();
  assert.equal(
    await panel.getByRole('link', { name: 'Magnet link' }).getAttribute('href'),
    `magnet:?xt=urn:btih:${infoHash}`,
  );
  await panel.locator('.tree li').nth(19).waitFor();
  assert.equal(await panel.locator('.tree li').count(), 20, 'folders of a large torrent are folded in');
  await panel.getByRole('button', { name: 'Season 7/', exact: true }).press('Enter');
  await panel.getByText('107.mkv', { exact: true }).waitFor();
  assert.equal(await panel.locator('.tree li').count(), 40);
  assert.equal(await panel.getByRole('combobox').count(), 0, 'nothing is chosen of what is not here');
  const saving = page.waitForEvent('download');
  await panel.getByRole('button', { name: 'Save .torrent' }).click();
  assert.equal((await saving).suggestedFilename(), 'A film.torrent');
  node.asked.length = 0;
  await panel.getByRole('button', { name: 'Fetch', exact: true }).click();
  await said(node, 'get', infoHash);
  assert.deepEqual(incidents, []);
});
