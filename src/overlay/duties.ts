/**
 * What a supernode does for the election of others: keeps those who offer to serve, nominates one when somebody is
 * needed, and votes as a witness. A witness connects to the candidate itself, and gives one vote for a term. Invariant: who
 * stands or asks for a vote has this node connect to nobody but himself, and takes no room from its other questions.
 */
import {
  type Address,
  earliest,
  type Instant,
  later,
  makeRoom,
  type NodeId,
  reachOf,
  wallSeconds,
} from '../base/index.ts';
import { comesFrom, countedAs, Places } from './asker.ts';
import { votedBytes } from './certificate.ts';
import type { Context } from './context.ts';
import { type Capacity, CLOCK_SKEW_SECONDS } from './descriptor.ts';
import { type OverlayMessage, refused } from './message.ts';
import type { Contact } from './overlay-facts.ts';
import { OWNERS, PER_SUBNET_MAX } from './ring.ts';
import { HELLO_MS } from './slow-ways.ts';
import { subnetOf } from './subnet.ts';
import type { Seat } from './token.ts';

/** Candidates kept, and how long without their word. */
const CANDIDATES_MAX = 256;
const CANDIDATE_MS = 900_000;
/** Of one private address, where many may be one machine's; of a public subnet as many as may serve. */
const CANDIDATES_PER_HOST = 16;
const NOMINATE_MS = 5000;
/** Who volunteers waits no longer than this after the last nomination. */
const NOMINATE_SOON_MS = 250;
/** Where somebody was nominated this lately, others come first. */
const NOMINATED_MS = 60_000;
const NOMINATION_MS = 2000;
/** Terms voted for that are remembered. */
const VOTED_MAX = 4096;
/** Elections of one public subnet that this witness takes part in, in an hour. */
const VOTES_PER_SUBNET = 4;
const VOTES_MS = 3_600_000;
/** Candidates who are being connected to, and of one address. */
const VISITS_MAX = 64;
const VISITS_PER_SOURCE_MAX = 1;
const CROWDED = 'there are enough supernodes in that subnet';
const ELSEWHERE = 'you do not come from there';
const SUBNETS_MAX = 4096;

type Stand = Extract<OverlayMessage, { type: 'stand' }>;
type VoteRequest = Extract<OverlayMessage, { type: 'vote' }>;

interface Candidate {
  readonly nodeId: NodeId;
  /** The public subnet or the private address that it comes from. */
  readonly place: string;
  readonly addresses: readonly Address[];
  readonly capacity: Capacity;
  readonly uptimeSeconds: number;
  readonly isVolunteer: boolean;
  readonly term: number;
  /** When it first offered itself here, and last. */
  readonly since: Instant;
  readonly at: Instant;
}

/** The duties of one supernode. */
export class Duties {
  readonly #context: Context;
  readonly #candidates = new Map<NodeId, Candidate>();
  /** When somebody was nominated lately, by place; bounded by the nominations that fit in NOMINATED_MS. */
  readonly #nominated = new Map<string, Instant>();
  /** The highest term voted for, by candidate. */
  readonly #voted = new Map<NodeId, number>();
  /** When votes were given lately, by subnet. */
  readonly #votes = new Map<string, Instant[]>();
  readonly #visits = new Places(VISITS_MAX, VISITS_PER_SOURCE_MAX);
  #nominateAt: Instant;
  #nominatedAt: Instant;
  /** Why somebody is needed although there are enough; undefined when nobody is. */
  #need: string | undefined;

  constructor(context: Context) {
    this.#context = context;
    this.#nominateAt = context.now;
    this.#nominatedAt = later(context.now, -NOMINATE_SOON_MS);
  }

  get deadline(): Instant | undefined {
    return this.#candidates.size > 0 ? this.#nominateAt : undefined;
  }
  get candidates(): number {
    return this.#candidates.size;
  }

  /** Somebody who can take load is needed. */
  call(why: string): void {
    this.#need = why;
    this.#hurry();
  }

  /** A node offers to serve. */
  noteStand(from: Contact, stand: Stand): OverlayMessage {
    const { now } = this.#context;
    const { nodeId } = from;
    if (!comesFrom(from, stand.addresses[0]!)) return refused(ELSEWHERE);
    if (this.#isCrowded(nodeId, stand.addresses[0]!)) return refused(CROWDED);
    const place = subnetOf({ addresses: [from.address] }) ?? from.address.host;
    if (this.#isFull(nodeId, place, from.address)) return refused('enough others of that place wait to serve');
    const since = this.#candidates.get(nodeId)?.since ?? now;
    this.#candidates.delete(nodeId);
    makeRoom(this.#candidates, CANDIDATES_MAX);
    const { addresses, capacity, uptimeSeconds, isVolunteer, term } = stand;
    const candidate = { nodeId, place, addresses, capacity, uptimeSeconds, isVolunteer, term, since, at: now };
    this.#candidates.set(nodeId, candidate);
    if (isVolunteer) this.#hurry();
    return { type: 'accepted' };
  }

  /** Somebody from that place waits as often as may be. */
  #isFull(nodeId: NodeId, place: string, { host }: Address): boolean {
    let waiting = 0;
    for (const other of this.#candidates.values()) if (other.place === place && other.nodeId !== nodeId) waiting++;
    return waiting >= (reachOf(host) === 'public' ? PER_SUBNET_MAX : CANDIDATES_PER_HOST);
  }

  #hurry(): void {
    const { now } = this.#context;
    const soonest = later(this.#nominatedAt, NOMINATE_SOON_MS);
    this.#nominateAt = earliest(this.#nominateAt, soonest > now ? soonest : now)!;
  }

  tick(): void {
    const { now } = this.#context;
    if (now < this.#nominateAt) return;
    this.#nominateAt = this.#context.soon(NOMINATE_MS);
    for (const [place, at] of this.#nominated) if (now - at > NOMINATED_MS) this.#nominated.delete(place);
    for (const { nodeId, at } of this.#candidates.values()) {
      if (now - at > CANDIDATE_MS || this.#context.member(nodeId)) this.#candidates.delete(nodeId);
    }
    const best = this.#best();
    if (!best) return;
    const isShort = this.#context.othersUpTo(OWNERS) + 1 < OWNERS;
    const why = best.isVolunteer ? 'it volunteers' : isShort ? 'there are fewer supernodes than copies' : this.#need;
    if (why !== undefined) this.#nominate(best, why);
  }

  /** A candidate asks for our vote; `reply` is called once. */
  vote(from: Contact, request: VoteRequest, reply: (message: OverlayMessage) => void): void {
    const { nodeId } = from;
    const address = request.addresses[0]!;
    const why = comesFrom(from, address) ? this.#objection(nodeId, request) : ELSEWHERE;
    if (why !== undefined) return reply(refused(why));
    const source = countedAs(from);
    if (!this.#visits.take(source)) return reply(refused('others are voted for now'));
    this.#context.exchanges.ask({ nodeId, address }, { type: 'hello' }, HELLO_MS, (answer) => {
      this.#visits.free(source);
      if (answer?.type !== 'here') return reply(refused('you cannot be reached there'));
      const again = this.#objection(nodeId, request);
      if (again !== undefined) return reply(refused(again));
      this.#noteVote(nodeId, request);
      const { settings } = this.#context;
      const candidacy = {
        network: settings.network,
        nodeId,
        host: address.host,
        term: request.term,
        issued: wallSeconds(request.issued),
        seat: request.seat as Seat | undefined,
      };
      reply({ type: 'voted', signature: settings.sign(votedBytes(candidacy)) });
    });
  }

  #best(): Candidate | undefined {
    let best: { candidate: Candidate; score: number } | undefined;
    for (const candidate of this.#candidates.values()) {
      const rest = this.#nominated.has(candidate.place) ? 500 : 0;
      const score = scoreOf(candidate, this.#context.now) + 4 * this.#context.random() - rest;
      if (!best || score > best.score) best = { candidate, score };
    }
    return best?.candidate;
  }

  #nominate({ nodeId, place, addresses }: Candidate, why: string): void {
    // It stands again if nothing comes of this.
    this.#candidates.delete(nodeId);
    this.#nominatedAt = this.#context.now;
    this.#nominated.set(place, this.#context.now);
    this.#need = undefined;
    this.#context.tell({ type: 'nominated', nodeId, why });
    this.#context.exchanges.ask({ nodeId, address: addresses[0]! }, { type: 'nominate', why }, NOMINATION_MS, () => {});
  }

  #objection(nodeId: NodeId, { addresses, term, issued, seat }: VoteRequest): string | undefined {
    const { view, self, wall } = this.#context;
    if (Math.abs(issued - wall) > CLOCK_SKEW_SECONDS) return 'your clock is wrong, or mine is';
    const witnesses = this.#context.believedWitnessesOf(nodeId, term);
    if (!witnesses.some((witness) => witness.nodeId === self)) return 'I am no witness of that election';
    const held = view.get(nodeId);
    if (seat !== undefined) {
      if (held?.seat !== seat || held.term !== term) return 'you have no such term';
      const hasMoved = held.addresses[0]!.host !== addresses[0]!.host;
      return hasMoved && this.#isCrowded(nodeId, addresses[0]!) ? CROWDED : undefined;
    }
    if (term <= (this.#voted.get(nodeId) ?? -1) || (held && term <= held.term)) return 'I have voted in that term';
    if (this.#isCrowded(nodeId, addresses[0]!)) return CROWDED;
    return this.#hasVotedEnough(addresses[0]!) ? 'I have voted for enough nodes of that subnet' : undefined;
  }

  /** A public address serves once, a public subnet twice. */
  #isCrowded(nodeId: NodeId, address: Address): boolean {
    const subnet = subnetOf({ addresses: [address] });
    if (subnet === undefined) return reachOf(address.host) === 'forbidden';
    const { view, self } = this.#context;
    const near = view.ring.membersIn(subnet).filter((other) => other.nodeId !== nodeId && other.nodeId !== self);
    return near.length >= PER_SUBNET_MAX || near.some(({ addresses }) => addresses[0]!.host === address.host);
  }

  #hasVotedEnough(address: Address): boolean {
    const subnet = subnetOf({ addresses: [address] });
    const lately = subnet === undefined ? [] : (this.#votes.get(subnet) ?? []);
    return lately.filter((at) => this.#context.now - at < VOTES_MS).length >= VOTES_PER_SUBNET;
  }

  #noteVote(nodeId: NodeId, { addresses, term, seat }: VoteRequest): void {
    if (seat !== undefined) return;
    makeRoom(this.#voted, VOTED_MAX);
    this.#voted.set(nodeId, term);
    const subnet = subnetOf({ addresses: [addresses[0]!] });
    if (subnet === undefined) return;
    makeRoom(this.#votes, SUBNETS_MAX);
    this.#votes.set(subnet, [...(this.#votes.get(subnet) ?? []).slice(1 - VOTES_PER_SUBNET), this.#context.now]);
  }
}

/** Volunteers first, by a thousand; then who is long there, can bear much, and did not serve often. */
function scoreOf({ isVolunteer, uptimeSeconds, since, capacity, term }: Candidate, now: Instant): number {
  // What was seen here counts; what it says of the time before does not.
  const hours = Math.min(24, uptimeSeconds / 3600, (now - since) / 3_600_000);
  return (isVolunteer ? 1000 : 0) + hours + Math.min(8, capacity.announcesPerSecond / 1000) - Math.min(10, term);
}
