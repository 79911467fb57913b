/**
 * Peer exchange of one torrent (BEP 11): what each link is told of the others, and what is believed of what it tells.
 * Invariants: a link is told at most once a minute and of at most 50 peers; of what it says, as much is taken; an
 * address that is not public goes to links that are not public either; a private torrent exchanges nothing.
 */
import {
  type Address,
  type Deadline,
  earliest,
  formatAddress,
  type Instant,
  later,
  type Machine,
  reachOf,
} from '../base/index.ts';
import { PEX_FLAG, PEX_PEERS_MAX, type PexMessage, type PexPeer } from '../wire/index.ts';
import type { LinkId } from './ledger.ts';

/** Between two messages to one link (BEP 11). */
const SEND_MS = 60_000;
/** Between two messages that are believed; clocks and queues differ by less. */
const HEAR_MS = 45_000;
/** One host is not a crowd: more ports of it would only aim us at it. */
const PEERS_PER_HOST_MAX = 3;
/** Peers that one link remembers being told of; twice the links that a torrent can have. */
const TOLD_MAX = 400;

export type PexInput =
  | {
      readonly type: 'linkReady';
      readonly link: LinkId;
      readonly host: string;
      /** Where the peer itself can be reached; undefined when it did not say. */
      readonly address: Address | undefined;
      /** Bits of PEX_FLAG that are true of it for as long as the link lasts. */
      readonly flags: number;
      readonly speaksPex: boolean;
    }
  | { readonly type: 'linkClosed'; readonly link: LinkId }
  | { readonly type: 'heard'; readonly link: LinkId; readonly message: PexMessage }
  | { readonly type: 'private' | 'tick' };

export type PexEffect =
  | { readonly type: 'send'; readonly link: LinkId; readonly message: PexMessage }
  | { readonly type: 'found'; readonly link: LinkId; readonly peers: readonly PexPeer[] };

interface ExchangeLink {
  readonly host: string;
  readonly address: Address | undefined;
  readonly flags: number;
  readonly speaksPex: boolean;
  /** Whom it was told of, by address; at most TOLD_MAX. */
  readonly told: Map<string, Address>;
  toldAt: Instant | undefined;
  heardAt: Instant | undefined;
  /** Links came or went since it was told. */
  hasNews: boolean;
}

/** The exchange of one torrent. */
export class PeerExchange implements Machine<PexInput, PexEffect> {
  readonly #isSeed: (link: LinkId) => boolean;
  /** Bounded by the links of a torrent. */
  readonly #links = new Map<LinkId, ExchangeLink>();
  #isPrivate = false;
  #effects: PexEffect[] = [];

  /** @param isSeed whether a link's peer has everything, asked when others are told of it */
  constructor(isSeed: (link: LinkId) => boolean) {
    this.#isSeed = isSeed;
  }

  get deadline(): Deadline | undefined {
    let at: Instant | undefined;
    for (const link of this.#links.values()) {
      if (link.hasNews && link.speaksPex && link.toldAt !== undefined) at = earliest(at, later(link.toldAt, SEND_MS));
    }
    return at === undefined || this.#isPrivate ? undefined : { at, why: 'news for peers' };
  }

  effects(): PexEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  input(input: PexInput, now: Instant): void {
    if (this.#isPrivate) return;
    switch (input.type) {
      case 'linkReady': {
        const { host, address, flags, speaksPex } = input;
        // The extension handshake may come again; what was told stays told.
        const known = this.#links.get(input.link);
        const memory = known ?? { told: new Map<string, Address>(), toldAt: undefined, heardAt: undefined };
        this.#links.set(input.link, { ...memory, host, address, flags, speaksPex, hasNews: true });
        return this.#spread(now);
      }
      case 'linkClosed':
        if (this.#links.delete(input.link)) this.#spread(now);
        return;
      case 'heard':
        return this.#hear(input.link, input.message, now);
      case 'private':
        this.#isPrivate = true;
        this.#links.clear();
        return;
      case 'tick':
        for (const [id, link] of this.#links) this.#tell(id, link, now);
    }
  }

  #spread(now: Instant): void {
    for (const [id, link] of this.#links) {
      link.hasNews = true;
      this.#tell(id, link, now);
    }
  }

  #tell(id: LinkId, link: ExchangeLink, now: Instant): void {
    if (!link.hasNews || !link.speaksPex) return;
    if (link.toldAt !== undefined && now < later(link.toldAt, SEND_MS)) return;
    const present = this.#peersFor(id, link);
    const added = [...present].filter(([key]) => !link.told.has(key)).slice(0, PEX_PEERS_MAX);
    const dropped = [...link.told].filter(([key]) => !present.has(key)).slice(0, PEX_PEERS_MAX);
    for (const [key] of dropped) link.told.delete(key);
    for (const [key, { address }] of added) if (link.told.size < TOLD_MAX) link.told.set(key, address);
    link.hasNews = added.length === PEX_PEERS_MAX || dropped.length === PEX_PEERS_MAX;
    if (added.length === 0 && dropped.length === 0) return;
    link.toldAt = now;
    const message = { added: added.map(([, peer]) => peer), dropped: dropped.map(([, address]) => address) };
    this.#effects.push({ type: 'send', link: id, message });
  }

  /** The peers that a link may be told of, by address. */
  #peersFor(id: LinkId, { host, address: own }: ExchangeLink): Map<string, PexPeer> {
    const isPublic = reachOf(host) === 'public';
    const ownKey = own && formatAddress(own);
    const peers = new Map<string, PexPeer>();
    for (const [other, { address, flags }] of this.#links) {
      if (other === id || !address || (isPublic && reachOf(address.host) !== 'public')) continue;
      const key = formatAddress(address);
      if (key !== ownKey) peers.set(key, { address, flags: flags | (this.#isSeed(other) ? PEX_FLAG.seed : 0) });
    }
    return peers;
  }

  #hear(id: LinkId, message: PexMessage, now: Instant): void {
    const link = this.#links.get(id);
    if (!link || (link.heardAt !== undefined && now < later(link.heardAt, HEAR_MS))) return;
    link.heardAt = now;
    const ofHost = new Map<string, number>();
    const peers = message.added.slice(0, PEX_PEERS_MAX).filter(({ address: { host } }) => {
      const count = (ofHost.get(host) ?? 0) + 1;
      ofHost.set(host, count);
      return count <= PEERS_PER_HOST_MAX;
    });
    if (peers.length > 0) this.#effects.push({ type: 'found', link: id, peers });
  }
}
