/**
 * Which of this node's own entries to offer to whom, and when: each to everybody who keeps its hash, again until that one
 * took it, and to others once the hash is theirs. Who does not answer rests, so that it holds up nothing but what only it
 * lacks. Pure: the host asks, and tells what came.
 */
import { type InfoHash, type Instant, instant, later, type NodeId } from '../base/index.ts';

/** Entries of ours that are offered; more wait for a restart. */
export const OWN_ENTRIES_MAX = 100_000;
/** Offers under way. */
export const OFFERS_MAX = 4;
/** Entries looked at for one offer, of which the keepers all rest or took it; the others have their turn next time. */
const LOOKED_AT_MAX = 256;
/** Who refused an entry is not offered it for so long, and who thinks that others keep its hash. */
const REFUSED_MS = 600_000;
const ELSEWHERE_MS = 5000;
/** How long one that did not answer, or had no time, is left alone; doubled each time. */
const REST_MS = 2000;
const REST_MAX_MS = 60_000;
/** Keepers of whom it is known that they rest; the oldest is forgotten first. */
const RESTING_MAX = 1000;
/** All entries are looked at again so often, whether a change of the keepers was told or not. */
const LOOK_AGAIN_MS = 60_000;
const FOR_EVER: Instant = instant(Number.POSITIVE_INFINITY);

/** What became of an offer: `elsewhere` where the asked one says that others keep the hash. */
export type OfferOutcome = 'taken' | 'refused' | 'elsewhere' | 'failed';

interface Own {
  readonly infoHash: InfoHash;
  /** Until when somebody is not offered it: for ever who took it, or is being asked; the present keepers at most. */
  readonly settled: Map<NodeId, Instant>;
}

export interface Offer {
  readonly infoHash: InfoHash;
  readonly keeper: NodeId;
  /** The plan's own: of an entry that was replaced meanwhile the answer is of no use. */
  readonly own: Own;
}

interface Rest {
  readonly until: Instant;
  readonly failures: number;
}

export class OfferPlan {
  readonly #keepersOf: (infoHash: InfoHash) => readonly NodeId[];
  readonly #own = new Map<InfoHash, Own>();
  /** Those that somebody may lack, whose turn it is first. */
  readonly #open = new Map<InfoHash, Own>();
  readonly #resting = new Map<NodeId, Rest>();
  #underWay = 0;
  #lookAgainAt: Instant;

  /** @param keepersOf who is to have a hash's entries, this node not among them */
  constructor(keepersOf: (infoHash: InfoHash) => readonly NodeId[], now: Instant) {
    this.#keepersOf = keepersOf;
    this.#lookAgainAt = later(now, LOOK_AGAIN_MS);
  }

  /** Takes an entry, or one in the place of another, which everybody lacks; false when there are too many. */
  add(infoHash: InfoHash): boolean {
    if (this.#own.size >= OWN_ENTRIES_MAX && !this.#own.has(infoHash)) return false;
    const own: Own = { infoHash, settled: new Map() };
    this.#own.set(infoHash, own);
    this.#open.set(infoHash, own);
    return true;
  }

  remove(infoHash: InfoHash): void {
    this.#own.delete(infoHash);
    this.#open.delete(infoHash);
  }

  /** Others may keep the hashes now. */
  reconsider(): void {
    for (const [infoHash, own] of this.#own) this.#open.set(infoHash, own);
  }

  /** The next offer; undefined when none is due, or enough are under way. */
  next(now: Instant): Offer | undefined {
    if (this.#underWay >= OFFERS_MAX) return undefined;
    if (now >= this.#lookAgainAt) {
      this.#lookAgainAt = later(now, LOOK_AGAIN_MS);
      this.reconsider();
    }
    let looks = Math.min(LOOKED_AT_MAX, this.#open.size);
    for (const own of this.#open.values()) {
      if (looks-- === 0) return undefined;
      const keeper = this.#lacking(own, now)[0];
      if (keeper !== undefined) return this.#begin(own, keeper);
      this.#open.delete(own.infoHash);
      if (this.#isOwed(own)) this.#open.set(own.infoHash, own);
    }
    return undefined;
  }

  /** The offers of one entry to all who may be asked, however many others are under way. */
  offersOf(infoHash: InfoHash, now: Instant): Offer[] {
    const own = this.#own.get(infoHash);
    return own ? this.#lacking(own, now).map((keeper) => this.#begin(own, keeper)) : [];
  }

  /** True while somebody lacks something. */
  get isBusy(): boolean {
    return this.#open.size > 0;
  }

  settle({ own, keeper, infoHash }: Offer, outcome: OfferOutcome, now: Instant): void {
    this.#underWay--;
    if (outcome !== 'taken' && this.#own.get(infoHash) === own) this.#open.set(infoHash, own);
    if (outcome === 'failed') {
      const failures = this.#resting.get(keeper)?.failures ?? 0;
      const until = later(now, Math.min(REST_MAX_MS, REST_MS * 2 ** failures));
      this.#resting.delete(keeper);
      this.#resting.set(keeper, { until, failures: Math.min(failures + 1, 16) });
      if (this.#resting.size > RESTING_MAX) this.#resting.delete(this.#resting.keys().next().value!);
      own.settled.delete(keeper);
      return;
    }
    this.#resting.delete(keeper);
    if (outcome === 'refused') own.settled.set(keeper, later(now, REFUSED_MS));
    if (outcome === 'elsewhere') own.settled.set(keeper, later(now, ELSEWHERE_MS));
  }

  /** Keepers that may be offered an entry now. */
  #lacking({ infoHash, settled }: Own, now: Instant): NodeId[] {
    const keepers = this.#keepersOf(infoHash);
    for (const nodeId of settled.keys()) if (!keepers.includes(nodeId)) settled.delete(nodeId);
    return keepers.filter(
      (nodeId) => !((settled.get(nodeId) ?? now) > now || (this.#resting.get(nodeId)?.until ?? now) > now),
    );
  }

  /** True while some keeper is to be offered it later. */
  #isOwed({ infoHash, settled }: Own): boolean {
    return this.#keepersOf(infoHash).some((nodeId) => settled.get(nodeId) !== FOR_EVER);
  }

  #begin(own: Own, keeper: NodeId): Offer {
    this.#underWay++;
    own.settled.set(keeper, FOR_EVER);
    return { infoHash: own.infoHash, keeper, own };
  }
}
