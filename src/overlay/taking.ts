/**
 * The taker's side of a hand-off, and the replica's. Invariant: nothing is served by a grant before it is here, whole and
 * signed, for an arc that was offered by its owner and accepted.
 */
import { type Instant, isFault, later, type NodeId } from '../base/index.ts';
import { covers } from './arcs.ts';
import type { Context } from './context.ts';
import { isReceipt, openSealedGrant, type SealedGrant, signedGrant, takenBytes } from './grant.ts';
import { type ArcName, type OverlayMessage, refused } from './message.ts';

/** A giver that says nothing for this long is not waited for: others have something to give, too. */
const PATIENCE_MS = 30_000;
/** Of capacity: above it nothing more is taken on. */
export const TAKE_MAX = 0.8;

type Offer = Extract<OverlayMessage, { type: 'offer' }>;
type GrantMessage = Extract<OverlayMessage, { type: 'grant' }>;

export interface TakingEvents {
  changed(): void;
  spread(key: string): void;
  /** The share of its capacity that this node would use if it took on so many announces a second more. */
  loadWith(announcesPerSecond: number): number;
}

/** Ranges that others give to one node. */
export class Takings {
  readonly #context: Context;
  readonly #events: TakingEvents;
  /** One at a time. */
  #accepted: { readonly giver: NodeId; readonly arc: ArcName; readonly epoch: number; until: Instant } | undefined;

  constructor(context: Context, events: TakingEvents) {
    this.#context = context;
    this.#events = events;
  }

  answerOffer(from: NodeId, { arc, epoch, announcesPerSecond }: Offer): OverlayMessage {
    const { now } = this.#context;
    const current = this.#accepted;
    const isBusy = current && now < current.until && current.giver !== from;
    if (isBusy) return refused('another range comes first');
    if (!this.#isOf(from, arc, epoch)) return refused('that range is not yours');
    if (this.#events.loadWith(announcesPerSecond) > TAKE_MAX) return refused('there is no room here');
    this.#accepted = { giver: from, arc, epoch, until: later(now, PATIENCE_MS) };
    return { type: 'accepted' };
  }

  /** The copy goes on. */
  noteFrame(from: NodeId): void {
    if (this.#accepted?.giver === from) this.#accepted.until = later(this.#context.now, PATIENCE_MS);
  }

  /** A node is gone, and with it what it was about to give. */
  forget(nodeId: NodeId): void {
    if (this.#accepted?.giver === nodeId) this.#accepted = undefined;
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
      this.#accepted = undefined;
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

  #isExpected(grant: SealedGrant): boolean {
    const { view, now } = this.#context;
    const held = view.grantOf(grant.giver, grant.to);
    if (held) return held.epoch === grant.epoch && held.taker === grant.taker;
    const accepted = this.#accepted;
    if (!accepted || now >= accepted.until) return false;
    const { giver, arc, epoch } = accepted;
    return giver === grant.giver && epoch === grant.epoch && arc.from === grant.from && arc.to === grant.to;
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
