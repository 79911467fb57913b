/**
 * What other supernodes tell this one of swarms: frames of copies, and announces that they accepted. Invariant: what was
 * told to this node by one who may not know who else keeps a hash now is passed on to those, once.
 */
import type { InfoHash, NodeId } from '../base/index.ts';
import type { Context } from './context.ts';
import type { Copies } from './copies.ts';
import { type OverlayMessage, refused } from './message.ts';
import type { Neighbourhood } from './neighbourhood.ts';

/** Others to whom one batch is passed on, at most: those of a few arcs, for only a few change at a time. */
export const PASSED_ON_MAX = 16;

/** What happens to what was told. */
export interface HearingEvents {
  /** It goes to one more node. */
  passOn(to: NodeId, bytes: Uint8Array): void;
}

type Announces = Extract<OverlayMessage, { type: 'announces' }>;
type Frame = Extract<OverlayMessage, { type: 'frame' }>;

/** One node's ear for swarms. */
export class Hearing {
  readonly #context: Context;
  readonly #copies: Copies;
  readonly #neighbourhood: Neighbourhood;
  readonly #events: HearingEvents;

  constructor(context: Context, copies: Copies, neighbourhood: Neighbourhood, events: HearingEvents) {
    this.#context = context;
    this.#copies = copies;
    this.#neighbourhood = neighbourhood;
    this.#events = events;
  }

  /** Takes announces that another accepted, or passes on. */
  takeAnnounces(from: NodeId, { bytes, isPassedOn }: Announces): OverlayMessage {
    const { settings, view, now } = this.#context;
    if (!view.get(from)) return refused('nothing is taken from you');
    const unaware = new Set<NodeId>();
    const isTaken = settings.keeper.take(bytes, now, (infoHash) => {
      if (!isPassedOn) for (const nodeId of this.#unawareOf(infoHash, from)) unaware.add(nodeId);
      return true;
    });
    if (!isTaken) return refused('the batch is malformed');
    for (const nodeId of [...unaware].slice(0, PASSED_ON_MAX)) this.#events.passOn(nodeId, bytes);
    return { type: 'accepted' };
  }

  /** Takes a part of an arc that another copies to us. */
  takeFrame(from: NodeId, message: Frame): OverlayMessage {
    if (!this.#context.view.get(from)) return refused('nothing is taken from you');
    return this.#copies.answer(from, message, () => true);
  }

  /** Who keeps a hash, or is about to, and of whom the teller may not know that. */
  #unawareOf(infoHash: InfoHash, teller: NodeId): NodeId[] {
    const { view, self } = this.#context;
    const keepers = this.#neighbourhood.isUnsettled(infoHash)
      ? view.ring.ownerSetOf(infoHash).map(({ nodeId }) => nodeId)
      : [];
    return [...keepers, ...this.#copies.targetsOf(infoHash)].filter((nodeId) => nodeId !== self && nodeId !== teller);
  }
}
