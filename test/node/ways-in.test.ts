// Each way into a network by itself, between whole nodes of this process: a node that is given nothing else finds the
// supernode, by whatever the way names; and what a hostile one names leads to nothing.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { prepareHome } from '../../app/home.ts';
import { OverlayMemory } from '../../app/overlay/overlay-memory.ts';
import {
  type Address,
  encodeBencode,
  formatAddress,
  isFault,
  type NodeId,
  parseNodeId,
  wallSeconds,
} from '../../src/base/index.ts';
import { sha1 } from '../../src/io/hash.ts';
import { identityOfSeed } from '../../src/io/identity.ts';
import { makeNodeTls } from '../../src/io/tls-context.ts';
import { encodeExchange, type KnownHost, parseExchange, sealDescriptor } from '../../src/overlay/index.ts';
import { placeFor, SILENT_LOG } from '../app/place.ts';
import { content, open as openZone } from '../dns/fixtures.ts';
import { until } from '../io/loopback-node.ts';
import { type Running, running } from './running.ts';

const JOIN_MS = 30_000;
const DAY_SECONDS = 86_400;
const at = ({ port }: { readonly port: number }): string => `127.0.0.1:${port}`;

async function whenJoined(newcomer: Running, supernode: Running): Promise<void> {
  const { nodeId } = supernode.node.status();
  await until(
    'the supernode to be known',
    () => newcomer.node.supernodes().some((row) => row.nodeId === nodeId),
    JOIN_MS,
  );
}

test('P-09 P-10 G-05 N-25 any node will do: the address of a client leads to the supernodes it knows', async (t) => {
  const supernode = await running(t);
  const client = await running(t, { role: 'client', bootstrap: [at(supernode)] });
  await whenJoined(client, supernode);
  const newcomer = await running(t, { role: 'client', bootstrap: [at(client)] });
  await whenJoined(newcomer, supernode);
  assert.deepEqual(newcomer.node.status().bootstrap, [
    { source: at(client), kind: 'told', state: 'answered', found: 1 },
  ]);
  // One request for each of the two things that a node is asked for: the servers it knows, and what is offered.
  for (const path of ['supernodes', 'listing']) assert.equal((await fetch(`http://${at(client)}/${path}`)).status, 200);
});

test('N-24 a cache of three weeks, in which one of sixty hosts still lives, leads back', async (t) => {
  const supernode = await running(t);
  const place = placeFor(t);
  const written = wallSeconds(Date.now() / 1000 - 21 * DAY_SECONDS);
  const hostOf = (nodeId: NodeId, address: Address): KnownHost => ({
    ...{ nodeId, addresses: [address], heard: written, since: written, answered: written, misses: 0 },
  });
  const dead = Array.from({ length: 59 }, (_, n) =>
    hostOf(parseNodeId((n + 1).toString(16).padStart(64, '0'))!, { host: '127.0.0.1', port: 1024 + n }),
  );
  const alive = hostOf(supernode.node.status().nodeId, { host: '127.0.0.1', port: supernode.port });
  const memory = new OverlayMemory(place.home.dataDir, 'monsoon', SILENT_LOG);
  await prepareHome(place.home);
  memory.noteHosts([...dead, alive]);
  await memory.close();
  const newcomer = await running(t, { role: 'client' }, place);
  await whenJoined(newcomer, supernode);
  assert.deepEqual(
    newcomer.node.status().bootstrap.map(({ source, state }) => [source, state]),
    [['cache', 'answered']],
  );
  const [first] = newcomer.node.hosts();
  assert.equal(first!.nodeId, alive.nodeId);
  assert.ok(first!.isAnchor && first!.answered! > written);
});

test('N-26 a list that a node exports is imported by another, from the list and from a web address', async (t) => {
  const supernode = await running(t);
  const client = await running(t, { role: 'client', bootstrap: [at(supernode)] });
  await whenJoined(client, supernode);
  const lines = client.node.hosts().map(({ nodeId, addresses }) => `${formatAddress(addresses[0]!)} ${nodeId}`);
  const list = ['# nodes of my friends', 'not a host at all', ...lines, ''].join('\n');
  const byList = await running(t, { role: 'client' });
  assert.deepEqual(await byList.node.addHosts(list), [{ source: 'hosts', kind: 'told', state: 'answered', found: 1 }]);
  await whenJoined(byList, supernode);
  const web = createServer((request, response) => {
    if (request.url === '/moved') response.writeHead(302, { location: '/list.json' }).end();
    else response.end(JSON.stringify({ hosts: [{ nodeId: null, addresses: [at(supernode)] }] }));
  }).listen(0, '127.0.0.1');
  t.after(() => web.close());
  await new Promise((resolve) => web.once('listening', resolve));
  const byUrl = await running(t, { role: 'client' });
  await byUrl.node.addHosts(`http://127.0.0.1:${(web.address() as AddressInfo).port}/moved`);
  await whenJoined(byUrl, supernode);
  await assert.rejects(byUrl.node.addHosts('nothing at all in here'), /names no host/);
});

test('a magnet whose tracker is a supernode leads into its network', async (t) => {
  const supernode = await running(t);
  const newcomer = await running(t, { role: 'client' });
  const tracker = encodeURIComponent(`http://${at(supernode)}/announce`);
  await newcomer.node.get(`magnet:?xt=urn:btih:${'ab'.repeat(20)}&tr=${tracker}`, undefined);
  await whenJoined(newcomer, supernode);
  assert.ok(newcomer.node.status().bootstrap.some(({ source, found }) => source === 'magnet' && found === 1));
});

test('C-09 a DNS name is enough: the zone of a supernode leads to it', async (t) => {
  const supernode = await running(t, { role: 'supernode', zone: 'seeds.test', dnsPort: 0 });
  const dnsServer = `127.0.0.1:${supernode.node.status().dnsPort}`;
  const newcomer = await running(t, { role: 'client', bootstrap: ['seeds.test'], dnsServer });
  await whenJoined(newcomer, supernode);
  assert.deepEqual(newcomer.node.status().bootstrap, [
    { source: 'seeds.test', kind: 'dns', state: 'answered', found: 1 },
  ]);
});

test('N-12 a DHT node to start from is enough: supernodes announce themselves, and their descriptors are items', async (t) => {
  const router = await running(t, { role: 'client', network: 'elsewhere', dht: true });
  const flags = { dht: true, dhtBootstrap: [at(router)] };
  const supernode = await running(t, { ...flags, role: 'supernode' });
  const newcomer = await running(t, { ...flags, role: 'client' });
  await whenJoined(newcomer, supernode);
  assert.ok(newcomer.node.status().bootstrap.some(({ source, found }) => source === 'dht' && found === 1));
});

/** A node that answers every question with descriptors that are good in themselves, of nodes that are not there. */
async function openLiar(
  t: TestContext,
  seed: number,
  clockAheadMs = 0,
): Promise<Address & { readonly asked: () => number }> {
  const { nodeId, sign, ...identity } = identityOfSeed(new Uint8Array(32).fill(seed));
  const issued = wallSeconds(Math.floor(Date.now() / 1000));
  let asked = 0;
  const recordOf = (n: number): Uint8Array => {
    const invented = identityOfSeed(new Uint8Array(32).fill(100 + n));
    const statement = {
      ...{ network: 'monsoon', addresses: [{ host: '127.0.0.1', port: 1 }], sequence: 1, issued, load: 0, roles: 0 },
      ...{ expires: wallSeconds(issued + 3600), term: 0, ownTokens: 1 },
      capacity: { announcesPerSecond: 1, peers: 1, hashes: 1, trackingBytesPerSecond: 1 },
      certificate: { issued, kept: undefined, votes: [] },
    };
    return sealDescriptor(statement, invented.nodeId, invented.sign, sha1).record;
  };
  const body = encodeExchange({ network: 'monsoon', supernodes: [1, 2, 3].map(recordOf), you: undefined });
  const server = createTlsServer(makeNodeTls({ nodeId, sign, ...identity }).server, (request, response) => {
    asked++;
    response.setHeader('date', new Date(Date.now() + clockAheadMs).toUTCString());
    response.end(request.url === '/supernodes' ? body : encodeBencode({}));
  }).listen(0, '127.0.0.1');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port, asked: () => asked };
}

test('C-09 the descriptors of a TXT record lead to their nodes, where every address of the zone is wrong', async (t) => {
  const supernode = await running(t);
  const { nodeId } = supernode.node.status();
  const body = new Uint8Array(await (await fetch(`http://${at(supernode)}/supernodes`)).arrayBuffer());
  const exchange = parseExchange(body, 'monsoon');
  assert.ok(!isFault(exchange));
  const wrong = { host: '127.0.0.1', port: 1 };
  const record = exchange.supernodes[0]!;
  const zone = await openZone({
    zone: 'seeds.test',
    content: () => content({ self: nodeId, hosts: [{ nodeId, addresses: [wrong], record }], servers: [] }),
  });
  t.after(() => zone.close());
  const dnsServer = `127.0.0.1:${zone.port}`;
  await whenJoined(await running(t, { role: 'client', bootstrap: ['seeds.test'], dnsServer }), supernode);
});

test('a forged zone has a newcomer connect, and believe nothing', async (t) => {
  const liar = await openLiar(t, 7);
  const nodeId = parseNodeId('11'.repeat(32))!;
  const record = new Uint8Array(100);
  const forged = await openZone({
    zone: 'seeds.test',
    content: () => content({ self: nodeId, hosts: [{ nodeId, addresses: [liar], record }], servers: [] }),
  });
  t.after(() => forged.close());
  const dnsServer = `127.0.0.1:${forged.port}`;
  const newcomer = await running(t, { role: 'client', bootstrap: ['seeds.test'], dnsServer });
  await until('it to ask', () => liar.asked() > 1, JOIN_MS);
  assert.deepEqual(newcomer.node.supernodes(), []);
});

test('doctor says when the clock differs from that of others, and which names lead nowhere', async (t) => {
  const liar = await openLiar(t, 8, 3_600_000);
  const forged = await openZone({ zone: 'seeds.test', content: () => content({ hosts: [], servers: [] }) });
  t.after(() => forged.close());
  const bootstrap = [`127.0.0.1:${liar.port}`, 'nowhere.seeds.test'];
  const dnsServer = `127.0.0.1:${forged.port}`;
  const newcomer = await running(t, { role: 'client', bootstrap, dnsServer });
  await until('the name to have been asked', () => newcomer.node.status().bootstrap[1]?.state === 'silent', JOIN_MS);
  const findings = await newcomer.node.doctor();
  const whatOf = (check: string): string | undefined =>
    findings.find((each) => each.check === check && each.state === 'problem')?.what;
  assert.match(whatOf('clock') ?? '', /the clock is 3[56]\d\d s behind/);
  assert.match(whatOf('dns') ?? '', /nowhere\.seeds\.test/);
  assert.match(whatOf('supernodes') ?? '', /no supernode is known/);
});
