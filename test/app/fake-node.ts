// A running node without a network: it remembers what it was asked, and its one download completes when told to.

import type {
  BootstrapStatus,
  CapChange,
  Caps,
  Choice,
  Claims,
  FileRow,
  FilterChange,
  FilterListText,
  FilterStatus,
  Finding,
  HostRow,
  ListingAnswer,
  ListingQuery,
  ListingRow,
  NodeStatus,
  OverlayStatus,
  PlacementRow,
  RateChange,
  RateLimits,
  RunningNode,
  Said,
  SharedTorrent,
  Statement,
  SupernodeRow,
  TorrentAction,
  TorrentDetail,
  TorrentRow,
  Wanted,
  WantedRole,
  ZoneReport,
} from '../../app/running-node.ts';
import type { FileReading, OpenFile } from '../../app/streamed-file.ts';
import { buildZone, recordRows } from '../../dns/index.ts';
import {
  type InfoHash,
  MonsoonError,
  type NodeId,
  nodeIdOfBytes,
  parseInfoHash,
  wallSeconds,
} from '../../src/base/index.ts';
import { content } from '../dns/fixtures.ts';

export const INFO_HASH: InfoHash = parseInfoHash('0123456789abcdef0123456789abcdef01234567')!;
export const NODE_ID: NodeId = nodeIdOfBytes(new Uint8Array(32).fill(7))!;
export const FILE_BYTES: Uint8Array = new TextEncoder().encode('hello, world');
const FILE_ROW: FileRow = { index: 1, path: 'Flood/read me.txt', size: 12, priority: 'high', progress: 0.5 };
const NASTY_NAME = 'Flood\u202e\u001b[31m of 1997';

export class FakeNode implements RunningNode {
  readonly asked: unknown[][] = [];
  row: TorrentRow = {
    infoHash: INFO_HASH,
    name: NASTY_NAME,
    state: 'downloading',
    progress: 0.42,
    downBytesPerSecond: 2_500_000,
    upBytesPerSecond: 0,
    peers: 3,
    stalledBecause: null,
    size: 314_572_800,
    bytesDownloaded: 132_120_576,
    bytesUploaded: 0,
    path: '/downloads/Flood',
    seconds: null,
    secondsLeft: 75,
    queuePlace: 1,
    downBytesPerSecondMax: null,
    upBytesPerSecondMax: 4096,
  };
  isStopped = false;
  rules: readonly string[] = [];
  subscribed: readonly { readonly author: NodeId; readonly takesOnly: boolean }[] = [];
  isPublisher = false;
  caps: Caps = { trackingBytesPerSecond: 60_000, hashes: 200_000, peers: 1_000_000 };

  complete(): void {
    this.row = {
      ...this.row,
      state: 'seeding',
      progress: 1,
      bytesDownloaded: this.row.size,
      seconds: 12.5,
      secondsLeft: null,
    };
  }

  status(): NodeStatus {
    return {
      nodeId: NODE_ID,
      pid: process.pid,
      port: 7373,
      ui: '',
      role: 'supernode',
      network: 'monsoon',
      supernodes: 1,
      listingRows: 1,
      bootstrap: [{ source: '192.0.2.1:7373', kind: 'told', state: 'silent', found: 0 }],
      caps: this.caps,
      overlay: OVERLAY_STATUS,
      limits: { downBytesPerSecondMax: null, upBytesPerSecondMax: 2_097_152 },
      dnsPort: null,
      bind: { to: '::', device: null, problem: null },
      portMapping: { state: 'off', protocol: null, host: null, tcpPort: null, udpPort: null, problem: null },
      reachedFrom: null,
      uptimeSeconds: 61,
    };
  }

  async share(path: string, claims: Claims): Promise<SharedTorrent> {
    this.asked.push(['share', path, claims]);
    const magnet = `magnet:?xt=urn:btih:${INFO_HASH}`;
    const leftOut = { links: 1, emptyFolders: 2, others: 0 };
    const renamed = { names: 2, example: ['a:b', 'a_b'] } as const;
    const torrentFile = '/data/shared.torrent';
    return { infoHash: INFO_HASH, name: 'shared', size: 1024, magnet, torrentFile, leftOut, renamed };
  }

  async get(what: string, directory: string | undefined, wanted?: Wanted): Promise<TorrentRow> {
    this.asked.push(['get', what, directory, ...(wanted ? [wanted] : [])]);
    if (what === 'nowhere')
      throw new MonsoonError('not-found', 'Nothing listed is called "nowhere". Run "monsoon list".');
    return this.row;
  }

  async getFile(bytes: Uint8Array): Promise<TorrentRow> {
    this.asked.push(['getFile', bytes.length]);
    return this.row;
  }

  async files(what: string): Promise<readonly FileRow[]> {
    this.asked.push(['files', what]);
    return [FILE_ROW];
  }

  open(infoHash: InfoHash, file: number): OpenFile {
    this.asked.push(['open', infoHash, file]);
    if (file !== FILE_ROW.index) throw new MonsoonError('not-found', `Flood has no file ${file}. Run "monsoon files".`);
    const read = (start: number, length: number): FileReading => {
      const parts = [FILE_BYTES.subarray(start, start + length)];
      return { next: async () => parts.pop(), close: () => undefined };
    };
    return { path: FILE_ROW.path, size: FILE_ROW.size, read };
  }

  async torrentFile(what: string): Promise<Uint8Array> {
    this.asked.push(['torrentFile', what]);
    return new TextEncoder().encode('d4:infode');
  }

  async choose(what: string, choice: Choice): Promise<readonly FileRow[]> {
    this.asked.push(['choose', what, choice]);
    return [FILE_ROW];
  }

  torrents(): readonly TorrentRow[] {
    return [this.row];
  }

  async act(what: string, action: TorrentAction): Promise<TorrentRow> {
    this.asked.push(['act', what, action]);
    if (what === 'nowhere') throw new MonsoonError('not-found', 'This node has no torrent nowhere. Run "monsoon ps".');
    return this.row;
  }

  limit(change: RateChange): RateLimits {
    this.asked.push(['limit', change]);
    return { downBytesPerSecondMax: change.down ?? null, upBytesPerSecondMax: change.up ?? null };
  }

  async list(query: ListingQuery): Promise<ListingAnswer> {
    this.asked.push(['list', query]);
    return { rows: [LISTING_ROW], total: 1 };
  }

  async say(what: string, statement: Statement): Promise<Said> {
    this.asked.push(['say', what, statement]);
    return { infoHash: INFO_HASH, name: NASTY_NAME, listing: statement.type === 'withdraw' ? null : LISTING_ROW };
  }

  filter(): FilterStatus {
    const list = { author: NODE_ID, title: NASTY_NAME, sequence: 5, published: 1_790_000_000, rules: 12 };
    const lists = this.subscribed.map((row) => ({ ...list, ...row, checkedAgeSeconds: 60 }));
    return { rules: this.rules, total: this.rules.length, lists, own: this.isPublisher ? list : null };
  }

  filterList(author: string): FilterListText {
    this.asked.push(['filterList', author]);
    const text = 'name:one\nname:two';
    return { author: NODE_ID, title: NASTY_NAME, sequence: 5, published: 1_790_000_000, rules: 2, text };
  }

  async changeFilter(change: FilterChange): Promise<FilterStatus> {
    this.asked.push(['filter', change]);
    const { subscribe, unsubscribe, publish } = change;
    this.subscribed = [
      ...this.subscribed.filter(({ author }) => author !== unsubscribe),
      ...(subscribe ? [subscribe] : []),
    ];
    this.isPublisher ||= publish !== undefined;
    this.rules = [...this.rules, ...(change.add ?? [])].filter((rule) => !change.remove?.includes(rule));
    return this.filter();
  }

  async info(what: string): Promise<TorrentDetail> {
    this.asked.push(['info', what]);
    return {
      infoHash: INFO_HASH,
      name: NASTY_NAME,
      magnet: `magnet:?xt=urn:btih:${INFO_HASH}`,
      listing: LISTING_ROW,
      counts: [{ source: NODE_ID, class: 'claimed', ageSeconds: 30, seeders: 4, leechers: 0, completions: null }],
      torrent: this.row,
      fileList: [FILE_ROW],
      pieceLength: 262_144,
      trackers: ['http://192.0.2.1:7373/announce'],
      links: [{ address: { host: '192.0.2.7', port: 6881 }, isIncoming: false, encryption: 'rc4', nodeId: null }],
    };
  }

  supernodes(): readonly SupernodeRow[] {
    const whole = '0'.repeat(40);
    const ranges = [{ from: whole, to: whole, epoch: 1, by: 'token' as const }];
    const addresses = [{ host: '192.0.2.1', port: 7373 }];
    return [{ nodeId: NODE_ID, addresses, load: 0.1, ranges, term: 1, isSelf: true, isLeaving: false }];
  }

  async doctor(): Promise<readonly Finding[]> {
    return [{ check: 'node', state: 'good', what: 'the node runs', advice: null }];
  }

  hosts(): readonly HostRow[] {
    const address = { host: '192.0.2.1', port: 7373 };
    return [
      {
        nodeId: NODE_ID,
        addresses: [address],
        answered: 1_790_000_000,
        heard: 1_790_000_000,
        misses: 0,
        isAnchor: true,
      },
      { nodeId: null, addresses: [{ ...address, port: 443 }], answered: null, heard: 1, misses: 2, isAnchor: false },
    ];
  }

  async addHosts(list: string): Promise<readonly BootstrapStatus[]> {
    this.asked.push(['addHosts', list]);
    return [{ source: 'hosts', kind: 'told', state: 'answered', found: 3 }];
  }

  zone(): ZoneReport {
    const zone = buildZone({ origin: 'sn.example.org', ttlSeconds: 60, serial: 7 }, content());
    const records = recordRows(zone);
    const facts = { zone: zone.origin, serial: 7, ttlSeconds: 60, port: 5353, supernodes: 3, nameServers: [] };
    return { ...facts, delegation: [], records };
  }

  async placement(what: string): Promise<PlacementRow> {
    this.asked.push(['placement', what]);
    const range = { from: '0'.repeat(40), to: '0'.repeat(40), epoch: 1 };
    return { infoHash: INFO_HASH, owner: NODE_ID, replicas: [], range, by: 'token' };
  }

  volunteer(role: WantedRole): NodeStatus {
    this.asked.push(['volunteer', role]);
    return this.status();
  }

  cap(change: CapChange): Caps {
    this.asked.push(['cap', change]);
    this.caps = { ...this.caps, ...change } as Caps;
    return this.caps;
  }

  async drain(): Promise<NodeStatus> {
    this.asked.push(['drain']);
    return { ...this.status(), role: 'client' };
  }

  async stop(): Promise<void> {
    this.isStopped = true;
  }
}

const OVERLAY_STATUS: OverlayStatus = {
  term: 1,
  termEndsInSeconds: 43_200,
  load: 0.1,
  used: { trackingBytesPerSecond: 6000, hashes: 120, peers: 3400 },
  ranges: 1,
  neighbours: [],
  isReplicated: true,
  candidates: 0,
  handOffs: 0,
  handOff: null,
  lastElection: { at: 1_700_000_000, term: 1, isGenesis: true },
  lastHandOff: null,
};

export const LISTING_ROW: ListingRow = {
  infoHash: INFO_HASH,
  name: NASTY_NAME,
  size: 314_572_800,
  files: 9,
  category: 'movie',
  tags: ['flood'],
  description: 'water',
  publisher: NODE_ID,
  added: wallSeconds(1_700_000_000),
  seeders: 4,
  leechers: 0,
  completions: null,
  countsFrom: NODE_ID,
  countsAgeSeconds: 30,
  verified: true,
};
