/** What one torrent knows of one link: who has what, who chokes whom, how fast it is and how much it owes us. */
import type { Address, Instant } from '../base/index.ts';
import { BLOCK_BYTES } from '../wire/index.ts';
import { Bitfield } from './bitfield.ts';
import type { LinkId } from './ledger.ts';
import { Rate } from './rate.ts';

const DEPTH_FIRST = 16;
const DEPTH_MIN = 4;
/** Deeper queues cost 15 % of the rate on a fast short path (docs/BENCH.md); long paths are given more below. */
const DEPTH_MAX = 256;
const DEPTH_LONG_PATH_MAX = 1000;
/** Blocks of pieces that are due may be on order beyond the depth: they must not wait until there is room. */
const DEPTH_DUE = 32;
/** Seconds of data that may be on order from one link. */
const ORDERED_SECONDS = 3;
/** Pieces that a link may refuse before it is left alone until it unchokes us anew. */
const REFUSED_PIECES_MAX = 16;
/** Past so many shared pieces with a bad hash, the probation grows no more. */
const SHARED_FAILURES_MAX = 10;

/** One open link of a torrent; plain state, changed by the transfer machine and the picker. */
export class LinkState {
  readonly id: LinkId;
  readonly address: Address;
  readonly hasFast: boolean;
  /** Requests the peer queues at most. */
  queueMax: number;
  has: Bitfield;
  /** It said what it has; from then on it may have more, but not nothing. */
  hasSaidAll = false;
  /** It says that it wants nothing, whatever it lacks (BEP 21). */
  isUploadOnly = false;
  theyChoke = true;
  theyAreInterested = false;
  weChoke = true;
  weAreInterested = false;
  /** Blocks on order. */
  asked = 0;
  /** Blocks that the download limit and memory let it be asked for yet; set before each filling. */
  allowed: number = Number.POSITIVE_INFINITY;
  /** Blocks on order that are still on their way where the path is long, twice over; as of the last tick. */
  onPath = 0;
  /** Pieces in which blocks are on order from this link. */
  readonly working: Set<number> = new Set();
  readonly down: Rate;
  readonly up: Rate;
  isSnubbing = false;
  /** When it last sent a block, or was first asked for one. */
  progressAt: Instant;
  /** Pieces it refused to send although it unchokes us; asking again at once would go on at the speed of the path. */
  readonly #refused = new Set<number>();
  #sharedFailures = 0;
  #probation = 0;
  #depth = DEPTH_FIRST;
  #depthMax = DEPTH_MAX;
  #blocksPerSecond = 0;
  #hasDelivered = false;
  #roundTripMs: number | undefined;
  #probedAt: Instant | undefined;

  constructor(id: LinkId, address: Address, hasFast: boolean, pieceCount: number, now: Instant) {
    this.id = id;
    this.address = address;
    this.hasFast = hasFast;
    this.queueMax = 250;
    this.has = new Bitfield(pieceCount);
    this.down = new Rate(now);
    this.up = new Rate(now);
    this.progressAt = now;
  }

  /** A torrent without a piece has no seeds: whoever has "everything" of it may still want its metadata. */
  get isSeed(): boolean {
    return this.has.isFull && this.has.length > 0;
  }

  /** It wants nothing of anybody. */
  get wantsNothing(): boolean {
    return this.isSeed || (this.isUploadOnly && this.has.length > 0);
  }

  /** Blocks that may be on order now. */
  get depth(): number {
    return Math.min(this.#depth, this.queueMax);
  }

  /** The same for blocks of pieces that are due. */
  get dueDepth(): number {
    return Math.min(this.#depth + DEPTH_DUE, this.queueMax);
  }

  /** It takes requests, as far as we know. */
  get mayBeAsked(): boolean {
    return !this.theyChoke && this.weAreInterested && !this.isSnubbing;
  }

  /** How long it would need for what it owes and some more blocks, by what it delivered in the last seconds. */
  msToDeliver(blocks: number, now: Instant): number {
    const silentMs = this.asked > 0 ? now - this.progressAt : 0;
    if (this.#blocksPerSecond === 0) return silentMs;
    return silentMs + ((this.asked + blocks) * 1000) / this.#blocksPerSecond;
  }

  /** Neither end wants anything of the other. */
  get isIdle(): boolean {
    return !this.weAreInterested && !this.theyAreInterested && this.asked === 0 && this.down.isStill && this.up.isStill;
  }

  get hasRoom(): boolean {
    return this.asked < this.depth;
  }

  /** True when it may be asked for a piece now. */
  offers(piece: number): boolean {
    return this.has.has(piece) && !this.#refused.has(piece) && this.#refused.size < REFUSED_PIECES_MAX;
  }

  /** Had a part in a bad piece: until it delivered good ones alone, its pieces are shared with nobody. */
  get isSuspect(): boolean {
    return this.#probation > 0;
  }

  /** A piece of several links was bad. Each time the probation doubles: whoever poisons now and then gains nothing. */
  noteSharedFailure(): void {
    this.#sharedFailures = Math.min(this.#sharedFailures + 1, SHARED_FAILURES_MAX);
    this.#probation = 2 ** this.#sharedFailures - 1;
  }

  /** A piece that this link alone delivered was good. */
  noteGoodPiece(): void {
    if (this.#probation > 0) this.#probation--;
  }

  noteRefused(piece: number): void {
    this.#refused.add(piece);
  }

  /** It serves us anew: what it refused or owed before says nothing any more. */
  noteUnchoked(): void {
    this.theyChoke = false;
    this.isSnubbing = false;
    this.#refused.clear();
  }

  /** True when it sent a block since it was last asked anew for what it owes. */
  get mayBeReminded(): boolean {
    return this.#hasDelivered && !this.theyChoke;
  }

  noteReminded(): void {
    this.#hasDelivered = false;
  }

  /** It may have been only busy. */
  giveAnotherChance(now: Instant): void {
    this.isSnubbing = false;
    this.progressAt = now;
    this.#refused.clear();
  }

  noteAsked(blocks: number, now: Instant): void {
    if (this.asked === 0) {
      this.progressAt = now;
      this.#probedAt = now;
    }
    this.asked += blocks;
    this.allowed -= blocks;
  }

  noteArrival(bytes: number, now: Instant): void {
    this.asked--;
    this.down.note(bytes);
    this.progressAt = now;
    this.#hasDelivered = true;
    this.isSnubbing = false;
    if (this.#probedAt !== undefined) {
      this.#roundTripMs = Math.min(this.#roundTripMs ?? Number.POSITIVE_INFINITY, now - this.#probedAt);
      this.#probedAt = undefined;
    }
    if (this.#depth < this.#depthMax) this.#depth++;
  }

  /** Brings the queue in line with what the link really delivers. */
  adjustDepth(now: Instant): void {
    const blocksPerSecond = this.down.at(now) / BLOCK_BYTES;
    this.#blocksPerSecond = blocksPerSecond;
    if (this.asked === 0) return;
    const inFlight = (blocksPerSecond * (this.#roundTripMs ?? 0) * 2) / 1000;
    this.onPath = Math.floor(Math.min(inFlight, DEPTH_LONG_PATH_MAX));
    this.#depthMax = Math.max(DEPTH_MAX, this.onPath);
    const ordered = Math.ceil(blocksPerSecond * ORDERED_SECONDS);
    this.#depth = Math.max(DEPTH_MIN, Math.min(this.#depth, ordered, this.#depthMax));
  }
}
