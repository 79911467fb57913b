/**
 * Keeps the replicas of this node's ranges in step: copies a range to whoever became its replica, and passes accepted
 * announces on, at most two seconds old. Invariant: a node counts as a copy of an arc only from the last frame of it on,
 * and only while it was told of every announce since.
 */
import { type InfoHash, type Instant, later, type NodeId } from '../base/index.ts';
import type { Arc } from '../ports/index.ts';
import { covers, missingOf } from './arcs.ts';
import type { Context } from './context.ts';
import type { Copies } from './copies.ts';
import type { Descriptor } from './descriptor.ts';
import { contactOf } from './exchanges.ts';
import type { Ring } from './ring.ts';

const BATCH_MS = 1000;
const ANNOUNCES_MS = 3000;
const TRIES_MAX = 3;
/** Copies to replicas at a time: what a hand-off or a newcomer waits for comes between. */
const PRIMING_MAX = 4;
/** Arcs that are remembered of one replica. */
const ARCS_MAX = 128;

/** One node's care for the copies of what it owns. */
export class Replication {
  readonly #context: Context;
  readonly #copies: Copies;
  /** Arcs that each replica has whole. */
  readonly #primed = new Map<NodeId, Arc[]>();
  readonly #priming = new Map<NodeId, number>();
  /** Batches that are under way, by receiver. */
  readonly #unheard = new Map<NodeId, number>();
  #waiting: { readonly to: NodeId; readonly then: () => void }[] = [];
  #ring: Ring | undefined;
  #others = new Map<readonly Descriptor[], readonly NodeId[]>();
  #batchAt: Instant;
  #isDirty = false;
  #isServing = false;

  constructor(context: Context, copies: Copies) {
    this.#context = context;
    this.#copies = copies;
    this.#batchAt = context.now;
  }

  get deadline(): Instant | undefined {
    return this.#isServing ? this.#batchAt : undefined;
  }

  /** The ring, or our part in it, may be another. */
  noteChange(isServing: boolean): void {
    this.#isServing = isServing;
    this.#isDirty = true;
  }

  forget(nodeId: NodeId): void {
    this.#primed.delete(nodeId);
    this.#isDirty = true;
  }

  /** Who else is told of announces of a hash. */
  copiesOf(infoHash: InfoHash): readonly NodeId[] {
    const { view, self } = this.#context;
    if (view.ring !== this.#ring) {
      this.#ring = view.ring;
      this.#others = new Map();
    }
    const set = view.ring.ownerSetOf(infoHash);
    let others = this.#others.get(set);
    if (!others) {
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
    if (!this.#isServing || this.#context.now < this.#batchAt) return;
    this.#batchAt = later(this.#context.now, BATCH_MS);
    this.passOn();
    if (this.#isDirty) this.#prime();
  }

  /** Passes on now what was announced since the last time. */
  passOn(): void {
    for (const { to, bytes } of this.#context.settings.keeper.batches()) this.#send(to, bytes, TRIES_MAX);
  }

  /** Calls back when a node was told of everything that was announced until now, or is gone. */
  flush(to: NodeId, then: () => void): void {
    this.passOn();
    if ((this.#unheard.get(to) ?? 0) === 0) then();
    else this.#waiting.push({ to, then });
  }

  #send(to: NodeId, bytes: Uint8Array, tries: number): void {
    const descriptor = this.#context.view.get(to);
    if (!descriptor) return;
    if (tries === TRIES_MAX) this.#unheard.set(to, (this.#unheard.get(to) ?? 0) + 1);
    this.#context.exchanges.ask(contactOf(descriptor), { type: 'announces', bytes }, ANNOUNCES_MS, (reply) => {
      if (reply?.type !== 'accepted' && tries > 1 && this.#context.view.get(to))
        return this.#send(to, bytes, tries - 1);
      // It missed something: its copy is made anew.
      if (reply?.type !== 'accepted') this.forget(to);
      this.#noteHeard(to);
    });
  }

  #noteHeard(to: NodeId): void {
    const left = (this.#unheard.get(to) ?? 1) - 1;
    if (left > 0) {
      this.#unheard.set(to, left);
      return;
    }
    this.#unheard.delete(to);
    const heard = this.#waiting.filter((waiting) => waiting.to === to);
    if (heard.length === 0) return;
    this.#waiting = this.#waiting.filter((waiting) => waiting.to !== to);
    for (const { then } of heard) then();
  }

  #prime(): void {
    this.#isDirty = false;
    this.#forgetOthers();
    for (const { member, arc } of this.#lacking()) {
      if (this.#priming.size >= PRIMING_MAX || this.#copies.isFull) {
        this.#isDirty = true;
        return;
      }
      if (this.#priming.has(member.nodeId)) {
        this.#isDirty = true;
        continue;
      }
      const id = this.#copies.begin(contactOf(member), arc, (isDone) => {
        this.#priming.delete(member.nodeId);
        this.#copies.end(id);
        if (isDone) this.#notePrimed(member.nodeId, arc);
        this.#isDirty = true;
      });
      this.#priming.set(member.nodeId, id);
    }
  }

  #lacking(): { member: Descriptor; arc: Arc }[] {
    const { view, self } = this.#context;
    const lacking: { member: Descriptor; arc: Arc }[] = [];
    for (const range of view.ring.rangesOf(self)) {
      for (const member of view.ring.ownerSetAt(range.to)) {
        if (member.nodeId === self) continue;
        const arc = missingOf(range, this.#primed.get(member.nodeId) ?? []);
        if (arc) lacking.push({ member, arc });
      }
    }
    return lacking;
  }

  #notePrimed(nodeId: NodeId, arc: Arc): void {
    if (!this.#context.view.get(nodeId)) return;
    const arcs = (this.#primed.get(nodeId) ?? []).filter((other) => !covers(arc, other));
    this.#primed.set(nodeId, [...arcs.slice(1 - ARCS_MAX), arc]);
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
