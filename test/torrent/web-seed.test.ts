// Web seeds, the parts that decide: URLs, ranges, answers, and who rests how long.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { encodeBencode, finish, instant, isFault, later, utf8 } from '../../src/base/index.ts';
import { sha1 } from '../../src/io/hash.ts';
import {
  Layout,
  parseInfo,
  parseMetainfo,
  rangeHeader,
  rangeRefusal,
  StretchQueue,
  type TorrentInfo,
  WebSeeds,
  WebSeedUrls,
} from '../../src/torrent/index.ts';

const BLOCK = 16_384;

function infoOf(parts: Parameters<typeof encodeBencode>[0]): TorrentInfo {
  const info = parseInfo(encodeBencode(parts), sha1);
  assert.ok(!isFault(info), `${info}`);
  return info;
}

const single = (name: string, length: number): TorrentInfo =>
  infoOf({ length, name, 'piece length': 2 * BLOCK, pieces: new Uint8Array(20 * Math.ceil(length / BLOCK / 2)) });

test('a single file is the URL itself, or lies below it when that ends in a slash', () => {
  const urls = finish(WebSeedUrls.of(single('a b.bin', 5)));
  assert.equal(urls.urlOf('http://h/any?id=3', 0), 'http://h/any?id=3');
  assert.equal(urls.urlOf('http://h/dir/', 0), 'http://h/dir/a%20b.bin');
});

test('files of a folder are named by the bytes of their author, percent-encoded, not by the cleaned names', () => {
  const path = ['sub dir', '100%?#:ü.txt'].map(utf8);
  const latin = Uint8Array.of(0xe4, 0x2f);
  const info = infoOf({
    files: [
      { length: 1, path },
      { length: 1, path: [latin] },
    ],
    name: 'My Folder',
    'piece length': BLOCK,
    pieces: new Uint8Array(20),
  });
  const urls = finish(WebSeedUrls.of(info));
  assert.equal(urls.urlOf('http://h/x/', 0), 'http://h/x/My%20Folder/sub%20dir/100%25%3F%23%3A%C3%BC.txt');
  assert.equal(urls.urlOf('http://h/x', 1), 'http://h/x/My%20Folder/%E4%2F');
});

test('the web seeds of a stock torrent file lead to its files', () => {
  const file = readFileSync(new URL('../fixtures/torrents/url_seed_multi_space.torrent', import.meta.url));
  const metainfo = parseMetainfo(file, sha1);
  assert.ok(!isFault(metainfo));
  const urls = finish(WebSeedUrls.of(metainfo.info));
  for (const seed of metainfo.webSeeds) {
    for (const index of metainfo.info.files.keys()) assert.ok(URL.canParse(urls.urlOf(seed, index)));
  }
});

test('blocks that adjoin, over the ends of pieces too, are one stretch; others wait their turn', () => {
  const queue = new StretchQueue(new Layout(single('a', 7 * BLOCK + 100)));
  queue.add({ piece: 2, block: 0, count: 1, lastLength: BLOCK });
  queue.add({ piece: 0, block: 1, count: 1, lastLength: BLOCK });
  queue.add({ piece: 1, block: 0, count: 2, lastLength: BLOCK });
  queue.add({ piece: 3, block: 0, count: 2, lastLength: BLOCK });
  assert.equal(queue.remove(3, BLOCK), true);
  assert.equal(queue.remove(3, BLOCK), false);
  const first = queue.take()!;
  assert.deepEqual([first.start, first.length], [4 * BLOCK, BLOCK]);
  const second = queue.take()!;
  assert.deepEqual([second.start, second.length], [BLOCK, 3 * BLOCK]);
  assert.deepEqual(
    second.blocks.map(({ piece, offset }) => [piece, offset]),
    [
      [0, BLOCK],
      [1, 0],
      [1, BLOCK],
    ],
  );
  assert.deepEqual([queue.take()!.start, queue.take()], [6 * BLOCK, undefined]);
});

test('a stretch is at most 4 MiB', () => {
  const queue = new StretchQueue(new Layout(single('a', 300 * BLOCK)));
  for (let piece = 0; piece < 150; piece++) queue.add({ piece, block: 0, count: 2, lastLength: BLOCK });
  assert.deepEqual([queue.take()!.length, queue.take()!.length], [256 * BLOCK, 44 * BLOCK]);
});

test('an answer is taken only when it is the range that was asked for, of a file of the right length', () => {
  const span = { file: 0, offset: 10, length: 20 };
  assert.equal(rangeHeader(span), 'bytes=10-29');
  const refused = (status: number, headers: Record<string, string>, of = span, fileLength = 100): string | undefined =>
    rangeRefusal(status, headers, of, fileLength)?.text;
  assert.equal(refused(206, { 'content-range': 'bytes 10-29/100' }), undefined);
  assert.equal(refused(206, { 'content-range': 'bytes 10-29/*' }), undefined);
  for (const range of ['bytes 10-28/100', 'bytes 0-29/100', 'bytes 10-29/101', 'bytes */100', 'bytes 10-29', '']) {
    assert.match(refused(206, { 'content-range': range }) ?? '', /another range/, range);
  }
  assert.match(refused(206, { 'content-range': 'bytes 10-29/100', 'content-encoding': 'gzip' }) ?? '', /gzip/);
  assert.match(refused(200, {}) ?? '', /ignores ranges/);
  assert.match(refused(404, {}) ?? '', /HTTP 404/);
  const whole = { file: 0, offset: 0, length: 100 };
  assert.equal(refused(200, { 'content-length': '100' }, whole), undefined);
  assert.match(refused(200, { 'content-length': '101' }, whole) ?? '', /another length/);
});

test('a web seed that fails rests longer each time, one that served is forgiven, one with bad data never returns', () => {
  const seeds = new WebSeeds(['http://a/', 'http://b/']);
  let time = instant(0);
  const [a, b] = seeds.open(time).map(({ link }) => link) as [number, number];
  assert.deepEqual(seeds.open(time), []);
  seeds.banned(b);
  const rests: number[] = [];
  for (let round = 0; round < 9; round++) {
    seeds.failed(a, time);
    rests.push(seeds.retryAt! - time);
    assert.deepEqual(seeds.open(later(time, rests.at(-1)! - 1)), []);
    time = seeds.retryAt!;
    assert.deepEqual(
      seeds.open(time).map(({ url }) => url),
      ['http://a/'],
    );
  }
  assert.deepEqual(rests.slice(0, 3), [30_000, 60_000, 120_000]);
  assert.equal(rests.at(-1), 3_600_000);
  seeds.served(a);
  seeds.failed(a, time);
  assert.equal(seeds.retryAt! - time, 30_000);
});

test('four web seeds of a torrent serve at a time; one that retires gives its place back', () => {
  const seeds = new WebSeeds(Array.from({ length: 6 }, (_, i) => `http://h${i}/`));
  const time = instant(0);
  const open = seeds.open(time);
  assert.equal(open.length, 4);
  assert.deepEqual(seeds.open(time), []);
  seeds.failed(open[0]!.link, time);
  assert.deepEqual(
    seeds.open(time).map(({ url }) => url),
    ['http://h4/'],
  );
});
