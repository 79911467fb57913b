/**
 * Whom a supernode asks each round: a few partners in turn, so that each can be told when it is asked next, and notices
 * when nobody does. Each partner makes room for another after a few turns, in an order by chance in which everybody comes
 * once, so that news mixes and nobody chooses whom we ask. Invariant: whoever was told when it is asked again is asked then.
 */
import { type NodeId, randomBelow, shuffled } from '../base/index.ts';
import type { Context } from './context.ts';
import type { Descriptor } from './descriptor.ts';

/** Partners at a time: news reaches all of 10,000 by so many links each, and as many notice that we are gone. */
export const PARTNERS_MAX = 8;
/** Times a partner is asked before another comes in its place: the other does not expect us yet when it is asked first. */
const TURNS = 32;

interface Partner {
  readonly nodeId: NodeId;
  /** Times that it is asked still. */
  turns: number;
  /** It answered later than it was waited for: one way in a hundred is slower, and each such question has many look for it. */
  isSlow: boolean;
}

/** One to ask now; after how many rounds it is asked again, undefined when another takes its place. */
export interface Turn {
  readonly member: Descriptor;
  readonly rounds: number | undefined;
  readonly isSlow: boolean;
}

/** One node's partners. */
export class Partners {
  readonly #context: Context;
  /** One for each round until it begins anew; at most PARTNERS_MAX. */
  #partners: (Partner | undefined)[] = [];
  #at = 0;
  /** Those to come, the next one last. */
  #others: NodeId[] = [];

  constructor(context: Context) {
    this.#context = context;
  }

  /** Whom to ask this round; undefined when there is nobody. */
  next(): Turn | undefined {
    if (this.#at >= this.#partners.length) this.#beginAnew();
    const at = this.#at++;
    const partner = this.#partners[at];
    const member = partner && this.#context.member(partner.nodeId);
    if (partner && member && partner.turns > 0) return this.#turnOf(member, partner, at);
    const other = this.#nextOther();
    if (!other) return undefined;
    // Those of the first hour of a node would all be replaced at once.
    const turns = partner ? TURNS : 1 + randomBelow(this.#context.random, TURNS);
    return this.#turnOf(other, { nodeId: other.nodeId, turns, isSlow: false }, at);
  }

  /** A partner is there and did not answer in time. */
  noteSlow(nodeId: NodeId): void {
    for (const partner of this.#partners) if (partner?.nodeId === nodeId) partner.isSlow = true;
  }

  /**
   * Some of them by chance, and others only where they are too few. Who must be turned to at once is one of these: a
   * connection to each is open, where anybody else costs a handshake, several times what is said and two journeys before it.
   */
  some(count: number, except: ReadonlySet<NodeId>): Descriptor[] {
    const present = this.#partners.flatMap((partner) => {
      const member = partner && this.#context.member(partner.nodeId);
      return member && !except.has(member.nodeId) ? [member] : [];
    });
    const chosen = new Set(shuffled(present, this.#context.random).slice(0, count));
    if (chosen.size < count) {
      for (const other of this.#context.someOthers(count + except.size)) {
        if (chosen.size < count && !except.has(other.nodeId)) chosen.add(other);
      }
    }
    return [...chosen];
  }

  /** How many rounds there are before the one in which a partner is asked again; undefined where it was not told. */
  roundsBefore(nodeId: NodeId): number | undefined {
    const { length } = this.#partners;
    // It may have a place that is over, besides.
    const at = this.#partners.findIndex((partner) => partner?.nodeId === nodeId && partner.turns > 0);
    if (at < 0) return undefined;
    return at >= this.#at ? at - this.#at : length - this.#at + at;
  }

  #turnOf(member: Descriptor, partner: Partner, at: number): Turn {
    partner.turns--;
    this.#partners[at] = partner;
    return { member, rounds: partner.turns > 0 ? this.#partners.length : undefined, isSlow: partner.isSlow };
  }

  /** Only here their number changes: in between it would have others asked at another time than they were told. */
  #beginAnew(): void {
    const length = Math.max(1, this.#context.othersUpTo(PARTNERS_MAX));
    this.#partners = Array.from({ length }, (_, i) => this.#partners[i]);
    this.#at = 0;
  }

  /** The next in turn of those who are no partners now. */
  #nextOther(): Descriptor | undefined {
    for (const isAnew of [false, true]) {
      if (isAnew) this.#others = shuffled(this.#context.others(), this.#context.random).map(({ nodeId }) => nodeId);
      for (let next = this.#others.pop(); next !== undefined; next = this.#others.pop()) {
        const member = this.#context.member(next);
        if (member && !this.#partners.some((partner) => partner && partner.turns > 0 && partner.nodeId === next)) {
          return member;
        }
      }
    }
    return undefined;
  }
}
