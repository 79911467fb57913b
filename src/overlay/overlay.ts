/**
 * One node's part in the overlay: membership, election, hand-off and load, put together. The machine that ships in every
 * node, and that the simulator runs. It knows nothing of connections, files or how swarms are kept.
 */
import {
  earliest,
  type InfoHash,
  type Instant,
  later,
  type Machine,
  type NodeId,
  randomBelow,
  type WallSeconds,
} from '../base/index.ts';
import type { Ownership } from '../ports/index.ts';
import { Places } from './asker.ts';
import { Claims } from './claims.ts';
import { Context } from './context.ts';
import { Copies } from './copies.ts';
import type { Descriptor } from './descriptor.ts';
import { Duties } from './duties.ts';
import { contactOf } from './exchanges.ts';
import { Givings } from './giving.ts';
import { Hearing } from './hearing.ts';
import { LoadWatch } from './load-watch.ts';
import { Membership } from './membership.ts';
import { type OverlayMessage, refused } from './message.ts';
import { Neighbourhood } from './neighbourhood.ts';
import type { Contact, OverlayEffect, OverlayInput, OverlaySettings, Placement } from './overlay-facts.ts';
import { Replication } from './replication.ts';
import { OWNERS } from './ring.ts';
import { type Phase, Standing } from './standing.ts';
import { Takings } from './taking.ts';
import type { View } from './view.ts';

/** How long a node that leaves waits for its replicas to be whole, and then for the news to spread. */
const HAND_OVER_MS = 10_000;
const FAREWELL_MS = 3000;
/** Nodes that are looked for on behalf of members, and of one of them. */
const PROBES_MAX = 128;
const PROBES_PER_MEMBER_MAX = 8;
/** A machine that was not called for this long slept, and one whose calendar went on by so much while its clock stood still. */
const SLEPT_MS = 30_000;

/** The overlay as one node takes part in it. */
export class Overlay implements Machine<OverlayInput, OverlayEffect> {
  /** The answer to the tracker's and the listing's question. */
  readonly ownership: Ownership = {
    ownerOf: (infoHash) => this.#ownerOf(infoHash),
    roleOf: (infoHash) => this.#roleOf(infoHash),
    copiesOf: (infoHash) => this.#replication.copiesOf(infoHash),
    recordsOf: (infoHash) => this.#context.view.ring.ownerSetOf(infoHash).map(({ record }) => record),
  };
  readonly #context: Context;
  readonly #membership: Membership;
  readonly #standing: Standing;
  readonly #duties: Duties;
  readonly #copies: Copies;
  readonly #neighbourhood: Neighbourhood;
  readonly #hearing: Hearing;
  readonly #replication: Replication;
  readonly #claims: Claims;
  readonly #givings: Givings;
  readonly #takings: Takings;
  readonly #load: LoadWatch;
  readonly #probes = new Places(PROBES_MAX, PROBES_PER_MEMBER_MAX);
  #hasChanged = false;
  #tickedAt: Instant;
  #leaving: { readonly leave: () => void; readonly by: Instant } | undefined;
  #farewellAt: Instant | undefined;

  constructor(settings: OverlaySettings, now: Instant, wall: WallSeconds) {
    const context = new Context(settings, now, wall);
    const changed = (): void => this.#change();
    const spread = (key: string): void => this.#membership.spread(key);
    this.#context = context;
    this.#tickedAt = now;
    this.#membership = new Membership(context, {
      changed,
      refute: (sequence) => this.#standing.refute(sequence),
      lost: (nodeId) => this.#lose(nodeId),
      reborn: (nodeId) => this.#replication.forget(nodeId),
    });
    this.#standing = new Standing(context, {
      refresh: (from, then) => this.#membership.refresh(from, then),
      claim: (draft, take) => this.#claims.begin(draft, take),
      changed: () => this.#standingChanged(),
      termEnded: () => this.#endTerm(),
      handOver: (leave) => this.#handOver(leave),
    });
    this.#duties = new Duties(context);
    this.#copies = new Copies(context, () => this.#standing.capacity.trackingBytesPerSecond);
    this.#replication = new Replication(context, this.#copies, (nodeId) => this.#membership.suspect(nodeId));
    this.#neighbourhood = new Neighbourhood(context, (arc, keepers) => this.#replication.owe(arc, keepers));
    this.#hearing = new Hearing(context, this.#copies, this.#neighbourhood, {
      passOn: (to, bytes) => this.#replication.passOnTo(to, bytes),
      isGiver: (nodeId) => this.#takings.isGiver(nodeId),
      isComing: (infoHash) => this.#claims.isClaimed(infoHash) || this.#takings.isComing(infoHash),
    });
    this.#claims = new Claims(context, this.#copies, (to, arc) => this.#replication.notePrimed(to, arc));
    this.#givings = new Givings(context, this.#copies, this.#replication, { changed, spread });
    this.#load = new LoadWatch(context, () => this.#standing.capacity, {
      give: ({ range, cut, announcesPerSecond, peers }, to) =>
        this.#givings.begin(range, cut, contactOf(to), { peers, announcesPerSecond }),
      call: () => this.#duties.call('others are overloaded'),
      giving: this.#givings,
      promised: () => this.#takings.promised,
      spread,
    });
    this.#takings = new Takings(context, {
      changed,
      spread,
      loadWith: (more) => this.#load.loadWith(more),
    });
  }

  get view(): View {
    return this.#context.view;
  }
  get phase(): Phase {
    return this.#standing.phase;
  }
  get isSupernode(): boolean {
    return this.#standing.phase === 'serving';
  }
  /** Supernodes known, this one included. */
  get members(): number {
    return this.#context.view.staying;
  }
  /** What has to outlive this process. */
  get memory(): { readonly term: number; readonly sequence: number } {
    return this.#standing.memory;
  }
  get termEndsAt(): Instant | undefined {
    return this.#standing.termEndsAt;
  }
  get term(): number {
    return this.#standing.term;
  }
  /** Share of capacity in use. */
  get load(): number {
    return this.#load.share;
  }
  get candidates(): number {
    return this.#duties.candidates;
  }
  /** Hand-offs that this node gave. */
  get handOffs(): number {
    return this.#givings.done;
  }
  /** The hand-off under way. */
  get givingNow(): Givings['current'] {
    return this.#givings.current;
  }
  /** Questions under way; bounded. */
  get asking(): number {
    return this.#context.exchanges.size;
  }
  /** Every replica of what this node owns has all of it. */
  get isReplicated(): boolean {
    return this.#replication.isWhole;
  }

  /** Who tracks a hash: its owner, then its replicas; empty while nobody is known. */
  ownersOf(infoHash: InfoHash): readonly Contact[] {
    const { view, random } = this.#context;
    const wide = view.wideOwnersOf(infoHash);
    if (!wide) return view.ring.ownerSetOf(infoHash).map(contactOf);
    // Each of many who come picks others of those who serve.
    const first = randomBelow(random, wide.length);
    return [...wide.slice(first), ...wide.slice(0, first)].slice(0, OWNERS).map(contactOf);
  }

  /** Any of those who answer for a widened hash will do: whoever is asked serves, if it is one of them. */
  #ownerOf(infoHash: InfoHash): 'self' | Descriptor | undefined {
    const { view, self, random } = this.#context;
    const wide = view.wideOwnersOf(infoHash);
    if (wide) return wide.some(({ nodeId }) => nodeId === self) ? 'self' : wide[randomBelow(random, wide.length)];
    const owner = view.ring.ownerOf(infoHash);
    return owner?.nodeId === self ? 'self' : owner;
  }

  #roleOf(infoHash: InfoHash): 'owner' | 'replica' | undefined {
    const { view, self } = this.#context;
    const owners = view.ring.ownerSetOf(infoHash);
    if (owners[0]?.nodeId === self) return 'owner';
    return owners.some(({ nodeId }) => nodeId === self) ? 'replica' : undefined;
  }

  /** Why a hash is where it is; undefined while nobody is known. */
  placementOf(infoHash: InfoHash): Placement | undefined {
    const { ring } = this.#context.view;
    const range = ring.rangeAt(infoHash);
    if (!range) return undefined;
    const owners = ring.ownerSetOf(infoHash).map(({ nodeId }) => nodeId);
    return { infoHash, range: { from: range.from, to: range.to, epoch: range.epoch }, owners, by: range.by };
  }

  get deadline(): { readonly at: Instant; readonly why: string } {
    return { at: this.#deadlineAt, why: 'gossip, terms, copies and load' };
  }

  /** Asked after every input: it makes nothing that would have to be collected. */
  get #deadlineAt(): Instant {
    if (this.#context.exchanges.hasRefused) return this.#context.now;
    let at: Instant | undefined = earliest(this.#leaving?.by, this.#farewellAt);
    at = earliest(at, this.#standing.deadline);
    at = earliest(at, this.#copies.deadline);
    at = earliest(at, this.#claims.deadline);
    if (this.#standing.isOnDuty) {
      at = earliest(at, this.#duties.deadline);
      at = earliest(at, this.#replication.deadline);
      at = earliest(at, this.#givings.deadline);
      at = earliest(at, this.#load.deadline);
    }
    return earliest(at, this.#membership.deadline)!;
  }

  /** Begins in the midst of a network, as one of those whom `view` holds; for simulators. @param own issued before, its votes good */
  resume(own: Descriptor): void {
    this.#standing.resume(own);
  }

  effects(): OverlayEffect[] {
    if (this.#hasChanged) {
      this.#hasChanged = false;
      this.#context.exchanges.order({ type: 'changed' });
    }
    return this.#context.exchanges.take();
  }

  input(input: OverlayInput, now: Instant): void {
    this.#context.now = now;
    this.#context.exchanges.settleRefused();
    switch (input.type) {
      case 'tick':
        return this.#tick(input.wall);
      case 'found':
        return this.#membership.find(input.contacts);
      case 'records':
        return this.#membership.learn(input.records, input.by);
      case 'alone':
        return this.#standing.noteAlone(input.withinMs);
      case 'asked':
        return this.#asked(input.exchange, { nodeId: input.from, address: input.address }, input.message);
      case 'answered':
        return this.#context.exchanges.settle(input.exchange, input.message);
      case 'unanswered':
        return this.#context.exchanges.settle(input.exchange, undefined);
      case 'silent':
        return this.#membership.suspect(input.nodeId);
      case 'moved':
        return this.#standing.noteMoved();
      case 'ordered':
        return this.#standing.order(input.role);
      case 'drain':
        return this.#standing.leave('its user stops it', true);
      case 'capped':
        this.#standing.capacity = input.capacity;
        return this.#standing.issue();
    }
  }

  #tick(wall: WallSeconds): void {
    const { now } = this.#context;
    const skippedMs = 1000 * (wall - this.#context.wall);
    this.#context.setWall(wall);
    // The machine slept: others took over meanwhile, and hear that it is back.
    if (Math.max(skippedMs, now - this.#tickedAt) > SLEPT_MS) {
      this.#standing.issue();
      this.#membership.wake();
    }
    this.#tickedAt = now;
    this.#membership.tick();
    this.#standing.tick();
    this.#copies.tick();
    this.#claims.tick();
    if (this.#standing.isOnDuty) {
      this.#duties.tick();
      this.#replication.tick();
      this.#givings.tick();
      this.#load.tick();
      this.#standing.load = this.#load.level;
    }
    this.#attendLeaving();
  }

  #asked(exchange: number, asker: Contact, message: OverlayMessage): void {
    const from = asker.nodeId;
    const reply = (answer: OverlayMessage): void =>
      this.#context.exchanges.order({ type: 'answer', exchange, message: answer });
    if (message.type === 'hello') {
      return reply({ type: 'here', load: this.#load.level, sequence: this.#standing.servingSequence });
    }
    if (message.type === 'nominate') return reply(this.#answerNomination(from));
    if (message.type === 'frame') return reply(this.#answerFrame(from, message));
    if (message.type === 'announces') return reply(this.#answerAnnounces(from, message));
    if (!this.#standing.isOnDuty) return reply(refused('this node serves nobody now'));
    if (message.type === 'vote') return this.#duties.vote(asker, message, reply);
    if (message.type === 'probe' && this.#context.view.get(from)) return this.#probe(from, message, reply);
    if (message.type === 'stand') return reply(this.#duties.noteStand(asker, message));
    reply(this.#membership.answer(from, message) ?? this.#answerDuty(from, message));
  }

  /** Looks for a node on behalf of a member; where there is no room it says so: nobody is called silent unasked. */
  #probe(from: NodeId, contact: Contact, reply: (answer: OverlayMessage) => void): void {
    if (!this.#probes.take(from)) return reply(refused('others are looked for now'));
    this.#membership.probe(contact, (isThere) => {
      this.#probes.free(from);
      reply({ type: 'probed', isThere });
    });
  }

  #answerDuty(from: NodeId, message: OverlayMessage): OverlayMessage {
    if (this.#standing.phase !== 'serving') return refused('this node leaves');
    switch (message.type) {
      case 'claim':
        return this.#claims.answer(from, message.descriptor);
      case 'offer':
        return this.#takings.answerOffer(from, message);
      case 'grant':
        return this.#takings.answerGrant(from, message);
      case 'receipt':
        return this.#takings.answerReceipt(from, message.grant);
      default:
        return refused('that is no question');
    }
  }

  #answerNomination(from: NodeId): OverlayMessage {
    const nominator = this.#context.view.get(from);
    return nominator && this.#standing.acceptNomination(contactOf(nominator))
      ? { type: 'accepted' }
      : refused('this node does not stand now');
  }

  #answerFrame(from: NodeId, message: Extract<OverlayMessage, { type: 'frame' }>): OverlayMessage {
    if (this.#standing.phase === 'client') return refused('this node keeps nothing now');
    const answer = this.#hearing.takeFrame(from, message);
    if (answer.type !== 'accepted') return answer;
    this.#takings.noteFrame(from);
    if (message.isLast) this.#claims.noteWhole(from);
    return answer;
  }

  #answerAnnounces(from: NodeId, message: Extract<OverlayMessage, { type: 'announces' }>): OverlayMessage {
    if (this.#standing.phase === 'client') return refused('this node keeps nothing now');
    return this.#hearing.takeAnnounces(from, message);
  }

  #change(): void {
    this.#hasChanged = true;
    this.#replication.noteChange(this.#standing.isOnDuty);
    if (this.#standing.isOnDuty) this.#neighbourhood.noteChange();
    this.#claims.noteChange();
  }

  #standingChanged(): void {
    const { isOnDuty, key } = this.#standing;
    if (this.#membership.serve(isOnDuty)) this.#replication.beginAt(this.#membership.nextRound);
    if (isOnDuty) this.#membership.spread(key);
    this.#change();
  }

  #lose(nodeId: NodeId): void {
    this.#replication.forget(nodeId);
    this.#copies.forget(nodeId);
    this.#givings.forget(nodeId);
    this.#takings.forget(nodeId);
  }

  /** Who has somebody waiting makes room for it; without anybody its term goes on. */
  #endTerm(): void {
    if (this.#duties.candidates === 0) return;
    this.#duties.call('a term ended');
    this.#standing.leave('its term ended', false);
  }

  #handOver(leave: () => void): void {
    this.#givings.giveUp();
    this.#leaving = { leave, by: later(this.#context.now, HAND_OVER_MS) };
    this.#attendLeaving();
  }

  /** Leaves once its replicas have everything, and ends when the others know. */
  #attendLeaving(): void {
    const { now } = this.#context;
    const leaving = this.#leaving;
    if (!leaving && this.#farewellAt === undefined) return;
    const isAlone = this.#context.othersUpTo(1) === 0;
    if (leaving && (now >= leaving.by || isAlone || (this.#replication.isWhole && !this.#givings.current))) {
      this.#leaving = undefined;
      this.#replication.passOn();
      leaving.leave();
      this.#farewellAt = isAlone ? now : later(now, FAREWELL_MS);
    }
    if (this.#farewellAt === undefined || now < this.#farewellAt) return;
    this.#farewellAt = undefined;
    this.#replication.passOn();
    this.#standing.noteLeft();
  }

  /** The descriptors known, for whoever asks for supernodes. */
  descriptors(): Iterable<Descriptor> {
    return this.#context.view.descriptors();
  }
}
