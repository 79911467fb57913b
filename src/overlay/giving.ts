/**
 * The giver's side of a hand-off: 1 offer, 2 accepted, 3 copied while new announces go to both, 4 the grant is sealed, a
 * replica and the taker sign it, 5 and 6 both pass it on. Invariants: one part of a range is given at a time; from the moment
 * the grant is sealed the giver does not own the arc, until the taker refuses, is gone or does not sign; before it, everything can be
 * dropped without a word.
 */
import { type Instant, later, type NodeId, wallSeconds } from '../base/index.ts';
import type { Arc } from '../ports/index.ts';
import { isInArc } from './arcs.ts';
import type { Context } from './context.ts';
import type { Copies } from './copies.ts';
import { contactOf } from './exchanges.ts';
import {
  GRANT_SECONDS,
  type Grant,
  isReceipt,
  isSigned,
  receiptOf,
  type SealedGrant,
  sealGrant,
  signedGrant,
  takenBytes,
} from './grant.ts';
import type { Contact } from './overlay-facts.ts';
import type { Replication } from './replication.ts';
import type { Range } from './ring.ts';
import type { Token } from './token.ts';

/** Hand-offs under way at a time; their copies share the bandwidth. */
export const GIVINGS_MAX = 4;
const OFFER_MS = 3000;
const GRANT_MS = 3000;
/**
 * A taker that does not answer is asked for its signature again, this long: meanwhile nobody serves the arc. If it signed all
 * the same, its grant comes back to us with the gossip.
 */
const AGAIN_MS = 1000;
const SIGN_MS = 12_000;
/** To who did not sign nothing is offered for this long; bounded by the hand-offs that fit in it. */
const UNSIGNED_MS = 3_600_000;
const RENEW_MS = (GRANT_SECONDS * 1000) / 2;
const LOOK_MS = 60_000;

export type GivingStep = 'offering' | 'copying' | 'granting';

interface Giving {
  readonly to: Contact;
  readonly arc: Arc & { readonly from: Token; readonly to: Token };
  readonly epoch: number;
  readonly announcesPerSecond: number;
  readonly startedAt: Instant;
  step: GivingStep;
  /** When the range is taken back unless the grant is signed. */
  signBy: Instant | undefined;
  copy: number | undefined;
  retry: { readonly at: Instant; readonly run: () => void } | undefined;
}

/** What becomes of a hand-off. */
export interface GivingEvents {
  changed(): void;
  spread(key: string): void;
}

/** Ranges that one node gives away. */
export class Givings {
  readonly #context: Context;
  readonly #copies: Copies;
  readonly #replication: Replication;
  readonly #events: GivingEvents;
  /** By where their arcs end. */
  readonly #givings = new Map<Token, Giving>();
  /** Grants of ours, to be renewed. */
  readonly #given = new Map<Token, { renewAt: Instant }>();
  /** Who did not sign, and until when it is offered nothing. */
  readonly #unsigned = new Map<NodeId, Instant>();
  #lookAt: Instant;
  /** Hand-offs that came to their end. */
  done = 0;

  constructor(context: Context, copies: Copies, replication: Replication, events: GivingEvents) {
    this.#context = context;
    this.#copies = copies;
    this.#replication = replication;
    this.#events = events;
    this.#lookAt = context.soon(LOOK_MS);
  }

  /** The oldest that is under way. */
  get current(): { readonly to: NodeId; readonly arc: Arc; readonly step: GivingStep } | undefined {
    const [giving] = this.#givings.values();
    return giving && { to: giving.to.nodeId, arc: giving.arc, step: giving.step };
  }
  /** How many more may begin. */
  get room(): number {
    return GIVINGS_MAX - this.#givings.size;
  }
  /** What goes with those under way. */
  get announcesPerSecond(): number {
    let sum = 0;
    for (const giving of this.#givings.values()) sum += giving.announcesPerSecond;
    return sum;
  }

  /** A part of a range is being given; somebody may have come to sit in that part since, so that the range is shorter. */
  isGivingOf(range: Range): boolean {
    return [...this.#givings.keys()].some((cut) => isInArc(range, cut));
  }

  /** Hand-offs to one node. */
  countTo(nodeId: NodeId): number {
    let count = 0;
    for (const { to } of this.#givings.values()) if (to.nodeId === nodeId) count++;
    return count;
  }

  /** A node may be offered something: the last time it signed, or was not asked to. */
  mayTake(nodeId: NodeId): boolean {
    return (this.#unsigned.get(nodeId) ?? Number.NEGATIVE_INFINITY) <= this.#context.now;
  }

  get deadline(): Instant {
    let at: Instant = this.#lookAt;
    for (const { retry } of this.#givings.values()) if (retry && retry.at < at) at = retry.at;
    for (const { renewAt } of this.#given.values()) if (renewAt < at) at = renewAt;
    return at;
  }

  /** Offers the lower part of a range, up to and including `cut`, to a supernode. */
  begin(range: Range, cut: Token, to: Contact, load: { peers: number; announcesPerSecond: number }): void {
    if (this.room <= 0 || this.isGivingOf(range)) return;
    const arc = { from: range.from, to: cut };
    const epoch = range.epoch + 1;
    const { announcesPerSecond } = load;
    const begun = { step: 'offering', signBy: undefined, copy: undefined, retry: undefined } as const;
    const giving: Giving = { to, arc, epoch, announcesPerSecond, startedAt: this.#context.now, ...begun };
    this.#givings.set(cut, giving);
    const message = { type: 'offer', arc, epoch, ...load } as const;
    this.#context.exchanges.ask(to, message, OFFER_MS, (reply) => {
      if (!this.#isUnderWay(giving)) return;
      if (reply?.type !== 'accepted') return this.#fail(giving);
      giving.step = 'copying';
      giving.copy = this.#copies.begin(to, arc, (isDone) => {
        if (!this.#isUnderWay(giving)) return;
        if (isDone) this.#grant(giving);
        else this.#fail(giving);
      });
    });
  }

  #isUnderWay(giving: Giving): boolean {
    return this.#givings.get(giving.arc.to) === giving;
  }

  tick(): void {
    const { now, view, self } = this.#context;
    for (const giving of [...this.#givings.values()]) {
      const { retry } = giving;
      if (!retry || now < retry.at) continue;
      giving.retry = undefined;
      retry.run();
    }
    if (now >= this.#lookAt) this.#lookForGiven();
    for (const [to, given] of this.#given) {
      if (now < given.renewAt) continue;
      const grant = view.grantOf(self, to);
      if (!grant || !view.get(grant.taker)) this.#given.delete(to);
      else {
        given.renewAt = this.#context.soon(RENEW_MS);
        this.#renew(grant);
      }
    }
  }

  /** What was given before a restart is renewed, too. */
  #lookForGiven(): void {
    const { view, self } = this.#context;
    this.#lookAt = this.#context.soon(LOOK_MS);
    for (const { to, giver, record } of view.grants()) {
      if (giver !== self || record.length === 0 || this.#given.has(to)) continue;
      this.#given.set(to, { renewAt: this.#context.soon(LOOK_MS) });
    }
  }

  /** A node is gone, and with it what it was about to take: the range is ours again. */
  forget(nodeId: NodeId): void {
    for (const giving of [...this.#givings.values()]) if (giving.to.nodeId === nodeId) this.#fail(giving);
  }

  /** Drops what is not granted yet: the giver leaves. */
  giveUp(): void {
    for (const giving of [...this.#givings.values()]) if (giving.step !== 'granting') this.#fail(giving);
  }

  #grant(giving: Giving): void {
    // A newcomer may have come to sit in it while it was copied.
    const { view, self } = this.#context;
    const isOurs = view.ring.ownerSetAt(giving.arc.to)[0]?.nodeId === self;
    if (!isOurs || view.ring.rangeAt(giving.arc.to)?.from !== giving.arc.from) return this.#fail(giving);
    const grant = this.#seal(giving.arc, giving.epoch, giving.to.nodeId);
    // From here on the ring of this node names the taker: nothing is written here any more.
    giving.step = 'granting';
    if (!view.offerGrant({ ...grant, record: new Uint8Array(0) })) return this.#fail(giving);
    this.#events.changed();
    this.#replication.flush(giving.to.nodeId, () => {
      if (!this.#isUnderWay(giving)) return;
      // It was not told of everything after all.
      if (this.#copies.has(giving.copy)) this.#askReplica(giving, grant);
      else this.#fail(giving);
    });
  }

  #askReplica(giving: Giving, grant: SealedGrant): void {
    const { view, self, exchanges, settings } = this.#context;
    const replica = view.ring.ownerSetAt(giving.arc.to).find(({ nodeId }) => nodeId !== self && nodeId !== grant.taker);
    if (!replica) return this.#askTaker(giving, grant, undefined);
    exchanges.ask(contactOf(replica), { type: 'receipt', grant: grant.sealed }, GRANT_MS, (reply) => {
      if (!this.#isUnderWay(giving)) return;
      const receipt = reply?.type === 'signed' ? receiptOf(replica.nodeId, reply.signature) : undefined;
      const isGood = receipt !== undefined && isReceipt(receipt, grant.sealed, settings.verify);
      this.#askTaker(giving, grant, isGood ? receipt : undefined);
    });
  }

  #askTaker(giving: Giving, grant: SealedGrant, receipt: Uint8Array | undefined): void {
    const { exchanges, settings } = this.#context;
    const message = { type: 'grant', grant: grant.sealed, receipt } as const;
    exchanges.ask(giving.to, message, GRANT_MS, (reply) => {
      if (!this.#isUnderWay(giving)) return;
      if (reply === undefined) return this.#askAgain(giving, () => this.#askTaker(giving, grant, receipt));
      const isGood = reply.type === 'signed' && settings.verify(reply.signature, takenBytes(grant.sealed), grant.taker);
      if (!isGood) return this.#fail(giving);
      this.#finish(giving, signedGrant(grant, reply.signature, receipt));
    });
  }

  /** It may hold the grant, signed or not. */
  #askAgain(giving: Giving, run: () => void): void {
    const { now, view, self } = this.#context;
    const held = view.grantOf(self, giving.arc.to);
    if (held && isSigned(held)) return this.#finish(giving, held);
    giving.signBy ??= later(now, SIGN_MS);
    if (now < giving.signBy) {
      giving.retry = { at: later(now, AGAIN_MS), run };
      return;
    }
    const { nodeId } = giving.to;
    for (const [other, until] of this.#unsigned) if (until <= now) this.#unsigned.delete(other);
    this.#unsigned.set(nodeId, later(now, UNSIGNED_MS));
    this.#fail(giving);
  }

  #finish(giving: Giving, grant: Grant): void {
    const { keeper } = this.#context.settings;
    this.#givings.delete(giving.arc.to);
    if (giving.copy !== undefined) this.#copies.end(giving.copy);
    this.done++;
    this.#replication.notePrimed(grant.taker, giving.arc);
    this.#publish(grant);
    this.#given.set(grant.to, { renewAt: this.#context.soon(RENEW_MS) });
    const milliseconds = Math.max(0, this.#context.now - giving.startedAt);
    const { from, to: at } = giving.arc;
    this.#context.tell({ type: 'handed-off', to: grant.taker, from, at, peers: keeper.size.peers, milliseconds });
  }

  #fail(giving: Giving): void {
    this.#givings.delete(giving.arc.to);
    if (giving.copy !== undefined) this.#copies.end(giving.copy);
    if (giving.step === 'granting') this.#context.view.withdraw({ giver: this.#context.self, to: giving.arc.to });
    this.#context.tell({ type: 'hand-off-failed', to: giving.to.nodeId, step: giving.step });
    this.#events.changed();
  }

  #renew(grant: Grant): void {
    const { view, exchanges, settings } = this.#context;
    const taker = view.get(grant.taker);
    if (!taker) return;
    const renewed = this.#seal(grant, grant.epoch, grant.taker);
    exchanges.ask(contactOf(taker), { type: 'grant', grant: renewed.sealed, receipt: undefined }, GRANT_MS, (reply) => {
      if (reply?.type !== 'signed') return;
      if (settings.verify(reply.signature, takenBytes(renewed.sealed), renewed.taker))
        this.#publish(signedGrant(renewed, reply.signature, undefined));
    });
  }

  #publish(grant: Grant): void {
    this.#context.view.offerGrant(grant);
    this.#events.spread(this.#context.view.grantKeyOf(grant));
    this.#events.changed();
  }

  #seal({ from, to }: { from: Token; to: Token }, epoch: number, taker: NodeId): SealedGrant {
    const { settings, self, wall } = this.#context;
    const expires = wallSeconds(wall + GRANT_SECONDS);
    const terms = { network: settings.network, giver: self, taker, from, to, epoch, sequence: wall, expires };
    return sealGrant(terms, settings.sign);
  }
}
