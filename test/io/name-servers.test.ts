// Name servers that are silent, refuse, cut their answers short, or are not those that were asked.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Address } from '../../src/base/index.ts';
import { BoundNetwork } from '../../src/io/bound-network.ts';
import { askServers } from '../../src/io/name-servers.ts';

const HOST = '127.0.0.1';
const OPT_BYTES = 11;
const NO_ERROR = 0;
const REFUSED = 5;
const TRUNCATED = 2;

/** An answer with one address, whose last byte says who gave it. */
function answerTo(question: Buffer, last: number, rcode = NO_ERROR, flags = 0): Buffer {
  const answer = Buffer.concat([
    question.subarray(0, -OPT_BYTES),
    Buffer.of(0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, last),
  ]);
  answer[2] = 0x80 | flags;
  answer[3] = rcode;
  answer.writeUInt16BE(1, 6);
  answer.writeUInt16BE(0, 10);
  return answer;
}

/** A name server; answers with nothing where undefined is returned. */
async function serve(
  t: TestContext,
  answer: (question: Buffer, from: Address) => Buffer | undefined,
): Promise<Address> {
  const socket = createSocket('udp4').bind(0, HOST);
  await once(socket, 'listening');
  t.after(() => socket.close());
  socket.on('message', (question, { address, port }) => {
    const reply = answer(question, { host: address, port });
    if (reply) socket.send(reply, port, address);
  });
  return { host: HOST, port: socket.address().port };
}

async function ask(t: TestContext, servers: readonly Address[]): Promise<unknown[]> {
  const network = await BoundNetwork.open(HOST);
  t.after(() => network.close());
  return [...(await askServers(network, servers, 'host.test', 'A'))];
}
const record = (last: number) => ({ type: 'A', address: `192.0.2.${last}` });

test('who refuses or is silent is passed over for the next server', async (t) => {
  const refusing = await serve(t, (question) => answerTo(question, 1, REFUSED));
  const silent = await serve(t, () => undefined);
  const good = await serve(t, (question) => answerTo(question, 3));
  assert.deepEqual(await ask(t, [refusing, silent, good]), [record(3)]);
  assert.deepEqual(await ask(t, [refusing]), []);
});

test('who was silent is asked after all others until it answers again', async (t) => {
  let isSilent = true;
  let questions = 0;
  const late = await serve(t, (question) => {
    questions++;
    return isSilent ? undefined : answerTo(question, 1);
  });
  const good = await serve(t, (question) => answerTo(question, 3));
  assert.deepEqual(await ask(t, [late, good]), [record(3)]);
  assert.deepEqual(await ask(t, [late, good]), [record(3)]);
  assert.equal(questions, 1, 'the next lookup loses no time with it');
  isSilent = false;
  assert.deepEqual(await ask(t, [late]), [record(1)]);
  assert.deepEqual(await ask(t, [late, good]), [record(1)], 'first, as the system says');
});

test('an answer from another port, or to another question, is not heard', async (t) => {
  const stranger = createSocket('udp4');
  t.after(() => stranger.close());
  // It is sent before the next server is asked.
  const { promise: sent, resolve } = Promise.withResolvers<void>();
  const server = await serve(t, (question, { host, port }) => {
    stranger.send(answerTo(question, 66), port, host, () => resolve());
    return answerTo(Buffer.concat([Buffer.of(question[0]! ^ 1), question.subarray(1)]), 67);
  });
  const next = await serve(t, (question) => answerTo(question, 3));
  assert.deepEqual(await ask(t, [server, next]), [record(3)]);
  await sent;
});

test('what was cut short is asked for again over TCP, in whatever parts it comes', async (t) => {
  const server = await serve(t, (question) => answerTo(question, 1, NO_ERROR, TRUNCATED));
  const tcp = createServer((socket) => {
    socket.once('data', (bytes: Buffer) => {
      const answer = answerTo(bytes.subarray(2), 7);
      const framed = Buffer.concat([Buffer.of(0, answer.length), answer]);
      socket.write(framed.subarray(0, 1));
      setImmediate(() => socket.write(framed.subarray(1)));
    });
  }).listen(server.port, HOST);
  await once(tcp, 'listening');
  t.after(() => tcp.close());
  assert.deepEqual(await ask(t, [server]), [record(7)]);
});
