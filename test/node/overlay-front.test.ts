// Who may ask a node about the overlay, and what becomes of questions that are none.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { isFault, nodeOrigin } from '../../src/base/index.ts';
import { BoundNetwork } from '../../src/io/bound-network.ts';
import { HttpClient as Client, type HttpClient, type HttpReply } from '../../src/io/http-client.ts';
import { identityOfSeed } from '../../src/io/identity.ts';
import { makeNodeTls } from '../../src/io/tls-context.ts';
import { encodeMessage, MESSAGE_BYTES_MAX, type OverlayMessage, parseMessage } from '../../src/overlay/index.ts';
import { exchange, probe, type Running, running } from './running.ts';

const stranger = identityOfSeed(new Uint8Array(32).fill(11));

async function strangersClient(t: TestContext): Promise<HttpClient> {
  const network = await BoundNetwork.open('127.0.0.1');
  const client = new Client({ network, mayDial: () => true, tls: makeNodeTls(stranger) });
  t.after(() => client.close());
  t.after(() => network.close());
  return client;
}

async function post(client: HttpClient, { node, port }: Running, body: Uint8Array): Promise<HttpReply> {
  const origin = nodeOrigin({ nodeId: node.status().nodeId, address: { host: '127.0.0.1', port } });
  const reply = await client.request({
    origin,
    method: 'POST',
    path: '/overlay',
    body,
    timeoutMs: 9000,
    bytesMax: 1e6,
  });
  assert.ok(!isFault(reply));
  return reply;
}

async function ask(client: HttpClient, node: Running, message: OverlayMessage): Promise<OverlayMessage> {
  const reply = await post(client, node, encodeMessage(message));
  assert.equal(reply.status, 200);
  const answer = parseMessage(reply.body);
  assert.ok(!isFault(answer));
  return answer;
}

test('a node that TLS proved is answered; nobody else is heard', async (t) => {
  const supernode = await running(t, { role: 'supernode' });
  const client = await strangersClient(t);
  const answer = await ask(client, supernode, { type: 'hello' });
  assert.ok(answer.type === 'here' && answer.sequence > 0);
  const hello = encodeMessage({ type: 'hello' });
  const head = `POST /overlay HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${hello.length}\r\n\r\n`;
  assert.match(await exchange(supernode.port, Buffer.concat([Buffer.from(head), hello])), /^HTTP\/1\.1 403 /);
  const reading = 'GET /overlay HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
  assert.match(await exchange(supernode.port, reading), /^HTTP\/1\.1 404 /);
});

test('what is no message, or too long, is refused, and the node goes on', async (t) => {
  const supernode = await running(t, { role: 'supernode' });
  const client = await strangersClient(t);
  for (const body of ['', 'de', 'd1:t5:helloe garbage', 'x'.repeat(5000)]) {
    assert.equal((await post(client, supernode, Buffer.from(body))).status, 400, body.slice(0, 20));
  }
  assert.equal((await post(client, supernode, Buffer.alloc(MESSAGE_BYTES_MAX + 1))).status, 413);
  await probe(supernode.port);
  const lies: OverlayMessage[] = [
    { type: 'nominate', why: 'because' },
    { type: 'announces', bytes: new Uint8Array(50), isPassedOn: false },
    { type: 'frame', copy: 1, index: 0, bytes: new Uint8Array(9), chain: 'ab'.repeat(20), isLast: true },
    { type: 'grant', grant: new Uint8Array(99), receipt: undefined },
    { type: 'claim', descriptor: new Uint8Array(99) },
  ];
  for (const lie of lies) assert.equal((await ask(client, supernode, lie)).type, 'refused', lie.type);
});

test('who asks without end is told to wait, and others are still answered', async (t) => {
  const supernode = await running(t, { role: 'supernode' });
  const client = await strangersClient(t);
  const hello = encodeMessage({ type: 'hello' });
  let busy = 0;
  for (let i = 0; i < 2000 && busy === 0; i += 8) {
    const replies = await Promise.all(Array.from({ length: 8 }, () => post(client, supernode, hello)));
    busy += replies.filter(({ status }) => status === 503).length;
  }
  assert.ok(busy > 0);
  await probe(supernode.port);
});
