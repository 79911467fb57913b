/**
 * What other supernodes tell this one of swarms: frames of copies, and announces that they accepted. Invariants: what was
 * told to this node by one who may not know who else keeps a hash now is passed on to those, once; nothing is taken of
 * hashes that are far from this node's own, and who tells of those hears that it was not.
 */
import type { InfoHash, NodeId } from '../base/index.ts';
import type { Context } from './context.ts';
import type { Copies, Keeping } from './copies.ts';
import { type OverlayMessage, refused } from './message.ts';
import type { Neighbourhood } from './neighbourhood.ts';
import { OWNERS } from './ring.ts';

/** Others to whom one batch is passed on, at most: those of a few arcs, for only a few change at a time. */
export const PASSED_ON_MAX = 16;

/**
 * Who is among so many members after a hash may be one of its keepers as the teller has it: twice as many as there are,
 * because views differ while members come and go.
 */
export const NEAR: number = 2 * OWNERS;

/** What happens to what was told. */
export interface HearingEvents {
  /** It is about to be ours, by an election or a hand-off. */
  isComing(infoHash: InfoHash): boolean;
  /** Somebody gives us a part of what is its own. */
  isGiver(nodeId: NodeId): boolean;
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
    const near = this.#near(from);
    const isTaken = settings.keeper.take(bytes, now, (infoHash) => {
      if (!near.mayKeep(infoHash)) return false;
      if (!isPassedOn) for (const nodeId of this.#unawareOf(infoHash, from)) unaware.add(nodeId);
      return true;
    });
    if (!isTaken) return refused('the batch is malformed');
    if (near.hasRefused()) return refused('some of that is not kept here');
    for (const nodeId of [...unaware].slice(0, PASSED_ON_MAX)) this.#events.passOn(nodeId, bytes);
    return { type: 'accepted' };
  }

  /** Takes a part of an arc that another copies to us. */
  takeFrame(from: NodeId, message: Frame): OverlayMessage {
    if (!this.#context.view.get(from)) return refused('nothing is taken from you');
    return this.#copies.answer(from, message, this.#near(from));
  }

  /** Judges the hashes of one message, and remembers whether any was too far. */
  #near(from: NodeId): Keeping {
    const { view, self } = this.#context;
    let isFar = false;
    return {
      mayKeep: (infoHash) => {
        const after = view.ring.membersAfter(infoHash, NEAR);
        const isNear = after.length < NEAR || after.some(({ nodeId }) => nodeId === self);
        if (isNear || this.#events.isComing(infoHash)) return true;
        // By its ring we stand where it does, from when it sealed the grant, and by ours from when we hold it.
        if (after.some(({ nodeId }) => nodeId === from) && this.#events.isGiver(from)) return true;
        isFar = true;
        return false;
      },
      hasRefused: () => isFar,
    };
  }

  /** Who keeps a hash, or is about to, and of whom the teller may not know that. */
  #unawareOf(infoHash: InfoHash, teller: NodeId): NodeId[] {
    const { view, self } = this.#context;
    const set: readonly NodeId[] = view.ring.ownerSetOf(infoHash).map(({ nodeId }) => nodeId);
    // Told by one who does not keep it to one who does not: the teller slept, and its ring is that of long ago.
    const isStray = !set.includes(self) && !set.includes(teller) && !this.#events.isComing(infoHash);
    const keepers = isStray || this.#neighbourhood.isUnsettled(infoHash) ? set : [];
    return [...keepers, ...this.#copies.targetsOf(infoHash)].filter((nodeId) => nodeId !== self && nodeId !== teller);
  }
}
