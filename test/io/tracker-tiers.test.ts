// Tiers of trackers (BEP 12) over sockets: a dead one of either kind in front of a live one of the other.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openTracker } from '../../app/tracker-service.ts';
import type { Config } from '../../config/index.ts';
import { now } from '../../src/io/alarm-clock.ts';
import { BoundNetwork } from '../../src/io/bound-network.ts';
import { makeTorrent } from '../../src/io/torrent-maker.ts';
import { UdpPort } from '../../src/io/udp-port.ts';
import { TrackerFront } from '../../tracker/io/index.ts';
import { SELF } from '../tracker/requests.ts';
import { completed, openNodeFor, randomContent, specOf, temporaryFolder, until } from './loopback-node.ts';

const CAPS = { trackingHashes: 10, trackingPeers: 100, trackingBytesPerSecond: 1e6 } as Config;

/** A tracker with both its entrances: the URL of each. */
async function openLive(t: TestContext): Promise<{ http: string; udp: string }> {
  const udp = await UdpPort.open(await BoundNetwork.open('127.0.0.1'), 0);
  const { tracker } = openTracker(CAPS, SELF, udp);
  const front = new TrackerFront({ tracker, now, nodeAt: () => undefined, handOver: (socket) => socket.destroy() });
  const server = createServer((socket) => socket.once('data', (bytes: Buffer) => front.accept(socket, bytes)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    front.close();
    server.close();
    await udp.close();
  });
  const { port } = server.address() as AddressInfo;
  return { http: `http://127.0.0.1:${port}/announce`, udp: `udp://127.0.0.1:${udp.port}/announce` };
}

/** A UDP tracker that takes everything and answers nothing. */
async function openSilent(t: TestContext): Promise<{ url: string; heard: number }> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  const silent = { url: `udp://127.0.0.1:${socket.address().port}/announce`, heard: 0 };
  socket.on('message', () => silent.heard++);
  return silent;
}

/** The URL of an HTTP tracker that is gone. */
async function urlOfNobody(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}/announce`;
}

/** A seeder and a leecher; opened before the trackers, which hear their farewell. */
const openPair = async (t: TestContext) => ({ seeder: await openNodeFor(t), leecher: await openNodeFor(t) });

/** One node seeds by the live tracker alone, and the other fetches by tiers of which the first is dead. */
async function fetchBy(live: string, dead: string, pair: Awaited<ReturnType<typeof openPair>>): Promise<void> {
  const { seeder, leecher } = pair;
  const folder = temporaryFolder('content');
  writeFileSync(join(folder, 'a.bin'), randomContent(100_000));
  const { info, sourcePaths } = await makeTorrent(folder);
  const seed = seeder.torrents.add(specOf(info, folder, { sourcePaths, isWhole: true, trackers: [[live]] }))!;
  await seed.started;
  await seed.host.announced;
  const trackers = [[dead], [live]];
  const { host, started } = leecher.torrents.add(specOf(info, temporaryFolder('fetched'), { trackers }))!;
  await started;
  await completed(host);
}

test('behind an HTTP tracker that is gone, peers come from a UDP tracker of the next tier', async (t) => {
  const pair = await openPair(t);
  const { udp } = await openLive(t);
  await fetchBy(udp, await urlOfNobody(), pair);
});

test('behind a UDP tracker that is silent, peers come from an HTTP tracker of the next tier before it is given up', async (t) => {
  const pair = await openPair(t);
  const [{ http }, silent] = [await openLive(t), await openSilent(t)];
  // Both its tries would take 45 s, longer than the fetch is waited for.
  await fetchBy(http, silent.url, pair);
  await until('the silent one to be asked once more', () => silent.heard >= 2);
});
