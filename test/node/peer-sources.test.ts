// Where a whole node gets metadata and peers from, besides an HTTP tracker.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Address, decodeBencode, infoHashBytes, latin1, parseInfoHash, readUint32 } from '../../src/base/index.ts';
import { makeTorrent } from '../../src/io/torrent-maker.ts';
import { encodeMetainfo } from '../../src/torrent/index.ts';
import { encodeUdpAnnounce, encodeUdpConnect, parseUdpReply } from '../../src/wire/index.ts';
import { randomContent, temporaryFolder, until } from '../io/loopback-node.ts';
import { type Running, running } from './running.ts';

async function share(sharer: Running): Promise<{ infoHash: string; name: string; size: number }> {
  const folder = temporaryFolder('shared');
  writeFileSync(join(folder, 'a.bin'), randomContent(50_000));
  return sharer.node.share(folder, { category: 'misc' });
}

/** Sends a datagram to a node's port and waits for the answer. */
async function ask(t: TestContext, { port }: Running, datagrams: (heard: Buffer | undefined) => Uint8Array[]) {
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  let heard: Buffer | undefined;
  for (const next of [1, 2]) {
    const [datagram] = datagrams(heard);
    socket.send(datagram!, port, '127.0.0.1');
    [heard] = (await once(socket, 'message', { signal: AbortSignal.timeout(5000) })) as [Buffer];
    assert.ok(heard, `answer ${next}`);
  }
  return heard!;
}

test('a bare hash whose sharer is gone gets its metadata from the supernode that keeps it', async (t) => {
  const supernode = await running(t);
  const bootstrap = [`127.0.0.1:${supernode.port}`];
  const sharer = await running(t, { role: 'client', bootstrap });
  const shared = await share(sharer);
  const kept = async (): Promise<boolean> =>
    (await fetch(`http://127.0.0.1:${supernode.port}/metadata/${shared.infoHash}`)).status === 200;
  while (!(await kept()));
  await sharer.node.stop();
  const getter = await running(t, { role: 'client', bootstrap });
  await getter.node.get(shared.infoHash, undefined);
  await until('the size to be known', () => getter.node.torrents()[0]?.size === shared.size);
});

test('a private torrent without a tracker is given no supernode as one, nor is the file that is made of it (BEP 27)', async (t) => {
  const { node } = await running(t, { role: 'supernode' });
  for (const isPrivate of [false, true]) {
    const folder = temporaryFolder('content');
    writeFileSync(join(folder, 'a.bin'), randomContent(1000));
    const { info } = await makeTorrent(folder, { isPrivate });
    await node.getFile(encodeMetainfo({ info: info.raw, trackers: [] }));
    const file = latin1(await node.torrentFile(info.infoHash));
    assert.equal(file.includes('/announce'), !isPrivate, file);
    assert.equal((await node.info(info.infoHash)).trackers.length, isPrivate ? 0 : 1);
  }
});

/** What a tracker of UDP says of a torrent. */
async function announcedOverUdp(t: TestContext, supernode: Running, infoHash: string): Promise<readonly Address[]> {
  const answer = await ask(t, supernode, (connected) => [
    connected
      ? encodeUdpAnnounce({
          connectionId: connected.subarray(8, 16),
          transaction: 2,
          infoHash: infoHashBytes(parseInfoHash(infoHash)!),
          peerId: new Uint8Array(20),
          downloaded: 0,
          left: 50_000,
          uploaded: 0,
          event: 'started',
          key: 1,
          wanted: 50,
          port: 6881,
          urlData: '',
        })
      : encodeUdpConnect(1),
  ]);
  assert.equal(readUint32(answer, 0), 1);
  const reply = parseUdpReply(answer, 6, 200);
  assert.ok(reply?.type === 'announced');
  return reply.peers;
}

test('N-43 who announces over UDP is given the peers that announced over HTTP, by the same port', async (t) => {
  const supernode = await running(t);
  const sharer = await running(t, { role: 'client', bootstrap: [`127.0.0.1:${supernode.port}`] });
  const { infoHash } = await share(sharer);
  assert.deepEqual(await announcedOverUdp(t, supernode, infoHash), [{ host: '127.0.0.1', port: sharer.port }]);
});

test('a supernode that may upload nothing tracks all the same, over HTTP and UDP', async (t) => {
  const supernode = await running(t, { role: 'supernode', upLimit: '0' });
  const { infoHash, size } = await share(supernode);
  const getter = await running(t, { role: 'client', bootstrap: [`127.0.0.1:${supernode.port}`] });
  await getter.node.get(infoHash, undefined);
  // It got the metadata and the other's address from the supernode.
  const row = () => getter.node.torrents()[0]!;
  await until('the link', () => row().size === size && row().peers === 1);
  const query = `peer_id=-XX0000-aaaaaaaaaaaa&port=6882&uploaded=0&downloaded=0&left=1&compact=1`;
  const named = infoHash.replace(/../g, '%$&');
  const reply = await fetch(`http://127.0.0.1:${supernode.port}/announce?info_hash=${named}&${query}`);
  const answer = decodeBencode(new Uint8Array(await reply.arrayBuffer()));
  const compact = answer instanceof Map ? answer.get('peers') : undefined;
  assert.ok(compact instanceof Uint8Array && compact.length === 2 * 6, 'the two nodes');
  const peers = await announcedOverUdp(t, supernode, infoHash);
  assert.deepEqual(new Set(peers.map(({ port }) => port)), new Set([supernode.port, getter.port, 6882]));
  assert.equal(supernode.node.torrents()[0]!.bytesUploaded, 0);
  supernode.node.limit({ up: null });
  await until('the content', () => row().state === 'seeding');
});
