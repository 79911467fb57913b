import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { after, type TestContext, test } from 'node:test';
import {
  type BencodeDict,
  type BencodeInput,
  decodeBencode,
  encodeBencode,
  formatAddress,
  MonsoonError,
  parseInfoHash,
} from '../../src/base/index.ts';
import { type MainlineDht, type MainlineDhtOptions, openMainlineDht } from '../../src/io/mainline-dht.ts';

const vectors: { rows: Record<string, { hex?: string; expect: string }> } = JSON.parse(
  readFileSync(new URL('../fixtures/krpc_datagrams.json', import.meta.url), 'utf8'),
);
const PING_OK = Buffer.from(vectors.rows.ping_ok!.hex!, 'hex');
const HASH = Buffer.alloc(20, 0xab);

async function openNode(t: TestContext, options: Partial<MainlineDhtOptions> = {}): Promise<MainlineDht> {
  const dht = await openMainlineDht({ port: 0, bind: '127.0.0.1', bootstrap: [], allowLocal: true, ...options });
  t.after(() => dht.close());
  return dht;
}

async function openPeer(t: TestContext, host = '127.0.0.1'): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, host);
  await once(socket, 'listening');
  t.after(() => socket.close());
  return socket;
}

/** Sends a query and waits for its answer; undefined when none comes before an answer to a later ping would have. */
async function ask(socket: Socket, dht: MainlineDht, datagram: Uint8Array): Promise<BencodeDict | undefined> {
  const answers: BencodeDict[] = [];
  const note = (bytes: Buffer): void => {
    const answer = decodeBencode(bytes);
    assert.ok(answer instanceof Map);
    answers.push(answer);
  };
  socket.on('message', note);
  socket.send(datagram, dht.address.port, dht.address.host);
  // The probe shows that the node lives, and that everything sent before it was dealt with.
  socket.send(query('zz', 'ping', {}), dht.address.port, dht.address.host);
  while (!answers.some((answer) => textAt(answer, 't') === 'zz')) {
    await once(socket, 'message', { signal: AbortSignal.timeout(1000) });
  }
  socket.off('message', note);
  return answers.find((answer) => textAt(answer, 't') !== 'zz');
}

const query = (
  t: string,
  q: string,
  a: Record<string, BencodeInput>,
  id: Uint8Array = Buffer.alloc(20, 7),
): Uint8Array => encodeBencode({ t, y: 'q', q, a: { id, ...a } });

const textAt = (dict: BencodeDict, key: string): string => Buffer.from(dict.get(key) as Uint8Array).toString('latin1');
const replyOf = (answer: BencodeDict | undefined): BencodeDict => {
  const reply = answer?.get('r');
  assert.ok(reply instanceof Map);
  return reply;
};

/** Sends a query that is sure to be answered. */
async function askOnce(socket: Socket, dht: MainlineDht, datagram: Uint8Array): Promise<BencodeDict> {
  socket.send(datagram, dht.address.port, dht.address.host);
  const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(1000) });
  return replyOf(decodeBencode(answer) as BencodeDict);
}

/** Announces with a token got by asking for another hash: it is the host's, and that answer stays small. */
async function announce(socket: Socket, dht: MainlineDht, port: number): Promise<void> {
  const other = Buffer.alloc(20, 0xcd);
  const token = (await askOnce(socket, dht, query('g1', 'get_peers', { info_hash: other }))).get('token');
  assert.ok(token instanceof Uint8Array);
  await askOnce(socket, dht, query('a1', 'announce_peer', { info_hash: HASH, token, port }));
}

const peersOf = (answer: BencodeDict | undefined): string[] => {
  const values = replyOf(answer).get('values');
  assert.ok(Array.isArray(values));
  return values.map((value) => Buffer.from(value as Uint8Array).toString('hex'));
};

test('every KRPC vector leaves a node that answers a ping, and only the good one is answered', async (t) => {
  const dht = await openNode(t);
  const socket = await openPeer(t);
  for (const [name, { hex, expect }] of Object.entries(vectors.rows)) {
    const datagram = hex ? Buffer.from(hex, 'hex') : Buffer.from('l'.repeat(20_000) + 'e'.repeat(20_000));
    const answer = await ask(socket, dht, datagram);
    assert.equal(answer !== undefined, expect === 'reply', name);
  }
  assert.equal(dht.guard.thrown, 0);
  assert.equal(dht.guard.refusedIn, Object.keys(vectors.rows).length - 1);
});

test('a peer announced at one node is found from another through a third', async (t) => {
  const router = await openNode(t);
  const bootstrap = [router.address];
  const [seeder, leecher] = [await openNode(t, { bootstrap }), await openNode(t, { bootstrap })];
  const infoHash = parseInfoHash('c0'.repeat(20))!;
  const found: string[] = [];
  assert.ok((await seeder.announce(infoHash, 7373)) >= 1);
  await leecher.lookup(infoHash, (peer) => found.push(formatAddress(peer)));
  assert.ok(found.includes('127.0.0.1:7373'), String(found));
  await leecher.lookup(parseInfoHash('0c'.repeat(20))!, () => assert.fail('a hash that nobody announced has no peers'));
});

test('an announce without any node reports that nobody took it', async (t) => {
  const dht = await openNode(t);
  assert.equal(await dht.announce(parseInfoHash('c0'.repeat(20))!, 7373), 0);
});

test('closing ends a walk that waits for a silent node', async (t) => {
  const silent = await openPeer(t);
  const dht = await openNode(t, { bootstrap: [{ host: '127.0.0.1', port: silent.address().port }] });
  const walk = dht.lookup(parseInfoHash('c0'.repeat(20))!, () => undefined);
  await once(silent, 'message');
  await dht.close();
  await walk;
});

test('find_node returns at most 8 nodes however many are known', async (t) => {
  const dht = await openNode(t);
  const socket = await openPeer(t);
  for (let n = 0; n < 18; n++) await ask(socket, dht, query('p1', 'ping', {}, Buffer.alloc(20, n * 13)));
  const nodes = replyOf(await ask(await openPeer(t), dht, query('f1', 'find_node', { target: HASH }))).get('nodes');
  assert.ok(nodes instanceof Uint8Array);
  assert.equal(nodes.length, 8 * 26);
});

test('a host has at most 3 entries in a swarm, and an answer at most 50 peers', async (t) => {
  const dht = await openNode(t);
  const greedy = await openPeer(t);
  for (let port = 1; port <= 6; port++) await announce(greedy, dht, port);
  const asker = await openPeer(t, '127.0.0.99');
  assert.equal(peersOf(await ask(asker, dht, query('g2', 'get_peers', { info_hash: HASH }))).length, 3);
  for (let n = 1; n <= 60; n++) await announce(await openPeer(t, `127.0.1.${n}`), dht, 7373);
  const peers = peersOf(await ask(asker, dht, query('g3', 'get_peers', { info_hash: HASH })));
  assert.equal(peers.length, 50);
  assert.equal(new Set(peers).size, 50);
});

test('a source draws no more than its budget, and others are still answered', async (t) => {
  const dht = await openNode(t);
  const [victim, honest] = [await openPeer(t), await openPeer(t, '127.0.0.2')];
  let drawn = 0;
  victim.on('message', (bytes) => {
    drawn += bytes.length;
  });
  const sent = query('g1', 'get_peers', { info_hash: HASH });
  for (let n = 0; n < 150; n++) victim.send(sent, dht.address.port, dht.address.host);
  for (let n = 0; n < 5; n++) assert.ok(await ask(honest, dht, PING_OK));
  assert.ok(drawn > 0 && drawn < 150 * sent.length * 0.5, `${drawn} bytes drawn by ${150 * sent.length}`);
});

test('without leave for local addresses, a node asks nothing of one that hearsay names', async (t) => {
  const local = await openPeer(t);
  local.on('message', () => assert.fail('a loopback address was asked'));
  const dht = await openNode(t, { allowLocal: false, bootstrap: [{ host: '127.0.0.1', port: local.address().port }] });
  const announced = dht.announce(parseInfoHash('c0'.repeat(20))!, 7373);
  assert.ok(dht.guard.refusedOut > 0);
  await dht.close();
  assert.equal(await announced, 0);
});

test('a port that is taken is a MonsoonError', async (t) => {
  const { port } = (await openNode(t)).address;
  await assert.rejects(
    openMainlineDht({ port, bind: '127.0.0.1', bootstrap: [], allowLocal: true }),
    (error) => error instanceof MonsoonError && error.code === 'port-taken' && error.message.includes(String(port)),
  );
});

after(() =>
  assert.deepEqual(
    process.getActiveResourcesInfo().filter((kind) => kind === 'UDPSocketWrap'),
    [],
  ),
);
