// Accepted connections that go on in a socket which reads into the one buffer.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { readInPlace } from '../../src/io/read-buffer.ts';
import { until } from './loopback-node.ts';

const MIB = 2 ** 20;

/** Both ends of a connection; the accepted one is paused. */
async function connection(t: TestContext): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [near] = (await once(server, 'connection')) as [Socket];
  server.close();
  t.after(() => far.destroy());
  return { near, far };
}

test('a connection goes on in another socket, both ways and with nothing lost', async (t) => {
  const { near, far } = await connection(t);
  const sent = Buffer.alloc(8 * MIB, 'every byte in its place ');
  far.write(sent.subarray(0, 5));
  near.resume();
  const [first] = (await once(near, 'data')) as [Buffer];
  near.pause();
  far.write(sent.subarray(5));
  const { socket, read } = readInPlace(near);
  const received: Buffer[] = [first];
  const buffers = new Set<ArrayBufferLike>();
  read((bytes, length) => {
    buffers.add(bytes.buffer);
    received.push(Buffer.from(bytes.subarray(0, length)));
  });
  assert.notEqual(socket, near);
  assert.equal(socket.remotePort, far.localPort);
  await until('all of it', () => received.reduce((sum, { length }) => sum + length, 0) === sent.length);
  assert.ok(Buffer.concat(received).equals(sent));
  assert.equal(buffers.size, 1, 'the buffer is reused');
  socket.write('and back');
  const [answer] = (await once(far, 'data')) as [Buffer];
  assert.equal(answer.toString(), 'and back');
  socket.destroy();
  await once(far, 'close');
});

test('what the first socket had read and nobody took is given first', async (t) => {
  const { near, far } = await connection(t);
  far.write('before');
  near.resume();
  near.pause();
  await until('the bytes to be in the first socket', () => near.readableLength > 0);
  const { socket, read } = readInPlace(near);
  let received = '';
  read((bytes, length) => {
    received += Buffer.from(bytes.subarray(0, length)).toString();
  });
  far.write(' and after');
  await until('all of it', () => received === 'before and after');
  far.end();
  await once(socket, 'end');
});
