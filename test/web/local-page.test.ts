import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, type TestContext, test } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';

import { until } from '../io/loopback-node.ts';
import { requireOrSkip } from '../require.ts';
import { type FakeNode, NAUGHTY, ringOf, rowOf, startFakeNode, torrentOf } from './fake-node.ts';

const CHROMIUM = '/usr/bin/chromium';
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];
let browser: Browser | undefined;

after(() => browser?.close());

interface Visit {
  readonly node: FakeNode;
  readonly page: Page;
  /** Dialogs, page errors, policy reports: what a script that got in would leave. */
  readonly incidents: string[];
}

/** A browser at a fake node's page; undefined when there is no browser and the test was skipped. */
async function visit(t: TestContext, prepare: (node: FakeNode) => void, path = '/'): Promise<Visit | undefined> {
  if (!requireOrSkip(t, existsSync(CHROMIUM), `${CHROMIUM} is not installed`)) return undefined;
  const node = await startFakeNode(t);
  prepare(node);
  browser ??= await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
  const page = await browser.newPage({ viewport: { width: 1360, height: 800 } });
  t.after(() => page.close());
  const incidents: string[] = [];
  page.on('dialog', (dialog) => {
    incidents.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('pageerror', (error) => incidents.push(`error ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') incidents.push(`console ${message.text()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(node.url) && !request.url().startsWith('data:')) incidents.push(request.url());
  });
  await page.goto(node.url + path);
  return { node, page, incidents };
}

function names(page: Page): Promise<string[]> {
  return page.locator('#listing .title').allTextContents();
}

test('200 rows of naughty strings and payloads run no script, on the local page and on the public one', async (t) => {
  const payloads = [
    '<img src=x onerror=alert(1)>',
    '<script>alert(2)</script>',
    '"><svg onload=alert(3)>',
    'javascript:alert(4)',
  ];
  const texts = [...payloads, ...NAUGHTY.filter((text) => /[<>"'&]/.test(text))].slice(0, 200);
  assert.equal(texts.length, 200);
  const local = await visit(t, (node) => {
    node.rows = texts.map((text, i) => rowOf(i, { name: text, description: text, tags: [text] }));
    node.torrents = texts.slice(0, 50).map((text, i) => torrentOf(i, { name: text, path: text, stalledBecause: text }));
  });
  if (!local) return;
  const { node, page, incidents } = local;
  await page.locator('#listing tbody tr').nth(199).waitFor();
  assert.deepEqual(new Set(await names(page)), new Set(texts));
  assert.equal(await page.locator('#transfers tbody tr').count(), 50);
  assert.equal(await page.locator('table :is(script, img, svg, iframe, style)').count(), 0);
  await page.goto(`${node.url}/public`);
  assert.equal(await page.locator('tbody tr').count(), 100);
  assert.equal(await page.locator('table :is(script, img, svg, iframe, style)').count(), 0);
  assert.deepEqual(incidents, []);
  assert.deepEqual(node.strays, []);
});

test('N-17 N-18 rows sort by every column both ways by keyboard, and filter by category and by words', async (t) => {
  const local = await visit(t, (node) => {
    node.rows = Array.from({ length: 200 }, (_, i) => rowOf(i));
  });
  if (!local) return;
  const { node, page, incidents } = local;
  await page.locator('#listing tbody tr').nth(199).waitFor();
  const cells = async (column: number): Promise<string[]> =>
    page.locator(`#listing tbody td:nth-child(${column})`).allTextContents();
  for (const [i, label] of ['Cat', 'Name', 'Size', 'Files', 'Age', 'Seeds', 'Leech', 'Done', 'Hash', 'By'].entries()) {
    const header = page.locator('#listing thead').getByRole('button', { name: label, exact: true });
    await header.press('Enter');
    const once = await cells(i + 1);
    await header.press('Enter');
    const twice = await cells(i + 1);
    assert.notDeepEqual(once, twice, label);
    assert.equal(once.filter((text) => text !== '?')[0], twice.filter((text) => text !== '?').at(-1), label);
    const unknown = once.filter((text) => text === '?').length;
    for (const column of [once, twice])
      assert.ok(unknown === 0 || column.slice(-unknown).every((text) => text === '?'), label);
  }
  const categories = page.locator('#categories button');
  assert.deepEqual(await categories.allTextContents(), ['all', 'movie', 'music', 'game', 'application', 'misc']);
  await categories.getByText('music').click();
  assert.deepEqual(new Set(await cells(1)), new Set(['music']));
  assert.equal((await cells(1)).length, 40);
  await categories.getByText('all').click();
  await page.getByLabel('Show rows that contain').fill('NUMBER torrent 155');
  assert.deepEqual(await names(page), ['Torrent number 155']);
  assert.equal(await page.locator('#shown').textContent(), '1 of 200 rows');
  await page.getByLabel('Show rows that contain').fill(node.rows[7]!.infoHash);
  assert.deepEqual(await names(page), ['Torrent number 7']);
  await page.getByLabel('Show rows that contain').fill('no such thing');
  assert.ok(await page.getByText('No row fits this filter.').isVisible());
  assert.deepEqual(incidents, []);
});

test('a magnet, a listed row and a share are sent with the token, and the answer is announced', async (t) => {
  const local = await visit(t, (node) => {
    node.rows = [rowOf(0), rowOf(1)];
  });
  if (!local) return;
  const { node, page } = local;
  const magnet = `magnet:?xt=urn:btih:${'ab'.repeat(20)}`;
  await page.getByLabel('Magnet link, info hash or name').fill(` ${magnet} `);
  await page.keyboard.press('Enter');
  await page.getByRole('status').getByText('Fetching Torrent number 1').waitFor();
  assert.equal(await page.getByLabel('Magnet link, info hash or name').inputValue(), '');
  await page.getByRole('button', { name: 'Fetch Torrent number 0' }).click();
  await page.getByLabel('File or folder on this machine').fill('/home/me/films');
  await page.getByLabel('Category', { exact: true }).last().selectOption('movie');
  await page.getByLabel('Description').fill('holidays');
  await page.getByLabel('Tags').fill('home, 2019');
  await page.getByRole('button', { name: 'Share', exact: true }).click();
  await page.getByRole('status').getByText('Sharing shared thing').waitFor();
  assert.deepEqual(node.changes, [
    { path: '/api/get', body: { what: magnet } },
    { path: '/api/get', body: { what: rowOf(0).infoHash } },
    {
      path: '/api/share',
      body: { path: '/home/me/films', category: 'movie', description: 'holidays', tags: ['home', '2019'] },
    },
  ]);
});

test('transfers show progress, rates, peers, time left and why they stall, and change by themselves', async (t) => {
  const local = await visit(t, (node) => {
    node.torrents = [torrentOf(0), torrentOf(1, { stalledBecause: 'No seed seen since 14:05.' })];
    node.rows = [rowOf(0)];
  });
  if (!local) return;
  const { node, page } = local;
  const first = page.locator('#transfers tbody tr').first();
  for (const text of ['downloading 42.3 % of 3.4 GiB', '4.1 MiB/s', '88.9 KiB/s', '12', '8 min']) {
    await first.getByText(text, { exact: true }).waitFor();
  }
  await page.getByText('No seed seen since 14:05.').waitFor();
  await page.getByRole('cell', { name: '42 %', exact: true }).waitFor();
  node.torrents = [torrentOf(0, { progress: 1, state: 'seeding', secondsLeft: null })];
  await first.getByText('seeding', { exact: true }).waitFor();
  assert.equal(await page.locator('#transfers tbody tr').count(), 1);
  await page.getByRole('cell', { name: 'here', exact: true }).waitFor();
  node.torrents = [];
  await page.locator('#transfers').waitFor({ state: 'hidden' });
});

test('the network box shows role, port, supernodes and each way in', async (t) => {
  const local = await visit(t, () => {});
  if (!local) return;
  for (const text of ['supernode', '7373', '192.0.2.1:7373: answered, 3 found', 'seeds.example.org: silent, 0 found']) {
    await local.page.getByText(text, { exact: true }).waitFor();
  }
  await local.page.getByText('Nothing is listed yet.').waitFor();
});

test('a node that fails is reported in an alert, which goes away when it answers again', async (t) => {
  const local = await visit(t, (node) => {
    node.failure = 'the disk is full: <b>free</b> some space';
  });
  if (!local) return;
  const { node, page } = local;
  const alert = page.getByRole('alert');
  await alert.getByText('the disk is full: <b>free</b> some space').waitFor();
  node.failure = undefined;
  await alert.waitFor({ state: 'hidden' });
  await page.getByText('monsoon · supernode · port 7373 · 3 supernodes').waitFor();
});

test('nothing on the local page is wider than a phone, in light or dark', async (t) => {
  const local = await visit(t, (node) => {
    node.rows = Array.from({ length: 30 }, (_, i) =>
      rowOf(i, { name: `${'W'.repeat(150)}${i}`, description: 'm'.repeat(300) }),
    );
    node.torrents = [torrentOf(0, { name: 'W'.repeat(200) })];
  });
  if (!local) return;
  const { node, page } = local;
  await page.setViewportSize({ width: 390, height: 844 });
  for (const path of ['/', '/public']) {
    await page.goto(node.url + path);
    await page.locator('tbody tr').first().waitFor();
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 390, path);
  }
});

test('a transfer is paused and resumed, limited, moved, checked, put first, and removed in two clicks', async (t) => {
  const local = await visit(t, (node) => {
    node.torrents = [torrentOf(0), torrentOf(1, { state: 'paused', queuePlace: null })];
  });
  if (!local) return;
  const { node, page } = local;
  const [first, second] = node.torrents.map(({ infoHash }) => `/api/torrents/${infoHash}`);
  const said = async (path: string | undefined, body: object): Promise<void> => {
    await until(`${JSON.stringify(body)}`, () => node.changes.length > 0);
    assert.deepEqual(node.changes.splice(0), [{ path, body }]);
  };
  await page.getByRole('button', { name: 'Pause Torrent number 0' }).click();
  await said(first, { type: 'pause' });
  await page.getByText('Torrent number 0 is paused').waitFor();
  await page.getByRole('button', { name: 'Resume Torrent number 1' }).click();
  await said(second, { type: 'resume' });
  const more = page.getByRole('button', { name: 'More for Torrent number 0' });
  await more.click();
  await page.getByRole('button', { name: 'Check files' }).click();
  await said(first, { type: 'verify' });
  await page.getByRole('button', { name: 'First in queue' }).click();
  await said(first, { type: 'queue', to: 'first' });
  await page.getByLabel('Down').fill('1.5 MiB/s');
  await page.getByLabel('Up').fill('');
  await page.getByRole('button', { name: 'Limit', exact: true }).click();
  await said(first, { type: 'limit', down: 1_572_864, up: null });
  await page.getByLabel('To folder').fill('/home/me/films');
  await page.getByRole('button', { name: 'Move', exact: true }).click();
  await said(first, { type: 'move', directory: '/home/me/films' });
  await page.getByRole('button', { name: 'Remove with files' }).click();
  assert.deepEqual(node.changes, [], 'one click deletes nothing');
  await page.getByRole('button', { name: 'Really delete them?' }).click();
  await said(first, { type: 'remove', withData: true });
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await said(first, { type: 'remove', withData: false });
  await more.click();
  await page.getByLabel('To folder').waitFor({ state: 'detached' });
  assert.deepEqual(local.incidents, []);
});

test('the ring of supernodes is a picture and the same as a table, and shows a hand-off as it happens', async (t) => {
  const local = await visit(
    t,
    (node) => {
      node.supernodes = ringOf(5, 4);
    },
    '/#supernodes',
  );
  if (!local) return;
  const { node, page, incidents } = local;
  await page.locator('#ranges tbody tr').nth(19).waitFor();
  assert.equal(await page.locator('#ring-picture .arc').count(), 20);
  assert.equal(await page.locator('#ring-picture .arc.own').count(), 4);
  assert.equal(await page.locator('#owners li').count(), 5);
  assert.equal(await page.locator('#ranges .badge', { hasText: 'this node' }).count(), 4);
  const shares = await page.locator('#ranges td[data-label="Share"]').allTextContents();
  const total = shares.reduce((sum, text) => sum + Number.parseInt(text, 10), 0);
  assert.ok(total > 85 && total < 115, `${total} %`);
  assert.equal(await page.locator('#ring-picture .moving').count(), 0);
  const { from, to } = node.supernodes[0]!.ranges[0]!;
  node.handOff = { to: node.supernodes[2]!.nodeId, range: { from, to }, step: 'copying' };
  await page.locator('#ring-picture .moving').waitFor();
  assert.match((await page.locator('#duty').textContent())!, /Hands over.*copying/);
  assert.equal(await page.locator('#ranges .badge', { hasText: 'hands over' }).count(), 1);
  await page.getByRole('link', { name: 'Torrents' }).click();
  assert.equal(await page.locator('#ring-picture').isVisible(), false);
  assert.ok(await page.locator('#listing-title').isVisible());
  assert.deepEqual(incidents, []);
  assert.deepEqual(node.strays, []);
});
