// What is asked of links for each direction by itself, at real nodes: --encryption-in and --encryption-out.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { newPeerId } from '../../src/io/torrent-identity.ts';
import { encodeWireHandshake, PROTOCOL_HEADER } from '../../src/wire/index.ts';
import { RawPeer } from '../io/raw-peer.ts';
import { type Running, running } from './running.ts';

/** What a node says first to a peer that it dials. */
async function firstBytesOf(t: TestContext, { node }: Running): Promise<Buffer> {
  const heard = Promise.withResolvers<Buffer>();
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes: Buffer) => {
      heard.resolve(bytes);
      socket.destroy();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  await node.get(`magnet:?xt=urn:btih:${'ab'.repeat(20)}&x.pe=127.0.0.1:${port}`, undefined);
  return heard.promise;
}

/** How many bytes of the wire a node says to who dials it with the plain wire. */
async function saidInClear({ node, place, port }: Running): Promise<number> {
  const file = join(place.root, 'shared.bin');
  writeFileSync(file, 'shared');
  const { infoHash } = await node.share(file, {});
  const peer = await RawPeer.dial({ host: '127.0.0.1', port });
  peer.onHandshake = () => peer.socket.destroy();
  peer.send(encodeWireHandshake(infoHash, newPeerId()));
  await peer.closed();
  return peer.bytesRead;
}

const isPlain = (bytes: Buffer): boolean => bytes.subarray(0, PROTOCOL_HEADER.length).equals(PROTOCOL_HEADER);

test('a node that requires encryption of who dials it alone dials in clear', async (t) => {
  const strict = await running(t, { lan: false, encryptionIn: 'require', encryptionOut: 'off' });
  assert.equal(await saidInClear(strict), 0);
  assert.ok(isPlain(await firstBytesOf(t, strict)));
});

test('a node that requires encryption of whom it dials alone is dialled in clear', async (t) => {
  const obliging = await running(t, { lan: false, encryption: 'require', encryptionIn: 'off' });
  assert.ok((await saidInClear(obliging)) > 0);
  assert.ok(!isPlain(await firstBytesOf(t, obliging)));
});
