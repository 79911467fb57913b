/**
 * How a newly elected supernode comes to the swarms of its ranges: it shows its descriptor to their present owners and a
 * replica of each before anybody else sees it, and they copy to it what they keep: an owner may lie. It serves when
 * the copies are whole, or after a minute.
 */
import { type InfoHash, type Instant, later, type NodeId } from '../base/index.ts';
import type { Arc } from '../ports/index.ts';
import { isInArc } from './arcs.ts';
import type { Context } from './context.ts';
import type { Copies } from './copies.ts';
import type { Descriptor } from './descriptor.ts';
import { contactOf } from './exchanges.ts';
import { type OverlayMessage, refused } from './message.ts';
import type { Ring } from './ring.ts';
import type { Seat } from './token.ts';

const CLAIM_MS = 5000;
/** A newcomer that got no whole copy by then serves all the same: replicas have the rest. */
const PATIENCE_MS = 60_000;
/** How long new announces go to a newcomer that does not show itself. */
const FOLLOW_MS = 90_000;
/** Of a range's present owners, its owner first, those who copy it. */
const SOURCES = 2;
/** Newcomers that are copied to at a time. */
const NEWCOMERS_MAX = 4;

interface Newcomer {
  readonly copies: readonly number[];
  readonly seat: Seat;
  readonly until: Instant;
}

/** Both sides of claims. */
export class Claims {
  readonly #context: Context;
  readonly #copies: Copies;
  readonly #copied: (to: NodeId, arc: Arc) => void;
  /** Those we copy to. */
  readonly #newcomers = new Map<NodeId, Newcomer>();
  /** Copies to us that are not whole, by who makes them. */
  readonly #open = new Map<NodeId, number>();
  /** What will be ours, while it is copied to us. */
  #claimed: readonly Arc[] = [];
  #take: (() => void) | undefined;
  #patientUntil: Instant | undefined;

  constructor(context: Context, copies: Copies, copied: (to: NodeId, arc: Arc) => void) {
    this.#context = context;
    this.#copies = copies;
    this.#copied = copied;
  }

  get deadline(): Instant | undefined {
    let at = this.#patientUntil;
    for (const { until } of this.#newcomers.values()) if (at === undefined || until < at) at = until;
    return at;
  }

  /** Asks those who keep what will be ours for their swarms; calls back once. */
  begin(draft: Descriptor, take: () => void): void {
    const { view, exchanges, self, now } = this.#context;
    const ranges = this.#ringWith(draft).rangesOf(self);
    const sources = new Set(ranges.flatMap(({ to }) => view.ring.ownerSetAt(to).slice(0, SOURCES)));
    this.#open.clear();
    this.#claimed = ranges;
    this.#take = take;
    this.#patientUntil = later(now, PATIENCE_MS);
    for (const source of sources) {
      if (source.nodeId === self) continue;
      this.#open.set(source.nodeId, 1);
      exchanges.ask(contactOf(source), { type: 'claim', descriptor: draft.record }, CLAIM_MS, (reply) => {
        const copies = reply?.type === 'claimed' ? reply.copies : 0;
        // Copies may have been whole before we heard how many there are.
        this.#note(source.nodeId, copies - 1);
      });
    }
    if (this.#open.size === 0) this.#finish();
  }

  /** A hash will be ours, once those who keep it have copied it. */
  isClaimed(infoHash: InfoHash): boolean {
    return this.#claimed.some((arc) => isInArc(arc, infoHash));
  }

  /** A copy from somebody is whole. */
  noteWhole(from: NodeId): void {
    if (this.#open.has(from)) this.#note(from, -1);
  }

  tick(): void {
    const { now } = this.#context;
    if (this.#patientUntil !== undefined && now >= this.#patientUntil) this.#finish();
    for (const [nodeId, { copies, seat, until }] of this.#newcomers) {
      if (now < until && this.#context.member(nodeId)?.seat !== seat) continue;
      for (const id of copies) this.#copies.end(id);
      this.#newcomers.delete(nodeId);
    }
  }

  /** The view changed: a newcomer that shows itself is a replica or an owner now, and told of announces as such. */
  noteChange(): void {
    if (this.#newcomers.size > 0) this.tick();
  }

  /** A newcomer asks for what will be its own. */
  answer(from: NodeId, record: Uint8Array): OverlayMessage {
    const { view, now, self } = this.#context;
    const draft = this.#context.open(record);
    if (!draft || draft.nodeId !== from || this.#context.member(from)?.seat === draft.seat)
      return refused('that descriptor gives no right to anything');
    if (!this.#context.isWitnessed(from, draft.term, draft.certificate))
      return refused('its votes are not those of your witnesses');
    if (this.#newcomers.size >= NEWCOMERS_MAX && !this.#newcomers.has(from)) return refused('others come first');
    for (const id of this.#newcomers.get(from)?.copies ?? []) this.#copies.end(id);
    const ranges = this.#ringWith(draft).rangesOf(from);
    const ours = ranges.filter(({ to }) =>
      view.ring
        .ownerSetAt(to)
        .slice(0, SOURCES)
        .some(({ nodeId }) => nodeId === self),
    );
    const copies = ours.map((arc) =>
      this.#copies.begin(contactOf(draft), arc, (isDone) => {
        if (isDone) this.#copied(from, arc);
      }),
    );
    this.#newcomers.set(from, { copies, seat: draft.seat, until: later(now, FOLLOW_MS) });
    return { type: 'claimed', copies: copies.length };
  }

  /** The ring as it will be with a newcomer in it, and with what is its own by an old grant. */
  #ringWith(draft: Descriptor): Ring {
    return this.#context.view.ring.with(draft);
  }

  #note(owner: NodeId, by: number): void {
    const open = (this.#open.get(owner) ?? 0) + by;
    this.#open.set(owner, open);
    if (![...this.#open.values()].some((left) => left > 0)) this.#finish();
  }

  #finish(): void {
    const take = this.#take;
    this.#take = undefined;
    this.#claimed = [];
    this.#patientUntil = undefined;
    this.#open.clear();
    take?.();
  }
}
