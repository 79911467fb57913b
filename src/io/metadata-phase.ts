/**
 * A torrent before its metadata is known: hosts the fetch, and keeps what links say meanwhile for the transfer machine
 * that follows. Invariant: a bounded number of facts per link.
 */
import type { Deadline, InfoHash } from '../base/index.ts';
import { MetadataFetch, type MetadataInput, type TransferInput } from '../torrent/index.ts';
import { now } from './alarm-clock.ts';
import { sha1 } from './hash.ts';

/** Facts kept for a link; a peer that says more is cut off. */
const FACTS_MAX = 4096;

/** What the phase asks of its torrent. */
export interface MetadataOrders {
  request(link: number, piece: number): void;
  /** The link lied about the metadata, or talks without end. */
  close(link: number, why: string): void;
  complete(raw: Uint8Array): void;
}

/** The wait for one torrent's metadata. */
export class MetadataPhase {
  readonly #fetch: MetadataFetch;
  readonly #orders: MetadataOrders;
  readonly #facts = new Map<number, TransferInput[]>();

  constructor(infoHash: InfoHash, orders: MetadataOrders) {
    this.#fetch = new MetadataFetch(infoHash, sha1);
    this.#orders = orders;
  }

  get deadline(): Deadline | undefined {
    return this.#fetch.deadline;
  }

  /** Passes a fact to the fetch and carries out what follows. */
  note(input: MetadataInput): void {
    this.#fetch.input(input, now());
    for (const effect of this.#fetch.effects()) {
      if (effect.type === 'complete') this.#orders.complete(effect.raw);
      else if (effect.type === 'request') this.#orders.request(effect.link, effect.piece);
      else this.#orders.close(effect.link, 'its metadata does not match the hash');
    }
  }

  /** Keeps what a link said until the transfer begins. */
  keep(link: number, fact: TransferInput): void {
    const facts = this.#facts.get(link) ?? [];
    this.#facts.set(link, facts);
    facts.push(fact);
    if (facts.length > FACTS_MAX) this.#orders.close(link, 'too many messages before the metadata');
  }

  linkClosed(link: number): void {
    this.#facts.delete(link);
    this.note({ type: 'linkClosed', link });
  }

  /** Everything that the open links said, in their order. */
  facts(): readonly TransferInput[] {
    return [...this.#facts.values()].flat();
  }
}
