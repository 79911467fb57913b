// Torrents of every shape over real sockets of the loopback interface, with seeds that lie, vanish or come twice.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { type MadeTorrent, makeTorrent } from '../../src/io/torrent-maker.ts';
import { encodeWireHandshake } from '../../src/wire/index.ts';
import {
  completed,
  type LoopbackNode,
  openNodeFor,
  randomContent,
  specOf,
  temporaryFolder,
  until,
} from './loopback-node.ts';
import { openRawSeed, RawPeer } from './raw-peer.ts';

async function content(files: Record<string, Buffer | string>): Promise<{ made: MadeTorrent; folder: string }> {
  const folder = temporaryFolder('content');
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  return { made: await makeTorrent(folder), folder };
}

async function seed(of: LoopbackNode, { made, folder }: { made: MadeTorrent; folder: string }) {
  const added = of.torrents.add(specOf(made.info, folder, { sourcePaths: made.sourcePaths, isWhole: true }))!;
  await added.started;
  return added.host;
}

async function leech(of: LoopbackNode, { made }: { made: MadeTorrent }, isMagnet = false) {
  const directory = temporaryFolder('fetched');
  const added = of.torrents.add(specOf(made.info, directory, isMagnet ? { info: undefined } : {}))!;
  await added.started;
  return { host: added.host, directory };
}

function tree(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted();
  return Object.fromEntries(
    files
      .filter((file) => statSync(join(folder, file)).isFile())
      .map((file) => [file, readFileSync(join(folder, file), 'base64')]),
  );
}

const SHAPES: Record<string, Record<string, Buffer | string>> = {
  'a single byte': { 'one.bin': 'x' },
  'nothing but an empty file': { 'empty.bin': '' },
  'a last block of one byte': { 'odd.bin': randomContent(16_384 * 3 + 1) },
  'folders, empty files and unicode names': {
    'a/b/c/deep.bin': randomContent(70_000),
    'a/empty': '',
    'ünï/日本/🌧.bin': randomContent(50_001),
    zero: '',
  },
  'many files shorter than a piece': Object.fromEntries(
    Array.from({ length: 150 }, (_, i) => [`f${i}.bin`, randomContent(1 + ((i * 977) % 3000))]),
  ),
};

for (const [shape, files] of Object.entries(SHAPES)) {
  for (const isMagnet of [false, true]) {
    test(`M-08 M-10 W-07 ${shape} arrives identical ${isMagnet ? 'from a magnet' : 'from a torrent file'}`, async (t) => {
      const [a, b] = [await openNodeFor(t), await openNodeFor(t)];
      const shared = await content(files);
      await seed(a, shared);
      const { host, directory } = await leech(b, shared, isMagnet);
      host.learn([a.address], 'user', 'user');
      await completed(host);
      await until('empty files', () => readdirSync(directory).length > 0);
      await b.stop();
      assert.deepEqual(tree(join(directory, shared.made.info.name)), tree(shared.folder));
    });
  }
}

test('several seeds at once, one of which vanishes in the middle, give an identical copy', async (t) => {
  const seeds = [await openNodeFor(t), await openNodeFor(t), await openNodeFor(t)];
  const leecher = await openNodeFor(t);
  const shared = await content({ 'big.bin': randomContent(24 << 20) });
  for (const one of seeds) await seed(one, shared);
  const { host, directory } = await leech(leecher, shared);
  host.learn(
    seeds.map(({ address }) => address),
    'user',
    'user',
  );
  await until('a third', () => host.figures().progress > 0.3);
  await seeds[0]!.stop();
  await completed(host);
  assert.deepEqual(tree(join(directory, shared.made.info.name)), tree(shared.folder));
});

test('a leech that has not all yet serves another one', async (t) => {
  const [first, middle, last] = [await openNodeFor(t), await openNodeFor(t), await openNodeFor(t)];
  const shared = await content({ 'big.bin': randomContent(8 << 20) });
  await seed(first, shared);
  const inMiddle = await leech(middle, shared);
  const atEnd = await leech(last, shared);
  atEnd.host.learn([middle.address], 'user', 'user');
  inMiddle.host.learn([first.address], 'user', 'user');
  await completed(atEnd.host);
  assert.deepEqual(tree(join(atEnd.directory, shared.made.info.name)), tree(shared.folder));
});

test('two nodes that dial each other at once keep exactly one link', async (t) => {
  const [a, b] = [await openNodeFor(t), await openNodeFor(t)];
  const shared = await content({ 'big.bin': randomContent(1 << 20) });
  const [one, other] = [await leech(a, shared), await leech(b, shared)];
  one.host.learn([b.address], 'user', 'user');
  other.host.learn([a.address], 'user', 'user');
  const duplicates = (): number =>
    [...a.log, ...b.log].filter((line) => /second link|closed the conn/.test(line)).length;
  await until('the second link to end on both sides', () => duplicates() >= 2);
  assert.deepEqual([one.host.figures().links, other.host.figures().links], [1, 1]);
});

test('a peer that copies the peer id of another from elsewhere does not push its link out', async (t) => {
  const [a, b] = [await openNodeFor(t), await openNodeFor(t)];
  const shared = await content({ 'big.bin': randomContent(1 << 20) });
  const [one] = [await leech(a, shared), await leech(b, shared)];
  one.host.learn([b.address], 'user', 'user');
  await until('a link', () => one.host.figures().links === 1);
  // The victim's id is what it tells everybody, this spy included.
  const spy = await RawPeer.dial(b.address);
  let hello = Buffer.alloc(0);
  spy.socket.on('data', (bytes) => {
    hello = Buffer.concat([hello, bytes as Buffer]);
  });
  spy.send(encodeWireHandshake(shared.made.info.infoHash, randomContent(20)));
  await until('its hello', () => hello.length >= 68);
  const peerId = hello.subarray(48, 68);
  const impostor = new RawPeer(connect({ ...a.address, localAddress: '127.0.0.9' }));
  impostor.send(encodeWireHandshake(shared.made.info.infoHash, peerId));
  await until('the impostor to be greeted', () => impostor.hasHandshake);
  await until('the impostor to count or to be closed', () => impostor.isClosed || one.host.figures().links === 2);
  assert.ok(one.host.figures().links >= 1);
  assert.ok(![...a.log].some((line) => /second link/.test(line)), 'the honest link stays');
  impostor.socket.destroy();
  spy.socket.destroy();
});

test('a seed that sends wrong bytes is banned, and the download completes from an honest one', async (t) => {
  const [honest, leecher] = [await openNodeFor(t), await openNodeFor(t)];
  const shared = await content({ 'big.bin': randomContent(2 << 20) });
  await seed(honest, shared);
  const poisoner = await openRawSeed(shared.made.info, (_piece, _offset, length) => randomContent(length), '127.0.0.5');
  t.after(() => poisoner.close());
  const { host, directory } = await leech(leecher, shared);
  host.learn([poisoner.address], 'user', 'user');
  await until(
    'the poisoner to be cut off',
    () => poisoner.peers.length > 0 && poisoner.peers.every((peer) => peer.isClosed),
  );
  assert.ok(leecher.log.some((line) => /does not match its hash/.test(line)));
  host.learn([honest.address, poisoner.address], 'user', 'user');
  await completed(host);
  assert.deepEqual(tree(join(directory, shared.made.info.name)), tree(shared.folder));
  assert.equal(poisoner.peers.length, 1, 'it is never dialled again');
});

test('one bad block in a hundred from a seed that is right otherwise costs at most 5 %, and its sender its place', async (t) => {
  const [honest, leecher] = [await openNodeFor(t), await openNodeFor(t)];
  const shared = await content({ 'big.bin': randomContent(16 << 20) });
  await seed(honest, shared);
  const bytes = readFileSync(join(shared.folder, 'big.bin'));
  const { info } = shared.made;
  let served = 0;
  const blockOf = (piece: number, offset: number, length: number): Uint8Array => {
    const start = piece * info.pieceLength + offset;
    return ++served % 100 === 20 ? randomContent(length) : bytes.subarray(start, start + length);
  };
  const poisoner = await openRawSeed(info, blockOf, '127.0.0.5');
  t.after(() => poisoner.close());
  const { host, directory } = await leech(leecher, shared);
  host.learn([poisoner.address], 'user', 'user');
  await until('its link', () => poisoner.peers.length > 0);
  host.learn([honest.address], 'user', 'user');
  await completed(host);
  assert.deepEqual(tree(join(directory, info.name)), tree(shared.folder));
  const bans = leecher.log.filter((line) => /does not match its hash/.test(line));
  assert.equal(bans.length, 1, 'one bad piece, one ban');
  assert.ok(poisoner.peers.every((peer) => peer.isClosed));
  assert.ok(host.figures().downloaded <= 1.05 * info.length, `${host.figures().downloaded} bytes fetched`);
});

test('a magnet whose first peer lies about the metadata is finished by an honest one', async (t) => {
  const [honest, leecher] = [await openNodeFor(t), await openNodeFor(t)];
  const shared = await content({ 'a.bin': randomContent(100_000) });
  await seed(honest, shared);
  const { host } = await leech(leecher, shared, true);
  host.offerMetadata(Buffer.from('d4:name3:lie12:piece lengthi16384e6:pieces0:e'));
  host.offerMetadata(randomContent(1000));
  assert.equal(host.phase, 'metadata', 'a wrong offer changes nothing');
  host.offerMetadata(shared.made.info.raw);
  host.offerMetadata(shared.made.info.raw);
  host.learn([honest.address], 'user', 'user');
  await completed(host);
});
