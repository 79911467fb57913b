/**
 * Who serves: every two seconds a supernode exchanges with one partner what changed lately, and learns by the same message
 * that the other is there, as the other does of it. Who does not answer, or does not ask when it said it would, is asked
 * through three others before it is dropped, and may refute.
 * Views that still differ are compared bucket by bucket. A client asks for the whole view now and then, and no more.
 * Invariant: nothing is passed on that was not checked here first.
 */
import { earliest, following, type Instant, isFault, later, makeRoom, type NodeId } from '../base/index.ts';
import { Admission } from './admission.ts';
import { Appointments } from './appointments.ts';
import type { Context } from './context.ts';
import { type Descriptor, ROLE_LEAVES } from './descriptor.ts';
import { contactOf } from './exchanges.ts';
import { type DetectorEvents, FailureDetector } from './failure-detector.ts';
import { openGrant } from './grant.ts';
import { Intake } from './intake.ts';
import type { OverlayMessage, Suspicion } from './message.ts';
import { BUCKETS, DIGESTS_MAX } from './message-codec.ts';
import { Newcomers } from './newcomers.ts';
import type { Contact } from './overlay-facts.ts';
import { Partners } from './partners.ts';
import { type Digest, keyOf, letteredDescriptor, unletter, wideningKeyOf } from './record-names.ts';
import { openWidening } from './widening.ts';

const ROUND_MS = 2000;
const GOSSIP_MS = 1000;
/** Of a partner that was slow before: there are others who notice when it is gone. */
const GOSSIP_SLOW_MS = 3000;
const RECORDS_MS = 5000;
/** How often views are compared whole, at most: by a supernode that sees a difference, and by a client. */
const SYNC_MS = 30_000;
const CLIENT_SYNC_MS = 600_000;
/** How often somebody who was lost is tried again: a partition may have healed. */
const LOST_MS = 20_000;
/** How soon a client without a view tries again. */
const CLIENT_RETRY_MS = 2000;
/** Nodes of one hint that are asked. */
const FOUND_MAX = 3;
/** News that is passed on at a time, and in all. */
const HOT_PER_MESSAGE = 128;
const HOT_MAX = 4096;
/** Records that were not believed: how many are remembered, and for how long. */
const REFUSED_MAX = 1024;
const FORGIVE_MS = 30_000;
/**
 * What was asked for is not asked of a second one for so long, nor what came and is being asked about: news is told by
 * several at once.
 */
const COMING_MS = 2000;
const COMING_MAX = 1024;
/** Records in an answer: their bytes stay below the largest message. */
const RECORDS_PER_MESSAGE = 200;

/** What membership tells the machine it belongs to. */
export interface MembershipEvents {
  /** The ring may be another. */
  changed(): void;
  /** Somebody says that we are silent: a newer descriptor refutes it. */
  refute(sequence: number): void;
  lost(nodeId: NodeId): void;
  /** It has another seat, and perhaps nothing of what was copied to it. */
  reborn(nodeId: NodeId): void;
}

/** One node's part in the membership. */
export class Membership {
  readonly #context: Context;
  readonly #events: MembershipEvents;
  readonly #admission: Admission;
  readonly #detector: FailureDetector;
  readonly #intake: Intake;
  readonly #partners: Partners;
  readonly #appointments: Appointments;
  readonly #newcomers: Newcomers;
  /** Digest keys of news, and how often each is still told. */
  readonly #hot = new Map<string, number>();
  /** Sequences that were not believed, by digest key: they are not fetched again for a while. */
  readonly #refused = new Map<string, number>();
  /** What was asked for or is looked into, by digest key: just that sequence is not asked for meanwhile. */
  readonly #coming = new Map<string, { readonly sequence: number; readonly until: Instant }>();
  #forgiveAt: Instant;
  #isServing = false;
  #nextRound: Instant;
  #nextSync: Instant;
  #nextLost: Instant;
  /** The view may be that of long ago: whom another does not know may be gone. */
  #isStale = false;
  #version = 0;

  constructor(context: Context, events: MembershipEvents) {
    this.#context = context;
    this.#events = events;
    this.#admission = new Admission(context, {
      admitted: (descriptor) => this.#admit(descriptor),
      refused: (descriptor) => this.#refuse(descriptor),
      // Whoever told of it holds it still.
      silent: ({ nodeId, sequence }) => this.#detector.tellAgain({ nodeId, sequence }),
    });
    this.#partners = new Partners(context);
    const detectorEvents: DetectorEvents = {
      lost: (nodeId) => this.#lost(nodeId),
      returned: (descriptor) => this.#admit(descriptor),
      slow: (nodeId) => this.#partners.noteSlow(nodeId),
      refute: (sequence) => events.refute(sequence),
      found: (records) => this.#intake.takeAnswer(records, () => {}),
    };
    this.#detector = new FailureDetector(context, detectorEvents, {
      some: (count, except) => this.#partners.some(count, except),
      againMs: (nodeId) => this.#againMs(nodeId),
    });
    this.#intake = new Intake(
      context,
      (lettered) => this.#learn(lettered),
      () => this.#noteChange(),
    );
    const look = (nodeId: NodeId): void => this.#detector.check(nodeId);
    this.#appointments = new Appointments(context, look);
    this.#newcomers = new Newcomers(context, look);
    this.#nextRound = context.now;
    this.#nextSync = context.now;
    this.#nextLost = context.soon(LOST_MS);
    this.#forgiveAt = later(context.now, FORGIVE_MS);
  }

  get deadline(): Instant {
    const at = earliest(earliest(this.#nextRound, this.#intake.deadline), this.#detector.deadline);
    const watched = earliest(this.#appointments.deadline, this.#newcomers.deadline);
    return earliest(earliest(at, this.#admission.deadline), watched)!;
  }

  /** When somebody is asked next. */
  get nextRound(): Instant {
    return this.#nextRound;
  }

  /** Begins or ends to take part as a supernode; false when it does so already. */
  serve(isServing: boolean): boolean {
    if (isServing === this.#isServing) return false;
    this.#isServing = isServing;
    this.#detector.serve(isServing);
    this.#appointments.clear();
    this.#newcomers.clear();
    // Those who began together ask each at another time.
    this.#nextRound = later(this.#context.now, isServing ? ROUND_MS * this.#context.random() : 0);
    this.#nextSync = this.#context.now;
    return true;
  }

  /** This node slept: it compares views at once. A client does nothing for minutes when it is awake, and need not. */
  wake(): void {
    if (!this.#isServing) return;
    this.#isStale = true;
    this.#nextRound = this.#context.now;
    this.#nextSync = this.#context.now;
  }

  /** Has everybody learn of a record that is in the view. */
  spread(key: string): void {
    makeRoom(this.#hot, HOT_MAX);
    this.#hot.set(key, this.#tells);
  }

  /** Asks nodes that a bootstrap source, a redirect or a person named. */
  find(contacts: readonly Contact[]): void {
    for (const contact of contacts.slice(0, FOUND_MAX)) {
      if (contact.nodeId !== this.#context.self) this.#sync(contact);
    }
  }

  /** Brings the view up to date with another's; calls back when that is done or failed. */
  refresh(contact: Contact, then: () => void): void {
    this.#sync(contact, () => this.#admission.whenSettled(then));
  }

  /** Takes sealed descriptors that came with something else. @param by who told of them */
  learn(records: readonly Uint8Array[], by: NodeId | undefined): void {
    this.#intake.take(by, records.map(letteredDescriptor));
  }

  /** Looks into it whether a node is there. */
  suspect(nodeId: NodeId): void {
    this.#detector.check(nodeId);
  }

  /** Asks on behalf of another whether a node is there. */
  probe(contact: Contact, then: (isThere: boolean) => void): void {
    this.#detector.probe(contact, then);
  }

  tick(): void {
    const { now, view, wall } = this.#context;
    this.#appointments.tick();
    this.#newcomers.tick();
    this.#detector.tick();
    this.#intake.tick();
    this.#admission.tick();
    if (now < this.#nextRound) return;
    view.expire(wall);
    this.#noteChange();
    if (now >= this.#forgiveAt) {
      this.#forgiveAt = later(now, FORGIVE_MS);
      this.#refused.clear();
    }
    if (this.#isServing) this.#round();
    else this.#attendClient();
    const soon = following(this.#nextRound, ROUND_MS, now);
    this.#nextRound = this.#isServing || this.#nextSync < soon ? soon : this.#nextSync;
  }

  /** Answers a message of membership; undefined when it is none. */
  answer(from: NodeId, message: OverlayMessage): OverlayMessage | undefined {
    switch (message.type) {
      case 'gossip':
        return this.#answerGossip(message, from);
      case 'records':
        this.#intake.take(from, message.records);
        return { type: 'records', records: this.#recordsOf(message.wanted), wanted: [] };
      case 'sync':
        return this.#answerSync(message.buckets);
      default:
        return undefined;
    }
  }

  /** Messages that carry a piece of news: who did not hear it in so many is as good as none, and views are compared besides. */
  get #tells(): number {
    return Math.ceil(2 * Math.log2(this.#context.view.size + 2));
  }

  /** Looks for somebody who was lost; each side of a partition finds the other, once it has healed. */
  #seekLost(): void {
    const { view, random, wall, now } = this.#context;
    if (now < this.#nextLost) return;
    this.#nextLost = this.#context.soon(LOST_MS);
    const lost = view.someDropped(random, wall);
    if (lost && (lost.roles & ROLE_LEAVES) === 0) this.#sync(contactOf(lost));
  }

  #round(): void {
    this.#seekLost();
    const turn = this.#partners.next();
    if (!turn) return;
    const { member: partner, rounds, isSlow } = turn;
    const againMs = rounds === undefined ? undefined : rounds * ROUND_MS;
    const message = { type: 'gossip', ...this.#news(() => true), againMs } as const;
    this.#context.exchanges.ask(contactOf(partner), message, isSlow ? GOSSIP_SLOW_MS : GOSSIP_MS, (reply) => {
      if (reply?.type !== 'gossiped') return this.#detector.check(partner.nodeId);
      this.#detector.noteHeard(partner.nodeId);
      this.#detector.note(reply.suspects, partner.nodeId);
      const lacking = this.#lackingOf(reply.digests);
      if (lacking.length > 0 || reply.wanted.length > 0) this.#exchangeRecords(partner, reply.wanted, lacking);
      if (reply.view !== this.#context.view.digests.hash && this.#context.now >= this.#nextSync) {
        this.#nextSync = this.#context.soon(SYNC_MS);
        this.#sync(contactOf(partner));
      }
    });
  }

  /** In how many ms the round comes in which a partner is asked again. */
  #againMs(nodeId: NodeId): number | undefined {
    const rounds = this.#partners.roundsBefore(nodeId);
    if (rounds === undefined) return undefined;
    return Math.round(Math.max(0, this.#nextRound - this.#context.now) + rounds * ROUND_MS);
  }

  #attendClient(): void {
    const { now, view } = this.#context;
    if (now < this.#nextSync) return;
    const [member] = this.#context.someOthers(1);
    this.#nextSync = this.#context.soon(view.size < 2 ? CLIENT_RETRY_MS : CLIENT_SYNC_MS);
    if (member) this.#sync(contactOf(member));
  }

  /** What is passed on now: news that passes `isWanted`, each told once more. */
  #news(isWanted: (digest: Digest) => boolean): { digests: Digest[]; suspects: Suspicion[]; view: string } {
    const { view } = this.#context;
    const digests: Digest[] = [];
    for (const [key, tells] of this.#hot) {
      if (digests.length >= HOT_PER_MESSAGE) break;
      const digest = view.digests.digestOf(key);
      if (!digest || tells <= 1) this.#hot.delete(key);
      else this.#hot.set(key, tells - 1);
      if (digest && isWanted(digest)) digests.push(digest);
    }
    return { digests, suspects: this.#detector.news(), view: view.digests.hash };
  }

  #answerGossip(message: Extract<OverlayMessage, { type: 'gossip' }>, from: NodeId): OverlayMessage {
    const { view } = this.#context;
    const isMember = view.get(from) !== undefined;
    // Only a member's word is worth a look at somebody.
    if (isMember) {
      this.#detector.noteHeard(from);
      this.#detector.note(message.suspects, from);
      if (this.#isServing) this.#appointments.note(from, message.againMs);
    }
    const told = new Map(message.digests.map(({ key, sequence }) => [key, sequence]));
    // Nor does a stranger use up how often something is told: he asks as often as he likes.
    const news = isMember
      ? this.#news(({ key, sequence }) => told.get(key) !== sequence)
      : { digests: [], suspects: [], view: view.digests.hash };
    for (const [key, sequence] of told) {
      const ours = view.digests.digestOf(key);
      if (ours && ours.sequence > sequence && news.digests.length < DIGESTS_MAX) news.digests.push(ours);
    }
    return { type: 'gossiped', ...news, wanted: this.#lackingOf(message.digests) };
  }

  /** Keys of what others hold newer than we do, and that nobody was asked for yet: whoever calls this asks for it. */
  #lackingOf(digests: readonly Digest[]): string[] {
    const { view, self } = this.#context;
    const own = keyOf(self);
    const lacking = digests.filter(({ key, sequence }) => {
      const held = view.digests.sequenceOf(key) ?? this.#refused.get(key) ?? -1;
      return key !== own && held < sequence && !this.#isComing(key, sequence);
    });
    for (const { key, sequence } of lacking) this.#awaitRecord(key, sequence);
    return lacking.map(({ key }) => key);
  }

  #isComing(key: string, sequence: number): boolean {
    const coming = this.#coming.get(key);
    return coming !== undefined && coming.sequence === sequence && this.#context.now < coming.until;
  }

  #awaitRecord(key: string, sequence: number): void {
    this.#coming.delete(key);
    makeRoom(this.#coming, COMING_MAX);
    this.#coming.set(key, { sequence, until: later(this.#context.now, COMING_MS) });
  }

  #recordsOf(keys: readonly string[]): Uint8Array[] {
    const records: Uint8Array[] = [];
    for (const key of keys) {
      const record = this.#context.view.digests.recordOf(key);
      if (record && records.length < RECORDS_PER_MESSAGE) records.push(record);
    }
    return records;
  }

  #exchangeRecords(
    partner: Pick<Descriptor, 'nodeId' | 'addresses'>,
    theirs: readonly string[],
    lacking: readonly string[],
    then: () => void = () => {},
  ): void {
    const wanted = lacking.slice(0, RECORDS_PER_MESSAGE);
    const message = { type: 'records', records: this.#recordsOf(theirs), wanted } as const;
    this.#context.exchanges.ask(contactOf(partner), message, RECORDS_MS, (reply) => {
      if (reply?.type !== 'records') return this.#endIncomplete(then);
      const rest = lacking.slice(RECORDS_PER_MESSAGE);
      const more = theirs.slice(RECORDS_PER_MESSAGE);
      const next = (): void => this.#exchangeRecords(partner, more, rest, then);
      this.#intake.takeAnswer(reply.records, rest.length > 0 || more.length > 0 ? next : then);
    });
  }

  /** What differs was not brought: the next partner is compared with. */
  #endIncomplete(then: () => void): void {
    if (this.#isServing) this.#nextSync = this.#context.now;
    then();
  }

  /** Compares everything held with another's. */
  #sync(contact: Contact, then: () => void = () => {}): void {
    const { exchanges, view } = this.#context;
    exchanges.ask(contact, { type: 'sync', buckets: view.digests.bucketHashes }, RECORDS_MS, (reply) => {
      if (reply?.type !== 'synced') return this.#endIncomplete(then);
      if (!this.#isServing) this.#nextSync = this.#context.soon(CLIENT_SYNC_MS);
      const theirs = new Map(reply.digests.map(({ key, sequence }) => [key, sequence]));
      const lacking = this.#lackingOf(reply.digests);
      // A client tells too: it may be the only one that knows of two networks.
      const ours = reply.buckets.flatMap((bucket) => view.digests.in(bucket));
      const newer = ours.filter(({ key, sequence }) => (theirs.get(key) ?? -1) < sequence).map(({ key }) => key);
      if (this.#isStale) this.#lookFor(new Set(ours.filter(({ key }) => !theirs.has(key)).map(({ key }) => key)));
      const partner = { nodeId: contact.nodeId, addresses: [contact.address] };
      if (lacking.length > 0 || newer.length > 0) this.#exchangeRecords(partner, newer, lacking, then);
      else then();
    });
  }

  /** After a sleep: looks whether those are there whom the other does not have. @param keys of records that it does not have */
  #lookFor(keys: ReadonlySet<string>): void {
    this.#isStale = false;
    for (const { nodeId } of this.#context.view.descriptors())
      if (keys.has(keyOf(nodeId))) this.#detector.check(nodeId);
  }

  #answerSync(buckets: readonly string[]): OverlayMessage {
    const { view } = this.#context;
    const ours = view.digests.bucketHashes;
    const digests: Digest[] = [];
    const differing: number[] = [];
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      if (ours[bucket] === buckets[bucket]) continue;
      // What does not fit is found by the next comparison, when less differs.
      const held = view.digests.in(bucket);
      const told = held.slice(0, DIGESTS_MAX - digests.length);
      if (told.length === 0 && held.length > 0) continue;
      differing.push(bucket);
      digests.push(...told);
    }
    return { type: 'synced', buckets: differing, digests };
  }

  #learn(lettered: Uint8Array): void {
    const read = unletter(lettered);
    if (read?.kind === 'descriptor') this.#learnDescriptor(read.record);
    else if (read?.kind === 'grant') this.#learnGrant(read.record);
    else if (read?.kind === 'widening') this.#learnWidening(read.record);
  }

  #learnDescriptor(record: Uint8Array): void {
    const descriptor = this.#context.openNews(record);
    if (!descriptor) return;
    const { nodeId, sequence } = descriptor;
    if (!this.#admission.consider(descriptor)) this.#refuse(descriptor);
    // Somebody is being asked about it.
    else if ((this.#context.view.get(nodeId)?.sequence ?? -1) < sequence) this.#awaitRecord(keyOf(nodeId), sequence);
  }

  #refuse(descriptor: Descriptor): void {
    makeRoom(this.#refused, REFUSED_MAX);
    this.#refused.set(keyOf(descriptor.nodeId), descriptor.sequence);
  }

  #learnGrant(record: Uint8Array): void {
    const { view, settings, wall } = this.#context;
    const grant = openGrant(record, settings, wall);
    if (!isFault(grant)) this.#noteCame(view.grantKeyOf(grant), view.offerGrant(grant));
  }

  #learnWidening(record: Uint8Array): void {
    const { view, settings, wall } = this.#context;
    const widening = openWidening(record, settings, wall);
    if (!isFault(widening)) this.#noteCame(wideningKeyOf(widening.infoHash), view.offerWidening(widening));
  }

  /** One that is not taken names somebody who is not in the view yet, perhaps: soon it may be. */
  #noteCame(key: string, isTaken: boolean): void {
    this.#coming.delete(key);
    if (isTaken) this.spread(key);
  }

  #admit(descriptor: Descriptor): void {
    const before = this.#context.view.get(descriptor.nodeId);
    const offered = this.#context.view.offer(descriptor);
    if (offered !== 'added' && offered !== 'renewed') return;
    this.#detector.renew(descriptor);
    // Elected anew: it may have come back without anything that it kept.
    if (before && before.seat !== descriptor.seat) this.#events.reborn(descriptor.nodeId);
    if (this.#isServing) {
      this.spread(keyOf(descriptor.nodeId));
      if (before?.seat !== descriptor.seat) this.#newcomers.note(descriptor.nodeId);
    }
    this.#noteChange();
  }

  #lost(nodeId: NodeId): void {
    this.#events.lost(nodeId);
    this.#noteChange();
  }

  #noteChange(): void {
    if (this.#version === this.#context.view.version) return;
    this.#version = this.#context.view.version;
    this.#events.changed();
  }
}
