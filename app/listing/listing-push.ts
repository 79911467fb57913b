/**
 * Carries this node's own entries to the supernodes that keep their hashes: to the owner and to those that hold its
 * copies, each until it took them, and to others once the hash is theirs.
 */
import { type InfoHash, isFault, type NodeId } from '../../src/base/index.ts';
import type { HttpClient } from '../../src/io/http-client.ts';
import { encodePublication } from '../../src/listing/index.ts';
import type { Log } from '../log.ts';
import type { Membership } from '../overlay/membership.ts';

const TIMEOUT_MS = 10_000;
/** Entries of ours that are offered; more wait for a restart. */
const OWN_MAX = 100_000;
/** Who refused an entry is not asked again for so long. */
const REFUSED_MS = 600_000;
const REPLY_BYTES_MAX = 4096;

/** An entry of ours and, unless it is withdrawn, what it needs to be verified. */
export interface OwnEntry {
  readonly infoHash: InfoHash;
  readonly entry: Uint8Array;
  readonly info?: Uint8Array;
}

interface Offer extends OwnEntry {
  /** Those that took it, and until when those that did not are left alone; bounded by the owner sets it had. */
  readonly settled: Map<NodeId, number>;
}

export class ListingPush {
  readonly #membership: Membership;
  readonly #http: HttpClient;
  readonly #log: Log;
  readonly #own = new Map<InfoHash, Offer>();
  #turn: Promise<void> = Promise.resolve();

  constructor(membership: Membership, http: HttpClient, log: Log) {
    this.#membership = membership;
    this.#http = http;
    this.#log = log;
  }

  add(own: OwnEntry): void {
    if (this.#own.size >= OWN_MAX && !this.#own.has(own.infoHash)) return;
    this.#own.set(own.infoHash, { ...own, settled: new Map() });
  }

  remove(infoHash: InfoHash): void {
    this.#own.delete(infoHash);
  }

  /** True when some entry has an owner that has not settled it. */
  hasWork(nowMs: number): boolean {
    return this.#own.values().some((offer) => this.#keepersOf(offer, nowMs).length > 0);
  }

  /** Offers what is open to everybody it is open with; one round at a time. */
  round(nowMs: number, signal: AbortSignal): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      for (const offer of this.#own.values()) {
        for (const keeper of this.#keepersOf(offer, nowMs)) {
          if (signal.aborted) return;
          await this.#offer(offer, keeper, nowMs, signal);
        }
      }
    });
    return this.#turn;
  }

  #keepersOf({ infoHash, settled }: Offer, nowMs: number): NodeId[] {
    return this.#membership
      .ownersOf(infoHash)
      .map(({ nodeId }) => nodeId)
      .filter((nodeId) => !this.#membership.isSelf(nodeId) && (settled.get(nodeId) ?? 0) <= nowMs);
  }

  async #offer(offer: Offer, keeper: NodeId, nowMs: number, signal: AbortSignal): Promise<void> {
    const origin = this.#membership.originOf(keeper);
    if (origin === undefined) return;
    const { entry, info, infoHash, settled } = offer;
    const reply = await this.#http.request({
      origin,
      method: 'POST',
      path: '/listing',
      headers: { 'content-type': 'application/octet-stream' },
      body: encodePublication({ entry, ...(info && { info }) }),
      timeoutMs: TIMEOUT_MS,
      signal,
      bytesMax: REPLY_BYTES_MAX,
    });
    if (!isFault(reply) && reply.status === 200) {
      settled.set(keeper, Number.POSITIVE_INFINITY);
      return;
    }
    // Busy, unreachable, or of another mind about who owns the hash: all of that passes soon.
    if (!isFault(reply) && reply.status === 400) settled.set(keeper, nowMs + REFUSED_MS);
    this.#log.info('an entry was not taken', { infoHash, because: isFault(reply) ? reply.text : reply.status });
  }
}
