// What questions of the overlay cost between two real nodes: what the simulator takes for it must be true.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ASKED_IDLE_MS, ASKER_IDLE_MS, askNode, openOverlayClient } from '../../app/overlay/overlay-client.ts';
import { type NodeId, nodeOrigin } from '../../src/base/index.ts';
import { BoundNetwork } from '../../src/io/bound-network.ts';
import type { HttpClient } from '../../src/io/http-client.ts';
import { type Identity, identityOfSeed } from '../../src/io/identity.ts';
import { makeNodeTls } from '../../src/io/tls-context.ts';
import { encodeMessage, type OverlayMessage } from '../../src/overlay/index.ts';
import {
  ANSWER_OVERHEAD_BYTES,
  CONNECTION_IDLE_MS,
  HANDSHAKE_BYTES,
  QUESTION_OVERHEAD_BYTES,
} from '../sim/message-bytes.ts';
import { countingRelay } from './counting-relay.ts';
import { running } from './running.ts';

/** Lengths of addresses and numbers in headers, and of signatures in a handshake. */
const VARIES_BYTES = 8;
/** More than undici waits before it calls a connection free. */
const TURNS = 3;
const HELLO: OverlayMessage = { type: 'hello' };
const QUESTIONS: readonly OverlayMessage[] = [
  HELLO,
  { type: 'nominate', why: 'x'.repeat(180) },
  { type: 'announces', bytes: new Uint8Array(3000), isPassedOn: false },
];
const identity = (seed: number): Identity => identityOfSeed(new Uint8Array(32).fill(seed));

interface Asker {
  readonly client: HttpClient;
  /** Asks a node; resolves when the connection to it is free again. */
  ask(message: OverlayMessage): Promise<OverlayMessage>;
}

/** The asking half of a node, as the product makes it. */
async function asker(t: TestContext, nodeId: NodeId, port: number): Promise<Asker> {
  const network = await BoundNetwork.open('127.0.0.1');
  const client = openOverlayClient({ network, mayDial: () => true, tls: makeNodeTls(identity(13)) });
  t.after(() => client.close());
  t.after(() => network.close());
  const origin = nodeOrigin({ nodeId, address: { host: '127.0.0.1', port } });
  const { signal } = new AbortController();
  const ask = async (message: OverlayMessage): Promise<OverlayMessage> => {
    const answer = await askNode(client, { origin, message, timeoutMs: 9000, signal });
    assert.ok(answer, `${message.type} is answered`);
    // undici waits for the next turn of the loop with what comes next.
    for (let i = 0; i < TURNS; i++) await new Promise((resolve) => setImmediate(resolve));
    return answer;
  };
  return { client, ask };
}

function isAbout(bytes: number, expected: number, what: string): void {
  assert.ok(Math.abs(bytes - expected) <= VARIES_BYTES, `${what}: ${bytes} bytes, the simulator takes ${expected}`);
}

test('questions, answers and connections of the overlay weigh what the simulator takes for them', async (t) => {
  const { node, port } = await running(t, { role: 'supernode' });
  const relay = await countingRelay(t, port);
  const { client, ask } = await asker(t, node.status().nodeId, relay.port);
  let exchanged = 0;
  const weigh = async (question: OverlayMessage): Promise<{ up: number; down: number }> => {
    const { sent, received } = relay;
    const answer = await ask(question);
    const [up, down] = [relay.sent - sent, relay.received - received];
    exchanged += up + down;
    return { up: up - encodeMessage(question).length, down: down - encodeMessage(answer).length };
  };
  const first = await weigh(HELLO);
  for (const question of QUESTIONS) {
    const { up, down } = await weigh(question);
    isAbout(up, QUESTION_OVERHEAD_BYTES, `a question of type ${question.type}`);
    isAbout(down, ANSWER_OVERHEAD_BYTES, `the answer to ${question.type}`);
  }
  assert.equal(relay.connections.length, 1, 'all were asked on one connection');
  await client.close();
  await relay.connections[0];
  const beside = first.up + first.down - QUESTION_OVERHEAD_BYTES - ANSWER_OVERHEAD_BYTES;
  const closing = relay.sent + relay.received - exchanged;
  isAbout(beside + closing, HANDSHAKE_BYTES, 'a connection');
});

test('a connection of the overlay waits for the next question as long as the simulator has it', async (t) => {
  assert.ok(ASKER_IDLE_MS < ASKED_IDLE_MS, 'who asks closes it first');
  assert.equal(CONNECTION_IDLE_MS, ASKER_IDLE_MS);
  const anna = identity(17);
  const relay = await countingRelay(t, await answering(t, anna));
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { ask } = await asker(t, anna.nodeId, relay.port);
  await ask(HELLO);
  t.mock.timers.tick(ASKER_IDLE_MS - 2000);
  await ask(HELLO);
  assert.equal(relay.connections.length, 1);
  t.mock.timers.tick(ASKER_IDLE_MS + 2000);
  await relay.connections[0];
  await ask(HELLO);
  assert.equal(relay.connections.length, 2);
});

/** Answers `here` over TLS with no word of how long its connections stay, as the public front does; gives its port. */
async function answering(t: TestContext, who: Identity): Promise<number> {
  const options = { ...makeNodeTls(who).server, requestCert: true, rejectUnauthorized: false, keepAliveTimeout: 0 };
  const server = createServer(options, (_, response) => {
    response.removeHeader('connection');
    response.end(encodeMessage({ type: 'here', load: 0, sequence: 0 }));
  }).listen(0, '127.0.0.1');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
