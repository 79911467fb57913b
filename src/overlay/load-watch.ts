/**
 * How busy this node is, and what it does about it: above nine tenths of what it can bear it offers the lower part of its
 * hottest range to the least busy of a few others, as much as brings it back to seven tenths; where nobody has room,
 * somebody new is called for. A hash that alone takes more than a tenth is widened over the members that follow.
 */
import { type Instant, later, type NodeId, wallSeconds } from '../base/index.ts';
import type { ArcLoad } from '../ports/index.ts';
import { HELLO_MS } from './admission.ts';
import type { Context } from './context.ts';
import type { Capacity, Descriptor } from './descriptor.ts';
import { contactOf } from './exchanges.ts';
import type { Range } from './ring.ts';
import { TAKE_MAX } from './taking.ts';
import { parseToken, type Token } from './token.ts';
import { wideningKeyOf } from './view.ts';
import { LEVEL_MAX, sealWidening, WIDENING_SECONDS } from './widening.ts';

export const LOAD_MS = 10_000;
const OVERLOADED = 0.9;
const AIM = 0.7;
const SAMPLED = 8;
/** Of what a supernode can bear, for one hash. */
const HOT = 0.1;
const RENEW_SECONDS = WIDENING_SECONDS / 2;
/** Smaller parts are not worth the copy; larger ones only move the trouble. */
const PART_MIN = 0.05;
const PART_MAX = 0.75;

/** A part of a range that shall go. */
export interface Part {
  readonly range: Range;
  readonly cut: Token;
  readonly announcesPerSecond: number;
}

export interface LoadEvents {
  /** A part goes to somebody who says that he has room. */
  give(part: Part, to: Descriptor): void;
  /** Nobody has room. */
  call(): void;
  /** A record of ours is in the view: others shall have it. */
  spread(key: string): void;
  /** Something else is being given. */
  isGiving(): boolean;
}

/** One node's eye on its load. */
export class LoadWatch {
  readonly #context: Context;
  readonly #capacity: () => Capacity;
  readonly #events: LoadEvents;
  #at: Instant;
  #isLooking = false;
  #announcesPerSecond = 0;
  /** Share of capacity in use, of whatever is nearest to its cap. */
  share = 0;
  #ranges = new Map<Token, ArcLoad>();

  constructor(context: Context, capacity: () => Capacity, events: LoadEvents) {
    this.#context = context;
    this.#capacity = capacity;
    this.#events = events;
    this.#at = context.now;
  }

  get deadline(): Instant {
    return this.#at;
  }
  /** In 1/255. */
  get level(): number {
    return Math.min(255, Math.round(255 * this.share));
  }

  /** The load of a range of ours, as last seen. */
  of(range: Range): ArcLoad | undefined {
    return this.#ranges.get(range.to);
  }

  loadWith(announcesPerSecond: number): number {
    const most = Math.max(1, this.#capacity().announcesPerSecond);
    return Math.max(this.share, (this.#announcesPerSecond + announcesPerSecond) / most);
  }

  tick(): void {
    const { now, view, self, settings } = this.#context;
    if (now < this.#at) return;
    this.#at = later(now, LOAD_MS);
    const ranges = view.ring.rangesOf(self);
    const loads = settings.keeper.loadOf(ranges, now);
    this.#ranges = new Map(ranges.map((range, i) => [range.to, loads[i]!]));
    const bytesPerSecond = sum(loads.map((load) => load.bytesPerSecond));
    this.#announcesPerSecond = sum(loads.map((load) => load.announcesPerSecond));
    const { announcesPerSecond, trackingBytesPerSecond, peers, hashes } = this.#capacity();
    const { size } = settings.keeper;
    this.share = Math.max(
      this.#announcesPerSecond / Math.max(1, announcesPerSecond),
      bytesPerSecond / Math.max(1, trackingBytesPerSecond),
      size.peers / Math.max(1, peers),
      size.hashes / Math.max(1, hashes),
    );
    this.#widen(announcesPerSecond);
    if (this.share > OVERLOADED && !this.#events.isGiving() && !this.#isLooking) this.#relieve(ranges, loads);
  }

  /** Has a hash that is hot answered by others too; what it is asked for in all follows from what comes here. */
  #widen(most: number): void {
    const { view, self, settings, wall } = this.#context;
    for (const { infoHash, announcesPerSecond } of settings.keeper.hottest()) {
      if (view.ring.ownerOf(infoHash)?.nodeId !== self) continue;
      const held = view.wideningOf(infoHash);
      const current = held?.owner === self ? held.level : 0;
      const needed = Math.ceil(Math.log2((announcesPerSecond * 2 ** current) / (HOT * Math.max(1, most))));
      const level = Math.min(LEVEL_MAX, Math.max(needed, current - 1));
      if (level < 1 || (held && level === current && held.expires - wall > RENEW_SECONDS)) continue;
      const sequence = Math.max(wall, (held?.sequence ?? 0) + 1);
      const expires = wallSeconds(wall + WIDENING_SECONDS);
      const terms = { network: settings.network, infoHash, owner: self, level, sequence, expires };
      if (view.offerWidening(sealWidening(terms, settings.sign))) this.#events.spread(wideningKeyOf(infoHash));
    }
  }

  #relieve(ranges: readonly Range[], loads: readonly ArcLoad[]): void {
    const hottest = ranges
      .map((range, i) => ({ range, rate: loads[i]!.announcesPerSecond }))
      .sort((a, b) => b.rate - a.rate);
    for (const { range, rate } of hottest) {
      if (rate === 0) break;
      const excess = (this.#announcesPerSecond * (1 - AIM / this.share)) / rate;
      const share = Math.min(PART_MAX, Math.max(PART_MIN, excess));
      const cut = parseToken(this.#context.settings.keeper.cutOf(range, share) ?? '');
      if (cut === undefined || cut === range.to) continue;
      this.#offer({ range, cut, announcesPerSecond: Math.ceil(rate * share) });
      return;
    }
  }

  /** Asks a few others how busy they are. */
  #offer(part: Part): void {
    const sample = this.#context.someOthers(SAMPLED);
    if (sample.length === 0) return this.#events.call();
    this.#isLooking = true;
    let open = sample.length;
    const loads = new Map<NodeId, number>();
    for (const member of sample) {
      this.#context.exchanges.ask(contactOf(member), { type: 'hello' }, HELLO_MS, (reply) => {
        if (reply?.type === 'here' && reply.sequence > 0) loads.set(member.nodeId, reply.load / 255);
        if (--open > 0) return;
        this.#isLooking = false;
        const roomOf = ({ nodeId, capacity }: Descriptor): number =>
          TAKE_MAX - (loads.get(nodeId) ?? 1) - part.announcesPerSecond / Math.max(1, capacity.announcesPerSecond);
        const best = sample.toSorted((a, b) => roomOf(b) - roomOf(a))[0]!;
        if (roomOf(best) > 0) this.#events.give(part, best);
        else this.#events.call();
      });
    }
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
