/**
 * Announces to the supernodes that keep a hash: to its owner and one replica at a time, so that one that lies, lags or is
 * gone costs nothing, and to a third when one of them names peers and the other none. Who answered last is asked again.
 */
import { type Fault, type InfoHash, isFault, type NodeAt, type Random, randomBelow } from '../base/index.ts';
import {
  type AnnounceFacts,
  doRepliesDiffer,
  soonestRefusal,
  type TrackerReply,
  uniteReplies,
} from '../torrent/index.ts';
import { trustOf } from './dialler.ts';

/** A reply, the host that gave it, and which node that is. */
export type AnnounceReply = TrackerReply & { readonly trackerHost: string; readonly node?: NodeAt };

/** Hashes of which it is remembered who answered; far more than a node has active torrents. */
export const REMEMBERED_HASHES_MAX = 4096;

/** Asks one supernode, as the owner that it should be or as a replica. */
export type AskNode = (node: NodeAt, isReplica: boolean, facts: AnnounceFacts) => Promise<AnnounceReply | Fault>;

/** The announces of all torrents to owner sets. */
export class OwnerAnnounces {
  readonly #ask: AskNode;
  readonly #random: Random;
  /** The supernode that answered last, the hash asked for longest ago first. */
  readonly #lastAnswered = new Map<InfoHash, NodeAt>();

  constructor(ask: AskNode, random: Random) {
    this.#ask = ask;
    this.#random = random;
  }

  /** @param owners the owner first, one at least */
  async announce(owners: readonly NodeAt[], facts: AnnounceFacts): Promise<AnnounceReply | Fault> {
    const { asked, others } = this.#choose(owners, facts.infoHash);
    const ask = (node: NodeAt) => this.#ask(node, isReplica(node, owners), facts);
    const outcomes = await Promise.all(asked.map(ask));
    const replies = outcomes.filter((outcome): outcome is AnnounceReply => !isFault(outcome));
    const isOneAlone = replies.length < asked.length && replies.every(({ peers }) => peers.length === 0);
    const isInDoubt = isOneAlone || doRepliesDiffer(replies);
    if (isInDoubt && facts.event !== 'stopped' && others[0]) {
      const outcome = await ask(others[0]);
      outcomes.push(outcome);
      if (!isFault(outcome)) replies.push(outcome);
    }
    const [first, ...rest] = replies;
    if (!first) {
      this.#lastAnswered.delete(facts.infoHash);
      return soonestRefusal(outcomes.filter(isFault) as [Fault, ...Fault[]]);
    }
    if (first.node) this.#remember(facts.infoHash, first.node);
    // What a host of the local network may say of peers there, one from outside may not: the union is only so credible.
    const { trackerHost } = replies.find((reply) => trustOf(reply.trackerHost) === 'public') ?? first;
    return { ...first, ...uniteReplies([first, ...rest]), trackerHost };
  }

  /** The owner and a replica, or whoever answered last and the owner; and who is left. */
  #choose(owners: readonly NodeAt[], infoHash: InfoHash) {
    const [owner, ...replicas] = owners as [NodeAt, ...NodeAt[]];
    const last = this.#lastAnswered.get(infoHash);
    const second = !last || last.nodeId === owner.nodeId ? replicas[randomBelow(this.#random, replicas.length)] : last;
    const asked = second ? [owner, second] : [owner];
    return { asked, others: owners.filter(({ nodeId }) => !asked.some((one) => one.nodeId === nodeId)) };
  }

  #remember(infoHash: InfoHash, node: NodeAt): void {
    this.#lastAnswered.delete(infoHash);
    this.#lastAnswered.set(infoHash, node);
    if (this.#lastAnswered.size > REMEMBERED_HASHES_MAX) {
      this.#lastAnswered.delete(this.#lastAnswered.keys().next().value!);
    }
  }
}

/** A supernode that is no longer in the owner set is asked as an owner: it knows better, or says who is. */
function isReplica(node: NodeAt, owners: readonly NodeAt[]): boolean {
  return owners.findIndex(({ nodeId }) => nodeId === node.nodeId) > 0;
}
