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
import type { Torrent } from '../../src/io/torrent.ts';
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
import {
  completed,
  type LoopbackNode,
  openLoopbackNode,
  openNodeFor,
  specOf,
  temporaryFolder,
  until,
} from './loopback-node.ts';
import { openRawSeed, RawPeer } from './raw-peer.ts';

const PRIME = Buffer.from(
  'ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74' +
    '020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437' +
    '4fe1356d6d51c245e485b576625e7ec6f44c42e9a63a36210000000000090563',
  'hex',
);
const PRIME_MINUS_ONE = Buffer.concat([PRIME.subarray(0, -1), Buffer.of(PRIME.at(-1)! - 1)]);
const BAD_KEYS: Readonly<Record<string, Buffer>> = {
  0: Buffer.alloc(96),
  1: Buffer.concat([Buffer.alloc(95), Buffer.of(1)]),
  'p-1': PRIME_MINUS_ONE,
  p: PRIME,
  'all ones': Buffer.alloc(96, 255),
};

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
async function leechFrom(t: TestContext, encryptionOut: EncryptionPolicy, address: Address): Promise<Torrent> {
  const node = await openNodeFor(t, temporaryFolder('leecher'), { encryptionOut });
  const { host, started } = node.torrents.add(specOf(info, temporaryFolder('fetched')))!;
  await started;
  host.learn([address], 'user', 'user');
  return host;
}
const encryptionsOf = (host: Torrent): string[] => host.links().map(({ encryption }) => encryption);

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

/** A client that speaks Message Stream Encryption and no TLS, in front of a plain one; `methods` as it likes them best. */
async function openMseFront(
  t: TestContext,
  behind: Address,
  methods: readonly MseMethod[] = ['rc4'],
): Promise<Address> {
  const torrentOf = (): Uint8Array => infoHashBytes(info.infoHash);
  const server = createServer((outside) => {
    const machine = new MseResponder(newMseTools(), { torrentOf, methods });
    let inside: Socket | undefined;
    let outcome: MseOutcome | undefined;
    const close = (): void => {
      outside.destroy();
      inside?.destroy();
    };
    outside.on('error', close).on('close', close);
    outside.on('data', (bytes: Buffer) => {
      if (outcome) {
        outcome.receive?.apply(bytes, bytes.length);
        inside!.write(bytes);
        return;
      }
      const step = machine.receive(bytes);
      if (step.send) outside.write(step.send);
      // What came before the choice of the header alone is lost, as on Transmission.
      const isLost = step.outcome?.method === 'plain' && step.outcome.payload.length > 0;
      if (step.failure || isLost) return close();
      outcome = step.outcome;
      if (!outcome) return;
      const { send, payload } = outcome;
      inside = connect(behind).on('error', close).on('close', close);
      inside.write(payload);
      inside.on('data', (answer: Buffer) => {
        send?.apply(answer, answer.length);
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

test('under `prefer` RC4 is asked for first, then the header alone, and the link says which it was', async (t) => {
  for (const [methods, encryption] of [
    [['plain'], 'header'],
    [['plain', 'rc4'], 'rc4'],
    [['rc4', 'plain'], 'rc4'],
  ] as const) {
    const host = await leechFrom(t, 'prefer', await openMseFront(t, nodes.get('off')!.address, methods));
    await until('a link', () => encryptionsOf(host).length > 0);
    assert.deepEqual(encryptionsOf(host), [encryption], `it takes ${methods}`);
    await completed(host);
  }
});

test('under `require` a peer that would hide the header alone gets RC4 or no link', async (t) => {
  const behind = nodes.get('off')!.address;
  const obliging = await leechFrom(t, 'require', await openMseFront(t, behind, ['plain', 'rc4']));
  await until('a link', () => encryptionsOf(obliging).length > 0);
  assert.deepEqual(encryptionsOf(obliging), ['rc4']);
  await completed(obliging);
  const refused = await leechFrom(t, 'require', await openMseFront(t, behind, ['plain']));
  await until('the refusal to be noted', () => /refuses encryption/.test(refused.figures().stalledBecause ?? ''));
  assert.deepEqual(encryptionsOf(refused), []);
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

/** The node still takes a link: whatever was tried before cost only the connection that it was tried on. */
async function assertUnharmed(node: LoopbackNode): Promise<void> {
  await assertGreeted(await talkTo(node, ['rc4']));
}

test('keys that would make the secret known close the connection unanswered', async () => {
  const node = nodes.get('require')!;
  for (const [name, key] of Object.entries(BAD_KEYS)) {
    const peer = await RawPeer.dial(node.address);
    peer.send(key, randomBytes(200));
    await peer.closed();
    assert.equal(peer.bytesRead, 0, name);
  }
  await assertUnharmed(node);
});

test('a handshake that is cut at any byte is never answered with a byte of the wire', async () => {
  const node = nodes.get('require')!;
  const whole = await talkTo(node, ['rc4']);
  await assertGreeted(whole);
  const request = whole.sent[1]!;
  const tools = { ...newMseTools(), padding: () => new Uint8Array(0) };
  await Promise.all(
    Array.from({ length: request.length }, async (_, cut) => {
      // From many addresses, or the limits of one would be what is tried here.
      const peer = await RawPeer.dial(node.address, `127.0.1.${(cut % 250) + 1}`);
      const wireHandshake = encodeWireHandshake(info.infoHash, newPeerId());
      const machine = new MseInitiator(tools, infoHashBytes(info.infoHash), ['rc4'], wireHandshake);
      peer.socket.removeAllListeners('data');
      const heard: Buffer[] = [];
      peer.socket.on('data', (bytes: Buffer) => {
        heard.push(bytes);
        const { send } = machine.receive(bytes);
        if (send) peer.socket.end(send.subarray(0, cut));
      });
      peer.send(machine.begin());
      await peer.closed();
      // Its key and padding, and nothing that only a finished handshake brings.
      assert.ok(Buffer.concat(heard).length <= 96 + 512, `cut at ${cut}`);
    }),
  );
  await assertUnharmed(node);
});

test('a recorded handshake opens nothing when it is played again', async () => {
  const node = nodes.get('require')!;
  const recorded = await talkTo(node, ['rc4']);
  await assertGreeted(recorded);
  const peer = await RawPeer.dial(node.address);
  peer.send(...recorded.sent, randomBytes(600));
  await peer.closed();
  assert.ok(peer.bytesRead <= 96 + 512);
  await assertUnharmed(node);
});

test('padding without end closes the connection at its limit', async () => {
  const node = nodes.get('require')!;
  const peer = await RawPeer.dial(node.address);
  peer.send(newMseTools().keys.publicKey);
  for (let sent = 0; sent < 532 && !peer.isClosed; sent += 133) peer.send(randomBytes(133));
  await peer.closed();
  await assertUnharmed(node);
});

test('one address cannot have us compute keys without end, and others are still let in', async () => {
  const node = nodes.get('require')!;
  const flood = Array.from({ length: 300 }, async (): Promise<number> => {
    const peer = await RawPeer.dial(node.address, '127.0.2.1');
    peer.send(newMseTools().keys.publicKey, randomBytes(600));
    await peer.closed();
    return peer.bytesRead;
  });
  const answered = (await Promise.all(flood)).filter((bytes) => bytes > 0);
  assert.ok(answered.length < flood.length);
  await assertUnharmed(node);
});

test('a peer that we dialled and that answers with a bad key hears nothing more', async (t) => {
  for (const [name, key] of Object.entries(BAD_KEYS)) {
    const heard: number[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes: Buffer) => {
        // TLS is tried first.
        if (bytes[0] === 0x16 && bytes[1] === 0x03) return void socket.destroy();
        heard.push(bytes.length);
        socket.write(key);
      });
    }).listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const host = await leechFrom(t, 'require', { host: '127.0.0.1', port: (server.address() as AddressInfo).port });
    await until('the refusal to be noted', () => /refuses encryption/.test(host.figures().stalledBecause ?? ''));
    assert.ok(heard.length === 1 && heard[0]! <= 96 + 512, name);
  }
});
