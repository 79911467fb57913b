// What a user does to a torrent in its life: pause, resume, verify, remove, and the queue of downloads.
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Torrent } from '../../src/io/torrent.ts';
import { type MadeTorrent, makeTorrent } from '../../src/io/torrent-maker.ts';
import { HeldTurnstile } from './held-turnstile.ts';
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

interface Shared {
  readonly folder: string;
  readonly made: MadeTorrent;
}

async function shared(bytes = randomContent(1 << 20)): Promise<Shared> {
  const folder = temporaryFolder('content');
  mkdirSync(join(folder, 'sub'));
  writeFileSync(join(folder, 'sub', 'content.bin'), bytes);
  return { folder, made: await makeTorrent(folder) };
}

async function seed(node: LoopbackNode, { made, folder }: Shared, trackers: string[][] = []): Promise<Torrent> {
  const spec = specOf(made.info, folder, { sourcePaths: made.sourcePaths, isWhole: true, trackers });
  const { host, started } = node.torrents.add(spec)!;
  await started;
  return host;
}

async function fetched(from: LoopbackNode, to: LoopbackNode, { made }: Shared) {
  const directory = temporaryFolder('fetched');
  const { host, started } = to.torrents.add(specOf(made.info, directory))!;
  await started;
  host.learn([from.address], 'user', 'user');
  await completed(host);
  return { torrent: host, directory, path: join(directory, made.info.name, 'sub', 'content.bin') };
}

/** An HTTP tracker that knows nobody; the events that it heard. */
async function tracker(t: TestContext): Promise<{ url: string; events: string[] }> {
  const events: string[] = [];
  const server = createServer((request, response) => {
    events.push(new URL(request.url!, 'http://t').searchParams.get('event') ?? '');
    response.end('d8:intervali1800e5:peers0:e');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/announce`, events };
}

test('pausing closes the links, tells the tracker "stopped", and holds over a restart; resuming goes on', async (t) => {
  const content = await shared();
  const { url, events } = await tracker(t);
  const [seeder, leecher] = [await openNodeFor(t), await openNodeFor(t)];
  const source = await seed(seeder, content, [[url]]);
  await source.announced;
  const { torrent, directory } = await fetched(seeder, leecher, content);

  await source.pause();
  assert.deepEqual(events, ['started', 'stopped']);
  assert.equal(source.phase, 'paused');
  assert.match(source.figures().stalledBecause!, /^paused/);
  assert.equal(source.figures().progress, 1);
  await until('the link to be gone', () => torrent.figures().links === 0);

  await torrent.pause();
  await leecher.stop();
  const again = await openNodeFor(t, leecher.home);
  await again.torrents.recall();
  const held = again.torrents.get(content.made.info.infoHash)!;
  assert.deepEqual([held.phase, held.figures().progress, held.spec.directory], ['paused', 1, directory]);

  await held.resume();
  await until('it to seed', () => held.isComplete && held.phase === 'running');
  await source.resume();
  await source.announced;
  assert.deepEqual(events, ['started', 'stopped', 'started']);
});

test('a download that is paused in the middle goes on where it was, with the peers that its user named', async (t) => {
  const content = await shared();
  const bytes = readFileSync(join(content.folder, 'sub', 'content.bin'));
  const { info } = content.made;
  const served: number[] = [];
  let holds = true;
  const slow = await openRawSeed(info, (piece, offset, length) => {
    if (holds && piece !== served[0] && served.length > 0) return undefined;
    served.push(piece);
    return bytes.subarray(piece * info.pieceLength + offset, piece * info.pieceLength + offset + length);
  });
  t.after(() => slow.close());
  const leecher = await openNodeFor(t);
  const { host } = leecher.torrents.add(specOf(info, temporaryFolder('fetched')))!;
  host.learn([slow.address], 'user', 'user');
  await until('a piece to be stored', () => host.figures().storedBytes > 0);
  await host.pause();
  const before = host.figures();
  assert.ok(before.storedBytes > 0 && before.downloaded >= before.storedBytes);
  const [kept] = served.splice(0);
  holds = false;
  await host.resume();
  await completed(host);
  assert.ok(!served.includes(kept!), 'a stored piece is not fetched again');
});

test('a check finds what was damaged, keeps the rest, shows its progress, and the torrent mends itself', async (t) => {
  const content = await shared();
  const [seeder, leecher] = [await openNodeFor(t), await openNodeFor(t)];
  await seed(seeder, content);
  const { torrent, path } = await fetched(seeder, leecher, content);
  const { pieceLength, pieceCount } = content.made.info;
  // The file keeps its size, so only its content can tell.
  writeSync(openSync(path, 'r+'), randomContent(10), 0, 10, 2 * pieceLength);
  const shares = new Set<number>();
  await torrent.pause();
  let isOver = false;
  const verified = torrent.verify().finally(() => {
    isOver = true;
  });
  await until('the check to end', () => {
    if (torrent.phase === 'checking') shares.add(torrent.figures().progress);
    return isOver;
  });
  await verified;
  assert.equal(torrent.phase, 'paused', 'a paused torrent is checked and stays paused');
  assert.equal(torrent.figures().progress, (pieceCount - 1) / pieceCount);
  assert.ok(shares.size > 2, 'progress is told');
  await torrent.resume();
  await completed(torrent);
  assert.deepEqual(readFileSync(path), readFileSync(join(content.folder, 'sub', 'content.bin')));
});

test('what is whole is checked while it seeds and keeps its links; what turns out damaged mends itself', async (t) => {
  const content = await shared();
  const [seeder, leecher] = [await openNodeFor(t), await openNodeFor(t)];
  const source = await seed(seeder, content);
  leecher.rates.down.limit(0);
  const torrent = leecher.torrents.add(specOf(content.made.info, temporaryFolder('fetched')))!.host;
  torrent.learn([seeder.address], 'user', 'user');
  await until('the link', () => source.links().length === 1);
  const [link] = source.links();
  const shares = new Set<number>();
  let isOver = false;
  const verified = source.verify().finally(() => {
    isOver = true;
  });
  await until('the check to end', () => {
    if (source.phase === 'checking') shares.add(source.figures().progress);
    return isOver;
  });
  await verified;
  assert.ok(shares.size > 2, 'progress is told');
  assert.equal(source.phase, 'running');
  assert.deepEqual(source.links(), [link]);
  leecher.rates.down.limit(null);
  await completed(torrent);

  const path = join(torrent.spec.directory, content.made.info.name, 'sub', 'content.bin');
  writeSync(openSync(path, 'r+'), randomContent(10), 0, 10, 0);
  await torrent.verify();
  await completed(torrent);
  assert.deepEqual(readFileSync(path), readFileSync(join(content.folder, 'sub', 'content.bin')));
});

test('a removed torrent is forgotten; its files go only when told to, and nothing that lies beside them', async (t) => {
  const content = await shared();
  const [seeder, leecher] = [await openNodeFor(t), await openNodeFor(t)];
  const source = await seed(seeder, content);
  const first = await fetched(seeder, leecher, content);
  await leecher.torrents.remove(first.torrent, false);
  assert.ok(existsSync(first.path));
  assert.equal(leecher.torrents.get(content.made.info.infoHash), undefined);
  assert.deepEqual(readdirSync(join(leecher.home, 'torrents')), []);

  const second = await fetched(seeder, leecher, content);
  const mine = join(second.directory, content.made.info.name, 'mine.txt');
  writeFileSync(mine, 'not of the torrent');
  await leecher.torrents.remove(second.torrent, true);
  assert.deepEqual(readdirSync(join(second.directory, content.made.info.name)), ['mine.txt']);

  await assert.rejects(seeder.torrents.remove(source, true), /shared from where its owner keeps it/);
  assert.ok(existsSync(join(content.folder, 'sub', 'content.bin')));
});

test('removing with the files follows no symbolic link out of the download folder', async (t) => {
  const content = await shared();
  const leecher = await openNodeFor(t);
  const directory = temporaryFolder('fetched');
  const elsewhere = temporaryFolder('elsewhere');
  writeFileSync(join(elsewhere, 'content.bin'), 'precious');
  const { host } = leecher.torrents.add(specOf(content.made.info, directory))!;
  await host.pause();
  mkdirSync(join(directory, content.made.info.name));
  symlinkSync(elsewhere, join(directory, content.made.info.name, 'sub'));
  await assert.rejects(leecher.torrents.remove(host, true), /is not a folder of the torrent/);
  assert.equal(readFileSync(join(elsewhere, 'content.bin'), 'utf8'), 'precious');
});

test('what cannot be deleted stays, paused, and goes on when told to; while it is removed it is not added', async (t) => {
  const content = await shared();
  const directory = temporaryFolder('fetched');
  const leecher = await openNodeFor(t);
  const spec = specOf(content.made.info, directory);
  const { host } = leecher.torrents.add(spec)!;
  await host.started;
  const top = join(directory, content.made.info.name);
  mkdirSync(top, { recursive: true });
  symlinkSync(temporaryFolder('elsewhere'), join(top, 'sub'));
  await assert.rejects(leecher.torrents.remove(host, true), /is not a folder of the torrent/);
  await leecher.stop();

  const again = await openNodeFor(t, leecher.home);
  await again.torrents.recall();
  const held = again.torrents.get(spec.infoHash)!;
  assert.equal(held.phase, 'paused', 'nothing that was deleted is fetched again');
  unlinkSync(join(top, 'sub'));
  await held.resume();
  await until('it to go on', () => held.phase === 'running');

  const removal = again.torrents.remove(held, true);
  const late = held.pause();
  assert.throws(() => again.torrents.add(spec), /is being removed/);
  await Promise.all([removal, late]);
  assert.deepEqual(readdirSync(join(again.home, 'torrents')), []);
  await again.torrents.add(spec)!.started;
  assert.equal(again.torrents.get(spec.infoHash)!.phase, 'running');
});

test('downloads run in the order of the queue, which a user can change and a restart keeps', async (t) => {
  const leecher = await openNodeFor(t, undefined, { downloadsMax: 1 });
  const contents = await Promise.all([shared(), shared(), shared()]);
  const torrents = contents.map(
    ({ made }) => leecher.torrents.add(specOf(made.info, temporaryFolder('fetched'), { addedSeconds: 1 }))!.host,
  );
  const phases = (held: readonly Torrent[]): string[] => held.map(({ phase }) => phase);
  await torrents[0]!.started;
  assert.deepEqual(phases(torrents), ['running', 'queued', 'queued']);
  assert.match(torrents[1]!.figures().stalledBecause!, /^waits in the queue: one download runs at a time/);

  await leecher.torrents.requeue(torrents[2]!, 'first');
  await until('the turn to change', () => phases(torrents).join() === 'queued,queued,running');
  await leecher.torrents.requeue(torrents[0]!, 'down');
  assert.deepEqual([...leecher.torrents.queuePlaces().keys()], [torrents[2], torrents[1], torrents[0]]);
  await torrents[2]!.pause();
  await until('the next to begin', () => phases(torrents).join() === 'queued,running,paused');

  await leecher.stop();
  const again = await openNodeFor(t, leecher.home, { downloadsMax: 1 });
  await again.torrents.recall();
  const held = contents.map(({ made }) => again.torrents.get(made.info.infoHash)!);
  await until('the same order', () => phases(held).join() === 'queued,running,paused');

  // Completion passes the turn on.
  const seeder = await openNodeFor(t);
  await seed(seeder, contents[1]!);
  held[1]!.learn([seeder.address], 'user', 'user');
  await until('the last to begin', () => phases(held).join() === 'running,running,paused' && held[1]!.isComplete);
});

test('after a start, torrents whose files changed are checked one at a time, and the others wait and say so', async (t) => {
  const seeder = await openNodeFor(t);
  const leecher = await openNodeFor(t);
  const contents = await Promise.all([shared(), shared(), shared()]);
  const paths: string[] = [];
  for (const content of contents) {
    await seed(seeder, content);
    paths.push((await fetched(seeder, leecher, content)).path);
  }
  await leecher.stop();
  for (const path of paths) utimesSync(path, 1, 1);
  const checks = new HeldTurnstile();
  const again = await openNodeFor(t, leecher.home, { checks });
  await again.torrents.recall();
  const all = again.torrents.all();
  const isWaiting = (torrent: Torrent): boolean => /^waits until/.test(torrent.figures().stalledBecause ?? '');
  await until('one to be checked', () => all.every(({ phase }) => phase === 'checking') && !all.every(isWaiting));
  assert.equal(all.filter(isWaiting).length, 2);
  checks.letGo();
  await until('all to be checked', () => all.every(({ phase }) => phase === 'running'));
  assert.ok(again.torrents.all().every(({ isComplete }) => isComplete));
});
