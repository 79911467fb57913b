/**
 * Entries that show on the local network at once: a node that published calls so by the beacon, and each neighbour asks it
 * for what it published lately. What comes is signed, and goes the way of every page; everybody else learns of it from
 * the supernodes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Address, formatAddress, isFault, type NodeId, nodeOrigin } from '../../src/base/index.ts';
import { now } from '../../src/io/alarm-clock.ts';
import type { HttpClient } from '../../src/io/http-client.ts';
import { type ListingPage, PAGE_BYTES_MAX, parseListingPage } from '../../src/listing/index.ts';
import type { LanNeighbours } from '../sources/lan-neighbours.ts';

/** Entries of ours that are told of. */
const RECENT_MAX = 64;
const RECENT_MS = 120_000;
/** Neighbours asked at a time, and those whose ids are remembered. */
const ASKING_MAX = 8;
const MET_MAX = 256;
const ASK_TIMEOUT_MS = 4000;
/** Not all neighbours ask in the same moment. */
const SPREAD_MS = 250;
/** Where a neighbour is asked. */
const NEWS_PATH = '/listing?scope=news';

export interface LanNewsSettings {
  readonly network: string;
  readonly http: HttpClient;
  /** Undefined where this node keeps out of the local network. */
  readonly lan: LanNeighbours | undefined;
  /** Takes a page of entries. */
  readonly take: (page: ListingPage) => void;
}

/** What is new here, and at the neighbours. */
export class LanNews {
  readonly #settings: LanNewsSettings;
  /** Sealed entries of ours and when they were published, the newest last. */
  #recent: { readonly bytes: Uint8Array; readonly at: number }[] = [];
  /** Neighbours being asked, and whether they called again meanwhile. */
  readonly #asking = new Map<string, boolean>();
  readonly #met = new Map<string, NodeId>();
  readonly #ending = new AbortController();

  constructor(settings: LanNewsSettings) {
    this.#settings = settings;
    settings.lan?.onNews((address) => void this.#ask(address));
  }

  /** Notes an entry of ours, and has the neighbours told. */
  add(bytes: Uint8Array): void {
    this.#recent = [...this.#recentAt(now()), { bytes, at: now() }].slice(-RECENT_MAX);
    this.#settings.lan?.tellNews();
  }

  /** The sealed entries that were published here lately, the newest first. */
  get recent(): Uint8Array[] {
    return this.#recentAt(now())
      .map(({ bytes }) => bytes)
      .toReversed();
  }

  close(): void {
    this.#ending.abort();
  }

  #recentAt(nowMs: number): readonly { readonly bytes: Uint8Array; readonly at: number }[] {
    return this.#recent.filter(({ at }) => nowMs - at < RECENT_MS);
  }

  /** Asks one neighbour, once more where it calls meanwhile. */
  async #ask(address: Address): Promise<void> {
    const at = formatAddress(address);
    if (this.#asking.has(at)) this.#asking.set(at, true);
    if (this.#asking.has(at) || this.#asking.size >= ASKING_MAX) return;
    for (let again = true; again && !this.#ending.signal.aborted; again = this.#asking.get(at) ?? false) {
      this.#asking.set(at, false);
      await sleep(Math.random() * SPREAD_MS, undefined, { ref: false });
      await this.#fetch(address, at);
    }
    this.#asking.delete(at);
  }

  async #fetch(address: Address, at: string): Promise<void> {
    const { http, network, take } = this.#settings;
    const nodeId = this.#met.get(at) ?? (await http.meet(address));
    if (nodeId === undefined || isFault(nodeId)) return;
    const origin = nodeOrigin({ nodeId, address });
    const limits = { timeoutMs: ASK_TIMEOUT_MS, bytesMax: PAGE_BYTES_MAX, signal: this.#ending.signal };
    const reply = await http.request({ origin, method: 'GET', path: NEWS_PATH, ...limits });
    this.#met.delete(at);
    if (isFault(reply) || reply.status !== 200) return;
    // Set anew, so that the one met longest ago is the first to be forgotten.
    this.#met.set(at, nodeId);
    if (this.#met.size > MET_MAX) this.#met.delete(this.#met.keys().next().value!);
    const page = parseListingPage(reply.body);
    if (!isFault(page) && page.source === nodeId && page.network === network) take(page);
  }
}
