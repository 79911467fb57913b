/**
 * The ways into a network: asks the supernodes known last, the bootstrap sources and, for a node that does not serve,
 * a few supernodes for those they know, and gives what comes to the overlay machine, which decides whom it believes.
 * Tracker, listing and library ask here who there is, and where.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config/index.ts';
import {
  type Address,
  type Fault,
  formatAddress,
  type InfoHash,
  isFault,
  type NodeAt,
  type NodeId,
  nodeOrigin,
} from '../src/base/index.ts';
import { wallNow } from '../src/io/alarm-clock.ts';
import type { BoundNetwork } from '../src/io/bound-network.ts';
import { resolveBootstrap } from '../src/io/dns-lookup.ts';
import { sha1 } from '../src/io/hash.ts';
import type { HttpClient } from '../src/io/http-client.ts';
import { type Identity, verify } from '../src/io/identity.ts';
import {
  type Descriptor,
  EXCHANGE_BYTES_MAX,
  EXCHANGE_DESCRIPTORS_MAX,
  encodeExchange,
  type OverlayRole,
  openDescriptor,
  parseExchange,
} from '../src/overlay/index.ts';
import type { Ownership } from '../src/ports/index.ts';
import type { AddressBook } from './address-book.ts';
import type { Log } from './log.ts';
import type { OverlayHost } from './overlay-host.ts';
import type { OverlayMemory } from './overlay-memory.ts';
import type { BootstrapStatus } from './running-node.ts';
import { addressesOfRecords } from './told-addresses.ts';

/** How often sources are asked again, and how soon while nobody is known. */
const REFRESH_MS = 60_000;
const RETRY_MS = 2000;
const ASK_TIMEOUT_MS = 5000;
/** Of one that was known last: names are asked after it. */
const SAVED_TIMEOUT_MS = 2000;
const DEFAULT_PORT = 7373;
/** Supernodes asked in one round, and saved ones. */
const ASKED_MAX = 3;
const SAVED_ASKED_MAX = 8;
/** How long a round waits for a supernode that was told of to be believed. */
const BELIEF_MS = 3000;
/** When nobody is there: how long at most a node waits before it is the first. */
const ALONE_MS: Readonly<Record<OverlayRole, number>> = { client: 0, auto: 30_000, supernode: 5000 };
/** Bootstrap addresses whose nodes are remembered; names may lead elsewhere each time. */
const MET_MAX = 256;
/** Addresses of supernodes that are remembered, gone ones too. */
const SERVED_MAX = 20_000;

interface Source {
  readonly text: string;
  state: BootstrapStatus['state'];
  found: number;
}

export interface MembershipSettings {
  readonly config: Config;
  readonly identity: Identity;
  readonly http: HttpClient;
  readonly book: AddressBook;
  readonly host: OverlayHost;
  readonly memory: OverlayMemory;
  /** The supernodes known before the restart. */
  readonly saved: readonly Descriptor[];
  readonly log: Log;
  readonly network: BoundNetwork;
  /** Where this node listens, best first. */
  readonly addresses: readonly Address[];
}

/** The known supernodes of one network. */
export class Membership {
  readonly ownership: Ownership;
  readonly #settings: MembershipSettings;
  readonly #sources: Source[];
  readonly #savedSource: Source = { text: 'supernodes known before', state: 'trying', found: 0 };
  readonly #saved: readonly Descriptor[];
  /** The nodes that answered at the addresses of bootstrap sources, which are expected there from then on. */
  readonly #met = new Map<string, NodeId>();
  /** Where supernodes listen or listened, as URLs write it; the oldest leaves first. */
  readonly #served = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #believed: (() => void) | undefined;
  #isClosed = false;

  constructor(settings: MembershipSettings) {
    const { config, identity, saved, addresses, book } = settings;
    this.#settings = settings;
    this.ownership = settings.host.machine.ownership;
    this.#sources = config.bootstrap.map((text) => ({ text, state: 'trying', found: 0 }));
    this.#saved = saved.filter(({ nodeId }) => nodeId !== identity.nodeId);
    for (const address of addresses) book.vouch(address);
    for (const known of saved) this.#noteServed(known.addresses);
  }

  /** Supernodes known, this node included when it is one. */
  get size(): number {
    return this.#machine.view.size;
  }
  get bootstrap(): readonly BootstrapStatus[] {
    const sources = this.#saved.length > 0 ? [...this.#sources, this.#savedSource] : this.#sources;
    return sources.map(({ text, state, found }) => ({ source: text, state, found }));
  }

  /** Asks everybody once, and goes on by itself; resolves after the first round. */
  async start(): Promise<void> {
    if (this.#sources.length === 0 && this.#saved.length === 0)
      this.#settings.host.feed({ type: 'alone', withinMs: 0 });
    await this.#round();
  }

  /** The machine knows other supernodes than before. */
  noteChange(): void {
    for (const { addresses } of this.#machine.descriptors()) this.#noteServed(addresses);
    if (!this.#isAlone) this.#believed?.();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
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

  /** Where a supernode is asked. */
  addressOf(supernode: Descriptor): Address | undefined {
    const { identity, addresses, book } = this.#settings;
    return supernode.nodeId === identity.nodeId ? addresses[0] : book.addressOf(supernode);
  }

  /** Whom to ask, and where: the origin of requests to a supernode. */
  originOf(supernode: Descriptor): string | undefined {
    const address = this.addressOf(supernode);
    return address && nodeOrigin({ nodeId: supernode.nodeId, address });
  }

  /** The supernode that listens at an address. */
  nodeAt({ host, port }: Address): NodeId | undefined {
    const isAt = (own: Address): boolean => own.host === host && own.port === port;
    const reached = this.#settings.book.nodeAt({ host, port });
    if (reached) return reached;
    for (const { nodeId, addresses } of this.#machine.descriptors()) if (addresses.some(isAt)) return nodeId;
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

  /** Asks everybody now: our own network was gone, and is back. */
  askAgain(): void {
    clearTimeout(this.#timer);
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
  get #hasFound(): boolean {
    return [...this.#sources, this.#savedSource].some(({ found }) => found > 0);
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
    const known = this.others();
    if (known.length > 0) this.#settings.memory.noteHosts(known);
  }

  async #round(): Promise<void> {
    if (this.#isAlone) await this.#askSaved();
    // What was known before is enough: names are asked when it is not.
    if (this.#savedSource.found === 0 || !this.#isAlone)
      await Promise.all(this.#sources.map((source) => this.#askSource(source)));
    // A supernode hears of others once a second.
    if (!this.#machine.isSupernode) await Promise.all(this.#sample(ASKED_MAX).map((known) => this.#askKnown(known)));
    if (this.#isAlone && this.#hasFound) await this.#belief();
    if (this.#isClosed) return;
    const isAlone = this.#isAlone;
    const hasSources = this.#sources.length + this.#saved.length > 0;
    const withinMs = hasSources ? ALONE_MS[this.#settings.host.role] : 0;
    if (isAlone) this.#settings.host.feed({ type: 'alone', withinMs });
    this.#remember();
    this.#timer = setTimeout(() => void this.#round(), isAlone && hasSources ? RETRY_MS : REFRESH_MS);
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

  /** Asks some of those known before the restart, wherever they were. */
  async #askSaved(): Promise<void> {
    const asked = this.#saved.toSorted(() => Math.random() - 0.5).slice(0, SAVED_ASKED_MAX);
    const found = await Promise.all(
      asked.map(async (saved) => {
        for (const address of saved.addresses) this.#settings.book.hear(() => [address], address.host);
        const address = this.#settings.book.addressOf(saved);
        return (address && (await this.#ask(address, saved.nodeId, SAVED_TIMEOUT_MS))) ?? 0;
      }),
    );
    this.#savedSource.found = Math.max(0, ...found);
    this.#savedSource.state = this.#savedSource.found > 0 ? 'answered' : 'silent';
  }

  async #askSource(source: Source): Promise<void> {
    const addresses = await this.#addressesOf(source.text);
    let found = 0;
    for (const address of addresses) {
      // The user named it, so it may be private.
      this.#settings.book.vouch(address);
      found += (await this.#ask(address, undefined, ASK_TIMEOUT_MS)) ?? 0;
      if (found > 0) break;
    }
    source.state = found > 0 ? 'answered' : 'silent';
    source.found = found;
  }

  async #addressesOf(text: string): Promise<readonly Address[]> {
    const { name, port } = splitHostPort(text);
    const addresses = await resolveBootstrap({
      name,
      port,
      defaultPort: DEFAULT_PORT,
      ...this.#settings.network.askFrom(),
    });
    if (addresses.length === 0) this.#settings.log.debug('a bootstrap name does not resolve', { name });
    return addresses;
  }

  async #askKnown(supernode: Descriptor): Promise<void> {
    const address = this.addressOf(supernode);
    const found = address && (await this.#ask(address, supernode.nodeId, ASK_TIMEOUT_MS));
    if (found !== undefined) return;
    this.#settings.book.noteMissed(supernode.nodeId);
    this.noteSilent(supernode.nodeId);
  }

  /**
   * Asks one node for the supernodes it knows; resolves to how many were good, undefined when it did not answer.
   * @param meant who must answer there; undefined asks whoever it is
   */
  async #ask(address: Address, meant: NodeId | undefined, timeoutMs: number): Promise<number | undefined> {
    const { http, config, log } = this.#settings;
    const at = formatAddress(address);
    const nodeId = meant ?? this.#met.get(at) ?? (await http.meet(address));
    if (nodeId === undefined || isFault(nodeId)) return this.#noteSilence(at, nodeId);
    const origin = nodeOrigin({ nodeId, address });
    const request = { method: 'GET', path: '/supernodes', timeoutMs } as const;
    const reply = await http.request({ origin, ...request, bytesMax: EXCHANGE_BYTES_MAX });
    if (isFault(reply)) return this.#noteSilence(at, reply);
    if (meant === undefined) this.#noteMet(at, nodeId);
    const exchange = parseExchange(reply.body, config.network);
    if (isFault(exchange)) {
      log.info('a node is of no use', { address: at, because: exchange.text });
      return undefined;
    }
    return this.#take(exchange.supernodes, nodeId, address);
  }

  #noteMet(at: string, nodeId: NodeId): void {
    if (this.#met.size >= MET_MAX && !this.#met.has(at)) this.#met.delete(this.#met.keys().next().value!);
    this.#met.set(at, nodeId);
  }

  #noteSilence(at: string, because: Fault | undefined): undefined {
    this.#met.delete(at);
    this.#settings.log.debug('a node does not answer', { address: at, because: because?.text });
  }

  /** Gives what a node told to the machine; returns how many descriptors were good. */
  #take(records: readonly Uint8Array[], teller: NodeId, address: Address): number {
    const { config, book, host, identity } = this.#settings;
    const rules = { network: config.network, verify, sha1 };
    const held = new Set(this.others().map(({ record }) => signatureOf(record)));
    const good: Uint8Array[] = [];
    let found = 0;
    for (const record of records) {
      const isHeld = held.has(signatureOf(record));
      const descriptor = isHeld ? undefined : openDescriptor(record, rules, wallNow());
      if ((descriptor && isFault(descriptor)) || descriptor?.nodeId === identity.nodeId) continue;
      found++;
      if (descriptor) good.push(record);
      if (descriptor?.nodeId === teller) book.noteReached(descriptor, address);
    }
    book.hear(() => addressesOfRecords(good, config.network), address.host);
    if (good.length > 0) host.feed({ type: 'records', records: good });
    // It knows of grants too, which descriptors do not tell.
    if (good.length > 0) host.feed({ type: 'found', contacts: [{ nodeId: teller, address }] });
    return found;
  }
}

/** Two records with one signature are one. */
function signatureOf(record: Uint8Array): string {
  return Buffer.from(record.buffer, record.byteOffset, Math.min(64, record.length)).toString('latin1');
}

/** Takes `host`, `host:port`, `[v6]` or `[v6]:port` apart, as the option table lets them through. */
function splitHostPort(text: string): { name: string; port: number | undefined } {
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|([^:]*))(?::([0-9]+))?$/.exec(text) ?? [];
  return { name: bracketed ?? plain ?? text, port: port === undefined ? undefined : Number(port) };
}
