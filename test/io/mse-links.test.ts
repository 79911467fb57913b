// Message Stream Encryption on real sockets: who gets in under which policy, and that nothing hostile gets further.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { type Address, infoHashBytes, infoHashOfBytes } from '../../src/base/index.ts';
import { sha1 } from '../../src/io/hash.ts';
import { makeTorrent } from '../../src/io/index.ts';
import { newMseTools } from '../../src/io/mse-tools.ts';
import type { TorrentHost } from '../../src/io/torrent-host.ts';
import { newPeerId } from '../../src/io/torrent-identity.ts';
import { TorrentIndex } from '../../src/io/torrent-index.ts';
import {
  type EncryptionPolicy,
  MseInitiator,
  type MseMethod,
  type MseOutcome,
  MseResponder,
  req2Hash,
} from '../../src/link/index.ts';
import type { TorrentInfo } from '../../src/torrent/index.ts';
import { encodeWireHandshake, HANDSHAKE_BYTES, parseWireHandshake } from '../../src/wire/index.ts';
import { completed, type LoopbackNode, openLoopbackNode, specOf, temporaryFolder, until } from './loopback-node.ts';
import { openRawSeed, RawPeer } from './raw-peer.ts';

const POLICIES: readonly EncryptionPolicy[] = ['require', 'prefer', 'off'];
const nodes = new Map<EncryptionPolicy, LoopbackNode>();
let info: TorrentInfo;

before(async () => {
  const folder = temporaryFolder('shared');
  writeFileSync(join(folder, 'file.bin'), randomBytes(100_000));
  const made = await makeTorrent(folder);
  info = made.info;
  for (const encryptionIn of POLICIES) {
    const node = await openLoopbackNode(temporaryFolder('node'), { encryptionIn });
    nodes.set(encryptionIn, node);
    await node.torrents.add(specOf(info, folder, { sourcePaths: made.sourcePaths, isWhole: true }))!.started;
  }
});
after(() => Promise.all([...nodes.values()].map((node) => node.stop())));

/** A dialled connection that speaks Message Stream Encryption. */
interface Talk {
  readonly peer: RawPeer;
  outcome?: MseOutcome;
  /** Decrypted bytes of the wire. */
  heard: Buffer;
  /** Everything that was sent, for a replay. */
  readonly sent: Buffer[];
}

/** Opens a conversation; `portion` is how many bytes are sent at a time. */
async function talkTo(node: LoopbackNode, methods: readonly MseMethod[], portion = Infinity): Promise<Talk> {
  const wireHandshake = encodeWireHandshake(info.infoHash, newPeerId());
  const machine = new MseInitiator(newMseTools(), infoHashBytes(info.infoHash), methods, wireHandshake);
  const peer = await RawPeer.dial(node.address);
  const talk: Talk = { peer, heard: Buffer.alloc(0), sent: [] };
  const send = (bytes: Uint8Array): void => {
    talk.sent.push(Buffer.from(bytes));
    for (let at = 0; at < bytes.length; at += portion) peer.socket.write(bytes.subarray(at, at + portion));
  };
  peer.socket.setNoDelay(true);
  peer.socket.removeAllListeners('data');
  peer.socket.on('data', (bytes: Buffer) => {
    if (talk.outcome) {
      talk.outcome.receive?.apply(bytes, bytes.length);
      talk.heard = Buffer.concat([talk.heard, bytes]);
      return;
    }
    const step = machine.receive(bytes);
    if (step.send) send(step.send);
    if (!step.outcome) return;
    talk.outcome = step.outcome;
    talk.heard = Buffer.from(step.outcome.payload);
  });
  send(machine.begin());
  return talk;
}

async function assertGreeted(talk: Talk): Promise<void> {
  await until('a wire handshake', () => talk.heard.length >= HANDSHAKE_BYTES || talk.peer.isClosed);
  const handshake = parseWireHandshake(talk.heard.subarray(0, HANDSHAKE_BYTES));
  assert.equal('infoHash' in handshake && handshake.infoHash, info.infoHash);
  talk.peer.socket.destroy();
}

/** Closed, and no byte of the wire was heard. */
async function assertRefused(talk: Talk): Promise<void> {
  await talk.peer.closed();
  assert.equal(talk.heard.length, 0);
}

// Random first bytes are a capital letter one time in ten: none of these may be taken for HTTP.
test('a link with RC4 gets in under `require` and `prefer`, whatever its first bytes, also byte by byte', async () => {
  for (const policy of ['require', 'prefer'] as const) {
    for (let i = 0; i < 40; i++) await assertGreeted(await talkTo(nodes.get(policy)!, ['rc4', 'plain']));
    const talk = await talkTo(nodes.get(policy)!, ['rc4'], 1);
    await assertGreeted(talk);
    assert.equal(talk.outcome?.method, 'rc4');
  }
});

test('a link that hides only its header gets in under `prefer` alone', async () => {
  const talk = await talkTo(nodes.get('prefer')!, ['plain']);
  await assertGreeted(talk);
  assert.equal(talk.outcome?.method, 'plain');
  for (const policy of ['require', 'off'] as const) await assertRefused(await talkTo(nodes.get(policy)!, ['plain']));
  await assertRefused(await talkTo(nodes.get('off')!, ['rc4']));
});

test('a plain link gets in under `prefer` and `off`, and exchanges nothing under `require`', async () => {
  for (const policy of ['prefer', 'off'] as const) {
    const peer = await RawPeer.greet(nodes.get(policy)!.address, info.infoHash);
    peer.socket.destroy();
  }
  const refused = await RawPeer.dial(nodes.get('require')!.address);
  refused.send(encodeWireHandshake(info.infoHash, newPeerId()));
  await refused.closed();
  assert.equal(refused.bytesRead, 0);
});

test('a torrent is found among ten thousand by the hash that hides its name', () => {
  const index = new TorrentIndex<number>();
  const hashes = Array.from({ length: 10_000 }, (_, i) => infoHashOfBytes(sha1(Buffer.from(`torrent ${i}`)))!);
  for (const [i, infoHash] of hashes.entries()) index.set(infoHash, i);
  const names = hashes.map((infoHash) => req2Hash(sha1, infoHashBytes(infoHash)));
  assert.ok(names.every((name, i) => index.named(name) === hashes[i]));
  index.delete(hashes[7]!);
  assert.equal(index.named(names[7]!), undefined);
});

/** A node that fetches the torrent from one peer. */
async function leechFrom(t: TestContext, encryptionOut: EncryptionPolicy, address: Address): Promise<TorrentHost> {
  const node = await openLoopbackNode(temporaryFolder('leecher'), { encryptionOut });
  t.after(() => node.stop());
  const { host, started } = node.torrents.add(specOf(info, temporaryFolder('fetched')))!;
  await started;
  host.learn([address], 'user', 'user');
  return host;
}
const encryptionsOf = (host: TorrentHost): string[] => host.links().map(({ encryption }) => encryption);

test('our own links have TLS, unless we want no encryption', async (t) => {
  for (const [ours, theirs, encryption] of [
    ['prefer', 'prefer', 'tls'],
    ['require', 'require', 'tls'],
    ['off', 'prefer', 'none'],
  ] as const) {
    const host = await leechFrom(t, ours, nodes.get(theirs)!.address);
    await until('a link', () => encryptionsOf(host).length > 0);
    assert.deepEqual(encryptionsOf(host), [encryption], `${ours} to ${theirs}`);
    await completed(host);
  }
});

/** A client that speaks Message Stream Encryption and no TLS, in front of a plain one. */
async function openMseFront(t: TestContext, behind: Address): Promise<Address> {
  const torrentOf = (): Uint8Array => infoHashBytes(info.infoHash);
  const server = createServer((outside) => {
    const machine = new MseResponder(newMseTools(), { torrentOf, methods: ['rc4'] });
    let inside: Socket | undefined;
    let outcome: MseOutcome | undefined;
    const close = (): void => {
      outside.destroy();
      inside?.destroy();
    };
    outside.on('error', close).on('close', close);
    outside.on('data', (bytes: Buffer) => {
      if (outcome) {
        outcome.receive!.apply(bytes, bytes.length);
        inside!.write(bytes);
        return;
      }
      const step = machine.receive(bytes);
      if (step.send) outside.write(step.send);
      if (step.failure) close();
      outcome = step.outcome;
      if (!outcome) return;
      const { send, payload } = outcome;
      inside = connect(behind).on('error', close).on('close', close);
      inside.write(payload);
      inside.on('data', (answer: Buffer) => {
        send!.apply(answer, answer.length);
        outside.write(answer);
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

test('a peer that speaks no TLS is reached with RC4 on the next connection, and fetched from', async (t) => {
  for (const policy of ['prefer', 'require'] as const) {
    const host = await leechFrom(t, policy, await openMseFront(t, nodes.get('off')!.address));
    await until('a link', () => encryptionsOf(host).length > 0);
    assert.deepEqual(encryptionsOf(host), ['rc4']);
    await completed(host);
  }
});

test('a peer that takes plain links only is reached under `prefer`, and known as refusing under `require`', async (t) => {
  const plain = await openRawSeed(info, () => undefined);
  t.after(() => plain.close());
  const insistent = await leechFrom(t, 'require', plain.address);
  await until('the refusal to be noted', () => /refuses encryption/.test(insistent.figures().stalledBecause ?? ''));
  assert.equal(plain.peers.length, 0, 'no handshake in clear');
  const obliging = await leechFrom(t, 'prefer', plain.address);
  await until('a link', () => plain.peers.length === 1);
  await until('a link', () => encryptionsOf(obliging)[0] === 'none');
});
