/**
 * Who is silent: a node that does not answer is asked once more, and through three others, before it is dropped; its
 * neighbours on the ring and some others are told at once and everybody else by gossip, and each looks for itself.
 * Invariant: nobody is dropped on another's word alone, and nobody can have a node looked for more often than once in ten
 * seconds. What others say costs one question, where the node answers soon.
 */
import { earliest, type Instant, later, type NodeId } from '../base/index.ts';
import { HELLO_MS } from './admission.ts';
import type { Context } from './context.ts';
import { type Descriptor, ROLE_LEAVES } from './descriptor.ts';
import { contactOf } from './exchanges.ts';
import type { OverlayMessage, Suspicion } from './message.ts';
import { SUSPICIONS_MAX } from './message-codec.ts';
import type { Contact } from './overlay-facts.ts';

const TELL_MS = 1200;
const PROBE_MS = 1600;
/** Others that are asked about a silent node. */
const PROBES = 3;
/** Of whom only others say that it is silent answers within this time, or those are asked. */
const ANSWER_MS = 400;
/** Who found somebody silent, and did not hear it, tells this many at once: two or three find it before they hear. */
const TOLD_AT_ONCE = 48;
/** Who was just heard is there, whoever says otherwise. */
const HEARD_MS = 1000;
/** A node that was looked for and found is not looked for again for this long. */
const TRUSTED_MS = 10_000;
/** A suspicion is looked into within this time, so that not everybody does at once. */
const SPREAD_MS = 1000;

export interface DetectorEvents {
  /** A node was dropped from the view. */
  lost(nodeId: NodeId): void;
  /** Somebody says that we are silent: a newer descriptor refutes it. */
  refute(sequence: number): void;
}

/** A node that is being looked for. */
interface Check {
  readonly descriptor: Descriptor;
  /** It did not answer us; otherwise others say so. */
  readonly isFirstHand: boolean;
  /** When others are asked; undefined once they are. */
  probeAt: Instant | undefined;
  /** Answers that are awaited. */
  open: number;
}

/** One node's watch over the others. */
export class FailureDetector {
  readonly #context: Context;
  readonly #events: DetectorEvents;
  /** Suspicions that are told, and how often still; undefined until they were told once. Bounded by SUSPICIONS_MAX. */
  readonly #suspects = new Map<NodeId, { sequence: number; tells: number | undefined }>();
  /** Bounded by the questions that may be under way. */
  readonly #checking = new Map<NodeId, Check>();
  /** Bounded by the view. */
  readonly #trustedUntil = new Map<NodeId, Instant>();
  /** Suspicions to look into, and when; bounded by SUSPICIONS_MAX. */
  readonly #due = new Map<NodeId, Instant>();
  #isServing = false;

  constructor(context: Context, events: DetectorEvents) {
    this.#context = context;
    this.#events = events;
  }

  get deadline(): Instant | undefined {
    let at: Instant | undefined;
    for (const due of this.#due.values()) if (at === undefined || due < at) at = due;
    for (const { probeAt } of this.#checking.values()) at = earliest(at, probeAt);
    return at;
  }

  /** A supernode asks others before it believes, and tells them; a client does neither. */
  serve(isServing: boolean): void {
    this.#isServing = isServing;
  }

  tick(): void {
    for (const [nodeId, at] of this.#due) {
      if (at > this.#context.now) continue;
      this.#due.delete(nodeId);
      this.#look(nodeId, false);
    }
    for (const check of this.#checking.values()) {
      if (check.probeAt !== undefined && check.probeAt <= this.#context.now) this.#probeFor(check);
    }
  }

  /** A node answered. */
  noteHeard(nodeId: NodeId): void {
    this.#trust(nodeId, HEARD_MS);
  }

  /** A newer descriptor of a node came. */
  clear(nodeId: NodeId): void {
    this.#suspects.delete(nodeId);
    this.#due.delete(nodeId);
  }

  /** What is told of suspicions now. @param tells how often each is told */
  news(tells: number): Suspicion[] {
    const suspects: Suspicion[] = [];
    for (const [nodeId, suspicion] of this.#suspects) {
      suspicion.tells = (suspicion.tells ?? tells) - 1;
      if (suspicion.tells <= 0) this.#suspects.delete(nodeId);
      suspects.push({ nodeId, sequence: suspicion.sequence });
    }
    return suspects;
  }

  /** Asks on behalf of another whether a node is there. */
  probe(contact: Contact, then: (isThere: boolean) => void): void {
    const sequence = this.#context.view.get(contact.nodeId)?.sequence ?? 1;
    const { exchanges } = this.#context;
    exchanges.askForOther(contact, { type: 'hello' }, HELLO_MS, (reply) => then(isServing(reply, sequence)));
  }

  /** Takes what a member says of others. */
  note(suspects: readonly Suspicion[]): void {
    const { view, self, now, random } = this.#context;
    for (const { nodeId, sequence } of suspects) {
      if (nodeId === self) this.#events.refute(sequence);
      const held = view.get(nodeId);
      if (!held || held.sequence > sequence || nodeId === self) continue;
      if (this.#isTrusted(nodeId) || this.#due.has(nodeId) || this.#due.size >= SUSPICIONS_MAX) continue;
      // Whoever stands next to it must know at once.
      const isNext = view.ring
        .rangesOf(nodeId)
        .some(({ to }) => view.ring.ownerSetAt(to).some((owner) => owner.nodeId === self));
      this.#due.set(nodeId, isNext ? now : later(now, SPREAD_MS * random()));
    }
  }

  #isTrusted(nodeId: NodeId): boolean {
    return (this.#trustedUntil.get(nodeId) ?? Number.NEGATIVE_INFINITY) > this.#context.now;
  }

  /** Looks whether a node is there that did not answer us. */
  check(nodeId: NodeId): void {
    this.#look(nodeId, true);
  }

  /** Whoever says that a node is not there may be wrong, or lie. */
  #look(nodeId: NodeId, isFirstHand: boolean): void {
    const { exchanges, view, self, now } = this.#context;
    const descriptor = view.get(nodeId);
    if (!descriptor || this.#checking.has(nodeId) || nodeId === self) return;
    // A client asks nobody else.
    const probeAt = this.#isServing ? later(now, isFirstHand ? 0 : ANSWER_MS) : undefined;
    const check: Check = { descriptor, isFirstHand, probeAt, open: 1 };
    this.#checking.set(nodeId, check);
    exchanges.ask(contactOf(descriptor), { type: 'hello' }, HELLO_MS, (reply) =>
      this.#heard(check, isServing(reply, descriptor.sequence)),
    );
    if (isFirstHand && this.#isServing) this.#probeFor(check);
  }

  #probeFor(check: Check): void {
    const { exchanges } = this.#context;
    const contact = contactOf(check.descriptor);
    check.probeAt = undefined;
    for (const other of this.#context.someOthers(PROBES, contact.nodeId)) {
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
    // Refused before anybody else was asked: they are now.
    if (!isThere && check.probeAt !== undefined) this.#probeFor(check);
    if (check.open > 0 && !isThere) return;
    this.#checking.delete(nodeId);
    if (isThere) this.#trust(nodeId, TRUSTED_MS);
    else this.#lose(check);
  }

  #lose({ descriptor: { nodeId }, isFirstHand }: Check): void {
    const { view, exchanges, self } = this.#context;
    const descriptor = view.get(nodeId);
    if (!descriptor) return;
    const told = new Set(view.ring.rangesOf(nodeId).flatMap(({ to }) => view.ring.ownerSetAt(to)));
    if (isFirstHand) for (const member of this.#context.someOthers(TOLD_AT_ONCE, nodeId)) told.add(member);
    view.drop(nodeId);
    this.#trustedUntil.delete(nodeId);
    this.#context.tell({ type: 'lost', nodeId });
    if (this.#isServing && (descriptor.roles & ROLE_LEAVES) === 0) {
      const { sequence } = descriptor;
      if (this.#suspects.size < SUSPICIONS_MAX) this.#suspects.set(nodeId, { sequence, tells: undefined });
      const suspects = [{ nodeId, sequence }];
      const message = { type: 'gossip', digests: [], suspects, view: view.digests.hash } as const;
      for (const member of told) {
        if (member.nodeId !== nodeId && member.nodeId !== self) {
          exchanges.ask(contactOf(member), message, TELL_MS, () => {});
        }
      }
    }
    this.#events.lost(nodeId);
  }

  #trust(nodeId: NodeId, ms: number): void {
    const until = later(this.#context.now, ms);
    if (!this.#context.view.get(nodeId) || until <= (this.#trustedUntil.get(nodeId) ?? 0)) return;
    this.#trustedUntil.set(nodeId, until);
  }
}

/** True for the answer of a supernode that serves, by that descriptor or a later one: not without what it once knew. */
function isServing(reply: OverlayMessage | undefined, sequence: number): boolean {
  return reply?.type === 'here' && reply.sequence >= sequence;
}
