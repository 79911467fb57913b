/**
 * Who is silent: a node that does not answer is asked once more, and through three others, before it is dropped. Meanwhile
 * a few others are told, its neighbours on the ring among them, and whoever gets no answer either tells a few more; everybody
 * looks for itself. Who reaches nobody tells nobody: it is gone itself, most likely, and drops the others for itself alone.
 * Who answers late was there all the time, whatever was concluded meanwhile, and is given more time from then on.
 * Invariant: nobody is dropped on another's word alone, nor because this node has no room for questions; what others say
 * costs one question where the node answers soon, and who was wrong is not heard for a while.
 */
import { earliest, type Instant, later, makeRoom, type NodeId } from '../base/index.ts';
import type { Context } from './context.ts';
import { type Descriptor, ROLE_LEAVES } from './descriptor.ts';
import { contactOf } from './exchanges.ts';
import { Hearsay } from './hearsay.ts';
import type { OverlayMessage, Suspicion } from './message.ts';
import { SUSPICIONS_MAX } from './message-codec.ts';
import type { Contact } from './overlay-facts.ts';
import { PARTNERS_MAX } from './partners.ts';
import { keyOf, unletter } from './record-names.ts';
import { HELLO_MS, LATE_MS, SlowWays } from './slow-ways.ts';

const TELL_MS = 1200;
const PROBE_MS = 1600;
/** Others that are asked about a silent node, unless as many said so by themselves. */
const PROBES = 3;
/** Who seems to be silent answers within this time, or others are asked: most often a packet was lost. */
const ANSWER_MS = 400;
/** Nor do they find it within this time, or answer, or more are told: each of those asks it over a connection of its own. */
const FOUND_MS = 300;
/**
 * Others that are told of a node that does not answer, before it is known why: by whoever found it, its neighbours on the
 * ring besides, and by who heard of it.
 */
const TOLD_FIRST = 6;
const TOLD_NEXT = 4;
/**
 * Messages of gossip that carry a suspicion: as many as there are partners, those whom we ask and those who ask us, for those
 * sent for it alone have reached nearly everybody before. More where somebody holds it still, who is one of them.
 */
const TELLS: number = 2 * PARTNERS_MAX;
const TELLS_AGAIN: number = 3 * PARTNERS_MAX;
/** Suspicions that are told at a time: those of a subnet. */
const TOLD_MAX = 512;
/** What is heard in this time after something was passed on is passed on with it: a whole subnet may be gone. */
const PASS_ON_MS = 300;
/** Who was just heard is there, whoever says otherwise. */
const HEARD_MS = 1000;
/** A node that was looked for and found is not looked for again for this long, whoever says what. */
const TRUSTED_MS = 2000;
/** Whoever heard of no member for so long, of whom it asks one in two seconds and as many ask it, is cut off. */
const CUT_OFF_MS = 5000;
/** A suspicion is looked into within this time, so that not everybody does at once. */
const SPREAD_MS = 250;
/** Suspicions that wait to be looked into: a whole subnet may be gone. */
const DUE_MAX = 512;
/** Suspicions of nodes that are not known here that are remembered; the oldest are forgotten first. */
const FORETOLD_MAX = 256;
/** What is looked into waits while so many questions are under way. */
const ASKING_MAX = 256;
const RECORDS_MS = 5000;

export interface DetectorEvents {
  /** A node was dropped from the view. */
  lost(nodeId: NodeId): void;
  /** A node that was dropped answered after all, by the descriptor by which it was known. */
  returned(descriptor: Descriptor): void;
  /** A node that did not answer us is there: the way to it is slow, or it is. */
  slow(nodeId: NodeId): void;
  /** Somebody says that we are silent: a newer descriptor refutes it. */
  refute(sequence: number): void;
  /** Records that were not looked at yet: of somebody who serves by a later one than ours. */
  found(records: readonly Uint8Array[]): void;
}

/** Those to whom a connection is open; the others where they are too few. */
export interface Acquaintances {
  some(count: number, except: ReadonlySet<NodeId>): Descriptor[];
  /** In how many ms one is asked again, as it was told; undefined where it was not. */
  againMs(nodeId: NodeId): number | undefined;
}

/** A node that is being looked for. */
interface Check {
  readonly descriptor: Descriptor;
  readonly since: Instant;
  /** Who says so; nobody where it did not answer us. */
  readonly tellers: Set<NodeId>;
  readonly isFirstHand: boolean;
  /** When others are told; undefined once they are. */
  tellAt: Instant | undefined;
  isProbed: boolean;
  /** When our own question counts as unanswered; undefined once it does, or was answered. */
  silentAt: Instant | undefined;
  /** Our own question was in vain. */
  isSilent: boolean;
  /** Answers that are awaited. */
  open: number;
}

/** One node's watch over the others. */
export class FailureDetector {
  readonly #context: Context;
  readonly #events: DetectorEvents;
  readonly #acquaintances: Acquaintances;
  /** Suspicions that are told, and how often still. Bounded by TOLD_MAX. */
  readonly #suspects = new Map<NodeId, { readonly sequence: number; readonly tells: number }>();
  /** Bounded by the questions that may be under way. */
  readonly #checking = new Map<NodeId, Check>();
  /** Those heard in the last seconds; who was heard last stands last. */
  readonly #trustedUntil = new Map<NodeId, Instant>();
  /** Suspicions to look into; bounded by DUE_MAX. */
  readonly #due = new Map<NodeId, { readonly at: Instant; readonly tellers: Set<NodeId> }>();
  /** Suspicions of nodes that are not known here yet, each with one who said so: such news may come before that of who joined. */
  readonly #foretold = new Map<NodeId, { readonly sequence: number; readonly teller: NodeId }>();
  readonly #hearsay: Hearsay;
  readonly #slowWays: SlowWays;
  /** Suspicions to pass on together, and when the next may be; bounded by the looks under way. */
  #passedOn: Suspicion[] = [];
  #passOnAt: Instant;
  /** When any member was heard last. */
  #heardAt: Instant;
  #isServing = false;

  constructor(context: Context, events: DetectorEvents, acquaintances: Acquaintances) {
    this.#context = context;
    this.#events = events;
    this.#acquaintances = acquaintances;
    this.#hearsay = new Hearsay(context);
    this.#slowWays = new SlowWays(context);
    this.#heardAt = context.now;
    this.#passOnAt = context.now;
  }

  get deadline(): Instant | undefined {
    let at: Instant | undefined;
    // With no room for questions an answer, or its absence, is the next that happens.
    if (this.#hasRoom) for (const due of this.#due.values()) at = earliest(at, due.at);
    for (const { tellAt, silentAt } of this.#checking.values()) at = earliest(at, earliest(tellAt, silentAt));
    return this.#passedOn.length > 0 ? earliest(at, this.#passOnAt) : at;
  }

  /** A supernode asks others before it believes, and tells them; a client does neither. */
  serve(isServing: boolean): void {
    this.#isServing = isServing;
    this.#heardAt = this.#context.now;
  }

  tick(): void {
    for (const [nodeId, { at, tellers }] of this.#due) {
      if (!this.#hasRoom) break;
      if (at > this.#context.now) continue;
      this.#due.delete(nodeId);
      this.#look(nodeId, tellers, false);
    }
    for (const check of this.#checking.values()) {
      if (check.tellAt !== undefined && check.tellAt <= this.#context.now) this.#widen(check);
      if (check.silentAt !== undefined && check.silentAt <= this.#context.now) this.#hearOf(check, false);
    }
    if (this.#passedOn.length > 0 && this.#context.now >= this.#passOnAt) this.#passOn();
  }

  /** A node answered. */
  noteHeard(nodeId: NodeId): void {
    this.#trust(nodeId, HEARD_MS);
  }

  /** A newer descriptor of a node came. */
  renew({ nodeId, sequence }: Descriptor): void {
    this.#suspects.delete(nodeId);
    this.#due.delete(nodeId);
    this.#checking.delete(nodeId);
    const foretold = this.#foretold.get(nodeId);
    this.#foretold.delete(nodeId);
    if (!foretold || foretold.sequence < sequence || this.#due.size >= DUE_MAX) return;
    this.#due.set(nodeId, { at: this.#context.now, tellers: new Set([foretold.teller]) });
  }

  /** What is told of suspicions now: those that were told longest ago, as many as a message holds. */
  news(): Suspicion[] {
    if (this.#suspects.size === 0) return [];
    return [...this.#suspects].slice(0, SUSPICIONS_MAX).map(([nodeId, { sequence, tells }]) => {
      this.#suspects.delete(nodeId);
      if (tells > 1) this.#suspects.set(nodeId, { sequence, tells: tells - 1 });
      return { nodeId, sequence };
    });
  }

  /** Asks on behalf of another whether a node is there. */
  probe(contact: Contact, then: (isThere: boolean) => void): void {
    const sequence = this.#context.view.get(contact.nodeId)?.sequence ?? 1;
    const { exchanges } = this.#context;
    exchanges.ask(contact, { type: 'hello' }, HELLO_MS, (reply) => then(isServing(reply, sequence)));
  }

  /** Has others look whether somebody is there who was dropped here and is in the view of one of them still. */
  tellAgain(suspicion: Suspicion): void {
    this.#tell(suspicion, TELLS_AGAIN);
  }

  #tell({ nodeId, sequence }: Suspicion, tells: number): void {
    if (this.#suspects.size >= TOLD_MAX || this.#suspects.has(nodeId)) return;
    this.#suspects.set(nodeId, { sequence, tells });
  }

  /** Takes what a member says of others. */
  note(suspects: readonly Suspicion[], teller: NodeId): void {
    const { view, self, now, random } = this.#context;
    if (!this.#hearsay.isHeard(teller)) return;
    for (const { nodeId, sequence } of suspects) {
      const held = view.get(nodeId);
      if (nodeId === self && held?.sequence === sequence) {
        this.#events.refute(sequence);
        this.#hearsay.noteWrong(teller);
      }
      if (!held) this.#foretell(nodeId, { sequence, teller });
      if (!held || held.sequence > sequence || nodeId === self) continue;
      const check = this.#checking.get(nodeId);
      const waiting = this.#due.get(nodeId) ?? check;
      if (waiting && waiting.tellers.size < PROBES) waiting.tellers.add(teller);
      // As many as would be asked say it by themselves.
      if (check?.isSilent && check.tellers.size >= PROBES) this.#conclude(check, false);
      if (waiting || this.#isTrusted(nodeId) || this.#due.size >= DUE_MAX) continue;
      // Whoever stands next to it must know at once.
      const isNext = view.ring
        .rangesOf(nodeId)
        .some(({ to }) => view.ring.ownerSetAt(to).some((owner) => owner.nodeId === self));
      const at = isNext ? now : later(now, SPREAD_MS * random());
      this.#due.set(nodeId, { at, tellers: new Set([teller]) });
    }
  }

  #foretell(nodeId: NodeId, suspicion: { readonly sequence: number; readonly teller: NodeId }): void {
    // Of whom we dropped ourselves that is no news.
    if ((this.#context.view.dropped(nodeId)?.sequence ?? -1) >= suspicion.sequence) return;
    this.#foretold.delete(nodeId);
    makeRoom(this.#foretold, FORETOLD_MAX);
    this.#foretold.set(nodeId, suspicion);
  }

  #isTrusted(nodeId: NodeId): boolean {
    return (this.#trustedUntil.get(nodeId) ?? Number.NEGATIVE_INFINITY) > this.#context.now;
  }

  /** Looks whether a node is there that did not answer us. */
  check(nodeId: NodeId): void {
    if (this.#hasRoom) this.#look(nodeId, new Set(), true);
  }

  get #isCutOff(): boolean {
    return this.#context.now >= later(this.#heardAt, CUT_OFF_MS);
  }

  get #hasRoom(): boolean {
    return this.#context.exchanges.size < ASKING_MAX;
  }

  /** Whoever says that a node is not there may be wrong, or lie. */
  #look(nodeId: NodeId, tellers: Set<NodeId>, isFirstHand: boolean): void {
    const { exchanges, view, self, now } = this.#context;
    const descriptor = view.get(nodeId);
    if (!descriptor || this.#checking.has(nodeId) || nodeId === self) return;
    // A client asks and tells nobody else.
    const isAlone = !this.#isServing;
    const tellAt = isAlone ? undefined : later(now, ANSWER_MS);
    const silentMs = (this.#slowWays.has(nodeId) ? LATE_MS : HELLO_MS) + (this.#context.settings.connectMs ?? 0);
    const check: Check = {
      descriptor,
      since: now,
      tellers,
      isFirstHand,
      tellAt,
      isProbed: isAlone,
      silentAt: later(now, silentMs),
      isSilent: false,
      open: 1,
    };
    this.#checking.set(nodeId, check);
    exchanges.ask(contactOf(descriptor), { type: 'hello' }, LATE_MS, (reply) => this.#take(check, reply));
  }

  /** Takes the answer to our own question; undefined when none came at all. */
  #take(check: Check, reply: OverlayMessage | undefined): void {
    const { nodeId, sequence } = check.descriptor;
    const isOpen = this.#checking.get(nodeId) === check;
    if (reply && this.#context.now >= later(check.since, HELLO_MS)) this.#slowWays.note(nodeId);
    if (isOpen && reply?.type === 'here' && reply.sequence > sequence) return this.#askForRecord(check);
    const isThere = isServing(reply, sequence);
    if (check.silentAt !== undefined) this.#hearOf(check, isThere);
    else if (isThere && isOpen) this.#conclude(check, true);
    else if (reply?.type === 'here' && reply.sequence > 0) this.#takeBack(nodeId, reply.sequence);
  }

  /** Our own question was answered, or counts as not answered. */
  #hearOf(check: Check, isThere: boolean): void {
    check.silentAt = undefined;
    check.isSilent = !isThere;
    this.#heard(check, isThere);
  }

  /** The answer came when the node was dropped: it is there by the record that it serves by, the one it had or a later one that it shows. */
  #takeBack(nodeId: NodeId, sequence: number): void {
    const { view } = this.#context;
    const dropped = view.dropped(nodeId);
    if (!dropped || dropped.sequence > sequence) return;
    if (dropped.sequence < sequence) return this.#askForLater(dropped, () => {});
    this.#suspects.delete(nodeId);
    view.forgive(nodeId);
    this.#events.returned(dropped);
    this.#trust(nodeId, TRUSTED_MS);
  }

  /** It says that it serves by a later record than ours: who keeps that from us is in the rings of others by another. */
  #askForRecord(check: Check): void {
    const { nodeId, sequence } = check.descriptor;
    this.#checking.delete(nodeId);
    this.#askForLater(check.descriptor, () => {
      if (this.#context.view.get(nodeId)?.sequence === sequence) this.#lose(check);
    });
  }

  /** @param withheld it answers, and shows none */
  #askForLater(descriptor: Descriptor, withheld: () => void): void {
    const { nodeId, sequence } = descriptor;
    const message = { type: 'records', records: [], wanted: [keyOf(nodeId)] } as const;
    this.#context.exchanges.ask(contactOf(descriptor), message, RECORDS_MS, (reply) => {
      if (reply?.type !== 'records') return;
      const isShown = reply.records.some((lettered) => {
        const read = unletter(lettered);
        const shown = read?.kind === 'descriptor' ? this.#context.openNews(read.record) : undefined;
        return shown?.nodeId === nodeId && shown.sequence > sequence;
      });
      if (isShown) this.#events.found(reply.records);
      else withheld();
    });
  }

  /** It does not answer in time: three others look first, and are believed when they find it, before many do. */
  #widen(check: Check): void {
    if (!check.isFirstHand || check.isProbed || this.#isCutOff) return this.#tellSome(check);
    check.tellAt = later(this.#context.now, FOUND_MS);
    this.#probeFor(check);
  }

  /** Has a few more look for it. Who heard of it asks others only when its own question was in vain. */
  #tellSome(check: Check): void {
    const { nodeId, sequence } = check.descriptor;
    check.tellAt = undefined;
    if (this.#isCutOff) {
      check.isProbed = true;
      return;
    }
    const suspicion = { nodeId, sequence };
    if (!check.isFirstHand) return void this.#passedOn.push(suspicion);
    if (!check.isProbed) this.#probeFor(check);
    this.#tellAtOnce(
      [...this.#neighboursOf(nodeId), ...this.#acquaintances.some(TOLD_FIRST, new Set([nodeId]))],
      [suspicion],
    );
  }

  #passOn(): void {
    const suspicions = this.#passedOn.splice(0, SUSPICIONS_MAX);
    this.#passOnAt = later(this.#context.now, PASS_ON_MS);
    if (!this.#isCutOff) this.#tellAtOnce(this.#acquaintances.some(TOLD_NEXT, new Set()), suspicions);
  }

  #probeFor(check: Check): void {
    const { exchanges } = this.#context;
    const contact = contactOf(check.descriptor);
    check.isProbed = true;
    const except = new Set([contact.nodeId, ...check.tellers]);
    for (const other of this.#acquaintances.some(PROBES - check.tellers.size, except)) {
      check.open++;
      exchanges.ask(contactOf(other), { type: 'probe', ...contact }, PROBE_MS, (reply) =>
        this.#heard(check, reply?.type === 'probed' && reply.isThere),
      );
    }
  }

  #heard(check: Check, isThere: boolean): void {
    const { nodeId } = check.descriptor;
    check.open--;
    if (this.#checking.get(nodeId) !== check) return;
    // Refused before anybody else was told: they are now.
    if (!isThere && check.tellAt !== undefined) this.#tellSome(check);
    if (!isThere && !check.isProbed) this.#probeFor(check);
    if (isThere || check.open === 0) this.#conclude(check, isThere);
  }

  #conclude(check: Check, isThere: boolean): void {
    const { nodeId } = check.descriptor;
    this.#checking.delete(nodeId);
    if (!isThere) return this.#lose(check);
    this.#trust(nodeId, TRUSTED_MS);
    // Others were asked before it answered.
    if (check.isFirstHand && check.isProbed) this.#events.slow(nodeId);
    // Where it took its time the tellers may have seen what we saw.
    if (this.#context.now > later(check.since, ANSWER_MS)) return;
    for (const teller of check.tellers) this.#hearsay.noteWrong(teller);
  }

  #lose({ descriptor: { nodeId, sequence } }: Check): void {
    const { view } = this.#context;
    const descriptor = view.get(nodeId);
    // Nobody suspects it by a record that came meanwhile.
    if (descriptor?.sequence !== sequence) return;
    view.drop(nodeId);
    this.#trustedUntil.delete(nodeId);
    this.#context.tell({ type: 'lost', nodeId });
    if (this.#isServing && !this.#isCutOff && (descriptor.roles & ROLE_LEAVES) === 0) {
      this.#tell({ nodeId, sequence: descriptor.sequence }, TELLS);
    }
    this.#events.lost(nodeId);
  }

  /** Those who own what it does when it is gone, and those who keep it too. */
  #neighboursOf(nodeId: NodeId): Descriptor[] {
    const { ring } = this.#context.view;
    return ring.rangesOf(nodeId).flatMap(({ to }) => ring.ownerSetAt(to));
  }

  #tellAtOnce(told: Iterable<Descriptor>, suspects: readonly Suspicion[]): void {
    const { exchanges, view, self } = this.#context;
    const message = { type: 'gossip', digests: [], suspects, view: view.digests.hash } as const;
    for (const member of new Set(told)) {
      const isOneOfThem = suspects.some(({ nodeId }) => nodeId === member.nodeId);
      if (isOneOfThem || member.nodeId === self || !this.#hasRoom) continue;
      // Without this word who expects us would think that it is not asked again.
      const againMs = this.#acquaintances.againMs(member.nodeId);
      exchanges.ask(contactOf(member), { ...message, againMs }, TELL_MS, () => {});
    }
  }

  #trust(nodeId: NodeId, ms: number): void {
    this.#heardAt = this.#context.now;
    const until = later(this.#context.now, ms);
    if (!this.#context.view.get(nodeId) || until <= (this.#trustedUntil.get(nodeId) ?? 0)) return;
    // Who expires or leaves is not lost: what is over goes as what is new comes.
    for (const [other, over] of this.#trustedUntil) {
      if (over > this.#context.now) break;
      this.#trustedUntil.delete(other);
    }
    this.#trustedUntil.delete(nodeId);
    this.#trustedUntil.set(nodeId, until);
  }
}

/** True for the answer of a supernode that serves, by that descriptor or a later one: not without what it once knew. */
function isServing(reply: OverlayMessage | undefined, sequence: number): boolean {
  return reply?.type === 'here' && reply.sequence >= sequence;
}
