/**
 * The upload slots of one torrent: carries the choker's choice out in rounds, gives a free slot to who becomes
 * interested, takes one from who lost interest. Invariant: never more links are unchoked than there are slots.
 */
import { type Instant, later, type Random } from '../base/index.ts';
import { CHOKE_ROUND_MS, chooseUnchoked, OPTIMISTIC_ROUNDS } from './choker.ts';
import type { Ledger, LinkId } from './ledger.ts';
import type { LinkState } from './link-state.ts';
import type { TransferEffect } from './transfer-facts.ts';

/** Says `choke` and `unchoke`; the one place that changes `weChoke`. */
export class UploadSlots {
  readonly #links: ReadonlyMap<LinkId, LinkState>;
  readonly #ledger: Ledger;
  readonly #slots: number;
  readonly #random: Random;
  readonly #order: (effect: TransferEffect) => void;
  #nextRound: Instant;
  #rounds = 0;
  #optimistic: LinkId | undefined;
  /** Somebody's interest changed since the last answer: many changes in one read are one decision. */
  #hasInterestNews = false;

  constructor(
    links: ReadonlyMap<LinkId, LinkState>,
    ledger: Ledger,
    slots: number,
    random: Random,
    order: (effect: TransferEffect) => void,
    now: Instant,
  ) {
    this.#links = links;
    this.#ledger = ledger;
    this.#slots = slots;
    this.#random = random;
    this.#order = order;
    this.#nextRound = later(now, CHOKE_ROUND_MS);
  }

  /** A link wants to be served, or no more. */
  noteInterest(link: LinkState, isInterested: boolean): void {
    link.theyAreInterested = isInterested;
    this.#hasInterestNews = true;
  }

  /** A link is gone: its slot goes to the next one. */
  noteClosed(link: LinkState, now: Instant): void {
    if (!link.weChoke) this.#choose(now);
  }

  /** Who lost interest gives its slot back; who is newly interested gets a free one at once. */
  answerInterest(now: Instant): void {
    if (!this.#hasInterestNews) return;
    this.#hasInterestNews = false;
    const links = [...this.#links.values()];
    const bored = links.filter((link) => !link.theyAreInterested && !link.weChoke);
    for (const link of bored) this.#setChoke(link, true);
    if (bored.length > 0) return this.#choose(now);
    let free = this.#slots - links.filter((link) => !link.weChoke).length;
    for (const link of links) {
      if (free <= 0) return;
      if (!link.theyAreInterested || !link.weChoke || link.isSnubbing) continue;
      this.#setChoke(link, false);
      free--;
    }
  }

  /** Chooses anew when a round is over. */
  tick(now: Instant): void {
    if (now < this.#nextRound) return;
    this.#nextRound = later(now, CHOKE_ROUND_MS);
    if (this.#rounds++ % OPTIMISTIC_ROUNDS === 0) this.#optimistic = undefined;
    this.#choose(now);
  }

  #choose(now: Instant): void {
    const isSeeding = this.#ledger.isComplete;
    const candidates = [...this.#links.values()]
      .filter((link) => link.theyAreInterested)
      .map((link) => ({
        link: link.id,
        bytesPerSecond: (isSeeding ? link.up : link.down).at(now),
        isSnubbing: !isSeeding && link.isSnubbing,
      }));
    const choice = chooseUnchoked(candidates, this.#slots, this.#optimistic, this.#random);
    this.#optimistic = choice.optimistic;
    for (const link of this.#links.values()) {
      const isChoked = !choice.unchoked.has(link.id);
      if (isChoked !== link.weChoke) this.#setChoke(link, isChoked);
    }
  }

  #setChoke(link: LinkState, isChoked: boolean): void {
    link.weChoke = isChoked;
    this.#order({ type: 'choke', link: link.id, isChoked });
  }
}
