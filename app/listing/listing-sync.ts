/**
 * Keeps the local listing in step with the supernodes': a first page at once, then what each has in its own ranges, by
 * cursor, within the user's budget; and what owner sets count of the rows that people look at. Searching never leaves
 * the machine; this does.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { InfoHash, NodeId, WallSeconds } from '../../src/base/index.ts';
import { isFault } from '../../src/base/index.ts';
import { now, wallNow } from '../../src/io/alarm-clock.ts';
import type { HttpClient } from '../../src/io/http-client.ts';
import { verify } from '../../src/io/identity.ts';
import type { ListingStore, StoredItem } from '../../src/io/index.ts';
import {
  COUNTED_HASHES_MAX,
  type Counts,
  formatArcs,
  type ListingPage,
  type ListingQuery,
  type Observation,
  openEntry,
  PAGE_BYTES_MAX,
  type PullRequest,
  parseCounts,
  parseListingPage,
  type SyncBudget,
  SyncPlan,
} from '../../src/listing/index.ts';
import type { Log } from '../log.ts';
import type { Membership } from '../overlay/membership.ts';
import { GainedArcs } from './gained-arcs.ts';
import { ListingPush, type OwnEntry } from './listing-push.ts';
import { MetadataFill } from './metadata-fill.ts';
import { SwarmCounting } from './swarm-counting.ts';

const inflate = promisify(gunzip);

const TICK_MS = 250;
const TIMEOUT_MS = 10_000;
/** How soon somebody who lacks an entry of ours, and rests, is looked at again. */
const OFFER_MS = 1000;
/** Between two looks at what owner sets count. */
const COUNT_MS = 5000;
/** Supernodes asked for counts in one look. */
const COUNTERS_MAX = 8;
/** Entries of which we count the swarms that we keep ourselves in one look. */
const OWN_ROWS_COUNTED = 200;
const COUNTS_BYTES_MAX = 4096;
/** Signatures checked before the loop serves others again: 3 to 5 ms. */
const CHECKED_AT_ONCE = 25;

export interface ListingSyncSettings {
  readonly network: string;
  readonly nodeId: NodeId;
  readonly store: ListingStore;
  readonly membership: Membership;
  readonly http: HttpClient;
  readonly log: Log;
  readonly budget: SyncBudget;
  /** What this node counts itself of a hash that it keeps; undefined of others. */
  readonly counted: (infoHash: InfoHash) => Counts | undefined;
}

/** Pulls and pushes the listing. */
export class ListingSync {
  readonly #settings: ListingSyncSettings;
  readonly #push: ListingPush;
  readonly #plan: SyncPlan;
  readonly #counting: SwarmCounting;
  readonly #fill: MetadataFill;
  readonly #arcs = new GainedArcs();
  readonly #ending = new AbortController();
  /** What is under way; a few at a time. */
  readonly #running = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #countsAt = 0;
  #countedUpTo = '';
  #hasFirstPage = false;

  constructor(settings: ListingSyncSettings) {
    this.#settings = settings;
    this.#push = new ListingPush(settings.membership, settings.http, settings.log);
    this.#plan = new SyncPlan(settings.budget, now());
    this.#counting = new SwarmCounting(settings.store);
    this.#fill = new MetadataFill(settings);
  }

  /** What each supernode that keeps a hash counted of its swarm lately. */
  observationsOf(infoHash: InfoHash): readonly Observation[] {
    return this.#counting.observationsOf(infoHash);
  }

  start(): void {
    this.#tick();
  }

  async close(): Promise<void> {
    this.#ending.abort();
    clearTimeout(this.#timer);
    await Promise.all(this.#running);
  }

  /** Takes a page that a neighbour gave of what it published. */
  takeNews(page: ListingPage): void {
    if (!this.#ending.signal.aborted) this.#run(this.#take(page));
  }

  /** Adds an entry of ours to what is published; it is offered until the owner of its hash and its copies took it. */
  add(own: OwnEntry): void {
    this.#push.add(own);
  }

  /** Offers an entry no more. */
  remove(infoHash: InfoHash): void {
    this.#push.remove(infoHash);
  }

  /** Adds an entry of ours and offers it now. */
  async publish(own: OwnEntry): Promise<void> {
    this.add(own);
    const { signal } = this.#ending;
    await Promise.all(this.#push.plan.offersOf(own.infoHash, now()).map((offer) => this.#push.offer(offer, signal)));
  }

  /** The supernodes changed: an entry of ours may have another owner, and somebody new may be asked. */
  nudge(): void {
    this.#push.plan.reconsider();
    this.#fill.reconsider();
    if (this.#timer !== undefined) this.#tick();
  }

  /** Entries that were refused before are wanted now. */
  restart(): void {
    this.#plan.restart(now());
    this.#counting.tellAgain();
    this.nudge();
  }

  #tick(): void {
    clearTimeout(this.#timer);
    if (this.#ending.signal.aborted) return;
    const { membership } = this.#settings;
    const { isNews, isMissing } = this.#arcs.note(membership.ownArcs(), membership.keptArcs());
    for (const arc of isNews) this.#run(this.#settings.store.touch(arc));
    this.#plan.fill(isMissing);
    this.#plan.setSources(
      membership.others().map(({ nodeId }) => nodeId),
      membership.ownArcs().length > 0,
      now(),
    );
    this.#pushOn();
    for (let request = this.#plan.next(now()); request; request = this.#plan.next(now()))
      this.#run(this.#pull(request));
    if (now() >= this.#countsAt) {
      this.#countsAt = now() + COUNT_MS;
      this.#run(this.#count());
      this.#run(this.#fill.round(this.#ending.signal));
    }
    const offersMs = this.#push.plan.isBusy ? OFFER_MS : Infinity;
    const waitMs = Math.max(TICK_MS, Math.min(this.#plan.deadline(now()) - now(), this.#countsAt - now(), offersMs));
    this.#timer = setTimeout(() => this.#tick(), waitMs);
  }

  /** Offers what is due, one after the other as they are answered. */
  #pushOn(): void {
    const { signal } = this.#ending;
    if (signal.aborted) return;
    const { plan } = this.#push;
    for (let offer = plan.next(now()); offer; offer = plan.next(now()))
      this.#run(this.#push.offer(offer, signal).then(() => this.#pushOn()));
  }

  #run(work: Promise<void>): void {
    const done = work
      .catch((error: unknown) =>
        this.#settings.log.warn('the listing could not be brought up to date', { because: `${error}` }),
      )
      .finally(() => this.#running.delete(done));
    this.#running.add(done);
  }

  async #pull(request: PullRequest): Promise<void> {
    const { from, cursor, scope, arcs } = request;
    const part = arcs ? `arcs=${formatArcs(arcs)}` : `scope=${scope}`;
    if (!this.#hasFirstPage) {
      this.#hasFirstPage = true;
      const first = await this.#ask(from, '/listing?first=1');
      // What of it cannot be stored comes again with the rest.
      if (first) await this.#take(first.page).catch(() => undefined);
    }
    const answer = await this.#ask(from, `/listing?${part}&since=${encodeURIComponent(cursor)}`);
    if (!answer) return this.#plan.noteFailure(from, now(), arcs);
    const startedAt = now();
    try {
      await this.#take(answer.page);
    } catch (error) {
      // The disk is full, or the store is behind: asked again later, as if no answer had come.
      this.#plan.noteFailure(from, now(), arcs);
      throw error;
    }
    const { cursor: reached, more } = answer.page;
    this.#plan.noteAnswer(request, { cursor: reached, more, bytes: answer.bytes, workMs: now() - startedAt }, now());
    if (more && !this.#ending.signal.aborted) setImmediate(() => this.#tick());
  }

  /** A page of a supernode; undefined when it has none for us. */
  async #ask(from: NodeId, path: string): Promise<{ page: ListingPage; bytes: number } | undefined> {
    const { membership, http, network } = this.#settings;
    const origin = membership.originOf(from);
    if (origin === undefined) return undefined;
    const reply = await http.request({
      origin,
      method: 'GET',
      path,
      headers: { 'accept-encoding': 'gzip' },
      timeoutMs: TIMEOUT_MS,
      signal: this.#ending.signal,
      bytesMax: PAGE_BYTES_MAX,
    });
    if (isFault(reply) && !this.#ending.signal.aborted) membership.noteSilent(from);
    if (isFault(reply) || reply.status !== 200) return undefined;
    const body = reply.headers['content-encoding'] === 'gzip' ? await inflated(reply.body) : reply.body;
    const page = body && parseListingPage(body);
    if (!page || isFault(page) || page.source !== from || page.network !== network) return undefined;
    return { page, bytes: reply.body.length };
  }

  async #take(page: ListingPage): Promise<void> {
    const { store, membership, nodeId } = this.#settings;
    const at = wallNow();
    const items: StoredItem[] = [];
    const counts: [InfoHash, Counts][] = [];
    for (const [i, item] of page.items.entries()) {
      // A hostile page has ten times as many as an honest one.
      if (i > 0 && i % CHECKED_AT_ONCE === 0) await turn();
      const entry = openEntry(item.entry, verify, at);
      if (isFault(entry)) continue;
      // Only those that keep a hash have its metadata from the publisher; the word of others counts for nothing.
      const isKeeper = membership.isKeptBy(entry.infoHash, page.source);
      // What we said comes back to a listing that had to begin anew, and is ours to keep.
      const isPinned = entry.publisher === nodeId;
      items.push({ entry, bytes: item.entry, isVerified: item.isVerified && isKeeper, isPinned });
      if (isKeeper) counts.push([entry.infoHash, item.counts]);
    }
    if ((await store.put(items)) > 0) this.#fill.reconsider();
    await this.#counting.note(page.source, counts, at);
  }

  /** What owner sets count now of the newest and the best rows, and we of ours. */
  async #count(): Promise<void> {
    const { store, nodeId, counted, membership } = this.#settings;
    const at = wallNow();
    // Where nobody else is, nobody is asked.
    const lists: ListingQuery[] = membership.isAlone ? [] : [{}, { sort: 'best' }];
    const answers = await Promise.all(lists.map((query) => store.list({ ...query, limit: COUNTED_HASHES_MAX }, at)));
    const looked = new Set(answers.flatMap(({ rows }) => rows.map(({ infoHash }) => infoHash)));
    const ours = new Set([...looked, ...(await this.#nextKept())]);
    const countedHere = [...ours].flatMap((infoHash): [InfoHash, Counts][] => {
      const counts = counted(infoHash);
      return counts ? [[infoHash, counts]] : [];
    });
    await this.#counting.note(nodeId, countedHere, at);
    const wanted = new Map<NodeId, InfoHash[]>();
    for (const infoHash of looked) {
      for (const keeper of membership.ownersOf(infoHash)) {
        if (!membership.isSelf(keeper.nodeId)) wanted.getOrInsertComputed(keeper.nodeId, () => []).push(infoHash);
      }
    }
    const busiest = [...wanted].toSorted(([, a], [, b]) => b.length - a.length).slice(0, COUNTERS_MAX);
    await Promise.all(
      busiest.map(([keeper, hashes]) => this.#askCounts(keeper, hashes.slice(0, COUNTED_HASHES_MAX), at)),
    );
  }

  /** Hashes of some more rows, where this node keeps any. */
  async #nextKept(): Promise<readonly InfoHash[]> {
    const { store, membership } = this.#settings;
    if (membership.keptArcs().length === 0) return [];
    const { cursor, hashes } = await store.hashesAfter(this.#countedUpTo, OWN_ROWS_COUNTED);
    this.#countedUpTo = cursor;
    return hashes;
  }

  async #askCounts(keeper: NodeId, hashes: readonly InfoHash[], at: WallSeconds): Promise<void> {
    const { membership, http } = this.#settings;
    const origin = membership.originOf(keeper);
    if (origin === undefined) return;
    const reply = await http.request({
      origin,
      method: 'GET',
      path: `/counts?hashes=${hashes.join(',')}`,
      timeoutMs: TIMEOUT_MS,
      signal: this.#ending.signal,
      bytesMax: COUNTS_BYTES_MAX,
    });
    if (isFault(reply) || reply.status !== 200) return;
    const counts = parseCounts(reply.body, hashes);
    if (!isFault(counts)) await this.#counting.note(keeper, counts, at);
  }
}

/** The page that was compressed; undefined when it is none, or a bomb. */
async function inflated(body: Uint8Array): Promise<Uint8Array | undefined> {
  try {
    return await inflate(body, { maxOutputLength: PAGE_BYTES_MAX });
  } catch {
    // The other side's fault, whatever it is: its page counts as not given.
    return undefined;
  }
}
