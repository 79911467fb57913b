/**
 * The transfer of one torrent as a machine: facts from links and disk in, requests, chokes and disk orders out.
 * It moves no bytes. Invariants: a piece is announced only after it is verified and written; what a link owes is
 * what the ledger says it owes; a link that sends bad data is named.
 */
import {
  assert,
  type Deadline,
  type Fault,
  fault,
  type Instant,
  isFault,
  later,
  type Machine,
  type Random,
} from '../base/index.ts';
import { BLOCK_BYTES, BLOCK_BYTES_MAX } from '../wire/index.ts';
import type { Bitfield } from './bitfield.ts';
import { Deadlines } from './deadlines.ts';
import { Debts } from './debts.ts';
import { Holdings, type SaidSet } from './holdings.ts';
import type { Layout } from './layout.ts';
import { Ledger, type LinkId } from './ledger.ts';
import { LinkState } from './link-state.ts';
import { Picker } from './picker.ts';
import { Rate } from './rate.ts';
import type { Priority } from './selection.ts';
import type { ArrivalMemory, OrderQuota, TransferEffect, TransferInput, TransferSettings } from './transfer-facts.ts';
import { UploadSlots } from './upload-slots.ts';
import { Urgency } from './urgency.ts';

const TICK_MS = 1000;
/** A link that owes blocks and sends none for this long is passed over until it does. */
const SNUB_MS = 30_000;
/** A link that sent blocks and now owes some in silence may have lost the requests (Transmission does): once more. */
const REMIND_MS = 10_000;
/** Blocks that a link may owe while others take all the memory. */
const OWED_MIN = 16;

/** The transfer of one torrent whose metadata is known. */
export class Transfer implements Machine<TransferInput, TransferEffect> {
  readonly down: Rate;
  readonly up: Rate;
  readonly #layout: Layout;
  readonly #ledger: Ledger;
  readonly #picker: Picker;
  readonly #holdings: Holdings;
  readonly #deadlines = new Deadlines();
  readonly #debts: Debts;
  /** Bounded by the session's link limits. */
  readonly #links = new Map<LinkId, LinkState>();
  readonly #unfilled = new Set<LinkState>();
  readonly #slots: UploadSlots;
  readonly #quota: OrderQuota | undefined;
  readonly #memory: ArrivalMemory | undefined;
  #effects: TransferEffect[] = [];
  #now: Instant;
  #nextTick: Instant;
  #isPaused = false;
  #isUploadOnly: boolean;

  constructor(layout: Layout, stored: Bitfield, settings: TransferSettings, random: Random, now: Instant) {
    this.down = new Rate(now);
    this.up = new Rate(now);
    this.#layout = layout;
    this.#quota = settings.quota;
    this.#memory = settings.memory;
    this.#ledger = new Ledger(layout, stored, settings.priorities);
    const urgency = new Urgency(this.#deadlines, this.#ledger, this.#links);
    this.#picker = new Picker(layout, this.#ledger, urgency, settings.openPiecesMax, random);
    this.#holdings = new Holdings(layout.pieceCount, this.#picker);
    const order = (effect: TransferEffect): number => this.#effects.push(effect);
    this.#debts = new Debts(layout, this.#ledger, this.#links, {
      order,
      released: (link) => this.#quota?.giveBack(link.id, 1),
      hasRoom: (link) => this.#unfilled.add(link),
      giveUp: (piece) => this.#giveUp(piece),
    });
    this.#slots = new UploadSlots(this.#links, this.#ledger, settings.uploadSlots, random, order, now);
    this.#now = now;
    this.#nextTick = later(now, TICK_MS);
    this.#isUploadOnly = this.#ledger.isComplete;
  }

  get stored(): Bitfield {
    return this.#ledger.stored;
  }
  get storedBytes(): number {
    return this.#ledger.storedBytes;
  }
  /** Bytes of the pieces that are wanted, and of those among them that are not stored yet. */
  get wantedBytes(): number {
    return this.#ledger.wantedBytes;
  }
  get missingBytes(): number {
    return this.#ledger.missingBytes;
  }
  /** Everything that is wanted is stored. */
  get isComplete(): boolean {
    return this.#ledger.isComplete;
  }
  /** We want nothing of anybody (BEP 21): everything selected is stored, and nobody reads the rest. */
  get isUploadOnly(): boolean {
    return this.#isUploadOnly;
  }
  /** Everything there is is stored. */
  get isWhole(): boolean {
    return this.#ledger.isWhole;
  }
  /** Pieces asked for, arriving, being checked or being written. */
  get piecesUnderWay(): number {
    return this.#ledger.openCount;
  }
  get links(): ReadonlyMap<LinkId, LinkState> {
    return this.#links;
  }

  get deadline(): Deadline | undefined {
    return this.#isIdle ? undefined : { at: this.#nextTick, why: 'rates, chokes and silent links' };
  }

  /** A thousand seeding torrents may have links, and must not tick for those on which nothing happens. */
  get #isIdle(): boolean {
    if (!this.down.isStill || !this.up.isStill) return false;
    for (const link of this.#links.values()) if (!link.isIdle) return false;
    return true;
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
    this.#slots.answerInterest(this.#now);
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
      case 'selected':
        return this.#select(input.priorities);
      case 'due':
        return this.#noteDue(input.start, input.length, input.at);
      case 'notDue':
        return this.#noteNotDue(input.start, input.length);
      case 'sequence':
        this.#picker.isSequential = input.isSequential;
        return;
      case 'linkOpened':
        this.#links.set(
          input.link,
          new LinkState(input.link, input.address, input.hasFast, this.#layout.pieceCount, now),
        );
        return;
      case 'pieceChecked':
        return input.isGood ? this.#pieceGood(input.piece) : this.#pieceBad(input.piece);
      case 'drained':
        return this.#debts.refillAll();
      case 'pieceStored':
        return this.#pieceStored(input.piece);
      case 'storeFailed':
        return this.#giveUp(input.piece);
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
      case 'uploadOnly':
        link.isUploadOnly = input.isUploadOnly;
        return this.#partIfRedundant(link);
      case 'bitfield':
      case 'haveAll':
      case 'haveNone':
        return this.#hasSet(link, input.type === 'bitfield' ? input.bytes : input.type);
      case 'have':
        return this.#hasOne(link, input.piece);
      case 'choked':
        link.theyChoke = true;
        // Without the fast extension a choke silently drops every request; with it each is answered (BEP 6).
        if (!link.hasFast) return this.#debts.forgive(link);
        for (const piece of link.working) this.#debts.giveUpIfStuck(link, piece);
        return;
      case 'unchoked':
        if (link.theyChoke) link.noteUnchoked();
        this.#unfilled.add(link);
        return;
      case 'interested':
      case 'uninterested':
        return this.#slots.noteInterest(link, input.type === 'interested');
      case 'blockArrived':
        return this.#blockArrived(link, input.piece, input.offset / BLOCK_BYTES);
      case 'granted':
        this.#unfilled.add(link);
        return;
      case 'rejected':
        return this.#debts.refuse(link, input.piece, input.offset / BLOCK_BYTES);
      case 'served':
        link.up.note(input.bytes);
        return this.up.note(input.bytes);
    }
  }

  #linkClosed(link: LinkState): void {
    this.#links.delete(link.id);
    this.#unfilled.delete(link);
    this.#debts.forgive(link);
    this.#quota?.forget(link.id);
    this.#holdings.forget(link);
    this.#slots.noteClosed(link, this.#now);
  }

  #hasSet(link: LinkState, said: SaidSet): void {
    const wrong = this.#holdings.takeSet(link, said);
    if (wrong) this.#close(link, wrong, false);
    else this.#hasChanged(link);
  }

  #hasOne(link: LinkState, piece: number): void {
    const taken = this.#holdings.takeOne(link, piece);
    if (isFault(taken)) return this.#close(link, taken, false);
    if (!taken) return;
    const isNews = !link.weAreInterested && this.#ledger.isMissing(piece);
    if (isNews || link.isSeed) this.#hasChanged(link);
    else this.#unfilled.add(link);
  }

  #hasChanged(link: LinkState): void {
    this.#reviewInterest(link);
    this.#unfilled.add(link);
    this.#partIfRedundant(link);
  }

  /** Two ends that want nothing of each other only take room from those that do. */
  #partIfRedundant(link: LinkState): void {
    if (!this.#isUploadOnly || !link.wantsNothing) return;
    this.#close(link, fault('redundant', 'both ends have all that they want'), false);
  }

  #reviewInterest(link: LinkState): void {
    // A reader's next wish must not wait for a peer to hear of our interest and to unchoke us.
    const mayBeRead = this.#deadlines.isRead(this.#now) && !this.#ledger.isWhole && link.has.count > 0;
    this.#setInterest(link, !this.#isPaused && (mayBeRead || this.#picker.isInteresting(link)));
  }

  #setInterest(link: LinkState, isInterested: boolean): void {
    if (isInterested === link.weAreInterested) return;
    link.weAreInterested = isInterested;
    this.#effects.push({ type: 'interest', link: link.id, isInterested });
  }

  #blockArrived(link: LinkState, piece: number, block: number): void {
    const open = this.#ledger.openPiece(piece);
    if (!open?.isAskedOf(block, link.id)) return;
    const bytes = this.#layout.blockBytes(piece, block);
    link.noteArrival(bytes, this.#now);
    this.down.note(bytes);
    this.#debts.settle(open, block, link);
    this.#unfilled.add(link);
    if (!open.isArrived) return this.#debts.giveUpIfStuck(link, piece);
    for (const other of this.#links.values()) other.working.delete(piece);
    this.#ledger.noteArrived(piece);
    this.#effects.push({ type: 'check', piece });
  }

  /** The piece starts over, with whoever has it, if it is still wanted. */
  #giveUp(piece: number): void {
    this.#ledger.reopenLater(piece);
    const isWanted = this.#ledger.isWanted(piece);
    if (isWanted) this.#picker.restore(piece);
    this.#effects.push({ type: 'drop', piece });
    for (const link of this.#links.values()) {
      link.working.delete(piece);
      if (isWanted && !this.#isPaused && link.has.has(piece)) this.#setInterest(link, true);
    }
    this.#debts.refillAll();
  }

  #pieceGood(piece: number): void {
    const contributors = this.#ledger.contributorsOf(piece);
    if (contributors.size === 1) for (const id of contributors) this.#links.get(id)?.noteGoodPiece();
    this.#ledger.noteChecked(piece);
    this.#effects.push({ type: 'store', piece });
  }

  #pieceBad(piece: number): void {
    const contributors = this.#ledger.contributorsOf(piece);
    this.#giveUp(piece);
    for (const id of contributors) {
      const link = this.#links.get(id);
      if (!link) continue;
      if (contributors.size > 1) link.noteSharedFailure();
      else this.#ban(link, piece);
    }
  }

  /** A liar goes, and what it sent of other pieces too: they would fail, and others would be suspected for them. */
  #ban(link: LinkState, piece: number): void {
    this.#close(link, fault('hash-failed', `piece ${piece} does not match its hash`), true);
    for (const open of [...this.#ledger.openPieces()])
      if (open.hasBlocksFrom(link.id)) this.#debts.withdraw(open.piece);
  }

  #pieceStored(piece: number): void {
    this.#ledger.noteStored(piece);
    this.#deadlines.remove(piece);
    this.#effects.push({ type: 'announceHave', piece });
    // A buffer is free again: whoever waited for one may open a piece.
    if (!this.#ledger.isComplete) this.#debts.refillAll();
    else if (this.#ledger.isSelected(piece)) this.#complete();
  }

  #complete(): void {
    this.#effects.push({ type: 'complete' });
    this.#reviewStanding();
  }

  /** Looks anew at whom we want something of, and whether we want anything at all. */
  #reviewStanding(): void {
    const isUploadOnly = this.#ledger.isComplete && !this.#deadlines.isRead(this.#now);
    if (isUploadOnly !== this.#isUploadOnly) this.#effects.push({ type: 'standing', isUploadOnly });
    this.#isUploadOnly = isUploadOnly;
    for (const link of [...this.#links.values()]) {
      this.#reviewInterest(link);
      this.#unfilled.add(link);
      this.#partIfRedundant(link);
    }
  }

  #fill(link: LinkState): void {
    if (this.#isPaused || this.#links.get(link.id) !== link) return;
    const quota = this.#quota;
    const room = this.#roomFor(link);
    link.allowed = quota ? Math.min(room, quota.allow(link.id, Math.min(room, this.#picker.roomOf(link)))) : room;
    for (const run of this.#picker.fill(link, this.#now)) {
      this.#effects.push({ type: 'request', link: link.id, ...run });
      quota?.spend(link.id, run.count);
    }
    // It has nothing more for us: others may have its share.
    if (quota && link.allowed > 0 && link.hasRoom) quota.allow(link.id, 0);
  }

  /** Blocks that a link may be asked for as far as memory goes; what a long path holds is not here yet. */
  #roomFor(link: LinkState): number {
    if (!this.#memory) return Number.POSITIVE_INFINITY;
    let room = this.#memory.blocksMax - this.#memory.waiting();
    if (room <= 0) return 0;
    for (const { asked, onPath } of this.#links.values()) room += onPath - asked;
    return Math.max(0, room, OWED_MIN - link.asked);
  }

  #pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    for (const link of this.#links.values()) {
      if (isPaused) this.#debts.forgive(link, true);
      this.#reviewInterest(link);
      this.#unfilled.add(link);
    }
  }

  #select(priorities: readonly Priority[]): void {
    const wasComplete = this.#ledger.isComplete;
    this.#ledger.select(priorities);
    // Somebody waits for these, selected or not.
    for (const { piece } of this.#deadlines.due) this.#ledger.require(piece);
    for (const { piece } of [...this.#ledger.openPieces()])
      if (!this.#ledger.isWanted(piece)) this.#debts.withdraw(piece);
    this.#picker.reorder();
    if (this.#ledger.isComplete && !wasComplete) this.#complete();
    else this.#reviewStanding();
  }

  #noteDue(start: number, length: number, at: Instant): void {
    const { first, end } = this.#layout.piecesOf(start, length);
    const lacking: number[] = [];
    for (let piece = first; piece < end; piece++) if (!this.#ledger.stored.has(piece)) lacking.push(piece);
    for (const piece of lacking) {
      if (this.#ledger.require(piece) && this.#ledger.stateOf(piece) === 'wanted') this.#picker.restore(piece);
    }
    for (const { piece } of this.#deadlines.add(lacking, at, this.#now)) this.#dismiss(piece);
    this.#reviewStanding();
  }

  #noteNotDue(start: number, length: number): void {
    const { first, end } = this.#layout.piecesOf(start, length);
    for (const { piece } of this.#deadlines.drop(first, end)) this.#dismiss(piece);
  }

  /** Nobody waits for a piece any more: if nobody selected it either, it is left alone. */
  #dismiss(piece: number): void {
    if (!this.#ledger.dismiss(piece)) return;
    this.#picker.dismiss(piece);
    if (this.#ledger.openPiece(piece)) this.#debts.withdraw(piece);
  }

  #tick(): void {
    this.#nextTick = later(this.#now, TICK_MS);
    this.down.at(this.#now);
    this.up.at(this.#now);
    for (const link of this.#links.values()) {
      link.adjustDepth(this.#now);
      link.up.at(this.#now);
      const silentMs = this.#now - link.progressAt;
      if (link.asked > 0 && !link.isSnubbing && silentMs > SNUB_MS) {
        this.#passOver(link);
      } else if (link.asked > 0 && silentMs > REMIND_MS && link.mayBeReminded) {
        link.noteReminded();
        this.#debts.forgive(link, true);
      } else if (link.asked === 0 && silentMs > 2 * SNUB_MS) {
        link.giveAnotherChance(this.#now);
      }
      if (link.asked === 0) this.#reviewInterest(link);
      this.#unfilled.add(link);
    }
    this.#relieveSuspects();
    if (this.#isUploadOnly !== (this.#ledger.isComplete && !this.#deadlines.isRead(this.#now))) this.#reviewStanding();
    this.#slots.tick(this.#now);
  }

  #passOver(link: LinkState): void {
    link.isSnubbing = true;
    this.#debts.forgive(link, true);
  }

  /** A link under suspicion would hold up the end for as long as it likes: whoever is trusted and idle takes over. */
  #relieveSuspects(): void {
    const idle = [...this.#links.values()].filter(
      (link) => link.asked === 0 && link.weAreInterested && !link.theyChoke && !link.isSuspect && !link.isSnubbing,
    );
    if (idle.length === 0 || !this.#picker.isEndgame) return;
    for (const suspect of this.#links.values()) {
      const isReserved = (piece: number): boolean => this.#ledger.openPiece(piece)?.reservedFor === suspect.id;
      const hasHeir = [...suspect.working].some(
        (piece) => isReserved(piece) && idle.some((link) => link.offers(piece)),
      );
      if (hasHeir) this.#passOver(suspect);
    }
  }

  #close(link: LinkState, why: Fault, isBanned: boolean): void {
    assert(this.#links.has(link.id), 'only an open link is closed');
    this.#effects.push({ type: 'close', link: link.id, why, isBanned });
    this.#linkClosed(link);
  }
}
