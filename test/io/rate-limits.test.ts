// Rate limits of real transfers: bytes that arrived over the time that passed, with one fast seeder and with several.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Torrent } from '../../src/io/torrent.ts';
import { type MadeTorrent, makeTorrent } from '../../src/io/torrent-maker.ts';
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
const WARM_MS = 500;
const WINDOW_MS = 2500;

interface Shared {
  readonly folder: string;
  readonly made: MadeTorrent;
}

async function shared(bytes: number): Promise<Shared> {
  const folder = temporaryFolder('content');
  writeFileSync(join(folder, 'content.bin'), randomContent(bytes));
  return { folder, made: await makeTorrent(folder) };
}

async function seed(node: LoopbackNode, { made, folder }: Shared): Promise<Torrent> {
  const { host, started } = node.torrents.add(
    specOf(made.info, folder, { sourcePaths: made.sourcePaths, isWhole: true }),
  )!;
  await started;
  return host;
}

async function leech(node: LoopbackNode, { made }: Shared, seeders: readonly LoopbackNode[]): Promise<Torrent> {
  const { host, started } = node.torrents.add(specOf(made.info, temporaryFolder('fetched')))!;
  await started;
  for (const { address } of seeders) host.learn([address], 'user', 'user');
  return host;
}

/** Bytes per second over the window, by what was counted and the time that really passed. */
async function measured(count: () => number): Promise<number> {
  const waited = (ms: number): Promise<void> => {
    const end = performance.now() + ms;
    return until('time to pass', () => performance.now() >= end);
  };
  await until('data to move', () => count() > 0);
  await waited(WARM_MS);
  const [from, at] = [count(), performance.now()];
  await waited(WINDOW_MS);
  return ((count() - from) * 1000) / (performance.now() - at);
}

function assertWithin(rate: number, wanted: number): void {
  assert.ok(Math.abs(rate - wanted) <= wanted * 0.05, `${Math.round(rate)} bytes/s instead of ${wanted}`);
}

test('a download limit of the node holds within 5 % with one fast seeder, and lifting it lets everything through', async (t) => {
  const content = await shared(32 * MIB);
  const [seeder, leecher] = [await openNodeFor(t), await openNodeFor(t)];
  await seed(seeder, content);
  leecher.rates.down.limit(4 * MIB);
  const torrent = await leech(leecher, content, [seeder]);
  assertWithin(await measured(() => torrent.figures().downloaded), 4 * MIB);
  leecher.rates.down.limit(null);
  await completed(torrent);
});

test('an upload limit of one torrent holds within 5 % towards three leechers', async (t) => {
  const content = await shared(24 * MIB);
  const [seeder, ...leechers] = await Promise.all(Array.from({ length: 4 }, () => openNodeFor(t)));
  const source = await seed(seeder!, content);
  await source.limit(undefined, 3 * MIB);
  await Promise.all(leechers.map((leecher) => leech(leecher, content, [seeder!])));
  assertWithin(await measured(() => source.figures().uploaded), 3 * MIB);
});

test('two torrents share a download limit equally, and one keeps to its own', async (t) => {
  const contents = [await shared(24 * MIB), await shared(24 * MIB), await shared(24 * MIB)];
  const [seeder, leecher] = [await openNodeFor(t), await openNodeFor(t)];
  for (const content of contents) await seed(seeder, content);
  leecher.rates.down.limit(4 * MIB);
  const torrents: Torrent[] = [];
  for (const content of contents) torrents.push(await leech(leecher, content, [seeder]));
  await torrents[0]!.limit(MIB, undefined);
  const before = new Map<Torrent, number>();
  const total = (): number => torrents.reduce((sum, torrent) => sum + torrent.figures().downloaded, 0);
  await until('all to have begun', () => torrents.every((torrent) => torrent.figures().downloaded > MIB / 2));
  for (const torrent of torrents) before.set(torrent, torrent.figures().downloaded);
  assertWithin(await measured(total), 4 * MIB);
  const [own, one, other] = torrents.map((torrent) => torrent.figures().downloaded - before.get(torrent)!);
  assert.ok(Math.abs(one! - other!) < one! * 0.1, `${one} and ${other}`);
  assert.ok(own! < one! * 0.8, `${own} and ${one}`);
});

test('a limit of 0 stops a download, which says so, and lifting it lets it go on', async (t) => {
  const content = await shared(MIB);
  const [seeder, leecher] = [await openNodeFor(t), await openNodeFor(t)];
  const source = await seed(seeder, content);
  const { host: torrent, started } = leecher.torrents.add(specOf(content.made.info, temporaryFolder('fetched')))!;
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
