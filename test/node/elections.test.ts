// Real nodes elect each other, hand over when they leave, and take over when one of them is killed.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { decodeBencode } from '../../src/base/index.ts';
import { placeFor, runProgram, spawnProgram } from '../app/place.ts';
import { until } from '../io/loopback-node.ts';
import { type Running, running } from './running.ts';

const HASHES = Array.from({ length: 40 }, (_, i) => createHash('sha1').update(`swarm ${i}`).digest());
const START_MS = 30_000;

const escaped = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Announces as a stock client does, following redirects; the peers told, without the asker. */
async function announce(port: number, infoHash: Uint8Array, peerPort: number): Promise<readonly number[]> {
  const query = `info_hash=${escaped(infoHash)}&peer_id=-XX0001-${String(peerPort).padStart(12, '0')}&port=${peerPort}`;
  const url = `http://127.0.0.1:${port}/announce?${query}&uploaded=0&downloaded=0&left=1&compact=1&numwant=50`;
  const reply = await fetch(url, { signal: AbortSignal.timeout(4000) });
  const body = decodeBencode(new Uint8Array(await reply.arrayBuffer()));
  const peers = body instanceof Map ? body.get('peers') : undefined;
  assert.ok(peers instanceof Uint8Array, `no peers for ${hexOf(infoHash)}`);
  const ports: number[] = [];
  for (let at = 0; at + 6 <= peers.length; at += 6) ports.push(peers[at + 4]! * 256 + peers[at + 5]!);
  return ports.filter((other) => other !== peerPort);
}

async function volunteers(t: Parameters<typeof running>[0], count: number): Promise<Running[]> {
  const first = await running(t, { role: 'supernode' });
  const bootstrap = [`127.0.0.1:${first.port}`];
  const nodes = [first];
  while (nodes.length < count) nodes.push(await running(t, { role: 'supernode', bootstrap }));
  await until('everybody to serve, and to know it', () => nodes.every((each) => isWhole(each, count)), START_MS);
  return nodes;
}

function isWhole({ node }: Running, count: number): boolean {
  const { role, overlay } = node.status();
  return role === 'supernode' && node.supernodes().length === count && overlay.isReplicated === true;
}

test('three volunteers elect each other and share the hashes, until one of them leaves', async (t) => {
  const nodes = await volunteers(t, 3);

  await t.test('every hash has one owner, on whom all agree', async () => {
    const owners = new Set<string>();
    for (const hash of HASHES) {
      const [first, ...others] = await Promise.all(nodes.map(({ node }) => node.placement(hexOf(hash))));
      for (const other of others) assert.deepEqual(other, first);
      assert.equal(first!.replicas.length, 2);
      owners.add(first!.owner);
    }
    assert.equal(owners.size, 3);
    for (const { node } of nodes) assert.equal(node.status().overlay.neighbours.length, 2);
  });

  await t.test('N-44 an announce to any of them reaches the owner by 307', async () => {
    for (const [i, hash] of HASHES.entries()) {
      await announce(nodes[i % 3]!.port, hash, 10_001);
      assert.deepEqual(await announce(nodes[(i + 1) % 3]!.port, hash, 10_002), [10_001]);
    }
  });

  await t.test('stop hands over first: those who stay answer for every swarm, and nothing is lost', async () => {
    await nodes[0]!.node.stop();
    for (const { node } of nodes.slice(1)) {
      await until('the news to be known', () => node.supernodes().length === 2, 5000);
    }
    for (const [i, hash] of HASHES.entries()) {
      const told = await announce(nodes[1 + (i % 2)]!.port, hash, 10_003);
      assert.deepEqual([...told].sort(), [10_001, 10_002], hexOf(hash));
    }
  });
});

test('a supernode that is near its caps hands a range over, and every swarm is still answered', async (t) => {
  const nodes = await volunteers(t, 2);
  const [busy, idle] = nodes as [Running, Running];
  for (const hash of HASHES) await announce(busy.port, hash, 10_001);
  await until('copies to be there', () => nodes.every(({ node }) => node.status().overlay.used.hashes === 40), 10_000);
  busy.node.cap({ peers: HASHES.length + 2 });
  await until('a range to be handed over', () => busy.node.status().overlay.handOffs > 0, START_MS);
  assert.equal(busy.node.status().overlay.lastHandOff?.to, idle.node.status().nodeId);
  const isGranted = ({ node }: Running): boolean =>
    node.supernodes().some(({ ranges }) => ranges.some(({ by, epoch }) => by === 'grant' && epoch === 1));
  await until('both to know', () => nodes.every(isGranted), 10_000);
  // Room for those who ask now.
  busy.node.cap({ peers: 10_000 });
  for (const [i, hash] of HASHES.entries()) {
    assert.deepEqual(await announce(nodes[i % 2]!.port, hash, 10_002), [10_001], hexOf(hash));
  }
});

test('a supernode that is killed is replaced, and its swarms are still answered', async (t) => {
  const nodes = await volunteers(t, 2);
  const place = placeFor(t);
  const bootstrap = ['--bootstrap', `127.0.0.1:${nodes[0]!.port}`];
  const words = ['start', '--foreground', '--port', '0', '--bind', '127.0.0.1', '--allow-local', '--role', 'supernode'];
  const daemon = await spawnProgram(t, place, [...words, ...bootstrap]);
  await until('the third to serve', () => nodes.every((each) => isWhole(each, 3)), START_MS);
  const { port } = JSON.parse((await runProgram(place, ['status', '--json'])).data);
  for (const hash of HASHES) await announce(port, hash, 10_001);
  // Announces are passed on within two seconds; what the killed node alone knew would be gone.
  await until(
    'copies to be there',
    () => nodes.every((each) => each.node.status().overlay.used.hashes === HASHES.length),
    10_000,
  );
  daemon.kill('SIGKILL');
  await daemon.exitCode;
  await until('the others to notice', () => nodes.every(({ node }) => node.supernodes().length === 2), 15_000);
  for (const [i, hash] of HASHES.entries()) {
    assert.deepEqual(await announce(nodes[i % 2]!.port, hash, 10_002), [10_001], hexOf(hash));
  }
});

test('N-05 G-18 a role changes at run time: a client is asked to serve, and a supernode to stop serving', async (t) => {
  const [first] = await volunteers(t, 1);
  const other = await running(t, { role: 'client', bootstrap: [`127.0.0.1:${first!.port}`] });
  assert.equal(other.node.status().role, 'client');
  other.node.volunteer('supernode');
  await until('it to serve', () => isWhole(other, 2) && isWhole(first!, 2), START_MS);
  for (const hash of HASHES) await announce(other.port, hash, 10_001);
  assert.equal((await other.node.drain()).role, 'client');
  assert.equal(other.node.status().overlay.ranges, 0);
  for (const hash of HASHES) assert.deepEqual(await announce(other.port, hash, 10_002), [10_001], hexOf(hash));
});

test('what was known before a restart is a way back in, without any bootstrap source', async (t) => {
  const [first, second] = await volunteers(t, 2);
  const { term } = second!.node.status().overlay;
  await second!.node.stop();
  const again = await running(t, { role: 'supernode' }, second!.place);
  const { nodeId } = first!.node.status();
  await until('the other to be found', () => again.node.supernodes()[0]?.nodeId === nodeId, START_MS);
  await until('it to serve again', () => isWhole(again, 2), START_MS);
  assert.ok(again.node.status().overlay.term! > term!);
});

test('two volunteers that know only each other become one network, whoever of them is first', async (t) => {
  const [one, two] = [await freePort(), await freePort()];
  const nodes = await Promise.all([
    running(t, { role: 'supernode', port: one, bootstrap: [`127.0.0.1:${two}`] }),
    running(t, { role: 'supernode', port: two, bootstrap: [`127.0.0.1:${one}`] }),
  ]);
  await until('both to serve one ring', () => nodes.every((each) => isWhole(each, 2)), START_MS);
  const placements = await Promise.all(nodes.map(({ node }) => node.placement(hexOf(HASHES[0]!))));
  assert.deepEqual(placements[0], placements[1]);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
