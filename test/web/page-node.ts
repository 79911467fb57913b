/**
 * A node whose rows a test sets, behind the local surface of real ones: their API, guard, token and headers. The listing
 * is a real store. It remembers what it was asked to do.
 */
import type { TestContext } from 'node:test';
import type { Home } from '../../app/home.ts';
import type {
  CapChange,
  Caps,
  Choice,
  Claims,
  CountRow,
  FileRow,
  FilterChange,
  FilterListRow,
  FilterStatus,
  ListingAnswer,
  ListingQuery,
  ListingRow,
  NodeStatus,
  OverlayStatus,
  PlacementRow,
  RateChange,
  RateLimits,
  SharedTorrent,
  SupernodeRow,
  TorrentAction,
  TorrentDetail,
  TorrentRow,
  WantedRole,
} from '../../app/running-node.ts';
import { MonsoonError, parseInfoHash, wallSeconds } from '../../src/base/index.ts';
import { type ListingStore, openListingStore, type StoredItem } from '../../src/io/index.ts';
import { FakeNode, INFO_HASH, NODE_ID } from '../app/fake-node.ts';
import { hostNode, placeFor } from '../app/place.ts';
import { infoHashOf, nodeIdOf } from '../listing/signer.ts';

/** A transfer that is not done. */
export function torrentOf(i: number, changes: Partial<TorrentRow> = {}): TorrentRow {
  return {
    ...{ infoHash: infoHashOf(i), name: `Torrent number ${i}`, state: 'downloading', progress: 0.4237 },
    ...{ downBytesPerSecond: 4_300_000, upBytesPerSecond: 91_000, peers: 12, stalledBecause: null },
    ...{ size: 3_650_722_201, bytesDownloaded: 1_546_800_000, bytesUploaded: 99_000 },
    ...{ path: '/home/me/Downloads/monsoon/x', seconds: null, secondsLeft: 489, queuePlace: 1 },
    ...{ downBytesPerSecondMax: null, upBytesPerSecondMax: null },
    ...changes,
  };
}

/** A file of a transfer. */
export function fileOf(index: number, path: string, changes: Partial<FileRow> = {}): FileRow {
  return { index, path, size: 1_234_567 * (index + 1), priority: 'normal', progress: 0.25, ...changes };
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
    load: ((owner * 37 + 20) % 97) / 100,
    ranges: ranges.filter((one) => one.owner === owner).map(({ range }) => range),
    ...{ term: 3, isSelf: owner === 0, isLeaving: false },
  }));
}

/** The nth of positions that look like chance. */
function placeOf(n: number): string {
  return (((n + 1) * 0.6180339887) % 1).toString(16).slice(2, 12).padEnd(40, '7');
}

/** What three supernodes counted of a row, which shows the middle of it. */
function countsOf(row: ListingRow | null): CountRow[] {
  const near = (count: number | null, i: number): number | null => (count === null ? null : Math.max(0, count + i));
  if (row?.seeders == null) return [];
  return [0, 1, -1].map((i, at) => ({
    ...{ source: nodeIdOf(9 + at), class: at === 0 ? 'tracked' : 'claimed', ageSeconds: at * 20 },
    ...{ seeders: near(row.seeders, i) },
    ...{ leechers: near(row.leechers, -i), completions: row.completions },
  }));
}

export class PageNode extends FakeNode {
  readonly store: ListingStore;
  transfers: TorrentRow[] = [];
  fileList: FileRow[] = [];
  ring: SupernodeRow[] = [];
  lists: FilterListRow[] = [];
  handOff: OverlayStatus['handOff'] = null;
  limits: RateLimits = { downBytesPerSecondMax: null, upBytesPerSecondMax: null };
  /** Set to make what is asked for fail with this text. */
  failure: string | undefined;
  #rowCount = 0;

  private constructor(store: ListingStore) {
    super();
    this.store = store;
  }

  static async open(items: readonly StoredItem[]): Promise<PageNode> {
    const node = new PageNode(
      await openListingStore(':memory:', { rowsMax: 200_000, warn: (text) => Promise.reject(new Error(text)) }),
    );
    await node.add(items);
    return node;
  }

  async add(items: readonly StoredItem[]): Promise<void> {
    await this.store.put(items);
    this.#rowCount = await this.store.rowCount();
  }

  override status(): NodeStatus {
    const base = super.status();
    const bootstrap = [
      { kind: 'told' as const, source: '192.0.2.1:7373', state: 'answered' as const, found: 3 },
      { kind: 'dns' as const, source: 'seeds.example.org', state: 'silent' as const, found: 0 },
    ];
    const { handOff } = this;
    const lastHandOff = { at: Date.now() / 1000 - 130, to: nodeIdOf(10), range: null, peers: 5120, milliseconds: 2400 };
    const overlay: OverlayStatus = { ...base.overlay, handOff, lastHandOff: { ...lastHandOff, failedAt: null } };
    const supernodes = this.ring.length;
    return {
      ...base,
      supernodes,
      listingRows: this.#rowCount,
      limits: this.limits,
      bootstrap,
      overlay,
      uptimeSeconds: 61,
    };
  }

  override list(query: ListingQuery): Promise<ListingAnswer> {
    return this.store.list(query, wallSeconds(Date.now() / 1000));
  }

  override torrents(): readonly TorrentRow[] {
    return this.transfers;
  }

  override supernodes(): readonly SupernodeRow[] {
    return this.ring;
  }

  override async info(what: string): Promise<TorrentDetail> {
    const infoHash = parseInfoHash(what);
    if (!infoHash) throw new MonsoonError('not-found', `${what} is no hash.`);
    const torrent = this.transfers.find((row) => row.infoHash === infoHash) ?? null;
    const listing = (await this.store.get(infoHash, wallSeconds(Date.now() / 1000))) ?? null;
    if (!torrent && !listing) throw new MonsoonError('not-found', `${what} is neither listed nor here.`);
    const name = torrent?.name ?? listing!.name;
    const links = [
      { address: { host: '198.51.100.7', port: 6881 }, isIncoming: false, encryption: 'rc4' as const, nodeId: null },
      { address: { host: '2001:db8::7', port: 7373 }, isIncoming: true, encryption: 'tls' as const, nodeId: NODE_ID },
    ];
    return {
      ...{ infoHash, name, magnet: `magnet:?xt=urn:btih:${infoHash}`, listing, torrent, fileList: [] },
      counts: countsOf(listing),
      ...{ pieceLength: torrent ? 2 ** 20 : null, links: torrent ? links : [] },
      trackers: ['http://192.0.2.1:7373/announce'],
    };
  }

  override async placement(what: string): Promise<PlacementRow> {
    const [owner, ...others] = this.ring;
    const infoHash = parseInfoHash(what);
    if (!owner || !infoHash) throw new MonsoonError('not-found', 'no supernode is known');
    const replicas = others.slice(0, 2).map(({ nodeId }) => nodeId);
    return { infoHash, owner: owner.nodeId, replicas, range: owner.ranges[0]!, by: 'token' };
  }

  override filter(): FilterStatus {
    const status = super.filter();
    return { ...status, lists: [...this.lists, ...status.lists] };
  }

  override async changeFilter(change: FilterChange): Promise<FilterStatus> {
    if (this.failure !== undefined) throw new MonsoonError('disk', this.failure);
    const status = await super.changeFilter(change);
    await this.store.deny(status.rules.join('\n'));
    this.#rowCount = await this.store.rowCount();
    return status;
  }

  override async files(): Promise<readonly FileRow[]> {
    return this.fileList;
  }

  override async get(what: string): Promise<TorrentRow> {
    this.#note('get', what);
    return this.transfers[0] ?? torrentOf(1);
  }

  override async getFile(bytes: Uint8Array): Promise<TorrentRow> {
    this.#note('getFile', bytes.length);
    return torrentOf(1);
  }

  override async act(what: string, action: TorrentAction): Promise<TorrentRow> {
    this.#note('act', what, action);
    return this.transfers.find(({ infoHash }) => infoHash === what) ?? torrentOf(1);
  }

  override async choose(what: string, choice: Choice): Promise<readonly FileRow[]> {
    this.#note('choose', what, choice);
    return this.fileList;
  }

  override async share(path: string, claims: Claims): Promise<SharedTorrent> {
    this.#note('share', path, claims);
    const magnet = `magnet:?xt=urn:btih:${INFO_HASH}`;
    const leftOut = { links: 2, emptyFolders: 0, others: 0 };
    const torrentFile = '/data/shared.torrent';
    const renamed = { names: 1, example: ['a:b', 'a_b'] } as const;
    return { infoHash: INFO_HASH, name: 'shared thing', size: 1024, magnet, torrentFile, leftOut, renamed };
  }

  override limit(change: RateChange): RateLimits {
    this.#note('limit', change);
    const { down = this.limits.downBytesPerSecondMax, up = this.limits.upBytesPerSecondMax } = change;
    this.limits = { downBytesPerSecondMax: down, upBytesPerSecondMax: up };
    return this.limits;
  }

  override cap(change: CapChange): Caps {
    this.#note('cap', change);
    return super.status().caps;
  }

  override volunteer(role: WantedRole): NodeStatus {
    this.#note('volunteer', role);
    return this.status();
  }

  override async stop(): Promise<void> {
    await this.store.close();
  }

  #note(...asked: unknown[]): void {
    if (this.failure !== undefined) throw new MonsoonError('disk', this.failure);
    this.asked.push(JSON.parse(JSON.stringify(asked)));
  }
}

export interface OpenPage {
  readonly node: PageNode;
  /** Ends with a slash. */
  readonly url: string;
  readonly home: Home;
}

/** Opens the node's page surface; both are gone with the test. */
export async function openPageNode(t: TestContext, items: readonly StoredItem[] = []): Promise<OpenPage> {
  const node = await PageNode.open(items);
  const place = placeFor(t);
  const { ui: url } = await hostNode(t, place, node);
  return { node, url, home: place.home };
}
