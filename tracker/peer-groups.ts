/**
 * The peers of one address family, grouped by swarm: each group is one contiguous run of records, leechers first,
 * so that an answer is a copy of bytes and a seeder can be shown leechers only. No object stands for a peer or a
 * group. Every array is sized once by the caps; pages never touched cost address space, not memory.
 */
import { assert } from '../src/base/index.ts';
import { BuddyBlocks, ORDER_MIN } from './buddy-blocks.ts';
import { type HashKey, keyedHash } from './keyed-hash.ts';

/** Most peers of one family in one swarm: the bound on one re-indexing (10 ms); hotter hashes are widened over owners. */
export const GROUP_PEERS_MAX = 262_144;
/** Minutes are kept modulo this (11 days); sweeps see every peer far more often. */
export const MINUTES_MODULUS = 16_384;
/** Most positions that one step of a walk gives: in an index at most half full a run this long has a chance of 1e-40. */
export const WALK_POSITIONS_MAX = 512;
/** Steps of walks are below this: as many as the largest index has places. */
export const WALK_END: number = 2 * 2 * GROUP_PEERS_MAX;

// Groups of 128 records and more have a hash index from peer to position; smaller ones are scanned.
const INDEXED_ORDER = 7;
const COMPLETED = 0x8000;
/** Another supernode's word, until the peer announces here. */
const TAKEN = 0x4000;
const MINUTE = 0x3fff;
const STALEST_SAMPLE = 16;
const NOWHERE = -1;
// Below this many bytes a loop beats the call into the engine's copy.
const SHORT_COPY_BYTES = 48;

/** Peer records of one family; `group` is the swarm's slot, `endpoint` is address and port as on the wire. */
export class PeerGroups {
  /** 6 for IPv4, 18 for IPv6. */
  readonly endpointBytes: number;
  /** Peers in all groups. */
  count = 0;
  /** Where the next step of the walk begins; 0 when it is through. */
  walkedTo = 0;
  readonly #key: HashKey;
  readonly #blocks: BuddyBlocks;
  readonly #endpoints: Uint8Array;
  /** Minute of the last announce, whether the peer's completion was counted, and whether it announced here. */
  readonly #seen: Uint16Array;
  /** Position + 1 by hash, twice as many places as the block has records, at twice its offset. 0 is empty. */
  readonly #index: Int32Array;
  readonly #offsets: Uint32Array;
  /** Order of the group's block; 0 when it has none. */
  readonly #orders: Uint8Array;
  readonly #leechers: Uint32Array;
  readonly #seeders: Uint32Array;
  /** Where the next window starts: of everybody, and of leechers alone. */
  readonly #cursors: Uint32Array;
  readonly #leecherCursors: Uint32Array;

  constructor(endpointBytes: number, groupsMax: number, peersMax: number, key: HashKey) {
    // A block is at least half full when it grows; the same again leaves room for those half-empty ones.
    const units = 2 ** Math.ceil(Math.log2(Math.max(2, peersMax) * 2));
    this.endpointBytes = endpointBytes;
    this.#key = key;
    this.#blocks = new BuddyBlocks(units);
    this.#endpoints = new Uint8Array(units * endpointBytes);
    this.#seen = new Uint16Array(units);
    this.#index = new Int32Array(units * 2);
    this.#offsets = new Uint32Array(groupsMax);
    this.#orders = new Uint8Array(groupsMax);
    this.#leechers = new Uint32Array(groupsMax);
    this.#seeders = new Uint32Array(groupsMax);
    this.#cursors = new Uint32Array(groupsMax);
    this.#leecherCursors = new Uint32Array(groupsMax);
  }

  leechers(group: number): number {
    return this.#leechers[group]!;
  }

  seeders(group: number): number {
    return this.#seeders[group]!;
  }

  size(group: number): number {
    return this.#leechers[group]! + this.#seeders[group]!;
  }

  /** The peer's position in its group, or -1. */
  locate(group: number, endpoint: Uint8Array): number {
    const size = this.size(group);
    if (this.#orders[group]! >= INDEXED_ORDER) return this.#index[this.#placeOf(group, endpoint, 0)]! - 1;
    const width = this.endpointBytes;
    const records = this.#endpoints;
    let at = this.#offsets[group]! * width;
    for (let position = 0; position < size; position++, at += width) {
      // From the end: ports differ more than addresses of one network do.
      let i = width - 1;
      while (i >= 0 && records[at + i] === endpoint[i]) i--;
      if (i < 0) return position;
    }
    return NOWHERE;
  }

  /** Adds a peer that is not there yet; false when neither the group nor the space can take it. */
  insert(group: number, endpoint: Uint8Array, isSeeder: boolean, minute: number, isTaken = false): boolean {
    const size = this.size(group);
    const order = this.#orders[group]!;
    if (size >= GROUP_PEERS_MAX) return false;
    if (order === 0 || size === 2 ** order) {
      if (!this.#resize(group, order === 0 ? ORDER_MIN : order + 1)) return false;
    }
    let position = size;
    const leechers = this.#leechers[group]!;
    if (isSeeder) {
      this.#seeders[group]!++;
    } else {
      this.#leechers[group]!++;
      if (leechers < size) this.#move(group, leechers, size);
      position = leechers;
    }
    const record = this.#offsets[group]! + position;
    this.#endpoints.set(endpoint, record * this.endpointBytes);
    this.#seen[record] = (minute & MINUTE) | (isTaken ? TAKEN : 0);
    if (this.#orders[group]! >= INDEXED_ORDER) this.#index[this.#placeOf(group, endpoint, 0)] = position + 1;
    this.count++;
    return true;
  }

  /** Notes an announce of the peer at `position`; returns the minutes since its last one. */
  renew(group: number, position: number, isSeeder: boolean, minute: number, isTaken = false): number {
    const record = this.#offsets[group]! + position;
    const seen = this.#seen[record]!;
    // Who announced here once stays known as such: a later word of another supernode does not take that away.
    this.#seen[record] = (seen & (isTaken ? COMPLETED | TAKEN : COMPLETED)) | (minute & MINUTE);
    const leechers = this.#leechers[group]!;
    if (isSeeder && position < leechers) {
      this.#swap(group, position, leechers - 1);
      this.#leechers[group]!--;
      this.#seeders[group]!++;
    } else if (!isSeeder && position >= leechers) {
      this.#swap(group, position, leechers);
      this.#leechers[group]!++;
      this.#seeders[group]!--;
    }
    return (minute - (seen & MINUTE)) & MINUTE;
  }

  /** Marks the peer's completion; false when it was marked before. */
  markCompleted(group: number, endpoint: Uint8Array): boolean {
    const record = this.#offsets[group]! + this.locate(group, endpoint);
    const isFirst = (this.#seen[record]! & COMPLETED) === 0;
    this.#seen[record]! |= COMPLETED;
    return isFirst;
  }

  /** Minutes since the last announce of the peer at `position`. */
  age(group: number, position: number, minute: number): number {
    return (minute - this.#seen[this.#offsets[group]! + position]!) & MINUTE;
  }

  isTaken(group: number, position: number): boolean {
    return (this.#seen[this.#offsets[group]! + position]! & TAKEN) !== 0;
  }

  isCompleted(group: number, position: number): boolean {
    return (this.#seen[this.#offsets[group]! + position]! & COMPLETED) !== 0;
  }

  isSeeder(group: number, position: number): boolean {
    return position >= this.#leechers[group]!;
  }

  /** Copies the endpoint at `position` to `out` at `at`. */
  copyEndpoint(group: number, position: number, out: Uint8Array, at: number): void {
    this.#copyRecords(group, position, position + 1, out, at);
  }

  /** Removes the peer at `position`; those at lower positions and of its own role keep theirs or move into the gap. */
  remove(group: number, position: number): void {
    if (this.#orders[group]! >= INDEXED_ORDER) this.#unindex(group, position);
    let gap = position;
    const leechers = this.#leechers[group]!;
    const last = this.size(group) - 1;
    if (gap < leechers) {
      if (gap < leechers - 1) this.#move(group, leechers - 1, gap);
      gap = leechers - 1;
      this.#leechers[group]!--;
    } else {
      this.#seeders[group]!--;
    }
    if (gap < last) this.#move(group, last, gap);
    this.count--;
    this.#shrink(group, last);
  }

  /** Removes the peer that was silent longest among a few, one that never announced here first; the group has one. */
  removeStale(group: number, minute: number): void {
    const size = this.size(group);
    const offset = this.#offsets[group]!;
    let stalest = 0;
    let longest = -1;
    for (let i = 0; i < Math.min(size, STALEST_SAMPLE); i++) {
      const position = (this.#cursors[group]! + i) % size;
      const seen = this.#seen[offset + position]!;
      const age = ((minute - seen) & MINUTE) + ((seen & TAKEN) !== 0 ? MINUTES_MODULUS : 0);
      if (age > longest) [longest, stalest] = [age, position];
    }
    this.remove(group, stalest);
  }

  /** Removes the peers among positions [from, to) that were silent for more than `lifetimeMinutes`. */
  expire(group: number, from: number, to: number, minute: number, lifetimeMinutes: number): void {
    // Downwards: what moves into a gap comes from above and was looked at already.
    for (let position = to - 1; position >= from; position--) {
      const seen = this.#seen[this.#offsets[group]! + position]!;
      if (((minute - seen) & MINUTE) > lifetimeMinutes) this.remove(group, position);
    }
  }

  /** Removes everybody. */
  clear(group: number): void {
    const order = this.#orders[group]!;
    if (order !== 0) this.#blocks.give(this.#offsets[group]!, order);
    this.count -= this.size(group);
    this.#orders[group] = 0;
    this.#leechers[group] = 0;
    this.#seeders[group] = 0;
    this.#cursors[group] = 0;
    this.#leecherCursors[group] = 0;
  }

  /**
   * Copies up to `wanted` endpoints to `out` at `at` and returns how many. Windows follow each other around the
   * group, so that everybody is handed out equally often; `self` (a position, or -1) is left out.
   */
  copyWindow(group: number, wanted: number, leechersOnly: boolean, self: number, out: Uint8Array, at: number): number {
    const among = leechersOnly ? this.#leechers[group]! : this.size(group);
    const isAmong = self >= 0 && self < among;
    const copied = Math.min(wanted, isAmong ? among - 1 : among);
    if (copied <= 0) return 0;
    const cursors = leechersOnly ? this.#leecherCursors : this.#cursors;
    const start = cursors[group]! % among;
    const span = isAmong && (self - start + among) % among < copied ? copied + 1 : copied;
    const end = start + span;
    let target = this.#copyRun(group, start, Math.min(end, among), self, out, at);
    if (end > among) target = this.#copyRun(group, 0, end - among, self, out, target);
    cursors[group] = end % among;
    assert(target === at + copied * this.endpointBytes, 'a window holds what it says');
    return copied;
  }

  /**
   * One step of a walk that sees everybody who is in the group from its first step to its last, whatever comes, goes and
   * changes places meanwhile: positions move, but an endpoint's home in the index does not, and the order of homes stays
   * the same when the index grows or shrinks. Sets `walkedTo`.
   * @param from 0 begins; then what `walkedTo` was
   * @param out takes the positions
   * @returns how many
   */
  walk(group: number, from: number, out: Uint32Array): number {
    this.walkedTo = 0;
    let found = 0;
    if (this.#orders[group]! < INDEXED_ORDER) {
      for (const size = this.size(group); found < size; found++) out[found] = found;
      return found;
    }
    const base = this.#offsets[group]! * 2;
    const places = 2 ** (this.#orders[group]! + 1);
    const unit = WALK_END / places;
    const first = Math.floor(from / unit);
    let place = first;
    while (place < places && this.#index[base + place] === 0) place++;
    // A run of full places holds everybody whose home is in it, past the end too; longer runs than `out` do not occur.
    for (; found < out.length; place++) {
      const entry = this.#index[base + (place & (places - 1))]!;
      if (entry === 0) break;
      const home = this.#homeOf(group, entry - 1);
      const isOfRun = place < places ? home <= place : home > place - places;
      if (isOfRun && home >= first) out[found++] = entry - 1;
    }
    this.walkedTo = place + 1 < places ? (place + 1) * unit : 0;
    return found;
  }

  /** Recounts one group and follows every index entry; throws when anything disagrees. Returns its units. */
  check(group: number): number {
    const order = this.#orders[group]!;
    const size = this.size(group);
    assert(order === 0 ? size === 0 : size > 0 && size <= 2 ** order, 'a group fits its block');
    const found = new Set<string>();
    for (let position = 0; position < size; position++) {
      const endpoint = this.#endpointAt(group, position);
      assert(this.locate(group, endpoint) === position, 'a peer is found where it is');
      found.add(endpoint.join());
    }
    assert(found.size === size, 'a peer stands once');
    if (order >= INDEXED_ORDER) {
      const base = this.#offsets[group]! * 2;
      const used = this.#index.subarray(base, base + 2 ** (order + 1)).filter((entry) => entry !== 0).length;
      assert(used === size, 'the index holds every peer once');
    }
    return order === 0 ? 0 : 2 ** order;
  }

  /** Checks that the given units and the free ones make up the space. */
  checkUnits(used: number): void {
    assert(used + this.#blocks.countFree() === this.#blocks.units, 'no block is lost');
  }

  #endpointAt(group: number, position: number): Uint8Array {
    const at = (this.#offsets[group]! + position) * this.endpointBytes;
    return this.#endpoints.subarray(at, at + this.endpointBytes);
  }

  #copyRun(group: number, from: number, to: number, self: number, out: Uint8Array, at: number): number {
    if (self < from || self >= to) return this.#copyRecords(group, from, to, out, at);
    const middle = this.#copyRecords(group, from, self, out, at);
    return this.#copyRecords(group, self + 1, to, out, middle);
  }

  #copyRecords(group: number, from: number, to: number, out: Uint8Array, at: number): number {
    const width = this.endpointBytes;
    const source = (this.#offsets[group]! + from) * width;
    const length = (to - from) * width;
    if (length > SHORT_COPY_BYTES) out.set(this.#endpoints.subarray(source, source + length), at);
    else for (let i = 0; i < length; i++) out[at + i] = this.#endpoints[source + i]!;
    return at + length;
  }

  /** Moves the group to a block of another order; false when there is none. */
  #resize(group: number, order: number): boolean {
    const target = this.#blocks.take(order);
    if (target < 0) return false;
    const old = this.#orders[group]!;
    if (old !== 0) {
      const source = this.#offsets[group]!;
      const width = this.endpointBytes;
      const size = this.size(group);
      this.#endpoints.copyWithin(target * width, source * width, (source + size) * width);
      this.#seen.copyWithin(target, source, source + size);
      this.#blocks.give(source, old);
    }
    this.#offsets[group] = target;
    this.#orders[group] = order;
    if (order >= INDEXED_ORDER) this.#rebuildIndex(group);
    return true;
  }

  #shrink(group: number, size: number): void {
    const order = this.#orders[group]!;
    if (size === 0) this.clear(group);
    else if (order > ORDER_MIN && size * 4 <= 2 ** order) this.#resize(group, order - 1);
  }

  #rebuildIndex(group: number): void {
    const base = this.#offsets[group]! * 2;
    this.#index.fill(0, base, base + 2 ** (this.#orders[group]! + 1));
    const size = this.size(group);
    for (let position = 0; position < size; position++) {
      this.#index[this.#emptyPlaceOf(group, position)] = position + 1;
    }
  }

  /** Where the index holds the endpoint found at `bytes[at]`, or the empty place where it belongs. */
  #placeOf(group: number, bytes: Uint8Array, at: number): number {
    const width = this.endpointBytes;
    const base = this.#offsets[group]! * 2;
    const mask = 2 ** (this.#orders[group]! + 1) - 1;
    let place = homeIn(mask, keyedHash(this.#key, bytes, at, width));
    for (let entry = this.#index[base + place]!; entry !== 0; entry = this.#index[base + place]!) {
      const record = (this.#offsets[group]! + entry - 1) * width;
      let i = width - 1;
      while (i >= 0 && this.#endpoints[record + i] === bytes[at + i]) i--;
      if (i < 0) break;
      place = (place + 1) & mask;
    }
    return base + place;
  }

  /** The empty place for a record that is known not to be indexed. */
  #emptyPlaceOf(group: number, position: number): number {
    const base = this.#offsets[group]! * 2;
    const mask = 2 ** (this.#orders[group]! + 1) - 1;
    let place = this.#homeOf(group, position);
    while (this.#index[base + place] !== 0) place = (place + 1) & mask;
    return base + place;
  }

  #homeOf(group: number, position: number): number {
    const width = this.endpointBytes;
    const mask = 2 ** (this.#orders[group]! + 1) - 1;
    return homeIn(mask, keyedHash(this.#key, this.#endpoints, (this.#offsets[group]! + position) * width, width));
  }

  /** Empties the index place of a record and closes the gap, so that no probe ends early. */
  #unindex(group: number, position: number): void {
    const base = this.#offsets[group]! * 2;
    const mask = 2 ** (this.#orders[group]! + 1) - 1;
    let gap = this.#indexPlace(group, position) - base;
    for (let place = (gap + 1) & mask; ; place = (place + 1) & mask) {
      const entry = this.#index[base + place]!;
      if (entry === 0) break;
      const home = this.#homeOf(group, entry - 1);
      if (((place - home) & mask) < ((place - gap) & mask)) continue;
      this.#index[base + gap] = entry;
      gap = place;
    }
    this.#index[base + gap] = 0;
  }

  #indexPlace(group: number, position: number): number {
    return this.#placeOf(group, this.#endpoints, (this.#offsets[group]! + position) * this.endpointBytes);
  }

  /** Copies a record over another one that is no longer (or not yet) indexed. */
  #move(group: number, from: number, to: number): void {
    if (this.#orders[group]! >= INDEXED_ORDER) this.#index[this.#indexPlace(group, from)] = to + 1;
    const offset = this.#offsets[group]!;
    const width = this.endpointBytes;
    const source = (offset + from) * width;
    this.#endpoints.copyWithin((offset + to) * width, source, source + width);
    this.#seen[offset + to] = this.#seen[offset + from]!;
  }

  #swap(group: number, one: number, other: number): void {
    if (one === other) return;
    if (this.#orders[group]! >= INDEXED_ORDER) {
      const onePlace = this.#indexPlace(group, one);
      const otherPlace = this.#indexPlace(group, other);
      this.#index[onePlace] = other + 1;
      this.#index[otherPlace] = one + 1;
    }
    const offset = this.#offsets[group]!;
    const width = this.endpointBytes;
    for (let i = 0; i < width; i++) {
      const at = (offset + one) * width + i;
      const to = (offset + other) * width + i;
      const byte = this.#endpoints[at]!;
      this.#endpoints[at] = this.#endpoints[to]!;
      this.#endpoints[to] = byte;
    }
    const seen = this.#seen[offset + one]!;
    this.#seen[offset + one] = this.#seen[offset + other]!;
    this.#seen[offset + other] = seen;
  }
}

/** The place of a hash in an index of `mask + 1` places, by its first bits: a larger index keeps the order. */
function homeIn(mask: number, hash: number): number {
  return hash >>> Math.clz32(mask);
}
