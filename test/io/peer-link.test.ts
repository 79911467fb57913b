// One link over a real socket: what it does as time passes, and that encryption leaves shared bytes alone.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type Fault, type InfoHash, later } from '../../src/base/index.ts';
import { now } from '../../src/io/alarm-clock.ts';
import { type LinkOwner, PeerLink } from '../../src/io/peer-link.ts';
import { bareStream, type PeerStream } from '../../src/io/peer-stream.ts';
import { newPeerId } from '../../src/io/torrent-identity.ts';
import { Rc4 } from '../../src/link/index.ts';
import { encodeWireHandshake } from '../../src/wire/index.ts';
import { until } from './loopback-node.ts';

const INFO_HASH = '00'.repeat(20) as InfoHash;
const KEY = Buffer.from('a key');
const KEEP_ALIVE = Buffer.alloc(4);
const INTERESTED = Buffer.of(0, 0, 0, 1, 2);
const UNINTERESTED = Buffer.of(0, 0, 0, 1, 3);

interface Ends {
  readonly link: PeerLink;
  /** Everything that the other end received. */
  heard(): Buffer;
  closedBecause(): string | undefined;
}

/** A link past the wire handshake, and what the other end sees of it. */
async function openLink(t: TestContext, streamOf: (socket: Socket) => PeerStream): Promise<Ends> {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [other] = (await once(server, 'connection')) as [Socket];
  t.after(() => socket.destroy());
  let heard: Buffer = Buffer.alloc(0);
  other
    .on('error', () => {})
    .on('data', (bytes) => {
      heard = Buffer.concat([heard, bytes as Buffer]);
    });
  let why: Fault | undefined;
  const owner = {
    opened: () => {},
    settled: () => {},
    uploadAllowance: () => ({ available: () => Infinity, spend: () => {} }),
    closed: (_link: PeerLink, fault: Fault) => (why = fault),
  };
  const greeting = { infoHash: INFO_HASH, peerId: newPeerId() };
  const ours = { client: 'test', listenPort: 1, requestQueue: 1, metadataSize: 0, isUploadOnly: false, usesPex: true };
  const address = { host: '127.0.0.1', port: 1 };
  const link = new PeerLink(1, streamOf(socket), address, false, greeting, ours, owner as unknown as LinkOwner);
  const theirs = encodeWireHandshake(INFO_HASH, newPeerId());
  link.feedClear(theirs, theirs.length);
  assert.ok(link.hasGreeted);
  return { link, heard: () => heard, closedBecause: () => why?.code };
}

test('an open link is kept alive after 100 s, and given up after 150 s of silence', async (t) => {
  const { link, heard, closedBecause } = await openLink(t, (socket) => bareStream(socket, 'none'));
  link.attend(later(now(), 99_000));
  link.setInterest(true);
  await until('interest', () => heard().subarray(-INTERESTED.length).equals(INTERESTED));
  assert.ok(!heard().subarray(-9, -5).equals(KEEP_ALIVE));
  link.attend(later(now(), 101_000));
  await until('a keep-alive', () => heard().subarray(-4).equals(KEEP_ALIVE));
  assert.equal(closedBecause(), undefined);
  link.attend(later(now(), 151_000));
  assert.equal(closedBecause(), 'silent');
});

test('a message that is said a second time under encryption is the same message', async (t) => {
  const receive = new Rc4(KEY);
  const { link, heard } = await openLink(t, (socket) => ({
    socket,
    encryption: 'rc4',
    hasOurHandshake: true,
    ciphers: { send: new Rc4(KEY), receive: new Rc4(KEY) },
  }));
  let clear = Buffer.alloc(0);
  const clearText = (): Buffer => {
    const more = Buffer.from(heard().subarray(clear.length));
    receive.apply(more, more.length);
    clear = Buffer.concat([clear, more]);
    return clear;
  };
  for (const isInterested of [true, false, true, false]) {
    link.setInterest(isInterested);
    const said = isInterested ? INTERESTED : UNINTERESTED;
    await until('the message', () => clearText().subarray(-said.length).equals(said));
  }
});
