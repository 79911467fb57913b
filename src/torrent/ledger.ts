/**
 * Who owes us which block. Invariant: each block of an open piece is in exactly one state - wanted, asked of one or
 * more links, or arrived from one link - and a piece moves wanted > open > arrived > stored, or back to wanted; it
 * is unwanted while its priority says so and nothing of it is under way.
 * It knows neither rarity nor links' wishes; the picker decides what is asked.
 */
import { assert } from '../base/index.ts';
import type { Bitfield } from './bitfield.ts';
import type { Layout } from './layout.ts';
import { PRIORITY, type Priority } from './selection.ts';

/** A small number that names a link within one torrent. */
export type LinkId = number;

/** `arrived` waits for its hash, `checked` for the disk; `stored` can be served. */
export type PieceState = 'unwanted' | 'wanted' | 'open' | 'arrived' | 'checked' | 'stored';

const WANTED = -1;
/** Block owners below this are links a block has arrived from: link `l` is ARRIVED - l. */
const ARRIVED = -2;

const NOBODY: readonly LinkId[] = [];

/** A piece some of whose blocks are asked for or arrived. */
export class OpenPiece {
  readonly piece: number;
  readonly blockCount: number;
  /** The only link that may be asked for it, so that a bad hash names who lies; undefined when any may. */
  readonly reservedFor: LinkId | undefined;
  /** Per block: WANTED, the link it is asked of, or ARRIVED minus the link it came from. */
  readonly #owners: Int32Array;
  /** Endgame: further links a block is asked of. */
  readonly #alsoAsked = new Map<number, LinkId[]>();
  #wanted: number;
  #arrived = 0;

  constructor(piece: number, blockCount: number, reservedFor: LinkId | undefined) {
    this.piece = piece;
    this.blockCount = blockCount;
    this.reservedFor = reservedFor;
    this.#owners = new Int32Array(blockCount).fill(WANTED);
    this.#wanted = blockCount;
  }

  get wanted(): number {
    return this.#wanted;
  }
  get arrived(): number {
    return this.#arrived;
  }
  /** Blocks on order. */
  get owed(): number {
    return this.blockCount - this.#wanted - this.#arrived;
  }
  get isArrived(): boolean {
    return this.#arrived === this.blockCount;
  }

  /** The next run of at most `countMax` neighbouring wanted blocks. */
  wantedRun(countMax: number): { from: number; count: number } | undefined {
    if (this.#wanted === 0) return undefined;
    const from = this.#owners.indexOf(WANTED);
    let count = 1;
    while (count < countMax && this.#owners[from + count] === WANTED) count++;
    return { from, count };
  }

  ask(block: number, link: LinkId): void {
    assert(this.#owners[block] === WANTED, 'only a wanted block is asked for');
    this.#owners[block] = link;
    this.#wanted--;
  }

  /** Endgame: asks one more link for a block that another already owes; false when this link owes it already. */
  askAlso(block: number, link: LinkId, linksMax: number): boolean {
    if (this.#owners[block]! < 0 || this.isAskedOf(block, link)) return false;
    const others = this.#alsoAsked.get(block) ?? [];
    if (others.length + 1 >= linksMax) return false;
    this.#alsoAsked.set(block, [...others, link]);
    return true;
  }

  isAskedOf(block: number, link: LinkId): boolean {
    return this.#owners[block] === link || (this.#alsoAsked.get(block)?.includes(link) ?? false);
  }

  /** True when more than one link may deliver the block. */
  isContested(block: number): boolean {
    return this.#alsoAsked.has(block);
  }

  /** The link that was asked first for a block that has not arrived. */
  ownerOf(block: number): LinkId | undefined {
    const owner = this.#owners[block]!;
    return owner >= 0 ? owner : undefined;
  }

  /** Notes an arrival; returns the other links that were asked for the same block. */
  arrive(block: number, link: LinkId): readonly LinkId[] {
    assert(this.isAskedOf(block, link), 'only an asked block arrives');
    const owner = this.#owners[block]!;
    this.#owners[block] = ARRIVED - link;
    this.#arrived++;
    const also = this.#alsoAsked.size > 0 ? this.#alsoAsked.get(block) : undefined;
    if (!also) return NOBODY;
    this.#alsoAsked.delete(block);
    return [owner, ...also].filter((other) => other !== link);
  }

  /** Takes one request back from a link (rejected, link closed); true when the block is wanted again. */
  release(block: number, link: LinkId): boolean {
    const others = this.#alsoAsked.get(block)?.filter((other) => other !== link) ?? [];
    if (others.length > 0) this.#alsoAsked.set(block, others);
    else this.#alsoAsked.delete(block);
    if (this.#owners[block] !== link) return false;
    const heir = others.shift();
    if (heir !== undefined) {
      this.#owners[block] = heir;
      if (others.length > 0) this.#alsoAsked.set(block, others);
      else this.#alsoAsked.delete(block);
      return false;
    }
    this.#owners[block] = WANTED;
    this.#wanted++;
    return true;
  }

  /** Blocks asked of a link and not arrived. */
  blocksAskedOf(link: LinkId): number[] {
    const blocks: number[] = [];
    for (let block = 0; block < this.blockCount; block++) if (this.isAskedOf(block, link)) blocks.push(block);
    return blocks;
  }

  /** Blocks that some link owes. */
  blocksOwed(): number[] {
    const blocks: number[] = [];
    for (const [block, owner] of this.#owners.entries()) if (owner >= 0) blocks.push(block);
    return blocks;
  }

  hasBlocksFrom(link: LinkId): boolean {
    return this.#owners.includes(ARRIVED - link);
  }

  /** The links whose blocks make up this piece. */
  contributors(): Set<LinkId> {
    const links = new Set<LinkId>();
    for (const owner of this.#owners) if (owner <= ARRIVED) links.add(ARRIVED - owner);
    return links;
  }
}

/** A piece whose blocks are all here. */
interface FinishingPiece {
  readonly contributors: ReadonlySet<LinkId>;
  isChecked: boolean;
}

/** The state of every piece of one torrent. */
export class Ledger {
  readonly #layout: Layout;
  readonly #stored: Bitfield;
  readonly #open = new Map<number, OpenPiece>();
  /** Arrived or checked pieces, which wait for the hash or the disk; bounded like open pieces. */
  readonly #finishing = new Map<number, FinishingPiece>();
  #priorities: readonly Priority[];
  /** Pieces that are not selected, but fetched because somebody waits for them; bounded by the pieces that are due. */
  readonly #required = new Set<number>();
  #storedBytes = 0;
  #wantedBytes = 0;
  #missingBytes = 0;

  constructor(layout: Layout, stored: Bitfield, priorities?: readonly Priority[]) {
    this.#layout = layout;
    this.#stored = stored;
    this.#priorities = priorities ?? new Array<Priority>(layout.pieceCount).fill(PRIORITY.normal);
    this.#recount();
  }

  /** Pieces that are verified and on disk. Read-only for others. */
  get stored(): Bitfield {
    return this.#stored;
  }
  get storedBytes(): number {
    return this.#storedBytes;
  }
  /** Bytes of the pieces that are selected, and of those among them that are not stored. */
  get wantedBytes(): number {
    return this.#wantedBytes;
  }
  get missingBytes(): number {
    return this.#missingBytes;
  }
  /** Nothing that is selected is missing. */
  get isComplete(): boolean {
    return this.#missingBytes === 0;
  }
  /** Nothing is to be fetched, not even for somebody who waits for it. */
  get isSated(): boolean {
    return this.isComplete && this.#required.size === 0;
  }
  /** Every piece is stored, whatever is wanted. */
  get isWhole(): boolean {
    return this.#stored.isFull;
  }
  get openCount(): number {
    return this.#open.size + this.#finishing.size;
  }
  /** Pieces whose blocks are all here, and which wait for their hash or the disk. */
  get finishingCount(): number {
    return this.#finishing.size;
  }

  stateOf(piece: number): PieceState {
    if (this.#stored.has(piece)) return 'stored';
    const finishing = this.#finishing.get(piece);
    if (finishing) return finishing.isChecked ? 'checked' : 'arrived';
    if (this.#open.has(piece)) return 'open';
    return this.isWanted(piece) ? 'wanted' : 'unwanted';
  }

  blocksOf(piece: number): number {
    return this.#layout.blocksOf(piece);
  }

  priorityOf(piece: number): Priority {
    return this.#required.has(piece) ? PRIORITY.high : this.#priorities[piece]!;
  }
  /** Selected by the user. */
  isSelected(piece: number): boolean {
    return this.#priorities[piece] !== PRIORITY.skip;
  }
  /** To be fetched: selected, or required by somebody who waits for it. */
  isWanted(piece: number): boolean {
    return this.isSelected(piece) || this.#required.has(piece);
  }
  /** Wanted and not stored, whatever is under way. */
  isMissing(piece: number): boolean {
    return this.isWanted(piece) && !this.#stored.has(piece);
  }

  /** Somebody waits for a piece; true when it is wanted for that alone, and was not before. */
  require(piece: number): boolean {
    if (this.isWanted(piece) || this.#stored.has(piece)) return false;
    this.#required.add(piece);
    return true;
  }

  /** Nobody waits for a piece any more; true when it is not wanted now. */
  dismiss(piece: number): boolean {
    return this.#required.delete(piece) && !this.isSelected(piece);
  }

  /** Wants other pieces than before, or the same ones more or less; one per piece. */
  select(priorities: readonly Priority[]): void {
    assert(priorities.length === this.#layout.pieceCount, 'a selection speaks of every piece');
    this.#priorities = priorities;
    this.#recount();
  }

  openPiece(piece: number): OpenPiece | undefined {
    return this.#open.get(piece);
  }
  openPieces(): Iterable<OpenPiece> {
    return this.#open.values();
  }

  /** The links that sent the blocks of a piece that waits for its hash or the disk. */
  contributorsOf(piece: number): ReadonlySet<LinkId> {
    return this.#finishing.get(piece)?.contributors ?? new Set();
  }

  open(piece: number, reservedFor: LinkId | undefined): OpenPiece {
    assert(this.stateOf(piece) === 'wanted', 'only a wanted piece opens');
    const opened = new OpenPiece(piece, this.#layout.blocksOf(piece), reservedFor);
    this.#open.set(piece, opened);
    return opened;
  }

  /** All blocks are here: the piece waits for its hash. */
  noteArrived(piece: number): void {
    const open = this.#open.get(piece);
    assert(open?.isArrived, 'a piece arrives with its last block');
    this.#open.delete(piece);
    this.#finishing.set(piece, { contributors: open.contributors(), isChecked: false });
  }

  noteChecked(piece: number): void {
    const finishing = this.#finishing.get(piece);
    assert(finishing?.isChecked === false, 'only an arrived piece is checked');
    finishing.isChecked = true;
  }

  noteStored(piece: number): void {
    assert(this.#finishing.get(piece)?.isChecked, 'only a checked piece is stored');
    this.#finishing.delete(piece);
    const bytes = this.#layout.bytesOf(piece);
    this.#stored.add(piece);
    this.#storedBytes += bytes;
    this.#required.delete(piece);
    if (this.isSelected(piece)) this.#missingBytes -= bytes;
  }

  /** Gives a piece up (bad hash, failed write, nothing of it on order): it is wanted again. */
  reopenLater(piece: number): void {
    assert(this.#open.delete(piece) || this.#finishing.delete(piece), 'only an unfinished piece is given up');
  }
  #recount(): void {
    this.#storedBytes = 0;
    this.#wantedBytes = 0;
    this.#missingBytes = 0;
    for (let piece = 0; piece < this.#layout.pieceCount; piece++) {
      const bytes = this.#layout.bytesOf(piece);
      if (this.#stored.has(piece)) this.#storedBytes += bytes;
      if (!this.isSelected(piece)) continue;
      this.#wantedBytes += bytes;
      if (!this.#stored.has(piece)) this.#missingBytes += bytes;
    }
  }
}
