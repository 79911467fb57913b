// How many connections of which nothing is known the one port keeps, wherever they come from.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { sourceOf } from '../../src/base/index.ts';
import { BoundNetwork } from '../../src/io/bound-network.ts';
import { identityOfSeed } from '../../src/io/identity.ts';
import { openPort } from '../../src/io/one-port.ts';
import { makeNodeTls } from '../../src/io/tls-context.ts';

const HOST = '127.0.0.1';
const UNDECIDED_MAX = 256;
const REQUEST = 'GET / HTTP/1.0\r\n\r\n';
const ANSWER = 'HTTP/1.0 204 No Content\r\n\r\n';

async function openWeb(t: TestContext): Promise<number> {
  const users = {
    http: (socket: Socket) => void socket.end(ANSWER),
    torrentNamed: () => undefined,
    wire: () => assert.fail('nobody speaks the wire'),
  };
  const tls = makeNodeTls(identityOfSeed(randomBytes(32)));
  const port = await openPort({ network: await BoundNetwork.open(HOST), port: 0, encryption: 'prefer', tls }, users);
  t.after(() => port.close());
  return port.port;
}

async function dial(port: number, localAddress: string): Promise<Socket> {
  const socket = connect({ host: HOST, port, localAddress }).on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** Whether a connection is still there to be asked. */
async function isAnswered(socket: Socket): Promise<boolean> {
  const heard: Buffer[] = [];
  socket.on('data', (bytes) => heard.push(bytes as Buffer));
  socket.write(REQUEST);
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(heard).toString('latin1') === ANSWER;
}

test('of connections that say nothing 256 are kept in all, the newest, also when each network has few', async (t) => {
  // The clock is stopped: what goes does so because there are too many.
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const port = await openWeb(t);
  const networks = Array.from({ length: 6 }, (_, i) => `127.${i + 1}.0.1`);
  assert.equal(new Set(networks.map(sourceOf)).size, networks.length);
  const silent: Socket[] = [];
  // One after the other, so that they are taken in this order; fifty of each network, of which 64 would be kept.
  for (let i = 0; i < 300; i++) silent.push(await dial(port, networks[i % networks.length]!));
  // The last one is among those that count, and when it is answered all were taken.
  assert.ok(await isAnswered(await dial(port, HOST)));
  const answered = await Promise.all(silent.map(isAnswered));
  const dropped = silent.length + 1 - UNDECIDED_MAX;
  assert.deepEqual(
    answered,
    silent.map((_, i) => i >= dropped),
  );
});
