/**
 * Finding nodes on the local network: who calls, who answers, and who of several that find nobody is to be the first
 * supernode. Only nodes of one network understand each other: a tag over the network's name and a fresh nonce stands for
 * it, and no id is told. Invariants: who hears a call answers at most once, to its source alone, with as many bytes; who
 * knows supernodes and serves nobody calls only when it has news: entries that neighbours may ask it for.
 *
 * Bytes of a beacon, 31:
 *   8   nonce
 *   16  the first bytes of SHA-1 over `monsoon lan-1\n`, the network's name, `\n`, the nonce and what follows
 *   1   bits 0–1: standing (0 seeks, 1 seeks and would serve, 2 knows supernodes, 3 serves); bit 2: wants answers;
 *       bit 3: has news
 *   2   the sender's port
 *   4   ticket: of those that would serve the lowest is first
 */
import {
  type Address,
  assert,
  concatBytes,
  type Deadline,
  earliest,
  equalBytes,
  type Instant,
  isHearsayPort,
  jittered,
  later,
  type Machine,
  makeRoom,
  type Random,
  randomBelow,
  readUint32,
  type Sha1,
  SourceBudgets,
  utf8,
} from '../base/index.ts';

/** Where calls go, one group per address family. */
export const BEACON_GROUPS = { ip4: '239.192.77.83', ip6: 'ff15::4d53' } as const;
export const BEACON_PORT = 7374;

const NONCE_BYTES = 8;
const TAG_BYTES = 16;
const BEACON_BYTES = 31;
const WANTS_ANSWERS = 4;
const HAS_NEWS = 8;
const STANDINGS = ['seeks', 'would-serve', 'knows', 'serves'] as const;
/** What a node is to its neighbours. */
export type LanStanding = (typeof STANDINGS)[number];

/** How long a node listens before it may think that it is the first. */
export const LISTEN_MS = 1000;
/** When who seeks calls, from the start of it, and how often after that. */
const CALLS_MS = [0, 250, 500, 750] as const;
const SEEK_MS = 2000;
const SEEK_SLOWER = 1.5;
const SEEK_SLOWEST_MS = 30_000;
/** When calls go to the broadcast address too, and to every address of the network: where groups are blocked. */
const BROADCAST_CALL = 1;
const SWEEP_CALL = 2;
/** Sweeps are rare: each is up to 253 datagrams. */
const SWEEP_MS = 10 * 60_000;
/** Who serves calls, so that networks which were apart meet. */
const SERVE_MS = 10_000;
/** A rival that is not heard again is no rival. */
const RIVAL_MS = 3000;
const RIVALS_MAX = 256;
/** The same neighbour is named again after this. */
const FOUND_MS = 5000;
const FOUND_MAX = 256;
/** Beacons of one host that are read, and answers to all. */
const HEARD_PER_SOURCE = { perSecond: 10, burst: 40 };
const SOURCES_MAX = 1024;
/** News are called twice, since datagrams get lost; more of them within that time are called once more. */
const NEWS_CALLS = 2;
const NEWS_MS = 500;
/** News of one host, and of all, that are heeded. */
const NEWS_PER_SOURCE = { perSecond: 1, burst: 4 };
const NEWS = { perSecond: 5, burst: 10 };
const ANSWERS = { perSecond: 20, burst: 40 };

export type BeaconInput =
  /** What this node is, and its port. */
  | { readonly type: 'standing'; readonly standing: LanStanding; readonly port: number }
  /** Nobody is known: look around. */
  | { readonly type: 'seek' }
  /** Something that neighbours may ask for is new here. */
  | { readonly type: 'news' }
  | { readonly type: 'heard'; readonly from: Address; readonly bytes: Uint8Array }
  | { readonly type: 'tick' };

export type BeaconEffect =
  /** To the groups; to broadcast addresses as well; or to every address of small networks. */
  | { readonly type: 'call'; readonly to: 'group' | 'broadcast' | 'everybody'; readonly bytes: Uint8Array }
  | { readonly type: 'answer'; readonly to: Address; readonly bytes: Uint8Array }
  /** Somebody of this network who serves, or knows who does. */
  | { readonly type: 'found'; readonly address: Address }
  /** Somebody of this network who has news. */
  | { readonly type: 'news'; readonly address: Address };

interface HeardBeacon {
  readonly standing: LanStanding;
  readonly wantsAnswers: boolean;
  readonly hasNews: boolean;
  readonly port: number;
  readonly ticket: number;
}

/** The beacon of one node. */
export class Beacon implements Machine<BeaconInput, BeaconEffect> {
  readonly #network: string;
  readonly #sha1: Sha1;
  readonly #random: Random;
  /** By which others order us, and we know our own calls. */
  readonly #ticket: number;
  readonly #heard = new SourceBudgets(HEARD_PER_SOURCE, SOURCES_MAX);
  readonly #answers = new SourceBudgets(ANSWERS, 1);
  readonly #newsOfOne = new SourceBudgets(NEWS_PER_SOURCE, SOURCES_MAX);
  readonly #newsOfAll = new SourceBudgets(NEWS, 1);
  /** Those that would be first before us, and when they last said so. */
  readonly #rivals = new Map<number, Instant>();
  readonly #found = new Map<string, Instant>();
  #standing: LanStanding = 'seeks';
  #port = 0;
  #seekingSince: Instant | undefined;
  #calls = 0;
  #callAt: Instant | undefined;
  #hasHeard = false;
  #hasHeardSelf = false;
  #newsLeft = 0;
  #newsAt: Instant | undefined;
  #newsCalledAt: Instant | undefined;
  #sweptAt: Instant | undefined;
  #effects: BeaconEffect[] = [];

  /** @param isVolunteer comes before those that only would serve */
  constructor(network: string, isVolunteer: boolean, sha1: Sha1, random: Random) {
    this.#network = network;
    this.#sha1 = sha1;
    this.#random = random;
    this.#ticket = randomBelow(random, 2 ** 31) + (isVolunteer ? 0 : 2 ** 31);
  }

  get deadline(): Deadline | undefined {
    const at = earliest(this.#callAt, this.#newsAt);
    return at === undefined ? undefined : { at, why: 'a call on the LAN' };
  }

  /** Some neighbour of this network was heard since the search began. */
  get hasHeard(): boolean {
    return this.#hasHeard;
  }

  /** What it called came back to it, so that groups work at least on this machine. */
  get hasHeardSelf(): boolean {
    return this.#hasHeardSelf;
  }

  /** It has listened long enough, and nobody comes before it. */
  mayBegin(now: Instant): boolean {
    if (this.#seekingSince === undefined || now - this.#seekingSince < LISTEN_MS) return false;
    return ![...this.#rivals].some(([ticket, at]) => ticket < this.#ticket && now - at < RIVAL_MS);
  }

  /** What this node says of itself where it is asked by other means. */
  card(): Uint8Array {
    return this.#encode(0);
  }

  effects(): BeaconEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  input(input: BeaconInput, now: Instant): void {
    switch (input.type) {
      case 'standing':
        return this.#stand(input.standing, input.port, now);
      case 'seek':
        return this.#seek(now);
      case 'heard':
        return this.#hear(input.from, input.bytes, now);
      case 'news':
        this.#newsLeft = NEWS_CALLS;
        this.#newsAt ??= this.#newsCalledAt === undefined ? now : later(this.#newsCalledAt, NEWS_MS);
        return this.#callNews(now);
      case 'tick':
        this.#callNews(now);
        if (this.#callAt !== undefined && now >= this.#callAt) this.#call(now);
    }
  }

  #stand(standing: LanStanding, port: number, now: Instant): void {
    this.#port = port;
    if (standing === this.#standing) return;
    this.#standing = standing;
    if (this.#isSeeking) return;
    this.#seekingSince = undefined;
    this.#callAt = undefined;
    // Those that wait for the first one hear of it at once.
    if (standing === 'serves') this.#call(now);
  }

  get #isSeeking(): boolean {
    return this.#standing === 'seeks' || this.#standing === 'would-serve';
  }

  #seek(now: Instant): void {
    if (!this.#isSeeking || this.#seekingSince !== undefined) return;
    this.#seekingSince = now;
    this.#hasHeard = false;
    this.#calls = 0;
    this.#call(now);
  }

  #call(now: Instant): void {
    const bytes = this.#encode(this.#isSeeking ? WANTS_ANSWERS : 0);
    this.#effects.push({ type: 'call', to: 'group', bytes });
    if (!this.#isSeeking) {
      this.#callAt = later(now, jittered(this.#random, SERVE_MS, 0.2));
      return;
    }
    if (!this.#hasHeard) this.#callOtherwise(bytes, now);
    const next = CALLS_MS[++this.#calls];
    const slower = Math.min(SEEK_SLOWEST_MS, SEEK_MS * SEEK_SLOWER ** Math.max(0, this.#calls - CALLS_MS.length));
    const inMs = next === undefined ? jittered(this.#random, slower, 0.2) : next - CALLS_MS[this.#calls - 1]!;
    this.#callAt = later(now, inMs);
  }

  #callNews(now: Instant): void {
    if (this.#newsAt === undefined || now < this.#newsAt) return;
    this.#effects.push({ type: 'call', to: 'group', bytes: this.#encode(HAS_NEWS) });
    this.#newsCalledAt = now;
    this.#newsAt = --this.#newsLeft > 0 ? later(now, NEWS_MS) : undefined;
  }

  /** Ways to be heard where nobody answers a group. */
  #callOtherwise(bytes: Uint8Array, now: Instant): void {
    if (this.#calls >= BROADCAST_CALL) this.#effects.push({ type: 'call', to: 'broadcast', bytes });
    if (this.#calls < SWEEP_CALL || (this.#sweptAt !== undefined && now - this.#sweptAt < SWEEP_MS)) return;
    this.#sweptAt = now;
    this.#effects.push({ type: 'call', to: 'everybody', bytes });
  }

  #hear(from: Address, bytes: Uint8Array, now: Instant): void {
    if (!this.#heard.take(from.host, 1, now)) return;
    const beacon = this.#parse(bytes);
    if (beacon?.ticket === this.#ticket) this.#hasHeardSelf = true;
    if (!beacon || beacon.ticket === this.#ticket) return;
    this.#hasHeard = true;
    const { standing, ticket, port, wantsAnswers, hasNews } = beacon;
    if (hasNews) return this.#hearNews({ host: from.host, port }, now);
    if (standing === 'would-serve') this.#noteRival(ticket, now);
    if (standing === 'knows' || standing === 'serves') this.#find({ host: from.host, port }, now);
    if (!wantsAnswers || this.#standing === 'seeks' || !this.#answers.take('', 1, now)) return;
    this.#effects.push({ type: 'answer', to: from, bytes: this.#encode(0) });
  }

  #hearNews(address: Address, now: Instant): void {
    if (!this.#newsOfOne.take(address.host, 1, now) || !this.#newsOfAll.take('', 1, now)) return;
    this.#effects.push({ type: 'news', address });
  }

  #noteRival(ticket: number, now: Instant): void {
    makeRoom(this.#rivals, RIVALS_MAX);
    this.#rivals.delete(ticket);
    this.#rivals.set(ticket, now);
  }

  #find(address: Address, now: Instant): void {
    const key = `${address.host} ${address.port}`;
    const at = this.#found.get(key);
    if (at !== undefined && now - at < FOUND_MS) return;
    makeRoom(this.#found, FOUND_MAX);
    this.#found.delete(key);
    this.#found.set(key, now);
    this.#effects.push({ type: 'found', address });
  }

  /** @param wish WANTS_ANSWERS, HAS_NEWS or neither */
  #encode(wish: number): Uint8Array {
    const flags = STANDINGS.indexOf(this.#standing) | wish;
    const nonce = Uint8Array.from({ length: NONCE_BYTES }, () => randomBelow(this.#random, 256));
    const body = new Uint8Array(7);
    new DataView(body.buffer).setUint8(0, flags);
    new DataView(body.buffer).setUint16(1, this.#port);
    new DataView(body.buffer).setUint32(3, this.#ticket);
    const beacon = concatBytes([nonce, this.#tagOf(nonce, body), body]);
    assert(beacon.length === BEACON_BYTES, 'a beacon has its length');
    return beacon;
  }

  #parse(bytes: Uint8Array): HeardBeacon | undefined {
    if (bytes.length !== BEACON_BYTES) return undefined;
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const body = bytes.subarray(NONCE_BYTES + TAG_BYTES);
    if (!equalBytes(this.#tagOf(nonce, body), bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))) return undefined;
    const flags = body[0]!;
    const port = (body[1]! << 8) | body[2]!;
    if (flags > 15 || !isHearsayPort(port)) return undefined;
    const standing = STANDINGS[flags & 3]!;
    const ticket = readUint32(body, 3);
    return { standing, wantsAnswers: (flags & WANTS_ANSWERS) !== 0, hasNews: (flags & HAS_NEWS) !== 0, port, ticket };
  }

  #tagOf(nonce: Uint8Array, body: Uint8Array): Uint8Array {
    const tagged = concatBytes([utf8(`monsoon lan-1\n${this.#network}\n`), nonce, body]);
    return this.#sha1(tagged).subarray(0, TAG_BYTES);
  }
}
