/**
 * The listing as other nodes and anybody with curl see it: pages of changes, counts, metadata, and the place where
 * entries are published. Gives out what this node has; takes what is signed, true and its own to keep.
 */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type Fault, type InfoHash, isFault, type NodeId, parseInfoHash, publicFault } from '../../src/base/index.ts';
import { wallNow } from '../../src/io/alarm-clock.ts';
import { verify } from '../../src/io/identity.ts';
import type { ListingChanges, ListingStore } from '../../src/io/index.ts';
import { readInfo } from '../../src/io/read-info.ts';
import { Turnstile } from '../../src/io/turnstile.ts';
import {
  type Counts,
  type DenyFacts,
  type Entry,
  encodeCounts,
  encodeListingPage,
  isCursor,
  openEntry,
  parseArcs,
  parseCountedHashes,
  parsePublication,
  verifiedBy,
} from '../../src/listing/index.ts';
import type { Ownership } from '../../src/ports/index.ts';
import type { Membership } from '../overlay/membership.ts';

const deflate = promisify(gzip);

/** Each item costs the reader a signature check; this many stay well below 50 ms. */
const ITEMS_PER_PAGE = 100;
/** Shorter answers gain nothing. */
const GZIP_BYTES_MIN = 1024;
/** Hosts, as /24 or /48, whose publications are counted. */
const PUBLISHING_HOSTS_MAX = 10_000;
/** New entries that one /24 or /48 may publish here in a day; a whole archive comes over some days, a flood never. */
const PUBLICATIONS_PER_HOST_MAX = 2000;
const DAY_SECONDS = 86_400;

export interface ListingFrontSettings {
  readonly network: string;
  readonly nodeId: NodeId;
  readonly membership: Pick<Membership, 'ownArcs' | 'keptArcs'> & { readonly ownership: Ownership };
  readonly store: ListingStore;
  /** What this node itself counts of a hash that it keeps. */
  readonly counted: (infoHash: InfoHash) => Counts | undefined;
  readonly isDenied: (entry: DenyFacts) => boolean;
  /** Sealed entries that this node published lately. */
  readonly news: () => readonly Uint8Array[];
}

/** A body, gzip where the asker takes it. */
export interface FrontBody {
  readonly bytes: Uint8Array;
  readonly isCompressed: boolean;
}

export type FrontFault = Fault<
  'cursor-malformed' | 'arcs-malformed' | 'not-owner' | 'info-refused' | 'denied' | 'too-many' | string
>;

export class ListingFront {
  readonly #settings: ListingFrontSettings;
  /** New entries of today, by /24 or /48. */
  readonly #published = new Map<string, number>();
  #day = 0;
  readonly #reading = new Turnstile();

  constructor(settings: ListingFrontSettings) {
    this.#settings = settings;
  }

  /** GET /listing: `since` a cursor, `scope=own` or `kept` for the ranges this node owns
   * or keeps, `arcs` for others, `scope=news` for what it published lately, `first=1` for the newest and the best. */
  async page(parameters: URLSearchParams, takesGzip: boolean): Promise<FrontBody | FrontFault> {
    const { store, nodeId, network, membership } = this.#settings;
    const since = parameters.get('since') ?? '';
    if (since !== '' && !isCursor(since))
      return publicFault('cursor-malformed', 'since is a cursor of an earlier answer');
    const isFirst = parameters.get('first') === '1';
    const scope = parameters.get('scope');
    if (scope === 'news') return this.#news();
    const asked = parameters.get('arcs');
    const given = asked === null ? undefined : parseArcs(asked);
    if (asked !== null && !given) return publicFault('arcs-malformed', 'arcs are FROM-TO, 12 hex digits each');
    const arcs = scope === 'own' ? membership.ownArcs() : scope === 'kept' ? membership.keptArcs() : given;
    const changes: ListingChanges = isFirst
      ? await store.firstPage(ITEMS_PER_PAGE)
      : await store.changesSince(since, ITEMS_PER_PAGE, arcs);
    // Only what this node counted itself may go out under its name.
    const items = changes.items.map(({ bytes, counts, countsFrom, isVerified }) => ({
      entry: bytes,
      counts: countsFrom === nodeId ? counts : {},
      isVerified,
    }));
    const bytes = encodeListingPage({ cursor: changes.cursor, more: changes.more, network, source: nodeId, items });
    if (!takesGzip || bytes.length < GZIP_BYTES_MIN) return { bytes, isCompressed: false };
    return { bytes: await deflate(bytes), isCompressed: true };
  }

  /** What this node published lately, for its neighbours. */
  #news(): FrontBody {
    const { nodeId, network, news } = this.#settings;
    const items = news().map((entry) => ({ entry, counts: {}, isVerified: false }));
    const bytes = encodeListingPage({ cursor: '0', more: false, network, source: nodeId, items });
    return { bytes, isCompressed: false };
  }

  /** GET /counts?hashes=…; what is not this node's to keep is unknown to it. */
  counts(parameters: URLSearchParams): Uint8Array | FrontFault {
    const hashes = parseCountedHashes(parameters.get('hashes') ?? '');
    return isFault(hashes) ? hashes : encodeCounts(hashes.map((infoHash) => this.#settings.counted(infoHash)));
  }

  /** GET /metadata/HASH; undefined when it is not here. */
  async metadata(hash: string): Promise<Uint8Array | undefined> {
    const infoHash = parseInfoHash(hash)!;
    return this.#settings.isDenied({ infoHash }) ? undefined : this.#settings.store.getInfo(infoHash);
  }

  /**
   * POST /listing: takes one publication.
   * @param host the publisher's network, /24 or /48, which may publish so much in a day
   */
  async publish(body: Uint8Array, host: string): Promise<true | FrontFault> {
    const { store, membership, isDenied } = this.#settings;
    const publication = parsePublication(body);
    if (isFault(publication)) return publication;
    const entry = openEntry(publication.entry, verify, wallNow());
    if (isFault(entry)) return entry;
    if (membership.ownership.roleOf(entry.infoHash) === undefined) {
      return publicFault('not-owner', 'another supernode owns this hash; ask /supernodes');
    }
    if (isDenied(entry)) return publicFault('denied', 'this supernode does not list that');
    const isNew = (await store.getEntry(entry.infoHash, entry.publisher)) === undefined;
    if (isNew && !this.#mayPublish(host)) {
      return publicFault('too-many', `at most ${PUBLICATIONS_PER_HOST_MAX} new entries a day from one network`);
    }
    const isVerified = await this.#verify(entry, publication.info);
    if (isFault(isVerified)) return isVerified;
    await store.put([{ entry, bytes: publication.entry, isVerified, isPinned: false }]);
    if (isNew) this.#published.set(host, (this.#published.get(host) ?? 0) + 1);
    return true;
  }

  async #verify(entry: Entry, raw: Uint8Array | undefined): Promise<boolean | Fault> {
    if (!raw || entry.isWithdrawn) return false;
    // One at a time: while it is read, a hostile one of 2 MB takes 200 MB of memory.
    const info = await this.#reading.pass(() => readInfo(raw));
    if (isFault(info)) return publicFault('info-refused', info.text);
    const verdict = verifiedBy(entry, info);
    if (isFault(verdict)) return verdict;
    await this.#settings.store.putInfo(entry.infoHash, raw);
    return true;
  }

  #mayPublish(host: string): boolean {
    const day = Math.floor(wallNow() / DAY_SECONDS);
    if (day !== this.#day) this.#published.clear();
    this.#day = day;
    const published = this.#published.get(host);
    if (published === undefined) return this.#published.size < PUBLISHING_HOSTS_MAX;
    return published < PUBLICATIONS_PER_HOST_MAX;
  }
}
