/**
 * How soon a change of the membership is known, and how soon a crashed owner's hashes are answered again, seen from
 * outside: a member knows of another when it names it for a hash that the other owns.
 */
import { type NodeId, type Random, randomBelow } from '../../src/base/index.ts';
import type { HashSpace } from './hash-space.ts';
import type { Roster } from './roster.ts';
import type { SimNode } from './sim-node.ts';
import { streamOf } from './streams.ts';
import { KIND, type World } from './world.ts';

const KNOWN_SHARE = 0.99;
const KNOWN_POLL_MS = 1000;
const ANSWERED_POLL_MS = 250;
/** What has not happened by then counts as this long. */
const PATIENCE_MS = 300_000;
const ASKERS = 3;
const HOPS = 2;

export class MemberWatch {
  readonly knownSeconds: number[] = [];
  readonly answeredAgainSeconds: number[] = [];
  readonly #world: World;
  readonly #roster: Roster;
  readonly #space: HashSpace;
  readonly #chance: Random;
  /** A hash that each member owns. */
  readonly #marks = new Map<SimNode, number>();
  /** Which change of a node counts; an earlier one is void. */
  readonly #turns = new Map<SimNode, number>();

  constructor(world: World, roster: Roster, space: HashSpace) {
    this.#world = world;
    this.#roster = roster;
    this.#space = space;
    this.#chance = streamOf(world.seed, 'member watch');
  }

  /** A node serves from now on. */
  joined(node: SimNode): void {
    this.#poll(node, KNOWN_POLL_MS, this.knownSeconds, () => {
      const mark = this.#markOf(node);
      return mark === undefined ? undefined : this.#isKnown(mark, node);
    });
  }

  /** A node serves no more; `isCrash` when it did not say so. */
  left(node: SimNode, isCrash: boolean): void {
    const mark = this.#marks.get(node);
    if (mark === undefined) return void this.#turn(node);
    this.#poll(node, KNOWN_POLL_MS, this.knownSeconds, () => this.#isForgotten(mark, node));
    if (isCrash) {
      this.#poll(node, ANSWERED_POLL_MS, this.answeredAgainSeconds, () => this.#isAnswered(mark), false);
    }
  }

  /** Looks whether members still own their marks, and has one of them name others for those that do not. */
  refresh(): void {
    const { honest } = this.#roster;
    const asked = honest[randomBelow(this.#chance, honest.length)];
    const first = asked && randomBelow(this.#chance, this.#space.count);
    let owned: ReadonlyMap<NodeId, number> | undefined;
    for (const node of honest) {
      if (this.#ownsMark(node)) continue;
      owned ??= this.#ownedAsSeenBy(asked!, first!);
      const rank = owned.get(node.nodeId);
      if (rank !== undefined && node.claims(rank)) this.#marks.set(node, rank);
      else this.#marks.delete(node);
    }
  }

  /** @param isDone undefined where it cannot be told: the node owns no hash of the world */
  #poll(node: SimNode, everyMs: number, seconds: number[], isDone: () => boolean | undefined, isNewTurn = true): void {
    const turn = isNewTurn ? this.#turn(node) : this.#turns.get(node)!;
    const since = this.#world.now;
    const look = (): void => {
      if (this.#turns.get(node) !== turn || !this.#roster.serving.length) return;
      const elapsed = this.#world.now - since;
      const done = isDone();
      if (done === undefined && elapsed >= PATIENCE_MS) return;
      if (done || elapsed >= PATIENCE_MS) seconds.push(elapsed / 1000);
      else this.#world.plan(everyMs, KIND.check, node.index, look);
    };
    look();
  }

  #turn(node: SimNode): number {
    const turn = (this.#turns.get(node) ?? 0) + 1;
    this.#turns.set(node, turn);
    return turn;
  }

  #markOf(node: SimNode): number | undefined {
    if (this.#ownsMark(node)) return this.#marks.get(node);
    const rank = this.#someRank((rank) => node.claims(rank));
    if (rank === undefined) this.#marks.delete(node);
    else this.#marks.set(node, rank);
    return rank;
  }

  #ownsMark(node: SimNode): boolean {
    const mark = this.#marks.get(node);
    return mark !== undefined && node.claims(mark);
  }

  /** The first hash from a place on that each member owns, as one of them has it. */
  #ownedAsSeenBy(asked: SimNode, first: number): ReadonlyMap<NodeId, number> {
    const owned = new Map<NodeId, number>();
    const { ownership } = asked.overlay!;
    for (let i = 0; i < this.#space.count; i++) {
      const rank = (first + i) % this.#space.count;
      const owner = ownership.ownerOf(this.#space.hashes[rank]!);
      const nodeId = owner === 'self' ? asked.nodeId : owner?.nodeId;
      if (nodeId !== undefined && !owned.has(nodeId)) owned.set(nodeId, rank);
    }
    return owned;
  }

  /** One that fits, the first from a place by chance on. */
  #someRank(fits: (rank: number) => boolean): number | undefined {
    const { count } = this.#space;
    const first = randomBelow(this.#chance, count);
    for (let i = 0; i < count; i++) {
      const rank = (first + i) % count;
      if (fits(rank)) return rank;
    }
    return undefined;
  }

  #isKnown(mark: number, node: SimNode): boolean {
    const infoHash = this.#space.hashes[mark]!;
    return this.#share((member) => {
      if (member === node) return true;
      const owner = member.overlay!.ownership.ownerOf(infoHash);
      return typeof owner === 'object' && owner.nodeId === node.nodeId;
    });
  }

  #isForgotten(mark: number, node: SimNode): boolean {
    const infoHash = this.#space.hashes[mark]!;
    return this.#share((member) => {
      const owner = member.overlay!.ownership.ownerOf(infoHash);
      return owner === 'self' || owner?.nodeId !== node.nodeId;
    });
  }

  #share(holds: (member: SimNode) => boolean): boolean {
    const members = this.#roster.honest;
    let holding = 0;
    for (const member of members) if (holds(member)) holding++;
    return holding >= KNOWN_SHARE * members.length;
  }

  /** Whoever asks any member is led to one that answers. */
  #isAnswered(mark: number): boolean {
    const members = this.#roster.honest;
    for (let i = 0; i < ASKERS; i++) {
      const asked = members[randomBelow(this.#chance, members.length)];
      if (asked && !this.#leads(asked, mark)) return false;
    }
    return true;
  }

  #leads(asked: SimNode, mark: number): boolean {
    let node: SimNode | undefined = asked;
    for (let hop = 0; hop <= HOPS && node && this.#roster.isLive(node); hop++) {
      const owner = node.overlay!.ownership.ownerOf(this.#space.hashes[mark]!);
      if (owner === 'self') return true;
      node = owner && this.#roster.node(owner.nodeId);
    }
    return false;
  }
}
