/**
 * The arcs that this node keeps, as owner or as replica, who else keeps them and since when. Views differ while news of a
 * change spreads: whoever has not heard of it tells those who kept an arc before, and who came just now may have none of
 * it yet. Knows nothing of swarms.
 */
import { type InfoHash, type Instant, later, type NodeId } from '../base/index.ts';
import type { Arc } from '../ports/index.ts';
import { isInArc, overlap } from './arcs.ts';
import type { Context } from './context.ts';

/** After this long everybody knows of a change (docs/BENCH.md: 99 % within 16 s), and who came has its copies. */
const SETTLE_MS = 30_000;
/** Arcs that were kept until lately; the oldest are forgotten first. */
const LEFT_MAX = 64;
/** Of those who have an arc, the owner first, those who see to it that who came has it too. */
const NEAREST = 2;
/** Arcs of others that are looked at before each own one: a token has two before it, unless few own very many. */
const ARCS_BEFORE_MAX = 64;

interface Kept {
  readonly arc: Arc;
  /** The owner first. */
  readonly since: ReadonlyMap<NodeId, Instant>;
}

/** What is near one node on the ring. */
export class Neighbourhood {
  readonly #context: Context;
  readonly #bare: (arc: Arc, keepers: readonly NodeId[]) => void;
  #kept: readonly Kept[] = [];
  #left: { readonly arc: Arc; readonly until: Instant }[] = [];
  #settledAt: Instant;
  #version = -1;

  /**
   * @param bare an arc has keepers who may have nothing of it, and this node has it: at most one is nearer who has, and
   * that one may lie
   */
  constructor(context: Context, bare: (arc: Arc, keepers: readonly NodeId[]) => void) {
    this.#context = context;
    this.#bare = bare;
    this.#settledAt = context.now;
  }

  /** The ring may be another. */
  noteChange(): void {
    const { view, now, self } = this.#context;
    if (view.version === this.#version) return;
    this.#version = view.version;
    const before = this.#kept;
    this.#kept = this.#keptNow();
    const names = new Set(this.#kept.map(({ arc }) => `${arc.from} ${arc.to}`));
    const left = before.filter(({ arc }) => !names.has(`${arc.from} ${arc.to}`));
    const until = later(now, SETTLE_MS);
    this.#left = [...this.#left.filter((arc) => now < arc.until), ...left.map(({ arc }) => ({ arc, until }))];
    this.#left = this.#left.slice(-LEFT_MAX);
    const isNew = this.#kept.some(({ since }) => [...since.values()].includes(now));
    if (isNew || left.length > 0) this.#settledAt = until;
    for (const { arc, since } of this.#kept) {
      const keepers = [...since.keys()];
      const recent = keepers.filter((nodeId) => this.#isRecent(since.get(nodeId)!));
      const nearest = keepers.filter((nodeId) => !recent.includes(nodeId)).slice(0, NEAREST);
      if (recent.length === 0 || keepers[0] === self || !nearest.includes(self)) continue;
      const wasOurs = before.some((kept) => overlap(kept.arc, arc) && [...kept.since.keys()][0] === self);
      if (!wasOurs) this.#bare(arc, recent);
    }
  }

  /** True when others may still take somebody else for a keeper of this hash, which was or is kept here. */
  isUnsettled(infoHash: InfoHash): boolean {
    const { now } = this.#context;
    if (now >= this.#settledAt) return false;
    const kept = this.#kept.find(({ arc }) => isInArc(arc, infoHash));
    if (kept && [...kept.since.values()].some((since) => this.#isRecent(since))) return true;
    return this.#left.some(({ arc, until }) => now < until && isInArc(arc, infoHash));
  }

  #isRecent(since: Instant): boolean {
    return this.#context.now < later(since, SETTLE_MS);
  }

  #keptNow(): Kept[] {
    const { view, self } = this.#context;
    const kept = new Map<string, Kept>();
    for (const own of view.ring.rangesOf(self)) {
      let range: typeof own | undefined = own;
      for (let i = 0; i <= ARCS_BEFORE_MAX && range; i++) {
        const name = `${range.from} ${range.to}`;
        const keepers: readonly NodeId[] = view.ring.ownerSetAt(range.to).map(({ nodeId }) => nodeId);
        if (!keepers.includes(self) || kept.has(name)) break;
        const arc: Arc = { from: range.from, to: range.to };
        kept.set(name, { arc, since: new Map(keepers.map((nodeId) => [nodeId, this.#sinceOf(arc, nodeId)])) });
        range = view.ring.rangeAt(range.from);
      }
    }
    return [...kept.values()];
  }

  /** Since when a node keeps all of an arc, which may be made of several that were, or be a part of one. */
  #sinceOf(arc: Arc, nodeId: NodeId): Instant {
    const { now } = this.#context;
    const parts = this.#kept.filter((kept) => overlap(kept.arc, arc));
    if (parts.length === 0) return now;
    let latest = parts[0]!.since.get(nodeId) ?? now;
    for (const { since } of parts) {
      const other = since.get(nodeId) ?? now;
      if (other > latest) latest = other;
    }
    return latest;
  }
}
