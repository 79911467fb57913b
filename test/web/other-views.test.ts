// Adding, sharing, the network and the settings on the local page, behind the surface of a real node.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { until } from '../io/loopback-node.ts';
import { startOtherSite } from './other-site.ts';
import { openPageNode, type PageNode, ringOf, torrentOf } from './page-node.ts';
import { canVisit, visit } from './visit.ts';

const MAGNET = `magnet:?xt=urn:btih:${'ab'.repeat(20)}&dn=A%20film`;

/** What the node was asked to do, without what reading asks of it. */
const deedsOf = (node: PageNode): unknown[][] => node.asked.filter(([verb]) => verb !== 'files' && verb !== 'info');

async function drop(page: Page, name: string, base64: string, text = ''): Promise<void> {
  await page.evaluate(
    `(() => {
      const transfer = new DataTransfer();
      const bytes = Uint8Array.from(atob(${JSON.stringify(base64)}), (digit) => digit.charCodeAt(0));
      if (${JSON.stringify(name)}) transfer.items.add(new File([bytes], ${JSON.stringify(name)}));
      else transfer.setData('text/plain', ${JSON.stringify(text)});
      document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
    })()`,
  );
}

test('C-08 W-41 a magnet is typed, pasted or dropped, a torrent file dropped or opened, and the node is told', async (t) => {
  if (!(await canVisit(t))) return;
  const { node, url } = await openPageNode(t);
  const { page, incidents } = await visit(t, url);
  const field = page.getByLabel('Magnet link, info hash or name');
  await field.fill(` ${MAGNET} `);
  await field.press('Enter');
  await page.getByRole('status').getByText('Fetching Torrent number 1').waitFor();
  assert.equal(await field.inputValue(), '');
  await drop(page, '', '', MAGNET);
  await until('the drop', () => deedsOf(node).length === 2);
  await drop(page, 'a film.torrent', Buffer.from('d4:infod4:name1:aee').toString('base64'));
  await until('the file', () => deedsOf(node).length === 3);
  const file = join(import.meta.dirname, 'other-views.test.ts');
  await page.getByLabel('.torrent file').setInputFiles({ name: 'x.torrent', mimeType: '', buffer: readFileSync(file) });
  await until('the opened file', () => deedsOf(node).length === 4);
  await drop(page, 'holiday.jpg', '');
  await drop(page, '', '', 'javascript:alert(1)');
  const length = readFileSync(file).length;
  assert.deepEqual(deedsOf(node), [
    ['get', MAGNET],
    ['get', MAGNET],
    ['getFile', 19],
    ['getFile', length],
  ]);
  node.failure = 'the disk is full: <b>free</b> some space';
  await field.fill(MAGNET);
  await field.press('Enter');
  await page.getByRole('alert').getByText('the disk is full: <b>free</b> some space').waitFor();
  assert.equal(await field.inputValue(), MAGNET, 'what could not be fetched stays');
  assert.deepEqual(
    incidents.filter((text) => !/507/.test(text)),
    [],
  );
});

test('C-08 a magnet link on another site opens the page, and nothing is fetched before its reader says so', async (t) => {
  if (!(await canVisit(t))) return;
  const { node, url } = await openPageNode(t);
  node.ring = ringOf(1, 1);
  node.transfers = [torrentOf(1)];
  const target = `${url}#/add?magnet=${encodeURIComponent(MAGNET)}`;
  const { page, incidents } = await visit(t, await startOtherSite(t, target));
  // As the browser does with a link of a scheme that was handed to our page.
  await page.getByRole('link', { name: 'film' }).click();
  const dialog = page.getByRole('dialog', { name: 'Fetch this torrent?' });
  await dialog.getByText('A film').waitFor();
  await page.keyboard.press('Enter');
  assert.deepEqual(deedsOf(node), [], 'a key pressed by habit fetches nothing');
  await dialog.getByRole('button', { name: 'Fetch' }).click();
  await until('the fetch', () => deedsOf(node).length > 0);
  assert.deepEqual(deedsOf(node), [['get', MAGNET]]);
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.goto(`${url}#/add?magnet=${encodeURIComponent('javascript:alert(1)')}`);
  await page.reload();
  await page.getByText('The link that led here is no magnet link of a torrent.').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.equal(deedsOf(node).length, 1);
  assert.deepEqual(
    incidents.filter((text) => !text.startsWith(url)),
    [],
  );
});

test('a magnet link that comes while the question about another one closes is asked about', async (t) => {
  if (!(await canVisit(t))) return;
  const { url } = await openPageNode(t);
  const { page } = await visit(t, url);
  const hashOf = (name: string): string =>
    `#/add?magnet=${encodeURIComponent(`magnet:?xt=urn:btih:${'ab'.repeat(20)}&dn=${name}`)}`;
  await page.goto(`${url}${hashOf('one')}`);
  const dialog = page.getByRole('dialog', { name: 'Fetch this torrent?' });
  await dialog.getByText('one').waitFor();
  // The browser tells of the closing after the address has changed.
  await page.evaluate(`document.querySelector('dialog').close(); location.hash = '${hashOf('two')}';`);
  await dialog.getByText('two').waitFor();
  await page.evaluate(`document.querySelector('dialog').close(); location.hash = '#/share';`);
  await dialog.waitFor({ state: 'detached' });
  await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))');
  assert.equal(await page.evaluate('location.hash'), '#/share', 'nobody is called back from where they went');
});

test('the page asks the browser for magnet links, to an address of its own', async (t) => {
  if (!(await canVisit(t))) return;
  const { url } = await openPageNode(t);
  const { page } = await visit(t, url);
  await page.addInitScript('navigator.registerProtocolHandler = (...given) => { window.handlers = [given]; };');
  await page.reload();
  await page.getByText('Nothing is listed yet.').waitFor();
  assert.deepEqual(await page.evaluate('window.handlers'), [['magnet', `${url}#/add?magnet=%s`]]);
});

test('a folder is shared with category, description and tags', async (t) => {
  if (!(await canVisit(t))) return;
  const { node, url } = await openPageNode(t);
  const { page, incidents } = await visit(t, `${url}#/share`);
  await page.getByLabel('File or folder on this machine').fill('/home/me/films');
  await page.getByLabel('Category').selectOption('movie');
  await page.getByLabel('Description').fill('holidays');
  await page.getByLabel('Tags').fill('home, 2019');
  await page.getByRole('button', { name: 'Share', exact: true }).click();
  await page.getByRole('status').getByText('Sharing shared thing').waitFor();
  const claims = { category: 'movie', description: 'holidays', tags: ['home', '2019'] };
  assert.deepEqual(deedsOf(node), [['share', '/home/me/films', claims]]);
  const shared = page.getByRole('list', { name: 'Shared just now' });
  await shared.getByText('shared thing').waitFor();
  await shared.getByText('Left out: 2 links.').waitFor();
  await shared.getByText('1 name that not every system can hold: “a:b” is “a_b” to others.').waitFor();
  assert.equal(await page.getByLabel('Description').inputValue(), '');
  assert.deepEqual(incidents, []);
});

test('G-03 the ring of supernodes is a picture and the same as a table, and shows a hand-off as it happens', async (t) => {
  if (!(await canVisit(t))) return;
  const { node, url } = await openPageNode(t);
  node.ring = ringOf(5, 4);
  const { page, incidents } = await visit(t, `${url}#/network`);
  await page.locator('.ranges tbody tr').nth(19).waitFor();
  assert.equal(await page.locator('.picture .arc').count(), 20);
  assert.equal(await page.locator('.picture .arc.own').count(), 4);
  assert.equal(await page.locator('.owners li').count(), 5);
  assert.equal(await page.locator('.ranges .badge', { hasText: 'this node' }).count(), 4);
  const shares = await page.locator('.ranges td.share').allTextContents();
  const total = shares.reduce((sum, text) => sum + Number.parseInt(text, 10), 0);
  assert.ok(total > 85 && total < 115, `${total} %`);
  assert.equal(await page.locator('.picture .moving').count(), 0);
  const { from, to } = node.ring[0]!.ranges[0]!;
  node.handOff = { to: node.ring[2]!.nodeId, range: { from, to }, step: 'copying' };
  await page.locator('.picture .moving').waitFor();
  assert.match((await page.locator('.duty').textContent())!, /Hands over.*copying/);
  assert.equal(await page.locator('.ranges .badge', { hasText: 'hands over' }).count(), 1);
  for (const text of ['7373, TCP and UDP', '192.0.2.1:7373 you told', 'answered, 3 found', 'silent, 0 found'])
    await page.getByText(text, { exact: true }).waitFor();
  assert.deepEqual(incidents, []);
});

test('settings hold at once where they can, else from the next start, and are kept in the file', async (t) => {
  if (!(await canVisit(t))) return;
  const { node, url, home } = await openPageNode(t);
  const { page, incidents } = await visit(t, `${url}#/settings`);
  const rates = page.getByRole('form', { name: 'Rates' });
  await rates.getByLabel('Down at most').fill('500K');
  await rates.getByLabel('Down at most').press('Enter');
  await page.getByRole('status').getByText('Saved. It holds now.').waitFor();
  const lending = page.getByRole('form', { name: 'Lending' });
  await lending.getByLabel('Serve').selectOption('client');
  await lending.getByLabel('Hashes').fill('5000');
  await lending.getByRole('button', { name: 'Save' }).click();
  await until('the caps', () => node.asked.length === 3);
  assert.deepEqual(node.asked, [
    ['limit', { down: 512_000 }],
    ['volunteer', 'client'],
    ['cap', { hashes: 5000 }],
  ]);
  const encryption = page.getByRole('form', { name: 'Encryption' });
  await encryption.getByLabel('Links', { exact: true }).selectOption('require');
  await encryption.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('status').getByText('It holds when the node starts again.').waitFor();
  await page.reload();
  await encryption.getByText('Until the next start: prefer.').waitFor();
  assert.equal(await encryption.getByLabel('Links', { exact: true }).inputValue(), 'require');
  assert.equal(await rates.getByLabel('Down at most').inputValue(), '500K');
  await rates.getByLabel('Up at most').fill('fast');
  await rates.getByRole('button', { name: 'Save' }).click();
  await page
    .getByRole('alert')
    .getByText(/^upLimit: expected .*not "fast"/)
    .waitFor();
  const kept = readFileSync(home.configFile, 'utf8').split('\n').filter(Boolean).toSorted();
  assert.deepEqual(kept, ['downLimit = "500K"', 'encryption = "require"', 'role = "client"', 'trackingHashes = 5000']);
  assert.deepEqual(
    incidents.filter((text) => !/400 \(Bad Request\)/.test(text)),
    [],
  );
});
