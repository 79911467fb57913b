/**
 * Everybody who only announces: light objects, half of them native clients that know owners, half stock ones that know a
 * URL. A native one asks the owner and one replica, and the third when the two disagree; a stock one follows redirects.
 */
import { type InfoHash, jittered, type Random, randomBelow } from '../../src/base/index.ts';
import type { Contact } from '../../src/overlay/index.ts';
import type { AnnounceAnswer } from './announce-answer.ts';
import type { AnnounceLedger } from './announce-ledger.ts';
import type { LookupTally, Tally } from './figures.ts';
import type { HashSpace } from './hash-space.ts';
import type { Endpoint, Network } from './network.ts';
import type { OwnerWatch } from './owner-watch.ts';
import { contactOf, type Roster } from './roster.ts';
import type { SimNode } from './sim-node.ts';
import { exponential, streamOf, weibull } from './streams.ts';
import { KIND, type World } from './world.ts';

export const INTERVAL_MS = 1_800_000;
const INTERVAL_JITTER = 0.1;
const NATIVE_SHARE = 0.5;
const SEED_SHARE = 0.76;
const SESSION_SHAPE = 0.38;
const SESSION_SCALE_MS = 42 * 60_000;
const AWAY_MEAN_MS = 30 * 60_000;
/** Between the busiest hour of a day and the stillest there is a factor of 3. */
const DAILY_SWING = 0.5;
const DAY_MS = 86_400_000;
const GRACEFUL_SHARE = 0.5;
const TIMEOUT_MS = 5000;
const REQUESTS_MAX = 5;
const REDIRECTS_MAX = 2;
const RETRY_MS = 90_000;
const KNOWN = 5;
/** Counts that differ by more are a reason to ask a third. */
const DOUBT = 3;

interface Torrent {
  readonly rank: number;
  readonly isSeeder: boolean;
  /** Who tracked it last. */
  last: Contact | undefined;
}

interface Client {
  readonly endpoint: Endpoint;
  readonly isNative: boolean;
  readonly random: Random;
  /** Supernodes it knows; a stock client's tracker URLs. */
  known: readonly SimNode[];
  session: number;
  torrents: readonly Torrent[];
}

/** One announce on its way through the overlay. */
interface Lookup {
  readonly client: Client;
  readonly torrent: Torrent;
  readonly session: number;
  readonly tried: Contact[];
  requests: number;
  redirects: number;
  /** Whether somebody who keeps its word noted it. */
  isNoted: boolean;
}

export interface ClientsPlan {
  readonly count: number;
  readonly torrentsMean: number;
}

export class Clients {
  readonly #world: World;
  readonly #network: Network;
  readonly #roster: Roster;
  readonly #space: HashSpace;
  readonly #ledger: AnnounceLedger;
  readonly #owners: OwnerWatch;
  readonly #tally: Tally;
  readonly #plan: ClientsPlan;
  #count = 0;

  constructor(
    world: World,
    places: { network: Network; roster: Roster; space: HashSpace },
    books: { ledger: AnnounceLedger; owners: OwnerWatch; tally: Tally },
    plan: ClientsPlan,
  ) {
    this.#world = world;
    this.#network = places.network;
    this.#roster = places.roster;
    this.#space = places.space;
    this.#ledger = books.ledger;
    this.#owners = books.owners;
    this.#tally = books.tally;
    this.#plan = plan;
  }

  /** Everybody comes within one interval, as in a network that has been there for long. */
  begin(): void {
    for (let i = 0; i < this.#plan.count; i++) {
      const client = this.#make();
      this.#world.plan(client.random() * INTERVAL_MS, KIND.session, client.endpoint.index, () => this.#come(client));
    }
  }

  /** Many want one hash at once, and stay for an hour. */
  flash(rank: number, count: number, overMs: number): void {
    for (let i = 0; i < count; i++) {
      const client = this.#make();
      this.#world.plan(client.random() * overMs, KIND.session, client.endpoint.index, () => {
        this.#meet(client);
        client.torrents = [{ rank, isSeeder: false, last: undefined }];
        this.#announceNext(client, client.torrents[0]!, 0);
        this.#world.plan(DAY_MS / 24, KIND.session, client.endpoint.index, () => this.#leave(client));
      });
    }
  }

  #make(): Client {
    const random = streamOf(this.#world.seed, 'client', this.#count++);
    const endpoint = this.#network.join(false);
    return { endpoint, isNative: random() < NATIVE_SHARE, random, known: [], session: 0, torrents: [] };
  }

  #come(client: Client): void {
    const { random } = client;
    this.#meet(client);
    const ranks = new Set<number>();
    const wanted = 1 + Math.floor(exponential(random, this.#plan.torrentsMean - 0.5));
    for (let i = 0; i < wanted; i++) ranks.add(this.#space.draw(random));
    client.torrents = [...ranks].map((rank) => ({ rank, isSeeder: random() < SEED_SHARE, last: undefined }));
    for (const torrent of client.torrents) this.#announceNext(client, torrent, random() * 10_000);
    const session = weibull(random, SESSION_SHAPE, SESSION_SCALE_MS);
    this.#world.plan(session, KIND.session, client.endpoint.index, () => {
      this.#leave(client);
      const away = exponential(random, AWAY_MEAN_MS) / this.#dayFactor();
      this.#world.plan(away, KIND.session, client.endpoint.index, () => this.#come(client));
    });
  }

  #leave(client: Client): void {
    client.session++;
    if (client.random() >= GRACEFUL_SHARE) return;
    for (const torrent of client.torrents) if (torrent.last) this.#stop(client, torrent, torrent.last);
  }

  #dayFactor(): number {
    return 1 + DAILY_SWING * Math.sin((2 * Math.PI * this.#world.now) / DAY_MS);
  }

  /** Learns of a few supernodes from the bootstrap sources. */
  #meet(client: Client): void {
    const { serving } = this.#roster;
    client.known = Array.from({ length: Math.min(KNOWN, serving.length) }, () => {
      return serving[randomBelow(client.random, serving.length)]!;
    });
  }

  #announceNext(client: Client, torrent: Torrent, inMs: number): void {
    const { session } = client;
    this.#world.plan(inMs, KIND.announce, client.endpoint.index, () => {
      if (client.session !== session) return;
      if (this.#roster.vanished.has(client.endpoint.group)) return this.#announceNext(client, torrent, RETRY_MS);
      const lookup = { client, torrent, session, tried: [], requests: 0, redirects: 0, isNoted: false };
      const first = client.isNative ? (torrent.last ?? this.#resolve(lookup)[0]) : this.#url(lookup);
      this.#ask(lookup, first);
    });
  }

  /** Who owns a hash, as this client's view has it: as good as that of some supernode it knows. */
  #resolve({ client, torrent, tried }: Lookup): readonly Contact[] {
    if (!client.known.some((node) => this.#roster.isLive(node))) this.#meet(client);
    const up = client.known.filter((node) => this.#roster.isLive(node));
    const knowing = up[randomBelow(client.random, up.length)];
    const owners = knowing?.overlay?.ownersOf(this.#hash(torrent)) ?? [];
    return owners.filter(({ nodeId }) => !tried.some((contact) => contact.nodeId === nodeId));
  }

  #url({ client, tried }: Lookup): Contact | undefined {
    const next = client.known.find((node) => !tried.some(({ nodeId }) => nodeId === node.nodeId));
    if (next) return contactOf(next);
    this.#meet(client);
    return client.known[0] && contactOf(client.known[0]);
  }

  #ask(lookup: Lookup, to: Contact | undefined): void {
    const { client, torrent } = lookup;
    if (!to || lookup.requests >= REQUESTS_MAX) return this.#fail(lookup);
    lookup.requests++;
    lookup.tried.push(to);
    this.#request(client, torrent, to, false, (answer, node, atMs) => {
      if (client.session !== lookup.session) return;
      if (!answer || answer.type === 'refused') return this.#askAnother(lookup);
      if (answer.type === 'redirect') {
        lookup.redirects++;
        const { nodeId, addresses } = answer.to;
        const isLoop = lookup.tried.some((contact) => contact.nodeId === nodeId);
        if (lookup.redirects > REDIRECTS_MAX || isLoop) return this.#askAnother(lookup);
        return this.#ask(lookup, { nodeId, address: addresses[0]! });
      }
      this.#noted(lookup, answer, node, atMs);
      torrent.last = to;
      if (client.isNative) this.#askReplica(lookup, to, answer.peers);
      else this.#finish(lookup);
    });
  }

  #askAnother(lookup: Lookup): void {
    lookup.torrent.last = undefined;
    this.#ask(lookup, lookup.client.isNative ? this.#resolve(lookup)[0] : this.#url(lookup));
  }

  /** The second opinion; the third is asked when the two disagree. */
  #askReplica(lookup: Lookup, owner: Contact, peers: number, isLast = false): void {
    const { client, torrent } = lookup;
    const others = this.#resolve(lookup).filter(({ nodeId }) => nodeId !== owner.nodeId);
    const replica = others[randomBelow(client.random, others.length)];
    if (!replica) return this.#finish(lookup);
    lookup.tried.push(replica);
    this.#request(client, torrent, replica, false, (answer, node, atMs) => {
      if (client.session !== lookup.session) return;
      const isNoted = answer?.type === 'noted';
      if (isNoted) this.#noted(lookup, answer, node, atMs);
      const isDoubted = !isNoted || peers === 0 || answer.peers > DOUBT * peers || peers > DOUBT * answer.peers;
      if (isDoubted && !isLast) this.#askReplica(lookup, owner, peers, true);
      else this.#finish(lookup);
    });
  }

  #noted(lookup: Lookup, answer: Extract<AnnounceAnswer, { type: 'noted' }>, node: SimNode, atMs: number): void {
    if (!answer.isHonest) return;
    lookup.isNoted = true;
    if (node.isHonest) this.#ledger.acknowledge(lookup.torrent.rank, lookup.client.endpoint.index, node, atMs);
  }

  #finish(lookup: Lookup): void {
    const { client, torrent } = lookup;
    this.#score(lookup);
    this.#announceNext(client, torrent, jittered(client.random, INTERVAL_MS, INTERVAL_JITTER));
  }

  #fail(lookup: Lookup): void {
    this.#score(lookup);
    this.#meet(lookup.client);
    this.#announceNext(lookup.client, lookup.torrent, jittered(lookup.client.random, RETRY_MS, 0.3));
  }

  #score({ client, torrent, requests, redirects, isNoted }: Lookup): void {
    const tally: LookupTally = client.isNative ? this.#tally.native : this.#tally.stock;
    tally.lookups++;
    tally.requests += requests;
    tally.redirects += redirects;
    if (isNoted) tally.won++;
    else if (!this.#isKeptHonestly(torrent)) tally.hopeless++;
  }

  #isKeptHonestly(torrent: Torrent): boolean {
    const owners = this.#roster.honest[0]?.overlay?.ownersOf(this.#hash(torrent)) ?? [];
    return owners.some(({ nodeId }) => this.#roster.node(nodeId)?.isHonest);
  }

  #stop(client: Client, torrent: Torrent, last: Contact): void {
    this.#request(client, torrent, last, true, () => {});
  }

  /** One request over the network, and what came of it: nothing when it took too long. */
  #request(
    client: Client,
    { rank, isSeeder }: Torrent,
    to: Contact,
    isGone: boolean,
    then: (answer: AnnounceAnswer | undefined, node: SimNode, atMs: number) => void,
  ): void {
    const { endpoint, isNative } = client;
    const target = this.#network.at(to.address);
    const node = target && this.#roster.at(target);
    let isDone = false;
    const end = (answer: AnnounceAnswer | undefined, atMs: number): void => {
      if (!isDone) then(answer, node!, atMs);
      isDone = true;
    };
    this.#world.plan(TIMEOUT_MS, KIND.announceTimeout, endpoint.index, () => end(undefined, 0));
    if (!target || !node) return;
    this.#network.send(endpoint, target, KIND.announce, () => {
      if (isNative && node.nodeId !== to.nodeId) return;
      const answer = node.serve(rank, endpoint.index, isSeeder, isGone, isNative);
      if (!answer) return;
      const atMs = this.#world.now;
      if (answer.type === 'noted' && answer.isHonest) {
        if (answer.isOwner) this.#owners.wrote(rank, node);
        if (isGone) this.#ledger.forget(rank, endpoint.index);
      }
      this.#network.send(target, endpoint, KIND.announceAnswer, () => end(answer, atMs));
    });
  }

  #hash({ rank }: Torrent): InfoHash {
    return this.#space.hashes[rank]!;
  }
}
