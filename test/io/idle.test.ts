// What torrents cost that nobody asks for: no timer, no socket and no open file each, whether a peer ever came or not.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeTorrent } from '../../src/io/torrent-maker.ts';
import { HeldResources } from '../held-resources.ts';
import { completed, openNodeFor, randomContent, specOf, temporaryFolder, until } from './loopback-node.ts';
import { RawPeer } from './raw-peer.ts';

const TORRENTS = 1000;
/** That was asked for once. */
const FETCHED = 20;
/** A node's alarm, the retry of another, and what undici keeps for all connections. */
const SHARED_TIMERS_MAX = 4;
/** Of the thread that hashes. */
const SHARED_FILES_MAX = 20;

/** Files that this process holds open, its sockets among them. */
const openFiles = (): number => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0);

/** A tracker that knows nobody, and how many announced to it. */
async function tracker(t: TestContext): Promise<{ readonly url: string; readonly announced: Set<string> }> {
  const announced = new Set<string>();
  const server = createServer((request, response) => {
    announced.add(/info_hash=([^&]*)/.exec(request.url!)![1]!);
    response.end('d8:intervali1800e5:peers0:e');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/announce`, announced };
}

test(`${TORRENTS} torrents that seed, announce and have no links hold no timer, socket or open file`, async (t) => {
  const held = new HeldResources();
  t.after(() => held.close());
  const [seeder, leecher, { url, announced }] = [await openNodeFor(t), await openNodeFor(t), await tracker(t)];
  const folder = temporaryFolder('many');
  const [files, { timers, sockets }] = [openFiles(), held];
  const made = [];
  for (let i = 0; i < TORRENTS; i++) {
    writeFileSync(join(folder, `${i}.bin`), randomContent(100 + i));
    made.push(await makeTorrent(join(folder, `${i}.bin`)));
  }
  const added = made.map(
    ({ info, sourcePaths }) =>
      seeder.torrents.add(specOf(info, folder, { sourcePaths, isWhole: true, trackers: [[url]] }))!,
  );
  await Promise.all(added.map(({ started }) => started));
  const fetched = temporaryFolder('fetched');
  for (const { info } of made.slice(0, FETCHED)) {
    const { host } = leecher.torrents.add(specOf(info, fetched))!;
    host.learn([seeder.address], 'user', 'user');
    await completed(host);
  }
  await until('the links to close', () => added.every(({ host }) => host.figures().links === 0));
  await until('all to have announced', () => announced.size === TORRENTS);
  // What was to end an announce that nobody answers goes by itself, some seconds later.
  await until('everything to be let go', () => {
    const isLetGo = held.timers <= timers + SHARED_TIMERS_MAX && held.sockets <= sockets;
    return isLetGo && openFiles() <= files + SHARED_FILES_MAX;
  });
});

test('a link on which nobody wants anything does not wake its torrent every second', async (t) => {
  const seeder = await openNodeFor(t);
  const folder = temporaryFolder('one');
  writeFileSync(join(folder, 'one.bin'), randomContent(100));
  const { info, sourcePaths } = await makeTorrent(join(folder, 'one.bin'));
  const { host, started } = seeder.torrents.add(specOf(info, folder, { sourcePaths, isWhole: true }))!;
  await started;
  const peer = await RawPeer.greet(seeder.address, info.infoHash);
  t.after(() => peer.socket.destroy());
  await until('the link', () => host.figures().links === 1);
  assert.ok(seeder.alarms.nextMs! > 2000, `it is woken in ${seeder.alarms.nextMs} ms`);
});
