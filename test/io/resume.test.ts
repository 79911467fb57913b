// What is remembered between runs: kill -9 at random points, damage to the files of the memory, content that changed.
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Torrent } from '../../src/io/torrent.ts';
import { type MadeTorrent, makeTorrent } from '../../src/io/torrent-maker.ts';
import { JOURNAL_RECORD_BYTES } from '../../src/torrent/index.ts';
import {
  completed,
  type LoopbackNode,
  openLoopbackNode,
  openNodeFor,
  randomContent,
  specOf,
  temporaryFolder,
  until,
} from './loopback-node.ts';
import { openRawSeed } from './raw-peer.ts';

const NAME = 'content.bin';

interface Shared {
  readonly folder: string;
  readonly made: MadeTorrent;
  readonly bytes: Buffer;
}
async function sharedContent(bytes: Buffer): Promise<Shared> {
  const folder = temporaryFolder('content');
  mkdirSync(join(folder, 'sub'));
  writeFileSync(join(folder, 'sub', NAME), bytes);
  return { folder, made: await makeTorrent(folder), bytes };
}

async function fetched(t: TestContext, shared: Shared): Promise<{ home: string; directory: string; path: string }> {
  const [seeder, leecher] = [await openNodeFor(t), await openLoopbackNode()];
  await seeder.torrents.add(
    specOf(shared.made.info, shared.folder, { sourcePaths: shared.made.sourcePaths, isWhole: true }),
  )!.started;
  const directory = temporaryFolder('fetched');
  const { host, started } = leecher.torrents.add(specOf(shared.made.info, directory))!;
  await started;
  host.learn([seeder.address], 'user', 'user');
  await completed(host);
  await leecher.stop();
  return { home: leecher.home, directory, path: join(directory, shared.made.info.name, 'sub', NAME) };
}

async function recalled(node: LoopbackNode, shared: Shared): Promise<Torrent> {
  await node.torrents.recall();
  const host = node.torrents.get(shared.made.info.infoHash)!;
  await until('the check to end', () => host.phase !== 'checking' && host.phase !== 'metadata');
  return host;
}

test('a download killed four times ends identical, with at most 2 pieces fetched twice per kill', async (t) => {
  const shared = await sharedContent(randomContent(6 << 20));
  const { info } = shared.made;
  const onDisk = new Set<number>();
  const refetched = new Set<number>();
  // Slow on purpose, so that each kill comes in the middle.
  const slow = await openRawSeed(info, (piece, offset, length) => {
    if (onDisk.has(piece)) refetched.add(piece);
    const from = piece * info.pieceLength + offset;
    for (const until = performance.now() + 0.4; performance.now() < until; );
    return shared.bytes.subarray(from, from + length);
  });
  t.after(() => slow.close());
  const infoFile = join(temporaryFolder('info'), 'info');
  writeFileSync(infoFile, info.raw);
  const [home, directory] = [temporaryFolder('home'), temporaryFolder('fetched')];
  const start = (): ChildProcess =>
    fork(fileURLToPath(new URL('leech-process.ts', import.meta.url)), [
      home,
      infoFile,
      directory,
      `${slow.address.port}`,
    ]);
  const KILLS = 4;
  const points = Array.from(
    { length: KILLS },
    (_, kill) => ((kill + 0.2 + randomInt(60) / 100) / (KILLS + 0.5)) * info.length,
  );
  t.diagnostic(`killed at ${points.map(Math.round)}`);
  for (const point of points) {
    const child = start();
    child.on('message', (told: { stored: number }) => told.stored >= point && child.kill('SIGKILL'));
    await once(child, 'exit');
    const found = readFileSync(join(directory, info.name, 'sub', NAME));
    for (let piece = 0; piece < info.pieceCount; piece++) {
      const [from, to] = [piece * info.pieceLength, (piece + 1) * info.pieceLength];
      if (found.subarray(from, to).equals(shared.bytes.subarray(from, to))) onDisk.add(piece);
    }
    assert.ok(onDisk.size > 0);
  }
  const last = start();
  await new Promise<void>((resolve) =>
    last.on('message', (told: { isComplete: boolean }) => told.isComplete && resolve()),
  );
  last.send('stop');
  assert.deepEqual(await once(last, 'exit'), [0, null]);
  assert.ok(readFileSync(join(directory, info.name, 'sub', NAME)).equals(shared.bytes));
  t.diagnostic(`${refetched.size} of ${onDisk.size} pieces that were on disk at a kill were asked for again`);
  assert.ok(refetched.size <= KILLS * 2, `${refetched.size} pieces were asked for again`);
});

test('a clean stop is believed; a file touched since is hashed again and found good', async (t) => {
  const shared = await sharedContent(randomContent(300_000));
  const { home, path } = await fetched(t, shared);
  utimesSync(path, 1, 1);
  const node = await openNodeFor(t, home);
  assert.ok((await recalled(node, shared)).isComplete);
});

test('a file changed since a clean stop loses the pieces that changed, and no others', async (t) => {
  const shared = await sharedContent(randomContent(300_000));
  const { home, path } = await fetched(t, shared);
  const bytes = readFileSync(path);
  bytes[100] = bytes[100]! ^ 1;
  writeFileSync(path, bytes);
  const host = await recalled(await openNodeFor(t, home), shared);
  const { pieceLength, length } = shared.made.info;
  assert.equal(host.figures().storedBytes, length - Math.min(pieceLength, length));
});

test('any flipped bit of a snapshot is noticed: it is set aside under a name that says so', async (t) => {
  const shared = await sharedContent(randomContent(300_000));
  const { home } = await fetched(t, shared);
  const resume = join(home, 'torrents', `${shared.made.info.infoHash}.resume`);
  const good = readFileSync(resume);
  for (let round = 0; round < 5; round++) {
    const bit = randomInt(good.length * 8);
    const bad = Buffer.from(good);
    bad[bit >> 3] = bad[bit >> 3]! ^ (1 << (bit & 7));
    writeFileSync(resume, bad);
    const node = await openNodeFor(t, home);
    await node.torrents.recall();
    assert.equal(node.torrents.get(shared.made.info.infoHash), undefined, `bit ${bit}`);
    assert.match(node.log.join('\n'), /damaged and was set aside as \S+\.damaged-\d+/);
    assert.ok(readdirSync(join(home, 'torrents')).some((name) => name.includes('.resume.damaged-')));
    await node.stop();
  }
});

test('a journal with a torn tail or noise after a kill claims nothing that is not there', async (t) => {
  const shared = await sharedContent(randomContent(300_000));
  const { home, directory } = await fetched(t, shared);
  const journal = join(home, 'torrents', `${shared.made.info.infoHash}.journal`);
  appendFileSync(journal, Buffer.from([1, 0, 0, 0, 0, 1, 0]));
  const node = await openNodeFor(t, home);
  assert.ok((await recalled(node, shared)).isComplete);
  await node.stop();
  assert.equal(readFileSync(journal).length, JOURNAL_RECORD_BYTES, 'the next run begins a new journal');
  rmSync(join(directory, shared.made.info.name), { recursive: true });
  const again = await openNodeFor(t, home);
  assert.equal((await recalled(again, shared)).figures().storedBytes, 0);
});

test('a share whose content changed fails with a sentence, and its files are never written', async (t) => {
  const shared = await sharedContent(randomContent(300_000));
  const path = join(shared.folder, 'sub', NAME);
  const first = await openLoopbackNode();
  await first.torrents.add(
    specOf(shared.made.info, shared.folder, { sourcePaths: shared.made.sourcePaths, isWhole: true }),
  )!.started;
  await first.stop();
  truncateSync(path, 1000);
  const before = lstatSync(path);
  const node = await openNodeFor(t, first.home);
  const host = await recalled(node, shared);
  assert.equal(host.phase, 'failed');
  assert.match(host.figures().stalledBecause ?? '', /changed since it was shared; share it again/);
  assert.equal(lstatSync(path).mtimeMs, before.mtimeMs);
  // The same torrent as a download takes its place, elsewhere.
  const replaced = node.torrents.add(specOf(shared.made.info, temporaryFolder('elsewhere')))!;
  await replaced.started;
  assert.equal(replaced.host.phase, 'running');
});

test('a share whose file shrinks while it is served fails with a sentence and leaves the swarm', async (t) => {
  const shared = await sharedContent(randomContent(300_000));
  const [seeder, leecher] = [await openNodeFor(t), await openNodeFor(t)];
  const { host, started } = seeder.torrents.add(
    specOf(shared.made.info, shared.folder, { sourcePaths: shared.made.sourcePaths, isWhole: true }),
  )!;
  await started;
  truncateSync(join(shared.folder, 'sub', NAME), 10);
  const wanting = leecher.torrents.add(specOf(shared.made.info, temporaryFolder('fetched')))!;
  await wanting.started;
  wanting.host.learn([seeder.address], 'user', 'user');
  await until('the share to fail', () => host.phase === 'failed');
  assert.match(host.figures().stalledBecause ?? '', /shorter than it was/);
  assert.equal(host.figures().links, 0);
});

for (const what of ['file', 'folder'] as const) {
  test(`a ${what} that became a symbolic link is neither read nor written through`, async (t) => {
    const shared = await sharedContent(randomContent(300_000));
    const { home, directory } = await fetched(t, shared);
    const inside = join(directory, shared.made.info.name);
    const victim = join(temporaryFolder('outside'), 'victim');
    const linked = what === 'file' ? join(inside, 'sub', NAME) : join(inside, 'sub');
    renameSync(linked, victim);
    const target = what === 'file' ? victim : join(victim, NAME);
    writeFileSync(target, 'precious');
    symlinkSync(victim, linked);
    const seeder = await openNodeFor(t);
    await seeder.torrents.add(
      specOf(shared.made.info, shared.folder, { sourcePaths: shared.made.sourcePaths, isWhole: true }),
    )!.started;
    const host = await recalled(await openNodeFor(t, home), shared);
    assert.equal(host.figures().storedBytes, 0);
    host.learn([seeder.address], 'user', 'user');
    await until('the refusal', () => /symbolic link|not a folder/.test(host.figures().stalledBecause ?? ''));
    assert.equal(readFileSync(target, 'utf8'), 'precious');
  });
}

test('stopping while files are checked leaves nothing running and forgets nothing', async (t) => {
  const shared = await sharedContent(randomContent(64 << 20));
  const { home, path } = await fetched(t, shared);
  utimesSync(path, 1, 1);
  const node = await openLoopbackNode(home);
  await node.torrents.recall();
  const host = node.torrents.get(shared.made.info.infoHash)!;
  await until('the check', () => host.phase === 'checking');
  await node.stop();
  assert.equal(host.phase, 'stopped');
  assert.ok((await recalled(await openNodeFor(t, home), shared)).isComplete);
});
