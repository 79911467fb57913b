/**
 * Blocks that links owe us, and how they come or are taken back: arrival, refusal, a choke, a link that ends or is
 * passed over, a piece that nobody wants any more. Invariant: `asked` of a link is what the ledger says it owes.
 */
import { assert } from '../base/index.ts';
import { BLOCK_BYTES } from '../wire/index.ts';
import type { Layout } from './layout.ts';
import type { Ledger, LinkId, OpenPiece } from './ledger.ts';
import type { LinkState } from './link-state.ts';
import type { TransferEffect } from './transfer-facts.ts';

/** What follows from a debt that is gone. */
export interface DebtEvents {
  order(effect: TransferEffect): void;
  /** A block that was asked of the link will not come from it. */
  released(link: LinkState): void;
  /** The link may have room for requests. */
  hasRoom(link: LinkState): void;
  /** Nothing of an open piece is here or on order, or nobody can go on with it. */
  giveUp(piece: number): void;
}

/** The debts of all links of one torrent. */
export class Debts {
  readonly #layout: Layout;
  readonly #ledger: Ledger;
  readonly #links: ReadonlyMap<LinkId, LinkState>;
  readonly #events: DebtEvents;

  constructor(layout: Layout, ledger: Ledger, links: ReadonlyMap<LinkId, LinkState>, events: DebtEvents) {
    this.#layout = layout;
    this.#ledger = ledger;
    this.#links = links;
    this.#events = events;
  }

  /** A block is here: whoever else was asked for it need not send it. */
  settle(open: OpenPiece, block: number, link: LinkState): void {
    for (const id of open.arrive(block, link.id)) {
      const other = this.#links.get(id);
      if (!other) continue;
      this.#letGo(other);
      this.#events.hasRoom(other);
      this.#takeBack(other, open.piece, block);
    }
  }

  /** A link refuses a block. */
  refuse(link: LinkState, piece: number, block: number): void {
    const open = this.#ledger.openPiece(piece);
    if (!open || !Number.isInteger(block) || !open.isAskedOf(block, link.id)) return;
    this.#letGo(link);
    if (!link.theyChoke) link.noteRefused(piece);
    open.release(block, link.id);
    this.giveUpIfStuck(link, piece);
    this.refillAll();
  }

  /** Nothing is owed by a link any more; it is told so unless it knows. */
  forgive(link: LinkState, isTold = false): void {
    for (const piece of link.working) {
      this.#release(link, piece, isTold);
      const open = this.#ledger.openPiece(piece);
      if (open && (open.reservedFor === link.id || open.wanted === open.blockCount)) this.#events.giveUp(piece);
    }
    link.working.clear();
    assert(link.asked === 0, 'what a link owes is owed in the pieces it works on');
    this.refillAll();
  }

  /** Nothing of an open piece is owed by anybody any more, and what is here of it goes. */
  withdraw(piece: number): void {
    for (const link of this.#links.values()) if (link.working.has(piece)) this.#release(link, piece, true);
    this.#events.giveUp(piece);
  }

  /** Frees a piece of which nothing is here or on order, or which is reserved for a link that cannot go on. */
  giveUpIfStuck(link: LinkState, piece: number): void {
    const open = this.#ledger.openPiece(piece);
    if (!open || open.owed > 0) return;
    const isDeserted = open.reservedFor === link.id && (link.theyChoke || !link.offers(piece));
    if (isDeserted || open.arrived === 0) this.#events.giveUp(piece);
  }

  /** Blocks or buffers are free again: whoever has room may be asked. */
  refillAll(): void {
    for (const link of this.#links.values()) if (link.hasRoom) this.#events.hasRoom(link);
  }

  #release(link: LinkState, piece: number, isTold: boolean): void {
    const open = this.#ledger.openPiece(piece);
    for (const block of open?.blocksAskedOf(link.id) ?? []) {
      open!.release(block, link.id);
      this.#letGo(link);
      if (isTold) this.#takeBack(link, piece, block);
    }
  }

  #letGo(link: LinkState): void {
    link.asked--;
    this.#events.released(link);
  }

  #takeBack(link: LinkState, piece: number, block: number): void {
    const length = this.#layout.blockBytes(piece, block);
    this.#events.order({ type: 'cancel', link: link.id, piece, offset: block * BLOCK_BYTES, length });
  }
}
