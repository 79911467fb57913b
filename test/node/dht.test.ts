// The Mainline DHT between whole nodes: a magnet without any tracker, and what is announced.
import assert from 'node:assert/strict';
import dns from 'node:dns';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DhtPeers } from '../../app/torrents/dht-peers.ts';
import { formatAddress, type InfoHash, parseInfoHash } from '../../src/base/index.ts';
import { BoundNetwork } from '../../src/io/bound-network.ts';
import { type MainlineDht, openMainlineDht } from '../../src/io/mainline-dht.ts';
import { makeTorrent } from '../../src/io/torrent-maker.ts';
import { UdpPort } from '../../src/io/udp-port.ts';
import { openNodeFor, randomContent, specOf, temporaryFolder, until } from '../io/loopback-node.ts';
import { running } from './running.ts';

const FETCH_MS_MAX = 60_000;

interface Contact {
  readonly dht: MainlineDht;
  readonly udp: UdpPort;
}

/** A DHT node that is no more than that. */
async function openContact(t: TestContext, bootstrap: readonly number[] = [], host = '127.0.0.1'): Promise<Contact> {
  const udp = await UdpPort.open(await BoundNetwork.open('127.0.0.1'), 0);
  const contacts = bootstrap.map((port) => ({ host, port }));
  const dht = await openMainlineDht({ udp, bootstrap: contacts, allowLocal: true });
  t.after(async () => {
    await dht.close();
    await udp.close();
  });
  return { dht, udp };
}

/** Asks the DHT by one of its nodes until somebody is announced. */
async function announced(
  t: TestContext,
  by: UdpPort,
  infoHash: InfoHash,
  isWanted: (peer: string) => boolean,
): Promise<void> {
  // A node of its own: who keeps peers for others does not ask itself.
  const { dht } = await openContact(t, [by.port]);
  const found = new Set<string>();
  for (const end = performance.now() + FETCH_MS_MAX; performance.now() < end; ) {
    await dht.lookup(infoHash, (peer) => found.add(formatAddress(peer)));
    if ([...found].some(isWanted)) return;
  }
  assert.fail(`only ${[...found]} is announced`);
}

test('nodes that know one DHT node find each other for a magnet without any tracker, and fetch its metadata and files', async (t) => {
  const router = await openContact(t);
  const flags = { role: 'client', dht: true, dhtBootstrap: [`127.0.0.1:${router.udp.port}`] };
  const [sharer, getter] = [await running(t, flags), await running(t, flags)];
  const folder = temporaryFolder('shared');
  const bytes = randomContent(300_000);
  writeFileSync(join(folder, 'a.bin'), bytes);
  const { infoHash, name } = await sharer.node.share(folder, { category: 'misc' });
  await announced(t, router.udp, parseInfoHash(infoHash)!, (peer) => peer === `127.0.0.1:${sharer.port}`);
  const into = temporaryFolder('fetched');
  await getter.node.get(`magnet:?xt=urn:btih:${infoHash}`, into);
  await until('the download', () => getter.node.torrents()[0]?.state === 'seeding', FETCH_MS_MAX);
  assert.ok(readFileSync(join(into, name, 'a.bin')).equals(bytes));
  // Whoever has it is found too.
  await announced(t, router.udp, parseInfoHash(infoHash)!, (peer) => peer === `127.0.0.1:${getter.port}`);
});

/** What finds peers for one torrent that somebody has, as a node whose router may pass another port on. */
async function openPeers(t: TestContext, bootstrap: number, outside: { port: number | undefined }): Promise<InfoHash> {
  const folder = temporaryFolder('shared');
  writeFileSync(join(folder, 'a.bin'), randomContent(1000));
  const made = await makeTorrent(folder);
  const node = await openNodeFor(t);
  const spec = specOf(made.info, folder, { sourcePaths: made.sourcePaths, isWhole: true });
  await node.torrents.add(spec)!.started;
  const { dht, udp } = await openContact(t, [bootstrap]);
  const peers = new DhtPeers({ dht, torrents: node.torrents, port: () => outside.port ?? udp.port });
  t.after(() => peers.close());
  return made.info.infoHash;
}

test('the port that a router passes on is announced, and announced anew when it becomes another', async (t) => {
  const router = await openContact(t);
  const outside: { port: number | undefined } = { port: 4001 };
  const infoHash = await openPeers(t, router.udp.port, outside);
  await announced(t, router.udp, infoHash, (peer) => peer === '127.0.0.1:4001');
  outside.port = 4002;
  await announced(t, router.udp, infoHash, (peer) => peer === '127.0.0.1:4002');
});

test('a torrent that nobody took is announced again as soon as a DHT node is there', async (t) => {
  const udp = await UdpPort.open(await BoundNetwork.open('127.0.0.1'), 0);
  const { port } = udp;
  await udp.close();
  const infoHash = await openPeers(t, port, { port: undefined });
  const late = await UdpPort.open(await BoundNetwork.open('127.0.0.1'), port);
  const dht = await openMainlineDht({ udp: late, bootstrap: [], allowLocal: true });
  t.after(async () => {
    await dht.close();
    await late.close();
  });
  await announced(t, late, infoHash, () => true);
});

test('a name to start from is looked up by the way that the node is bound to, not by the package', async (t) => {
  const asked = t.mock.method(dns, 'lookup');
  const router = await openContact(t);
  const { dht } = await openContact(t, [router.udp.port], 'localhost');
  assert.ok((await dht.announce(parseInfoHash('ab'.repeat(20))!, 7373)) > 0);
  assert.equal(asked.mock.calls.filter(({ arguments: [name] }) => name === 'localhost').length, 0);
});
