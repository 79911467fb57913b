/**
 * Who is silent: a node that does not answer is asked once more, and through three others, before it is dropped; its
 * neighbours on the ring are told at once and everybody else by gossip, and each looks for itself. Invariant: nobody is
 * dropped on another's word alone, and nobody can have a node looked for more often than once in ten seconds.
 */
import { type Instant, later, type NodeId } from '../base/index.ts';
import { HELLO_MS } from './admission.ts';
import type { Context } from './context.ts';
import { ROLE_LEAVES } from './descriptor.ts';
import { contactOf } from './exchanges.ts';
import type { OverlayMessage, Suspicion } from './message.ts';
import { SUSPICIONS_MAX } from './message-codec.ts';
import type { Contact } from './overlay-facts.ts';

const TELL_MS = 1200;
const PROBE_MS = 1600;
/** Others that are asked about a silent node. */
const PROBES = 3;
/** Who was just heard is there, whoever says otherwise. */
const HEARD_MS = 1000;
/** A node that was looked for and found is not looked for again for this long. */
const TRUSTED_MS = 10_000;
/** A suspicion is looked into within this time, so that not everybody does at once. */
const SPREAD_MS = 2000;

export interface DetectorEvents {
  /** A node was dropped from the view. */
  lost(nodeId: NodeId): void;
  /** Somebody says that we are silent: a newer descriptor refutes it. */
  refute(sequence: number): void;
}

/** One node's watch over the others. */
export class FailureDetector {
  readonly #context: Context;
  readonly #events: DetectorEvents;
  /** Suspicions that are told, and how often still; undefined until they were told once. Bounded by SUSPICIONS_MAX. */
  readonly #suspects = new Map<NodeId, { sequence: number; tells: number | undefined }>();
  readonly #checking = new Set<NodeId>();
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
      this.check(nodeId);
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
    this.#context.exchanges.ask(contact, { type: 'hello' }, HELLO_MS, (reply) => then(isServing(reply, sequence)));
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

  /** Looks whether a node is there; whoever says that it is not may be wrong, or lie. */
  check(nodeId: NodeId): void {
    const { exchanges, view } = this.#context;
    const descriptor = view.get(nodeId);
    if (!descriptor || this.#checking.has(nodeId) || nodeId === this.#context.self) return;
    this.#checking.add(nodeId);
    const others = !this.#isServing ? [] : this.#context.someOthers(PROBES, nodeId);
    let open = 1 + others.length;
    let isThere = false;
    const heard = (isAnswered: boolean): void => {
      open--;
      isThere ||= isAnswered;
      if (open > 0 && !isThere) return;
      if (!this.#checking.delete(nodeId)) return;
      if (isThere) this.#trust(nodeId, TRUSTED_MS);
      else this.#lose(nodeId);
    };
    const contact = contactOf(descriptor);
    exchanges.ask(contact, { type: 'hello' }, HELLO_MS, (reply) => heard(isServing(reply, descriptor.sequence)));
    for (const other of others) {
      exchanges.ask(contactOf(other), { type: 'probe', ...contact }, PROBE_MS, (reply) =>
        heard(reply?.type === 'probed' && reply.isThere),
      );
    }
  }

  #lose(nodeId: NodeId): void {
    const { view, exchanges, self } = this.#context;
    const descriptor = view.get(nodeId);
    if (!descriptor) return;
    const next = new Set(view.ring.rangesOf(nodeId).flatMap(({ to }) => view.ring.ownerSetAt(to)));
    view.drop(nodeId);
    this.#trustedUntil.delete(nodeId);
    this.#context.tell({ type: 'lost', nodeId });
    if (this.#isServing && (descriptor.roles & ROLE_LEAVES) === 0) {
      const { sequence } = descriptor;
      if (this.#suspects.size < SUSPICIONS_MAX) this.#suspects.set(nodeId, { sequence, tells: undefined });
      for (const member of next) {
        if (member.nodeId === nodeId || member.nodeId === self) continue;
        const message = {
          type: 'gossip',
          digests: [],
          suspects: [{ nodeId, sequence }],
          view: view.digests.hash,
        } as const;
        exchanges.ask(contactOf(member), message, TELL_MS, () => {});
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
