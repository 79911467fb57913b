// What browsers, curl and stock clients get from a node's one port over TLS: the same as in clear.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect, type SecureContext } from 'node:tls';
import { bytesOfHex, isFault } from '../../src/base/index.ts';
import { identityOfSeed } from '../../src/io/identity.ts';
import { makeNodeTls } from '../../src/io/tls-context.ts';
import { makeWebCertificate } from '../../src/io/web-certificate.ts';
import { nodeIdOfSpki } from '../../src/link/index.ts';
import { parseTrackerReply, percentEncode } from '../../src/torrent/index.ts';
import { temporaryFolder } from '../io/loopback-node.ts';
import { closed, exchange, probe, running } from './running.ts';

const HASH = percentEncode(bytesOfHex('ab'.repeat(20))!);
const announce = (port: number): string => `/announce?info_hash=${HASH}&port=${port}&left=0&compact=1`;
const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
const CLOSE = 'Connection: close\r\n';
const stranger = identityOfSeed(new Uint8Array(32).fill(5));

/** As `exchange`, inside TLS, with a node's certificate where there is an identity. */
async function exchangeInTls(port: number, sent: string, identity?: typeof stranger): Promise<string> {
  const own = identity && { secureContext: makeNodeTls(identity).client };
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...own });
  const parts: Buffer[] = [];
  socket.on('data', (bytes) => parts.push(bytes as Buffer));
  socket.on('error', () => {});
  socket.write(sent);
  await closed(socket);
  return Buffer.concat(parts).toString('latin1');
}

async function startSupernode(t: TestContext): Promise<number> {
  const { node, port } = await running(t, { role: 'supernode' });
  assert.equal(node.supernodes().length, 1);
  return port;
}

test('pages, lists and announces are answered over TLS as they are in clear, each and all on one connection', async (t) => {
  const port = await startSupernode(t);
  const steady = (reply: string): string => reply.replace(/8:intervali\d+e/, '').replace(/Date: [^\r]*/g, '');
  for (const path of [
    '/',
    '/page.css',
    '/listing?since=',
    `/metadata/${'00'.repeat(20)}`,
    announce(7001),
    '/nothing',
  ]) {
    const [clear, hidden] = [await exchange(port, get(path, CLOSE)), await exchangeInTls(port, get(path, CLOSE))];
    assert.match(hidden, /^HTTP\/1\.1 [24]\d\d/, path);
    assert.equal(steady(hidden), steady(clear), path);
  }
  const many = get(announce(7001)) + get(announce(7002)) + get('/') + get(announce(7003), CLOSE);
  const replies = await exchangeInTls(port, many);
  assert.equal(replies.split('HTTP/1.1 200 OK').length - 1, 4);
});

test('an announce over TLS counts as its node only where a certificate of a node was shown', async (t) => {
  const port = await startSupernode(t);
  await exchangeInTls(port, get(announce(7001), CLOSE), stranger);
  await exchangeInTls(port, get(announce(7002), CLOSE));
  const ask = get(announce(7003).replace('left=0', 'left=1'), CLOSE);
  const bodyOf = (reply: string): Buffer => Buffer.from(reply.slice(reply.indexOf('\r\n\r\n') + 4), 'latin1');
  const native = parseTrackerReply(bodyOf(await exchangeInTls(port, ask, identityOfSeed(new Uint8Array(32)))));
  assert.ok(!isFault(native));
  const found = native.peers.map((peer) => `${peer.port} ${peer.nodeId}`).toSorted();
  assert.deepEqual(found, [`7001 ${stranger.nodeId}`, '7002 undefined']);
  assert.ok(!(await exchangeInTls(port, ask)).includes('natives'));
});

test('a TLS client that reads nothing, vanishes or sends garbage inside costs nobody else anything', async (t) => {
  const port = await startSupernode(t);
  const greedy = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }).on('error', () => {});
  await once(greedy, 'secureConnect');
  greedy.pause();
  greedy.write(get('/').repeat(500));
  const raw = connectTcp(port, '127.0.0.1');
  const vanishing = connect({ socket: raw, rejectUnauthorized: false }).on('error', () => {});
  await once(vanishing, 'secureConnect');
  vanishing.write(get('/').slice(0, 10));
  raw.resetAndDestroy();
  // A record that is none, behind a good handshake and a good request.
  const other = connectTcp(port, '127.0.0.1');
  const lying = connect({ socket: other, rejectUnauthorized: false }).on('error', () => {});
  await once(lying, 'secureConnect');
  lying.write('GET / HT');
  await new Promise((resolve) => other.write(Buffer.alloc(64, 0x17), resolve));
  await closed(lying);
  await probe(port);
  greedy.destroy();
});

test("browsers are shown the operator's certificate where there is one, and nodes the node's as ever", async (t) => {
  const folder = temporaryFolder('certificate');
  const files = { webCertificate: join(folder, 'chain.pem'), webKey: join(folder, 'key.pem') };
  const own = makeWebCertificate();
  writeFileSync(files.webCertificate, own.cert);
  writeFileSync(files.webKey, own.key);
  const { node, port } = await running(t, files);
  const shownTo = async (secureContext?: SecureContext): Promise<X509Certificate> => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      ...(secureContext && { secureContext }),
    });
    await once(socket, 'secureConnect');
    const certificate = socket.getPeerX509Certificate()!;
    socket.destroy();
    return certificate;
  };
  assert.equal((await shownTo()).fingerprint256, new X509Certificate(own.cert).fingerprint256);
  const spki = (await shownTo(makeNodeTls(stranger).client)).publicKey.export({ format: 'der', type: 'spki' });
  assert.equal(nodeIdOfSpki(spki), node.status().nodeId);
  writeFileSync(files.webKey, makeWebCertificate().key);
  const wrong = [
    files,
    { ...files, webKey: '' },
    { webKey: join(folder, 'none'), webCertificate: files.webCertificate },
  ];
  for (const flags of wrong) await assert.rejects(running(t, flags), { name: 'MonsoonError', code: 'config' });
});
