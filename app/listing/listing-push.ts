/**
 * Carries this node's own entries to the supernodes that keep their hashes, as the offer plan says: to the owner and to
 * those that hold its copies, each until it took them, and to others once the hash is theirs.
 */
import { type InfoHash, isFault, type NodeId } from '../../src/base/index.ts';
import { now } from '../../src/io/alarm-clock.ts';
import type { HttpClient } from '../../src/io/http-client.ts';
import { encodePublication, type Offer, type OfferOutcome, OfferPlan } from '../../src/listing/index.ts';
import type { Log } from '../log.ts';
import type { Membership } from '../overlay/membership.ts';

const TIMEOUT_MS = 10_000;
const REPLY_BYTES_MAX = 4096;
const OUTCOMES: Readonly<Record<number, OfferOutcome>> = {
  200: 'taken',
  400: 'refused',
  403: 'refused',
  413: 'refused',
  421: 'elsewhere',
};

/** An entry of ours and, unless it is withdrawn, what it needs to be verified. */
export interface OwnEntry {
  readonly infoHash: InfoHash;
  readonly entry: Uint8Array;
  readonly info?: Uint8Array;
}

export class ListingPush {
  readonly plan: OfferPlan;
  readonly #membership: Membership;
  readonly #http: HttpClient;
  readonly #log: Log;
  /** Those that are in the plan. */
  readonly #own = new Map<InfoHash, OwnEntry>();

  constructor(membership: Membership, http: HttpClient, log: Log) {
    this.#membership = membership;
    this.#http = http;
    this.#log = log;
    this.plan = new OfferPlan((infoHash) => this.#keepersOf(infoHash), now());
  }

  add(own: OwnEntry): void {
    if (this.plan.add(own.infoHash)) this.#own.set(own.infoHash, own);
  }

  remove(infoHash: InfoHash): void {
    this.plan.remove(infoHash);
    this.#own.delete(infoHash);
  }

  /** Makes an offer of the plan, and tells it what came. */
  async offer(offer: Offer, signal: AbortSignal): Promise<void> {
    const { infoHash, keeper } = offer;
    const own = this.#own.get(infoHash);
    const origin = this.#membership.originOf(keeper);
    if (!own || origin === undefined) return this.plan.settle(offer, 'failed', now());
    const { entry, info } = own;
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
    // Whoever is busy or cannot be reached is asked again soon.
    const outcome = isFault(reply) ? 'failed' : (OUTCOMES[reply.status] ?? 'failed');
    this.plan.settle(offer, outcome, now());
    if (outcome === 'taken' || signal.aborted) return;
    this.#log.info('an entry was not taken', { infoHash, because: isFault(reply) ? reply.text : reply.status });
  }

  #keepersOf(infoHash: InfoHash): NodeId[] {
    return this.#membership
      .ownersOf(infoHash)
      .map(({ nodeId }) => nodeId)
      .filter((nodeId) => !this.#membership.isSelf(nodeId));
  }
}
