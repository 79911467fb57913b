// Each reason why a torrent stands still, brought about by real trackers and peers, and said within 15 seconds. (A full disk: full-disk.test.ts.)
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Address } from '../../src/base/index.ts';
import { newPeerId } from '../../src/io/torrent-identity.ts';
import { makeTorrent } from '../../src/io/torrent-maker.ts';
import type { TorrentSpec } from '../../src/io/torrent-spec.ts';
import type { TorrentInfo } from '../../src/torrent/index.ts';
import { encodeWireHandshake, MESSAGE } from '../../src/wire/index.ts';
import {
  type LoopbackNode,
  type LoopbackSettings,
  openNodeFor,
  randomContent,
  specOf,
  temporaryFolder,
  until,
} from './loopback-node.ts';
import { message, RawPeer } from './raw-peer.ts';

const SAID_MS = 15_000;

async function content(): Promise<TorrentInfo> {
  const folder = temporaryFolder('content');
  mkdirSync(join(folder, 'sub'));
  writeFileSync(join(folder, 'sub', 'content.bin'), randomContent(100_000));
  return (await makeTorrent(folder)).info;
}

/** A peer that says these messages after its handshake, and nothing more. */
async function peer(t: TestContext, info: TorrentInfo, ...said: Uint8Array[]): Promise<Address> {
  const server = createServer((socket) =>
    new RawPeer(socket).send(encodeWireHandshake(info.infoHash, newPeerId()), ...said),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

async function tracker(t: TestContext, answer: string | undefined): Promise<string> {
  const server: HttpServer = createHttpServer((_, response) => {
    if (answer !== undefined) response.end(answer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/announce`;
}

interface Stall {
  readonly what: string;
  readonly says: RegExp;
  readonly spec?: (t: TestContext) => Promise<Partial<TorrentSpec>>;
  readonly peer?: (t: TestContext, info: TorrentInfo) => Promise<Address>;
  readonly settings?: LoopbackSettings;
  /** What there is before the torrent. */
  readonly before?: (node: LoopbackNode) => unknown;
}

const CLOSED_PORT: Address = { host: '127.0.0.1', port: 9 + 1024 };

const STALLS: readonly Stall[] = [
  { what: 'nobody can be asked', says: /^no tracker and no peer is known; use a magnet with a tracker/ },
  {
    what: 'no tracker answers',
    says: /^no tracker answers: /,
    spec: async () => ({ trackers: [[`http://127.0.0.1:${CLOSED_PORT.port}/announce`]] }),
  },
  {
    what: 'a tracker is silent',
    says: /^waiting for the tracker to answer$/,
    spec: async (t) => ({ trackers: [[await tracker(t, undefined)]] }),
  },
  {
    what: 'the tracker refuses',
    says: /^no tracker answers: .*not here/,
    spec: async (t) => ({ trackers: [[await tracker(t, 'd14:failure reason8:not heree')]] }),
  },
  {
    what: 'no other peer is known',
    says: /^the tracker knows no other peer/,
    spec: async (t) => ({ trackers: [[await tracker(t, 'd8:intervali1800e5:peers0:e')]] }),
  },
  {
    what: 'the known peer is not there',
    says: /^one peer is known and does not answer/,
    peer: async () => CLOSED_PORT,
  },
  {
    what: 'the peer refuses encryption',
    says: /^one peer refuses encryption; --encryption-out prefer/,
    peer: (t, info) => peer(t, info, message(MESSAGE.haveAll)),
    settings: { encryptionOut: 'require' },
  },
  {
    what: 'the peer chokes us',
    says: /^the one useful peer chokes us/,
    peer: (t, info) => peer(t, info, message(MESSAGE.haveAll)),
  },
  {
    what: 'nobody has the missing pieces',
    says: /^the one connected peer lacks the missing pieces; waiting for a seed/,
    peer: (t, info) => peer(t, info, message(MESSAGE.haveNone)),
  },
  {
    what: 'a peer that serves us sends nothing',
    says: /^waiting for the one connected peer to send the missing pieces/,
    peer: (t, info) => peer(t, info, message(MESSAGE.haveAll), message(MESSAGE.unchoke)),
  },
  {
    what: 'no peer has the metadata',
    says: /^the metadata is not found yet: the one connected peer has not sent it/,
    spec: async () => ({ info: undefined }),
    peer: (t, info) => peer(t, info, message(MESSAGE.haveNone)),
  },
  {
    what: 'the rate limit is zero',
    says: /^the download rate limit is 0; "monsoon limit --down none" lifts it/,
    peer: (t, info) => peer(t, info, message(MESSAGE.haveAll), message(MESSAGE.unchoke)),
    before: (node) => node.rates.down.limit(0),
  },
  {
    what: 'another one goes first',
    says: /^waits in the queue: one download runs at a time/,
    settings: { downloadsMax: 1 },
    before: async (node) => node.torrents.add(specOf(await content(), temporaryFolder('first')))!.started,
  },
];

for (const { what, says, spec, peer: open, settings, before } of STALLS) {
  test(`a torrent says within 15 s that ${what}`, async (t) => {
    const node = await openNodeFor(t, undefined, { encryptionOut: 'off', ...settings });
    const info = await content();
    await before?.(node);
    const { host, started } = node.torrents.add(specOf(info, temporaryFolder('fetched'), await spec?.(t)))!;
    await started;
    if (open) host.learn([await open(t, info)], 'user', 'user');
    let said: string | null = null;
    await until(
      `"${says}"`,
      () => {
        said = host.figures().stalledBecause;
        return says.test(said ?? '');
      },
      SAID_MS,
    ).catch((error: Error) => assert.fail(`${error.message}; it says "${said}"`));
  });
}
