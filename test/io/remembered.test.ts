// What was acknowledged is there after a restart, whether the torrent ever took part or not.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeTorrent } from '../../src/io/torrent-maker.ts';
import { NO_WISHES, PRIORITY, type TorrentInfo } from '../../src/torrent/index.ts';
import { HeldTurnstile } from './held-turnstile.ts';
import { openNodeFor, randomContent, specOf, temporaryFolder, until } from './loopback-node.ts';

const FIRST_ALONE = { rules: [{ files: 'b', priority: PRIORITY.skip }], isSequential: false };

/** Two files in a folder of their own, and where they are. */
async function content(length: number): Promise<{ info: TorrentInfo; folder: string }> {
  const folder = temporaryFolder('content');
  const top = join(folder, 'top');
  mkdirSync(top);
  for (const name of ['a', 'b']) writeFileSync(join(top, name), randomContent(length));
  const { info } = await makeTorrent(top);
  return { info, folder };
}

async function reopened(t: TestContext, home: string, downloadsMax = 0) {
  const node = await openNodeFor(t, home, { downloadsMax });
  await node.torrents.recall();
  return node.torrents;
}

test('downloads that wait in the queue are there after a restart, paused and with their wishes', async (t) => {
  const contents = await Promise.all([1, 2, 3].map(() => content(100_000)));
  const node = await openNodeFor(t, undefined, { downloadsMax: 1 });
  const directory = temporaryFolder('fetched');
  const added = contents.map(({ info }) => node.torrents.add(specOf(info, directory))!);
  await Promise.all(added.map(({ kept }) => kept));
  assert.equal(added[2]!.host.phase, 'queued');
  await added[1]!.host.useWishes(FIRST_ALONE);
  await added[2]!.host.pause();
  await node.stop();

  const torrents = await reopened(t, node.home, 1);
  const [, chosen, paused] = contents.map(({ info }) => torrents.get(info.infoHash));
  assert.equal(torrents.all().length, 3);
  assert.deepEqual(chosen?.wishes, FIRST_ALONE);
  assert.equal(paused?.phase, 'paused');
});

test('what was stopped during its first check is checked again, and has the wishes that came meanwhile', async (t) => {
  const [first, second] = [await content(24 << 20), await content(1 << 20)];
  const checks = new HeldTurnstile();
  const node = await openNodeFor(t, undefined, { checks });
  const checked = node.torrents.add(specOf(first.info, first.folder))!;
  const waiting = node.torrents.add(specOf(second.info, second.folder))!;
  await Promise.all([checked.kept, waiting.kept]);
  assert.deepEqual([checked.host.phase, waiting.host.phase], ['checking', 'checking']);
  await waiting.host.useWishes(FIRST_ALONE);
  const stopped = node.stop();
  checks.letGo();
  await stopped;

  const torrents = await reopened(t, node.home);
  for (const { info } of [first, second]) {
    const torrent = torrents.get(info.infoHash);
    assert.ok(torrent, 'it is there');
    await until('all of it to be found', () => torrent.figures().storedBytes === info.length);
  }
  assert.deepEqual(torrents.get(second.info.infoHash)!.wishes, FIRST_ALONE);
  assert.deepEqual(torrents.get(first.info.infoHash)!.wishes, NO_WISHES);
});

test('a magnet that waits in the queue is there after a restart', async (t) => {
  const [{ info: running }, { info }] = [await content(1000), await content(1000)];
  const node = await openNodeFor(t, undefined, { downloadsMax: 1 });
  const directory = temporaryFolder('fetched');
  node.torrents.add(specOf(running, directory));
  await node.torrents.add(specOf(info, directory, { info: undefined, addedSeconds: 1 }))!.kept;
  await node.stop();
  assert.equal((await reopened(t, node.home, 1)).get(info.infoHash)?.phase, 'queued');
});

test('wishes that cannot be remembered are refused, and those before them stand', async (t) => {
  const { info, folder } = await content(100_000);
  const node = await openNodeFor(t);
  const { host, started } = node.torrents.add(specOf(info, folder))!;
  await started;
  await host.pause();
  const path = join(node.home, 'torrents', `${info.infoHash}.resume`);
  rmSync(path);
  // What stands there cannot be replaced by a file.
  mkdirSync(join(path, 'in the way'), { recursive: true });
  await assert.rejects(host.useWishes(FIRST_ALONE));
  assert.deepEqual(host.wishes, NO_WISHES);
});
