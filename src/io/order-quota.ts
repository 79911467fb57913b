/** The download limit as the transfer machine asks for it: in blocks, per link. */
import type { InfoHash } from '../base/index.ts';
import type { LinkId, OrderQuota } from '../torrent/index.ts';
import { BLOCK_BYTES } from '../wire/index.ts';
import { Allowance, type RateGate } from './rate-gate.ts';

/** The part of one torrent in the download limits. */
export class DownloadQuota implements OrderQuota {
  readonly #gate: RateGate;
  readonly #torrent: InfoHash;
  readonly #granted: (link: LinkId) => void;
  /** One per link that was ever held back; links are forgotten when they close. */
  readonly #allowances = new Map<LinkId, Allowance>();

  constructor(gate: RateGate, torrent: InfoHash, granted: (link: LinkId) => void) {
    this.#gate = gate;
    this.#torrent = torrent;
    this.#granted = granted;
  }

  allow(link: LinkId, blocks: number): number {
    let allowance = this.#allowances.get(link);
    if (!allowance) {
      if (!this.#gate.isLimited(this.#torrent)) return Number.POSITIVE_INFINITY;
      allowance = new Allowance(this.#gate, this.#torrent, () => this.#granted(link));
      this.#allowances.set(link, allowance);
    }
    return Math.floor(allowance.available(blocks * BLOCK_BYTES) / BLOCK_BYTES);
  }

  spend(link: LinkId, blocks: number): void {
    this.#allowances.get(link)?.spend(blocks * BLOCK_BYTES);
  }

  giveBack(link: LinkId, blocks: number): void {
    this.#allowances.get(link)?.giveBack(blocks * BLOCK_BYTES);
  }

  forget(link: LinkId): void {
    this.#allowances.get(link)?.available(0);
    this.#allowances.delete(link);
  }
}
