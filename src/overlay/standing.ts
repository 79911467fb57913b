/**
 * This node's own standing: when it stands for election, serves, renews its votes, and leaves.
 * Invariants: a descriptor of ours has a higher sequence than every one before it; nothing is owned before the swarms of
 * it were asked for; who left rests before it stands again, longer each time it left soon.
 */
import { type Address, earliest, type Instant, instant, later } from '../base/index.ts';
import { CERTIFICATE_SECONDS, type Certificate, certificateOf, QUORUM, RENEWAL_SECONDS } from './certificate.ts';
import type { Context } from './context.ts';
import {
  ADDRESSES_MAX,
  type Capacity,
  type Descriptor,
  expiryOf,
  ROLE_LEAVES,
  type Statement,
  sealDescriptor,
} from './descriptor.ts';
import { contactOf } from './exchanges.ts';
import type { Contact, OverlayRole } from './overlay-facts.ts';
import { keyOf } from './record-names.ts';
import { ownTokensFor, type Seat } from './token.ts';
import { collectVotes } from './votes.ts';

/** `client` owns nothing; `voting` and `claiming` are on the way to `serving`; `leaving` hands over. */
export type Phase = 'client' | 'voting' | 'claiming' | 'serving' | 'leaving';

const STAND_MS = 2000;
/** How often a node offers itself: one that only would, and a volunteer. */
const OFFER_MS = 300_000;
const VOLUNTEER_MS = 15_000;
/** Supernodes that are told. */
const TOLD = 2;
/** A descriptor lives two hours: after this, a twentieth more or less, there is time enough for all to hear of the next. */
const REISSUE_MS = 6_000_000;
/** A load that changed by this much (of 255) is worth a new descriptor, now and then: all hear of it, and none decides by it. */
const LOAD_STEP = 51;
const LOAD_REISSUE_MS = 60_000;
const LOAD_REISSUE_EACH_MS = 10_000;
/** A first supernode that nobody votes for, this many times, is none: others cannot reach it. */
const FAILURES_MAX = 5;
/** How soon a descriptor is refuted by the next: twice as long each time, of which one is forgiven in ten minutes. */
const REFUTE_MS = 1000;
const DOUBLED_MAX = 10;
const FORGIVEN_MS = 600_000;
const RENEW_RETRY_MS = 300_000;
/** A first supernode gets votes as soon as there is somebody to give them. */
const COMPANY_MS = 10_000;
export const TERM_MS = 86_400_000;
/** Rest after a term; doubled each time a term was short, up to 17 h. */
const REST_MS = 900_000;
const REST_MAX_MS = 61_200_000;
const SHORT_TERM_MS = 3_600_000;

export interface StandingEvents {
  /** Brings the view up to date with a supernode's, and calls back. */
  refresh(from: Contact, then: () => void): void;
  /** The certificate is there: ask the owners of these arcs for their swarms, and call `take` when that is done. */
  claim(draft: Descriptor, take: () => void): void;
  /** It began or ended to serve. */
  changed(): void;
  termEnded(): void;
  /** Everything that is to be handed over has to be, before `leave` is called back. */
  handOver(leave: () => void): void;
}

/** What one node is to the overlay. */
export class Standing {
  readonly #context: Context;
  readonly #events: StandingEvents;
  readonly #startedAt: Instant;
  role: OverlayRole;
  capacity: Capacity;
  /** In 1/255 of capacity. */
  load = 0;
  #phase: Phase = 'client';
  /** Of its certificate, and the highest that it ever asked votes for. */
  #term: number;
  #termMax: number;
  #sequence: number;
  #certificate: Certificate | undefined;
  /** Where its votes say that it answers; of no use without votes. */
  #host = '';
  #ownTokens = 1;
  #servingSince: Instant;
  #issuedAt: Instant;
  #issuedLoad = 0;
  /** Of the newest descriptor that others may have; drafts have sequences too. */
  #issuedSequence = 0;
  #reissueAt: Instant | undefined;
  /** The next descriptor refutes somebody; and how often that was so lately, as of then. */
  #isRefuting = false;
  #refuted = { times: 0, at: instant(0) };
  #renewAt: Instant | undefined;
  #lookAt: Instant;
  /** Strangers would not believe the votes that it has. */
  #isDoubted = false;
  /** Renewals in a row that came to nothing. */
  #failures = 0;
  #termEndsAt: Instant | undefined;
  #standAt: Instant;
  #genesisAt: Instant | undefined;
  #restMs = REST_MS;
  #restUntil: Instant;
  #isFinal = false;
  /** It gets a new seat while it serves. */
  #isReelected = false;

  constructor(context: Context, events: StandingEvents) {
    const { role, capacity, term, sequence } = context.settings;
    this.#context = context;
    this.#events = events;
    this.#startedAt = context.now;
    this.role = role;
    this.capacity = capacity;
    this.#term = term;
    this.#termMax = term;
    this.#sequence = sequence;
    this.#servingSince = context.now;
    this.#issuedAt = context.now;
    this.#standAt = context.now;
    this.#restUntil = context.now;
    this.#lookAt = context.now;
  }

  get phase(): Phase {
    return this.#phase;
  }
  /** It answers as a supernode: it serves, or hands over. */
  get isOnDuty(): boolean {
    return this.#phase === 'serving' || this.#phase === 'leaving';
  }
  /** What has to outlive this process. */
  get memory(): { readonly term: number; readonly sequence: number } {
    return { term: this.#termMax, sequence: this.#sequence };
  }
  get term(): number {
    return this.#term;
  }
  get termEndsAt(): Instant | undefined {
    return this.#termEndsAt;
  }
  /** The sequence by which it serves; 0 when it does not. */
  get servingSequence(): number {
    return this.isOnDuty ? this.#issuedSequence : 0;
  }
  /** Has votes of its own. */
  get isCertified(): boolean {
    return (this.#certificate?.votes.length ?? 0) > 0;
  }

  get deadline(): Instant | undefined {
    let at = this.#genesisAt;
    if (this.#phase === 'serving') {
      at = earliest(earliest(at, this.#lookAt), earliest(this.#termEndsAt, this.#reissueAt));
      if (!this.#isReelected) at = earliest(at, this.#renewAt);
    }
    return this.#mayStand ? earliest(at, this.#standAt) : at;
  }

  get #mayStand(): boolean {
    return this.#phase === 'client' && this.role !== 'client' && !this.#isFinal;
  }

  tick(): void {
    const { now } = this.#context;
    if (this.#mayStand && now >= this.#standAt) this.#stand();
    if (this.#genesisAt !== undefined && now >= this.#genesisAt) this.#begin();
    if (this.#phase !== 'serving') return;
    if (now >= this.#lookAt) this.#lookAtVotes();
    if (this.#renewAt !== undefined && now >= this.#renewAt && !this.#isReelected) this.#renew();
    if (this.#termEndsAt !== undefined && now >= this.#termEndsAt) {
      this.#termEndsAt = this.#context.soon(TERM_MS);
      this.#events.termEnded();
    }
    if (this.#reissueAt !== undefined && now >= this.#reissueAt) this.issue();
    const hasChanged = Math.abs(this.load - this.#issuedLoad) >= LOAD_STEP;
    const restMs = Math.max(LOAD_REISSUE_MS, LOAD_REISSUE_EACH_MS * this.#context.view.size);
    if (hasChanged && now - this.#issuedAt >= restMs) this.issue();
  }

  /**
   * Renews votes that strangers would not believe any more: the ring grew, and others than those who gave them are
   * named for us now.
   */
  #lookAtVotes(): void {
    this.#lookAt = this.#context.soon(COMPANY_MS);
    const { self } = this.#context;
    const hasWitnesses = this.#context.believedWitnessesOf(self, this.#term).length > 0;
    const isWitnessed = this.#context.isWitnessed(self, this.#term, this.#certificate!);
    this.#isDoubted = this.#hasMoved || (hasWitnesses && !isWitnessed);
    if (this.#isDoubted) this.#renewAt = this.#context.now;
  }

  /** Nobody is there: be the first, unless somebody turns up meanwhile. */
  noteAlone(withinMs: number): void {
    if (!this.#mayStand || this.#genesisAt !== undefined || this.#context.settings.addresses().length === 0) return;
    this.#genesisAt = later(this.#context.now, withinMs * this.#context.random());
    if (withinMs === 0) this.#begin();
  }

  /** A supernode chose us; false when we decline. Our view is brought up to date first: it names the witnesses. */
  acceptNomination(by: Contact): boolean {
    const { settings, now } = this.#context;
    if (!this.#mayStand || now < this.#restUntil || settings.addresses().length === 0) return false;
    this.#phase = 'voting';
    this.#term = ++this.#termMax;
    this.#events.refresh(by, () => {
      if (this.#phase === 'voting')
        collectVotes(this.#context, { term: this.#term, seat: undefined }, (certificate, host) =>
          this.#elected(certificate, host),
        );
    });
    return true;
  }

  #elected(certificate: Certificate | undefined, host: string): void {
    if (this.#phase !== 'voting') return;
    if (!certificate) return this.#fallBack();
    this.#phase = 'claiming';
    this.#take(certificate, host);
    this.#events.claim(this.#seal(0), () => {
      if (this.#phase === 'claiming') this.#serve();
    });
  }

  /** Issues a descriptor that says what is so now. */
  issue(): void {
    if (!this.#certificate || !this.isOnDuty) return;
    const { view, now } = this.#context;
    if (this.#isRefuting) this.#refuted = { times: Math.min(DOUBLED_MAX, this.#refutedLately + 1), at: now };
    this.#isRefuting = false;
    this.#issuedAt = now;
    this.#issuedLoad = this.load;
    this.#reissueAt = this.#context.about(REISSUE_MS);
    const descriptor = this.#seal(this.#phase === 'leaving' ? ROLE_LEAVES : 0);
    this.#issuedSequence = descriptor.sequence;
    view.offer(descriptor);
    this.#events.changed();
  }

  /** Our addresses changed: where the first is another one, votes for it come first. */
  noteMoved(): void {
    if (!this.#hasMoved) return this.issue();
    this.#isDoubted = true;
    this.#renewAt = this.#context.now;
  }

  get #hasMoved(): boolean {
    const [first] = this.#context.settings.addresses();
    return this.isCertified && first !== undefined && first.host !== this.#host;
  }

  /** Somebody says that we are silent. */
  refute(sequence: number): void {
    // Nobody can have found silent what was never issued; and everybody hears of each answer.
    if (this.#phase !== 'serving' || sequence !== this.#issuedSequence) return;
    this.#isRefuting = true;
    const rest = REFUTE_MS * 2 ** Math.floor(this.#refutedLately);
    this.#reissueAt = earliest(this.#reissueAt, later(this.#issuedAt, rest));
  }

  get #refutedLately(): number {
    const { times, at } = this.#refuted;
    return Math.max(0, times - (this.#context.now - at) / FORGIVEN_MS);
  }

  /** Hands everything over and serves no more. @param isFinal the node stops: it does not stand again */
  leave(why: string, isFinal: boolean): void {
    this.#isFinal ||= isFinal;
    this.#genesisAt = undefined;
    if (this.#phase === 'voting' || this.#phase === 'claiming') this.#fallBack();
    if (this.#phase !== 'serving') {
      if (isFinal && this.#phase === 'client') this.#context.exchanges.order({ type: 'drained' });
      return;
    }
    this.#phase = 'leaving';
    this.#events.handOver(() => {
      this.issue();
      this.#end(why);
    });
  }

  /** What was handed over is with others, who know. */
  noteLeft(): void {
    if (this.#phase !== 'leaving') return;
    this.#phase = 'client';
    this.#context.view.drop(this.#context.self);
    this.#events.changed();
    this.#context.exchanges.order({ type: 'drained' });
  }

  /** The user's word about standing; who serves and no longer may, leaves. */
  order(role: OverlayRole): void {
    this.role = role;
    if (role === 'client') this.leave('its user wants it to be a client', false);
    else if (role === 'supernode') {
      this.#restMs = REST_MS;
      this.#restUntil = this.#context.now;
      this.#standAt = this.#context.now;
    }
  }

  #end(why: string): void {
    const { now } = this.#context;
    this.#restMs = now - this.#servingSince < SHORT_TERM_MS ? Math.min(2 * this.#restMs, REST_MAX_MS) : REST_MS;
    this.#restUntil = later(now, this.#restMs);
    this.#standAt = this.#restUntil;
    this.#certificate = undefined;
    this.#renewAt = undefined;
    this.#termEndsAt = undefined;
    this.#reissueAt = undefined;
    this.#context.tell({ type: 'retired', why });
  }

  /**
   * Who has few votes, and is known to too few to get more, is elected as anybody is while it serves: it keeps what it
   * tracks, and passes on what is another's by its new seat.
   */
  #reelect(): void {
    const term = ++this.#termMax;
    this.#isReelected = true;
    collectVotes(this.#context, { term, seat: undefined }, (certificate, host) => {
      this.#isReelected = false;
      if (this.#phase !== 'serving' || !certificate) return;
      this.#isReelected = true;
      this.#events.claim(this.#seal(0, { certificate, host, term }), () => {
        this.#isReelected = false;
        if (this.#phase !== 'serving') return;
        this.#term = term;
        this.#failures = 0;
        this.#certificate = certificate;
        this.#host = host;
        this.#renewAt = this.#renewal;
        this.issue();
      });
    });
  }

  #fallBack(): void {
    this.#phase = 'client';
    this.#certificate = undefined;
    this.#standAt = this.#context.soon(VOLUNTEER_MS);
  }

  #stand(): void {
    const { settings, now, exchanges } = this.#context;
    this.#standAt = this.#context.soon(this.role === 'supernode' ? VOLUNTEER_MS : OFFER_MS);
    const addresses = settings.addresses();
    if (addresses.length === 0) return;
    const told = this.#context.someOthers(TOLD);
    if (told.length === 0) this.#standAt = this.#context.soon(STAND_MS);
    for (const supernode of told) {
      const message = {
        type: 'stand',
        addresses,
        capacity: this.capacity,
        uptimeSeconds: Math.floor((now - this.#startedAt) / 1000),
        isVolunteer: this.role === 'supernode',
        term: this.#term,
      } as const;
      exchanges.ask(contactOf(supernode), message, STAND_MS, () => {});
    }
  }

  #begin(): void {
    this.#genesisAt = undefined;
    if (!this.#mayStand || this.#context.othersUpTo(1) > 0) return;
    this.#take(certificateOf([], this.#context.wall, undefined), '');
    this.#serve();
  }

  #take(certificate: Certificate, host: string): void {
    this.#certificate = certificate;
    this.#host = host;
    this.#ownTokens = ownTokensFor(this.capacity.announcesPerSecond);
  }

  /**
   * Serves by a descriptor that it issued before: everybody in its view holds it, and its votes are renewed when they would
   * have been. For a simulator that begins in the midst of a network.
   */
  resume(own: Descriptor): void {
    const { now, wall, view } = this.#context;
    const { certificate, term, sequence, addresses } = own;
    this.#term = term;
    this.#termMax = Math.max(this.#termMax, term);
    this.#sequence = Math.max(this.#sequence, sequence);
    this.#take(certificate, addresses[0]!.host);
    this.#beginTerm();
    this.#renewAt = later(now, Math.max(0, 1000 * (certificate.issued + RENEWAL_SECONDS - wall)));
    this.#reissueAt = later(now, Math.max(0, 1000 * (own.issued - wall) + REISSUE_MS));
    this.#issuedSequence = sequence;
    view.offer(own);
    this.#events.changed();
  }

  #serve(): void {
    this.#beginTerm();
    this.issue();
  }

  #beginTerm(): void {
    const { now, view } = this.#context;
    // What it had claimed for another seat ended with its last term.
    this.#isReelected = false;
    view.drop(this.#context.self);
    this.#phase = 'serving';
    this.#genesisAt = undefined;
    this.#servingSince = now;
    this.#failures = 0;
    this.#termEndsAt = this.#context.soon(TERM_MS);
    this.#renewAt = this.#renewal;
    this.#context.tell({ type: 'elected', term: this.#term, isGenesis: !this.isCertified });
  }

  /** Asks today's witnesses to vote for what was decided once. */
  #renew(): void {
    const certificate = this.#certificate!;
    // As long as nobody came who could give more votes than there are, there is nothing to renew.
    const isYoung = certificate.votes.length < QUORUM;
    const most = certificate.votes.length;
    if (isYoung && !this.#hasMoved && this.#context.othersUpTo(most + 1) <= most && !this.#isHalfOver(certificate)) {
      this.#renewAt = this.#context.soon(COMPANY_MS);
      return;
    }
    // Who does not hold our descriptor does not renew it: then we are elected anew.
    const isWeak = isYoung || this.#isDoubted;
    this.#renewAt = this.#context.soon(isWeak ? COMPANY_MS : RENEW_RETRY_MS);
    const seat = this.#seat;
    collectVotes(this.#context, { term: this.#term, seat }, (renewed, host) => {
      if (this.#phase !== 'serving' || this.#certificate !== certificate) return;
      this.#failures = renewed ? 0 : this.#failures + 1;
      if (renewed) {
        this.#certificate = renewed;
        this.#host = host;
        this.#renewAt = this.#renewal;
        this.issue();
      } else if (isWeak && this.#failures > FAILURES_MAX) {
        this.leave('nobody votes for it', false);
      } else if (isWeak && this.#context.othersUpTo(QUORUM) >= QUORUM) {
        this.#reelect();
      } else if (certificate.votes.length > 0 && this.#context.wall >= certificate.issued + CERTIFICATE_SECONDS) {
        this.leave('its witnesses no longer vote for it', false);
      }
    });
  }

  #isHalfOver({ issued, votes }: Certificate): boolean {
    return votes.length > 0 && this.#context.wall >= issued + CERTIFICATE_SECONDS / 2;
  }

  /** When to renew votes that are new: those of a young network as soon as there may be more of them. */
  get #renewal(): Instant {
    const isFull = (this.#certificate?.votes.length ?? 0) >= QUORUM;
    return isFull ? this.#context.about(RENEWAL_SECONDS * 1000) : this.#context.soon(COMPANY_MS);
  }

  get #seat(): Seat | undefined {
    return this.#context.view.get(this.#context.self)?.seat;
  }

  /** The addresses that it may state: first the one that was voted for, while it has that. */
  #statedBy({ votes }: Certificate, host: string): readonly Address[] {
    const { settings, view, self } = this.#context;
    const addresses = settings.addresses().slice(0, ADDRESSES_MAX);
    const voted = addresses.find((address) => address.host === host);
    if (votes.length > 0 && voted) return [voted, ...addresses.filter((address) => address !== voted)];
    return votes.length === 0 && addresses.length > 0 ? addresses : (view.get(self)?.addresses ?? addresses);
  }

  #seal(extraRoles: number, standing?: { certificate: Certificate; host: string; term: number }): Descriptor {
    const { certificate, host, term } = standing ?? {
      certificate: this.#certificate!,
      host: this.#host,
      term: this.#term,
    };
    const { settings, self, wall } = this.#context;
    this.#sequence = Math.max(this.#sequence + 1, wall);
    const statement: Statement = {
      network: settings.network,
      addresses: this.#statedBy(certificate, host),
      sequence: this.#sequence,
      issued: wall,
      expires: expiryOf(certificate, wall),
      capacity: this.capacity,
      load: this.load,
      roles: settings.roles() | extraRoles,
      term,
      certificate,
      ownTokens: this.#ownTokens,
    };
    return sealDescriptor(statement, self, settings.sign, settings.sha1);
  }

  /** The digest key of our own descriptor. */
  get key(): string {
    return keyOf(this.#context.self);
  }
}
