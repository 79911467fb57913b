/**
 * How many links there may be, of a torrent or of the whole node. Invariants: a share of the places is for links that we
 * dialled; a public host has few of those for links that dialled us; a link that was of use within the last minutes keeps
 * its place. Whoever is refused waits for its next turn.
 */
import { type Instant, later, reachOf, sourceOf } from '../base/index.ts';

/** Of all places, what links that dialled us may have; the rest is for those that we dial. */
const INCOMING_SHARE = 3 / 4;
/** Of all places of a node, what the links of one public host may have, in all torrents together. */
const HOST_SHARE = 1 / 8;
/** A link on which no block moved for this long gives way to a newcomer when all places are taken. */
export const IDLE_LINK_MS: number = 5 * 60_000;

/** Who has a place, once its link is open. */
export interface PlaceHolder {
  /** When the link opened, or when its last block moved. */
  readonly usefulAt: Instant;
  /** Ends the link, whose place is given back before this returns. */
  giveWay(): void;
}

/** One link's place; what is still dialled has no holder yet. */
export interface LinkPlace {
  readonly isIncoming: boolean;
  /** Counted together: a public IPv4 address or a /64; undefined for links that count for nobody. */
  readonly network: string | undefined;
  holder: PlaceHolder | undefined;
}

export interface LinkBounds {
  readonly linksMax: number;
  /** Incoming links of one public host. */
  readonly hostLinksMax: number;
  readonly idleMs?: number;
}

/** The bounds of a whole node. */
export function nodeLinkBounds(linksMax: number): LinkBounds {
  return { linksMax, hostLinksMax: Math.ceil(linksMax * HOST_SHARE) };
}

/** The places of a torrent's or a node's links. */
export class LinkBudget {
  readonly #bounds: LinkBounds;
  readonly #incomingMax: number;
  readonly #idleMs: number;
  /** Bounded by linksMax. */
  readonly #places = new Set<LinkPlace>();
  #incoming = 0;
  /** Until then no link has been idle for long. */
  #busyUntil = Number.NEGATIVE_INFINITY;
  #isMakingRoom = false;

  constructor(bounds: LinkBounds) {
    this.#bounds = bounds;
    this.#incomingMax = Math.ceil(bounds.linksMax * INCOMING_SHARE);
    this.#idleMs = bounds.idleMs ?? IDLE_LINK_MS;
  }

  /** Whether `take` would give a place. */
  hasRoom(from: string | undefined, now: Instant): boolean {
    const rivals = this.#rivals(placeFor(from));
    return rivals === undefined || (!this.#isMakingRoom && this.#idlest(rivals, now) !== undefined);
  }

  /**
   * Reserves a place, for which an idle link may have to leave; undefined when all are needed.
   * @param from the host that dialled us; undefined for a link that we dial
   */
  take(from: string | undefined, now: Instant): LinkPlace | undefined {
    const place = placeFor(from);
    const rivals = this.#rivals(place);
    const leaver = rivals && !this.#isMakingRoom ? this.#idlest(rivals, now) : undefined;
    if (rivals && !leaver) return undefined;
    // Before the other leaves: its torrent looks for another link at once.
    this.#places.add(place);
    if (place.isIncoming) this.#incoming++;
    this.#isMakingRoom = true;
    leaver?.giveWay();
    this.#isMakingRoom = false;
    return place;
  }

  give(place: LinkPlace): void {
    if (this.#places.delete(place) && place.isIncoming) this.#incoming--;
  }

  /** The places of which one has to become free before a newcomer gets one; undefined when it gets one as it is. */
  #rivals({ isIncoming, network }: LinkPlace): Iterable<LinkPlace> | undefined {
    const { linksMax, hostLinksMax } = this.#bounds;
    if (network !== undefined) {
      const together = [...this.#places].filter((place) => place.network === network);
      if (together.length >= hostLinksMax) return together;
    }
    if (isIncoming && this.#incoming >= this.#incomingMax) return [...this.#places].filter((place) => place.isIncoming);
    return this.#places.size >= linksMax ? this.#places : undefined;
  }

  #idlest(rivals: Iterable<LinkPlace>, now: Instant): PlaceHolder | undefined {
    if (now < this.#busyUntil) return undefined;
    // Links only become of use later: no need to look again before the first can have been idle for long enough.
    let first = Number.POSITIVE_INFINITY;
    for (const { holder } of this.#places) if (holder) first = Math.min(first, holder.usefulAt);
    this.#busyUntil = Math.min(first, now) + this.#idleMs;
    let idlest: PlaceHolder | undefined;
    for (const { holder } of rivals) if (holder && holder.usefulAt < (idlest?.usefulAt ?? now)) idlest = holder;
    return idlest && later(idlest.usefulAt, this.#idleMs) <= now ? idlest : undefined;
  }
}

function placeFor(from: string | undefined): LinkPlace {
  // Behind the gateway of a private network, and on this machine, one address may stand for many.
  const isCounted = from !== undefined && reachOf(from) === 'public';
  const network = isCounted ? sourceOf(from) : undefined;
  return { isIncoming: from !== undefined, network, holder: undefined };
}
