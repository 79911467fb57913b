// Rate limits of real transfers: bytes that arrived over the time that passed, with one fast seeder and with several.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { concatBytes } from '../../src/base/index.ts';
import { sha1 } from '../../src/io/hash.ts';
import { Allowance } from '../../src/io/rate-gate.ts';
import type { Torrent } from '../../src/io/torrent.ts';
import { encodeInfo, parseInfo, type TorrentInfo } from '../../src/torrent/index.ts';
import { SteadyRate } from '../steady-rate.ts';
import {
  completed,
  type LoopbackNode,
  openNodeFor,
  randomContent,
  specOf,
  temporaryFolder,
  until,
} from './loopback-node.ts';

const MIB = 1 << 20;
/** Far below what a machine carries that has much else to do. */
const RATE = 1.5 * MIB;
const WARM_MS = 500;
const WINDOW_MS = 4000;
/** Readings this far apart weigh alike, whether the loop is busy or held up. */
const READING_MS = 5;

/** A run of blocks is read and sent at a time, and ends with its piece: of small ones a busy machine serves few. */
const PIECE_BYTES = MIB / 2;

interface Shared {
  readonly folder: string;
  readonly info: TorrentInfo;
}

function shared(bytes: number): Shared {
  const folder = temporaryFolder('content');
  const content = randomContent(bytes);
  writeFileSync(join(folder, 'content.bin'), content);
  const pieceHashes = concatBytes(
    Array.from({ length: bytes / PIECE_BYTES }, (_, i) =>
      sha1(content.subarray(i * PIECE_BYTES, (i + 1) * PIECE_BYTES)),
    ),
  );
  const files = [{ path: [], length: bytes }];
  const raw = encodeInfo({ name: 'content.bin', files, pieceLength: PIECE_BYTES, pieceHashes, isPrivate: false });
  return { folder, info: parseInfo(raw, sha1) as TorrentInfo };
}

async function seed(node: LoopbackNode, { info, folder }: Shared): Promise<Torrent> {
  const { host, started } = node.torrents.add(specOf(info, folder, { isWhole: true }))!;
  await started;
  return host;
}

async function leech(node: LoopbackNode, { info }: Shared, seeders: readonly LoopbackNode[]): Promise<Torrent> {
  const { host, started } = node.torrents.add(specOf(info, temporaryFolder('fetched')))!;
  await started;
  for (const { address } of seeders) host.learn([address], 'user', 'user');
  return host;
}

/** Bytes per second over the window, by what was counted while it really passed. */
async function measured(count: () => number): Promise<number> {
  await until('data to move', () => count() > 0);
  const beginMs = performance.now() + WARM_MS;
  const rate = new SteadyRate();
  let nextMs = beginMs;
  await until('the window to pass', () => {
    const atMs = performance.now();
    if (atMs >= nextMs) {
      rate.note(count(), atMs);
      nextMs = atMs + READING_MS;
    }
    return rate.lastedMs >= WINDOW_MS;
  });
  return rate.perSecond;
}

function assertWithin(rate: number, wanted: number): void {
  assert.ok(Math.abs(rate - wanted) <= wanted * 0.05, `${Math.round(rate)} bytes/s instead of ${wanted}`);
}

test('a download limit of the node holds within 5 % with one fast seeder, and lifting it lets everything through', async (t) => {
  const content = shared(12 * MIB);
  const [seeder, leecher] = [await openNodeFor(t), await openNodeFor(t)];
  await seed(seeder, content);
  leecher.rates.down.limit(RATE);
  const torrent = await leech(leecher, content, [seeder]);
  assertWithin(await measured(() => torrent.figures().downloaded), RATE);
  leecher.rates.down.limit(null);
  await completed(torrent);
});

test('a download limit of one torrent holds within 5 % with two seeders', async (t) => {
  const content = shared(12 * MIB);
  const [one, other, leecher] = [await openNodeFor(t), await openNodeFor(t), await openNodeFor(t)];
  for (const seeder of [one, other]) await seed(seeder, content);
  const torrent = await leech(leecher, content, []);
  await torrent.limit(RATE, undefined);
  for (const { address } of [one, other]) torrent.learn([address], 'user', 'user');
  assertWithin(await measured(() => torrent.figures().downloaded), RATE);
});

test('an upload limit of the node holds within 5 % over two torrents and three leechers', async (t) => {
  const contents = [shared(12 * MIB), shared(12 * MIB)];
  const [seeder, ...leechers] = await Promise.all(Array.from({ length: 4 }, () => openNodeFor(t)));
  seeder!.rates.up.limit(RATE);
  const sources: Torrent[] = [];
  for (const content of contents) sources.push(await seed(seeder!, content));
  await Promise.all(leechers.map((leecher, i) => leech(leecher, contents[i % 2]!, [seeder!])));
  assertWithin(await measured(() => sources.reduce((sum, source) => sum + source.figures().uploaded, 0)), RATE);
  assert.ok(sources.every((source) => source.figures().uploaded > 0));
});

test('an upload limit of one torrent holds within 5 % towards three leechers', async (t) => {
  const content = shared(12 * MIB);
  const [seeder, ...leechers] = await Promise.all(Array.from({ length: 4 }, () => openNodeFor(t)));
  const source = await seed(seeder!, content);
  await source.limit(undefined, RATE);
  await Promise.all(leechers.map((leecher) => leech(leecher, content, [seeder!])));
  assertWithin(await measured(() => source.figures().uploaded), RATE);
});

test('two torrents share a download limit equally, and one keeps to its own', async (t) => {
  const contents = [shared(12 * MIB), shared(12 * MIB), shared(12 * MIB)];
  const [seeder, leecher] = [await openNodeFor(t), await openNodeFor(t)];
  for (const content of contents) await seed(seeder, content);
  leecher.rates.down.limit(RATE);
  const torrents: Torrent[] = [];
  for (const content of contents) torrents.push(await leech(leecher, content, [seeder]));
  await torrents[0]!.limit(RATE / 4, undefined);
  const before = new Map<Torrent, number>();
  const total = (): number => torrents.reduce((sum, torrent) => sum + torrent.figures().downloaded, 0);
  await until('all to have begun', () => torrents.every((torrent) => torrent.figures().downloaded > RATE / 8));
  for (const torrent of torrents) before.set(torrent, torrent.figures().downloaded);
  assertWithin(await measured(total), RATE);
  const [own, one, other] = torrents.map((torrent) => torrent.figures().downloaded - before.get(torrent)!);
  assert.ok(Math.abs(one! - other!) < one! * 0.1, `${one} and ${other}`);
  assert.ok(own! < one! * 0.8, `${own} and ${one}`);
});

test('a link that takes its wish back as often as something is granted lets everybody else go on', async (t) => {
  const { rates } = await openNodeFor(t);
  const { info } = shared(PIECE_BYTES);
  rates.down.limit(MIB);
  let wakes = 0;
  const allowance = new Allowance(rates.down, info.infoHash, () => {
    assert.ok(++wakes < 100, 'it is woken for what it does not want');
    ask();
  });
  const ask = (): void => {
    allowance.available(PIECE_BYTES);
    // It finds that there is nothing left to fetch.
    allowance.available(0);
  };
  ask();
  const beginMs = performance.now();
  await until('a while to pass', () => performance.now() - beginMs > 100);
  ask();
  await until('a while to pass', () => performance.now() - beginMs > 200);
  assert.ok(wakes < 100);
});

test('a limit of 0 stops a download, which says so, and lifting it lets it go on', async (t) => {
  const content = shared(MIB);
  const [seeder, leecher] = [await openNodeFor(t), await openNodeFor(t)];
  const source = await seed(seeder, content);
  const { host: torrent, started } = leecher.torrents.add(specOf(content.info, temporaryFolder('fetched')))!;
  await torrent.limit(0, undefined);
  await started;
  torrent.learn([seeder.address], 'user', 'user');
  await until('the link', () => torrent.figures().links === 1);
  await until('an unchoke', () => source.figures().links === 1);
  assert.match(torrent.figures().stalledBecause!, /^the download rate limit is 0/);
  assert.equal(torrent.figures().downloaded, 0);
  await torrent.limit(null, undefined);
  await completed(torrent);
  await source.limit(undefined, 0);
  assert.match(source.figures().stalledBecause!, /upload rate limit is 0/);
});
