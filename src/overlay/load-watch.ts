/**
 * How busy this node is, and what it does about it: above 82 % of what it can bear it offers the lower parts of its
 * hottest ranges to the least busy of a few others, each as much as there is room for, until it is back at 65 %;
 * where nobody has room, somebody new is called for. A hash that alone takes more than a tenth is widened over the members
 * that follow.
 */
import { type Instant, later, wallSeconds } from '../base/index.ts';
import type { Arc } from '../ports/index.ts';
import type { Context } from './context.ts';
import type { Capacity, Descriptor } from './descriptor.ts';
import { contactOf } from './exchanges.ts';
import { GIVINGS_MAX, type Givings } from './giving.ts';
import { wideningKeyOf } from './record-names.ts';
import type { Range } from './ring.ts';
import { HELLO_MS } from './slow-ways.ts';
import { TAKE_MAX, TAKINGS_PER_GIVER } from './taking.ts';
import { parseToken, type Token } from './token.ts';
import { LEVEL_MAX, sealWidening, WIDENING_SECONDS } from './widening.ts';

export const LOAD_MS = 10_000;
const EVERYTHING: Arc = { from: '0'.repeat(40), to: '0'.repeat(40) };
/** A rate of a few announces a second is known within a twentieth, three of which lie between this and all that can be borne. */
const OVERLOADED = 0.82;
const AIM = 0.65;
const SAMPLED = 8;
/** Of what a supernode can bear, for one hash. */
const HOT = 0.1;
const RENEW_SECONDS = WIDENING_SECONDS / 2;
/** Smaller parts are not worth the copy; larger ones only move the trouble. */
const PART_MIN = 0.05;
const PART_MAX = 0.75;
/** Nor are those of ranges below this much of all that this node is asked for: every one makes the ring longer. */
const PART_WORTH = 0.02;

/** A part of a range that shall go. */
export interface Part {
  readonly range: Range;
  readonly cut: Token;
  /** In whole thousandths. */
  readonly announcesPerSecond: number;
  /** By its share of the load. */
  readonly peers: number;
}

export interface LoadEvents {
  /** A part goes to somebody who says that he has room. */
  give(part: Part, to: Descriptor): void;
  /** Nobody has room. */
  call(): void;
  /** A record of ours is in the view: others shall have it. */
  spread(key: string): void;
  /** Parts that are being given: how many more may be, of which ranges, what goes with them, and who takes none. */
  readonly giving: Pick<Givings, 'room' | 'announcesPerSecond' | 'isGivingOf' | 'mayTake' | 'countTo'>;
  /** Announces a second that are being taken and do not show yet. */
  promised(): number;
}

/** Somebody who was asked how busy he is. */
interface Candidate {
  readonly member: Descriptor;
  /** Announces a second that he would take on. */
  room: number;
  /** Parts that he would take of us still. */
  places: number;
}

/** An own range and what it is asked for. */
interface Loaded {
  readonly range: Range;
  readonly announcesPerSecond: number;
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

  constructor(context: Context, capacity: () => Capacity, events: LoadEvents) {
    this.#context = context;
    this.#capacity = capacity;
    this.#events = events;
    this.#at = context.now;
  }

  get deadline(): Instant {
    return this.#at;
  }
  /** In 1/255; with what is being taken. */
  get level(): number {
    return Math.min(255, Math.round(255 * this.loadWith({ announcesPerSecond: this.#events.promised(), peers: 0 })));
  }

  /** The share of capacity that would be in use with so much more. */
  loadWith(more: { readonly announcesPerSecond: number; readonly peers: number }): number {
    const { announcesPerSecond, peers } = this.#capacity();
    const { size } = this.#context.settings.keeper;
    return Math.max(
      this.share,
      (this.#announcesPerSecond + more.announcesPerSecond) / Math.max(1, announcesPerSecond),
      (size.peers + more.peers) / Math.max(1, peers),
    );
  }

  tick(): void {
    const { now, view, self, settings } = this.#context;
    if (now < this.#at) return;
    this.#at = later(now, LOAD_MS);
    const ranges = view.ring.rangesOf(self);
    // Replicas and those of a widened hash are asked, too: the whole counts, not the own ranges alone.
    const loads = settings.keeper.loadOf([...ranges, EVERYTHING], now);
    const whole = loads.at(-1)!;
    this.#announcesPerSecond = whole.announcesPerSecond;
    const { announcesPerSecond, trackingBytesPerSecond, peers, hashes } = this.#capacity();
    const { size } = settings.keeper;
    this.share = Math.max(
      whole.announcesPerSecond / Math.max(1, announcesPerSecond),
      whole.bytesPerSecond / Math.max(1, trackingBytesPerSecond),
      size.peers / Math.max(1, peers),
      size.hashes / Math.max(1, hashes),
    );
    this.#widen(announcesPerSecond);
    if (this.share <= OVERLOADED || this.#isLooking || this.#events.giving.room <= 0) return;
    this.#look(ranges.map((range, i) => ({ range, announcesPerSecond: loads[i]!.announcesPerSecond })));
  }

  /** Has a hash that is hot answered by others too; what it is asked for in all follows from what comes here. */
  #widen(most: number): void {
    const { view, self, settings, wall } = this.#context;
    for (const { infoHash, announcesPerSecond } of settings.keeper.hottest()) {
      if (view.ring.ownerOf(infoHash)?.nodeId !== self) continue;
      const held = view.wideningOf(infoHash);
      const current = view.wideOwnersOf(infoHash) ? held!.level : 0;
      const needed = Math.ceil(Math.log2((announcesPerSecond * 2 ** current) / (HOT * Math.max(1, most))));
      const level = Math.min(LEVEL_MAX, Math.max(needed, current - 1));
      if (level < 1 || (held && level === current && held.expires - wall > RENEW_SECONDS)) continue;
      const sequence = Math.max(wall, (held?.sequence ?? 0) + 1);
      const expires = wallSeconds(wall + WIDENING_SECONDS);
      const terms = { network: settings.network, infoHash, owner: self, level, sequence, expires };
      if (view.offerWidening(sealWidening(terms, settings.sign))) this.#events.spread(wideningKeyOf(infoHash));
    }
  }

  /** Asks a few others how busy they are, and gives to those with most room. */
  #look(loaded: readonly Loaded[]): void {
    const sample = this.#context.someOthers(SAMPLED);
    if (sample.length === 0) return this.#events.call();
    this.#isLooking = true;
    let open = sample.length;
    const candidates: Candidate[] = [];
    for (const member of sample) {
      this.#context.exchanges.ask(contactOf(member), { type: 'hello' }, HELLO_MS, (reply) => {
        if (reply?.type === 'here' && reply.sequence > 0 && this.#events.giving.mayTake(member.nodeId)) {
          const room = (TAKE_MAX - reply.load / 255) * member.capacity.announcesPerSecond;
          candidates.push({ member, room, places: TAKINGS_PER_GIVER - this.#events.giving.countTo(member.nodeId) });
        }
        if (--open > 0) return;
        this.#isLooking = false;
        if (!this.#relieve(loaded, candidates)) this.#events.call();
      });
    }
  }

  /** Gives parts away until enough goes or nobody has room for more; false when nothing goes. */
  #relieve(loaded: readonly Loaded[], candidates: readonly Candidate[]): boolean {
    const { giving } = this.#events;
    const least = Math.max(Number.EPSILON, PART_WORTH * this.#announcesPerSecond);
    let excess = this.#announcesPerSecond * (1 - AIM / this.share) - giving.announcesPerSecond;
    for (const { range, announcesPerSecond } of loaded.toSorted(
      (a, b) => b.announcesPerSecond - a.announcesPerSecond,
    )) {
      const best = candidates.filter(({ places }) => places > 0).toSorted((a, b) => b.room - a.room)[0];
      if (!best || excess <= 0 || announcesPerSecond < least || giving.room <= 0) break;
      if (giving.isGivingOf(range)) continue;
      const part = this.#partOf(range, announcesPerSecond, excess, best.room);
      if (!part) continue;
      this.#events.give(part, best.member);
      excess -= part.announcesPerSecond;
      best.room -= part.announcesPerSecond;
      best.places--;
    }
    return giving.room < GIVINGS_MAX;
  }

  /** The lower part of a range that carries `wanted` and fits `room`; where one hash makes it too much, half of it. */
  #partOf(range: Range, rate: number, wanted: number, room: number): Part | undefined {
    const { keeper } = this.#context.settings;
    let share = Math.min(PART_MAX, Math.max(PART_MIN, Math.min(wanted, room) / rate));
    for (; share >= PART_MIN; share /= 2) {
      const cut = parseToken(keeper.cutOf(range, share) ?? '');
      if (cut === undefined || cut === range.to) return undefined;
      const [load] = keeper.loadOf([{ from: range.from, to: cut }], this.#context.now);
      // As an offer says it.
      const announcesPerSecond = Math.round(1000 * load!.announcesPerSecond) / 1000;
      if (announcesPerSecond > room) continue;
      const peers = Math.round((keeper.size.peers * announcesPerSecond) / Math.max(1, this.#announcesPerSecond));
      return { range, cut, announcesPerSecond, peers };
    }
    return undefined;
  }
}
