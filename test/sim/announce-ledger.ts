/**
 * Every announce that a client was told is noted, and by whom: the reference for what may not be lost. An announce
 * younger than its lifetime is on two live members of its hash's owner set, unless all that held it went within one
 * failure-detection time of each other, or fewer than two serve, or at some time fewer than two of its owner set kept
 * their word.
 */
import { OWNERS } from '../../src/overlay/index.ts';
import type { HashSpace } from './hash-space.ts';
import type { Network } from './network.ts';
import type { Roster } from './roster.ts';
import { announcedAt, LIFETIME_MS } from './sim-keeper.ts';
import type { SimNode } from './sim-node.ts';
import type { World } from './world.ts';

/** Time in which a member's silence has to be noticed. */
export const DETECTION_MS = 10_000;
/** Time until what a member held is with two others again. */
export const COPY_MS = 60_000;
/** Time until an announce is with the other owners: batches are 2 s old, and may be asked for again. */
const SPREAD_MS = 10_000;

/** What is known of one hash's announces. */
interface Noted {
  readonly entries: Map<number, Entry>;
  /** While its owners and what they have of it stay the same, a look shows nothing new before. */
  lookAgainAtMs: number;
}

interface Entry {
  readonly atMs: number;
  /** The last two or three that held it together, at first who acknowledged it. */
  holders: readonly SimNode[];
  /** Since when fewer than two do. */
  fewSinceMs: number | undefined;
}

export class AnnounceLedger {
  acknowledged = 0;
  lost = 0;
  readonly #world: World;
  readonly #network: Network;
  readonly #roster: Roster;
  readonly #space: HashSpace;
  /** By hash, then by peer. Bounded by the clients of the world. */
  readonly #noted = new Map<number, Noted>();
  /** Hashes of which somebody has more or less since the last check. */
  readonly touched: Set<number> = new Set();
  /** Who kept their word at the last check, and by which version of their views. */
  #seen: { readonly honest: readonly SimNode[]; readonly versions: readonly (number | undefined)[] } | undefined;
  readonly #owner: (SimNode | undefined)[] = [];

  constructor(world: World, network: Network, roster: Roster, space: HashSpace) {
    this.#world = world;
    this.#network = network;
    this.#roster = roster;
    this.#space = space;
  }

  /** A client was told that its announce was noted. */
  acknowledge(rank: number, peer: number, by: SimNode, atMs: number): void {
    this.acknowledged++;
    let noted = this.#noted.get(rank);
    if (!noted) {
      noted = { entries: new Map(), lookAgainAtMs: 0 };
      this.#noted.set(rank, noted);
    }
    noted.lookAgainAtMs = 0;
    const held = noted.entries.get(peer);
    const isSame = held !== undefined && atMs - held.atMs < SPREAD_MS;
    noted.entries.set(peer, {
      atMs: isSame ? held.atMs : atMs,
      holders: isSame ? [...held.holders.filter((node) => node !== by), by] : [by],
      fewSinceMs: undefined,
    });
  }

  /** A peer said that it stops. */
  forget(rank: number, peer: number): void {
    this.#noted.get(rank)?.entries.delete(peer);
  }

  /** Looks for every announce where it has to be. */
  check(): void {
    const isCalm = this.#network.isWhole && this.#world.now - this.#network.healedAtMs > COPY_MS;
    const areOwnersSame = this.#areOwnersAsSeen();
    for (const [rank, noted] of this.#noted) {
      const isSame = areOwnersSame && !this.touched.has(rank) && this.#world.now <= noted.lookAgainAtMs;
      if (!isSame) this.#lookAt(rank, noted, isCalm);
    }
    this.touched.clear();
  }

  /** Since the last check nobody came, went, or heard of somebody who did. */
  #areOwnersAsSeen(): boolean {
    const { honest } = this.#roster;
    const before = this.#seen;
    const versions = honest.map(({ overlay }) => overlay!.view?.version);
    this.#seen = { honest, versions };
    return (
      before?.honest === honest &&
      versions.every((version, i) => version !== undefined && version === before.versions[i])
    );
  }

  #lookAt(rank: number, noted: Noted, isCalm: boolean): void {
    const { now } = this.#world;
    const { entries } = noted;
    const owners = this.ownersOf(rank);
    const isUnpromised = owners.length < 2 && this.#ownersByOne(rank).filter((node) => node?.isHonest).length < 2;
    const stamps = owners.map((node) => node.keeper!.stampsOf(rank));
    // Who only takes a copy may be named beside two owners, and comes and goes unseen.
    let lookAgainAtMs = owners.length === OWNERS ? Number.POSITIVE_INFINITY : 0;
    for (const [peer, entry] of entries) {
      const isRipe = entry.atMs < now - SPREAD_MS;
      if (entry.atMs < now - LIFETIME_MS || isUnpromised) entries.delete(peer);
      else if (isRipe && owners.length >= 2 && stamps.every((times) => announcedAt(times, peer) >= entry.atMs)) {
        noteHeld(entry, owners);
        lookAgainAtMs = Math.min(lookAgainAtMs, entry.atMs + LIFETIME_MS);
      } else if (isRipe) {
        this.#look(rank, peer, entry, owners, isCalm);
        lookAgainAtMs = 0;
      } else {
        lookAgainAtMs = Math.min(lookAgainAtMs, entry.atMs + SPREAD_MS);
      }
    }
    noted.lookAgainAtMs = lookAgainAtMs;
    if (entries.size === 0) this.#noted.delete(rank);
  }

  /** The live members of a hash's owner set, as its owner sees it. */
  ownersOf(rank: number): readonly SimNode[] {
    const infoHash = this.#space.hashes[rank]!;
    const known = this.#owner[rank];
    const owner =
      known && this.#roster.isLive(known) && known.claims(rank)
        ? known
        : this.#roster.honest.find((node) => node.claims(rank));
    this.#owner[rank] = owner;
    if (!owner) return [];
    const owners = [owner];
    // Those that only take a copy to become owners come last.
    for (const nodeId of owner.overlay!.ownership.copiesOf(infoHash).slice(0, OWNERS - 1)) {
      const node = this.#roster.node(nodeId);
      if (node?.isHonest && this.#roster.isLive(node)) owners.push(node);
    }
    return owners;
  }

  /** A hash's owner set as one of those who keep their word sees it, its owner first. */
  #ownersByOne(rank: number): readonly (SimNode | undefined)[] {
    const [asked] = this.#roster.honest;
    const owners = asked?.overlay?.ownersOf(this.#space.hashes[rank]!) ?? [];
    return owners.map(({ nodeId }) => this.#roster.node(nodeId));
  }

  #look(rank: number, peer: number, entry: Entry, owners: readonly SimNode[], isCalm: boolean): void {
    const { now } = this.#world;
    const holders = owners.filter((node) => announcedAt(node.keeper!.stampsOf(rank), peer) >= entry.atMs);
    if (holders.length >= 2) return noteHeld(entry, holders);
    // What those have whom it did not hand over to is its word against theirs: their time begins when it is gone.
    if (owners.length === 0 && this.#ownersByOne(rank)[0]?.isHonest === false) {
      entry.fewSinceMs = undefined;
      return;
    }
    entry.fewSinceMs ??= now;
    if (this.#isExcused(entry)) {
      this.#noted.get(rank)!.entries.delete(peer);
    } else if (isCalm && now - entry.fewSinceMs > COPY_MS && this.#roster.honest.length >= 2 && owners.length >= 2) {
      this.#noted.get(rank)!.entries.delete(peer);
      if (holders.length === 0) this.lost++;
      const where = `hash ${rank}, peer ${peer}, acknowledged at ${entry.atMs} ms`;
      const held = entry.holders.map((node) => `${node.index}${this.#roster.isLive(node) ? '' : ' (gone)'}`).join(', ');
      const owned = owners.map(({ index }) => index).join(', ');
      this.#world.broken(`an announce is on ${holders.length} owners: ${where}; held by ${held}; owners ${owned}`);
    }
  }

  /** All that held it went within one detection time of each other. */
  #isExcused({ holders, atMs }: Entry): boolean {
    let first = Number.POSITIVE_INFINITY;
    let last = Number.NEGATIVE_INFINITY;
    for (const node of holders) {
      if (this.#roster.isLive(node) && node.goneAtMs < atMs) return false;
      first = Math.min(first, node.goneAtMs);
      last = Math.max(last, node.goneAtMs);
    }
    // Who acknowledged it alone had this long to pass it on.
    if (holders.length === 1 && first - atMs > SPREAD_MS) return false;
    return last - first <= DETECTION_MS;
  }
}

function noteHeld(entry: Entry, holders: readonly SimNode[]): void {
  entry.holders = holders;
  entry.fewSinceMs = undefined;
}
