// The one port of a running node against slow, endless, smuggled and simply odd HTTP.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBencode, utf8, wallSeconds } from '../../src/base/index.ts';
import { sha1 } from '../../src/io/hash.ts';
import { identityOfSeed } from '../../src/io/identity.ts';
import { encodePublication, factsOf, PUBLICATION_BYTES_MAX, sealEntry } from '../../src/listing/index.ts';
import { parseInfo } from '../../src/torrent/index.ts';
import { until } from '../io/loopback-node.ts';
import { closed, dial, exchange, probe, running } from './running.ts';

const statusOf = (reply: string): number => Number(/^HTTP\/1\.1 ([0-9]{3})/.exec(reply)?.[1]);
const close = 'Host: x\r\nConnection: close\r\n\r\n';

test('headers and bodies that trickle end within the time limits, and cost others nothing', async (t) => {
  const { port } = await running(t);
  const begun = performance.now();
  const slow = await Promise.all(
    [
      'GET / HTTP/1.1\r\nX: ',
      'POST /listing HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc',
      'GET /supernod',
      'P',
    ].map(async (first) => {
      const socket = await dial(port);
      socket.resume();
      socket.write(first);
      const drip = setInterval(() => socket.write('a'), 500);
      return { ended: closed(socket).then(() => clearInterval(drip)) };
    }),
  );
  await probe(port);
  await Promise.all(slow.map(({ ended }) => ended));
  assert.ok(performance.now() - begun < 14_000, `${performance.now() - begun} ms`);
});

test('a body over the limit is refused with 413 when it says so, and cut off when it does not', async (t) => {
  const { port } = await running(t);
  const told = await exchange(
    port,
    `POST /listing HTTP/1.1\r\nHost: x\r\nContent-Length: ${PUBLICATION_BYTES_MAX + 1}\r\n\r\n`,
  );
  assert.equal(statusOf(told), 413);
  const socket = await dial(port);
  let reply = '';
  socket.on('data', (bytes) => {
    reply += bytes.toString();
  });
  socket.write('POST /listing HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  const chunk = `${(1 << 20).toString(16)}\r\n${'x'.repeat(1 << 20)}\r\n`;
  const feed = setInterval(() => socket.writable && socket.writableLength < 1 << 20 && socket.write(chunk), 1);
  await closed(socket);
  clearInterval(feed);
  // Whoever is still sending may see a reset instead of the answer.
  assert.ok(reply === '' || statusOf(reply) === 413, reply);
  assert.ok(socket.bytesWritten < 2 * PUBLICATION_BYTES_MAX + (16 << 20));
  await probe(port);
});

test('only so many publications are read at a time', async (t) => {
  const { port } = await running(t);
  const head = 'POST /listing HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n';
  const waiting = await Promise.all(Array.from({ length: 4 }, () => dial(port)));
  for (const socket of waiting) socket.write(head);
  for (;;) {
    const reply = await exchange(port, `POST /listing HTTP/1.1\r\nContent-Length: 1\r\n${close}x`);
    if (statusOf(reply) === 503) break;
  }
  for (const socket of waiting) socket.destroy();
  await probe(port);
});

test('odd requests get their answers', async (t) => {
  const { port } = await running(t);
  const cases: [string, number][] = [
    [`GET http://elsewhere.example/supernodes HTTP/1.1\r\n${close}`, 200],
    [`HEAD / HTTP/1.1\r\n${close}`, 200],
    [`HEAD /listing HTTP/1.1\r\n${close}`, 200],
    [`GET /metadata/${'0'.repeat(40)} HTTP/1.1\r\n${close}`, 404],
    [`GET /metadata/..%2f..%2fidentity.key HTTP/1.1\r\n${close}`, 404],
    [`GET /../data/identity.key HTTP/1.1\r\n${close}`, 404],
    [`GET /listing?since=../../x HTTP/1.1\r\n${close}`, 400],
    [`GET /?q=%ff%00&sort=constructor&limit=-1 HTTP/1.1\r\n${close}`, 200],
    [`GET /api/status HTTP/1.1\r\n${close}`, 404],
    [`POST /api/stop HTTP/1.1\r\n${close}`, 405],
    [`DELETE / HTTP/1.1\r\n${close}`, 405],
    [`OPTIONS * HTTP/1.1\r\n${close}`, 405],
    [`GET / HTTP/1.1\r\n\r\n`, 400],
    [`GET / HTTP/9.9\r\n${close}`, 400],
    [`GET / HTTP/1.1\r\nX: ${'a'.repeat(20_000)}\r\n${close}`, 431],
    [`POST /listing HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    [`GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc`, 400],
    [`GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade, close\r\nHost: x\r\n\r\n`, 200],
  ];
  for (const [sent, status] of cases) {
    const reply = await exchange(port, sent, 8000);
    assert.equal(statusOf(reply), status, sent.slice(0, 100));
    if (sent.startsWith('HEAD')) assert.match(reply, /\r\n\r\n$/, 'no body');
  }
  await exchange(port, `CONNECT 127.0.0.1:1 HTTP/1.1\r\n${close}`);
  await probe(port);
});

test('a connection that is reset at any point of a request or answer hurts nobody', async (t) => {
  const { port } = await running(t);
  const request = `GET /listing HTTP/1.1\r\n${close}`;
  for (let cut = 1; cut <= request.length; cut += 3) {
    const socket = await dial(port);
    socket.write(request.slice(0, cut));
    socket.resetAndDestroy();
  }
  await probe(port);
});

test('one host does not get every connection', async (t) => {
  const { port } = await running(t);
  const sockets = await Promise.all(Array.from({ length: 100 }, () => dial(port)));
  for (const socket of sockets) {
    socket.resume();
    socket.write('GET /listing HTTP/1.1\r\nX: ');
  }
  await until('the last third to be refused', () => sockets.filter(({ destroyed }) => destroyed).length >= 36, 4000);
  for (const socket of sockets) socket.destroy();
});

test('one network does not keep the thread of the listing busy for itself', async (t) => {
  const { port } = await running(t);
  const question = `GET /metadata/${'0'.repeat(40)} HTTP/1.1\r\nHost: x\r\n\r\n`;
  const last = question.replace('Host', 'Connection: close\r\nHost');
  const answers = await exchange(port, question.repeat(4000) + last, 60_000, '127.0.0.9');
  assert.ok(answers.split('HTTP/1.1 404').length > 1000);
  assert.match(answers, /HTTP\/1\.1 429/);
  assert.match(await exchange(port, last, 5000, '127.0.0.10'), /^HTTP\/1\.1 404/);
});

test('one network does not use up the line with lists of supernodes', async (t) => {
  const { port } = await running(t);
  const question = 'GET /supernodes HTTP/1.1\r\nHost: x\r\n\r\n';
  const last = question.replace('Host', 'Connection: close\r\nHost');
  const one = await exchange(port, last, 5000, '127.0.0.9');
  const answers = await exchange(port, question.repeat(Math.ceil(3e6 / one.length)) + last, 60_000, '127.0.0.9');
  assert.match(answers, /HTTP\/1\.1 429/);
  const given = (answers.split('HTTP/1.1 200').length - 1) * one.length;
  assert.ok(given > 5e5 && given < 2.5e6, `${given} bytes`);
  assert.match(await exchange(port, last, 5000, '127.0.0.10'), /^HTTP\/1\.1 200/);
});

test('G-04 what is published is checked: forged, lying and foreign entries are refused with their status', async (t) => {
  const { port, node } = await running(t);
  const stranger = identityOfSeed(new Uint8Array(32).fill(7));
  const raw = encodeBencode({ length: 5, name: 'five.txt', 'piece length': 16_384, pieces: new Uint8Array(20) });
  const info = parseInfo(raw, sha1);
  assert.ok('infoHash' in info);
  const at = wallSeconds(Math.floor(Date.now() / 1000));
  const entry = {
    ...factsOf(info),
    category: 'misc' as const,
    tags: [],
    description: '',
    publisher: stranger.nodeId,
    sequence: 1,
    published: at,
    isWithdrawn: false,
  };
  const good = sealEntry(entry, stranger.sign);
  const lying = sealEntry({ ...entry, size: 6, sequence: 2 }, stranger.sign);
  const forged = good.slice();
  forged[forged.length - 1] = forged[forged.length - 1]! ^ 1;
  const post = async (body: Uint8Array): Promise<number> => {
    const reply = await fetch(`http://127.0.0.1:${port}/listing`, { method: 'POST', body: Uint8Array.from(body) });
    await reply.arrayBuffer();
    return reply.status;
  };
  assert.equal(await post(utf8('not bencode')), 400);
  assert.equal(await post(encodePublication({ entry: forged, info: raw })), 400);
  assert.equal(await post(encodePublication({ entry: lying, info: raw })), 400);
  assert.equal(await post(encodePublication({ entry: good, info: utf8('de') })), 400);
  assert.deepEqual((await node.list({})).rows, []);
  assert.equal(await post(encodePublication({ entry: good, info: raw })), 200);
  assert.deepEqual(
    (await node.list({})).rows.map(({ name }) => name),
    ['five.txt'],
  );
  const { port: clientPort } = await running(t, { role: 'client', bootstrap: [`127.0.0.1:${port}`] });
  const foreign = await fetch(`http://127.0.0.1:${clientPort}/listing`, {
    method: 'POST',
    body: Uint8Array.from(encodePublication({ entry: good, info: raw })),
  });
  assert.equal(foreign.status, 421);
});

test('a visitor that turns pages without end is asked to come back, and others are given theirs', async (t) => {
  const { port } = await running(t);
  const page = `GET /?q=anything HTTP/1.1\r\n${close}`;
  const replies: string[] = [];
  while (replies.length < 100 && statusOf(replies.at(-1) ?? 'HTTP/1.1 200') === 200) {
    replies.push(await exchange(port, page));
  }
  assert.ok(replies.length > 10, `refused after ${replies.length} pages`);
  assert.equal(statusOf(replies.at(-1)!), 429);
  assert.match(replies.at(-1)!, /retry-after: [0-9]+/i);
  assert.equal(statusOf(await exchange(port, page, 15_000, '127.0.0.2')), 200);
  await probe(port);
});
