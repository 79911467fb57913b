/**
 * Which supernodes there are: asks the bootstrap sources and known supernodes, keeps what is signed and fresh, and
 * issues this node's own descriptor while it serves. Tracker and listing ask the view that results.
 */
import type { Config } from '../config/index.ts';
import {
  type Address,
  type Fault,
  formatAddress,
  isFault,
  isHearsayPort,
  type NodeId,
  nodeIdBytes,
  nodeOrigin,
  reachOf,
  wallSeconds,
} from '../src/base/index.ts';
import { now, wallNow } from '../src/io/alarm-clock.ts';
import type { BoundNetwork } from '../src/io/bound-network.ts';
import { type Dialler, type Trust, trustOf } from '../src/io/dialler.ts';
import { resolveBootstrap } from '../src/io/dns-lookup.ts';
import { sha1 } from '../src/io/hash.ts';
import type { HttpClient } from '../src/io/http-client.ts';
import { type Identity, verify } from '../src/io/identity.ts';
import {
  type Descriptor,
  EXCHANGE_BYTES_MAX,
  EXCHANGE_DESCRIPTORS_MAX,
  encodeExchange,
  GENESIS_TERM,
  LIFETIME_MAX_SECONDS,
  openDescriptor,
  ownershipOf,
  parseExchange,
  sealDescriptor,
  View,
} from '../src/overlay/index.ts';
import type { Ownership } from '../src/ports/index.ts';
import type { Log } from './log.ts';
import type { BootstrapStatus, SupernodeRow } from './running-node.ts';

/** How often everybody is asked again, and how soon after a start that found nobody. */
const REFRESH_MS = 60_000;
const RETRY_MS = 2000;
const ASK_TIMEOUT_MS = 5000;
/** A descriptor older than ten minutes is refused, so ours is renewed well before. */
const ISSUE_MS = 240_000;
const DEFAULT_PORT = 7373;
/** Supernodes asked in one round, besides the bootstrap sources. */
const ASKED_MAX = 3;
/** A supernode that is silent for this many rounds is dropped until it issues a newer descriptor. */
const SILENT_ROUNDS_MAX = 2;
/** Private addresses that may be dialled. */
const VOUCHED_MAX = 10_000;
/** Bootstrap addresses whose nodes are remembered; names may lead elsewhere each time. */
const MET_MAX = 256;
/** Introductions looked into at a time. */
const INTRODUCTIONS_MAX = 4;

interface Source {
  readonly text: string;
  state: BootstrapStatus['state'];
  found: number;
}

/** Who told us of supernodes. */
interface Teller {
  readonly address: Address;
  readonly trust: Trust;
  /** Proven by TLS; undefined while nodes are spoken to in clear. */
  readonly nodeId: NodeId | undefined;
}

export interface MembershipSettings {
  readonly config: Config;
  readonly identity: Identity;
  readonly http: HttpClient;
  readonly dialler: Dialler;
  readonly log: Log;
  readonly isSupernode: boolean;
  readonly network: BoundNetwork;
  /** Where this node listens, best first. */
  readonly addresses: readonly Address[];
  /** The address by which a router passes connections on to us, if one does. */
  readonly external: () => Address | undefined;
  /** Called when the set of known supernodes changed. */
  readonly changed: () => void;
}

/** The known supernodes of one network. */
export class Membership {
  readonly ownership: Ownership;
  readonly #settings: MembershipSettings;
  readonly #view = new View();
  readonly #sources: Source[];
  /** Addresses that the user or a node on the same LAN vouched for; at most VOUCHED_MAX, the oldest leaves first. */
  readonly #vouched = new Set<string>();
  /** Rounds in a row in which a supernode did not answer. */
  readonly #silent = new Map<NodeId, number>();
  /** The address at which a supernode really answered. */
  readonly #reached = new Map<NodeId, Address>();
  /** The nodes that answered at the addresses of bootstrap sources, which are expected there from then on. */
  readonly #met = new Map<string, NodeId>();
  #timer: NodeJS.Timeout | undefined;
  #sequence = 0;
  #issuedAt = Number.NEGATIVE_INFINITY;
  #isClosed = false;
  /** Introductions being looked into. */
  #introductions = 0;

  constructor(settings: MembershipSettings) {
    this.#settings = settings;
    this.ownership = ownershipOf(this.#view, settings.identity.nodeId);
    this.#sources = settings.config.bootstrap.map((text) => ({ text, state: 'trying', found: 0 }));
    for (const address of settings.addresses) this.#vouch(address);
  }

  get size(): number {
    return this.#view.size;
  }
  get bootstrap(): readonly BootstrapStatus[] {
    return this.#sources.map(({ text, state, found }) => ({ source: text, state, found }));
  }
  get isSupernode(): boolean {
    return this.#settings.isSupernode;
  }

  /** Issues our descriptor, asks everybody once, and goes on by itself; resolves after the first round. */
  async start(): Promise<void> {
    this.#issue();
    await this.#round();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** True when an address may be reached although it is private: ours, a configured one, or a neighbour's. */
  isVouched(host: string, port: number): boolean {
    return this.#vouched.has(formatAddress({ host, port }));
  }

  /** Where a supernode is asked: where it answered before, else the first address it names that we may dial. */
  addressOf(supernode: Descriptor): Address | undefined {
    if (supernode.nodeId === this.#settings.identity.nodeId) return this.#settings.addresses[0];
    const usable = supernode.addresses.filter((address) => this.#mayDial(address));
    return this.#reached.get(supernode.nodeId) ?? usable.find(({ host }) => !host.includes(':')) ?? usable[0];
  }

  /** Whom to ask, and where: the origin of requests to a supernode. */
  originOf(supernode: Descriptor): string | undefined {
    const address = this.addressOf(supernode);
    return address && nodeOrigin({ nodeId: supernode.nodeId, address });
  }

  /** The supernode that listens at an address. */
  nodeAt({ host, port }: Address): NodeId | undefined {
    const isAt = (own: Address): boolean => own.host === host && own.port === port;
    for (const [nodeId, address] of this.#reached) if (isAt(address)) return nodeId;
    for (const { nodeId, addresses } of this.#view.descriptors()) if (addresses.some(isAt)) return nodeId;
    return undefined;
  }

  others(): Descriptor[] {
    return [...this.#view.descriptors()].filter((supernode) => !this.#isSelf(supernode));
  }

  /** Asks everybody now: our own network was gone, and is back. */
  askAgain(): void {
    clearTimeout(this.#timer);
    if (!this.#isClosed) void this.#round();
  }

  /** Has others learn soon that our addresses changed. */
  issueAnew(): void {
    this.#issuedAt = Number.NEGATIVE_INFINITY;
    this.#issue();
  }

  get(nodeId: NodeId): Descriptor | undefined {
    return this.#view.get(nodeId);
  }

  /** The body of GET /supernodes. */
  exchange(asker: Address | undefined): Uint8Array {
    const supernodes = this.#view.sample(EXCHANGE_DESCRIPTORS_MAX, Math.random).map(({ record }) => record);
    return encodeExchange({ network: this.#settings.config.network, supernodes, you: asker });
  }

  /**
   * Takes the body of POST /supernodes: a supernode says that it is there. It is believed when it answers at an address
   * of its own descriptor; only what that answer brings enters the view.
   */
  async introduce(body: Uint8Array, from: Address | undefined): Promise<boolean> {
    const { config, dialler } = this.#settings;
    const exchange = parseExchange(body, config.network);
    const record = isFault(exchange) ? undefined : exchange.supernodes[0];
    if (!record || !from || this.#introductions >= INTRODUCTIONS_MAX) return false;
    const descriptor = openDescriptor(record, { network: config.network, verify, sha1 }, wallNow());
    if (isFault(descriptor)) return false;
    const trust = trustOf(from.host);
    const address = descriptor.addresses.find(
      (own) => isHearsayPort(own.port) && dialler.refusal(own, trust) === undefined,
    );
    if (!address) return false;
    if (reachOf(address.host) !== 'public') this.#vouch(address);
    this.#introductions++;
    const found = await this.#ask(address, trust, descriptor.nodeId);
    this.#introductions--;
    return (found ?? 0) > 0;
  }

  rows(): SupernodeRow[] {
    return [...this.#view.descriptors()].map(({ nodeId, addresses, load, term }) => ({
      nodeId,
      addresses,
      load: load / 255,
      ranges: this.#view.ring.rangesOf(nodeId),
      term,
    }));
  }

  #isSelf({ nodeId }: Descriptor): boolean {
    return nodeId === this.#settings.identity.nodeId;
  }

  #vouch(address: Address): void {
    if (this.#vouched.size >= VOUCHED_MAX) this.#vouched.delete(this.#vouched.values().next().value!);
    this.#vouched.add(formatAddress(address));
  }

  #mayDial(address: Address): boolean {
    return this.#vouched.has(formatAddress(address)) || this.#settings.dialler.refusal(address, 'public') === undefined;
  }

  #issue(): void {
    const { config, identity, isSupernode, addresses } = this.#settings;
    if (!isSupernode || now() - this.#issuedAt < ISSUE_MS) return;
    this.#issuedAt = now();
    const issued = wallNow();
    // The calendar makes the sequence rise across restarts; within a second we count.
    this.#sequence = Math.max(this.#sequence + 1, issued);
    const statement = {
      network: config.network,
      addresses: [this.#settings.external(), ...addresses].filter((each) => each !== undefined).slice(0, 4),
      sequence: this.#sequence,
      issued,
      expires: wallSeconds(issued + LIFETIME_MAX_SECONDS),
      capacity: {
        announcesPerSecond: 1000,
        peers: config.trackingPeers,
        hashes: config.trackingHashes,
        trackingBytesPerSecond: config.trackingBytesPerSecond,
      },
      load: 0,
      roles: 0,
      term: GENESIS_TERM,
    };
    this.#view.offer(sealDescriptor(statement, identity.nodeId, identity.sign, sha1));
    this.#settings.changed();
  }

  async #round(): Promise<void> {
    this.#issue();
    this.#view.expire(wallNow());
    await Promise.all(this.#sources.map((source) => this.#askSource(source)));
    const asked = this.#view.sample(ASKED_MAX + 1, Math.random).filter((supernode) => !this.#isSelf(supernode));
    await Promise.all(asked.slice(0, ASKED_MAX).map((supernode) => this.#askSupernode(supernode)));
    if (this.#isClosed) return;
    const isAlone = this.#sources.length > 0 && this.others().length === 0;
    const isDoubtful = this.#silent.size > 0;
    this.#timer = setTimeout(() => void this.#round(), isAlone || isDoubtful ? RETRY_MS : REFRESH_MS);
  }

  async #askSource(source: Source): Promise<void> {
    const addresses = await this.#addressesOf(source.text);
    let found = 0;
    for (const address of addresses) {
      // The user named it, so it may be private.
      this.#vouch(address);
      found += (await this.#ask(address, 'user', undefined)) ?? 0;
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

  async #askSupernode(supernode: Descriptor): Promise<void> {
    const address = this.addressOf(supernode);
    if (!address) return;
    const found = await this.#ask(address, trustOf(address.host), supernode.nodeId);
    if (found !== undefined) {
      this.#silent.delete(supernode.nodeId);
      return;
    }
    this.#reached.delete(supernode.nodeId);
    const rounds = (this.#silent.get(supernode.nodeId) ?? 0) + 1;
    this.#silent.set(supernode.nodeId, rounds);
    if (rounds < SILENT_ROUNDS_MAX) return;
    this.#silent.delete(supernode.nodeId);
    this.#view.drop(supernode.nodeId);
    this.#settings.log.info('a supernode is gone', { nodeId: supernode.nodeId });
    this.#settings.changed();
  }

  /**
   * Asks one node for the supernodes it knows; resolves to how many were good, undefined when it did not answer.
   * @param meant who must answer there; undefined asks whoever it is
   */
  async #ask(address: Address, trust: Trust, meant: NodeId | undefined): Promise<number | undefined> {
    const { http, config, log } = this.#settings;
    const at = formatAddress(address);
    const nodeId = meant ?? this.#met.get(at) ?? (await http.meet(address));
    if (isFault(nodeId)) return this.#noteSilence(at, nodeId);
    const origin = nodeId === undefined ? `http://${at}` : nodeOrigin({ nodeId, address });
    const request = { method: 'GET', path: '/supernodes', timeoutMs: ASK_TIMEOUT_MS } as const;
    const reply = await http.request({ origin, ...request, bytesMax: EXCHANGE_BYTES_MAX });
    if (isFault(reply)) return this.#noteSilence(at, reply);
    if (meant === undefined && nodeId !== undefined) this.#noteMet(at, nodeId);
    const exchange = parseExchange(reply.body, config.network);
    if (isFault(exchange)) {
      log.info('a node is of no use', { address: formatAddress(address), because: exchange.text });
      return undefined;
    }
    let good = 0;
    for (const record of exchange.supernodes) if (this.#take(record, { address, trust, nodeId })) good++;
    if (this.#settings.isSupernode) await this.#introduceOurselves(origin, exchange.supernodes);
    return good;
  }

  #noteMet(at: string, nodeId: NodeId): void {
    if (this.#met.size >= MET_MAX && !this.#met.has(at)) this.#met.delete(this.#met.keys().next().value!);
    this.#met.set(at, nodeId);
  }

  #noteSilence(at: string, because: Fault): undefined {
    this.#met.delete(at);
    this.#settings.log.debug('a node does not answer', { address: at, because: because.text });
  }

  /** Tells a node that does not know us yet that we serve. */
  async #introduceOurselves(origin: string, known: readonly Uint8Array[]): Promise<void> {
    const { http, config, identity } = this.#settings;
    const own = this.#view.get(identity.nodeId);
    const ownKey = nodeIdBytes(identity.nodeId);
    if (!own || known.some((record) => Buffer.from(record).includes(ownKey))) return;
    await http.request({
      origin,
      method: 'POST',
      path: '/supernodes',
      body: encodeExchange({ network: config.network, supernodes: [own.record], you: undefined }),
      timeoutMs: ASK_TIMEOUT_MS,
      bytesMax: 4096,
    });
  }

  #take(record: Uint8Array, { address: told, trust, nodeId }: Teller): boolean {
    const { config } = this.#settings;
    const descriptor = openDescriptor(record, { network: config.network, verify, sha1 }, wallNow());
    if (isFault(descriptor)) return false;
    const isTeller =
      nodeId === undefined
        ? descriptor.addresses.some((own) => formatAddress(own) === formatAddress(told))
        : descriptor.nodeId === nodeId;
    if (isTeller) this.#reached.set(descriptor.nodeId, told);
    for (const address of descriptor.addresses) {
      // A neighbour's neighbours are on the LAN too; what a public node calls private is not ours to dial.
      const isNear =
        reachOf(told.host) !== 'public' && reachOf(address.host) === 'private' && isHearsayPort(address.port);
      if (isNear || (trust === 'user' && isTeller)) this.#vouch(address);
    }
    const offered = this.#view.offer(descriptor);
    if (offered === 'added') {
      this.#settings.log.info('a supernode is known', { nodeId: descriptor.nodeId, from: formatAddress(told) });
      this.#settings.changed();
    }
    return true;
  }
}

/** Takes `host`, `host:port`, `[v6]` or `[v6]:port` apart, as the option table lets them through. */
function splitHostPort(text: string): { name: string; port: number | undefined } {
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|([^:]*))(?::([0-9]+))?$/.exec(text) ?? [];
  return { name: bracketed ?? plain ?? text, port: port === undefined ? undefined : Number(port) };
}
