// Reading a torrent's bytes while they come, over real sockets: what is fetched first, and how a reading ends.
import assert from 'node:assert/strict';
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { concatBytes } from '../../src/base/index.ts';
import type { ContentReader } from '../../src/io/content-readers.ts';
import { sha1 } from '../../src/io/hash.ts';
import type { Torrent } from '../../src/io/torrent.ts';
import { encodeInfo, NO_WISHES, parseInfo, type TorrentInfo, type Wishes } from '../../src/torrent/index.ts';
import { type LoopbackNode, openNodeFor, randomContent, specOf, temporaryFolder, until } from './loopback-node.ts';

const KIB = 1024;
const MIB = KIB * KIB;
const PIECE_BYTES = 64 * KIB;
/** So that only what is read is fetched. */
const NOTHING: Wishes = { ...NO_WISHES, rules: [{ files: '*', priority: 0 }] };

interface Shared {
  readonly folder: string;
  readonly content: Buffer;
  readonly info: TorrentInfo;
}

function shared(bytes: number): Shared {
  const folder = temporaryFolder('content');
  const content = randomContent(bytes);
  writeFileSync(join(folder, 'film.mp4'), content);
  const pieceHashes = concatBytes(
    Array.from({ length: bytes / PIECE_BYTES }, (_, i) =>
      sha1(content.subarray(i * PIECE_BYTES, (i + 1) * PIECE_BYTES)),
    ),
  );
  const files = [{ path: [], length: bytes }];
  const raw = encodeInfo({ name: 'film.mp4', files, pieceLength: PIECE_BYTES, pieceHashes, isPrivate: false });
  return { folder, content, info: parseInfo(raw, sha1) as TorrentInfo };
}

async function seed(t: TestContext, { info, folder }: Shared): Promise<LoopbackNode> {
  const node = await openNodeFor(t);
  await node.torrents.add(specOf(info, folder, { isWhole: true }))!.started;
  return node;
}

async function leech(t: TestContext, { info }: Shared, wishes: Wishes = NO_WISHES): Promise<Torrent> {
  const node = await openNodeFor(t);
  const { host, started } = node.torrents.add(specOf(info, temporaryFolder('fetched'), { wishes }))!;
  await started;
  return host;
}

async function readAll(reader: ContentReader): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for (let bytes = await reader.next(); bytes; bytes = await reader.next()) parts.push(bytes);
  reader.close();
  return Buffer.concat(parts);
}

/** Whether this process has a file open, on Linux. */
function isOpen(path: string): boolean {
  return readdirSync('/proc/self/fd').some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      // The one that listed them is closed.
      return false;
    }
  });
}

const isStored = (host: Torrent, piece: number): boolean => host.content!.isStored(piece);

test('W-42 the middle of a fresh download is read long before the rest is there', async (t) => {
  const film = shared(6 * MIB);
  const seeder = await seed(t, film);
  seeder.rates.up.limit(MIB / 2);
  const host = await leech(t, film);
  const [start, length] = [3 * MIB + 777, 5 * PIECE_BYTES];
  const reader = host.readers.open(start, length);
  const reading = readAll(reader);
  host.learn([seeder.address], 'user', 'user');
  assert.ok((await reading).equals(film.content.subarray(start, start + length)));
  assert.ok(host.figures().storedBytes < film.info.length / 3, `${host.figures().storedBytes} bytes were there`);
  assert.equal(host.wishes.isSequential, false);
  seeder.rates.up.limit(null);
  const whole = await readAll(host.readers.open(0, film.info.length));
  assert.ok(whole.equals(film.content));
});

test('a reader fetches what is ahead of it and no further, and goes on as it reads', async (t) => {
  const film = shared(12 * MIB);
  const seeder = await seed(t, film);
  const host = await leech(t, film, NOTHING);
  const reader = host.readers.open(0, film.info.length);
  host.learn([seeder.address], 'user', 'user');
  let read = (await reader.next())!.length;
  await until('what is ahead', () => host.figures().storedBytes >= 8 * MIB);
  assert.equal(host.figures().storedBytes, 8 * MIB);
  while (read < 2 * MIB) read += (await reader.next())!.length;
  await until('what comes into sight', () => host.figures().storedBytes > 8 * MIB);
  assert.ok(host.figures().storedBytes <= read + 8 * MIB + PIECE_BYTES);
  reader.close();
});

test('what only a reader that left waited for is left, and what others wait for comes', async (t) => {
  const film = shared(2 * MIB);
  const seeder = await seed(t, film);
  const host = await leech(t, film, NOTHING);
  const [early, both, late] = [0, 8, 16].map((piece) => piece * PIECE_BYTES) as [number, number, number];
  const leaves = host.readers.open(early, 12 * PIECE_BYTES);
  const stays = host.readers.open(both, 12 * PIECE_BYTES);
  const [left, kept] = [leaves.next(), readAll(stays)];
  leaves.close();
  assert.equal(await left, undefined, 'nobody is kept waiting');
  host.learn([seeder.address], 'user', 'user');
  assert.ok((await kept).equals(film.content.subarray(both, both + 12 * PIECE_BYTES)));
  assert.equal(host.figures().storedBytes, 12 * PIECE_BYTES);
  assert.ok(!isStored(host, 7) && isStored(host, 8) && isStored(host, late / PIECE_BYTES));
});

test('a removed, paused, failed or stopped torrent ends who waits for it, and says what to do', async (t) => {
  const film = shared(MIB);
  const ends: [string, RegExp, (host: Torrent, node: LoopbackNode) => Promise<unknown>][] = [
    ['removed', /film\.mp4 is not here any more\. Run "monsoon ps"/, (host, node) => node.torrents.remove(host, false)],
    ['removed with its data', /is not here any more/, (host, node) => node.torrents.remove(host, true)],
    ['paused', /is paused\. "monsoon resume [0-9a-f]{40}" goes on/, (host) => host.pause()],
    ['stopped', /is not here any more/, (_, node) => node.stop()],
    [
      'failed',
      /no file is named by "nothing like it".*"monsoon resume [0-9a-f]{40}" tries again/s,
      async (host) => host.offerMetadata(film.info.raw),
    ],
  ];
  for (const [name, said, end] of ends) {
    const node = await openNodeFor(t);
    const parts = name === 'failed' && { info: undefined, wishes: { ...NOTHING, rules: [NO_FILE] } };
    const { host, started } = node.torrents.add(specOf(film.info, temporaryFolder('fetched'), { ...parts }))!;
    await started;
    const reader = host.readers.open(0, MIB);
    const reading = assert.rejects(reader.next(), said, name);
    await end(host, node);
    await reading;
    reader.close();
  }
});

const NO_FILE = { files: 'nothing like it', priority: 2 } as const;

test('who waits while the files are moved reads on from where they are then', async (t) => {
  const film = shared(MIB);
  const seeder = await seed(t, film);
  const host = await leech(t, film);
  const reading = readAll(host.readers.open(0, MIB));
  await host.move(temporaryFolder('moved'));
  host.learn([seeder.address], 'user', 'user');
  assert.ok((await reading).equals(film.content));
});

test('what is whole is read while it is checked, and its file is not held open afterwards', async (t) => {
  const film = shared(2 * MIB);
  const node = await seed(t, film);
  const host = node.torrents.get(film.info.infoHash)!;
  const reading = readAll(host.readers.open(100, MIB));
  const checked = host.verify();
  assert.ok((await reading).equals(film.content.subarray(100, 100 + MIB)));
  await checked;
  const reader = host.readers.open(5, 0);
  assert.equal(await reader.next(), undefined, 'nothing of nothing');
  reader.close();
  if (process.platform === 'linux') await until('its file to be closed', () => !isOpen(join(film.folder, 'film.mp4')));
});
