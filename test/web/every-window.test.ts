// Every view in every window: as narrow as a phone, light and dark, with names that do not want to fit; and by keyboard.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wallSeconds } from '../../src/base/index.ts';
import { infoHashOf, nodeIdOf, storedItem } from '../listing/signer.ts';
import { fileOf, openPageNode, ringOf, torrentOf } from './page-node.ts';
import { servePublicPage } from './public-node.ts';
import { rowOf } from './rows.ts';
import { canVisit, visit } from './visit.ts';

const NOW = Math.floor(Date.now() / 1000);
const VIEWS: readonly (readonly [hash: string, waitFor: string])[] = [
  ['#/', '.listing tbody tr[aria-rowindex="2"] .title'],
  [`#/?torrent=${infoHashOf(0)}`, '.panel .tree li'],
  ['#/transfers', '.transfers .title'],
  ['#/share', '#path'],
  ['#/network', '.ranges tbody tr'],
  ['#/network', '.hosts tbody tr'],
  ['#/filter', '.entries code.whole'],
  ['#/settings', '#option-lsd'],
  [`#/add?magnet=magnet:%3Fxt=urn:btih:${'ab'.repeat(20)}%26dn=${'W'.repeat(300)}`, 'dialog[open]'],
];
const items = Array.from({ length: 60 }, (_, i) =>
  storedItem({
    ...{ infoHash: infoHashOf(i), name: `${'W'.repeat(150)}${i}`, description: 'm'.repeat(300) },
    published: wallSeconds(NOW - i * 60),
  }),
);

/**
 * Texts in sight whose contrast with what lies behind them is below WCAG AA, as `text: ratio`. Runs in the page, on the
 * colours that the browser computed, so that a wrong pair is found whichever rule made it.
 */
const FAINT_TEXTS = `(() => {
  const channels = (colour) => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const known = new Map();
  const read = (colour) => known.get(colour) ?? (known.set(colour, channels(colour)), known.get(colour));
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const groundOf = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (read(colour)[3] === 255) return read(colour);
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const node of document.querySelectorAll('body *')) {
    const hasText = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim() !== '');
    const style = getComputedStyle(node);
    if (!hasText || !node.checkVisibility() || node.closest('.hidden, svg, :disabled, option')) continue;
    const [a, b] = [luminance(read(style.color)), luminance(groundOf(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) faint.push(node.textContent.trim().slice(0, 40) + ': ' + ratio.toFixed(2));
  }
  return faint;
})()`;
/** Controls in sight that a screen reader could not name. */
const NAMELESS = `[...document.querySelectorAll('button, input, select, textarea, a, [role="grid"], dialog, aside')]
  .filter((node) => node.checkVisibility() && !(node.getAttribute('aria-label') || node.getAttribute('aria-labelledby') ||
    node.labels?.length || node.textContent.trim()))
  .map((node) => node.outerHTML.slice(0, 100))`;

/** From the narrowest in use. */
const PHONE_WIDTHS = [320, 360, 375, 390];
/** What is wider than the window, or scrolls sideways in it, or is a control that runs off its edge. */
const TOO_WIDE = `(() => {
  const { clientWidth, scrollWidth } = document.documentElement;
  const wide = scrollWidth > innerWidth ? ['the page: ' + scrollWidth] : [];
  const textOf = (node) => (node.className || node.tagName) + ' ' + node.textContent.trim().slice(0, 20);
  for (const box of document.querySelectorAll('.scroll, .page-view, .wide-table, .panel, .views, .chips, thead tr, dialog'))
    if (box.checkVisibility() && box.scrollWidth > box.clientWidth) wide.push(textOf(box) + ': ' + box.scrollWidth);
  for (const control of document.querySelectorAll('a, button, input:not(.hidden), select, textarea')) {
    const { left, right } = control.getBoundingClientRect();
    if (control.checkVisibility() && (left < 0 || right > clientWidth)) wide.push(textOf(control) + ': ' + right);
  }
  return wide;
})()`;
/** Buttons, fields and the names of views that are lower than a finger hits (WCAG 2.2, 2.5.8: 24 pixels). */
const TOO_LOW = `[...document.querySelectorAll('.views a, button, input:not(.hidden, [type="checkbox"]), select')]
  .filter((node) => node.checkVisibility() && node.getBoundingClientRect().height < 24)
  .map((node) => node.outerHTML.slice(0, 80))`;
/** Cells of the public page, where nothing opens a row, of which a part is not seen. */
const CUT_CELLS = `[...document.querySelectorAll('tbody td')]
  .filter((cell) => cell.checkVisibility() && cell.scrollWidth > cell.clientWidth)
  .map((cell) => cell.className + ' ' + cell.textContent.slice(0, 20))`;

test('on a phone the buttons of all transfers stand at the same edge, whatever moves', async (t) => {
  if (!(await canVisit(t))) return;
  const { node, url } = await openPageNode(t, []);
  const still = { downBytesPerSecond: 0, upBytesPerSecond: 0, secondsLeft: null };
  node.transfers = [torrentOf(0), torrentOf(1, { ...still, state: 'paused' }), torrentOf(2, { ...still, peers: 0 })];
  const { page } = await visit(t, `${url}#/transfers`);
  for (const width of PHONE_WIDTHS) {
    await page.setViewportSize({ width, height: 844 });
    await page.locator('td.action button').nth(2).waitFor();
    const edges = await page.evaluate(
      `[...document.querySelectorAll('td.action button')].map((each) => each.getBoundingClientRect().right)`,
    );
    assert.equal(new Set(edges as number[]).size, 1, `${edges} at ${width} pixels`);
    assert.ok((edges as number[])[0]! > width - 24, `${edges} at ${width} pixels`);
  }
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`no view is wider than a phone, every text has AA contrast and every control a name, ${colorScheme}`, async (t) => {
    if (!(await canVisit(t))) return;
    const { node, url } = await openPageNode(t, items);
    node.ring = ringOf(4, 3);
    node.transfers = [
      torrentOf(0, { name: 'W'.repeat(200), stalledBecause: 'n'.repeat(300), path: `/${'p'.repeat(300)}` }),
      torrentOf(1, { state: 'failed' }),
      torrentOf(2, { state: 'seeding', progress: 1 }),
    ];
    node.rules = [`by:${'5d'.repeat(32)}`, `name:${'W'.repeat(200)}`];
    node.subscribed = [{ author: nodeIdOf(7), takesOnly: true }];
    node.fileList = [fileOf(0, `${'f'.repeat(100)}/${'g'.repeat(200)}`), fileOf(1, 'x', { priority: 'skip' })];
    const { page, incidents } = await visit(t, url, { colorScheme });
    for (const [hash, wanted] of VIEWS) {
      await page.setViewportSize({ width: 1360, height: 800 });
      await page.goto('about:blank');
      await page.goto(url + hash);
      await page.locator(wanted).first().waitFor();
      assert.deepEqual(await page.evaluate(FAINT_TEXTS), [], `${hash} in a wide window`);
      assert.deepEqual(await page.evaluate(NAMELESS), [], hash);
      assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 1360, hash);
      for (const width of PHONE_WIDTHS) {
        await page.setViewportSize({ width, height: 844 });
        await page.locator(wanted).first().waitFor();
        assert.deepEqual(await page.evaluate(TOO_WIDE), [], `${hash} at ${width} pixels`);
        assert.deepEqual(await page.evaluate(TOO_LOW), [], `${hash} at ${width} pixels`);
      }
      assert.deepEqual(await page.evaluate(FAINT_TEXTS), [], `${hash} on a phone`);
    }
    await page.evaluate(`document.querySelector('dialog p').style.color = 'rgb(128 128 128 / 60%)'`);
    assert.equal(((await page.evaluate(FAINT_TEXTS)) as string[]).length, 1, 'a faint text would be found');
    const publicUrl = await servePublicPage(t, [
      rowOf(0, { name: 'W'.repeat(200), description: 'm'.repeat(300) }),
      rowOf(3),
    ]);
    await page.goto(publicUrl);
    await page.locator('tbody tr').first().waitFor();
    for (const width of PHONE_WIDTHS) {
      await page.setViewportSize({ width, height: 844 });
      assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width, 'the public page');
      assert.deepEqual(await page.evaluate(CUT_CELLS), [], `the public page at ${width} pixels`);
    }
    assert.deepEqual(await page.evaluate(FAINT_TEXTS), [], 'the public page');
    assert.deepEqual(
      incidents.filter((text) => !text.startsWith('http://127.0.0.1')),
      [],
    );
  });
}

test('everything is reached by keyboard, in the order in which it is seen, and focus shows', async (t) => {
  if (!(await canVisit(t))) return;
  const { node, url } = await openPageNode(t, items);
  node.ring = ringOf(1, 1);
  const { page } = await visit(t, url);
  await page.locator('.listing .title').first().waitFor();
  const path: string[] = [];
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press('Tab');
    const [name, outline] = (await page.evaluate(`(() => {
      const at = document.activeElement;
      const shown = at.matches('[role="grid"]') ? at.closest('.scroll') : at;
      return [at.getAttribute('aria-label') || at.id || at.textContent.trim(), getComputedStyle(shown).outlineStyle];
    })()`)) as [string, string];
    if (path[0] === name) break;
    assert.equal(outline, 'solid', `focus is seen on ${name}`);
    path.push(name);
    if (name === 'Listing' && path.length > 5) break;
  }
  const expected = [
    'monsoon',
    'Listing',
    'Transfers',
    'Share',
    'Network',
    'Filter',
    'Settings',
    'what',
    'Fetch',
    'Open file',
    'search',
  ];
  assert.deepEqual(path.slice(0, 11), expected);
  assert.deepEqual(path.slice(11, 18), ['all', 'movie', 'music', 'game', 'application', 'misc', 'Filters']);
});
