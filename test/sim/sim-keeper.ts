/**
 * The swarms of one supernode as the overlay asks for them, over plain maps: who announced a hash and when. Frames and
 * batches are 16 bytes for each peer: the hash's rank, the peer's number, and when it announced with two flags below.
 */
import type { InfoHash, Instant, NodeId } from '../../src/base/index.ts';
import {
  type AnnounceBatch,
  type Arc,
  type ArcLoad,
  type HotHash,
  type Ownership,
  SWARM_FRAME_BYTES_MAX,
  type SwarmFrame,
  type SwarmKeeper,
} from '../../src/ports/index.ts';
import type { HashSpace } from './hash-space.ts';

/** Two of the longest intervals: 1,800 s and 10 %. */
export const LIFETIME_MS = 3_960_000;
/** What an announce and its answer put on the wire. */
export const ANNOUNCE_BYTES = 900;

const PEER_BYTES = 16;
const FRAME_PEERS = SWARM_FRAME_BYTES_MAX / PEER_BYTES;
const LOAD_WINDOW_MS = 60_000;
const EPOCH_MS = 20 * LOAD_WINDOW_MS;
/** Hashes that are named as hot, and announces in the window that make one so. */
const HOTTEST = 8;
const HOT_LOAD_MIN = 3;
const IS_SEEDER = 1;
const IS_GONE = 2;
const FLAGS = 4;
// A cursor counts ranks from the arc's beginning, and within one rank peers.
const CURSOR_PEERS_MAX = 2 ** 22;

interface Swarm {
  readonly rank: number;
  /** When each peer announced, in FLAGS of a millisecond. */
  readonly peers: Map<number, number>;
  /** Announces in a window that fades out, as much more as it has faded since the keeper's epoch. */
  load: number;
}

/** When a peer announced; before everything when it did not. @param stamps those of its hash, as `stampsOf` gives them */
export function announcedAt(stamps: ReadonlyMap<number, number> | undefined, peer: number): number {
  const stamp = stamps?.get(peer);
  return stamp === undefined ? Number.NEGATIVE_INFINITY : Math.floor(stamp / FLAGS);
}

export class SimKeeper implements SwarmKeeper {
  readonly #space: HashSpace;
  readonly #worldMs: () => number;
  readonly #touched: Set<number>;
  readonly #swarms = new Map<number, Swarm>();
  readonly #unsent = new Map<NodeId, number[]>();
  /** In the order of their ranks; undefined until it is asked for. */
  #sorted: Swarm[] | undefined = [];
  #peers = 0;
  #epochMs: number;

  /** @param touched learns of which hashes more or less is kept */
  constructor(space: HashSpace, worldMs: () => number, touched: Set<number> = new Set()) {
    this.#space = space;
    this.#worldMs = worldMs;
    this.#touched = touched;
    this.#epochMs = worldMs();
  }

  get size(): { readonly peers: number; readonly hashes: number } {
    return { peers: this.#peers, hashes: this.#swarms.size };
  }

  /** An announce that this node accepts; copies go to whom the overlay names. */
  note(rank: number, peer: number, isSeeder: boolean, isGone: boolean, ownership: Ownership): void {
    const stamp = this.#worldMs() * FLAGS + (isSeeder ? IS_SEEDER : 0) + (isGone ? IS_GONE : 0);
    this.#merge(rank, peer, stamp);
    this.#bear(rank);
    for (const nodeId of ownership.copiesOf(this.#space.hashes[rank]!)) {
      let unsent = this.#unsent.get(nodeId);
      if (!unsent) {
        unsent = [];
        this.#unsent.set(nodeId, unsent);
      }
      unsent.push(rank, peer, stamp);
    }
  }

  /** When each peer kept of a hash announced, as `announcedAt` reads it; undefined when none is. */
  stampsOf(rank: number): ReadonlyMap<number, number> | undefined {
    return this.#swarms.get(rank)?.peers;
  }

  /** Peers kept of a hash. */
  peersOf(rank: number): number {
    return this.#swarms.get(rank)?.peers.size ?? 0;
  }

  /** Forgets who has been silent too long. */
  sweep(): void {
    const oldest = (this.#worldMs() - LIFETIME_MS) * FLAGS;
    for (const [rank, swarm] of this.#swarms) {
      for (const [peer, stamp] of swarm.peers) if (stamp < oldest) this.#drop(rank, swarm, peer);
    }
  }

  frameOf(arc: Arc, cursor: number): SwarmFrame {
    const { first, count } = this.#space.ranksOf(arc);
    const found: number[] = [];
    let step = Math.floor(cursor / CURSOR_PEERS_MAX);
    let skip = cursor % CURSOR_PEERS_MAX;
    for (; step < count; step++) {
      const rank = (first + step) % this.#space.count;
      let index = 0;
      for (const [peer, stamp] of this.#swarms.get(rank)?.peers ?? []) {
        if (index++ < skip) continue;
        if (found.length === 3 * FRAME_PEERS) {
          return { bytes: encode(found), cursor: step * CURSOR_PEERS_MAX + index - 1 };
        }
        found.push(rank, peer, stamp);
      }
      skip = 0;
    }
    return { bytes: encode(found), cursor: undefined };
  }

  take(bytes: Uint8Array, _now: Instant, mayKeep: (infoHash: InfoHash) => boolean): boolean {
    if (bytes.length % PEER_BYTES !== 0 || bytes.length > SWARM_FRAME_BYTES_MAX) return false;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < bytes.length; at += PEER_BYTES) {
      if (view.getUint32(at) >= this.#space.count || !(view.getFloat64(at + 8) >= 0)) return false;
    }
    let asked = -1;
    let isKept = false;
    for (let at = 0; at < bytes.length; at += PEER_BYTES) {
      const rank = view.getUint32(at);
      if (rank !== asked) isKept = mayKeep(this.#space.hashes[rank]!);
      asked = rank;
      if (isKept) this.#merge(rank, view.getUint32(at + 4), view.getFloat64(at + 8));
    }
    return true;
  }

  batches(): readonly AnnounceBatch[] {
    const batches: AnnounceBatch[] = [];
    for (const [to, unsent] of this.#unsent) {
      for (let from = 0; from < unsent.length; from += 3 * FRAME_PEERS) {
        batches.push({ to, bytes: encode(unsent.slice(from, from + 3 * FRAME_PEERS)) });
      }
    }
    this.#unsent.clear();
    return batches;
  }

  get hasBatches(): boolean {
    return this.#unsent.size > 0;
  }

  loadOf(arcs: readonly Arc[]): readonly ArcLoad[] {
    const left = this.#left();
    return arcs.map((arc) => {
      let load = 0;
      for (const swarm of this.#swarmsIn(arc)) load += swarm.load;
      const announcesPerSecond = (left * load) / (LOAD_WINDOW_MS / 1000);
      return { announcesPerSecond, bytesPerSecond: announcesPerSecond * ANNOUNCE_BYTES };
    });
  }

  cutOf(arc: Arc, share: number): string | undefined {
    const swarms = this.#swarmsIn(arc);
    const total = swarms.reduce((sum, { load }) => sum + load, 0);
    let sum = 0;
    for (const [i, { rank, load }] of swarms.entries()) {
      sum += load;
      if (sum >= share * total) return i < swarms.length - 1 && total > 0 ? this.#space.hashes[rank] : undefined;
    }
    return undefined;
  }

  hottest(): readonly HotHash[] {
    const left = this.#left();
    const hot: { rank: number; load: number }[] = [];
    for (const { rank, load } of this.#inOrder) if (left * load > HOT_LOAD_MIN) hot.push({ rank, load: left * load });
    hot.sort((a, b) => b.load - a.load || a.rank - b.rank);
    return hot.slice(0, HOTTEST).map(({ rank, load }) => {
      return { infoHash: this.#space.hashes[rank]!, announcesPerSecond: load / (LOAD_WINDOW_MS / 1000) };
    });
  }

  #merge(rank: number, peer: number, stamp: number): void {
    let swarm = this.#swarms.get(rank);
    const held = swarm?.peers.get(peer);
    if (held !== undefined && held >= stamp) return;
    if (stamp % FLAGS >= IS_GONE) {
      if (swarm && held !== undefined) this.#drop(rank, swarm, peer);
      return;
    }
    if (!swarm) {
      swarm = { rank, peers: new Map(), load: 0 };
      this.#swarms.set(rank, swarm);
      this.#sorted = undefined;
    }
    if (held === undefined) this.#peers++;
    swarm.peers.set(peer, stamp);
    this.#touched.add(rank);
  }

  #drop(rank: number, swarm: Swarm, peer: number): void {
    swarm.peers.delete(peer);
    this.#touched.add(rank);
    this.#peers--;
    if (swarm.peers.size > 0) return;
    this.#swarms.delete(rank);
    this.#sorted = undefined;
  }

  #bear(rank: number): void {
    const swarm = this.#swarms.get(rank);
    if (!swarm) return;
    const left = this.#left();
    swarm.load += 1 / left;
  }

  /** What is left now of a load of the epoch: every load fades alike. The epoch moves on before the numbers get large. */
  #left(): number {
    const now = this.#worldMs();
    if (now - this.#epochMs > EPOCH_MS) {
      const left = fading(now - this.#epochMs);
      for (const swarm of this.#swarms.values()) swarm.load *= left;
      this.#epochMs = now;
    }
    return fading(now - this.#epochMs);
  }

  get #inOrder(): readonly Swarm[] {
    this.#sorted ??= [...this.#swarms.values()].sort((a, b) => a.rank - b.rank);
    return this.#sorted;
  }

  /** What is kept here of an arc, in its order. */
  #swarmsIn(arc: Arc): readonly Swarm[] {
    const { first, count } = this.#space.ranksOf(arc);
    const end = first + count;
    const swarms = slice(this.#inOrder, first, Math.min(end, this.#space.count));
    return end <= this.#space.count ? swarms : [...swarms, ...slice(this.#inOrder, 0, end - this.#space.count)];
  }
}

function fading(ms: number): number {
  return Math.exp(-ms / LOAD_WINDOW_MS);
}

/** Those with ranks in [from, to). */
function slice(sorted: readonly Swarm[], from: number, to: number): readonly Swarm[] {
  return sorted.slice(indexOf(sorted, from), indexOf(sorted, to));
}

function indexOf(sorted: readonly Swarm[], least: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]!.rank < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

function encode(triples: readonly number[]): Uint8Array {
  const bytes = new Uint8Array((triples.length / 3) * PEER_BYTES);
  const view = new DataView(bytes.buffer);
  for (let i = 0, at = 0; i < triples.length; i += 3, at += PEER_BYTES) {
    view.setUint32(at, triples[i]!);
    view.setUint32(at + 4, triples[i + 1]!);
    view.setFloat64(at + 8, triples[i + 2]!);
  }
  return bytes;
}
