// TLS on the one port and on dialled connections: who is proven to be there, and what a liar or a staller gets.
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect, createServer, TLSSocket } from 'node:tls';
import { infoHashOfBytes, isFault, type NodeId } from '../../src/base/index.ts';
import { BoundNetwork } from '../../src/io/bound-network.ts';
import { identityOfSeed } from '../../src/io/identity.ts';
import { openPort } from '../../src/io/one-port.ts';
import type { PeerStream } from '../../src/io/peer-stream.ts';
import { makeNodeTls, nodeIdOf } from '../../src/io/tls-context.ts';
import { connectTls, type TlsFault } from '../../src/io/tls-dial.ts';
import { newPeerId } from '../../src/io/torrent-identity.ts';
import { makeWebCertificate } from '../../src/io/web-certificate.ts';
import { selfSignedCertificate } from '../../src/link/index.ts';
import { encodeWireHandshake } from '../../src/wire/index.ts';

const HOST = '127.0.0.1';
const [one, two] = [identityOfSeed(randomBytes(32)), identityOfSeed(randomBytes(32))];
const [tlsOne, tlsTwo] = [makeNodeTls(one), makeNodeTls(two)];

interface Door {
  readonly port: number;
  /** Sockets that arrived, with their first bytes. */
  readonly http: [Socket, Buffer][];
  readonly wire: Pick<PeerStream, 'socket' | 'encryption'>[];
}

/** Node one's port; what is HTTP is answered with its own first bytes. */
async function openDoor(t: TestContext): Promise<Door> {
  const http: Door['http'] = [];
  const wire: Door['wire'] = [];
  const users = {
    http: (socket: Socket, firstBytes: Buffer) => {
      http.push([socket, firstBytes]);
      socket.on('error', () => {});
      socket.end(firstBytes);
      socket.resume();
    },
    torrentNamed: () => undefined,
    wire: ({ socket, encryption }: PeerStream) => {
      wire.push({ socket, encryption });
      socket.resume();
    },
  };
  const port = await openPort(
    { network: await BoundNetwork.open(HOST), port: 0, encryption: 'prefer', tls: tlsOne },
    users,
  );
  t.after(() => port.close());
  return { port: port.port, http, wire };
}

interface Dialled {
  readonly socket: TLSSocket;
  readonly peer: NodeId | TlsFault;
  /** What the reused buffer held, copied. */
  readonly read: Buffer[];
}

function dial(port: number, meant?: NodeId): Promise<Dialled> {
  const read: Buffer[] = [];
  const onread = {
    buffer: Buffer.alloc(4096),
    callback: (length: number, bytes: Uint8Array) => {
      read.push(Buffer.from(bytes.subarray(0, length)));
      return true;
    },
  };
  return new Promise((resolve) => {
    const socket = connectTls({ host: HOST, port, onread }, tlsTwo, meant, (peer) => resolve({ socket, peer, read }));
  });
}

const closed = (socket: Socket): Promise<unknown> =>
  new Promise((resolve) => {
    if (socket.closed) resolve(undefined);
    else socket.once('close', resolve);
  });

/** A server of another kind than ours on a port of its own. */
async function elsewhere(t: TestContext, serve: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = [];
  const server = createTcpServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

test('two nodes prove their ids to each other, and speak HTTP inside through a reused buffer', async (t) => {
  const door = await openDoor(t);
  const { socket, peer, read } = await dial(door.port, one.nodeId);
  assert.equal(peer, one.nodeId);
  assert.equal(socket.getProtocol(), 'TLSv1.3');
  assert.equal(socket.getCipher().name, 'TLS_AES_128_GCM_SHA256');
  socket.write('GET / HTTP/1.1\r\n\r\n');
  await closed(socket);
  assert.equal(Buffer.concat(read).toString(), 'GET / HTTP/1.1\r\n\r\n');
  const [inside] = door.http[0]!;
  assert.ok(inside instanceof TLSSocket);
  assert.equal(inside.remoteAddress, HOST);
});

test('M-07 a peer link begins and is proven as a request to a supernode is: the port knows which node dialled it', async (t) => {
  const door = await openDoor(t);
  const { socket } = await dial(door.port, one.nodeId);
  const handshake = encodeWireHandshake(infoHashOfBytes(randomBytes(20))!, newPeerId());
  socket.write(handshake.subarray(0, 30));
  await new Promise((resolve) => socket.write(handshake.subarray(30), resolve));
  while (door.wire.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(door.wire[0]!.encryption, 'tls');
  assert.equal(nodeIdOf(door.wire[0]!.socket as TLSSocket), two.nodeId);
  socket.destroy();
});

test('another node than the one that was meant is refused, and hears nothing', async (t) => {
  const door = await openDoor(t);
  const { socket, peer } = await dial(door.port, two.nodeId);
  assert.ok(isFault(peer));
  assert.equal(peer.code, 'wrong-node');
  await closed(socket);
  assert.equal(door.http.length + door.wire.length, 0);
  const unmeant = await dial(door.port);
  assert.equal(unmeant.peer, one.nodeId, 'whoever it is, is learnt');
  unmeant.socket.destroy();
});

test('a server whose key is not Ed25519 is no node, and one without TLS is a failure', async (t) => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const facts = { algorithm: 'ecdsa-sha256', serial: randomBytes(16), name: 'web' } as const;
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const der = selfSignedCertificate({ ...facts, publicKey: spki }, (bytes) => sign('sha256', bytes, privateKey));
  const web = createServer({
    cert: `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }),
  });
  const port = await elsewhere(t, (socket) => web.emit('connection', socket));
  const { peer } = await dial(port);
  assert.ok(isFault(peer) && peer.code === 'wrong-node', `${peer}`);
  for (const serve of [
    (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    (socket: Socket) => socket.destroy(),
    (socket: Socket) => socket.end(),
  ]) {
    const failed = await dial(await elsewhere(t, serve), one.nodeId);
    assert.ok(isFault(failed.peer) && failed.peer.code === 'tls-failed', `${failed.peer}`);
  }
});

test('who does not prefer Ed25519 is shown a P-256 certificate, and is served without one of its own', async (t) => {
  const door = await openDoor(t);
  for (const sigalgs of ['ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256', undefined]) {
    const browser = connect({ host: HOST, port: door.port, rejectUnauthorized: false, sigalgs });
    await once(browser, 'secureConnect');
    const key = browser.getPeerX509Certificate()!.publicKey;
    assert.equal(key.asymmetricKeyDetails?.namedCurve, 'prime256v1');
    browser.write('GET / HTTP/1.1\r\n\r\n');
    assert.equal(`${(await once(browser, 'data'))[0]}`, 'GET / HTTP/1.1\r\n\r\n');
    assert.equal(nodeIdOf(door.http.at(-1)![0] as TLSSocket), undefined);
    browser.destroy();
  }
});

test('a client certificate whose key is not Ed25519 is let in and proves no node', async (t) => {
  const door = await openDoor(t);
  const client = connect({ host: HOST, port: door.port, rejectUnauthorized: false, ...makeWebCertificate() });
  client.on('error', () => {});
  await once(client, 'secureConnect');
  client.write('GET / HTTP/1.1\r\n\r\n');
  await closed(client.resume());
  const [inside] = door.http[0]!;
  assert.equal((inside as TLSSocket).getPeerX509Certificate()?.publicKey.asymmetricKeyType, 'ec');
  assert.equal(nodeIdOf(inside), undefined);
});

test('nothing older than TLS 1.3 is spoken', async (t) => {
  const door = await openDoor(t);
  const old = connect({ host: HOST, port: door.port, rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
  const [error] = await once(old, 'error');
  assert.match(error.code, /PROTOCOL_VERSION/);
});

test('TLS inside TLS, and Message Stream Encryption inside it, are closed', async (t) => {
  const door = await openDoor(t);
  for (const bytes of [Buffer.of(0x16, 0x03, 0x01, 0, 0), Buffer.alloc(96, 0x99)]) {
    const { socket } = await dial(door.port, one.nodeId);
    socket.write(bytes);
    await closed(socket);
  }
  assert.equal(door.http.length + door.wire.length, 0);
});

/** What a client says first, all of it. */
async function clientHello(t: TestContext): Promise<Buffer> {
  const said: Buffer[] = [];
  const port = await elsewhere(t, (socket) => socket.on('data', (bytes) => said.push(bytes as Buffer)));
  const client = connectTls({ host: HOST, port }, tlsTwo, undefined, () => {});
  const lengthOf = (hello: Buffer): number => (hello.length < 5 ? Infinity : 5 + hello.readUInt16BE(3));
  while (Buffer.concat(said).length < lengthOf(Buffer.concat(said))) await new Promise((go) => setImmediate(go));
  client.destroy();
  return Buffer.concat(said);
}

test('a handshake cut anywhere or changed anywhere ends its own connection and nothing else', async (t) => {
  const door = await openDoor(t);
  const hello = await clientHello(t);
  const hurt = [
    ...Array.from({ length: 16 }, (_, i) => hello.subarray(0, Math.floor((hello.length * i) / 16) + 1)),
    ...Array.from({ length: 64 }, (_, i) => {
      const at = Math.floor((hello.length * i) / 64);
      return hello.with(at, hello[at]! ^ 0xff);
    }),
    Buffer.concat([Buffer.of(0x16, 0x03), randomBytes(2000)]),
    Buffer.concat([Buffer.of(0x16, 0x03, 0x01, 0x40, 0x00), randomBytes(100_000)]),
    Buffer.of(0x16, 0x03, 0x09),
  ];
  await Promise.all(
    hurt.map(async (bytes) => {
      const socket = connectTcp(door.port, HOST);
      socket.on('error', () => {});
      socket.resume();
      socket.end(bytes);
      await closed(socket);
    }),
  );
  assert.equal(door.http.length + door.wire.length, 0);
  const honest = await dial(door.port, one.nodeId);
  assert.equal(honest.peer, one.nodeId);
  honest.socket.destroy();
});

test('handshakes that are begun and left give way to newer connections, and to time', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const door = await openDoor(t);
  const hello = await clientHello(t);
  const stallers = await Promise.all(
    Array.from({ length: 100 }, async () => {
      const socket = connectTcp(door.port, HOST);
      socket.on('error', () => {});
      socket.resume();
      await once(socket, 'connect');
      socket.write(hello.subarray(0, -1));
      return socket;
    }),
  );
  const honest = await dial(door.port, one.nodeId);
  assert.equal(honest.peer, one.nodeId, 'the last one is heard');
  // Of one network 64 may be undecided; one place is the honest one's until it says what it is.
  await Promise.all(stallers.slice(0, -63).map(closed));
  assert.equal(stallers.slice(-63).filter((socket) => socket.closed).length, 0);
  t.mock.timers.tick(10_000);
  await Promise.all([honest.socket, ...stallers].map(closed));
});
