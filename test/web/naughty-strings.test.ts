// Texts that try to become scripts, in every field that anybody else can fill: on the local page and on the public one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleanText, wallSeconds } from '../../src/base/index.ts';
import { infoHashOf, storedItem } from '../listing/signer.ts';
import { NAUGHTY, PAYLOADS } from './naughty.ts';
import { fileOf, openPageNode, torrentOf } from './page-node.ts';
import { servePublicPage } from './public-node.ts';
import { rowOf } from './rows.ts';
import { canVisit, visit } from './visit.ts';

const NOW = Math.floor(Date.now() / 1000);
const texts = [...PAYLOADS, ...NAUGHTY].filter((text) => cleanText(text, 200).trim() !== '');
const ELEMENTS = ':is(script, img, iframe, style, object, embed, form form)';

test('naughty strings in every field of rows, transfers, files and reasons run no script and draw no CSP report', async (t) => {
  if (!(await canVisit(t))) return;
  const items = texts.map((text, i) =>
    storedItem({ infoHash: infoHashOf(i), name: text, description: text, published: wallSeconds(NOW - i) }),
  );
  const { node, url } = await openPageNode(t, items);
  node.transfers = texts
    .slice(0, 100)
    .map((text, i) => torrentOf(i, { name: text, path: text, stalledBecause: text, infoHash: infoHashOf(i) }));
  node.fileList = texts.map((text, i) => fileOf(i, `${text}/${text}`));
  const { page, incidents } = await visit(t, url);
  await page
    .locator('.shown')
    .getByText(/torrents$/)
    .waitFor();
  const total = await node.store.rowCount();
  assert.ok(total > 500, `${total} rows`);
  // Every row is drawn once: some 50 are at a time.
  for (let row = 0; row < total; row += 45) {
    await page.evaluate(`document.querySelector('.scroll').scrollTop = ${row * 30}`);
    await page.locator(`tr[aria-rowindex="${row + 2}"] .title`).waitFor();
    assert.equal(await page.locator(`#page ${ELEMENTS}`).count(), 0);
  }
  for (let i = 0; i < PAYLOADS.length; i++) {
    await page.goto(`${url}#/transfers?torrent=${infoHashOf(i)}`);
    await page.locator('.panel .tree li').nth(5).waitFor();
    assert.equal(await page.locator('.panel h2').textContent(), texts[i]);
    assert.equal(await page.locator(`#page ${ELEMENTS}`).count(), 0);
  }
  for (const text of PAYLOADS) {
    await page.goto(`${url}#/?q=${encodeURIComponent(text)}&torrent=${encodeURIComponent(text)}`);
    await page.goto(`${url}#/add?magnet=${encodeURIComponent(`magnet:?xt=urn:btih:${'ab'.repeat(20)}&dn=${text}`)}`);
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
  }
  assert.deepEqual(
    incidents.filter((text) => !/40[04] \(/.test(text)),
    [],
  );
});

test('the same on the public page, whose policy allows no script at all', async (t) => {
  if (!(await canVisit(t))) return;
  const rows = texts.slice(0, 400).map((text, i) => rowOf(i, { name: text, description: text, tags: [text] }));
  const { page, incidents } = await visit(t, await servePublicPage(t, rows, PAYLOADS[0]!));
  assert.equal(await page.locator('tbody tr').count(), rows.length);
  assert.equal(await page.locator(`body ${ELEMENTS}`).count(), 0);
  const protocols = "[...new Set([...document.querySelectorAll('td.name a')].map((link) => link.protocol))]";
  assert.deepEqual(await page.evaluate(protocols), ['magnet:']);
  await page.getByLabel('Search the listing').fill(PAYLOADS[2]!);
  await page.getByRole('button', { name: 'Search' }).click();
  await page.waitForURL(/q=/);
  assert.equal(await page.getByLabel('Search the listing').inputValue(), PAYLOADS[2]);
  assert.deepEqual(incidents, []);
});
