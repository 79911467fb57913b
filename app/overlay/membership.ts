/**
 * Who serves in a network, as the overlay machine believes: tracker, listing and library ask here who there is, what each
 * keeps, and where it is asked. How supernodes are found is no matter of this file.
 */
import type { Config } from '../../config/index.ts';
import {
  type Address,
  formatAddress,
  type InfoHash,
  isSameAddress,
  type NodeAt,
  type NodeId,
  nodeOrigin,
} from '../../src/base/index.ts';
import type { Identity } from '../../src/io/identity.ts';
import {
  type Descriptor,
  EXCHANGE_DESCRIPTORS_MAX,
  encodeExchange,
  type KnownHost,
  keptRanges,
} from '../../src/overlay/index.ts';
import type { Arc, Ownership } from '../../src/ports/index.ts';
import type { AddressBook } from './address-book.ts';
import type { OverlayHost } from './overlay-host.ts';

/** Addresses of supernodes that are remembered, gone ones too. */
const SERVED_MAX = 20_000;

export interface MembershipSettings {
  readonly config: Config;
  readonly identity: Identity;
  readonly book: AddressBook;
  readonly host: OverlayHost;
  /** The hosts known before the restart. */
  readonly saved: readonly KnownHost[];
  /** Where this node listens, best first. */
  readonly addresses: readonly Address[];
}

/** The known supernodes of one network. */
export class Membership {
  readonly ownership: Ownership;
  readonly #settings: MembershipSettings;
  /** Where supernodes listen or listened, as URLs write it; the oldest leaves first. */
  readonly #served = new Set<string>();
  /** Descriptors of the view that were looked at for that. */
  #noted = 0;
  #kept: { readonly version: number; readonly name: string; readonly arcs: readonly Arc[] } = {
    ...{ version: -1, name: '', arcs: [] },
  };

  constructor(settings: MembershipSettings) {
    this.#settings = settings;
    this.ownership = settings.host.machine.ownership;
    for (const known of settings.saved) this.#noteServed(known.addresses);
  }

  /** Supernodes known, this node included when it is one. */
  get size(): number {
    return this.#machine.view.size;
  }

  /** Our own descriptor while this node serves. */
  get own(): Descriptor | undefined {
    return this.#machine.isSupernode ? this.get(this.#settings.identity.nodeId) : undefined;
  }

  /** Nobody but this node is known. */
  get isAlone(): boolean {
    return this.size === (this.get(this.#settings.identity.nodeId) ? 1 : 0);
  }

  /** The machine knows other supernodes than before. */
  noteChange(): void {
    const { view } = this.#machine;
    for (const { addresses } of view.takenSince(this.#noted)) this.#noteServed(addresses);
    this.#noted = view.taken;
  }

  /** True for the announce URL of a supernode that is known, or was. */
  isSupernodeUrl(url: string): boolean {
    const { host, protocol } = URL.parse(url) ?? {};
    return protocol === 'http:' && host !== undefined && this.#served.has(host);
  }

  /** The supernodes that keep a hash and can be asked, its owner first. */
  ownersOf(infoHash: InfoHash): readonly NodeAt[] {
    return this.#machine.ownersOf(infoHash).flatMap(({ nodeId }) => {
      const supernode = this.get(nodeId);
      const address = supernode && this.addressOf(supernode);
      return address ? [{ nodeId, address }] : [];
    });
  }

  /** True when a supernode is its hash's owner, or keeps copies for it. */
  isKeptBy(infoHash: InfoHash, nodeId: NodeId): boolean {
    const { view } = this.#machine;
    const keepers = view.wideOwnersOf(infoHash) ?? view.ring.ownerSetOf(infoHash);
    return keepers.some((keeper) => keeper.nodeId === nodeId);
  }

  isSelf(nodeId: NodeId): boolean {
    return nodeId === this.#settings.identity.nodeId;
  }

  /** The arcs of the ring that this node owns. */
  ownArcs(): readonly Arc[] {
    return this.#machine.view.ring.rangesOf(this.#settings.identity.nodeId);
  }

  /** The arcs that this node owns or keeps copies of; the same array while nothing changed. */
  keptArcs(): readonly Arc[] {
    const { ring, version } = this.#machine.view;
    if (version === this.#kept.version) return this.#kept.arcs;
    const arcs = keptRanges(ring, this.#settings.identity.nodeId);
    const name = arcs.map(({ from, to }) => `${from}${to}`).join();
    this.#kept = { version, name, arcs: name === this.#kept.name ? this.#kept.arcs : arcs };
    return this.#kept.arcs;
  }

  /** Where a supernode is asked. */
  addressOf(supernode: Descriptor): Address | undefined {
    const { identity, addresses, book } = this.#settings;
    return supernode.nodeId === identity.nodeId ? addresses[0] : book.addressOf(supernode);
  }

  /** Whom to ask, and where: the origin of requests to a supernode; undefined when it is not known, or not to be dialled. */
  originOf(nodeId: NodeId): string | undefined {
    const supernode = this.get(nodeId);
    const address = supernode && this.addressOf(supernode);
    return address && nodeOrigin({ nodeId, address });
  }

  /** The supernode that listens at an address. */
  nodeAt(place: Address): NodeId | undefined {
    const reached = this.#settings.book.nodeAt(place);
    if (reached) return reached;
    const isThere = (address: Address): boolean => isSameAddress(address, place);
    for (const { nodeId, addresses } of this.#machine.descriptors()) if (addresses.some(isThere)) return nodeId;
    return undefined;
  }

  all(): Descriptor[] {
    return [...this.#machine.descriptors()];
  }
  others(): Descriptor[] {
    const self = this.#settings.identity.nodeId;
    return this.all().filter(({ nodeId }) => nodeId !== self);
  }

  /** Up to `count` of the others, by chance. */
  sample(count: number): Descriptor[] {
    const self = this.#settings.identity.nodeId;
    const drawn = this.#machine.view.sample(count + 1, Math.random).filter(({ nodeId }) => nodeId !== self);
    return drawn.slice(0, count);
  }

  /** A supernode did not answer: it is looked into whether it is there. */
  noteSilent(nodeId: NodeId): void {
    this.#settings.host.feed({ type: 'silent', nodeId });
  }

  get(nodeId: NodeId): Descriptor | undefined {
    return this.#machine.view.get(nodeId);
  }

  /** The body of GET /supernodes. */
  exchange(asker: Address | undefined): Uint8Array {
    const supernodes = this.#machine.view.sample(EXCHANGE_DESCRIPTORS_MAX, Math.random).map(({ record }) => record);
    return encodeExchange({ network: this.#settings.config.network, supernodes, you: asker });
  }

  get #machine(): OverlayHost['machine'] {
    return this.#settings.host.machine;
  }

  #noteServed(addresses: readonly Address[]): void {
    for (const address of addresses) {
      const at = formatAddress(address);
      if (this.#served.has(at)) continue;
      if (this.#served.size >= SERVED_MAX) this.#served.delete(this.#served.values().next().value!);
      this.#served.add(at);
    }
  }
}
