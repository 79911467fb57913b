import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { after, type TestContext, test } from 'node:test';
import {
  type Address,
  type BencodeDict,
  type BencodeInput,
  decodeBencode,
  encodeBencode,
  formatAddress,
  parseInfoHash,
} from '../../src/base/index.ts';
import { BoundNetwork } from '../../src/io/bound-network.ts';
import { identityOfSeed } from '../../src/io/identity.ts';
import {
  ITEM_BYTES_MAX,
  type MainlineDht,
  type MainlineDhtOptions,
  openMainlineDht,
} from '../../src/io/mainline-dht.ts';
import { UdpPort } from '../../src/io/udp-port.ts';
import { datagramKind } from '../../src/wire/index.ts';

const vectors: { rows: Record<string, { hex?: string; expect: string }> } = JSON.parse(
  readFileSync(new URL('../fixtures/krpc_datagrams.json', import.meta.url), 'utf8'),
);
const PING_OK = Buffer.from(vectors.rows.ping_ok!.hex!, 'hex');
const HASH = Buffer.alloc(20, 0xab);

interface DhtNode {
  readonly dht: MainlineDht;
  readonly address: Address;
}

async function openNode(t: TestContext, options: Partial<MainlineDhtOptions> = {}): Promise<DhtNode> {
  const network = await BoundNetwork.open('127.0.0.1');
  const udp = await UdpPort.open(network, 0);
  const dht = await openMainlineDht({ udp, bootstrap: [], allowLocal: true, ...options });
  t.after(async () => {
    await dht.close();
    await udp.close();
  });
  return { dht, address: { host: '127.0.0.1', port: udp.port } };
}

async function openPeer(t: TestContext, host = '127.0.0.1'): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, host);
  await once(socket, 'listening');
  t.after(() => socket.close());
  return socket;
}

/** Sends a query and waits for its answer; undefined when none comes before an answer to a later ping would have. */
async function ask(socket: Socket, node: DhtNode, datagram: Uint8Array): Promise<BencodeDict | undefined> {
  const answers: BencodeDict[] = [];
  const note = (bytes: Buffer): void => {
    const answer = decodeBencode(bytes);
    assert.ok(answer instanceof Map);
    answers.push(answer);
  };
  socket.on('message', note);
  socket.send(datagram, node.address.port, node.address.host);
  // The probe shows that the node lives, and that everything sent before it was dealt with.
  socket.send(query('zz', 'ping', {}), node.address.port, node.address.host);
  while (!answers.some((answer) => textAt(answer, 't') === 'zz')) {
    await once(socket, 'message', { signal: AbortSignal.timeout(20_000) });
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
async function askOnce(socket: Socket, node: DhtNode, datagram: Uint8Array): Promise<BencodeDict> {
  socket.send(datagram, node.address.port, node.address.host);
  const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(20_000) });
  return replyOf(decodeBencode(answer) as BencodeDict);
}

/** Announces with a token got by asking for another hash: it is the host's, and that answer stays small. */
async function announce(socket: Socket, node: DhtNode, port: number): Promise<void> {
  const other = Buffer.alloc(20, 0xcd);
  const token = (await askOnce(socket, node, query('g1', 'get_peers', { info_hash: other }))).get('token');
  assert.ok(token instanceof Uint8Array);
  await askOnce(socket, node, query('a1', 'announce_peer', { info_hash: HASH, token, port }));
}

const peersOf = (answer: BencodeDict | undefined): string[] => {
  const values = replyOf(answer).get('values');
  assert.ok(Array.isArray(values));
  return values.map((value) => Buffer.from(value as Uint8Array).toString('hex'));
};

test('every KRPC vector leaves a node that answers a ping, and only the good one is answered', async (t) => {
  const node = await openNode(t);
  const socket = await openPeer(t);
  for (const [name, { hex, expect }] of Object.entries(vectors.rows)) {
    const datagram = hex ? Buffer.from(hex, 'hex') : Buffer.from('l'.repeat(20_000) + 'e'.repeat(20_000));
    const answer = await ask(socket, node, datagram);
    assert.equal(answer !== undefined, expect === 'reply', name);
  }
  assert.equal(node.dht.guard.thrown, 0);
  // What does not even look like a message stays outside the guard; ping_ok is the one that it lets in.
  const shapely = Object.values(vectors.rows).filter(({ hex }) => hex && datagramKind(Buffer.from(hex, 'hex')));
  assert.equal(node.dht.guard.refusedIn, shapely.length - 1);
});

test('a peer announced at one node is found from another through a third', async (t) => {
  const router = await openNode(t);
  const bootstrap = [router.address];
  const [seeder, leecher] = [await openNode(t, { bootstrap }), await openNode(t, { bootstrap })];
  const infoHash = parseInfoHash('c0'.repeat(20))!;
  const found: string[] = [];
  assert.ok((await seeder.dht.announce(infoHash, 7373)) >= 1);
  await leecher.dht.lookup(infoHash, (peer) => found.push(formatAddress(peer)));
  assert.ok(found.includes('127.0.0.1:7373'), String(found));
  await leecher.dht.lookup(parseInfoHash('0c'.repeat(20))!, () =>
    assert.fail('a hash that nobody announced has no peers'),
  );
});

test('BEP 44: an item that one node stores is read by another; the higher number stays, and only its key can write', async (t) => {
  const router = await openNode(t);
  const bootstrap = [router.address];
  const [writer, reader] = [await openNode(t, { bootstrap }), await openNode(t, { bootstrap })];
  const owner = identityOfSeed(new Uint8Array(32).fill(1));
  const stranger = identityOfSeed(new Uint8Array(32).fill(2));
  const item = { key: owner.nodeId, sign: owner.sign, salt: 'a place', sequence: 5, value: Buffer.from('first') };
  const read = async (): Promise<string> => Buffer.from((await reader.dht.get(owner.nodeId, 'a place'))!).toString();
  assert.ok((await writer.dht.put(item)) > 0);
  assert.equal(await read(), 'first');
  await writer.dht.put({ ...item, sign: stranger.sign, sequence: 9, value: Buffer.from('forged') });
  await writer.dht.put({ ...item, sequence: 4, value: Buffer.from('older') });
  assert.equal(await read(), 'first');
  await writer.dht.put({ ...item, sequence: 6, value: Buffer.alloc(ITEM_BYTES_MAX, 'x') });
  assert.equal((await read()).length, ITEM_BYTES_MAX);
  assert.equal(await reader.dht.get(owner.nodeId, 'elsewhere'), undefined);
});

test('an announce without any node reports that nobody took it', async (t) => {
  const node = await openNode(t);
  assert.equal(await node.dht.announce(parseInfoHash('c0'.repeat(20))!, 7373), 0);
});

test('closing ends a walk that waits for a silent node', async (t) => {
  const silent = await openPeer(t);
  const node = await openNode(t, { bootstrap: [{ host: '127.0.0.1', port: silent.address().port }] });
  const walk = node.dht.lookup(parseInfoHash('c0'.repeat(20))!, () => undefined);
  await once(silent, 'message');
  await node.dht.close();
  await walk;
});

test('find_node returns at most 8 nodes however many are known', async (t) => {
  const node = await openNode(t);
  const socket = await openPeer(t);
  for (let n = 0; n < 18; n++) await ask(socket, node, query('p1', 'ping', {}, Buffer.alloc(20, n * 13)));
  const nodes = replyOf(await ask(await openPeer(t), node, query('f1', 'find_node', { target: HASH }))).get('nodes');
  assert.ok(nodes instanceof Uint8Array);
  assert.equal(nodes.length, 8 * 26);
});

test('a host has at most 3 entries in a swarm, and an answer at most 50 peers', async (t) => {
  const node = await openNode(t);
  const greedy = await openPeer(t);
  for (let port = 1; port <= 6; port++) await announce(greedy, node, port);
  const asker = await openPeer(t, '127.0.0.99');
  assert.equal(peersOf(await ask(asker, node, query('g2', 'get_peers', { info_hash: HASH }))).length, 3);
  for (let n = 1; n <= 60; n++) await announce(await openPeer(t, `127.0.1.${n}`), node, 7373);
  const peers = peersOf(await ask(asker, node, query('g3', 'get_peers', { info_hash: HASH })));
  assert.equal(peers.length, 50);
  assert.equal(new Set(peers).size, 50);
});

test('a source draws no more than its budget, and others are still answered', async (t) => {
  const node = await openNode(t);
  const [victim, honest] = [await openPeer(t), await openPeer(t, '127.0.0.2')];
  let drawn = 0;
  victim.on('message', (bytes) => {
    drawn += bytes.length;
  });
  const sent = query('g1', 'get_peers', { info_hash: HASH });
  for (let n = 0; n < 150; n++) victim.send(sent, node.address.port, node.address.host);
  for (let n = 0; n < 5; n++) assert.ok(await ask(honest, node, PING_OK));
  assert.ok(drawn > 0 && drawn < 150 * sent.length * 0.5, `${drawn} bytes drawn by ${150 * sent.length}`);
});

test('without leave for local addresses, a node asks nothing of one that hearsay names', async (t) => {
  const local = await openPeer(t);
  local.on('message', () => assert.fail('a loopback address was asked'));
  const node = await openNode(t, { allowLocal: false, bootstrap: [{ host: '127.0.0.1', port: local.address().port }] });
  const announced = node.dht.announce(parseInfoHash('c0'.repeat(20))!, 7373);
  assert.ok(node.dht.guard.refusedOut > 0);
  await node.dht.close();
  assert.equal(await announced, 0);
});

after(() =>
  assert.deepEqual(
    process.getActiveResourcesInfo().filter((kind) => kind === 'UDPSocketWrap'),
    [],
  ),
);
