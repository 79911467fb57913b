// Strangers who take links and do nothing with them, over real sockets.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Address } from '../../src/base/index.ts';
import { bareStream } from '../../src/io/peer-stream.ts';
import { newPeerId } from '../../src/io/torrent-identity.ts';
import { type MadeTorrent, makeTorrent } from '../../src/io/torrent-maker.ts';
import { LinkBudget } from '../../src/session/index.ts';
import { encodeWireHandshake } from '../../src/wire/index.ts';
import { completed, openNodeFor, randomContent, specOf, temporaryFolder, until } from './loopback-node.ts';
import { RawPeer } from './raw-peer.ts';

async function madeTorrents(count: number): Promise<MadeTorrent[]> {
  const folder = temporaryFolder('content');
  const paths = Array.from({ length: count }, (_, i) => join(folder, `${i}`));
  for (const path of paths) writeFileSync(path, randomContent(100_000));
  return Promise.all(paths.map((path) => makeTorrent(path)));
}

const budgetOf = (linksMax: number, idleMs?: number) =>
  new LinkBudget({ linksMax, hostLinksMax: linksMax, ...(idleMs !== undefined && { idleMs }) });

test('links of strangers who only say hello leave every torrent places to dial', async (t) => {
  const made = await madeTorrents(3);
  const seed = await openNodeFor(t);
  const leech = await openNodeFor(t, undefined, { budget: budgetOf(20), linksPerTorrentMax: 12 });
  for (const { info, sourcePaths } of made) {
    await seed.torrents.add(specOf(info, temporaryFolder('unused'), { sourcePaths, isWhole: true }))!.started;
  }
  const hosts = made.map(({ info }) => leech.torrents.add(specOf(info, temporaryFolder('fetched')))!.host);
  await Promise.all(hosts.map((host) => host.started));
  const strangers: RawPeer[] = [];
  for (const { info } of made.slice(0, 2)) {
    for (let i = 0; i < 15; i++) {
      const stranger = await RawPeer.dial(leech.address);
      stranger.send(encodeWireHandshake(info.infoHash, newPeerId()));
      strangers.push(stranger);
    }
  }
  await until('each to be taken or refused', () => strangers.every((peer) => peer.isClosed || peer.hasHandshake));
  assert.equal(strangers.filter((peer) => !peer.isClosed).length, 15);
  for (const host of hosts) host.learn([seed.address], 'tracker', 'private');
  for (const host of hosts) await completed(host);
});

test('when all places are taken the longest idle link gives way to a newcomer', async (t) => {
  const [made] = await madeTorrents(1);
  const { info, sourcePaths } = made!;
  const seed = await openNodeFor(t, undefined, { budget: budgetOf(4, 0) });
  await seed.torrents.add(specOf(info, temporaryFolder('unused'), { sourcePaths, isWhole: true }))!.started;
  const peers: RawPeer[] = [];
  for (let i = 0; i < 3; i++) peers.push(await RawPeer.greet(seed.address, info.infoHash));
  assert.ok(peers.every((peer) => !peer.isClosed));
  const newcomer = await RawPeer.greet(seed.address, info.infoHash);
  await peers[0]!.closed();
  assert.deepEqual(
    [...peers, newcomer].map((peer) => peer.isClosed),
    [true, false, false, false],
  );
});

test('a public host has four links that dialled one torrent', async (t) => {
  const [made] = await madeTorrents(1);
  const { info, sourcePaths } = made!;
  const seed = await openNodeFor(t);
  const { host, started } = seed.torrents.add(specOf(info, temporaryFolder('unused'), { sourcePaths, isWhole: true }))!;
  await started;
  const accepted: Socket[] = [];
  const elsewhere = await listen(t, (socket) => accepted.push(socket));
  for (let i = 0; i < 5; i++) await RawPeer.dial(elsewhere);
  await until('five connections', () => accepted.length === 5);
  for (const [i, socket] of accepted.entries()) {
    const stream = { ...bareStream(socket, 'none'), read: () => {} };
    host.accept(stream, { host: `2a00:1:2:3::${i}`, port: 7000 }, encodeWireHandshake(info.infoHash, newPeerId()));
  }
  assert.deepEqual(
    accepted.map((socket) => socket.destroyed),
    [false, false, false, false, true],
  );
  assert.equal(host.figures().links, 4);
});

/** A port whose connections a test hands on itself. */
async function listen(t: TestContext, taken: (socket: Socket) => void): Promise<Address> {
  const server = createServer(taken).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { host: '127.0.0.1', port: (server.address() as { port: number }).port };
}
