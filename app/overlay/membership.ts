/**
 * Who serves in a network: keeps asking the ways in, and for a node that does not serve a few supernodes, for those they
 * know, and gives what comes to the overlay machine, which decides whom it believes. Tracker, listing and library ask
 * here who there is, and where.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../config/index.ts';
import {
  type Address,
  formatAddress,
  type InfoHash,
  isSameAddress,
  type NodeAt,
  type NodeId,
  nodeOrigin,
  parseAddress,
} from '../../src/base/index.ts';
import type { BoundNetwork } from '../../src/io/bound-network.ts';
import type { HttpClient } from '../../src/io/http-client.ts';
import type { Identity } from '../../src/io/identity.ts';
import {
  type Descriptor,
  EXCHANGE_DESCRIPTORS_MAX,
  encodeExchange,
  HostCache,
  type KnownHost,
  type ListedHost,
  type OverlayRole,
  OWNERS,
  type Range,
} from '../../src/overlay/index.ts';
import type { Arc, Ownership } from '../../src/ports/index.ts';
import type { DoctorFacts } from '../doctor/doctor.ts';
import type { Log } from '../log.ts';
import type { BootstrapStatus } from '../running-node.ts';
import { Asker } from '../sources/asker.ts';
import { Joining } from '../sources/joining.ts';
import { KnownHosts } from '../sources/known-hosts.ts';
import type { LanNeighbours } from '../sources/lan-neighbours.ts';
import { DEFAULT_PORT, NamedSource, splitHostPort } from '../sources/named-sources.ts';
import type { Source } from '../sources/source.ts';
import { ToldHosts } from '../sources/told-hosts.ts';
import type { AddressBook } from './address-book.ts';
import type { OverlayHost } from './overlay-host.ts';
import type { OverlayMemory } from './overlay-memory.ts';

/** How often sources are asked again, and how soon while nobody is known. */
const REFRESH_MS = 60_000;
const RETRY_MS = 2000;
const ASK_TIMEOUT_MS = 5000;
/** Supernodes asked in one round. */
const ASKED_MAX = 3;
/** Supernodes that one round remembers. */
const REMEMBERED_PER_ROUND_MAX = 16;
/** How long a round waits for a supernode that was told of to be believed. */
const BELIEF_MS = 3000;
/** When nobody is there: how long at most a node waits before it is the first. */
const ALONE_MS: Readonly<Record<OverlayRole, number>> = { client: 0, auto: 30_000, supernode: 5000 };
/** Names of one list that are looked up. */
const NAMES_MAX = 16;
/** Neighbours asked at a time. */
const HEARING_MAX = 8;
/** Addresses of supernodes that are remembered, gone ones too. */
const SERVED_MAX = 20_000;

export interface MembershipSettings {
  readonly config: Config;
  readonly identity: Identity;
  readonly http: HttpClient;
  readonly book: AddressBook;
  readonly host: OverlayHost;
  readonly memory: OverlayMemory;
  /** The hosts known before the restart. */
  readonly saved: readonly KnownHost[];
  readonly log: Log;
  readonly network: BoundNetwork;
  /** Undefined where the local network is not to be asked. */
  readonly lan: LanNeighbours | undefined;
  /** Where this node listens, best first. */
  readonly addresses: readonly Address[];
}

/** The known supernodes of one network. */
export class Membership {
  readonly ownership: Ownership;
  readonly #settings: MembershipSettings;
  readonly #asker: Asker;
  readonly #hosts: KnownHosts;
  readonly #told: ToldHosts;
  readonly #passedOn: ToldHosts;
  readonly #joining: Joining;
  /** Where supernodes listen or listened, as URLs write it; the oldest leaves first. */
  readonly #served = new Set<string>();
  /** Neighbours being asked; bounded by HEARING_MAX. */
  readonly #hearing = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #wasAlone = true;
  #believed: (() => void) | undefined;
  readonly #joined = Promise.withResolvers<void>();
  #isClosed = false;
  #kept: { readonly name: string; readonly arcs: readonly Arc[] } = { name: '', arcs: [] };

  constructor(settings: MembershipSettings) {
    const { config, saved, addresses, book, memory, lan } = settings;
    this.#settings = settings;
    this.ownership = settings.host.machine.ownership;
    this.#asker = new Asker(settings);
    this.#hosts = new KnownHosts(new HostCache(saved), book, memory, Math.random);
    this.#joining = new Joining(this.#asker, this.#hosts, settings.log);
    this.#told = new ToldHosts('hosts', book);
    this.#passedOn = new ToldHosts('magnet', book);
    for (const source of [this.#told, this.#passedOn]) this.#joining.add(source);
    for (const text of config.bootstrap) this.#joining.add(new NamedSource(text, settings));
    if (lan) this.#joining.add(lan);
    lan?.onHeard((address) => void this.#hear(lan, address));
    for (const address of addresses) book.vouch(address);
    for (const known of saved) this.#noteServed(known.addresses);
  }

  /** Supernodes known, this node included when it is one. */
  get size(): number {
    return this.#machine.view.size;
  }
  get bootstrap(): readonly BootstrapStatus[] {
    return this.#joining.status;
  }

  /** One more way in, before the start. */
  add(source: Source): void {
    this.#joining.add(source);
  }

  /** Our own descriptor while this node serves. */
  get own(): Descriptor | undefined {
    return this.#machine.isSupernode ? this.get(this.#settings.identity.nodeId) : undefined;
  }

  /** Asks everybody, and goes on by itself; resolves when somebody is known, or after the first round. */
  async start(): Promise<void> {
    if (!this.#joining.isDistant && !this.#settings.lan) this.#settings.host.feed({ type: 'alone', withinMs: 0 });
    this.#stand();
    await Promise.race([this.#round(), this.#joined.promise]);
  }

  /** The machine knows other supernodes than before. */
  noteChange(): void {
    for (const { addresses } of this.#machine.descriptors()) this.#noteServed(addresses);
    this.#stand();
    const wasAlone = this.#wasAlone;
    this.#wasAlone = this.#isAlone;
    // The last one is gone: the next round would be a minute away.
    if (this.#isAlone && !wasAlone && this.#timer) this.askAgain();
    if (this.#isAlone) return;
    this.#believed?.();
    this.#joined.resolve();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#joining.close();
    this.#settings.lan?.close();
    this.#remember();
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
    const { ring } = this.#machine.view;
    const { nodeId } = this.#settings.identity;
    const isKept = ({ to }: Range): boolean =>
      ring
        .ownerSetAt(to)
        .slice(0, OWNERS)
        .some((owner) => owner.nodeId === nodeId);
    const kept = this.all().flatMap((supernode) => ring.rangesOf(supernode.nodeId).filter(isKept));
    const name = kept.map(({ from, to }) => `${from}${to}`).join();
    if (name !== this.#kept.name) this.#kept = { name, arcs: kept };
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

  /** A supernode did not answer: it is looked into whether it is there. */
  noteSilent(nodeId: NodeId): void {
    this.#settings.host.feed({ type: 'silent', nodeId });
  }

  /** What was noticed of this node's surroundings while it looked for others. */
  get surroundings(): Pick<DoctorFacts, 'clockBehindSeconds' | 'unresolvedNames' | 'lan'> {
    const names = this.#joining.sources.filter((source) => source instanceof NamedSource);
    const unresolvedNames = names.filter(({ isResolved }) => isResolved === false).map(({ text }) => text);
    const lan = this.#settings.lan?.heard ?? 'off';
    return { clockBehindSeconds: this.#asker.clockBehindSeconds, unresolvedNames, lan };
  }

  /** The hosts known from before, in the order in which they would be tried, and which of them are anchors. */
  hosts(): { readonly hosts: readonly KnownHost[]; readonly anchors: readonly KnownHost[] } {
    return { hosts: this.#hosts.hosts(), anchors: this.#hosts.anchors() };
  }

  /** Asks hosts that the user named, and remembers their addresses; resolves with what came of it. */
  async tell(hosts: readonly ListedHost[]): Promise<readonly BootstrapStatus[]> {
    const names: NamedSource[] = [];
    for (const { at, nodeId } of hosts) {
      const { name, port } = splitHostPort(at);
      const address = parseAddress(formatAddress({ host: name, port: port ?? DEFAULT_PORT }));
      if (address) {
        this.#told.add(address, nodeId, true);
        this.#hosts.note({ nodeId, addresses: [address] });
      } else if (names.length < NAMES_MAX) names.push(new NamedSource(at, this.#settings));
    }
    for (const source of names) this.#joining.add(source);
    const answered = await this.#joining.ask([this.#told, ...names]);
    this.#remember();
    return answered;
  }

  /** The trackers of a magnet may be supernodes: asked where nobody else is known. */
  noteTrackers(urls: readonly string[]): void {
    if (!this.#isAlone) return;
    for (const url of urls) {
      const address = parseAddress(/^https?:\/\/([^/?#]+)\//.exec(url)?.[1] ?? '');
      if (address) this.#passedOn.add(address, undefined, false);
    }
    if (this.#passedOn.size > 0) void this.#joining.ask([this.#passedOn]);
  }

  /** Asks everybody now: our own network was gone, and is back. */
  askAgain(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#isClosed) void this.#round();
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
  get #isAlone(): boolean {
    return this.others().length === 0;
  }
  #noteServed(addresses: readonly Address[]): void {
    for (const address of addresses) {
      const at = formatAddress(address);
      if (this.#served.has(at)) continue;
      if (this.#served.size >= SERVED_MAX) this.#served.delete(this.#served.values().next().value!);
      this.#served.add(at);
    }
  }

  #remember(): void {
    for (const { nodeId, addresses } of this.#sample(REMEMBERED_PER_ROUND_MAX)) this.#hosts.note({ nodeId, addresses });
    this.#hosts.save();
  }

  async #round(): Promise<void> {
    await this.#joining.round(this.#isAlone);
    // A supernode hears of others once a second.
    if (!this.#machine.isSupernode) await Promise.all(this.#sample(ASKED_MAX).map((known) => this.#askKnown(known)));
    if (this.#isAlone && this.#joining.hasFound) await this.#belief();
    if (this.#isClosed) return;
    const { host, lan } = this.#settings;
    const isAlone = this.#isAlone;
    const { isDistant } = this.#joining;
    const withinMs = isDistant ? ALONE_MS[host.role] : 0;
    if (isAlone && (lan?.mayBegin ?? true)) host.feed({ type: 'alone', withinMs });
    this.#remember();
    this.#timer = setTimeout(() => void this.#round(), isAlone && (isDistant || lan) ? RETRY_MS : REFRESH_MS);
  }

  /** Tells the neighbours what this node is to them. */
  #stand(): void {
    const { lan, host } = this.#settings;
    if (this.#isClosed || !lan) return;
    if (this.#machine.isSupernode) return lan.stand('serves');
    if (!this.#isAlone) return lan.stand('knows');
    lan.stand(host.role === 'client' || this.#joining.isDistant ? 'seeks' : 'would-serve');
  }

  /** A neighbour was heard that knows supernodes: it may know others than we do. */
  async #hear(lan: LanNeighbours, address: Address): Promise<void> {
    const at = formatAddress(address);
    const isKnown = this.all().some(({ addresses }) => addresses.some((own) => formatAddress(own) === at));
    if (this.#isClosed || isKnown || this.#hearing.has(at) || this.#hearing.size >= HEARING_MAX) return;
    this.#hearing.add(at);
    const told = await this.#asker.ask({ address }, ASK_TIMEOUT_MS);
    this.#hearing.delete(at);
    if (!told || this.#isClosed) return;
    this.#hosts.noteAnswered({ nodeId: told.by, addresses: [address] });
    this.#joining.note(lan, this.#asker.take(told));
  }

  /** Resolves when a supernode that somebody told of answered, or when none did. */
  async #belief(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#believed = resolve;
    await Promise.race([promise, sleep(BELIEF_MS, undefined, { ref: false })]);
    this.#believed = undefined;
  }

  #sample(count: number): Descriptor[] {
    const self = this.#settings.identity.nodeId;
    const drawn = this.#machine.view.sample(count + 1, Math.random).filter(({ nodeId }) => nodeId !== self);
    return drawn.slice(0, count);
  }

  async #askKnown(supernode: Descriptor): Promise<void> {
    const { nodeId } = supernode;
    const address = this.addressOf(supernode);
    const told = address && (await this.#asker.ask({ address, nodeId }, ASK_TIMEOUT_MS));
    if (told) {
      this.#hosts.noteAnswered({ nodeId, addresses: [told.address] });
      this.#asker.take(told);
      return;
    }
    this.#settings.book.noteMissed(nodeId);
    this.noteSilent(nodeId);
  }
}
