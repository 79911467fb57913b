/**
 * The links of one torrent: dials known peers, takes incoming ones, keeps one link per peer, and stays within the
 * torrent's and the node's limits. What is said on the links is its owner's business.
 */
import {
  type Address,
  equalBytes,
  type Fault,
  fault,
  formatAddress,
  type Instant,
  isFault,
  later,
  makeRoom,
  type NodeId,
} from '../base/index.ts';
import type { LinkKind } from '../link/index.ts';
import { LinkBudget, type LinkPlace } from '../session/index.ts';
import {
  type Bitfield,
  type FoundPeer,
  KNOWN_PEERS_MAX,
  type PeerSource,
  type Peers,
  type PeerToDial,
} from '../torrent/index.ts';
import { encodeHaves, type WireHandshake } from '../wire/index.ts';
import { now } from './alarm-clock.ts';
import { DIALS_FOR_OTHERS, type Dialler, type Trust, trustOf } from './dialler.ts';
import type { OurExtendedHandshake } from './fast-wire.ts';
import type { LinkOpener, OpenFault } from './link-opener.ts';
import { type LinkOwner, PeerLink } from './peer-link.ts';
import type { PeerStream } from './peer-stream.ts';
import { readInPlace } from './read-buffer.ts';
import type { Greeting } from './torrent-identity.ts';

const REDIAL_MS = 1000;
/** Incoming links of one public host (by its /64 where it has IPv6) in one torrent: a household has few that share one. */
const HOST_LINKS_MAX = 4;
/** How often open links are looked after. */
const ATTEND_MS = 10_000;
/** Pieces told one by one; of more, fifty links under RC4 would take the loop for longer than a turn may last. */
const HAVES_MAX = 20_000;
/** Why a link was closed although nothing went wrong; its peer is left alone for long. */
const RETIRING = new Set(['redundant', 'duplicate', 'ourselves', 'idle']);

export interface LinkGroupSettings {
  readonly greeting: Greeting;
  readonly linksMax: number;
  readonly budget: LinkBudget;
  readonly dialler: Dialler;
  readonly opener: LinkOpener;
  /** Told when `dialAt` may be another. */
  readonly changed: () => void;
  /** What we say about ourselves on a new link. */
  readonly ours: () => OurExtendedHandshake;
}

interface OpenLink {
  readonly link: PeerLink;
  /** How it began; undefined where the peer dialled. */
  readonly kind: LinkKind | undefined;
  peerId: Uint8Array | undefined;
  /** Whom TLS proved to be at the other end. */
  readonly nodeId: NodeId | undefined;
  /** A node that dialled us, where it takes links as it says. */
  dialler: FoundPeer | undefined;
  readonly places: Places;
}

/** Of one link, in its torrent and in the node. */
interface Places {
  readonly inTorrent: LinkPlace;
  readonly inNode: LinkPlace;
}

/** One link past the wire handshake. */
export interface LinkRow extends Pick<PeerLink, 'address' | 'isIncoming' | 'encryption'> {
  readonly nodeId: NodeId | undefined;
}

/** All links of one torrent. */
export class LinkGroup {
  readonly #settings: LinkGroupSettings;
  readonly #peers: Peers;
  /** Whom links report to: the parent, with openings and endings passing through here first. */
  readonly #owner: LinkOwner;
  readonly #parent: LinkOwner;
  /** How peers that are not on the public network came to us; bounded like the known peers. */
  readonly #trust = new Map<string, Trust>();
  /** Bounded by linksMax. */
  readonly #links = new Map<number, OpenLink>();
  readonly #budget: LinkBudget;
  #dialling = 0;
  #nextId = 0;
  #isOpen = false;
  #attendedAt = now();

  constructor(settings: LinkGroupSettings, peers: Peers, owner: LinkOwner) {
    this.#settings = settings;
    this.#peers = peers;
    this.#budget = new LinkBudget({ linksMax: settings.linksMax, hostLinksMax: HOST_LINKS_MAX });
    this.#owner = {
      ...delegate(owner),
      opened: (link, theirs) => this.#opened(link, theirs),
      closed: (link, why) => this.#closed(link, why),
    };
    this.#parent = owner;
  }

  /** Links whose wire handshake is done. */
  *greeted(): Iterable<PeerLink> {
    for (const { link } of this.#links.values()) if (link.hasGreeted) yield link;
  }

  /** What a screen shows of the links past the wire handshake. */
  rows(): LinkRow[] {
    const open = [...this.#links.values()].filter(({ link }) => link.hasGreeted);
    return open.map(({ link: { address, isIncoming, encryption }, nodeId }) => ({
      address,
      isIncoming,
      encryption,
      nodeId,
    }));
  }

  get size(): number {
    return this.#links.size;
  }

  get(id: number): PeerLink | undefined {
    return this.#links.get(id)?.link;
  }

  /** Adds peers heard of from somewhere whose word deserves `trust`. */
  learn(peers: readonly FoundPeer[], source: PeerSource, trust: Trust): void {
    const usable = peers.filter((address) => this.#settings.dialler.peerRefusal(address, trust) === undefined);
    for (const address of usable) if (trust !== 'public') this.#trustIn(address, trust);
    this.#peers.note(usable, source);
    this.dialMore();
  }

  /** A link's peer said on which port it takes links. Only of a proven node is it clear whom to expect there. */
  listens({ id, address: { host } }: PeerLink, port: number): void {
    const entry = this.#links.get(id);
    if (entry?.kind === undefined && entry?.nodeId) entry.dialler = { host, port, nodeId: entry.nodeId, kind: 'tls' };
  }

  /**
   * The metadata came while links were open: what was found on disk is told piece by piece, which is written once for all.
   * Where that is too much for one turn the links begin anew, and are told in a bitfield.
   */
  learnedTorrent(stored: Bitfield): void {
    const greeted = [...this.greeted()];
    for (const link of greeted) link.limitMessages(stored.bytes.length);
    const isTooMuch = stored.count > HAVES_MAX;
    const haves = isTooMuch ? new Uint8Array(0) : encodeHaves(stored.indices(), stored.count);
    for (const link of greeted) {
      if (isTooMuch) link.close(fault('unspoken', 'what we have fits the bitfield of a new link only'));
      else if (haves.length > 0) link.announceHaves(haves);
    }
  }

  /** Leaves everybody whom another source named, as a private torrent must (BEP 27); without one, everybody. */
  keepOnly(source: PeerSource | undefined): void {
    this.#peers.keepOnly(source);
    for (const { link } of [...this.#links.values()]) {
      if (link.isIncoming || this.#peers.knows(link.address)) continue;
      link.close(fault('private', 'a private torrent takes peers from its trackers only'));
    }
  }

  #trustIn(address: Address, trust: Trust): void {
    makeRoom(this.#trust, KNOWN_PEERS_MAX);
    this.#trust.set(formatAddress(address), trust);
  }

  /**
   * Dials as many known peers as the limits allow.
   * @param left places of the dialler that are to stay free
   */
  dialMore(left = 0): void {
    const { budget, dialler } = this.#settings;
    const time = now();
    const mayDial = (): boolean =>
      dialler.mayDial(this.#dialling, left) && this.#budget.hasRoom(undefined, time) && budget.hasRoom(undefined, time);
    while (this.#isOpen && mayDial()) {
      const peer = this.#peers.take(time);
      if (!peer) return;
      this.#dial(peer, this.#take(undefined)!);
    }
  }

  /** A place in the torrent and one in the node, or none. */
  #take(from: string | undefined): Places | undefined {
    const { budget } = this.#settings;
    const time = now();
    if (!this.#budget.hasRoom(from, time) || !budget.hasRoom(from, time)) return undefined;
    // An idle link that leaves the torrent leaves the node too.
    const inTorrent = this.#budget.take(from, time)!;
    const inNode = budget.take(from, time)!;
    return { inTorrent, inNode };
  }

  #give({ inTorrent, inNode }: Places): void {
    this.#budget.give(inTorrent);
    this.#settings.budget.give(inNode);
  }

  /** When `dialMore` may have somebody to dial again; undefined while there is nobody. */
  get dialAt(): Instant | undefined {
    // Whether one of many links may give way is found out when they are looked after.
    if (!this.#isOpen || !this.#budget.hasRoom(undefined, now())) return undefined;
    // A busy dialler says nothing when it is free: it is asked again every second.
    const soon = later(now(), REDIAL_MS);
    if (this.#peers.hasUntried) return soon;
    const retry = this.#peers.nextRetry;
    return retry === undefined || retry > soon ? retry : soon;
  }

  /** When `attend` is due; undefined while there is no link. */
  get attendAt(): Instant | undefined {
    return this.#links.size > 0 ? later(this.#attendedAt, ATTEND_MS) : undefined;
  }

  /** Looks after the open links, when it is time. */
  attend(time: Instant): void {
    if (time < later(this.#attendedAt, ATTEND_MS)) return;
    this.#attendedAt = time;
    for (const { link } of [...this.#links.values()]) link.attend(time);
  }

  /** Takes a connection that opened with this torrent's handshake. */
  accept(stream: PeerStream, address: Address, firstBytes: Uint8Array): void {
    const isWelcome = this.#isOpen && !this.#peers.isBanned(address.host);
    const places = isWelcome ? this.#take(address.host) : undefined;
    if (!places) {
      stream.socket.destroy();
      return;
    }
    const link = this.#begin(stream, address, undefined, places);
    link.feedClear(firstBytes, firstBytes.length);
    readInPlace(stream.socket, (bytes, length) => link.feed(bytes, length));
  }

  /** Begins to dial and to accept: the torrent can tell what it has. */
  open(): void {
    this.#isOpen = true;
    this.dialMore();
  }

  close(why: Fault): void {
    this.#isOpen = false;
    for (const { link } of [...this.#links.values()]) link.close(why);
  }

  #dial({ address, nodeId, kind }: PeerToDial, places: Places): void {
    const { opener, greeting } = this.#settings;
    const trust = this.#trust.get(formatAddress(address)) ?? 'public';
    this.#dialling++;
    let link: PeerLink | undefined;
    const onRead = (bytes: Uint8Array, length: number): void => link?.feed(bytes, length);
    opener.open({ address, trust, nodeId, kind, greeting }, onRead).then((opened) => {
      this.#dialling--;
      if (isFault(opened)) {
        this.#give(places);
        this.#notOpened(address, opened);
      } else if (!this.#isOpen) {
        this.#give(places);
        opened.stream.socket.destroy();
      } else {
        link = this.#begin(opened.stream, address, opened.kind, places);
        if (opened.firstBytes.length > 0) link.feedClear(opened.firstBytes, opened.firstBytes.length);
      }
    });
  }

  #notOpened(address: Address, why: OpenFault): void {
    if (why.code === 'no-agreement') this.#disagreed(address);
    // Too much was under way for the second way to begin a link: that is not the peer's fault.
    else this.#peers.closed(address, why.code !== 'too-many-dials', now());
    this.dialMore(DIALS_FOR_OTHERS);
    this.#settings.changed();
  }

  #disagreed(address: Address): void {
    this.#peers.disagreed(address, this.#settings.opener.policy === 'require', now());
  }

  #begin(stream: PeerStream, address: Address, kind: LinkKind | undefined, places: Places): PeerLink {
    const { greeting, ours } = this.#settings;
    const link = new PeerLink(this.#nextId++, stream, address, kind === undefined, greeting, ours(), this.#owner);
    this.#links.set(link.id, { link, kind, peerId: undefined, nodeId: stream.nodeId, dialler: undefined, places });
    places.inTorrent.holder = places.inNode.holder = link;
    return link;
  }

  #opened(link: PeerLink, theirs: WireHandshake): void {
    const { peerId } = this.#settings.greeting;
    if (equalBytes(theirs.peerId, peerId)) return link.close(fault('ourselves', 'this is our own node'));
    for (const other of this.#links.values()) {
      if (!other.peerId || !equalBytes(other.peerId, theirs.peerId)) continue;
      // A peer id proves nothing: elsewhere, somebody may have copied it to push the real one out.
      if (other.link.address.host !== link.address.host) continue;
      // Both ends may have dialled at once; both keep the link that the smaller peer id dialled.
      const weAreSmaller = Buffer.compare(peerId, theirs.peerId) < 0;
      const isKeeper = link.isIncoming !== weAreSmaller && other.link.isIncoming === weAreSmaller;
      const loser = isKeeper ? other.link : link;
      loser.close(fault('duplicate', `a second link to ${formatAddress(link.address)}`));
      if (loser === link) return;
    }
    const entry = this.#links.get(link.id);
    if (!entry) return;
    entry.peerId = theirs.peerId;
    if (entry.kind) this.#peers.connected(link.address, entry.kind);
    this.#parent.opened(link, theirs);
  }

  /** A node that dialled us left: we may dial it in its turn. */
  #remember(peer: FoundPeer): void {
    const trust = trustOf(peer.host);
    if (!this.#isOpen || this.#settings.dialler.peerRefusal(peer, trust) !== undefined) return;
    if (trust !== 'public') this.#trustIn(peer, trust);
    this.#peers.dialledUs(peer, now());
  }

  #closed(link: PeerLink, why: Fault): void {
    const entry = this.#links.get(link.id);
    if (!entry) return;
    this.#links.delete(link.id);
    this.#give(entry.places);
    if (!link.isIncoming) {
      if (RETIRING.has(why.code)) this.#peers.retired(link.address, now());
      else if (entry.kind === 'plain' && !link.hasGreeted) this.#disagreed(link.address);
      else this.#peers.closed(link.address, !link.hasGreeted, now());
    } else if (entry.dialler && !RETIRING.has(why.code)) {
      this.#remember(entry.dialler);
    }
    this.#parent.closed(link, why);
    this.dialMore();
  }
}

/** The owner's methods, bound, so that a few of them can be wrapped. */
function delegate(owner: LinkOwner): Omit<LinkOwner, 'opened' | 'closed'> {
  return {
    extended: (link, handshake) => owner.extended(link, handshake),
    metadata: (link, message) => owner.metadata(link, message),
    pex: (link, message) => owner.pex(link, message),
    fact: (link, fact) => owner.fact(link, fact),
    mayServe: (link, piece, offset, length) => owner.mayServe(link, piece, offset, length),
    read: (piece, offset, views, length) => owner.read(piece, offset, views, length),
    blockPlace: (link, piece, offset, length) => owner.blockPlace(link, piece, offset, length),
    blockArrived: (link, piece, offset, length) => owner.blockArrived(link, piece, offset, length),
    uploadAllowance: (link) => owner.uploadAllowance(link),
    settled: (link) => owner.settled(link),
    readFailed: (error) => owner.readFailed(error),
  };
}
