// `node test/web/screenshots.ts` takes the pictures of docs/images again, of a made-up network that looks like one.
import { mkdirSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { wallSeconds } from '../../src/base/index.ts';
import type { StoredItem } from '../../src/io/index.ts';
import { buildPage } from '../../web/build.ts';
import { infoHashOf, nodeIdOf, storedItem } from '../listing/signer.ts';
import { randomOf, Titles } from '../listing/titles.ts';
import { fileOf, openPageNode, type PageNode, ringOf, torrentOf } from './page-node.ts';
import { servePublicPage } from './public-node.ts';

const FOLDER = fileURLToPath(new URL('../../docs/images/', import.meta.url));
const ROWS = 2000;
const NOW = Math.floor(Date.now() / 1000);
const random = randomOf(11);
const dice = (sides: number): number => Math.floor(random() * sides);

function listedItems(): StoredItem[] {
  const titles = new Titles(random);
  return Array.from({ length: ROWS }, (_, i) => {
    const { key, ...title } = titles.next();
    const infoHash = infoHashOf(Math.imul(i + 1, 0x9e3779b1) >>> 0);
    const published = wallSeconds(NOW - Math.floor(i ** 2.2 * 40) - dice(600) - 60);
    const publisher = nodeIdOf(17 + dice(200));
    return storedItem({ ...title, infoHash, published, publisher }, { isVerified: dice(12) > 0 });
  });
}

async function prepare(node: PageNode, items: readonly StoredItem[]): Promise<void> {
  const counts = items.flatMap(({ entry: { infoHash } }) =>
    dice(9) === 0
      ? []
      : [
          {
            infoHash,
            seeders: Math.floor(random() ** 4 * 900),
            leechers: Math.floor(random() ** 5 * 200),
            completions: Math.floor(random() ** 3 * 30_000),
          },
        ],
  );
  await node.store.setCounts(counts, nodeIdOf(9), wallSeconds(NOW - 40));
  node.ring = ringOf(5, 4);
  const { infoHash, name, size } = items[2]!.entry;
  const still = { downBytesPerSecond: 0, upBytesPerSecond: 0, secondsLeft: null };
  node.transfers = [
    torrentOf(1, { infoHash, name, size }),
    torrentOf(2, {
      ...still,
      name: 'Debian 13.1 amd64 netinst.iso',
      state: 'seeding',
      progress: 1,
      upBytesPerSecond: 2_400_000,
      size: 704_643_072,
    }),
    torrentOf(3, {
      ...still,
      name: 'The Lighthouse Keepers S02E05 1080p WEB-DL x265',
      peers: 2,
      progress: 0.63,
      stalledBecause:
        'No seed seen since 14:05. Two peers have 63 % of it between them; it goes on when one with the rest comes.',
    }),
    torrentOf(4, {
      ...still,
      name: 'Samarkand – Field Recordings (1998) [FLAC]',
      state: 'paused',
      progress: 0.12,
      peers: 0,
    }),
    torrentOf(5, { ...still, name: 'Copper Canyon S01 2160p', state: 'queued', progress: 0, peers: 0, queuePlace: 9 }),
  ];
  node.rules = ['name:*keygen*', `by:${nodeIdOf(0x5d)}`];
  node.lists = [
    {
      ...{ author: nodeIdOf(0x31), title: 'Known fakes, music', sequence: NOW, published: NOW - 7200, rules: 1204 },
      ...{ takesOnly: false, checkedAgeSeconds: 1260 },
    },
  ];
  node.fileList = [
    '01 – Pilot.mkv',
    '02 – The Harbour.mkv',
    'Subtitles/01.en.srt',
    'Subtitles/02.en.srt',
    'read me.txt',
  ].map((path, i) => fileOf(i, path, { progress: Math.min(1, (5 - i) / 5), priority: i === 4 ? 'skip' : 'normal' }));
}

/** The same picture in a third of the bytes, encoded by the browser; both are base64. */
async function webpOf(png: string): Promise<string> {
  const page = await browser.newPage();
  const webp = await page.evaluate(`(async () => {
    const png = Uint8Array.from(atob('${png}'), (digit) => digit.charCodeAt(0));
    const picture = await createImageBitmap(new Blob([png]));
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    canvas.getContext('2d').drawImage(picture, 0, 0);
    const bytes = await (await canvas.convertToBlob({ type: 'image/webp', quality: 0.75 })).bytes();
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  })()`);
  await page.close();
  return webp as string;
}

const ends: (() => unknown)[] = [];
const t = { after: (end: () => unknown) => ends.unshift(end) } as unknown as TestContext;
await buildPage();
mkdirSync(FOLDER, { recursive: true });
const items = listedItems();
const { node, url } = await openPageNode(t, items);
await prepare(node, items);
const { rows } = await node.list({ sort: 'seeds', limit: 100 });
const publicUrl = await servePublicPage(t, rows, 'monsoon', ROWS);
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
ends.unshift(() => browser.close());
const open = `torrent=${items[2]!.entry.infoHash}`;
const pictures: readonly [name: string, url: string, colorScheme: 'light' | 'dark', width: number, height: number][] = [
  ['listing', url, 'light', 1280, 640],
  ['torrent-dark', `${url}#/?${open}`, 'dark', 1280, 760],
  ['transfers', `${url}#/transfers`, 'light', 1280, 330],
  ['network-dark', `${url}#/network`, 'dark', 1280, 640],
  ['filter', `${url}#/filter`, 'light', 1280, 480],
  ['settings', `${url}#/settings`, 'light', 1280, 640],
  ['phone', url, 'light', 390, 720],
  ['phone-dark', `${url}#/transfers`, 'dark', 390, 720],
  ['public', `${publicUrl}?sort=seeds`, 'light', 1280, 560],
];
for (const [name, address, colorScheme, width, height] of pictures) {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme });
  await page.goto(address, { waitUntil: 'load' });
  await page.locator('td .title, td.name a, .ring, form.settings, .entries li').first().waitFor();
  if (address.includes(open)) await page.locator('.panel .tree li').first().waitFor();
  await page.locator('.pulse.joined, .summary').waitFor();
  const png = (await page.screenshot()).toString('base64');
  await page.close();
  writeFileSync(`${FOLDER}${name}.webp`, Buffer.from(await webpOf(png), 'base64'));
}
for (const end of ends) await end();
