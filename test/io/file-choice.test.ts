// Some files of a torrent over real sockets: what is fetched, what is on disk, and what changes while it runs.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type MadeTorrent, makeTorrent } from '../../src/io/torrent-maker.ts';
import { type FileRule, NO_WISHES, onlyFiles } from '../../src/torrent/index.ts';
import { OUR_EXTENSION_IDS, parseExtendedHandshake } from '../../src/wire/index.ts';
import {
  completed,
  type LoopbackNode,
  openNodeFor,
  randomContent,
  specOf,
  temporaryFolder,
  until,
} from './loopback-node.ts';
import { message, RawPeer } from './raw-peer.ts';

const EXTENDED = 20;

const wish = (rules: readonly FileRule[]): typeof NO_WISHES => ({ ...NO_WISHES, rules });

/** A seeding node, and what it seeds: four files and an empty one, in pieces of 16 KiB that cross their borders. */
async function seeded(t: TestContext): Promise<{ seed: LoopbackNode; made: MadeTorrent; folder: string }> {
  const folder = temporaryFolder('content');
  mkdirSync(join(folder, 'sub'));
  for (const [path, length] of Object.entries({
    'a.bin': 20_000,
    'b.bin': 40_000,
    'c.bin': 100_000,
    'sub/d.bin': 50_000,
  }))
    writeFileSync(join(folder, path), randomContent(length));
  writeFileSync(join(folder, 'sub/empty'), '');
  const made = await makeTorrent(folder);
  assert.equal(made.info.pieceLength, 16_384);
  const seed = await openNodeFor(t);
  const parts = { sourcePaths: made.sourcePaths, isWhole: true };
  await seed.torrents.add(specOf(made.info, folder, parts))!.started;
  return { seed, made, folder };
}

for (const isMagnet of [false, true]) {
  test(`only chosen files are fetched ${isMagnet ? 'by a magnet' : 'by a torrent file'}, the others appear when they are wanted`, async (t) => {
    const { seed, made, folder } = await seeded(t);
    const leech = await openNodeFor(t);
    const directory = temporaryFolder('fetched');
    const parts = { wishes: wish(onlyFiles(['b.bin'])), ...(isMagnet && { info: undefined }) };
    const { host, started } = leech.torrents.add(specOf(made.info, directory, parts))!;
    await started;
    host.learn([seed.address], 'user', 'user');
    await completed(host);
    const path = (file: string): string => join(directory, made.info.name, file);
    const same = (file: string): boolean => readFileSync(path(file)).equals(readFileSync(join(folder, file)));
    assert.ok(same('b.bin'));
    assert.equal(host.figures().progress, 1);
    assert.equal(host.figures().downloaded, 3 * 16_384, 'the three pieces that b.bin lies in');
    assert.deepEqual(
      host.files.map((file) => file.priority),
      [0, 2, 0, 0, 0],
    );
    assert.ok(
      host.files[2]!.storedBytes > 0 && host.files[2]!.storedBytes < 16_384,
      'a part of its neighbour came along',
    );
    assert.ok(!existsSync(path('sub')), 'what is not wanted is not on disk');

    assert.equal((await host.useWishes(wish(onlyFiles(['sub/*']))))?.code, undefined);
    await completed(host);
    assert.ok(same('sub/d.bin'));
    await until('the empty file', () => existsSync(path('sub/empty')));

    await host.useWishes(NO_WISHES);
    await completed(host);
    assert.ok(['a.bin', 'b.bin', 'c.bin', 'sub/d.bin'].every(same));
    assert.equal(host.figures().downloaded, made.info.length, 'nothing is fetched twice');
  });
}

for (const isMagnet of [false, true]) {
  test(`a choice is remembered ${isMagnet ? 'before the files are known' : 'in the middle of a download'}`, async (t) => {
    const { seed, made } = await seeded(t);
    const [first, directory] = [await openNodeFor(t), temporaryFolder('fetched')];
    const spec = specOf(made.info, directory, isMagnet ? { info: undefined } : {});
    const { host, started } = first.torrents.add(spec)!;
    await started;
    await host.useWishes({ rules: onlyFiles(['a.bin']), isSequential: true });
    await first.stop();
    const again = await openNodeFor(t, first.home);
    await again.torrents.recall();
    const recalled = again.torrents.get(made.info.infoHash)!;
    assert.deepEqual(recalled.wishes, { rules: onlyFiles(['a.bin']), isSequential: true });
    await until('the check', () => recalled.phase === (isMagnet ? 'metadata' : 'running'));
    recalled.learn([seed.address], 'user', 'user');
    await completed(recalled);
    assert.ok(!existsSync(join(directory, made.info.name, 'sub')));
    assert.equal(recalled.figures().downloaded, 2 * 16_384);
  });
}

test('BEP 21: peers hear when all that is wanted is here, and when more is wanted', async (t) => {
  const { seed, made } = await seeded(t);
  const leech = await openNodeFor(t);
  const parts = { wishes: wish(onlyFiles(['b.bin'])) };
  const { host, started } = leech.torrents.add(specOf(made.info, temporaryFolder('fetched'), parts))!;
  await started;
  const peer = await RawPeer.greet(leech.address, made.info.infoHash);
  const said = (): boolean[] =>
    peer.heard
      .filter(({ id, payload }) => id === EXTENDED && payload[0] === 0)
      .map(({ payload }) => parseExtendedHandshake(payload.subarray(1))!.isUploadOnly!);
  host.learn([seed.address], 'user', 'user');
  await completed(host);
  await until('the news', () => said().length === 2);
  await host.useWishes(NO_WISHES);
  await completed(host);
  await until('more news', () => said().length === 4);
  assert.deepEqual(said(), [false, true, false, true]);
  assert.ok(!peer.isClosed, 'it may still want something of us');
  peer.send(message(EXTENDED, Uint8Array.of(OUR_EXTENSION_IDS.upload_only, 1)));
  await peer.closed();
});

test('what somebody is in a hurry for is fetched although nothing is wanted, and nothing else is', async (t) => {
  const { seed, made, folder } = await seeded(t);
  const leech = await openNodeFor(t);
  const directory = temporaryFolder('fetched');
  const parts = { wishes: wish([{ files: '*', priority: 0 }]) };
  const { host, started } = leech.torrents.add(specOf(made.info, directory, parts))!;
  await started;
  const { offset } = made.info.files[2]!;
  const content = host.content!;
  content.hurry(offset + 50_000, 30_000, 200);
  host.learn([seed.address], 'user', 'user');
  await until('the stretch', () => host.figures().storedBytes >= 3 * 16_384);
  const read = readFileSync(join(directory, made.info.name, 'c.bin')).subarray(50_000, 80_000);
  assert.ok(read.equals(readFileSync(join(folder, 'c.bin')).subarray(50_000, 80_000)));
  assert.equal(host.figures().links, 1, 'the next read needs the link');
  content.hurry(offset + 90_000, 1, 200);
  await until('the next one', () => host.figures().storedBytes >= 4 * 16_384);
  assert.equal(host.figures().downloaded, 4 * 16_384);
});

test('a choice that names no file ends in a message, and changes nothing when the torrent runs', async (t) => {
  const { seed, made } = await seeded(t);
  const leech = await openNodeFor(t);
  const parts = { wishes: wish(onlyFiles(['*.avi'])), info: undefined };
  const { host, started } = leech.torrents.add(specOf(made.info, temporaryFolder('fetched'), parts))!;
  await started;
  host.learn([seed.address], 'user', 'user');
  await until('a failure', () => host.phase === 'failed');
  assert.match(host.figures().stalledBecause!, /no file is named by "\*\.avi"; "monsoon info [0-9a-f]{40}"/);
  const again = leech.torrents.add(specOf(made.info, temporaryFolder('fetched')))!;
  await again.started;
  assert.equal((await again.host.useWishes(wish(onlyFiles(['nothing like it']))))?.code, 'no-such-file');
  assert.ok(again.host.files.every((file) => file.priority === 2));
});
