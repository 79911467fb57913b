/**
 * Keeps the replicas of this node's ranges in step: copies a range to whoever became its replica, and passes accepted
 * announces on, at most two seconds old. What it owned and no longer does it copies to who does, unless that has it:
 * after a partition or a long sleep two nodes wrote for one range. Invariant: a node counts as a copy of an arc only from
 * the last frame of it on, and only while it was told of every announce since.
 */
import { earliest, following, type InfoHash, type Instant, later, type NodeId } from '../base/index.ts';
import type { Arc } from '../ports/index.ts';
import { covers, joined, missingOf } from './arcs.ts';
import type { Context } from './context.ts';
import type { Copies } from './copies.ts';
import type { Descriptor } from './descriptor.ts';
import { contactOf } from './exchanges.ts';
import type { OverlayMessage } from './message.ts';
import type { Contact } from './overlay-facts.ts';
import { keyOf } from './record-names.ts';
import type { Range, Ring } from './ring.ts';

const BATCH_MS = 1000;
/** How soon the next part goes, where there is more than one. */
const PART_MS = 25;
/** How often it is looked at who lacks what, while somebody does. */
const PRIME_MS = 1000;
const ANNOUNCES_MS = 3000;
const TRIES_MAX = 3;
/** Who refused announces may not know yet, or no more, that we serve: it is shown, and the next try waits. */
const AGAIN_MS = 1000;
/** Batches that wait for their next try; more count as missed. */
const AGAIN_MAX = 256;
/** Copies to replicas at a time: what a hand-off or a newcomer waits for comes between. */
const PRIMING_MAX = 4;
/** Arcs of others that are copied to them, and how long they are remembered: until views have come together. */
const FORMER_MAX = 128;
const FORMER_MS = 180_000;
const PIECES_MAX = 1024;
/**
 * How long who took no copy is not offered one again: at first not long, because a replica may hear of a newcomer only
 * when it is asked by it, and twice as long each time.
 */
const REST_MS = 500;
const REST_MS_MAX = 10_000;
/** Grants to us that are shown to somebody at a time. */
const GRANTS_SHOWN_MAX = 32;
/** Owner sets whose others are remembered. */
const OTHERS_MAX = 10_000;
/** Arcs that are remembered of one replica. */
const ARCS_MAX = 128;

/** An arc that was ours, or that its owner may lack, and to whom what of it was copied since. */
interface Former {
  readonly arc: Arc;
  readonly until: Instant;
  /** By where a piece of it begins and ends. */
  readonly given: Map<string, Map<string, Set<NodeId>>>;
  /** Who alone may lack it; undefined when everybody may. */
  readonly only: readonly NodeId[] | undefined;
}

/** A copy that somebody lacks. */
interface Owed {
  readonly member: Descriptor;
  readonly arc: Arc;
  readonly former: Former | undefined;
  /** The piece that it completes. */
  readonly piece: Arc;
}

/** Announces for one node. */
interface Batch {
  readonly to: NodeId;
  readonly bytes: Uint8Array;
  /** Another accepted them, and told us. */
  readonly isPassedOn: boolean;
  readonly tries: number;
  /** The same in every try. */
  readonly number: number;
}

/** One that is to be sent again. */
interface Again extends Batch {
  readonly at: Instant;
}

/** Somebody who has to be told of everything until now, and what follows. */
interface Flush {
  readonly to: NodeId;
  readonly then: () => void;
}

/** A flush all of whose announces are on the way. */
interface Waiting extends Flush {
  /** Batches that were under way when it began and still are; each ends with its last try, whatever the receiver does. */
  readonly open: Set<number>;
}

/** One node's care for the copies of what it owns. */
export class Replication {
  readonly #context: Context;
  readonly #copies: Copies;
  readonly #silent: (nodeId: NodeId) => void;
  /** What was owned when it was last looked at, and what was until lately. */
  #owned: readonly Range[] = [];
  #former: Former[] = [];
  /** Arcs that each replica has whole. */
  readonly #primed = new Map<NodeId, Arc[]>();
  readonly #priming = new Map<NodeId, number>();
  /** Bounded by the view. */
  readonly #resting = new Map<NodeId, { readonly until: Instant; readonly ms: number }>();
  /** Batches that are under way, by receiver. */
  readonly #unheard = new Map<NodeId, Set<number>>();
  #waiting: Waiting[] = [];
  #batches = 0;
  /** Those whose announces are not all on the way yet. */
  #flushing: Flush[] = [];
  #again: Again[] = [];
  #version = -1;
  #others = new Map<readonly Descriptor[], readonly NodeId[]>();
  #batchAt: Instant;
  /** When the rest of a batch goes that is too large to go at once. */
  #partAt: Instant | undefined;
  #primeAt: Instant;
  #isDirty = false;
  #isServing = false;

  /** @param silent a node did not answer */
  constructor(context: Context, copies: Copies, silent: (nodeId: NodeId) => void) {
    this.#context = context;
    this.#copies = copies;
    this.#silent = silent;
    this.#batchAt = context.now;
    this.#primeAt = context.now;
  }

  get deadline(): Instant | undefined {
    if (!this.#isServing) return undefined;
    const at = earliest(this.#batchAt, this.#partAt);
    return earliest(earliest(at, this.#again[0]?.at), this.#isDirty ? this.#primeAt : undefined);
  }

  /** Passes on from a time on: where others look then too, they wake the node once. */
  beginAt(at: Instant): void {
    this.#batchAt = at;
  }

  /** The ring, or our part in it, may be another. */
  noteChange(isServing: boolean): void {
    // What others got in an earlier term they were told nothing of since.
    if (isServing && !this.#isServing) this.#primed.clear();
    this.#isServing = isServing;
    this.#isDirty = true;
    if (!isServing) return;
    // At once: what is accepted between two looks would be owed to nobody.
    this.#noteFormer();
    this.#forgetStrangers();
  }

  forget(nodeId: NodeId): void {
    this.#primed.delete(nodeId);
    this.#resting.delete(nodeId);
    this.#isDirty = true;
  }

  /** Copies an arc to some who keep it now: we have it, and they may not. */
  owe(arc: Arc, only: readonly NodeId[]): void {
    const lacking = only.filter((nodeId) => !this.#former.some((former) => isOwedTo(former, nodeId, arc)));
    if (lacking.length === 0) return;
    const former = { arc, until: later(this.#context.now, FORMER_MS), given: new Map(), only: lacking };
    this.#former = [...this.#former, former];
    this.#former = this.#former.slice(-FORMER_MAX);
    this.#isDirty = true;
  }

  /** Who else is told of announces of a hash. */
  copiesOf(infoHash: InfoHash): readonly NodeId[] {
    const { view, self } = this.#context;
    if (view.version !== this.#version) {
      this.#version = view.version;
      this.#others = new Map();
    }
    const set = view.ring.ownerSetOf(infoHash);
    let others = this.#others.get(set);
    if (!others) {
      if (this.#others.size >= OTHERS_MAX) this.#others.clear();
      others = set.map(({ nodeId }) => nodeId).filter((nodeId) => nodeId !== self);
      this.#others.set(set, others);
    }
    if (this.#copies.isEmpty) return others;
    const targets = this.#copies.targetsOf(infoHash).filter((target) => !others.includes(target));
    return targets.length === 0 ? others : [...others, ...targets];
  }

  /** True when every replica of every own range has it whole. */
  get isWhole(): boolean {
    return this.#lacking().length === 0;
  }

  tick(): void {
    const { now } = this.#context;
    if (!this.#isServing) return;
    if (this.#isDirty && now >= this.#primeAt) {
      this.#primeAt = later(now, PRIME_MS);
      this.#prime();
    }
    if (this.#again.length > 0) this.#sendAgain();
    const isPartDue = this.#partAt !== undefined && now >= this.#partAt;
    if (now < this.#batchAt && !isPartDue) return;
    if (now >= this.#batchAt) this.#batchAt = following(this.#batchAt, BATCH_MS, now);
    this.passOn();
  }

  #sendAgain(): void {
    const { now } = this.#context;
    const due = this.#again.filter(({ at }) => at <= now);
    this.#again = this.#again.filter(({ at }) => at > now);
    for (const batch of due) this.#send(batch);
  }

  /** Passes on now what was announced since the last time; where that is much the rest follows soon. */
  passOn(): void {
    const { keeper } = this.#context.settings;
    this.#partAt = undefined;
    if (!keeper.hasBatches && this.#flushing.length === 0) return;
    for (const { to, bytes } of keeper.batches()) this.#begin(to, bytes, false);
    if (keeper.hasBatches) {
      this.#partAt = later(this.#context.now, PART_MS);
      return;
    }
    const flushing = this.#flushing;
    this.#flushing = [];
    for (const { to, then } of flushing) this.#waitFor(to, then);
  }

  /** Calls back when a node was told of everything that was announced until now, or is gone. */
  flush(to: NodeId, then: () => void): void {
    this.#flushing.push({ to, then });
    this.passOn();
  }

  #waitFor(to: NodeId, then: () => void): void {
    const open = new Set(this.#unheard.get(to));
    if (open.size === 0) then();
    else this.#waiting.push({ to, then, open });
  }

  /** Passes a batch that another told us of on to one who may have been told by nobody. */
  passOnTo(to: NodeId, bytes: Uint8Array): void {
    this.#begin(to, bytes, true);
  }

  #begin(to: NodeId, bytes: Uint8Array, isPassedOn: boolean): void {
    if (!this.#contactOf(to)) return;
    const number = this.#batches++;
    this.#unheard.set(to, (this.#unheard.get(to) ?? new Set()).add(number));
    this.#send({ to, bytes, isPassedOn, tries: TRIES_MAX, number });
  }

  /** A newcomer is copied to before anybody sees its descriptor. */
  #contactOf(to: NodeId): Contact | undefined {
    const descriptor = this.#context.view.get(to);
    return descriptor ? contactOf(descriptor) : this.#copies.contactOf(to);
  }

  #send(batch: Batch): void {
    const { to, bytes, isPassedOn, tries } = batch;
    const contact = this.#contactOf(to);
    if (!contact) return this.#noteEnded(batch);
    const heard = (reply: OverlayMessage | undefined): void => {
      if (reply?.type === 'accepted') return this.#noteEnded(batch);
      if (reply === undefined && !isPassedOn) this.#silent(to);
      const member = this.#context.view.get(to);
      if (reply?.type === 'refused' && member) this.#introduce(member);
      if (tries > 1 && this.#again.length < AGAIN_MAX) {
        this.#again.push({ ...batch, at: later(this.#context.now, AGAIN_MS), tries: tries - 1 });
        return;
      }
      this.#noteMissed(to);
      this.#noteEnded(batch);
    };
    const { exchanges } = this.#context;
    const message = { type: 'announces', bytes, isPassedOn } as const;
    if (isPassedOn) exchanges.askForOther(contact, message, ANNOUNCES_MS, heard);
    else exchanges.ask(contact, message, ANNOUNCES_MS, heard);
  }

  /** It missed something: what it has is not whole, nor will be what is being copied to it, for that was made before. */
  #noteMissed(to: NodeId): void {
    this.#copies.forget(to);
    this.forget(to);
  }

  /** A batch was heard, or will not be. */
  #noteEnded({ to, number }: Batch): void {
    const unheard = this.#unheard.get(to);
    unheard?.delete(number);
    if (unheard?.size === 0) this.#unheard.delete(to);
    for (const waiting of this.#waiting) if (waiting.to === to) waiting.open.delete(number);
    const done = this.#waiting.filter(({ open }) => open.size === 0);
    if (done.length === 0) return;
    this.#waiting = this.#waiting.filter(({ open }) => open.size > 0);
    for (const { then } of done) then();
  }

  #prime(): void {
    this.#isDirty = false;
    const owed = this.#owed();
    this.#forgetOthers();
    for (const lack of [...owed, ...this.#lacking()]) {
      const { member, arc } = lack;
      if (this.#priming.size >= PRIMING_MAX || this.#copies.isFull) {
        this.#isDirty = true;
        return;
      }
      const isResting = (this.#resting.get(member.nodeId)?.until ?? Number.NEGATIVE_INFINITY) > this.#context.now;
      if (isResting || this.#priming.has(member.nodeId)) {
        this.#isDirty = true;
        continue;
      }
      const then = (isDone: boolean): void => this.#copied(lack, isDone);
      this.#priming.set(member.nodeId, this.#copies.begin(contactOf(member), arc, then));
    }
  }

  #copied({ member, arc, former, piece }: Owed, isDone: boolean): void {
    const { nodeId } = member;
    this.#copies.end(this.#priming.get(nodeId)!);
    this.#priming.delete(nodeId);
    this.#isDirty = true;
    if (!isDone) {
      const ms = Math.min(REST_MS_MAX, 2 * (this.#resting.get(nodeId)?.ms ?? REST_MS / 2));
      for (const other of this.#resting.keys()) if (!this.#context.view.get(other)) this.#resting.delete(other);
      this.#resting.set(nodeId, { until: later(this.#context.now, ms), ms });
      this.#introduce(member);
      return;
    }
    this.#resting.delete(nodeId);
    if (former) noteGiven(former, piece, nodeId);
    this.notePrimed(nodeId, arc);
    // The next one waits for nothing.
    this.#primeAt = this.#context.now;
  }

  /** Shows who took nothing from us by which records we own what we do: it may not have heard of them yet. */
  #introduce(member: Descriptor): void {
    const { view, self, exchanges } = this.#context;
    const granted = [...view.grants()].filter(({ taker }) => taker === self).slice(0, GRANTS_SHOWN_MAX);
    const keys = [keyOf(self), ...granted.map((grant) => view.grantKeyOf(grant))];
    const records = keys.flatMap((key) => view.digests.recordOf(key) ?? []);
    exchanges.ask(contactOf(member), { type: 'records', records, wanted: [] }, ANNOUNCES_MS, () => {});
  }

  #lacking(): Owed[] {
    const { view, self } = this.#context;
    const lacking: Owed[] = [];
    for (const range of view.ring.rangesOf(self)) {
      for (const member of view.ring.ownerSetAt(range.to)) {
        if (member.nodeId === self) continue;
        const arc = missingOf(range, this.#primed.get(member.nodeId) ?? []);
        if (arc) lacking.push({ member, arc, former: undefined, piece: arc });
      }
    }
    return lacking;
  }

  /** Notes which of our ranges may be another's now. */
  #noteFormer(): void {
    const { view, self, now } = this.#context;
    const before = this.#owned;
    this.#owned = view.ring.rangesOf(self);
    this.#former = this.#former.filter(({ until }) => now < until);
    for (const range of before) {
      if (this.#owned.some((own) => covers(own, range))) continue;
      this.#former.push({ arc: range, until: later(now, FORMER_MS), given: new Map(), only: undefined });
    }
    this.#former = this.#former.slice(-FORMER_MAX);
  }

  /** What of it those who own it now lack; who that is may change a few times while views come together. */
  #owed(): Owed[] {
    const { view, self } = this.#context;
    const owed: Owed[] = [];
    for (const former of this.#former) {
      for (const { arc, owners } of piecesOf(former.arc, view.ring)) {
        if (owners[0]?.nodeId === self) continue;
        const given = former.given.get(arc.to)?.get(arc.from);
        // Not to the owner alone: what it takes from us it does not pass on.
        for (const member of owners) {
          if (member.nodeId === self || given?.has(member.nodeId)) continue;
          if (former.only && !former.only.includes(member.nodeId)) continue;
          const missing = missingOf(arc, this.#primed.get(member.nodeId) ?? []);
          if (missing) owed.push({ member, arc: missing, former, piece: arc });
        }
      }
    }
    return owed;
  }

  /** A node has an arc whole, and is told of its announces. */
  notePrimed(nodeId: NodeId, arc: Arc): void {
    if (!this.#context.view.get(nodeId)) return;
    this.#primed.set(nodeId, joined(this.#primed.get(nodeId) ?? [], arc).slice(-ARCS_MAX));
  }

  /**
   * Who is none of those that are told of a range's announces, for however short a time, does not have it whole. What is
   * not ours any more stays until it was looked at what is owed of it.
   */
  #forgetStrangers(): void {
    const { view, self } = this.#context;
    for (const range of view.ring.rangesOf(self)) {
      const told = view.ring.ownerSetAt(range.to);
      for (const [nodeId, arcs] of this.#primed) {
        if (told.some((member) => member.nodeId === nodeId)) continue;
        this.#primed.set(
          nodeId,
          arcs.filter((arc) => !covers(range, arc) && !covers(arc, range)),
        );
      }
    }
  }

  /** Who is no replica of an arc any more is told of its announces no more, and so has no whole copy of it. */
  #forgetOthers(): void {
    const { view, self } = this.#context;
    const kept = new Map<NodeId, Set<Arc>>();
    for (const range of view.ring.rangesOf(self)) {
      for (const { nodeId } of view.ring.ownerSetAt(range.to)) {
        for (const arc of this.#primed.get(nodeId) ?? []) {
          if (!covers(arc, range) && !covers(range, arc)) continue;
          const arcs = kept.get(nodeId);
          // What of it is not ours to tell of is cut off.
          const own = covers(arc, range) ? range : arc;
          if (arcs) arcs.add(own);
          else kept.set(nodeId, new Set([own]));
        }
      }
    }
    this.#primed.clear();
    for (const [nodeId, arcs] of kept) this.#primed.set(nodeId, [...arcs].slice(0, ARCS_MAX));
  }
}

function isOwedTo({ arc, only }: Former, nodeId: NodeId, part: Arc): boolean {
  return (only === undefined || only.includes(nodeId)) && covers(arc, part);
}

function noteGiven({ given }: Former, { from, to }: Arc, nodeId: NodeId): void {
  const here = given.get(to) ?? new Map<string, Set<NodeId>>();
  given.set(to, here.set(from, (here.get(from) ?? new Set()).add(nodeId)));
}

/** An arc by who keeps what of it; the last few pieces where there are very many. */
function piecesOf(arc: Arc, ring: Ring): { arc: Arc; owners: readonly Descriptor[] }[] {
  const pieces: { arc: Arc; owners: readonly Descriptor[] }[] = [];
  let to = arc.to;
  while (pieces.length < PIECES_MAX) {
    const range = ring.rangeAt(to);
    if (!range) break;
    const goesOn = range.from !== arc.from && range.from !== to && covers(arc, { from: range.from, to });
    pieces.push({ arc: { from: goesOn ? range.from : arc.from, to }, owners: ring.ownerSetAt(range.to) });
    if (!goesOn) break;
    to = range.from;
  }
  return pieces;
}
