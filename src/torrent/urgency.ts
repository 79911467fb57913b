/**
 * Who fetches what is due: the link that is in time, else the fastest one; and whose blocks would come too late, so that
 * a faster link is asked for them as well. It estimates; the picker orders.
 */
import type { Instant } from '../base/index.ts';
import type { Deadlines } from './deadlines.ts';
import type { Ledger, LinkId, OpenPiece } from './ledger.ts';
import type { LinkState } from './link-state.ts';

/** A link leaves a due piece to another one only if that needs less than this share of its time. */
const CLEARLY_FASTER = 0.75;
/** A late block is asked for again only where it needs less than this share of the time. */
const WORTH_TWICE = 0.5;

/** Nobody is called late for what is due later than this: much can happen until then. */
const LATE_WITHIN_MS = 1500;

/** Estimates for the pieces that are due. */
export class Urgency {
  readonly #deadlines: Deadlines;
  readonly #ledger: Ledger;
  readonly #links: ReadonlyMap<LinkId, LinkState>;

  constructor(deadlines: Deadlines, ledger: Ledger, links: ReadonlyMap<LinkId, LinkState>) {
    this.#deadlines = deadlines;
    this.#ledger = ledger;
    this.#links = links;
  }

  get hasDue(): boolean {
    return this.#deadlines.size > 0;
  }

  isDue(piece: number): boolean {
    return this.#deadlines.has(piece);
  }

  /** The most urgent piece that lacks blocks nobody was asked for, and that this link should fetch them of. */
  next(link: LinkState, now: Instant): number | undefined {
    for (const { piece, at } of this.#deadlines.due) {
      if (!link.offers(piece)) continue;
      const open = this.#ledger.openPiece(piece);
      const isFree = open
        ? open.wanted > 0 && (open.reservedFor ?? link.id) === link.id
        : this.#ledger.stateOf(piece) === 'wanted';
      if (isFree && this.#isFit(link, piece, open?.wanted ?? this.#ledger.blocksOf(piece), at, now)) return piece;
    }
    return undefined;
  }

  /** Blocks on order from links that would be late with them, where this link would be much sooner. */
  *late(link: LinkState, now: Instant): Iterable<{ readonly open: OpenPiece; readonly block: number }> {
    const ours = link.msToDeliver(1, now);
    for (const { piece, at } of this.#deadlines.due) {
      if (at - now > LATE_WITHIN_MS) return;
      const open = this.#ledger.openPiece(piece);
      if (!open || open.reservedFor !== undefined || link.isSuspect || !link.offers(piece)) continue;
      for (const block of open.blocksOwed()) {
        const theirs = this.#links.get(open.ownerOf(block)!)!.msToDeliver(0, now);
        if (theirs > at - now && ours < theirs * WORTH_TWICE) yield { open, block };
      }
    }
  }

  #isFit(link: LinkState, piece: number, blocks: number, at: Instant, now: Instant): boolean {
    const ours = link.isSuspect ? Number.POSITIVE_INFINITY : link.msToDeliver(blocks, now);
    if (ours <= at - now) return true;
    for (const other of this.#links.values()) {
      if (other === link || other.isSuspect || !other.mayBeAsked || !other.offers(piece)) continue;
      if (other.msToDeliver(blocks, now) < ours * CLEARLY_FASTER) return false;
    }
    return true;
  }
}
