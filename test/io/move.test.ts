// Moving a torrent's files: within a file system and to another one, with failures and kills in the middle.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Torrent } from '../../src/io/torrent.ts';
import { type MadeTorrent, makeTorrent } from '../../src/io/torrent-maker.ts';
import { requireOrSkip } from '../require.ts';
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

interface Shared {
  readonly folder: string;
  readonly made: MadeTorrent;
}

/** Many small files, a large one, and one that is mostly a hole. */
async function shared(): Promise<Shared> {
  const folder = temporaryFolder('content');
  for (let i = 0; i < 20; i++) {
    mkdirSync(join(folder, `sub${i % 3}`), { recursive: true });
    writeFileSync(join(folder, `sub${i % 3}`, `${i}.bin`), randomContent(i * 1000));
  }
  writeFileSync(join(folder, 'large.bin'), randomContent(8 * MIB));
  writeFileSync(join(folder, 'hole.bin'), Buffer.concat([Buffer.alloc(4 * MIB), randomContent(10)]));
  return { folder, made: await makeTorrent(folder) };
}

async function seed(node: LoopbackNode, { made, folder }: Shared): Promise<Torrent> {
  const spec = specOf(made.info, folder, { sourcePaths: made.sourcePaths, isWhole: true });
  const { host, started } = node.torrents.add(spec)!;
  await started;
  return host;
}

async function fetched(from: LoopbackNode, to: LoopbackNode, { made }: Shared, directory: string): Promise<Torrent> {
  const { host } = to.torrents.add(specOf(made.info, directory))!;
  host.learn([from.address], 'user', 'user');
  await completed(host);
  return host;
}

function tree(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted();
  return Object.fromEntries(
    files
      .filter((file) => statSync(join(folder, file)).isFile())
      .map((file) => [file, readFileSync(join(folder, file), 'base64')]),
  );
}

/** A folder on another file system than the temporary one. */
function folderElsewhere(t: TestContext): string | undefined {
  const isOther = existsSync('/dev/shm') && statSync('/dev/shm').dev !== statSync(tmpdir()).dev;
  if (!requireOrSkip(t, isOther, 'there is no second file system')) return undefined;
  const folder = mkdtempSync('/dev/shm/monsoon-move-');
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('within a file system the files themselves move, the torrent seeds from there, also after a restart', async (t) => {
  const content = await shared();
  const [seeder, leecher] = [await openNodeFor(t), await openNodeFor(t)];
  await seed(seeder, content);
  const [before, after] = [temporaryFolder('before'), temporaryFolder('after')];
  const torrent = await fetched(seeder, leecher, content, before);
  const { name } = content.made.info;
  const { ino } = statSync(join(before, name, 'large.bin'));
  await torrent.move(after);
  assert.equal(statSync(join(after, name, 'large.bin')).ino, ino);
  assert.deepEqual(readdirSync(before), []);
  await until('it to seed', () => torrent.phase === 'running' && torrent.isComplete);
  const third = await openNodeFor(t);
  await fetched(leecher, third, content, temporaryFolder('third'));

  await leecher.stop();
  const again = await openNodeFor(t, leecher.home);
  await again.torrents.recall();
  const held = again.torrents.get(content.made.info.infoHash)!;
  let wasHashed = false;
  await until('it to seed', () => {
    wasHashed ||= held.phase === 'checking' && held.figures().stalledBecause === null && held.figures().progress > 0;
    return held.phase === 'running' && held.isComplete;
  });
  assert.equal(held.spec.directory, after);
  assert.ok(!wasHashed, 'nothing is hashed again');
});

test('who fetches from a torrent goes on over the same link while its files move', async (t) => {
  const content = await shared();
  const [seeder, leecher, other] = [await openNodeFor(t), await openNodeFor(t), await openNodeFor(t)];
  await seed(seeder, content);
  const torrent = await fetched(seeder, leecher, content, temporaryFolder('before'));
  await seeder.torrents.stop();
  other.rates.down.limit(MIB);
  const { host } = other.torrents.add(specOf(content.made.info, temporaryFolder('other')))!;
  host.learn([leecher.address], 'user', 'user');
  await until('blocks to come', () => host.figures().downloaded > 0);
  const links = torrent.links().map(({ address }) => address);
  await torrent.move(temporaryFolder('after'));
  assert.ok(!host.isComplete);
  assert.deepEqual(
    torrent.links().map(({ address }) => address),
    links,
  );
  other.rates.down.limit(null);
  await completed(host);
});

test('to another file system the files are copied while the torrent seeds, holes stay holes', async (t) => {
  const elsewhere = folderElsewhere(t);
  if (elsewhere === undefined) return;
  const content = await shared();
  const [seeder, leecher] = [await openNodeFor(t), await openNodeFor(t)];
  await seed(seeder, content);
  const before = temporaryFolder('before');
  const torrent = await fetched(seeder, leecher, content, before);
  const moving = torrent.move(elsewhere);
  await until('the move to begin', () => torrent.phase === 'moving' && torrent.figures().progress > 0);
  await moving;
  await until('it to seed', () => torrent.phase === 'running' && torrent.isComplete);
  assert.deepEqual(tree(join(elsewhere, content.made.info.name)), tree(content.folder));
  assert.ok(statSync(join(elsewhere, content.made.info.name, 'hole.bin')).blocks * 512 < 2 * MIB);
  assert.deepEqual(readdirSync(before), []);
});

test('a file in the way stops a move, and everything stays and seeds where it was', async (t) => {
  const content = await shared();
  const [seeder, leecher] = [await openNodeFor(t), await openNodeFor(t)];
  await seed(seeder, content);
  const [before, after] = [temporaryFolder('before'), temporaryFolder('after')];
  const torrent = await fetched(seeder, leecher, content, before);
  mkdirSync(join(after, content.made.info.name, 'sub2'), { recursive: true });
  writeFileSync(join(after, content.made.info.name, 'sub2', '2.bin'), 'mine');
  await assert.rejects(torrent.move(after), /2\.bin is there already/);
  const blocked = join(after, content.made.info.name, 'sub2', '2.bin', 'below');
  await assert.rejects(torrent.move(blocked), /could not be moved to .*: a file is where a folder has to be/);
  assert.deepEqual(tree(join(before, content.made.info.name)), tree(content.folder));
  assert.deepEqual(tree(after), {
    [join(content.made.info.name, 'sub2', '2.bin')]: Buffer.from('mine').toString('base64'),
  });
  await until('it to seed', () => torrent.phase === 'running' && torrent.isComplete);
  assert.deepEqual([torrent.spec.directory, torrent.orders.movingTo], [before, '']);
});

test('a move that is killed again and again ends whole in the new folder, and no byte is lost on the way', async (t) => {
  const elsewhere = folderElsewhere(t);
  if (elsewhere === undefined) return;
  const content = await shared();
  const [seeder, leecher] = [await openNodeFor(t), await openNodeFor(t)];
  await seed(seeder, content);
  const before = temporaryFolder('before');
  await fetched(seeder, leecher, content, before);
  await leecher.stop();
  const points = [0.01, 0.5, 0.9].map((point) => point + randomInt(9) / 100);
  t.diagnostic(`killed at ${points}`);
  const { name } = content.made.info;
  const wanted = tree(content.folder);
  for (const point of points) {
    const child = fork(fileURLToPath(new URL('move-process.ts', import.meta.url)), [leecher.home, elsewhere]);
    child.on('message', (told: { progress?: number; isDone?: boolean }) => {
      if (told.isDone || told.progress! >= point) child.kill('SIGKILL');
    });
    await once(child, 'exit');
    // Each file is whole in one of the two folders.
    const folders: string[] = [before, elsewhere]
      .map((folder) => join(folder, name))
      .filter((folder) => existsSync(folder));
    const trees: Record<string, string>[] = folders.map(tree);
    for (const [path, bytes] of Object.entries(wanted)) {
      assert.ok(
        trees.some((files) => files[path] === bytes),
        `${path} at ${point}`,
      );
    }
  }
  const again = await openNodeFor(t, leecher.home);
  await again.torrents.recall();
  const held = again.torrents.get(content.made.info.infoHash)!;
  await held.move(elsewhere);
  await until('it to seed', () => held.phase === 'running' && held.isComplete);
  assert.deepEqual(tree(join(elsewhere, name)), tree(content.folder));
  assert.deepEqual(readdirSync(before), []);
});

test('what is shared in place is not moved', async (t) => {
  const content = await shared();
  const source = await seed(await openNodeFor(t), content);
  await assert.rejects(source.move(temporaryFolder('after')), /Share it again from its new place/);
});
