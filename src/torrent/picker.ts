/**
 * What to ask a link for next: what somebody waits for, the pieces it is already working on, then a piece of its own (the most wanted;
 * among equals random for the first few, then the rarest, or in order), then a share of somebody else's piece, and at
 * the very end what others owe us (endgame). Whole pieces per link keep blame for a bad hash simple and let a piece be hashed in order; what a link under
 * suspicion opens is shared with nobody.
 */
import type { Instant, Random } from '../base/index.ts';
import type { Layout } from './layout.ts';
import type { Ledger, OpenPiece } from './ledger.ts';
import type { LinkState } from './link-state.ts';
import { PRIORITY } from './selection.ts';
import type { Urgency } from './urgency.ts';
import { Wishlist } from './wishlist.ts';

/** Pieces fetched in random order before rarity counts, so that a newcomer soon has something to trade. */
const RANDOM_FIRST_PIECES = 4;
/** Links that may owe the same block in the endgame. */
const ENDGAME_LINKS_MAX = 3;
/** Duplicate blocks on order from one link in the endgame. */
const ENDGAME_BLOCKS_MAX = 32;
/** Neighbouring blocks taken at once from a piece that another link opened. */
const SHARED_RUN_MAX = 16;

/** Neighbouring blocks to ask one link for. */
export interface RequestRun {
  readonly piece: number;
  /** Index of the first block. */
  readonly block: number;
  readonly count: number;
  /** Bytes of the last block of the run. */
  readonly lastLength: number;
}

/** How much of a link's queue other pieces may fill while some are due. */
const DEPTH_SHARE_BESIDE_DUE = 1 / 3;

const NO_RUNS: readonly RequestRun[] = [];

/** Chooses requests; the one place that opens pieces. */
export class Picker {
  readonly #layout: Layout;
  readonly #ledger: Ledger;
  readonly #wishlist: Wishlist;
  readonly #urgency: Urgency;
  readonly #openPiecesMax: number;
  /** Fetch in the order of the torrent, for somebody who uses it as it comes; the swarm is served worse. */
  isSequential = false;

  constructor(layout: Layout, ledger: Ledger, urgency: Urgency, openPiecesMax: number, random: Random) {
    this.#layout = layout;
    this.#ledger = ledger;
    this.#urgency = urgency;
    this.#openPiecesMax = openPiecesMax;
    this.#wishlist = new Wishlist(layout.pieceCount, random);
    this.reorder();
  }

  /** The selection changed. */
  reorder(): void {
    const { skip } = PRIORITY;
    this.#wishlist.fill((piece) => (this.#ledger.stateOf(piece) === 'wanted' ? this.#ledger.priorityOf(piece) : skip));
  }

  noteHas(piece: number): void {
    this.#wishlist.increase(piece);
  }
  noteGone(piece: number): void {
    this.#wishlist.decrease(piece);
  }

  /** The piece failed or was given up: it is to be fetched again. */
  restore(piece: number): void {
    this.#wishlist.add(piece, this.#ledger.priorityOf(piece));
  }

  /** The piece is not wanted any more. */
  dismiss(piece: number): void {
    if (this.#wishlist.has(piece)) this.#wishlist.remove(piece);
  }

  /** Every piece that we lack is on its way. */
  get isEndgame(): boolean {
    return this.#wishlist.size === 0;
  }

  /** True when the link has a piece that we still lack blocks of. */
  isInteresting(link: LinkState): boolean {
    if (link.isSeed) return !this.#ledger.isSated;
    for (const open of this.#ledger.openPieces()) if (link.has.has(open.piece)) return true;
    return this.#wishlist.rarest((piece) => link.has.has(piece)) !== undefined;
  }

  /** Blocks that a link should be asked for now, if it has them and no rate limit holds them back. */
  roomOf(link: LinkState): number {
    const { hasDue } = this.#urgency;
    // Topping up in batches: one write of many requests instead of one per arrived block.
    if (!link.mayBeAsked || (link.asked > link.depth * 0.75 && !hasDue)) return 0;
    return Math.max(0, (hasDue ? link.dueDepth : link.depth) - link.asked);
  }

  /** Orders blocks from a link until its queue is full, its allowance is spent, or it has nothing for us. */
  fill(link: LinkState, now: Instant): readonly RequestRun[] {
    const { hasDue } = this.#urgency;
    if (this.roomOf(link) === 0 || link.allowed <= 0) return NO_RUNS;
    const runs: RequestRun[] = [];
    if (hasDue) this.#orderDue(link, runs, now);
    // What will be due next must not wait behind a long queue of what nobody waits for.
    const depth = hasDue ? link.depth * DEPTH_SHARE_BESIDE_DUE : link.depth;
    while (link.asked < depth && link.allowed > 0) {
      const source = this.#sourceFor(link);
      if (!source) break;
      const countMax = Math.min(Math.ceil(depth) - link.asked, link.allowed, source.runMax);
      const run = this.#order(link, source.open, countMax, now);
      if (run) runs.push(run);
    }
    if (link.hasRoom && this.isEndgame) this.#orderDuplicates(link, runs, now);
    return runs;
  }

  #sourceFor(link: LinkState): { open: OpenPiece; runMax: number } | undefined {
    for (const piece of link.working) {
      const open = this.#ledger.openPiece(piece);
      if (open && open.wanted > 0 && link.offers(piece)) return { open, runMax: open.blockCount };
    }
    if (this.#mayOpen(link)) {
      const piece = this.#next((candidate) => link.offers(candidate));
      if (piece !== undefined) {
        const open = this.#open(piece, link);
        return { open, runMax: open.blockCount };
      }
    }
    for (const open of this.#ledger.openPieces()) {
      if (open.wanted > 0 && open.reservedFor === undefined && link.offers(open.piece)) {
        return { open, runMax: SHARED_RUN_MAX };
      }
    }
    return undefined;
  }

  /** A link without work may open one piece beyond the limit, but none while the disk holds all of them up. */
  #mayOpen(link: LinkState): boolean {
    const { openCount, finishingCount } = this.#ledger;
    return openCount < this.#openPiecesMax || (link.working.size === 0 && finishingCount < this.#openPiecesMax);
  }

  /** What somebody waits for, and what of it others would bring too late. */
  #orderDue(link: LinkState, runs: RequestRun[], now: Instant): void {
    const leftOf = (): number => Math.min(link.dueDepth - link.asked, link.allowed);
    for (let left = leftOf(); left > 0; left = leftOf()) {
      const piece = this.#urgency.next(link, now);
      if (piece === undefined) break;
      const open = this.#ledger.openPiece(piece) ?? this.#open(piece, link);
      runs.push(this.#order(link, open, left, now)!);
    }
    if (leftOf() <= 0) return;
    for (const { open, block } of this.#urgency.late(link, now)) {
      if (!open.askAlso(block, link.id, ENDGAME_LINKS_MAX)) continue;
      runs.push(this.#ordered(link, open, block, 1, now));
      if (leftOf() <= 0) return;
    }
  }

  #open(piece: number, link: LinkState): OpenPiece {
    this.#wishlist.remove(piece);
    return this.#ledger.open(piece, link.isSuspect ? link.id : undefined);
  }

  #next(passes: (piece: number) => boolean): number | undefined {
    if (this.isSequential) return this.#wishlist.first(passes);
    if (this.#ledger.stored.count < RANDOM_FIRST_PIECES) return this.#wishlist.random(passes);
    return this.#wishlist.rarest(passes);
  }

  #order(link: LinkState, open: OpenPiece, countMax: number, now: Instant): RequestRun | undefined {
    const run = open.wantedRun(countMax);
    if (!run) return undefined;
    for (let block = run.from; block < run.from + run.count; block++) open.ask(block, link.id);
    return this.#ordered(link, open, run.from, run.count, now);
  }

  #ordered(link: LinkState, open: OpenPiece, from: number, count: number, now: Instant): RequestRun {
    link.working.add(open.piece);
    link.noteAsked(count, now);
    const lastLength = this.#layout.blockBytes(open.piece, from + count - 1);
    return { piece: open.piece, block: from, count, lastLength };
  }

  #orderDuplicates(link: LinkState, runs: RequestRun[], now: Instant): void {
    let left = Math.min(ENDGAME_BLOCKS_MAX - link.asked, link.allowed);
    for (const open of this.#ledger.openPieces()) {
      // What is due is fetched twice only where it would be late.
      if (open.reservedFor !== undefined || !link.offers(open.piece) || this.#urgency.isDue(open.piece)) continue;
      for (const block of open.blocksOwed()) {
        if (left <= 0) return;
        if (!open.askAlso(block, link.id, ENDGAME_LINKS_MAX)) continue;
        runs.push(this.#ordered(link, open, block, 1, now));
        left--;
      }
    }
  }
}
