// What is remembered between runs: kill -9 at random points, damage to the files of the memory, content that changed.
import assert from 'node:assert/strict';
import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  lstatSync,
  mkdirSync,
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
import type { InfoHash } from '../../src/base/index.ts';
import { FileStore } from '../../src/io/file-store.ts';
import { ResumeFile } from '../../src/io/resume-file.ts';
import type { Torrent } from '../../src/io/torrent.ts';
import { TorrentDisk } from '../../src/io/torrent-disk.ts';
import { type MadeTorrent, makeTorrent } from '../../src/io/torrent-maker.ts';
import { JOURNAL_RECORD_BYTES, replayJournal } from '../../src/torrent/index.ts';
import { until as eventually } from '../interop/until.ts';
import { isInstalled, requireOrSkip } from '../require.ts';
import {
  completed,
  type LoopbackNode,
  openNodeFor,
  randomContent,
  specOf,
  temporaryFolder,
  until,
} from './loopback-node.ts';
import { openRawSeed } from './raw-peer.ts';

const NAME = 'content.bin';
const LEECH = fileURLToPath(new URL('leech-process.ts', import.meta.url));

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
  const [seeder, leecher] = [await openNodeFor(t), await openNodeFor(t)];
  await seeder.torrents.add(
    specOf(shared.made.info, shared.folder, { sourcePaths: shared.made.sourcePaths, isWhole: true }),
  )!.started;
  const directory = temporaryFolder('fetched');
  try {
    const { host, started } = leecher.torrents.add(specOf(shared.made.info, directory))!;
    await started;
    host.learn([seeder.address], 'user', 'user');
    await completed(host);
  } finally {
    await leecher.stop();
  }
  return { home: leecher.home, directory, path: join(directory, shared.made.info.name, 'sub', NAME) };
}

async function recalled(node: LoopbackNode, shared: Shared): Promise<Torrent> {
  await node.torrents.recall();
  const host = node.torrents.get(shared.made.info.infoHash)!;
  await until('the check to end', () => host.phase !== 'checking' && host.phase !== 'metadata');
  return host;
}

test('a download killed four times ends identical, and fetches no piece twice that was on disk', async (t) => {
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
  const start = (): ChildProcess => fork(LEECH, [home, infoFile, directory, `${slow.address.port}`]);
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
  assert.ok(onDisk.size > 0);
  assert.deepEqual([...refetched], [], `of ${onDisk.size} pieces that were on disk at a kill`);
});

/** That change a journal; not every processor has each of them. */
const CALLS = 'write,ftruncate,?rename,?renameat,?renameat2';

test('a save that is killed at any call it makes to the journal forgets no piece that was touched', async (t) => {
  if (!requireOrSkip(t, isInstalled('strace'), 'strace is not installed')) return;
  const infoHash = 'ab'.repeat(20) as InfoHash;
  const program = fileURLToPath(new URL('save-process.ts', import.meta.url));
  for (let call = 1, isKilled = true; isKilled; call++) {
    const directory = temporaryFolder('saved');
    const journal = join(directory, `${infoHash}.journal`);
    const traced = ['-f', '-qq', '-o', '/dev/null', '-P', journal, '-P', `${journal}.next`];
    const injected = ['-e', `trace=${CALLS}`, '-e', `inject=${CALLS}:signal=KILL:when=${call}`];
    const args = [...traced, ...injected, process.execPath, program];
    const { stdout, signal, status } = spawnSync('strace', [...args, directory, infoHash], { encoding: 'utf8' });
    isKilled = signal === 'SIGKILL';
    assert.ok(isKilled || status === 0);
    const { snapshot, journal: records, mark } = (await new ResumeFile(directory, infoHash).load(assert.fail))!;
    const { stored, suspect } = replayJournal(3, snapshot.have, records, mark);
    const known = [0, 1, 2].filter((piece) => stored.has(piece) || suspect.has(piece));
    if (stdout !== '') assert.deepEqual(known, [0, 1, 2], `killed at call ${call}`);
    assert.ok(!stored.has(1) && !stored.has(2));
    assert.ok(isKilled || call > 6, 'there was something to be killed at');
  }
});

/** Content that notes which pieces are read. */
class WatchedStore extends FileStore {
  readonly piecesRead = new Set<number>();

  override read(start: number, views: readonly Uint8Array[], length: number): Promise<void> {
    this.piecesRead.add(Math.floor(start / this.layout.pieceLength));
    return super.read(start, views, length);
  }
}

test('after kill -9 only what came since the last sync is hashed, also when a clean stop came before', async (t) => {
  const shared = await sharedContent(randomContent(12 << 20));
  const { info } = shared.made;
  const sent = new Set<number>();
  const seed = await openRawSeed(info, (piece, offset, length) => {
    sent.add(piece);
    const from = piece * info.pieceLength + offset;
    return shared.bytes.subarray(from, from + length);
  });
  t.after(() => seed.close());
  const infoFile = join(temporaryFolder('info'), 'info');
  writeFileSync(infoFile, info.raw);
  const [home, directory] = [temporaryFolder('home'), temporaryFolder('fetched')];
  const start = (): ChildProcess => {
    const child = fork(LEECH, [home, infoFile, directory, `${seed.address.port}`, `${3 << 20}`]);
    t.after(() => child.kill('SIGKILL'));
    return child;
  };
  const first = start();
  first.on('message', (told: { stored: number }) => told.stored >= info.length / 8 && first.send('stop'));
  await once(first, 'exit');

  const second = start();
  const memory = new ResumeFile(join(home, 'torrents'), info.infoHash);
  const replayed = async () => {
    const { snapshot, journal, mark } = (await memory.load(assert.fail))!;
    return replayJournal(info.pieceCount, snapshot.have, journal, mark);
  };
  const claimed = await eventually('half to be claimed, and more on its way', 30, async () => {
    const { stored, suspect } = await replayed();
    return stored.count >= info.pieceCount / 2 && suspect.size >= 20 ? stored : undefined;
  });
  second.kill('SIGKILL');
  await once(second, 'exit');
  const content = { info, directory, sourcePaths: [] };
  const store = new WatchedStore(content);
  const disk = new TorrentDisk(content, memory, { refused: assert.fail, lost: assert.fail, drained: () => {} }, store);
  t.after(() => disk.close());
  const recalled = await disk.recall(await memory.load(assert.fail), () => {});
  const hashed = [...store.piecesRead];
  t.diagnostic(`${hashed.length} of ${info.pieceCount} pieces hashed, ${sent.size} sent, ${claimed.count} claimed`);
  assert.ok(hashed.length > 0 && hashed.length <= sent.size - claimed.count);
  assert.deepEqual(
    hashed.filter((piece) => claimed.has(piece)),
    [],
  );
  assert.ok(recalled.count >= claimed.count);
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

const resumeFile = (home: string, { made }: Shared, suffix = ''): string =>
  join(home, 'torrents', `${made.info.infoHash}.resume${suffix}`);

function flipBit(path: string): void {
  const bytes = readFileSync(path);
  const bit = randomInt(bytes.length * 8);
  bytes[bit >> 3]! ^= 1 << (bit & 7);
  writeFileSync(path, bytes);
}

/** Changes a byte so that the file's time does not tell. */
function changeUnseen(path: string): void {
  const { atimeMs, mtimeMs } = lstatSync(path);
  const bytes = readFileSync(path);
  bytes[100]! ^= 1;
  writeFileSync(path, bytes);
  // The middle of the millisecond: seconds as a fraction may fall just short of its beginning.
  utimesSync(path, atimeMs / 1000, (Math.floor(mtimeMs) + 0.5) / 1000);
}

test('a flipped bit of a snapshot costs a check and no byte: the one before it says what the torrent is', async (t) => {
  const shared = await sharedContent(randomContent(300_000));
  const { home } = await fetched(t, shared);
  for (let round = 0; round < 5; round++) {
    flipBit(resumeFile(home, shared));
    const node = await openNodeFor(t, home);
    assert.ok((await recalled(node, shared)).isComplete);
    assert.match(node.log.join('\n'), /damaged and was set aside as \S+\.damaged-\d+; all files are checked/);
    await node.stop();
  }
});

test('a snapshot older than the last one claims nothing unseen, also after other wishes were written down', async (t) => {
  const shared = await sharedContent(randomContent(300_000));
  const { home, path } = await fetched(t, shared);
  const { pieceLength, length, infoHash } = shared.made.info;
  // Two clean generations that both claim everything, and are not the same.
  const again = await openNodeFor(t, home);
  const complete = await recalled(again, shared);
  await complete.pause();
  await complete.useWishes({ ...complete.wishes, isSequential: true });
  await again.stop();
  changeUnseen(path);
  flipBit(resumeFile(home, shared));
  const node = await openNodeFor(t, home);
  await node.torrents.recall();
  const host = node.torrents.get(infoHash)!;
  assert.equal(host.wishes.isSequential, false);
  await host.useWishes({ ...host.wishes, isSequential: true });
  await host.resume();
  await until('the check to end', () => host.phase === 'running');
  assert.equal(host.figures().storedBytes, length - Math.min(pieceLength, length));
  assert.equal(host.wishes.isSequential, true);
});

test('of two damaged snapshots both are set aside and named, and the torrent can be added again', async (t) => {
  const shared = await sharedContent(randomContent(300_000));
  const { home, directory } = await fetched(t, shared);
  for (const suffix of ['', '.old']) flipBit(resumeFile(home, shared, suffix));
  const node = await openNodeFor(t, home);
  await node.torrents.recall();
  assert.equal(node.torrents.get(shared.made.info.infoHash), undefined);
  assert.match(node.log.join('\n'), /set aside as \S+\.damaged-\d+ and \S+\.old\.damaged-\d+\. Add the torrent again/);
  const { host, started } = node.torrents.add(specOf(shared.made.info, directory))!;
  await started;
  assert.ok(host.isComplete, 'what is on disk is found');
});

test('a save that was killed between its steps is as good as none: what was remembered is believed', async (t) => {
  const shared = await sharedContent(randomContent(300_000));
  const { home, path } = await fetched(t, shared);
  renameSync(resumeFile(home, shared), resumeFile(home, shared, '.old'));
  writeFileSync(`${resumeFile(home, shared)}.1-1.tmp`, 'half of a snapshot');
  // Only a check would find out.
  changeUnseen(path);
  const node = await openNodeFor(t, home);
  assert.ok((await recalled(node, shared)).isComplete);
  assert.deepEqual(node.log, []);
});

test('damaged orders give way to those before them; when these are damaged too the torrent waits for its user', async (t) => {
  const shared = await sharedContent(randomContent(300_000));
  const { home } = await fetched(t, shared);
  const { infoHash } = shared.made.info;
  const orders = join(home, 'torrents', `${infoHash}.orders`);
  const first = await openNodeFor(t, home);
  const host = await recalled(first, shared);
  await host.limit(1000, undefined);
  await host.limit(2000, undefined);
  await first.stop();
  flipBit(orders);
  const second = await openNodeFor(t, home);
  const limited = await recalled(second, shared);
  assert.equal(limited.orders.downMax, 1000);
  assert.match(second.log.join('\n'), /the orders are damaged .*; the orders before them apply/);
  await limited.limit(3000, undefined);
  await second.stop();
  for (const path of [orders, `${orders}.old`]) flipBit(path);
  const third = await openNodeFor(t, home);
  await third.torrents.recall();
  assert.equal(third.torrents.get(infoHash)!.phase, 'paused');
  assert.match(third.log.join('\n'), /the orders are damaged .* and .*; the torrent is paused/);
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
  const first = await openNodeFor(t);
  await first.torrents.add(
    specOf(shared.made.info, shared.folder, { sourcePaths: shared.made.sourcePaths, isWhole: true }),
  )!.started;
  await first.stop();
  truncateSync(path, 1000);
  const before = lstatSync(path);
  const node = await openNodeFor(t, first.home);
  const host = await recalled(node, shared);
  assert.equal(host.phase, 'failed');
  assert.match(host.figures().stalledBecause ?? '', /changed since it was shared; it is shared anew/);
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
  const node = await openNodeFor(t, home);
  await node.torrents.recall();
  const host = node.torrents.get(shared.made.info.infoHash)!;
  await until('the check', () => host.phase === 'checking');
  await node.stop();
  assert.equal(host.phase, 'stopped');
  assert.ok((await recalled(await openNodeFor(t, home), shared)).isComplete);
});
