// A magnet's metadata (BEP 9) over real sockets from several peers at once, some of which lie or say nothing.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Address, encodeBencode } from '../../src/base/index.ts';
import { sha1 } from '../../src/io/hash.ts';
import { newPeerId } from '../../src/io/torrent-identity.ts';
import { makeTorrent } from '../../src/io/torrent-maker.ts';
import { parseInfo, type TorrentInfo } from '../../src/torrent/index.ts';
import {
  encodeMetadataMessage,
  encodeWireHandshake,
  MESSAGE,
  METADATA_PIECE_BYTES,
  type MetadataMessage,
  metadataReply,
  OUR_EXTENSION_IDS,
  parseMetadataMessage,
} from '../../src/wire/index.ts';
import { openNodeFor, randomContent, specOf, temporaryFolder, until } from './loopback-node.ts';
import { type Heard, message, RawPeer } from './raw-peer.ts';

const EXTENSION_HANDSHAKE = 0;
/** What they call the extension. */
const THEIR_METADATA_ID = 3;
/** So many that three peers are each asked for as much as one may be at a time. */
const CONTENT_PIECES = 24_000;
const CONTENT_PIECE_BYTES = 16_384;

/** A torrent whose info dictionary has 30 metadata pieces; nobody needs its content. */
function largeInfo(): TorrentInfo {
  const raw = encodeBencode({
    length: CONTENT_PIECES * CONTENT_PIECE_BYTES,
    name: 'large.bin',
    'piece length': CONTENT_PIECE_BYTES,
    pieces: randomContent(CONTENT_PIECES * 20),
  });
  return parseInfo(raw, sha1) as TorrentInfo;
}

interface MetadataPeer {
  readonly address: Address;
  /** Metadata pieces that it was asked for. */
  readonly asked: number[];
  readonly links: RawPeer[];
}

/** Holds what peers answer back until each of them was asked: the first to answer would otherwise serve all. */
class Gate {
  readonly #peers: number;
  readonly #asked = new Set<object>();
  readonly #waiting: (() => void)[] = [];

  constructor(peers: number) {
    this.#peers = peers;
  }

  pass(peer: object, answer: () => void): void {
    this.#asked.add(peer);
    this.#waiting.push(answer);
    if (this.#asked.size >= this.#peers) for (const each of this.#waiting.splice(0)) each();
  }
}

/** A peer on a port of its own that has the metadata, or says so. */
async function openMetadataPeer(
  t: TestContext,
  info: TorrentInfo,
  gate: Gate,
  answer: (piece: number) => MetadataMessage | undefined,
): Promise<MetadataPeer> {
  const asked: number[] = [];
  const links: RawPeer[] = [];
  const server = createServer((socket) => {
    const peer = new RawPeer(socket);
    peer.onHandshake = () => {
      links.push(peer);
      const ours = encodeBencode({ m: { ut_metadata: THEIR_METADATA_ID }, metadata_size: info.raw.length });
      peer.send(
        encodeWireHandshake(info.infoHash, newPeerId()),
        message(MESSAGE.extended, Uint8Array.of(EXTENSION_HANDSHAKE), ours),
        message(MESSAGE.haveNone),
      );
    };
    peer.onMessage = ({ id, payload }) => {
      if (id !== MESSAGE.extended || payload[0] !== THEIR_METADATA_ID) return;
      const request = parseMetadataMessage(payload.subarray(1));
      if (request?.type !== 'request') return;
      asked.push(request.piece);
      gate.pass(asked, () => {
        const reply = answer(request.piece);
        if (!reply) return;
        const id = Uint8Array.of(OUR_EXTENSION_IDS.ut_metadata);
        peer.send(message(MESSAGE.extended, id, encodeMetadataMessage(reply)));
      });
    };
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const { socket } of links) socket.destroy();
  });
  return { address: { host: '127.0.0.1', port: (server.address() as { port: number }).port }, asked, links };
}

/** A magnet that is told of all peers at once; resolves when it has its metadata. */
async function fetchMetadata(t: TestContext, info: TorrentInfo, peers: readonly MetadataPeer[]): Promise<void> {
  const node = await openNodeFor(t);
  const spec = specOf(info, temporaryFolder('fetched'), { info: undefined });
  const { host, started } = node.torrents.add(spec)!;
  await started;
  host.learn(
    peers.map(({ address }) => address),
    'user',
    'user',
  );
  await until('the metadata', () => host.info !== undefined, 60_000);
  assert.deepEqual(Buffer.from(host.info!.raw), Buffer.from(info.raw));
}

test('the metadata of a magnet comes from three peers at once, each piece from one of them', async (t) => {
  const info = largeInfo();
  const gate = new Gate(3);
  const open = () => openMetadataPeer(t, info, gate, (piece) => metadataReply(info.raw, piece));
  const peers = [await open(), await open(), await open()];
  await fetchMetadata(t, info, peers);
  const asked = peers.map((peer) => peer.asked);
  t.diagnostic(asked.map((pieces) => pieces.length).join(' + '));
  const all = [...Array(Math.ceil(info.raw.length / METADATA_PIECE_BYTES)).keys()];
  assert.deepEqual(
    asked.flat().toSorted((a, b) => a - b),
    all,
  );
});

test('a peer that says nothing holds up its part of the metadata for ten seconds; then the others bring it', async (t) => {
  const info = largeInfo();
  const gate = new Gate(2);
  const silent = await openMetadataPeer(t, info, gate, () => undefined);
  const honest = await openMetadataPeer(t, info, gate, (piece) => metadataReply(info.raw, piece));
  await fetchMetadata(t, info, [silent, honest]);
  assert.ok(silent.asked.length > 0);
  for (const piece of silent.asked) assert.ok(honest.asked.includes(piece));
});

for (const [what, lie] of Object.entries({
  'sends one wrong byte': (info: TorrentInfo, piece: number): MetadataMessage => {
    const reply = metadataReply(info.raw, piece);
    if (reply.type !== 'data') return reply;
    const bytes = Uint8Array.from(reply.bytes);
    bytes[0]! ^= 1;
    return { ...reply, bytes };
  },
  'names another size': (info: TorrentInfo, piece: number): MetadataMessage => {
    const reply = metadataReply(info.raw, piece);
    return reply.type === 'data' ? { ...reply, totalSize: reply.totalSize + 1 } : reply;
  },
  refuses: (_info: TorrentInfo, piece: number): MetadataMessage => ({ type: 'reject', piece }),
})) {
  test(`a peer that ${what} among two honest ones does not keep the metadata from coming`, async (t) => {
    const info = largeInfo();
    const gate = new Gate(3);
    const honestly = () => openMetadataPeer(t, info, gate, (piece) => metadataReply(info.raw, piece));
    const liar = await openMetadataPeer(t, info, gate, (piece) => lie(info, piece));
    const peers = [liar, await honestly(), await honestly()];
    await fetchMetadata(t, info, peers);
    for (const { asked } of peers) assert.ok(asked.length > 0);
  });
}

test('metadata is told twice on one link, and not at all where the upload limit is 0', async (t) => {
  const folder = temporaryFolder('content');
  writeFileSync(join(folder, 'file'), randomContent(100_000));
  const { info, sourcePaths } = await makeTorrent(join(folder, 'file'));
  const seed = await openNodeFor(t);
  await seed.torrents.add(specOf(info, folder, { sourcePaths, isWhole: true }))!.started;
  const answers = async (requests: number): Promise<(string | undefined)[]> => {
    const peer = await RawPeer.greet(seed.address, info.infoHash);
    peer.send(message(MESSAGE.extended, Uint8Array.of(EXTENSION_HANDSHAKE), encodeBencode({ m: { ut_metadata: 3 } })));
    const ask = encodeMetadataMessage({ type: 'request', piece: 0 });
    const got = (): Heard[] => peer.heard.filter(({ id, payload }) => id === MESSAGE.extended && payload[0] === 3);
    for (let i = 0; i < requests; i++)
      peer.send(message(MESSAGE.extended, Uint8Array.of(OUR_EXTENSION_IDS.ut_metadata), ask));
    await until('an answer to each', () => got().length === requests);
    return got().map(({ payload }) => parseMetadataMessage(payload.subarray(1))?.type);
  };
  assert.deepEqual(await answers(4), ['data', 'data', 'reject', 'reject']);
  seed.rates.up.limit(0);
  assert.deepEqual(await answers(1), ['reject']);
  seed.rates.up.limit(1 << 20);
  assert.deepEqual(await answers(1), ['data']);
});

/** A torrent of so many tiny pieces, all of them on disk. */
function onDisk(pieceCount: number): { info: TorrentInfo; directory: string } {
  const bytes = randomContent(pieceCount * 16);
  const hashes = Array.from({ length: pieceCount }, (_, i) => sha1(bytes.subarray(i * 16, (i + 1) * 16)));
  const raw = encodeBencode({ length: bytes.length, name: 'file', 'piece length': 16, pieces: Buffer.concat(hashes) });
  const directory = temporaryFolder('content');
  writeFileSync(join(directory, 'file'), bytes);
  return { info: parseInfo(raw, sha1) as TorrentInfo, directory };
}

for (const [pieceCount, told] of [
  [300, 'piece by piece'],
  [20_001, 'in the bitfield of a new link'],
] as const) {
  test(`what turns out to be on disk is told ${told} where it is ${pieceCount} pieces`, async (t) => {
    const { info, directory } = onDisk(pieceCount);
    const node = await openNodeFor(t);
    const { host, started } = node.torrents.add(specOf(info, directory, { info: undefined }))!;
    await started;
    const peer = await RawPeer.greet(node.address, info.infoHash);
    host.offerMetadata(info.raw);
    const haves = (): Heard[] => peer.heard.filter(({ id }) => id === MESSAGE.have);
    await until('it to be told', () => peer.isClosed || haves().length === pieceCount);
    assert.equal(peer.isClosed, pieceCount > 20_000);
    if (!peer.isClosed) return;
    assert.equal(haves().length, 0);
    const again = await RawPeer.greet(node.address, info.infoHash);
    await until('a bitfield', () => again.heard.some(({ id }) => id === MESSAGE.bitfield || id === MESSAGE.haveAll));
  });
}
