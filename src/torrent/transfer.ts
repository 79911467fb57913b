/**
 * The transfer of one torrent as a machine: facts from links and disk in, requests, chokes and disk orders out.
 * It moves no bytes. Invariants: a piece is announced only after it is verified and written; what a link owes is
 * what the ledger says it owes; a link that sends bad data is named.
 */
import {
  type Address,
  assert,
  type Deadline,
  type Fault,
  fault,
  type Instant,
  later,
  type Machine,
  type Random,
} from '../base/index.ts';
import { BLOCK_BYTES, BLOCK_BYTES_MAX } from '../wire/index.ts';
import { Bitfield } from './bitfield.ts';
import { CHOKE_ROUND_MS, chooseUnchoked, OPTIMISTIC_ROUNDS } from './choker.ts';
import type { Layout } from './layout.ts';
import { Ledger, type LinkId, type OpenPiece } from './ledger.ts';
import { LinkState } from './link-state.ts';
import { Picker, type RequestRun } from './picker.ts';
import { Rate } from './rate.ts';

const TICK_MS = 1000;
/** A link that owes blocks and sends none for this long is passed over until it does. */
const SNUB_MS = 30_000;

export type TransferInput =
  | {
      readonly type: 'linkOpened';
      readonly link: LinkId;
      readonly address: Address;
      readonly hasFast: boolean;
    }
  | { readonly type: 'linkClosed'; readonly link: LinkId }
  | { readonly type: 'queueMax'; readonly link: LinkId; readonly requests: number }
  | { readonly type: 'bitfield'; readonly link: LinkId; readonly bytes: Uint8Array }
  | { readonly type: 'haveAll' | 'haveNone'; readonly link: LinkId }
  | { readonly type: 'have'; readonly link: LinkId; readonly piece: number }
  | { readonly type: 'choked' | 'unchoked' | 'interested' | 'uninterested'; readonly link: LinkId }
  | { readonly type: 'blockArrived'; readonly link: LinkId; readonly piece: number; readonly offset: number }
  | { readonly type: 'rejected'; readonly link: LinkId; readonly piece: number; readonly offset: number }
  | { readonly type: 'pieceChecked'; readonly piece: number; readonly isGood: boolean }
  | { readonly type: 'pieceStored' | 'storeFailed'; readonly piece: number }
  | { readonly type: 'served'; readonly link: LinkId; readonly bytes: number }
  | { readonly type: 'paused'; readonly isPaused: boolean }
  | { readonly type: 'tick' };

export type TransferEffect =
  | ({ readonly type: 'request'; readonly link: LinkId } & RequestRun)
  | {
      readonly type: 'cancel';
      readonly link: LinkId;
      readonly piece: number;
      readonly offset: number;
      readonly length: number;
    }
  | { readonly type: 'interest'; readonly link: LinkId; readonly isInterested: boolean }
  | { readonly type: 'choke'; readonly link: LinkId; readonly isChoked: boolean }
  | { readonly type: 'announceHave' | 'check' | 'store' | 'drop'; readonly piece: number }
  | { readonly type: 'close'; readonly link: LinkId; readonly why: Fault; readonly isBanned: boolean }
  | { readonly type: 'complete' };

/** What the machine needs from outside, besides facts. */
export interface TransferSettings {
  readonly uploadSlots: number;
  /** Pieces in flight at most: what the host's buffers can hold. */
  readonly openPiecesMax: number;
}

/** The transfer of one torrent whose metadata is known. */
export class Transfer implements Machine<TransferInput, TransferEffect> {
  readonly down: Rate = new Rate();
  readonly up: Rate = new Rate();
  readonly #layout: Layout;
  readonly #ledger: Ledger;
  readonly #picker: Picker;
  readonly #settings: TransferSettings;
  readonly #random: Random;
  /** Bounded by the session's link limits. */
  readonly #links = new Map<LinkId, LinkState>();
  readonly #unfilled = new Set<LinkState>();
  /** Who sent the blocks of each piece that waits for its hash. */
  readonly #contributors = new Map<number, ReadonlySet<LinkId>>();
  #effects: TransferEffect[] = [];
  #now: Instant;
  #nextTick: Instant;
  #nextChokeRound: Instant;
  #chokeRounds = 0;
  #optimistic: LinkId | undefined;
  #isPaused = false;

  constructor(layout: Layout, stored: Bitfield, settings: TransferSettings, random: Random, now: Instant) {
    this.#layout = layout;
    this.#ledger = new Ledger(layout, stored);
    this.#picker = new Picker(layout, this.#ledger, settings.openPiecesMax, random);
    this.#settings = settings;
    this.#random = random;
    this.#now = now;
    this.#nextTick = later(now, TICK_MS);
    this.#nextChokeRound = later(now, CHOKE_ROUND_MS);
  }

  get stored(): Bitfield {
    return this.#ledger.stored;
  }
  get storedBytes(): number {
    return this.#ledger.storedBytes;
  }
  get isComplete(): boolean {
    return this.#ledger.isComplete;
  }
  get links(): ReadonlyMap<LinkId, LinkState> {
    return this.#links;
  }

  get deadline(): Deadline | undefined {
    return this.#links.size === 0 ? undefined : { at: this.#nextTick, why: 'rates, chokes and silent links' };
  }

  /** Where an announced block may go: its piece, a scratch buffer because others may deliver it too, or nowhere. */
  expects(link: LinkId, piece: number, offset: number, length: number): 'piece' | 'scratch' | undefined {
    if (!this.#layout.isBlock(piece, offset, length)) return undefined;
    const open = this.#ledger.openPiece(piece);
    const block = offset / BLOCK_BYTES;
    if (!open?.isAskedOf(block, link)) return undefined;
    return open.isContested(block) ? 'scratch' : 'piece';
  }

  /** True when a peer's request may be answered. */
  mayServe(link: LinkId, piece: number, offset: number, length: number): boolean {
    return (
      this.#links.get(link)?.weChoke === false &&
      length <= BLOCK_BYTES_MAX &&
      this.#layout.isStretch(piece, offset, length) &&
      this.#ledger.stored.has(piece)
    );
  }

  effects(): TransferEffect[] {
    for (const link of this.#unfilled) this.#fill(link);
    this.#unfilled.clear();
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  input(input: TransferInput, now: Instant): void {
    this.#now = now;
    switch (input.type) {
      case 'tick':
        return this.#tick();
      case 'paused':
        return this.#pause(input.isPaused);
      case 'linkOpened':
        this.#links.set(
          input.link,
          new LinkState(input.link, input.address, input.hasFast, this.#layout.pieceCount, now),
        );
        return;
      case 'pieceChecked':
        return input.isGood ? this.#pieceGood(input.piece) : this.#pieceBad(input.piece);
      case 'pieceStored':
        return this.#pieceStored(input.piece);
      case 'storeFailed':
        this.#ledger.reopenLater(input.piece);
        return this.#picker.restore(input.piece, false);
      default: {
        const link = this.#links.get(input.link);
        if (link) this.#linkInput(link, input);
      }
    }
  }

  #linkInput(link: LinkState, input: Extract<TransferInput, { link: LinkId }>): void {
    switch (input.type) {
      case 'linkClosed':
        return this.#linkClosed(link);
      case 'queueMax':
        link.queueMax = Math.max(1, Math.min(input.requests, 2000));
        return;
      case 'bitfield':
      case 'haveAll':
      case 'haveNone':
        return this.#hasSet(link, input.type === 'bitfield' ? input.bytes : input.type);
      case 'have':
        return this.#hasOne(link, input.piece);
      case 'choked':
        link.theyChoke = true;
        // Without the fast extension a choke silently drops every request (BEP 6).
        if (!link.hasFast) this.#releaseAll(link);
        return;
      case 'unchoked':
        link.theyChoke = false;
        this.#unfilled.add(link);
        return;
      case 'interested':
      case 'uninterested':
        link.theyAreInterested = input.type === 'interested';
        return this.#interestChanged(link);
      case 'blockArrived':
        return this.#blockArrived(link, input.piece, input.offset / BLOCK_BYTES);
      case 'rejected':
        return this.#rejected(link, input.piece, input.offset / BLOCK_BYTES);
      case 'served':
        link.up.note(input.bytes);
        return this.up.note(input.bytes);
    }
  }

  #linkClosed(link: LinkState): void {
    this.#releaseAll(link);
    this.#links.delete(link.id);
    this.#unfilled.delete(link);
    this.#forget(link);
    if (!link.weChoke) this.#chooseUnchoked();
  }

  /** Takes a link's pieces out of the rarity count; seeds were never in it. */
  #forget(link: LinkState): void {
    if (link.isSeed) return;
    for (let piece = 0; piece < this.#layout.pieceCount; piece++) {
      if (link.has.has(piece)) this.#picker.noteGone(piece);
    }
  }

  #hasSet(link: LinkState, has: Uint8Array | 'haveAll' | 'haveNone'): void {
    const { pieceCount } = this.#layout;
    const field =
      has instanceof Uint8Array
        ? Bitfield.parse(has, pieceCount)
        : has === 'haveAll'
          ? Bitfield.full(pieceCount)
          : new Bitfield(pieceCount);
    if (!field) return this.#close(link, fault('bitfield-wrong', 'a bitfield of the wrong size'), false);
    this.#forget(link);
    link.has = field;
    if (!field.isFull) {
      for (let piece = 0; piece < field.length; piece++) if (field.has(piece)) this.#picker.noteHas(piece);
    }
    this.#hasChanged(link);
  }

  #hasOne(link: LinkState, piece: number): void {
    if (piece >= this.#layout.pieceCount) {
      return this.#close(link, fault('have-wrong', 'has a piece that does not exist'), false);
    }
    if (!link.has.add(piece)) return;
    this.#picker.noteHas(piece);
    if (link.isSeed) for (let i = 0; i < this.#layout.pieceCount; i++) this.#picker.noteGone(i);
    const isNews = !link.weAreInterested && !this.#ledger.stored.has(piece);
    if (isNews || link.isSeed) this.#hasChanged(link);
    else if (link.asked < link.depth) this.#unfilled.add(link);
  }

  #hasChanged(link: LinkState): void {
    if (this.#ledger.isComplete && link.isSeed) {
      return this.#close(link, fault('redundant', 'both ends have everything'), false);
    }
    this.#reviewInterest(link);
    this.#unfilled.add(link);
  }

  #reviewInterest(link: LinkState): void {
    const isInterested = !this.#isPaused && this.#picker.isInteresting(link);
    if (isInterested === link.weAreInterested) return;
    link.weAreInterested = isInterested;
    this.#effects.push({ type: 'interest', link: link.id, isInterested });
  }

  #interestChanged(link: LinkState): void {
    if (!link.theyAreInterested) {
      if (!link.weChoke) this.#setChoke(link, true);
      return this.#chooseUnchoked();
    }
    const unchoked = [...this.#links.values()].filter((other) => !other.weChoke).length;
    if (unchoked < this.#settings.uploadSlots && !this.#isPaused) this.#setChoke(link, false);
  }

  #blockArrived(link: LinkState, piece: number, block: number): void {
    const open = this.#ledger.openPiece(piece);
    if (!open?.isAskedOf(block, link.id)) return;
    const bytes = this.#layout.blockBytes(piece, block);
    link.noteArrival(bytes, this.#now);
    this.down.note(bytes);
    for (const other of open.arrive(block, link.id)) this.#cancel(other, open, block);
    this.#unfilled.add(link);
    if (!open.isArrived) return;
    this.#contributors.set(piece, open.contributors());
    for (const other of this.#links.values()) other.working.delete(piece);
    this.#ledger.noteArrived(piece);
    this.#effects.push({ type: 'check', piece });
  }

  #cancel(linkId: LinkId, open: OpenPiece, block: number): void {
    const link = this.#links.get(linkId);
    if (!link) return;
    link.asked--;
    this.#unfilled.add(link);
    this.#effects.push({
      type: 'cancel',
      link: linkId,
      piece: open.piece,
      offset: block * BLOCK_BYTES,
      length: this.#layout.blockBytes(open.piece, block),
    });
  }

  #rejected(link: LinkState, piece: number, block: number): void {
    const open = this.#ledger.openPiece(piece);
    if (!open || !Number.isInteger(block) || !open.isAskedOf(block, link.id)) return;
    link.asked--;
    open.release(block, link.id);
    this.#dropIfUntouched(open);
    this.#unfilled.add(link);
  }

  #releaseAll(link: LinkState): void {
    for (const piece of link.working) {
      const open = this.#ledger.openPiece(piece);
      if (!open) continue;
      for (const block of open.blocksAskedOf(link.id)) open.release(block, link.id);
      this.#dropIfUntouched(open);
    }
    link.working.clear();
    link.asked = 0;
    for (const other of this.#links.values())
      if (other !== link && other.asked < other.depth) this.#unfilled.add(other);
  }

  #dropIfUntouched(open: OpenPiece): void {
    if (open.wanted !== open.blockCount) return;
    for (const link of this.#links.values()) link.working.delete(open.piece);
    this.#ledger.reopenLater(open.piece);
    this.#picker.restore(open.piece, false);
    this.#effects.push({ type: 'drop', piece: open.piece });
  }

  #pieceGood(piece: number): void {
    this.#contributors.delete(piece);
    this.#ledger.noteChecked(piece);
    this.#effects.push({ type: 'store', piece });
  }

  #pieceBad(piece: number): void {
    const contributors = this.#contributors.get(piece) ?? new Set();
    this.#contributors.delete(piece);
    this.#ledger.reopenLater(piece);
    this.#picker.restore(piece, contributors.size > 1);
    this.#effects.push({ type: 'drop', piece });
    if (contributors.size === 1) {
      for (const culprit of contributors) {
        const link = this.#links.get(culprit);
        if (link) this.#close(link, fault('hash-failed', `piece ${piece} does not match its hash`), true);
      }
    }
    this.#refillAll();
  }

  #pieceStored(piece: number): void {
    this.#ledger.noteStored(piece);
    this.#effects.push({ type: 'announceHave', piece });
    if (!this.#ledger.isComplete) {
      // A buffer is free again: whoever waited for one may open a piece.
      return this.#refillAll();
    }
    this.#effects.push({ type: 'complete' });
    for (const link of [...this.#links.values()]) {
      if (link.isSeed) this.#close(link, fault('redundant', 'both ends have everything'), false);
      else this.#reviewInterest(link);
    }
  }

  #refillAll(): void {
    for (const link of this.#links.values()) if (link.asked < link.depth) this.#unfilled.add(link);
  }

  #fill(link: LinkState): void {
    if (this.#isPaused || this.#links.get(link.id) !== link) return;
    for (const run of this.#picker.fill(link, this.#now))
      this.#effects.push({ type: 'request', link: link.id, ...run });
  }

  #pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    for (const link of this.#links.values()) {
      if (isPaused) this.#releaseAll(link);
      this.#reviewInterest(link);
      this.#unfilled.add(link);
    }
    if (!isPaused) this.#chooseUnchoked();
  }

  #tick(): void {
    this.#nextTick = later(this.#now, TICK_MS);
    this.down.at(this.#now);
    this.up.at(this.#now);
    for (const link of this.#links.values()) {
      link.adjustDepth(this.#now);
      link.up.at(this.#now);
      if (link.asked > 0 && !link.isSnubbing && this.#now - link.progressAt > SNUB_MS) {
        link.isSnubbing = true;
        this.#releaseAll(link);
      } else if (link.isSnubbing && this.#now - link.progressAt > 2 * SNUB_MS) {
        // Another chance after a while: it may only have been busy.
        link.isSnubbing = false;
        link.progressAt = this.#now;
      }
      if (link.asked === 0) this.#reviewInterest(link);
      this.#unfilled.add(link);
    }
    if (this.#now < this.#nextChokeRound) return;
    this.#nextChokeRound = later(this.#now, CHOKE_ROUND_MS);
    if (this.#chokeRounds++ % OPTIMISTIC_ROUNDS === 0) this.#optimistic = undefined;
    this.#chooseUnchoked();
  }

  #chooseUnchoked(): void {
    const isSeeding = this.#ledger.isComplete;
    const candidates = [...this.#links.values()]
      .filter((link) => link.theyAreInterested)
      .map((link) => ({
        link: link.id,
        bytesPerSecond: (isSeeding ? link.up : link.down).at(this.#now),
        isSnubbing: !isSeeding && link.isSnubbing,
      }));
    const slots = this.#isPaused ? 0 : this.#settings.uploadSlots;
    const choice = chooseUnchoked(candidates, slots, this.#optimistic, this.#random);
    this.#optimistic = choice.optimistic;
    for (const link of this.#links.values()) {
      const isChoked = !choice.unchoked.has(link.id);
      if (isChoked !== link.weChoke) this.#setChoke(link, isChoked);
    }
  }

  #setChoke(link: LinkState, isChoked: boolean): void {
    link.weChoke = isChoked;
    this.#effects.push({ type: 'choke', link: link.id, isChoked });
  }

  #close(link: LinkState, why: Fault, isBanned: boolean): void {
    assert(this.#links.has(link.id), 'only an open link is closed');
    this.#effects.push({ type: 'close', link: link.id, why, isBanned });
    this.#linkClosed(link);
  }
}
