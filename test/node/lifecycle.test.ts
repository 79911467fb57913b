// Starting, stopping and starting again; hostile bootstrap sources; a start that fails half way.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeBencode, wallSeconds } from '../../src/base/index.ts';
import { sha1 } from '../../src/io/hash.ts';
import { identityOfSeed } from '../../src/io/identity.ts';
import { makeNodeTls } from '../../src/io/tls-context.ts';
import { encodeExchange, sealDescriptor } from '../../src/overlay/index.ts';
import { placeFor, runProgram, spawnProgram } from '../app/place.ts';
import { randomContent, temporaryFolder, until } from '../io/loopback-node.ts';
import { closed, dial, probe, running } from './running.ts';

test('what is shared on one node is fetched on another, and both remember it after a restart', async (t) => {
  const supernode = await running(t);
  const bootstrap = [`127.0.0.1:${supernode.port}`];
  const [sharer, getter] = [
    await running(t, { role: 'client', bootstrap }),
    await running(t, { role: 'client', bootstrap }),
  ];
  const folder = temporaryFolder('shared');
  mkdirSync(join(folder, 'sub'));
  const bytes = randomContent(500_000);
  writeFileSync(join(folder, 'sub', 'a.bin'), bytes);
  const { infoHash, name } = await sharer.node.share(folder, { category: 'misc' });
  const row = await getter.node.get(infoHash, undefined);
  assert.ok(['metadata', 'checking', 'downloading', 'seeding'].includes(row.state));
  await until('the download', () => getter.node.torrents()[0]?.state === 'seeding', 30_000);
  const { path } = getter.node.torrents()[0]!;
  assert.ok(readFileSync(join(path, 'sub', 'a.bin')).equals(bytes));
  const { nodeId } = getter.node.status();
  await getter.node.stop();
  const again = await running(t, { role: 'client', bootstrap }, getter.place);
  assert.equal(again.node.status().nodeId, nodeId);
  await until('the torrent to be there', () => again.node.torrents()[0]?.state === 'seeding');
  await supernode.node.stop();
  const supernodeAgain = await running(t, {}, supernode.place);
  assert.deepEqual(
    (await supernodeAgain.node.list({})).rows.map((listed) => listed.name),
    [name],
  );
});

test('a stopped node closes every connection and no longer answers', async (t) => {
  const { node, port } = await running(t);
  const idle = await Promise.all([dial(port), dial(port), dial(port)]);
  idle[1]!.write('GET /supernodes HTTP/1.1\r\nHost: x\r\n\r\n');
  idle[2]!.write('\x13BitTorrent');
  for (const socket of idle) socket.resume();
  await probe(port);
  await Promise.all([node.stop(), ...idle.map(closed)]);
  await assert.rejects(probe(port));
});

test('the program with a real node ends with 0 on SIGTERM, by itself and soon', async (t) => {
  const place = placeFor(t);
  const words = ['start', '--foreground', '--port', '0', '--bind', '127.0.0.1', '--allow-local'];
  const daemon = await spawnProgram(t, place, words);
  const begun = performance.now();
  daemon.kill('SIGTERM');
  assert.equal(await daemon.exitCode, 0);
  assert.ok(performance.now() - begun < 5000, `${performance.now() - begun} ms`);
});

test('a torrent whose tracker never answers does not keep a node from stopping', async (t) => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.after(() => silent.closeAllConnections());
  t.after(() => silent.close());
  const { port } = silent.address() as { port: number };
  const { node } = await running(t);
  // Listened for before it can come: the second request is 20 s later.
  const asked = once(silent, 'request');
  await node.get(`magnet:?xt=urn:btih:${'ab'.repeat(20)}&tr=http://127.0.0.1:${port}/announce`, undefined);
  await asked;
  const begun = performance.now();
  await node.stop();
  assert.ok(performance.now() - begun < 8000, `${performance.now() - begun} ms`);
});

test('a node whose port is taken says so, and its process ends', async (t) => {
  const { port } = await running(t);
  const taken = await runProgram(placeFor(t), [
    'start',
    '--foreground',
    '--port',
    `${port}`,
    '--bind',
    '127.0.0.1',
    '--allow-local',
  ]);
  assert.notEqual(taken.exitCode, 0);
  assert.match(taken.notes, /port [0-9]+ is taken/);
});

test('a hostile bootstrap source changes nothing: forged, expired, foreign and garbage descriptors', async (t) => {
  const stranger = identityOfSeed(new Uint8Array(32).fill(9));
  const issued = wallSeconds(Math.floor(Date.now() / 1000));
  const sealed = (changes: Record<string, unknown>): Uint8Array =>
    sealDescriptor(
      {
        network: 'monsoon',
        addresses: [{ host: '127.0.0.1', port: 7373 }],
        sequence: 1,
        issued,
        expires: wallSeconds(issued + 3600),
        capacity: { announcesPerSecond: 1, peers: 1, hashes: 1, trackingBytesPerSecond: 1 },
        load: 0,
        roles: 0,
        term: 0,
        certificate: { issued, kept: undefined, votes: [] },
        ownTokens: 1,
        ...changes,
      },
      stranger.nodeId,
      stranger.sign,
      sha1,
    ).record;
  const forged = sealed({}).slice();
  forged[forged.length - 1] = forged[forged.length - 1]! ^ 1;
  const old = wallSeconds(issued - 86_400);
  const exchanged = (supernodes: Uint8Array[]): Uint8Array =>
    encodeExchange({ network: 'monsoon', supernodes, you: undefined });
  const bodies: (Uint8Array | string)[] = [
    exchanged([forged]),
    exchanged([sealed({ issued: old, expires: wallSeconds(old + 3600) })]),
    exchanged([sealed({ network: 'elsewhere' })]),
    encodeExchange({ network: 'elsewhere', supernodes: [sealed({})], you: undefined }),
    encodeBencode({ supernodes: [new Uint8Array(900)] }),
    'x'.repeat(300_000),
    `d${'l'.repeat(100_000)}`,
    '',
  ];
  for (const body of bodies) {
    let asked = 0;
    const server = createTlsServer(makeNodeTls(stranger).server, (_request, response) => {
      asked++;
      response.end(body);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const { node, port: own } = await running(t, { role: 'client', bootstrap: [`127.0.0.1:${port}`] });
    await until('the source to be judged', () => node.status().bootstrap[0]!.state !== 'trying');
    assert.equal(node.status().bootstrap[0]!.state, 'silent');
    assert.deepEqual(node.supernodes(), []);
    assert.ok(asked > 0);
    await probe(own);
    await node.stop();
    server.closeAllConnections();
    server.close();
  }
});
