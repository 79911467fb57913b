// Accepted connections that read into the one buffer, in clear and over TLS.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { identityOfSeed } from '../../src/io/identity.ts';
import { readInPlace } from '../../src/io/read-buffer.ts';
import { makeNodeTls } from '../../src/io/tls-context.ts';
import { until } from './loopback-node.ts';

const MIB = 2 ** 20;
const tls = makeNodeTls(identityOfSeed(randomBytes(32)));

interface Way {
  readonly server: () => Server;
  readonly accepted: 'connection' | 'secureConnection';
  readonly dial: (port: number) => Socket;
}
const WAYS: Readonly<Record<string, Way>> = {
  'in clear': {
    server: () => createServer({ pauseOnConnect: true }),
    accepted: 'connection',
    dial: (port) => connect(port, '127.0.0.1'),
  },
  'over TLS': {
    server: () => createTlsServer({ ...tls.server, pauseOnConnect: true }),
    accepted: 'secureConnection',
    dial: (port) => connectTls({ port, host: '127.0.0.1', secureContext: tls.client, rejectUnauthorized: false }),
  },
};

/** Both ends of a connection; the accepted one is paused. */
async function connection(t: TestContext, { server, accepted, dial }: Way): Promise<{ near: Socket; far: Socket }> {
  const listening = server().listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const far = dial((listening.address() as AddressInfo).port);
  const [near] = (await once(listening, accepted)) as [Socket];
  near.pause();
  listening.close();
  t.after(() => far.destroy());
  return { near, far };
}

for (const [name, way] of Object.entries(WAYS)) {
  test(`a connection ${name} goes on in the one buffer, both ways and with nothing lost`, async (t) => {
    const { near, far } = await connection(t, way);
    const sent = Buffer.alloc(8 * MIB, 'every byte in its place ');
    far.write(sent.subarray(0, 5));
    near.resume();
    const [first] = (await once(near, 'data')) as [Buffer];
    near.pause();
    far.write(sent.subarray(5));
    const received: Buffer[] = [first];
    const buffers = new Set<ArrayBufferLike>();
    readInPlace(near, (bytes, length) => {
      buffers.add(bytes.buffer);
      received.push(Buffer.from(bytes.subarray(0, length)));
    });
    await until('all of it', () => received.reduce((sum, { length }) => sum + length, 0) === sent.length);
    assert.ok(Buffer.concat(received).equals(sent));
    assert.equal(buffers.size, 1, 'the buffer is reused');
    near.write('and back');
    const [answer] = (await once(far, 'data')) as [Buffer];
    assert.equal(answer.toString(), 'and back');
    near.destroy();
    await once(far, 'close');
  });

  test(`what a socket ${name} had read and nobody took is given first, and its end is heard`, async (t) => {
    const { near, far } = await connection(t, way);
    far.write('before');
    near.resume();
    near.pause();
    await until('the bytes to be in the socket', () => near.readableLength > 0);
    let received = '';
    readInPlace(near, (bytes, length) => {
      received += Buffer.from(bytes.subarray(0, length)).toString();
    });
    far.write(' and after');
    await until('all of it', () => received === 'before and after');
    far.end();
    await once(near, 'end');
  });

  test(`a socket ${name} that is paused brings nothing until it is resumed`, async (t) => {
    const { near, far } = await connection(t, way);
    let bytes = 0;
    readInPlace(near, (_, length) => {
      bytes += length;
      near.pause();
    });
    far.write(randomBytes(MIB));
    await until('the first of it', () => bytes > 0);
    while (bytes < MIB) {
      const before = bytes;
      near.resume();
      await until('more of it', () => bytes > before);
    }
    assert.equal(bytes, MIB);
  });
}
