// What a verb asks over the control socket, against servers that answer in every way they may and some that they may not.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ControlSocket } from '../../app/control/control-socket.ts';
import { MonsoonError } from '../../src/base/index.ts';

const QUESTION = { method: 'GET', path: '/api/status', signal: new AbortController().signal } as const;

/** A client of a server that is told each connection, and how many there were. */
async function served(t: TestContext, serve: (socket: Socket, count: number) => void) {
  const folder = mkdtempSync(join(tmpdir(), 'monsoon-control-'));
  const path = join(folder, 'control.sock');
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    serve(socket, sockets.size);
  }).listen(path);
  await once(server, 'listening');
  const client = new ControlSocket(path);
  t.after(() => {
    client.close();
    for (const socket of sockets) socket.destroy();
    server.close();
    rmSync(folder, { recursive: true });
  });
  return { client, sockets };
}

const reply = (body: string, more = ''): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${more}\r\n${body}`;

test('questions one after another go over the connection that was made to see whether a daemon is there', async (t) => {
  const asked: string[] = [];
  const { client, sockets } = await served(t, (socket) => {
    socket.on('data', (bytes) => {
      asked.push(String(bytes));
      socket.write(reply(JSON.stringify(asked.length)));
    });
  });
  await client.reach();
  assert.deepEqual(await client.ask(QUESTION), { status: 200, text: '1' });
  assert.deepEqual(await client.ask({ ...QUESTION, method: 'POST', body: { name: '雨' } }), { status: 200, text: '2' });
  assert.equal(sockets.size, 1);
  assert.deepEqual(asked, [
    'GET /api/status HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'POST /api/status HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{"name":"雨"}',
  ]);
});

test('a reply may come byte by byte, and a connection that is to be closed is not used again', async (t) => {
  const text = JSON.stringify({ name: '雨季' });
  const { client, sockets } = await served(t, (socket) => {
    socket.setNoDelay().on('data', async () => {
      for (const byte of Buffer.from(reply(text, 'Connection: close\r\n'))) {
        socket.write(Buffer.of(byte));
        await new Promise(setImmediate);
      }
    });
  });
  for (const count of [1, 2]) {
    assert.equal((await client.ask(QUESTION)).text, text);
    assert.equal(sockets.size, count);
  }
});

test('who takes up a connection that the daemon closes meanwhile asks over another, unless asking twice does something', async (t) => {
  const { client } = await served(t, (socket, count) => {
    let asked = 0;
    socket.on('data', () => {
      if (++asked > 1) socket.destroy();
      else socket.write(reply(String(count)));
    });
  });
  assert.equal((await client.ask(QUESTION)).text, '1');
  assert.equal((await client.ask(QUESTION)).text, '2');
  await assert.rejects(client.ask({ ...QUESTION, method: 'POST', body: {} }), { code: 'ECONNRESET' });
});

test('a daemon that goes away in the middle, and one that is not there, are told apart from what is no answer', async (t) => {
  const cut = await served(t, (socket) => void socket.on('data', () => socket.end(reply('[1, 2').slice(0, -2))));
  await assert.rejects(cut.client.ask(QUESTION), { code: 'ECONNRESET' });
  await assert.rejects(new ControlSocket(join(tmpdir(), 'no-such.sock')).ask(QUESTION), { code: 'ENOENT' });
  for (const text of [
    'HTTP/1.1 200 OK\r\n\r\n',
    'SSH-2.0\r\n\r\n',
    reply('').replace(' 0', ' 99999999999'),
    'x'.repeat(40_000),
  ]) {
    const odd = await served(t, (socket) => void socket.on('data', () => socket.write(text)));
    await assert.rejects(
      odd.client.ask(QUESTION),
      (error) => error instanceof MonsoonError && error.code === 'refused',
    );
  }
});

test('a question that is called off rejects with the reason, before and while it is under way', async (t) => {
  const reason = new Error('enough');
  const { client } = await served(t, (socket) => void socket.on('data', () => off.abort(reason)));
  const off = new AbortController();
  await assert.rejects(client.ask({ ...QUESTION, signal: off.signal }), reason);
  await assert.rejects(client.ask({ ...QUESTION, signal: off.signal }), reason);
});
