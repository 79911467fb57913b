// HTTP between nodes: over TLS, with the node that is meant or nobody, and announces that find their way there.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { type Address, encodeBencode, infoHashOfBytes, isFault, nodeOrigin } from '../../src/base/index.ts';
import { BoundNetwork } from '../../src/io/bound-network.ts';
import { HttpClient, type HttpReply, type HttpSettings } from '../../src/io/http-client.ts';
import { identityOfSeed } from '../../src/io/identity.ts';
import { makeNodeTls, nodeIdOf } from '../../src/io/tls-context.ts';
import { newPeerId } from '../../src/io/torrent-identity.ts';
import { TrackerClient } from '../../src/io/tracker-client.ts';

const network = await BoundNetwork.open('::');
const [asker, anna, bert, carl] = [1, 2, 3, 4].map(() => identityOfSeed(randomBytes(32))) as [Who, Who, Who, Who];
type Who = ReturnType<typeof identityOfSeed>;

interface Served {
  readonly address: Address;
  /** Who asked for what, `undefined` in clear or without a certificate. */
  readonly asked: { node: string | undefined; url: string | undefined }[];
  connections: number;
}

/** A server of HTTP, over TLS where it is a node. */
async function serve(
  t: TestContext,
  who: Who | undefined,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Served> {
  const served: Served = { address: { host: '127.0.0.1', port: 0 }, asked: [], connections: 0 };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    served.asked.push({ node: nodeIdOf(request.socket as TLSSocket), url: request.url });
    answer(request, response);
  };
  const options = who && { ...makeNodeTls(who).server, requestCert: true, rejectUnauthorized: false };
  const server = options ? createTlsServer(options, listener) : createServer(listener);
  server.on('connection', () => served.connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  (served.address as { port: number }).port = (server.address() as AddressInfo).port;
  return served;
}

function clientFor(t: TestContext, settings: Partial<HttpSettings> = {}): HttpClient {
  const client = new HttpClient({ network, mayDial: () => true, tls: makeNodeTls(asker), ...settings });
  t.after(() => client.close());
  return client;
}

const request = (origin: string) =>
  ({ origin, method: 'GET', path: '/supernodes', timeoutMs: 5000, bytesMax: 1000 }) as const;
const textOf = (reply: HttpReply | object): string => {
  assert.ok('body' in reply, `${reply}`);
  return Buffer.from(reply.body as Uint8Array).toString();
};

test('a node is asked over TLS, both sides prove who they are, and the connection is used again', async (t) => {
  const served = await serve(t, anna, (_, response) => response.end('here'));
  const client = clientFor(t);
  const origin = nodeOrigin({ nodeId: anna.nodeId, address: served.address });
  for (let i = 0; i < 10; i++) assert.equal(textOf(await client.request(request(origin))), 'here');
  assert.deepEqual(new Set(served.asked.map(({ node }) => node)), new Set([asker.nodeId]));
  // undici calls a connection free a moment after the reply has ended, so that a second one may come to be.
  assert.ok(served.connections <= 2, `${served.connections} connections`);
});

test('a node that does not answer is waited for no longer than was said, and its connection ends soon after', async (t) => {
  const silent = createTcpServer((socket) => socket.resume().on('error', () => {}));
  t.after(() => silent.close());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  const accepted = once(silent, 'connection');
  const origin = nodeOrigin({ nodeId: anna.nodeId, address: { host: '127.0.0.1', port } });
  const began = performance.now();
  const reply = clientFor(t).request({ ...request(origin), timeoutMs: 500 });
  const [socket] = await accepted;
  const closed = once(socket, 'close');
  const code = await reply.then((fault) => isFault(fault) && fault.code);
  assert.equal(code, 'http-timeout');
  assert.ok(performance.now() - began < 8000, 'the time limit covers the connection, which has ten seconds');
  await closed;
  assert.ok(performance.now() - began < 4000, 'it is not kept for nobody');
});

test('another node at the address is asked nothing, even while a connection to it is open', async (t) => {
  const served = await serve(t, anna, (_, response) => response.end('here'));
  const client = clientFor(t);
  textOf(await client.request(request(nodeOrigin({ nodeId: anna.nodeId, address: served.address }))));
  const refused = await client.request(request(nodeOrigin({ nodeId: bert.nodeId, address: served.address })));
  assert.ok(isFault(refused));
  assert.equal(refused.code, 'http-wrong-node');
  assert.equal(served.asked.length, 1);
});

test('a node of unknown id is met, and what is no node is not', async (t) => {
  const node = await serve(t, anna, (_, response) => response.end());
  const web = await serve(t, undefined, (_, response) => response.end());
  const client = clientFor(t);
  assert.equal(await client.meet(node.address), anna.nodeId);
  for (const address of [web.address, { host: '127.0.0.1', port: 1 }]) {
    const met = await client.meet(address);
    assert.ok(isFault(met) && met.code === 'http-unreachable', `${met}`);
  }
  assert.equal(node.asked.length + web.asked.length, 0);
});

test('an address that may not be dialled is not connected to for a node either', async (t) => {
  const served = await serve(t, anna, (_, response) => response.end());
  const client = clientFor(t, { mayDial: () => false });
  const asked = await client.request(request(nodeOrigin({ nodeId: anna.nodeId, address: served.address })));
  assert.ok(isFault(asked) && asked.code === 'http-forbidden', `${asked}`);
  const met = await client.meet(served.address);
  assert.ok(isFault(met) && met.code === 'http-forbidden', `${met}`);
  assert.equal(served.connections, 0);
});

test('closing ends what is being asked of a node that never answers', async (t) => {
  const silent = createTcpServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const heard = once(silent, 'connection');
  t.after(() => silent.close());
  const client = clientFor(t);
  const address = { host: '127.0.0.1', port: (silent.address() as AddressInfo).port };
  const asked = client.request(request(nodeOrigin({ nodeId: anna.nodeId, address })));
  const met = client.meet(address);
  const [socket] = await heard;
  const begun = performance.now();
  await client.close();
  assert.ok(isFault(await asked) && isFault(await met));
  assert.ok(performance.now() - begun < 3000, 'no time limit had to end it');
  socket.destroy();
});

test('without TLS, which is for tests, nodes are asked in clear', async (t) => {
  const served = await serve(t, undefined, (_, response) => response.end('clear'));
  const client = clientFor(t, { tls: undefined });
  assert.equal(await client.meet(served.address), undefined);
  const origin = nodeOrigin({ nodeId: anna.nodeId, address: served.address });
  assert.equal(textOf(await client.request(request(origin))), 'clear');
});

const facts = {
  infoHash: infoHashOfBytes(randomBytes(20))!,
  peerId: newPeerId(),
  port: 7373,
  uploaded: 0,
  downloaded: 0,
  left: 1,
  event: undefined,
  isPartialSeed: false,
  wanted: 50,
};
const REPLY = Buffer.from(encodeBencode({ interval: 1800, peers: new Uint8Array(0) }));
const NO_DATAGRAMS = { announce: () => assert.fail('asked in clear') };
const urlOf = ({ host, port }: Address): string => `http://${host}:${port}/announce`;

test('an announce to a URL where a supernode is known to listen goes there over TLS', async (t) => {
  const node = await serve(t, anna, (_, response) => response.end(REPLY));
  const stock = await serve(t, undefined, (_, response) => response.end(REPLY));
  const nodeAt = ({ port }: Address) => (port === node.address.port ? anna.nodeId : undefined);
  const trackers = new TrackerClient({ http: clientFor(t), udp: NO_DATAGRAMS, nodeAt });
  for (const { address } of [node, stock]) {
    const reply = await trackers.announce(urlOf(address), facts);
    assert.ok(!isFault(reply), `${reply}`);
    assert.equal(reply.trackerHost, '127.0.0.1');
  }
  const byDatagram = await trackers.announce(`udp://127.0.0.1:${node.address.port}`, facts);
  assert.ok(!isFault(byDatagram), `${byDatagram}`);
  assert.deepEqual(
    node.asked.map(({ node }) => node),
    [asker.nodeId, asker.nodeId],
  );
  assert.equal(stock.asked[0]!.node, undefined);
  assert.match(stock.asked[0]!.url!, /^\/announce\?info_hash=/);
});

test('a redirect to a node is followed as to a node, and one out of the network is refused', async (t) => {
  const stock = await serve(t, undefined, (_, response) => response.end(REPLY));
  const owner = await serve(t, bert, (_, response) => response.end(REPLY));
  const to = (location: string) => (_: IncomingMessage, response: ServerResponse) =>
    response.writeHead(307, { location }).end();
  const path = '/announce?info_hash=x';
  const native = await serve(t, anna, to(nodeOrigin({ nodeId: bert.nodeId, address: owner.address }) + path));
  const leaking = await serve(t, anna, to(urlOf(stock.address)));
  const lying = await serve(t, anna, to(nodeOrigin({ nodeId: anna.nodeId, address: owner.address }) + path));
  const nodes = [native, leaking, lying].map(({ address }) => address.port);
  const nodeAt = ({ port }: Address) => (nodes.includes(port) ? anna.nodeId : undefined);
  const trackers = new TrackerClient({ http: clientFor(t), udp: NO_DATAGRAMS, nodeAt });
  const codeOf = async ({ address }: Served): Promise<string> => {
    const reply = await trackers.announce(urlOf(address), facts);
    return isFault(reply) ? reply.code : 'answered';
  };
  assert.equal(await codeOf(native), 'answered');
  assert.equal(await codeOf(leaking), 'redirect-refused');
  assert.equal(await codeOf(lying), 'http-wrong-node');
  assert.deepEqual([owner.asked.length, stock.asked.length], [1, 0]);
});

/** Supernodes that keep a hash, the owner first: what each answers, and a client that knows them. */
async function ownerSet(t: TestContext, peersOf: readonly (readonly string[] | 'silent')[], random = () => 0) {
  const ids = [anna, bert, carl];
  const nodes = await Promise.all(
    peersOf.map((peers, i) =>
      serve(t, ids[i]!, (request, response) => {
        if (peers === 'silent') request.socket.destroy();
        else response.end(replyOf(peers));
      }),
    ),
  );
  const owners = nodes.map(({ address }, i) => ({ nodeId: ids[i]!.nodeId, address }));
  const silent: string[] = [];
  const trackers = new TrackerClient({
    http: clientFor(t),
    udp: NO_DATAGRAMS,
    nodeAt: ({ port }) => (port === owners[0]!.address.port ? anna.nodeId : undefined),
    ownersOf: () => owners,
    silent: (nodeId) => silent.push(nodeId),
    random,
  });
  const announce = async (event?: 'stopped') => {
    const reply = await trackers.announce(urlOf(owners[0]!.address), { ...facts, event });
    return isFault(reply) ? reply.code : reply.peers.map(({ host }) => host).toSorted();
  };
  const asked = () => nodes.map(({ asked }) => asked.length);
  return { nodes, silent, announce, asked };
}

const replyOf = (hosts: readonly string[]) =>
  Buffer.from(
    encodeBencode({
      interval: 1800,
      peers: Uint8Array.from(hosts.flatMap((host) => [...host.split('.').map(Number), 0x1a, 0xe1])),
    }),
  );

test('an announce goes to the owner and to one replica, which knows that it is meant, and their peers are united', async (t) => {
  const { nodes, announce, asked, silent } = await ownerSet(t, [
    ['10.0.0.1', '10.0.0.2'],
    ['10.0.0.2', '10.0.0.3'],
    [],
  ]);
  assert.deepEqual(await announce(), ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
  assert.deepEqual(asked(), [1, 1, 0]);
  assert.doesNotMatch(nodes[0]!.asked[0]!.url!, /replica/);
  assert.match(nodes[1]!.asked[0]!.url!, /&replica=1$/);
  assert.deepEqual(silent, []);
});

test('when one names peers and the other none, the third is asked', async (t) => {
  const { announce, asked } = await ownerSet(t, [[], ['10.0.0.3'], ['10.0.0.4']]);
  assert.deepEqual(await announce(), ['10.0.0.3', '10.0.0.4']);
  assert.deepEqual(asked(), [1, 1, 1]);
  assert.deepEqual(await announce('stopped'), ['10.0.0.3']);
  assert.deepEqual(asked(), [2, 2, 1]);
});

test('N-42 an owner that does not answer is reported, and the replica that did is asked again', async (t) => {
  let draws = 0;
  const random = () => (draws++ === 0 ? 0 : 0.99);
  const { announce, asked, silent } = await ownerSet(t, ['silent', ['10.0.0.3'], ['10.0.0.4']], random);
  assert.deepEqual(await announce(), ['10.0.0.3']);
  assert.deepEqual(await announce(), ['10.0.0.3']);
  assert.deepEqual(asked().slice(1), [2, 0]);
  assert.deepEqual(new Set(silent), new Set([anna.nodeId]));
});

test('nobody of an owner set answers: a fault, and each of them is reported', async (t) => {
  const { announce, silent } = await ownerSet(t, ['silent', 'silent', 'silent']);
  assert.equal(await announce(), 'http-unreachable');
  assert.deepEqual(silent.toSorted(), [anna, bert, carl].map(({ nodeId }) => nodeId).toSorted());
});

test("a redirect's records are passed on", async (t) => {
  const owner = await serve(t, bert, (_, response) => response.end(REPLY));
  const records = [new Uint8Array(900).fill(1), new Uint8Array(30).fill(2)];
  const wrong = await serve(t, anna, (_, response) =>
    response
      .writeHead(307, { location: `${nodeOrigin({ nodeId: bert.nodeId, address: owner.address })}/announce?x` })
      .end(encodeBencode({ 'failure reason': new Uint8Array(3), supernodes: records })),
  );
  const learned: Uint8Array[] = [];
  const trackers = new TrackerClient({
    http: clientFor(t),
    udp: NO_DATAGRAMS,
    nodeAt: () => anna.nodeId,
    learned: (taken) => learned.push(...taken.map((record) => Uint8Array.from(record))),
  });
  assert.ok(!isFault(await trackers.announce(urlOf(wrong.address), facts)));
  assert.deepEqual(learned, records);
});
