/**
 * Keeps subscribed filter lists up to date and our own one where others find it: asks the owner sets of their authors'
 * places, and brings a list to those of them that have none as new.
 */
import { isFault, jittered, type NodeAt, type NodeId, sampleOf } from '../../src/base/index.ts';
import { now } from '../../src/io/alarm-clock.ts';
import { sha1 } from '../../src/io/hash.ts';
import type { HttpClient } from '../../src/io/http-client.ts';
import { FILTER_LIST_BYTES_MAX, placeOfFilterList } from '../../src/listing/index.ts';
import type { Log } from '../log.ts';
import type { Membership } from '../overlay/membership.ts';
import type { FilterShelf } from './filter-shelf.ts';
import type { Subscriptions } from './subscriptions.ts';

const TICK_MS = 2000;
/** How often a list is asked for, and how soon where nobody had it: twice as long each time. */
const REFRESH_MS = 3_600_000;
const RETRY_MS = 4000;
const TIMEOUT_MS = 10_000;
const REPLY_BYTES_MAX = 4096;
/** Of an owner set those that a subscriber asks: one of them may hide the newest version. */
const ASKED_MAX = 2;

/** When a list is asked for next, and who was asked last. */
interface Turn {
  dueAt: number;
  failures: number;
  keepers: string;
}

export interface FilterExchangeSettings {
  readonly nodeId: NodeId;
  readonly membership: Pick<Membership, 'ownersOf' | 'originOf' | 'isSelf'>;
  readonly http: HttpClient;
  readonly subscriptions: Subscriptions;
  readonly shelf: FilterShelf;
  readonly log: Log;
  /** A newer version of a subscribed list is here. */
  readonly changed: () => Promise<void>;
}

export class FilterExchange {
  readonly #settings: FilterExchangeSettings;
  /** Of the wanted lists alone. */
  readonly #turns = new Map<NodeId, Turn>();
  readonly #ending = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();

  constructor(settings: FilterExchangeSettings) {
    this.#settings = settings;
  }

  start(): void {
    this.#timer = setTimeout(() => void this.now().finally(() => this.start()), TICK_MS);
    if (this.#ending.signal.aborted) clearTimeout(this.#timer);
  }

  async close(): Promise<void> {
    this.#ending.abort();
    clearTimeout(this.#timer);
    await this.#round;
  }

  /** Has a list asked for, or brought, again at once. */
  hurry(author: NodeId): Promise<void> {
    this.#turns.delete(author);
    return this.now();
  }

  /** Asks for what is due; resolves when that is done. */
  now(): Promise<void> {
    this.#round = this.#round
      .then(() => this.#askForDue())
      .catch((error: unknown) => this.#settings.log.warn('filter lists are not up to date', { because: `${error}` }));
    return this.#round;
  }

  async #askForDue(): Promise<void> {
    const { membership, subscriptions } = this.#settings;
    const { authors } = subscriptions;
    for (const author of this.#turns.keys()) if (!authors.includes(author)) this.#turns.delete(author);
    let isNews = false;
    for (const author of authors) {
      const owners = membership.ownersOf(placeOfFilterList(author, sha1));
      const keepers = owners.map(({ nodeId }) => nodeId).join();
      const turn = this.#turns.get(author);
      if (owners.length === 0 || this.#ending.signal.aborted) continue;
      // Other owners than before have to be brought the list, or may have a newer one.
      if (turn && turn.dueAt > now() && turn.keepers === keepers) continue;
      const asked = await this.#askOwners(author, owners).catch((error: unknown) => {
        this.#settings.log.warn('a filter list is not up to date', { author, because: `${error}` });
        return { isNews: false, isAnswered: false };
      });
      isNews ||= asked.isNews;
      const failures = asked.isAnswered ? 0 : (turn?.failures ?? 0) + 1;
      const waitMs = asked.isAnswered ? REFRESH_MS : Math.min(REFRESH_MS, RETRY_MS * 2 ** (failures - 1));
      this.#turns.set(author, { dueAt: now() + jittered(Math.random, waitMs, 0.2), failures, keepers });
    }
    if (isNews) await this.#settings.changed();
  }

  async #askOwners(author: NodeId, owners: readonly NodeAt[]): Promise<{ isNews: boolean; isAnswered: boolean }> {
    const isOwn = author === this.#settings.nodeId;
    const asked = isOwn ? owners : sampleOf(owners, ASKED_MAX, Math.random);
    const told = { isNews: false, isAnswered: false };
    const without: NodeId[] = [];
    for (const { nodeId } of asked) {
      const answer = await this.#ask(author, nodeId);
      if (answer === 'none') without.push(nodeId);
      else if (answer instanceof Uint8Array) {
        const isTaken = await this.#settings.subscriptions.take(author, answer);
        told.isNews ||= isTaken;
        told.isAnswered ||= isTaken;
      } else if (answer === 'same') told.isAnswered = true;
    }
    const held = this.#settings.subscriptions.held(author);
    for (const nodeId of held ? without : []) {
      const isTaken = await this.#bring(held!.bytes, nodeId);
      told.isAnswered ||= isTaken;
    }
    if (told.isAnswered) this.#settings.subscriptions.noteChecked(author);
    return told;
  }

  /** A newer list; or whether the asked one has the same, or none as new; undefined when it did not say. */
  async #ask(author: NodeId, keeper: NodeId): Promise<Uint8Array | 'same' | 'none' | undefined> {
    const { membership, http, shelf, subscriptions } = this.#settings;
    const sequence = subscriptions.held(author)?.list.sequence ?? 0;
    if (membership.isSelf(keeper)) return shelf.newerThan(author, sequence) ?? 'none';
    const origin = membership.originOf(keeper);
    if (origin === undefined) return undefined;
    const reply = await http.request({
      origin,
      method: 'GET',
      path: `/filter-lists/${author}?from=${sequence}`,
      timeoutMs: TIMEOUT_MS,
      signal: this.#ending.signal,
      bytesMax: FILTER_LIST_BYTES_MAX,
    });
    if (isFault(reply)) return undefined;
    if (reply.status === 200) return reply.body;
    return reply.status === 204 ? 'same' : reply.status === 404 ? 'none' : undefined;
  }

  async #bring(bytes: Uint8Array, keeper: NodeId): Promise<boolean> {
    const { membership, http, shelf, log } = this.#settings;
    if (membership.isSelf(keeper)) return shelf.offer(bytes, '') === true;
    const origin = membership.originOf(keeper);
    if (origin === undefined) return false;
    const reply = await http.request({
      origin,
      method: 'POST',
      path: '/filter-lists',
      headers: { 'content-type': 'application/octet-stream' },
      body: bytes,
      timeoutMs: TIMEOUT_MS,
      signal: this.#ending.signal,
      bytesMax: REPLY_BYTES_MAX,
    });
    const isTaken = !isFault(reply) && reply.status === 200;
    if (!isTaken) log.info('a filter list was not taken', { because: isFault(reply) ? reply.text : reply.status });
    return isTaken;
  }
}
