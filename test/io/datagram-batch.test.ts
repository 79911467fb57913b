// Datagrams that wait in the kernel are answered by the batch, each to its own source, over both families.
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { on, once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { formatIp } from '../../src/base/index.ts';
import { BATCH_SIZE, openBatching } from '../../src/io/datagram-batch.ts';
import { loadLibc } from '../../src/io/libc.ts';
import type { AnswerDatagram, Batching } from '../../src/ports/index.ts';
import { requireOrSkip } from '../require.ts';

const BYTES_MAX = 64;
const MISSING = 'this system has no recvmmsg that we can call';
const TRIES = 20;
/** More than one batch, and less than what a socket's buffer holds. */
const MANY = BATCH_SIZE + 5;

interface Server {
  readonly port: number;
  /** Answers everything that waits; returns how many batches were full. */
  readonly answerAll: (answer: AnswerDatagram) => number;
}

/** A socket that nobody else reads from. */
async function serve(t: TestContext, host: string, bytesMax = BYTES_MAX): Promise<Server> {
  const batching = openBatching()!;
  const { port, fd } = await openFree(batching, host);
  t.after(() => loadLibc()!.close(fd));
  const exchange = batching.exchangeOf(fd, bytesMax);
  return {
    port,
    answerAll(answer) {
      let full = 0;
      while (exchange(answer)) full++;
      return full;
    },
  };
}

/** Opens a socket at a port that another one had just now. */
async function openFree(batching: Batching, host: string): Promise<{ port: number; fd: number }> {
  for (let tries = 1; tries <= TRIES; tries++) {
    const other = createSocket(host.includes(':') ? 'udp6' : 'udp4').bind(0, host);
    await once(other, 'listening');
    const { port } = other.address();
    assert.equal(batching.open(host, port), undefined, 'a port that is taken is refused');
    other.close();
    const fd = batching.open(host, port);
    if (fd !== undefined) return { port, fd };
  }
  throw new Error('no free port');
}

async function client(t: TestContext, type: 'udp4' | 'udp6' = 'udp4'): Promise<Socket> {
  const socket = createSocket(type);
  t.after(() => socket.close());
  socket.bind(0, type === 'udp4' ? '127.0.0.1' : '::1');
  await once(socket, 'listening');
  return socket;
}

/** Sends; once it resolves they wait at their destination, because loopback delivers at once. */
async function send(socket: Socket, port: number, texts: readonly string[]): Promise<void> {
  const host = socket.address().address;
  await Promise.all(
    texts.map((text) => new Promise<void>((resolve) => socket.send(text, port, host, () => resolve()))),
  );
}

/** The first `count` replies, in order of their text. */
async function replies(socket: Socket, count: number): Promise<string[]> {
  const heard: string[] = [];
  for await (const [bytes] of on(socket, 'message')) if (heard.push(`${bytes}`) === count) break;
  return heard.toSorted();
}

const echo: AnswerDatagram = (bytes, ip, reply) => {
  const text = `${formatIp(ip)} ${Buffer.from(bytes).toString('latin1')}`;
  return Buffer.from(reply.buffer, reply.byteOffset, reply.length).write(text, 'latin1');
};

test('each of many datagrams gets its own answer, at the address that it came from', async (t) => {
  if (!requireOrSkip(t, openBatching() !== undefined, MISSING)) return;
  const server = await serve(t, '127.0.0.1');
  const clients = [await client(t), await client(t)];
  const sent = Array.from({ length: MANY }, (_, i) => `${i}`);
  const heard = clients.map((socket) => replies(socket, MANY));
  for (const socket of clients) await send(socket, server.port, sent);
  assert.equal(server.answerAll(echo), Math.floor((2 * MANY) / BATCH_SIZE));
  const expected = sent.map((text) => `127.0.0.1 ${text}`).toSorted();
  assert.deepEqual(await Promise.all(heard), [expected, expected]);
});

test('a socket of both families tells IPv4 addresses by their 4 bytes', async (t) => {
  if (!requireOrSkip(t, openBatching() !== undefined, MISSING)) return;
  const server = await serve(t, '::');
  for (const type of ['udp4', 'udp6'] as const) {
    const socket = await client(t, type);
    const heard = replies(socket, 1);
    await send(socket, server.port, ['asks']);
    server.answerAll(echo);
    assert.deepEqual(await heard, [`${socket.address().address} asks`]);
  }
});

test('what is too long comes cut, one byte past the bound', async (t) => {
  if (!requireOrSkip(t, openBatching() !== undefined, MISSING)) return;
  const server = await serve(t, '127.0.0.1');
  const lengths: number[] = [];
  await send(await client(t), server.port, ['x'.repeat(BYTES_MAX), 'x'.repeat(BYTES_MAX + 9), '']);
  server.answerAll((bytes) => lengths.push(bytes.length) * 0);
  assert.deepEqual(lengths, [BYTES_MAX, BYTES_MAX + 1, 0]);
});

test('an answer that cannot be sent holds up nobody, and nothing is sent where there is no answer', async (t) => {
  if (!requireOrSkip(t, openBatching() !== undefined, MISSING)) return;
  // No datagram carries as many bytes as its length field could say.
  const bytesMax = 65_535;
  const server = await serve(t, '127.0.0.1', bytesMax);
  const socket = await client(t);
  const heard = replies(socket, 2);
  await send(socket, server.port, ['a', 'silent', 'unsendable', 'b']);
  server.answerAll((bytes, _ip, reply) => {
    reply.set(bytes);
    return { silent: 0, unsendable: bytesMax }[`${Buffer.from(bytes)}`] ?? bytes.length;
  });
  assert.deepEqual(await heard, ['a', 'b']);
});
