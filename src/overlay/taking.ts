/**
 * The taker's side of a hand-off, and the replica's. Invariant: nothing is served by a grant before it is here, whole and
 * signed, for an arc that was offered by its owner and accepted.
 */
import { type InfoHash, type Instant, isFault, later, type NodeId } from '../base/index.ts';
import { covers, isInArc } from './arcs.ts';
import type { Context } from './context.ts';
import { isReceipt, openSealedGrant, type SealedGrant, signedGrant, takenBytes } from './grant.ts';
import { type ArcName, type OverlayMessage, refused } from './message.ts';

/** A giver that says nothing for this long is not waited for: others have something to give, too. */
const PATIENCE_MS = 30_000;
/** Nor for this long in all: half a million peers have come by then. */
const TAKING_MS = 600_000;
/**
 * Who gave nothing of what it offered is not heard for as long as it held a place, and twice as long each time until it
 * gives something: one answer that got lost is enough for the first. Then as long again until that is forgotten. Both are
 * bounded by this, and so are those who are remembered, by the offers that fit in it.
 */
const REST_MS_MAX = 600_000;
/** Ranges that are taken at a time, and of one giver. */
export const TAKINGS_MAX = 4;
export const TAKINGS_PER_GIVER = 2;
/** What was taken shows in the measured load after this long; until then it is counted as it was offered. */
const SHOWS_MS = 60_000;
/** Ranges taken lately that are remembered. */
const TAKEN_MAX = 64;
/** Of capacity: above it nothing more is taken on. */
export const TAKE_MAX = 0.8;

type Offer = Extract<OverlayMessage, { type: 'offer' }>;
type GrantMessage = Extract<OverlayMessage, { type: 'grant' }>;

export interface TakingEvents {
  changed(): void;
  spread(key: string): void;
  /** The share of its capacity that this node would use if it took on so much more. */
  loadWith(more: { readonly announcesPerSecond: number; readonly peers: number }): number;
}

/** A range that comes. */
interface Accepted {
  readonly giver: NodeId;
  readonly arc: ArcName;
  readonly epoch: number;
  readonly announcesPerSecond: number;
  readonly latest: Instant;
  until: Instant;
}

/** Ranges that others give to one node. */
export class Takings {
  readonly #context: Context;
  readonly #events: TakingEvents;
  /** By giver and place; bounded by TAKINGS_MAX. */
  readonly #accepted = new Map<string, Accepted>();
  /** Givers of whom nothing came: how often in a row, and until when they are not heard. */
  readonly #resting = new Map<NodeId, { readonly times: number; readonly until: Instant }>();
  #taken: { readonly announcesPerSecond: number; readonly at: Instant }[] = [];

  constructor(context: Context, events: TakingEvents) {
    this.#context = context;
    this.#events = events;
  }

  /** Announces a second that come with what was accepted and taken, and do not show in what is measured. */
  get promised(): number {
    const { now } = this.#context;
    let sum = 0;
    for (const { announcesPerSecond, until } of this.#accepted.values()) if (now < until) sum += announcesPerSecond;
    for (const { announcesPerSecond, at } of this.#taken) {
      sum += announcesPerSecond * Math.max(0, 1 - (now - at) / SHOWS_MS);
    }
    return sum;
  }

  /** Somebody gives an arc to us. */
  isGiver(nodeId: NodeId): boolean {
    for (const { giver } of this.#accepted.values()) if (giver === nodeId) return true;
    return false;
  }

  /** A hash is in an arc that somebody gives to us. */
  isComing(infoHash: InfoHash): boolean {
    for (const { arc } of this.#accepted.values()) if (isInArc(arc, infoHash)) return true;
    return false;
  }

  answerOffer(from: NodeId, { arc, epoch, announcesPerSecond, peers }: Offer): OverlayMessage {
    const { now } = this.#context;
    this.#expire();
    const name = `${from} ${arc.to}`;
    const others = [...this.#accepted].filter(([other]) => other !== name);
    const isFull = others.filter(([, { giver }]) => giver === from).length >= TAKINGS_PER_GIVER;
    if (isFull || others.length >= TAKINGS_MAX) return refused('other ranges come first');
    const rest = this.#resting.get(from);
    if (rest && now < rest.until) return refused('nothing came of what you offered');
    if (!this.#isOf(from, arc, epoch)) return refused('that range is not yours');
    const latest = this.#accepted.get(name)?.latest ?? later(now, TAKING_MS);
    this.#accepted.delete(name);
    const more = { announcesPerSecond: announcesPerSecond + this.promised, peers };
    if (this.#events.loadWith(more) > TAKE_MAX) return refused('there is no room here');
    this.#accepted.set(name, { giver: from, arc, epoch, announcesPerSecond, latest, until: later(now, PATIENCE_MS) });
    return { type: 'accepted' };
  }

  /** The copy goes on: a frame of it was accepted. */
  noteFrame(from: NodeId): void {
    const until = later(this.#context.now, PATIENCE_MS);
    for (const accepted of this.#accepted.values()) {
      if (accepted.giver === from) accepted.until = until < accepted.latest ? until : accepted.latest;
    }
  }

  #expire(): void {
    const { now } = this.#context;
    for (const [giver, { until }] of this.#resting) {
      if (now >= later(until, REST_MS_MAX)) this.#resting.delete(giver);
    }
    for (const [name, { giver, latest, until }] of this.#accepted) {
      if (now < until) continue;
      this.#accepted.delete(name);
      this.#rest(giver, until - latest + TAKING_MS, until);
    }
  }

  #rest(giver: NodeId, heldMs: number, from: Instant): void {
    const before = this.#resting.get(giver);
    const times = before ? before.times + 1 : 0;
    const until = later(from, Math.min(REST_MS_MAX, heldMs * 2 ** times));
    this.#resting.set(giver, { times, until: before && before.until > until ? before.until : until });
  }

  /** A node is gone, and with it what it was about to give. */
  forget(nodeId: NodeId): void {
    for (const [name, { giver }] of this.#accepted) if (giver === nodeId) this.#accepted.delete(name);
  }

  /** Signs a grant of what was accepted, or of what is ours by an earlier one; it is served from now on. */
  answerGrant(from: NodeId, message: GrantMessage): OverlayMessage {
    const { settings, wall, view, self } = this.#context;
    const grant = openSealedGrant(message.grant, settings, wall);
    if (isFault(grant) || grant.giver !== from || grant.taker !== self) return refused('that grant is none for me');
    if (!this.#isExpected(grant)) return refused('that range was not offered');
    const { receipt } = message;
    if (receipt !== undefined && !isReceipt(receipt, grant.sealed, settings.verify))
      return refused('the receipt is forged');
    const signature = settings.sign(takenBytes(grant.sealed));
    if (view.offerGrant(signedGrant(grant, signature, receipt))) {
      this.#resting.delete(from);
      this.#noteTaken(`${grant.giver} ${grant.to}`);
      this.#events.spread(view.grantKeyOf(grant));
      this.#events.changed();
    }
    return { type: 'signed', signature };
  }

  /** Signs as a replica that a grant was given. */
  answerReceipt(from: NodeId, sealed: Uint8Array): OverlayMessage {
    const { settings, wall } = this.#context;
    const grant = openSealedGrant(sealed, settings, wall);
    if (isFault(grant) || grant.giver !== from) return refused('that grant is malformed');
    if (!this.#isOf(from, grant, grant.epoch)) return refused('that range is not yours');
    return { type: 'signed', signature: settings.sign(takenBytes(sealed)) };
  }

  #noteTaken(name: string): void {
    const accepted = this.#accepted.get(name);
    if (!this.#accepted.delete(name)) return;
    const { now } = this.#context;
    this.#taken = this.#taken.filter(({ at }) => now - at < SHOWS_MS).slice(1 - TAKEN_MAX);
    this.#taken.push({ announcesPerSecond: accepted!.announcesPerSecond, at: now });
  }

  #isExpected(grant: SealedGrant): boolean {
    const { view, now } = this.#context;
    const held = view.grantOf(grant.giver, grant.to);
    if (held) return held.epoch === grant.epoch && held.taker === grant.taker;
    const accepted = this.#accepted.get(`${grant.giver} ${grant.to}`);
    return (
      accepted !== undefined &&
      now < accepted.until &&
      accepted.epoch === grant.epoch &&
      accepted.arc.from === grant.from
    );
  }

  /** In our view the node owns the whole arc, which is less than its range, and its next epoch is this one. */
  #isOf(nodeId: NodeId, arc: ArcName, epoch: number): boolean {
    const { ring } = this.#context.view;
    return ring
      .rangesOf(nodeId)
      .some(
        (range) => range.to !== arc.to && range.from === arc.from && epoch === range.epoch + 1 && covers(range, arc),
      );
  }
}
