/**
 * Keeps the local listing in step with the supernodes': pulls what changed, refreshes counts by scraping, and carries
 * this node's own entries to the supernode that owns their hash. Searching never leaves the machine; this does.
 */
import {
  decodeBencode,
  type InfoHash,
  infoHashBytes,
  infoHashOfBytes,
  isFault,
  type NodeId,
} from '../src/base/index.ts';
import { wallNow } from '../src/io/alarm-clock.ts';
import type { HttpClient } from '../src/io/http-client.ts';
import { verify } from '../src/io/identity.ts';
import type { HashCounts, ListingStore, StoredItem } from '../src/io/index.ts';
import { encodePublication, openEntry, PAGE_BYTES_MAX, parseListingPage } from '../src/listing/index.ts';
import type { Descriptor } from '../src/overlay/index.ts';
import { percentEncode } from '../src/torrent/index.ts';
import type { Log } from './log.ts';
import type { Membership } from './membership.ts';

const PULL_MS = 5000;
/** Supernodes that are pulled from in one round. */
const PULLED_MAX = 8;
const TIMEOUT_MS = 10_000;
/** Pages taken from one supernode in one round. */
const PAGES_MAX = 20;
const SCRAPE_HASHES = 70;
const SCRAPE_BYTES_MAX = 32_768;

/** An entry of ours and what it needs to be verified. */
export interface OwnEntry {
  readonly infoHash: InfoHash;
  readonly entry: Uint8Array;
  readonly info: Uint8Array;
}

/** Pulls and pushes the listing. */
export class ListingSync {
  readonly #network: string;
  readonly #store: ListingStore;
  readonly #membership: Membership;
  readonly #http: HttpClient;
  readonly #log: Log;
  readonly #cursors = new Map<NodeId, string>();
  /** Ours, by hash; bounded by the torrents of this node. */
  readonly #own = new Map<InfoHash, OwnEntry & { acceptedBy: NodeId | undefined }>();
  readonly #ending = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;
  #isClosed = false;
  /** Where in the list of supernodes the next round begins. */
  #turn = 0;

  constructor(network: string, store: ListingStore, membership: Membership, http: HttpClient, log: Log) {
    this.#network = network;
    this.#store = store;
    this.#membership = membership;
    this.#http = http;
    this.#log = log;
  }

  start(): void {
    this.#schedule(0);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#ending.abort();
    await this.#round;
  }

  /** Adds an entry of ours to what is published; it is offered until the owner of its hash took it. */
  add(own: OwnEntry): void {
    this.#own.set(own.infoHash, { ...own, acceptedBy: undefined });
  }

  /** Offers an entry no more. */
  remove(infoHash: InfoHash): void {
    this.#own.delete(infoHash);
  }

  /** Adds an entry of ours and offers it now. */
  async publish(own: OwnEntry): Promise<void> {
    this.add(own);
    await this.#push();
  }

  /** The supernodes changed: does the next round now if nobody was asked yet, or an entry of ours has another owner. */
  nudge(): void {
    if (!this.#round && (this.#cursors.size === 0 || this.#hasUnaccepted)) this.#schedule(0);
  }

  get #hasUnaccepted(): boolean {
    for (const { infoHash, acceptedBy } of this.#own.values()) {
      const owner = this.#membership.ownership.ownerOf(infoHash);
      if (owner !== undefined && owner !== 'self' && owner.nodeId !== acceptedBy) return true;
    }
    return false;
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#round = this.#work()
        .catch((error: unknown) =>
          this.#log.warn('the listing could not be brought up to date', { because: `${error}` }),
        )
        .finally(() => {
          this.#round = undefined;
          this.#schedule(PULL_MS);
        });
    }, delayMs);
  }

  async #work(): Promise<void> {
    await this.#push();
    await Promise.all(this.#nextSources().map((supernode) => this.#pull(supernode)));
  }

  /** A few supernodes at a time, each in its turn. */
  #nextSources(): readonly Descriptor[] {
    const others = this.#membership.others();
    const first = others.length > PULLED_MAX ? this.#turn % others.length : 0;
    this.#turn = first + PULLED_MAX;
    return [...others.slice(first), ...others.slice(0, first)].slice(0, PULLED_MAX);
  }

  async #push(): Promise<void> {
    for (const own of this.#own.values()) {
      if (this.#isClosed) return;
      const owner = this.#membership.ownership.ownerOf(own.infoHash);
      if (owner === undefined || owner === 'self' || owner.nodeId === own.acceptedBy) continue;
      const supernode = this.#membership.get(owner.nodeId);
      const origin = supernode && this.#membership.originOf(supernode);
      if (origin === undefined) continue;
      const reply = await this.#http.request({
        origin,
        method: 'POST',
        path: '/listing',
        headers: { 'content-type': 'application/octet-stream' },
        body: encodePublication({ entry: own.entry, info: own.info }),
        timeoutMs: TIMEOUT_MS,
        signal: this.#ending.signal,
        bytesMax: 4096,
      });
      if (!isFault(reply) && reply.status === 200) own.acceptedBy = owner.nodeId;
      else
        this.#log.info('an entry was not taken', {
          infoHash: own.infoHash,
          because: isFault(reply) ? reply.text : reply.status,
        });
    }
  }

  async #pull(supernode: Descriptor): Promise<void> {
    const origin = this.#membership.originOf(supernode);
    if (origin === undefined) return;
    for (let page = 0; page < PAGES_MAX && !this.#isClosed; page++) {
      const cursor = this.#cursors.get(supernode.nodeId) ?? '';
      const path = `/listing?since=${encodeURIComponent(cursor)}`;
      const reply = await this.#http.request({
        origin,
        method: 'GET',
        path,
        timeoutMs: TIMEOUT_MS,
        signal: this.#ending.signal,
        bytesMax: PAGE_BYTES_MAX,
      });
      if (isFault(reply) && !this.#isClosed) this.#membership.noteSilent(supernode.nodeId);
      if (isFault(reply) || reply.status !== 200) return;
      const parsed = parseListingPage(reply.body);
      if (isFault(parsed) || parsed.source !== supernode.nodeId || parsed.network !== this.#network) return;
      const at = wallNow();
      const opened = parsed.items.flatMap(({ entry: bytes, counts, isVerified }) => {
        const entry = openEntry(bytes, verify, at);
        return isFault(entry) ? [] : [{ item: { entry, bytes, isVerified, isPinned: false }, counts }];
      });
      await this.#store.put(opened.map(({ item }): StoredItem => item));
      const counted = opened.map(({ item, counts }): HashCounts => ({ infoHash: item.entry.infoHash, ...counts }));
      await this.#store.setCounts(counted, supernode.nodeId, at);
      this.#cursors.set(supernode.nodeId, parsed.cursor);
      if (!parsed.more) break;
    }
    await this.#refreshCounts(origin, supernode.nodeId);
  }

  /** Counts change without an entry changing: the newest rows are scraped in every round. */
  async #refreshCounts(origin: string, source: NodeId): Promise<void> {
    const { rows } = await this.#store.list({ limit: SCRAPE_HASHES }, wallNow());
    const hashes = rows.map(({ infoHash }) => infoHash).filter((infoHash) => this.#isOwnedBy(infoHash, source));
    if (hashes.length === 0) return;
    const query = hashes.map((infoHash) => `info_hash=${percentEncode(infoHashBytes(infoHash))}`).join('&');
    const reply = await this.#http.request({
      origin,
      method: 'GET',
      path: `/scrape?${query}`,
      timeoutMs: TIMEOUT_MS,
      signal: this.#ending.signal,
      bytesMax: SCRAPE_BYTES_MAX,
    });
    if (isFault(reply) || reply.status !== 200) return;
    const wanted = new Set(hashes);
    const counted = parseScrape(reply.body).filter(({ infoHash }) => wanted.has(infoHash));
    await this.#store.setCounts(counted, source, wallNow());
  }

  #isOwnedBy(infoHash: InfoHash, nodeId: NodeId): boolean {
    const owner = this.#membership.ownership.ownerOf(infoHash);
    return owner !== undefined && owner !== 'self' && owner.nodeId === nodeId;
  }
}

/** Reads a scrape reply (BEP 48); what is no count is left out. */
function parseScrape(body: Uint8Array): HashCounts[] {
  const reply = decodeBencode(body);
  const files = reply instanceof Map ? reply.get('files') : undefined;
  if (!(files instanceof Map)) return [];
  return [...files].flatMap(([key, counts]) => {
    const infoHash = infoHashOfBytes(Uint8Array.from(key, (character) => character.charCodeAt(0)));
    if (!infoHash || !(counts instanceof Map)) return [];
    const [seeders, completions, leechers] = ['complete', 'downloaded', 'incomplete'].map((name) => counts.get(name));
    if (typeof seeders !== 'number' || typeof completions !== 'number' || typeof leechers !== 'number') return [];
    return [{ infoHash, seeders, completions, leechers }];
  });
}
