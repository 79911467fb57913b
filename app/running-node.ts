/**
 * What a running node can be asked to do: the one interface that the local API, the CLI and `monsoon demo` see.
 * The rows are the JSON that scripts rely on (README, "What scripts may rely on"), so their members are stable.
 */
import type { RecordRow } from '../dns/index.ts';
import type { Address, InfoHash, NodeId } from '../src/base/index.ts';
import type { ListingAnswer, ListingQuery, ListingRow } from '../src/listing/index.ts';
import type { SourceKind } from '../src/overlay/index.ts';
import type { LeftOut, Renamed } from '../src/torrent/index.ts';
import type { OpenFile } from './streamed-file.ts';

export type { ListingAnswer, ListingQuery, ListingRow, ListingSort } from '../src/listing/index.ts';

/** `status --json`. */
export interface NodeStatus {
  readonly nodeId: NodeId;
  readonly pid: number;
  /** The one port that is really bound. */
  readonly port: number;
  /** Address of the local page, for a browser on this machine. */
  readonly ui: string;
  readonly role: NodeRole;
  readonly network: string;
  /** Supernodes known, this node included when it is one. */
  readonly supernodes: number;
  readonly listingRows: number;
  readonly bootstrap: readonly BootstrapStatus[];
  readonly caps: Caps;
  readonly overlay: OverlayStatus;
  /** The rate limits of the whole node. */
  readonly limits: RateLimits;
  /** UDP and TCP port of the DNS responder; null without a zone. */
  readonly dnsPort: number | null;
  /** What all traffic is bound to, the device that the kernel pins it to, and what is wrong with that. */
  readonly bind: { readonly to: string; readonly device: string | null; readonly problem: string | null };
  readonly portMapping: PortMappingStatus;
  /** From how far somebody has connected to us since the start; null while nobody has. */
  readonly reachedFrom: 'internet' | 'lan' | null;
  readonly uptimeSeconds: number;
}
/** What a node is to the others now: a candidate is being elected, one that leaves hands over what it owns. */
export type NodeRole = 'client' | 'candidate' | 'supernode' | 'leaving';
/** What a user lends at most. */
export interface Caps {
  readonly trackingBytesPerSecond: number;
  readonly hashes: number;
  readonly peers: number;
}
/** What is absent stays as it is. */
export interface CapChange {
  readonly trackingBytesPerSecond?: number | undefined;
  readonly hashes?: number | undefined;
  readonly peers?: number | undefined;
}
/** This node's part in the overlay; `at` is seconds since 1970. */
export interface OverlayStatus {
  /** Null while it does not serve. */
  readonly term: number | null;
  readonly termEndsInSeconds: number | null;
  /** 0–1: the share of what it can bear, of whatever is nearest to its cap. */
  readonly load: number;
  readonly used: Caps;
  /** Arcs that it owns. */
  readonly ranges: number;
  /** Those that keep copies of what it owns. */
  readonly neighbours: readonly NodeId[];
  /** All of them have everything; null while it does not serve. */
  readonly isReplicated: boolean | null;
  /** Nodes that offered to serve. */
  readonly candidates: number;
  /** Ranges handed over since the start. */
  readonly handOffs: number;
  /** The hand-off under way. */
  readonly handOff: {
    readonly to: NodeId;
    readonly range: { readonly from: string; readonly to: string };
    readonly step: string;
  } | null;
  readonly lastElection: { readonly at: number; readonly term: number; readonly isGenesis: boolean } | null;
  readonly lastHandOff: {
    readonly at: number;
    readonly to: NodeId;
    readonly range: { readonly from: string; readonly to: string } | null;
    readonly peers: number | null;
    readonly milliseconds: number | null;
    /** The step at which it failed; null when it did not. */
    readonly failedAt: string | null;
  } | null;
}
/** What a router passes on to us. */
export interface PortMappingStatus {
  readonly state: 'off' | 'searching' | 'mapped' | 'none';
  /** `pcp`, `nat-pmp` or `upnp`. */
  readonly protocol: string | null;
  /** The router's address outside, and its ports. */
  readonly host: string | null;
  readonly tcpPort: number | null;
  readonly udpPort: number | null;
  /** Why there is no mapping, or why it does not reach the internet. */
  readonly problem: string | null;
}
export interface BootstrapStatus {
  /** The configured text, such as `192.0.2.1:7373`, or `cache`, `lan`, `dht`. */
  readonly source: string;
  /** Which of the ways in it is. */
  readonly kind: SourceKind;
  readonly state: 'trying' | 'answered' | 'silent';
  /** Supernodes learnt from it. */
  readonly found: number;
}

/** What `doctor` looks at, in the order in which it is told. */
export type Check =
  | 'node'
  | 'bind'
  | 'port'
  | 'reachability'
  | 'supernodes'
  | 'clock'
  | 'dns'
  | 'lan'
  | 'disk'
  | 'files'
  | 'ipv6';

/** One row of `doctor --json`: `note` is worth knowing and harms nobody. */
export interface Finding {
  readonly check: Check;
  readonly state: 'good' | 'note' | 'problem';
  readonly what: string;
  /** What to do; null where there is nothing to be done. */
  readonly advice: string | null;
}

/** One row of `hosts --json`: a node known from before, first those that are tried first. */
export interface HostRow {
  /** Null where somebody named an address alone. */
  readonly nodeId: NodeId | null;
  readonly addresses: readonly Address[];
  /** Seconds since 1970 when it answered last, and when it was heard of last; null when never. */
  readonly answered: number | null;
  readonly heard: number;
  /** Tries since then that came to nothing. */
  readonly misses: number;
  readonly isAnchor: boolean;
}

/** One row of `share --json`. */
export interface SharedTorrent {
  readonly infoHash: InfoHash;
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly magnet: string;
  /** Path of the .torrent file that was written. */
  readonly torrentFile: string;
  /** What of the folder is not in the torrent. */
  readonly leftOut: LeftOut;
  readonly renamed: Renamed;
}
/** What a publisher claims about a share; unlike name and size nobody can check it. */
export interface Claims {
  readonly category?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
}

export type TorrentState =
  | 'metadata'
  | 'checking'
  | 'downloading'
  | 'seeding'
  | 'paused'
  | 'queued'
  | 'moving'
  | 'stopped'
  | 'failed';
/** One row of `ps --json`. */
export interface TorrentRow {
  readonly infoHash: InfoHash;
  readonly name: string;
  readonly state: TorrentState;
  /** 0–1, verified bytes over all that are wanted. */
  readonly progress: number;
  readonly downBytesPerSecond: number;
  readonly upBytesPerSecond: number;
  /** Links that passed the wire handshake. */
  readonly peers: number;
  /** Why nothing moves, as a sentence; null while something does or nothing should. */
  readonly stalledBecause: string | null;
  /** Bytes; 0 until the metadata is known. */
  readonly size: number;
  /** Payload bytes received since the torrent was added, refetched ones included. */
  readonly bytesDownloaded: number;
  readonly bytesUploaded: number;
  /** Where the content lies: the file or folder named after the torrent. */
  readonly path: string;
  /** Seconds from being added to being complete; null until then. */
  readonly seconds: number | null;
  readonly secondsLeft: number | null;
  /** 1 for the download that goes first; null for what has nothing to fetch, or may not. */
  readonly queuePlace: number | null;
  /** Its own limits, null where it has none; those of the node hold besides. */
  readonly downBytesPerSecondMax: number | null;
  readonly upBytesPerSecondMax: number | null;
}

/** `limit --json` without a torrent: what the whole node keeps to. */
export interface RateLimits {
  readonly downBytesPerSecondMax: number | null;
  readonly upBytesPerSecondMax: number | null;
}
/** Bytes per second: null lifts a limit, 0 lets nothing through, undefined leaves it as it is. */
export interface RateChange {
  readonly down?: number | null | undefined;
  readonly up?: number | null | undefined;
}

/** What can be done with a torrent that is here. */
export type TorrentAction =
  | { readonly type: 'pause' | 'resume' | 'verify' }
  | ({ readonly type: 'limit' } & RateChange)
  /** `directory` is absolute. */
  | { readonly type: 'move'; readonly directory: string }
  /** Files that lie where their owner shared them from are never deleted. */
  | { readonly type: 'remove'; readonly withData: boolean }
  | { readonly type: 'queue'; readonly to: 'first' | 'last' | 'up' | 'down' };

/** What a publisher does with its entry; claims that are absent stay as they are. */
export type Statement = { readonly type: 'publish' | 'edit'; readonly claims: Claims } | { readonly type: 'withdraw' };
/** `publish --json`, `edit --json`, `withdraw --json`: the row as it is listed now; null once it is withdrawn. */
export interface Said {
  readonly infoHash: InfoHash;
  readonly name: string;
  readonly listing: ListingRow | null;
}

/** The first of the user's own rules, and how many there are. */
export interface RuleStatus {
  readonly rules: readonly string[];
  readonly total: number;
}
export interface RuleChange {
  readonly add?: readonly string[] | undefined;
  readonly remove?: readonly string[] | undefined;
}
/** `filter --json`: the rules, the lists that are subscribed to, and the one that this node publishes. */
export interface FilterStatus extends RuleStatus {
  readonly lists: readonly FilterListRow[];
  readonly own: OwnFilterList | null;
}
/** A subscribed list; what is not known before it was found is null. */
export interface FilterListRow {
  readonly author: NodeId;
  readonly title: string | null;
  readonly sequence: number | null;
  /** Seconds since 1970. */
  readonly published: number | null;
  /** How many it has. */
  readonly rules: number;
  /** Only rows of the publishers that it names are shown. */
  readonly takesOnly: boolean;
  /** Since somebody who keeps it was asked; null while nobody answered since the start. */
  readonly checkedAgeSeconds: number | null;
}
export interface OwnFilterList {
  readonly author: NodeId;
  readonly title: string;
  readonly sequence: number;
  readonly published: number;
  readonly rules: number;
}
/** `filter show --json`: a list as its author signed it. */
export interface FilterListText extends OwnFilterList {
  /** One rule a line. */
  readonly text: string;
}
export interface FilterChange extends RuleChange {
  readonly subscribe?: { readonly author: NodeId; readonly takesOnly: boolean } | undefined;
  readonly unsubscribe?: NodeId | undefined;
  /** The list that this node signs and publishes, in the place of the one before. */
  readonly publish?: { readonly title: string; readonly rules: string } | undefined;
}

/** How much a file is wanted, from least to most. */
export const PRIORITY_NAMES = ['skip', 'low', 'normal', 'high'] as const;
export type PriorityName = (typeof PRIORITY_NAMES)[number];

/** One row of `files --json`. */
export interface FileRow {
  /** Place in the torrent's list of files, padding counted. */
  readonly index: number;
  /** Cleaned, joined with `/`. */
  readonly path: string;
  readonly size: number;
  readonly priority: PriorityName;
  /** 0–1, verified bytes over all bytes. */
  readonly progress: number;
}

/** Files, each by index (`0,2,4-6`), by a pattern with `*` and `?`, or by a part of its path; the later one is stronger. */
export type FileSelectors = readonly string[];

/** What of a torrent is wanted when it is added. */
export interface Wanted {
  /** All of them when empty. */
  readonly files: FileSelectors;
  readonly isSequential: boolean;
}

/** What shall change for files of a torrent, in this order; what is absent stays. */
export interface Choice {
  /** These and no others. */
  readonly only?: FileSelectors;
  readonly skip?: FileSelectors;
  readonly low?: FileSelectors;
  readonly normal?: FileSelectors;
  readonly high?: FileSelectors;
  readonly isSequential?: boolean;
}

/** `info --json`: the row, and what is known beyond it. */
export interface TorrentDetail {
  readonly infoHash: InfoHash;
  readonly name: string;
  readonly magnet: string;
  readonly listing: ListingRow | null;
  /** What each supernode that keeps it counted, the newest word first: the row shows the middle of them. */
  readonly counts: readonly CountRow[];
  readonly torrent: TorrentRow | null;
  /** Empty until the metadata is known. */
  readonly fileList: readonly FileRow[];
  readonly pieceLength: number | null;
  readonly trackers: readonly string[];
  /** The peers connected now. */
  readonly links: readonly LinkRow[];
}
/** Announced to this node as the owner, or another supernode's word. Who is connected to this node is in `links`. */
export type CountClass = 'tracked' | 'claimed';
/** What one supernode tracks of a swarm; null is unknown. */
export interface CountRow {
  readonly source: NodeId;
  readonly class: CountClass;
  readonly ageSeconds: number;
  readonly seeders: number | null;
  readonly leechers: number | null;
  readonly completions: number | null;
}
/** One connected peer. */
export interface LinkRow {
  readonly address: Address;
  /** It dialled us. */
  readonly isIncoming: boolean;
  /** What hides what is said: TLS, RC4, RC4 for the link's beginning only, or nothing. */
  readonly encryption: 'tls' | 'rc4' | 'header' | 'none';
  /** The node that TLS proved to be at the other end; null where it proved none. */
  readonly nodeId: NodeId | null;
}
/** One row of `supernodes --json`. */
export interface SupernodeRow {
  readonly nodeId: NodeId;
  readonly addresses: readonly Address[];
  /** 0–1. */
  readonly load: number;
  /** Arcs of the 160-bit ring as hex, `from` exclusive, `to` inclusive; equal ends mean the whole ring. */
  readonly ranges: readonly RangeRow[];
  readonly term: number;
  readonly isSelf: boolean;
  /** It hands over, and owns nothing any more. */
  readonly isLeaving: boolean;
}
export interface RangeRow {
  readonly from: string;
  readonly to: string;
  /** Grows with every hand-off. */
  readonly epoch: number;
  /** By a token of its own election, or by another's grant. */
  readonly by: 'token' | 'grant';
}
/** `supernodes --why HASH --json`. */
export interface PlacementRow {
  readonly infoHash: InfoHash;
  readonly owner: NodeId;
  /** Those that keep copies. */
  readonly replicas: readonly NodeId[];
  readonly range: { readonly from: string; readonly to: string; readonly epoch: number };
  readonly by: 'token' | 'grant';
}
/** `dns zone --json`, with the records that `dns records --json` prints. */
export interface ZoneReport {
  readonly zone: string;
  readonly serial: number;
  readonly ttlSeconds: number;
  readonly port: number;
  /** Supernodes that it names. */
  readonly supernodes: number;
  readonly nameServers: readonly string[];
  /** Lines of a master file for the parent's zone: NS and glue. */
  readonly delegation: readonly string[];
  readonly records: readonly RecordRow[];
}
/** What a user wants the node to be: elected first, elected when needed, or never. */
export type WantedRole = 'supernode' | 'auto' | 'client';

/** A node that serves. Every method that cannot do what was asked rejects with a MonsoonError. */
export interface RunningNode {
  status(): NodeStatus;
  /** Hashes and announces a file or folder, then publishes it; resolves once both are done. */
  share(path: string, claims: Claims): Promise<SharedTorrent>;
  /**
   * Starts (or finds) a download.
   * @param what a magnet, an info hash, a unique hash prefix of 6 or more digits, a path of a .torrent file, or a listed name
   * @param directory absolute; the configured download directory when absent
   * @param wanted only these files, and in this order; of a magnet those that it names (BEP 53) unless told
   */
  get(what: string, directory: string | undefined, wanted?: Wanted): Promise<TorrentRow>;
  /** The same for the bytes of a .torrent file, into the configured download directory. */
  getFile(bytes: Uint8Array): Promise<TorrentRow>;
  /**
   * The files of a torrent that is here or listed; its metadata may have to be asked of the supernode that keeps it.
   * @param what an info hash, a unique prefix of one, or a magnet
   */
  files(what: string): Promise<readonly FileRow[]>;
  /** A file of a torrent that is here; throws a MonsoonError where it is not, or cannot be read now. */
  open(infoHash: InfoHash, file: number): OpenFile;
  /** The bytes of a .torrent file, with our trackers; `what` is as for `files`. */
  torrentFile(what: string): Promise<Uint8Array>;
  /**
   * Fetches other files of a torrent than before, or the same ones more or less; resolves with all of its files.
   * @param what an info hash, a unique prefix of one, or a magnet
   */
  choose(what: string, choice: Choice): Promise<readonly FileRow[]>;
  torrents(): readonly TorrentRow[];
  /**
   * Does something with a torrent that is here; resolves with its row once that is done, a removed one's last.
   * @param what an info hash, a unique prefix of 6 or more digits, or the torrent's name
   */
  act(what: string, action: TorrentAction): Promise<TorrentRow>;
  /** Changes the rate limits of the node until it stops, and tells what they are now. */
  limit(change: RateChange): RateLimits;
  /** The rows of the local store that fit, and how many there are; asks nobody. */
  list(query: ListingQuery): Promise<ListingAnswer>;
  /**
   * Publishes an entry for a torrent that is here, changes what ours says, or takes it back; resolves with its row.
   * @param what an info hash, a unique prefix of one, or the torrent's name
   */
  say(what: string, statement: Statement): Promise<Said>;
  /** The filter rules and lists. */
  filter(): FilterStatus;
  /** A list that is subscribed to, or our own; throws a MonsoonError (`not-found`) where it is not here. */
  filterList(author: string): FilterListText;
  /** Adds and removes rules, subscribes to lists and publishes one; what they name leaves the listing. */
  changeFilter(change: FilterChange): Promise<FilterStatus>;
  /** @param what an info hash, a unique prefix of one, or a magnet */
  info(what: string): Promise<TorrentDetail>;
  supernodes(): readonly SupernodeRow[];
  /** What is wrong with this node and its surroundings, and what to do. */
  doctor(): Promise<readonly Finding[]>;
  hosts(): readonly HostRow[];
  /**
   * Asks hosts that the user names now, and remembers them; resolves with what came of it.
   * @param list as `hosts export` prints it, or an http URL where such a list is
   */
  addHosts(list: string): Promise<readonly BootstrapStatus[]>;
  /** @param infoHash 40 hex digits, or a unique prefix of 6 or more of a torrent that is here or listed */
  placement(infoHash: string): Promise<PlacementRow>;
  /** What this node answers as a name server; throws a MonsoonError (`not-found`) when it answers for no zone. */
  zone(): ZoneReport;
  /** Stands for election from now on, or serves no more: what it owns is handed over first. */
  volunteer(role: WantedRole): NodeStatus;
  /** Changes the caps until the node stops, and tells what they are now. */
  cap(change: CapChange): Caps;
  /** Hands over everything and stays a client; resolves when others have it. */
  drain(): Promise<NodeStatus>;
  /** Announces `stopped`, writes state, closes every socket; resolves when nothing is left open. */
  stop(): Promise<void>;
}
