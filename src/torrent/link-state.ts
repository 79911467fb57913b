/** What one torrent knows of one link: who has what, who chokes whom, how fast it is and how much it owes us. */
import type { Address, Instant } from '../base/index.ts';
import { BLOCK_BYTES } from '../wire/index.ts';
import { Bitfield } from './bitfield.ts';
import type { LinkId } from './ledger.ts';
import { Rate } from './rate.ts';

const DEPTH_FIRST = 16;
const DEPTH_MIN = 4;
/** Deeper queues cost 15 % of the rate on a fast short path (docs/BENCH.md); long paths are given more below. */
const DEPTH_MAX = 128;
const DEPTH_LONG_PATH_MAX = 1000;
/** Seconds of data that may be on order from one link. */
const ORDERED_SECONDS = 3;

/** One open link of a torrent; plain state, changed by the transfer machine and the picker. */
export class LinkState {
  readonly id: LinkId;
  readonly address: Address;
  readonly hasFast: boolean;
  /** Requests the peer queues at most. */
  queueMax: number;
  has: Bitfield;
  theyChoke = true;
  theyAreInterested = false;
  weChoke = true;
  weAreInterested = false;
  /** Blocks on order. */
  asked = 0;
  /** Pieces in which blocks are on order from this link. */
  readonly working: Set<number> = new Set();
  readonly down: Rate = new Rate();
  readonly up: Rate = new Rate();
  isSnubbing = false;
  /** When it last sent a block, or was first asked for one. */
  progressAt: Instant;
  #depth = DEPTH_FIRST;
  #depthMax = DEPTH_MAX;
  #roundTripMs: number | undefined;
  #probedAt: Instant | undefined;

  constructor(id: LinkId, address: Address, hasFast: boolean, pieceCount: number, now: Instant) {
    this.id = id;
    this.address = address;
    this.hasFast = hasFast;
    this.queueMax = 250;
    this.has = new Bitfield(pieceCount);
    this.progressAt = now;
  }

  get isSeed(): boolean {
    return this.has.isFull;
  }

  /** Blocks that may be on order now. */
  get depth(): number {
    return Math.min(this.#depth, this.queueMax);
  }

  noteAsked(blocks: number, now: Instant): void {
    if (this.asked === 0) {
      this.progressAt = now;
      this.#probedAt = now;
    }
    this.asked += blocks;
  }

  noteArrival(bytes: number, now: Instant): void {
    this.asked--;
    this.down.note(bytes);
    this.progressAt = now;
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
    if (this.asked === 0) return;
    const inFlight = (blocksPerSecond * (this.#roundTripMs ?? 0) * 2) / 1000;
    this.#depthMax = Math.floor(Math.max(DEPTH_MAX, Math.min(inFlight, DEPTH_LONG_PATH_MAX)));
    const ordered = Math.ceil(blocksPerSecond * ORDERED_SECONDS);
    this.#depth = Math.max(DEPTH_MIN, Math.min(this.#depth, ordered, this.#depthMax));
  }
}
