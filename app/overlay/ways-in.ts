/**
 * The ways into a network: keeps asking the sources, and for a node that does not serve a few supernodes, for those they
 * know, and gives what comes to the overlay machine, which decides whom it believes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../config/index.ts';
import { type Address, formatAddress, parseAddress } from '../../src/base/index.ts';
import type { BoundNetwork } from '../../src/io/bound-network.ts';
import type { HttpClient } from '../../src/io/http-client.ts';
import type { Identity } from '../../src/io/identity.ts';
import {
  type Descriptor,
  HostCache,
  type KnownHost,
  type ListedHost,
  type OverlayRole,
} from '../../src/overlay/index.ts';
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
import type { Membership } from './membership.ts';
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
/** How long trackers that a torrent brought are left to its announce. */
const PASSED_ON_MS = 500;
/** Neighbours asked at a time. */
const HEARING_MAX = 8;

export interface WaysInSettings {
  readonly config: Config;
  readonly identity: Identity;
  readonly membership: Membership;
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

/** All ways in of one node. */
export class WaysIn {
  readonly #settings: WaysInSettings;
  readonly #membership: Membership;
  readonly #asker: Asker;
  readonly #hosts: KnownHosts;
  readonly #told: ToldHosts;
  readonly #passedOn: ToldHosts;
  readonly #joining: Joining;
  /** Neighbours being asked; bounded by HEARING_MAX. */
  readonly #hearing = new Set<string>();
  /** Set while the next round is waited for: there is one loop of rounds, whoever asks for more. */
  #timer: NodeJS.Timeout | undefined;
  #isUnderWay = false;
  #isDueAgain = false;
  #passedOnTimer: NodeJS.Timeout | undefined;
  #wasAlone = true;
  #believed: (() => void) | undefined;
  readonly #joined = Promise.withResolvers<void>();
  #isClosed = false;

  constructor(settings: WaysInSettings) {
    const { config, membership, saved, addresses, book, memory, lan } = settings;
    this.#settings = settings;
    this.#membership = membership;
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
  }

  /** What came of each. */
  get bootstrap(): readonly BootstrapStatus[] {
    return this.#joining.status;
  }

  /** One more way in, before the start. */
  add(source: Source): void {
    this.#joining.add(source);
  }

  /** Asks everybody, and goes on by itself; resolves when somebody is known, or after the first round. */
  async start(): Promise<void> {
    if (!this.#joining.isDistant && !this.#settings.lan) this.#settings.host.feed({ type: 'alone', withinMs: 0 });
    this.#stand();
    await Promise.race([this.#round(), this.#joined.promise]);
  }

  /** The machine knows other supernodes than before. */
  noteChange(): void {
    this.#stand();
    const wasAlone = this.#wasAlone;
    this.#wasAlone = this.#membership.isAlone;
    // The last one is gone: the next round would be a minute away.
    if (this.#membership.isAlone && !wasAlone && this.#timer) this.askAgain();
    if (this.#membership.isAlone) return;
    this.#believed?.();
    this.#joined.resolve();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#passedOnTimer);
    this.#joining.close();
    this.#settings.lan?.close();
    this.#remember();
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
    if (!this.#membership.isAlone) return;
    for (const url of urls) {
      const address = parseAddress(/^https?:\/\/([^/?#]+)\//.exec(url)?.[1] ?? '');
      if (address) this.#passedOn.add(address, undefined, false);
    }
    if (this.#passedOn.size === 0 || this.#isClosed) return;
    // Later, because the torrent asks the same trackers for peers, which its user waits for.
    this.#passedOnTimer ??= setTimeout(() => {
      this.#passedOnTimer = undefined;
      if (this.#membership.isAlone) void this.#joining.ask([this.#passedOn]);
    }, PASSED_ON_MS);
  }

  /** Asks everybody now, or when the round that is under way is over: our own network was gone, and is back. */
  askAgain(): void {
    if (this.#isUnderWay) this.#isDueAgain = true;
    else if (!this.#isClosed) this.#schedule(0);
  }

  #schedule(inMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#round();
    }, inMs);
  }

  #remember(): void {
    for (const { nodeId, addresses } of this.#membership.sample(REMEMBERED_PER_ROUND_MAX))
      this.#hosts.note({ nodeId, addresses });
    this.#hosts.save();
  }

  async #round(): Promise<void> {
    this.#isUnderWay = true;
    await this.#joining.round(this.#membership.isAlone);
    // A supernode hears of others once a second.
    if (!this.#settings.host.machine.isSupernode)
      await Promise.all(this.#membership.sample(ASKED_MAX).map((known) => this.#askKnown(known)));
    if (this.#membership.isAlone && this.#joining.hasFound) await this.#belief();
    if (this.#isClosed) return;
    const { host, lan } = this.#settings;
    const isAlone = this.#membership.isAlone;
    const { isDistant } = this.#joining;
    const withinMs = isDistant ? ALONE_MS[host.role] : 0;
    if (isAlone && (lan?.mayBegin ?? true)) host.feed({ type: 'alone', withinMs });
    this.#remember();
    const restMs = isAlone && (isDistant || lan) ? RETRY_MS : REFRESH_MS;
    this.#schedule(this.#isDueAgain ? 0 : restMs);
    this.#isUnderWay = this.#isDueAgain = false;
  }

  /** Tells the neighbours what this node is to them. */
  #stand(): void {
    const { lan, host } = this.#settings;
    if (this.#isClosed || !lan) return;
    if (host.machine.isSupernode) return lan.stand('serves');
    if (!this.#membership.isAlone) return lan.stand('knows');
    lan.stand(host.role === 'client' || this.#joining.isDistant ? 'seeks' : 'would-serve');
  }

  /** A neighbour was heard that knows supernodes: it may know others than we do. */
  async #hear(lan: LanNeighbours, address: Address): Promise<void> {
    const at = formatAddress(address);
    const isKnown = this.#membership.all().some(({ addresses }) => addresses.some((own) => formatAddress(own) === at));
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

  async #askKnown(supernode: Descriptor): Promise<void> {
    const { nodeId } = supernode;
    const address = this.#membership.addressOf(supernode);
    const told = address && (await this.#asker.ask({ address, nodeId }, ASK_TIMEOUT_MS));
    if (told) {
      this.#hosts.noteAnswered({ nodeId, addresses: [told.address] });
      this.#asker.take(told);
      return;
    }
    this.#settings.book.noteMissed(nodeId);
    this.#membership.noteSilent(nodeId);
  }
}
