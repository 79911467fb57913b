/**
 * At most one live supernode answers for a hash: some hashes are asked of everybody again and again. Two may answer for
 * one lease after they can reach each other; nobody answers for one lease at most.
 */
import { randomBelow } from '../../src/base/index.ts';
import type { HashSpace } from './hash-space.ts';
import type { Network } from './network.ts';
import type { Roster } from './roster.ts';
import type { SimNode } from './sim-node.ts';
import { streamOf } from './streams.ts';
import type { World } from './world.ts';

export const LEASE_MS = 60_000;
const PROBES = 64;

export class OwnerWatch {
  readonly #world: World;
  readonly #network: Network;
  readonly #roster: Roster;
  readonly #probes: readonly number[];
  /** Since when two answer for a hash, and who. */
  readonly #disputes = new Map<number, { sinceMs: number; between: string }>();
  readonly #orphans = new Map<number, number>();
  /** Who noted an announce for a hash last. */
  readonly #writers = new Map<number, SimNode>();

  constructor(world: World, network: Network, roster: Roster, space: HashSpace) {
    this.#world = world;
    this.#network = network;
    this.#roster = roster;
    const random = streamOf(world.seed, 'owner probes');
    const popular = Math.min(PROBES / 2, space.count);
    const probes = new Set(Array.from({ length: popular }, (_, i) => space.popular(i)));
    while (probes.size < Math.min(PROBES, space.count)) probes.add(randomBelow(random, space.count));
    this.#probes = [...probes];
  }

  /** A node noted an announce as the owner. */
  wrote(rank: number, by: SimNode): void {
    const before = this.#writers.get(rank);
    this.#writers.set(rank, by);
    if (before && before !== by && before.isHonest && by.isHonest) this.#judge(rank, [before, by]);
  }

  check(): void {
    const { serving } = this.#roster;
    for (const rank of this.#probes) {
      const owners = serving.filter((node) => node.claims(rank));
      // What liars say of themselves counts as an answer, and not as a rival's.
      this.#judge(
        rank,
        owners.filter(({ isHonest }) => isHonest),
      );
      if (owners.length > 0 || serving.length === 0 || !this.#isCalm()) this.#orphans.delete(rank);
      else this.#orphan(rank);
    }
  }

  #judge(rank: number, candidates: readonly SimNode[]): void {
    const owners = candidates.filter((node) => this.#roster.isLive(node) && node.claims(rank));
    const rivals = owners.filter((a) => owners.some((b) => a !== b && this.#reach(a, b)));
    if (rivals.length < 2) return void this.#disputes.delete(rank);
    const { now } = this.#world;
    const between = rivals.map(({ index }) => index).join(' and ');
    const dispute = this.#disputes.get(rank);
    if (!dispute) this.#disputes.set(rank, { sinceMs: now, between });
    else if (now - Math.max(dispute.sinceMs, this.#network.healedAtMs) > LEASE_MS) {
      this.#disputes.delete(rank);
      this.#world.broken(`nodes ${between} both own hash ${rank} since ${dispute.sinceMs} ms`);
    }
  }

  #orphan(rank: number): void {
    const { now } = this.#world;
    const since = this.#orphans.get(rank);
    if (since === undefined) this.#orphans.set(rank, now);
    else if (now - since > LEASE_MS) {
      this.#orphans.set(rank, Number.POSITIVE_INFINITY);
      this.#world.broken(`nobody owns hash ${rank} since ${since} ms`);
    }
  }

  #isCalm(): boolean {
    return this.#network.isWhole && this.#world.now - this.#network.healedAtMs > LEASE_MS;
  }

  #reach(a: SimNode, b: SimNode): boolean {
    return this.#network.isOpen(a.endpoint, b.endpoint) && this.#network.isOpen(b.endpoint, a.endpoint);
  }
}
