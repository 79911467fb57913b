/**
 * From info hash to slot: open addressing over a keyed hash, slots handed out densely and reused. A slot is the
 * swarm's number in every other array; nothing here knows what a swarm holds.
 */
import { assert, INFO_HASH_BYTES } from '../src/base/index.ts';
import { type HashKey, keyedHash } from './keyed-hash.ts';

/** No such swarm, or no room for one. */
export const NO_SLOT = -1;

/** Slots of at most `slotsMax` info hashes. */
export class SwarmIndex {
  /** Slots that hold an info hash. */
  count = 0;
  /** Every slot in use is below this. */
  slotsEnd = 0;
  /** Most info hashes that are added; at most the slots there are. */
  countMax: number;
  readonly #key: HashKey;
  readonly #mask: number;
  /** Slot + 1 by hash, at most half full; 0 is empty. */
  readonly #places: Int32Array;
  readonly #hashes: Uint32Array;
  readonly #infoHashes: Uint8Array;
  readonly #isUsed: Uint8Array;
  /** Slots given back, the last first. */
  readonly #freeSlots: Uint32Array;
  #freeCount = 0;

  constructor(slotsMax: number, key: HashKey) {
    const places = 2 ** Math.ceil(Math.log2(slotsMax * 2));
    this.#key = key;
    this.countMax = slotsMax;
    this.#mask = places - 1;
    this.#places = new Int32Array(places);
    this.#hashes = new Uint32Array(slotsMax);
    this.#infoHashes = new Uint8Array(slotsMax * INFO_HASH_BYTES);
    this.#isUsed = new Uint8Array(slotsMax);
    this.#freeSlots = new Uint32Array(slotsMax);
  }

  get isFull(): boolean {
    return this.count >= this.countMax;
  }

  isUsed(slot: number): boolean {
    return this.#isUsed[slot] === 1;
  }

  /** The slot of an info hash of 20 bytes, or NO_SLOT. */
  find(infoHash: Uint8Array): number {
    return this.#places[this.#placeOf(infoHash, keyedHash(this.#key, infoHash, 0, INFO_HASH_BYTES))]! - 1;
  }

  /** A slot for an info hash that has none; NO_SLOT when full. */
  add(infoHash: Uint8Array): number {
    if (this.isFull) return NO_SLOT;
    const hash = keyedHash(this.#key, infoHash, 0, INFO_HASH_BYTES);
    const slot = this.#freeCount > 0 ? this.#freeSlots[--this.#freeCount]! : this.slotsEnd++;
    this.#places[this.#placeOf(infoHash, hash)] = slot + 1;
    this.#hashes[slot] = hash;
    this.#infoHashes.set(infoHash, slot * INFO_HASH_BYTES);
    this.#isUsed[slot] = 1;
    this.count++;
    return slot;
  }

  /** Forgets the info hash of a slot and closes the gap, so that no probe ends early. */
  remove(slot: number): void {
    const mask = this.#mask;
    let gap = this.#hashes[slot]! & mask;
    while (this.#places[gap] !== slot + 1) gap = (gap + 1) & mask;
    for (let place = (gap + 1) & mask; this.#places[place] !== 0; place = (place + 1) & mask) {
      const entry = this.#places[place]!;
      const home = this.#hashes[entry - 1]! & mask;
      if (((place - home) & mask) < ((place - gap) & mask)) continue;
      this.#places[gap] = entry;
      gap = place;
    }
    this.#places[gap] = 0;
    this.#isUsed[slot] = 0;
    this.#freeSlots[this.#freeCount++] = slot;
    this.count--;
  }

  /** The 20 bytes of a slot's info hash; a view, not a copy. */
  infoHash(slot: number): Uint8Array {
    return this.#infoHashes.subarray(slot * INFO_HASH_BYTES, (slot + 1) * INFO_HASH_BYTES);
  }

  /** Recounts; throws when anything disagrees. */
  check(): void {
    let used = 0;
    for (let slot = 0; slot < this.slotsEnd; slot++) {
      if (!this.isUsed(slot)) continue;
      used++;
      assert(this.find(this.infoHash(slot)) === slot, 'a swarm is found where it is');
    }
    assert(used === this.count, 'the count of swarms is right');
    assert(this.slotsEnd === this.count + this.#freeCount, 'a slot is in use or free');
    assert(this.#places.filter((entry) => entry !== 0).length === used, 'the index holds every swarm once');
  }

  #placeOf(infoHash: Uint8Array, hash: number): number {
    let place = hash & this.#mask;
    for (let entry = this.#places[place]!; entry !== 0; entry = this.#places[place]!) {
      const slot = entry - 1;
      if (this.#hashes[slot] === hash && this.#isAt(slot, infoHash)) break;
      place = (place + 1) & this.#mask;
    }
    return place;
  }

  #isAt(slot: number, infoHash: Uint8Array): boolean {
    const at = slot * INFO_HASH_BYTES;
    for (let i = 0; i < INFO_HASH_BYTES; i++) if (this.#infoHashes[at + i] !== infoHash[i]) return false;
    return true;
  }
}
