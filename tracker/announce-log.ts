/**
 * Announces that other supernodes shall hear of, until they are fetched: one ring of typed arrays for all of them, with
 * the receivers of each as bits, so that noting one makes no garbage. When nobody fetches, the oldest are lost, and
 * counted.
 */

import { INFO_HASH_BYTES, type Instant, type NodeId } from '../src/base/index.ts';
import type { AnnounceBatch } from '../src/ports/index.ts';
import { ENDPOINT6_BYTES } from './endpoint-sizes.ts';
import { type HashKey, keyedHash } from './keyed-hash.ts';
import { endpointBytesOf, FLAG, FrameWriter } from './swarm-frames.ts';

/** Announces kept: two seconds of 30,000 a second. */
export const LOGGED_ANNOUNCES_MAX = 65_536;
/** Announces taken at a time, about 10 ms of work: a full log is told in eight parts. */
export const TAKEN_ANNOUNCES_MAX = 8192;
/** Receivers between two fetches: each of 16 ranges may have two replicas, and some are being handed over. */
export const RECEIVERS_MAX = 64;

const WORD_BITS = 32;
const MINUTE_MS = 60_000;

/** The announces since the last fetch. */
export class AnnounceLog {
  /** Announces, times receivers, that nobody was told of: the log or its list of receivers was full. */
  lost = 0;
  readonly #key: HashKey;
  readonly #infoHashes: Uint8Array = new Uint8Array(LOGGED_ANNOUNCES_MAX * INFO_HASH_BYTES);
  readonly #endpoints: Uint8Array = new Uint8Array(LOGGED_ANNOUNCES_MAX * ENDPOINT6_BYTES);
  readonly #flags: Uint8Array = new Uint8Array(LOGGED_ANNOUNCES_MAX);
  readonly #at: Float64Array = new Float64Array(LOGGED_ANNOUNCES_MAX);
  /** The receivers of each, one bit for each of `#receivers`. */
  readonly #low: Uint32Array = new Uint32Array(LOGGED_ANNOUNCES_MAX);
  readonly #high: Uint32Array = new Uint32Array(LOGGED_ANNOUNCES_MAX);
  readonly #receivers: Map<NodeId, number> = new Map();
  readonly #writer: FrameWriter = new FrameWriter();
  #first = 0;
  #count = 0;

  constructor(key: HashKey) {
    this.#key = key;
  }

  /**
   * Notes an accepted announce.
   * @param infoHash 20 bytes
   * @param endpoint 6 or 18 bytes
   * @param flags what the peer says, as in a frame
   */
  note(infoHash: Uint8Array, endpoint: Uint8Array, flags: number, to: readonly NodeId[], now: Instant): void {
    let low = 0;
    let high = 0;
    for (let i = 0; i < to.length; i++) {
      const bit = this.#receiverOf(to[i]!);
      if (bit < 0) this.lost++;
      else if (bit < WORD_BITS) low |= 1 << bit;
      else high |= 1 << (bit - WORD_BITS);
    }
    if ((low | high) === 0) return;
    const place = (this.#first + this.#count) % LOGGED_ANNOUNCES_MAX;
    if (this.#count === LOGGED_ANNOUNCES_MAX) this.#forgetOldest();
    this.#count++;
    for (let i = 0; i < INFO_HASH_BYTES; i++) this.#infoHashes[place * INFO_HASH_BYTES + i] = infoHash[i]!;
    for (let i = 0; i < endpoint.length; i++) this.#endpoints[place * ENDPOINT6_BYTES + i] = endpoint[i]!;
    this.#flags[place] = endpoint.length === ENDPOINT6_BYTES ? flags | FLAG.ip6 : flags;
    this.#at[place] = now;
    this.#low[place] = low;
    this.#high[place] = high;
  }

  /** Whether anything waits to be taken. */
  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /**
   * Takes the oldest that were noted, TAKEN_ANNOUNCES_MAX at most, in frames for each receiver: a swarm's announces
   * together, the older before the newer.
   * @param completionsOf how often the swarm of an info hash was completed
   */
  take(now: Instant, completionsOf: (infoHash: Uint8Array) => number): AnnounceBatch[] {
    const count = Math.min(this.#count, TAKEN_ANNOUNCES_MAX);
    const places = this.#bySwarm(count);
    const batches: AnnounceBatch[] = [];
    for (const [to, bit] of this.#receivers) {
      const receivers = bit < WORD_BITS ? this.#low : this.#high;
      const mask = 1 << (bit % WORD_BITS);
      const own = places.filter((place) => (receivers[place]! & mask) !== 0);
      for (const bytes of this.#framesOf(own, now, completionsOf)) batches.push({ to, bytes });
    }
    this.#first = (this.#first + count) % LOGGED_ANNOUNCES_MAX;
    this.#count -= count;
    if (this.isEmpty) this.#receivers.clear();
    return batches;
  }

  #receiverOf(node: NodeId): number {
    const known = this.#receivers.get(node);
    if (known !== undefined) return known;
    const bit = this.#receivers.size;
    if (bit === RECEIVERS_MAX) return -1;
    this.#receivers.set(node, bit);
    return bit;
  }

  #forgetOldest(): void {
    this.lost += bitsOf(this.#low[this.#first]!) + bitsOf(this.#high[this.#first]!);
    this.#first = (this.#first + 1) % LOGGED_ANNOUNCES_MAX;
    this.#count--;
  }

  /** The first places in use, those of one swarm together and in the order of time. */
  #bySwarm(count: number): Uint32Array {
    const keys = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const place = (this.#first + i) % LOGGED_ANNOUNCES_MAX;
      const hash = keyedHash(this.#key, this.#infoHashes, place * INFO_HASH_BYTES, INFO_HASH_BYTES);
      keys[i] = hash * LOGGED_ANNOUNCES_MAX + i;
    }
    keys.sort();
    const places = new Uint32Array(count);
    for (let i = 0; i < places.length; i++) {
      places[i] = (this.#first + (keys[i]! % LOGGED_ANNOUNCES_MAX)) % LOGGED_ANNOUNCES_MAX;
    }
    return places;
  }

  *#framesOf(
    places: Uint32Array,
    now: Instant,
    completionsOf: (infoHash: Uint8Array) => number,
  ): Generator<Uint8Array> {
    const writer = this.#writer;
    writer.begin();
    let before = -1;
    for (const place of places) {
      if (!writer.hasRoom(1)) {
        yield writer.end();
        writer.begin();
        before = -1;
      }
      // The count is worth looking up only where it changed; 0 changes nothing.
      const hasCompleted = (this.#flags[place]! & FLAG.completed) !== 0;
      if (before < 0 || hasCompleted || !this.#isSameSwarm(before, place)) {
        const from = place * INFO_HASH_BYTES;
        const infoHash = hasCompleted ? this.#infoHashes.subarray(from, from + INFO_HASH_BYTES) : undefined;
        writer.swarm(this.#infoHashes, from, infoHash ? completionsOf(infoHash) : 0, 0);
      }
      before = place;
      this.#write(place, now);
    }
    if (!writer.isEmpty) yield writer.end();
  }

  #write(place: number, now: Instant): void {
    const flags = this.#flags[place]!;
    const at = this.#writer.peer(flags, Math.max(0, Math.floor((now - this.#at[place]!) / MINUTE_MS)));
    const source = place * ENDPOINT6_BYTES;
    const width = endpointBytesOf(flags);
    for (let i = 0; i < width; i++) this.#writer.bytes[at + i] = this.#endpoints[source + i]!;
  }

  #isSameSwarm(one: number, other: number): boolean {
    const [a, b] = [one * INFO_HASH_BYTES, other * INFO_HASH_BYTES];
    for (let i = 0; i < INFO_HASH_BYTES; i++) if (this.#infoHashes[a + i] !== this.#infoHashes[b + i]) return false;
    return true;
  }
}

function bitsOf(word: number): number {
  let bits = 0;
  for (let rest = word; rest !== 0; rest = (rest & (rest - 1)) >>> 0) bits++;
  return bits;
}
