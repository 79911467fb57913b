// Peer exchange over real links, and private torrents, which take part in nothing of the kind (BEP 11, 27).
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type Address,
  decodeBencode,
  encodeBencode,
  encodeCompactAddress,
  isFault,
  latin1,
} from '../../src/base/index.ts';
import { sha1 } from '../../src/io/hash.ts';
import type { Torrent } from '../../src/io/torrent.ts';
import { makeTorrent } from '../../src/io/torrent-maker.ts';
import { type PeerSource, parseInfo, type TorrentInfo } from '../../src/torrent/index.ts';
import { encodePex, MESSAGE } from '../../src/wire/index.ts';
import { type LoopbackNode, openNodeFor, randomContent, specOf, temporaryFolder, until } from './loopback-node.ts';
import { message, RawPeer } from './raw-peer.ts';

const SOURCES: readonly PeerSource[] = ['dht', 'pex', 'lsd', 'magnet', 'incoming', 'user'];
const NOBODY: Address = { host: '127.0.0.1', port: 9 + 1024 };

interface Shared {
  readonly info: TorrentInfo;
  readonly folder: string;
  readonly sourcePaths: readonly string[];
}

async function content(isPrivate: boolean): Promise<Shared> {
  const folder = temporaryFolder('content');
  writeFileSync(join(folder, 'a.bin'), randomContent(200_000));
  const { info, sourcePaths } = await makeTorrent(folder);
  if (!isPrivate) return { info, folder, sourcePaths };
  const dict = decodeBencode(info.raw);
  assert.ok(dict instanceof Map);
  const raw = encodeBencode(new Map([...dict, ['private', 1] as const].toSorted(([a], [b]) => (a < b ? -1 : 1))));
  const marked = parseInfo(raw, sha1);
  assert.ok(!isFault(marked) && marked.isPrivate);
  return { info: marked, folder, sourcePaths };
}

async function seed(of: LoopbackNode, { info, folder, sourcePaths }: Shared): Promise<Torrent> {
  const added = of.torrents.add(specOf(info, folder, { sourcePaths, isWhole: true }))!;
  await added.started;
  return added.host;
}

async function leech(of: LoopbackNode, { info }: Shared, isMagnet = false): Promise<Torrent> {
  const parts = isMagnet ? { info: undefined } : {};
  const added = of.torrents.add(specOf(info, temporaryFolder('fetched'), parts))!;
  await added.started;
  return added.host;
}

test('whoever knows one peer of a swarm hears of the others from it, and links with them', async (t) => {
  const [one, middle, newcomer] = [await openNodeFor(t), await openNodeFor(t), await openNodeFor(t)];
  const shared = await content(false);
  const [, host, late] = [await leech(one, shared), await leech(middle, shared), await leech(newcomer, shared)];
  host.learn([one.address], 'user', 'user');
  await until('the first link', () => host.figures().links === 1);
  late.learn([middle.address], 'user', 'user');
  await until('the newcomer to be linked with both', () => late.figures().links === 2);
});

test('a private torrent takes peers from its trackers alone: no other source adds one, and it offers no exchange', async (t) => {
  const of = await openNodeFor(t);
  const shared = await content(true);
  const host = await leech(of, shared);
  for (const source of SOURCES) {
    host.learn([NOBODY], source, 'user');
    assert.equal(host.figures().knownPeers, 0, source);
  }
  host.useTrackers([['http://192.0.2.1/announce']]);
  assert.deepEqual(host.trackers, [], 'nor does anybody give it another tracker');
  const raw = await RawPeer.greet(of.address, shared.info.infoHash);
  await until('its extension handshake', () => raw.heard.some(({ id }) => id === MESSAGE.extended));
  const said = raw.heard.find(({ id }) => id === MESSAGE.extended)!;
  assert.ok(!latin1(said.payload).includes('ut_pex'));
  const added = [{ address: { host: '81.2.69.1', port: 6881 }, flags: 0 }];
  raw.send(message(MESSAGE.extended, Uint8Array.of(2), encodePex({ added, dropped: [] })), message(MESSAGE.interested));
  await until('it to have read that', () => host.figures().links === 1);
  assert.equal(host.figures().knownPeers, 0);
  raw.socket.destroy();
});

test('a private torrent that rests is given no tracker either, then or when it goes on', async (t) => {
  const host = await leech(await openNodeFor(t), await content(true));
  await host.pause();
  host.useTrackers([['http://127.0.0.1:1/announce']]);
  assert.deepEqual(host.trackers, []);
  await host.resume();
  await until('it to go on', () => host.isRunning);
  assert.deepEqual(host.trackers, []);
});

test('a magnet that turns out to be private leaves whom other sources named', async (t) => {
  const [seeder, leecher] = [await openNodeFor(t), await openNodeFor(t)];
  const shared = await content(true);
  await seed(seeder, shared);
  const host = await leech(leecher, shared, true);
  host.useTrackers([['http://127.0.0.1:1/announce']]);
  host.learn([seeder.address], 'dht', 'user');
  await until('the metadata to be there', () => host.isPrivate);
  assert.deepEqual(host.trackers, [], 'the tracker that it was given as well');
  host.learn([seeder.address], 'lsd', 'user');
  await until('the link to end', () => host.figures().links === 0 && host.figures().knownPeers === 0);
  assert.ok(leecher.log.some((line) => /its trackers only/.test(line)));
});

test('what a tracker that a magnet was given says after the magnet turned out to be private is not heard', async (t) => {
  const [seeder, leecher] = [await openNodeFor(t), await openNodeFor(t)];
  const asked = Promise.withResolvers<ServerResponse>();
  const tracker = createServer((_, response) => asked.resolve(response)).listen(0, '127.0.0.1');
  await once(tracker, 'listening');
  t.after(() => tracker.close());
  const shared = await content(true);
  await seed(seeder, shared);
  const host = await leech(leecher, shared, true);
  host.useTrackers([[`http://127.0.0.1:${(tracker.address() as AddressInfo).port}/announce`]]);
  const { announced } = host;
  const reply = await asked.promise;
  host.learn([seeder.address], 'dht', 'user');
  await until('the link to end', () => host.isPrivate && host.figures().links === 0);
  reply.end(encodeBencode({ interval: 1800, peers: encodeCompactAddress(NOBODY) }));
  await announced;
  assert.equal(host.figures().knownPeers, 0);
});
