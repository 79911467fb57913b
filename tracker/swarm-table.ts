/**
 * Every swarm this supernode tracks: who seeds, who leeches, how often it was completed. Hard caps on swarms and
 * peers; at a cap the least proven swarm of one peer makes room, and a swarm of several peers never does, so that a
 * flood of random hashes displaces the flood. It holds no clock and knows nothing of requests.
 */

import { assert, INFO_HASH_BYTES, type Instant } from '../src/base/index.ts';
import { CompletedHosts } from './completed-hosts.ts';
import { ENDPOINT4_BYTES, ENDPOINT6_BYTES } from './endpoint-sizes.ts';
import type { HashKey } from './keyed-hash.ts';
import { MINUTES_MODULUS, PeerGroups } from './peer-groups.ts';
import { NO_SLOT, SwarmIndex } from './swarm-index.ts';

export interface SwarmTableOptions {
  readonly swarmsMax: number;
  /** Peers of both address families together. */
  readonly peersMax: number;
  readonly hashKey: HashKey;
}

/** How many take part in a swarm, and how many finished. */
export interface SwarmCounts {
  readonly seeders: number;
  readonly leechers: number;
  readonly completions: number;
}

/** What one supernode tells another about a peer. */
export interface PeerWord {
  readonly isSeeder: boolean;
  readonly isCompleted: boolean;
  readonly isStopped: boolean;
  /** Minutes since the peer announced. */
  readonly ageMinutes: number;
}

/** A swarm without peers is kept this long for its completion count. */
export const EMPTY_SWARM_MINUTES: number = 24 * 60;

// A second announce this much later is what a flood of random hashes does not trouble to send.
const PROVEN_AFTER_MINUTES = 4;
// Peers that one slot gives up in one step of a sweep while a cap is exceeded (1 ms).
const TRIM_MAX = 4096;
// Slots looked at for one victim, and how many more when none of them is a clear one (10 us at worst).
const VICTIM_SAMPLE = 32;
const VICTIM_SEARCH_MAX = 1024;
// 2^32 over the golden ratio: steps of this size spread a sample evenly over any number of slots.
const GOLDEN_STEP = 0x9e3779b1;
// What a swarm is worth when another needs its place: one of several peers is never closed for room.
const STANDING = { empty: 0, unproven: 1, proven: 2, several: 3 } as const;
const MINUTE_MASK = MINUTES_MODULUS - 1;

/** The table of swarms. Slots are only good until the next call that may change the table. */
export class SwarmTable {
  readonly #sizes: { readonly swarmsMax: number; readonly peersMax: number };
  #peersMax: number;
  readonly #swarms: SwarmIndex;
  readonly #peers4: PeerGroups;
  readonly #peers6: PeerGroups;
  readonly #completions: Uint32Array;
  readonly #completedHosts: CompletedHosts;
  #isCompletion = false;
  /** Minute of the swarm's last announce. */
  readonly #seen: Uint16Array;
  /** 1 once a peer came back after some minutes. */
  readonly #isProven: Uint8Array;
  #victimHand = 0;
  /** A whole sweep did not get under a lowered cap by closing small swarms. */
  #closesAny = false;
  // Where the sweep goes on: slot, family, and the position below which it has not looked yet.
  #sweepSlot = 0;
  #sweepsPeers6 = false;
  #sweepPosition = 0;

  constructor(options: SwarmTableOptions) {
    const { swarmsMax, peersMax, hashKey } = options;
    this.#sizes = { swarmsMax, peersMax };
    this.#peersMax = peersMax;
    this.#swarms = new SwarmIndex(swarmsMax, hashKey);
    this.#peers4 = new PeerGroups(ENDPOINT4_BYTES, swarmsMax, peersMax, hashKey);
    this.#peers6 = new PeerGroups(ENDPOINT6_BYTES, swarmsMax, peersMax, hashKey);
    this.#completions = new Uint32Array(swarmsMax);
    this.#completedHosts = new CompletedHosts(hashKey);
    this.#seen = new Uint16Array(swarmsMax);
    this.#isProven = new Uint8Array(swarmsMax);
  }

  get swarmCount(): number {
    return this.#swarms.count;
  }

  get peerCount(): number {
    return this.#peers4.count + this.#peers6.count;
  }

  /** Every swarm's slot is below this. */
  get slotsEnd(): number {
    return this.#swarms.slotsEnd;
  }

  /** The 20 bytes of a slot's info hash, a view; undefined for a slot that is free. */
  infoHashAt(slot: number): Uint8Array | undefined {
    return this.#swarms.isUsed(slot) ? this.#swarms.infoHash(slot) : undefined;
  }

  /** Minutes since somebody announced to a swarm. */
  quietMinutes(slot: number, now: Instant): number {
    return (minuteOf(now) - this.#seen[slot]!) & MINUTE_MASK;
  }

  /** Minutes since the peer at `position` announced. */
  ageMinutes(slot: number, endpointBytes: number, position: number, now: Instant): number {
    return this.peersOf(endpointBytes).age(slot, position, minuteOf(now));
  }

  /** The records of one family, to be read; whoever changes them goes through the table. */
  peersOf(endpointBytes: number): PeerGroups {
    return endpointBytes === ENDPOINT4_BYTES ? this.#peers4 : this.#peers6;
  }

  /**
   * Changes the caps, at most to the sizes that the table was made with: it is never allocated anew, and more takes a
   * restart. What is above a lower cap goes within two sweeps.
   */
  cap(swarmsMax: number, peersMax: number): void {
    this.#swarms.countMax = Math.min(swarmsMax, this.#sizes.swarmsMax);
    this.#peersMax = Math.min(peersMax, this.#sizes.peersMax);
    this.#closesAny = false;
  }

  /** The slot of a swarm, or NO_SLOT. */
  slotOf(infoHash: Uint8Array): number {
    return this.#swarms.find(infoHash);
  }

  seeders(slot: number): number {
    return this.#peers4.seeders(slot) + this.#peers6.seeders(slot);
  }

  leechers(slot: number): number {
    return this.#peers4.leechers(slot) + this.#peers6.leechers(slot);
  }

  completions(slot: number): number {
    return this.#completions[slot]!;
  }

  /** The counts of a swarm, undefined when it is not tracked. */
  counts(infoHash: Uint8Array): SwarmCounts | undefined {
    const slot = this.slotOf(infoHash);
    if (slot === NO_SLOT) return undefined;
    return { seeders: this.seeders(slot), leechers: this.leechers(slot), completions: this.completions(slot) };
  }

  /**
   * Notes an announce.
   * @param infoHash 20 bytes
   * @param endpoint 6 or 18 bytes: address and port
   * @param isCompleted the peer says it has just finished; counted where it was known to leech, once per peer and host
   * @returns the swarm's slot; NO_SLOT when the table is full of swarms that must stay
   */
  note(infoHash: Uint8Array, endpoint: Uint8Array, isSeeder: boolean, isCompleted: boolean, now: Instant): number {
    const minute = minuteOf(now);
    const groups = this.#groupsOf(endpoint);
    let slot = this.#swarms.find(infoHash);
    if (slot === NO_SLOT) slot = this.#open(infoHash, minute);
    if (slot === NO_SLOT) return NO_SLOT;
    const position = groups.locate(slot, endpoint);
    const hadHistory = position >= 0 && (!groups.isSeeder(slot, position) || groups.isCompleted(slot, position));
    this.#isCompletion = isCompleted && hadHistory;
    if (position >= 0) {
      const silence = groups.renew(slot, position, isSeeder, minute);
      if (silence >= PROVEN_AFTER_MINUTES) this.#isProven[slot] = 1;
    } else if (!this.#admit(slot, groups, endpoint, isSeeder, minute)) {
      this.#closeIfBare(slot);
      return NO_SLOT;
    }
    this.#seen[slot] = minute;
    const isFirst = this.#isCompletion && groups.markCompleted(slot, endpoint);
    if (isFirst && this.#completedHosts.mark(infoHash, endpoint)) this.#completions[slot]!++;
    return slot;
  }

  /** Whether the announce noted last was a completion by somebody who was known to leech before. */
  get isCompletion(): boolean {
    return this.#isCompletion;
  }

  /**
   * Takes another supernode's count of completions, and opens the swarm for it where there is room. Counts of one swarm
   * are not added up: each owner that noted the same completion has it in its own.
   */
  takeCompletions(infoHash: Uint8Array, completions: number, quietMinutes: number, now: Instant): void {
    if (completions === 0) return;
    const slot = this.#openTaken(infoHash, quietMinutes, now);
    if (slot !== NO_SLOT && completions > this.#completions[slot]!) this.#completions[slot] = completions;
  }

  /**
   * Takes another supernode's word about a peer. It keeps its age, takes nobody's place, and counts for less than what
   * the peer itself said here.
   */
  take(infoHash: Uint8Array, endpoint: Uint8Array, word: PeerWord, now: Instant): void {
    const minute = minuteOf(now);
    const groups = this.#groupsOf(endpoint);
    let slot = this.#swarms.find(infoHash);
    const position = slot === NO_SLOT ? -1 : groups.locate(slot, endpoint);
    if (position >= 0) {
      if (word.isCompleted) groups.markCompleted(slot, endpoint);
      const age = groups.age(slot, position, minute);
      // Within one minute a forwarded announce follows the one before it, and the peer's own word here stands.
      const isNews = word.ageMinutes < age || (word.ageMinutes === age && groups.isTaken(slot, position));
      if (!isNews) return;
      if (word.isStopped) this.#remove(slot, groups, position);
      else groups.renew(slot, position, word.isSeeder, minute - word.ageMinutes, true);
    } else if (!word.isStopped && this.peerCount < this.#peersMax) {
      slot = this.#openTaken(infoHash, word.ageMinutes, now);
      if (slot === NO_SLOT) return;
      if (groups.insert(slot, endpoint, word.isSeeder, minute - word.ageMinutes, true)) {
        if (word.isCompleted) groups.markCompleted(slot, endpoint);
        if (word.ageMinutes < this.quietMinutes(slot, now)) this.#seen[slot] = (minute - word.ageMinutes) & MINUTE_MASK;
      } else this.#closeIfBare(slot);
    }
  }

  /** Forgets a peer that stopped; a swarm nobody completed goes with its last peer. */
  drop(infoHash: Uint8Array, endpoint: Uint8Array): void {
    const slot = this.#swarms.find(infoHash);
    if (slot === NO_SLOT) return;
    const groups = this.#groupsOf(endpoint);
    const position = groups.locate(slot, endpoint);
    if (position >= 0) this.#remove(slot, groups, position);
  }

  /** How many of one family a window could hold at most, the asker included. */
  available(slot: number, endpointBytes: number, leechersOnly: boolean): number {
    const groups = this.peersOf(endpointBytes);
    return leechersOnly ? groups.leechers(slot) : groups.size(slot);
  }

  /** Copies up to `wanted` endpoints of one family to `out`, never the asker's own; returns how many. */
  copyWindow(
    slot: number,
    endpointBytes: number,
    wanted: number,
    leechersOnly: boolean,
    asker: Uint8Array,
    out: Uint8Array,
    at: number,
  ): number {
    const groups = this.peersOf(endpointBytes);
    const self = asker.length === endpointBytes ? groups.locate(slot, asker) : -1;
    return groups.copyWindow(slot, wanted, leechersOnly, self, out, at);
  }

  /**
   * Goes on looking for peers silent for more than `lifetimeMinutes` and for empty swarms past their time.
   * @param budget peers and slots to look at in this call; a pass over everything takes `peerCount + slotsEnd`
   */
  sweep(now: Instant, lifetimeMinutes: number, budget: number): void {
    const minute = minuteOf(now);
    for (let left = budget; left > 0; ) {
      if (this.#sweepSlot >= this.#swarms.slotsEnd) {
        this.#closesAny = this.swarmCount > this.#swarms.countMax;
        this.#sweepTo(0);
        if (this.#swarms.slotsEnd === 0) return;
      }
      const groups = this.#sweepsPeers6 ? this.#peers6 : this.#peers4;
      const to = Math.min(this.#sweepPosition, groups.size(this.#sweepSlot));
      const from = Math.max(0, to - left);
      groups.expire(this.#sweepSlot, from, to, minute, lifetimeMinutes);
      this.#sweepPosition = from;
      left -= to - from;
      if (from > 0) continue;
      if (this.#sweepsPeers6) {
        this.#closeIfOver(this.#sweepSlot, minute);
        this.#trim(this.#sweepSlot, minute);
        this.#sweepTo(this.#sweepSlot + 1);
        left--;
      } else {
        this.#sweepsPeers6 = true;
        this.#sweepPosition = this.#peers6.size(this.#sweepSlot);
      }
    }
  }

  /** Peers and slots that one whole sweep looks at. */
  get sweepLength(): number {
    return this.peerCount + this.#swarms.slotsEnd;
  }

  /** Recounts everything; throws when any invariant is broken. For tests. */
  check(): void {
    this.#swarms.check();
    let peers = 0;
    let units4 = 0;
    let units6 = 0;
    for (let slot = 0; slot < this.#swarms.slotsEnd; slot++) {
      units4 += this.#peers4.check(slot);
      units6 += this.#peers6.check(slot);
      peers += this.#size(slot);
      if (this.#swarms.isUsed(slot)) continue;
      assert(this.#size(slot) === 0 && this.#completions[slot] === 0, 'a free slot holds nothing');
    }
    this.#peers4.checkUnits(units4);
    this.#peers6.checkUnits(units6);
    assert(peers === this.peerCount, 'the count of peers is right');
    assert(peers <= this.#sizes.peersMax, 'peers stay under their cap');
  }

  #groupsOf(endpoint: Uint8Array): PeerGroups {
    assert(endpoint.length === ENDPOINT4_BYTES || endpoint.length === ENDPOINT6_BYTES, 'an endpoint is v4 or v6');
    return this.peersOf(endpoint.length);
  }

  #size(slot: number): number {
    return this.#peers4.size(slot) + this.#peers6.size(slot);
  }

  #open(infoHash: Uint8Array, minute: number): number {
    assert(infoHash.length === INFO_HASH_BYTES, 'an info hash is 20 bytes');
    if (this.#swarms.isFull && !this.#evict(STANDING.empty, STANDING.proven, NO_SLOT, minute)) return NO_SLOT;
    return this.#swarms.add(infoHash);
  }

  /** The slot of a swarm that another supernode tells of; opened only where there is room. */
  #openTaken(infoHash: Uint8Array, quietMinutes: number, now: Instant): number {
    const known = this.#swarms.find(infoHash);
    if (known !== NO_SLOT) return known;
    const slot = this.#swarms.add(infoHash);
    if (slot !== NO_SLOT) this.#seen[slot] = (minuteOf(now) - quietMinutes) & MINUTE_MASK;
    return slot;
  }

  #remove(slot: number, groups: PeerGroups, position: number): void {
    groups.remove(slot, position);
    this.#closeIfBare(slot);
  }

  /** Closes a swarm of which there is nothing to tell. */
  #closeIfBare(slot: number): void {
    if (this.#size(slot) === 0 && this.#completions[slot] === 0) this.#close(slot);
  }

  /** Gives up a slot's share of what is above lowered caps. */
  #trim(slot: number, minute: number): void {
    if (!this.#swarms.isUsed(slot)) return;
    for (const groups of [this.#peers4, this.#peers6]) {
      const excess = this.peerCount - this.#peersMax;
      if (excess <= 0) break;
      const share = Math.ceil((groups.size(slot) * excess) / this.peerCount);
      for (let left = Math.min(share, TRIM_MAX); left > 0; left--) groups.removeStale(slot, minute);
      this.#closeIfBare(slot);
      if (!this.#swarms.isUsed(slot)) return;
    }
    if (this.swarmCount > this.#swarms.countMax && (this.#closesAny || this.#size(slot) <= 1)) this.#close(slot);
  }

  #close(slot: number): void {
    this.#peers4.clear(slot);
    this.#peers6.clear(slot);
    this.#completions[slot] = 0;
    this.#isProven[slot] = 0;
    this.#swarms.remove(slot);
  }

  #closeIfOver(slot: number, minute: number): void {
    if (!this.#swarms.isUsed(slot) || this.#size(slot) > 0) return;
    const silence = (minute - this.#seen[slot]!) & MINUTE_MASK;
    if (this.#completions[slot] === 0 || silence > EMPTY_SWARM_MINUTES) this.#close(slot);
  }

  /** Adds a new peer, in another's place where the table or the swarm is full. */
  #admit(slot: number, groups: PeerGroups, endpoint: Uint8Array, isSeeder: boolean, minute: number): boolean {
    // A swarm that has peers to replace takes room from unproven swarms only, or one hash could eat the table.
    const standingMax = groups.size(slot) > 0 ? STANDING.unproven : STANDING.proven;
    const hasRoom = this.peerCount < this.#peersMax || this.#evict(STANDING.unproven, standingMax, slot, minute);
    if (hasRoom && groups.insert(slot, endpoint, isSeeder, minute)) return true;
    if (groups.size(slot) === 0) return false;
    groups.removeStale(slot, minute);
    return groups.insert(slot, endpoint, isSeeder, minute);
  }

  /** Closes the swarm of lowest standing, then longest silence, in a sample; false when there is none. */
  #evict(standingMin: number, standingMax: number, except: number, minute: number): boolean {
    const end = this.#swarms.slotsEnd;
    let victim = NO_SLOT;
    let lowest = Number.POSITIVE_INFINITY;
    const clear = STANDING.proven * MINUTES_MODULUS - MINUTE_MASK;
    for (let i = 0; i < VICTIM_SEARCH_MAX && (i < VICTIM_SAMPLE || lowest >= clear); i++) {
      this.#victimHand = (this.#victimHand + GOLDEN_STEP) >>> 0;
      const slot = Math.floor((this.#victimHand / 0x1_0000_0000) * end);
      if (slot === except || !this.#swarms.isUsed(slot)) continue;
      const standing = this.#standingOf(slot);
      if (standing < standingMin || standing > standingMax) continue;
      const worth = standing * MINUTES_MODULUS - ((minute - this.#seen[slot]!) & MINUTE_MASK);
      if (worth < lowest) [lowest, victim] = [worth, slot];
    }
    if (victim === NO_SLOT) return false;
    this.#close(victim);
    return true;
  }

  #standingOf(slot: number): number {
    const size = this.#size(slot);
    if (size > 1) return STANDING.several;
    if (size === 0) return STANDING.empty;
    return this.#isProven[slot] === 1 ? STANDING.proven : STANDING.unproven;
  }

  #sweepTo(slot: number): void {
    this.#sweepSlot = slot;
    this.#sweepsPeers6 = false;
    this.#sweepPosition = slot < this.#swarms.slotsEnd ? this.#peers4.size(slot) : 0;
  }
}

function minuteOf(now: Instant): number {
  return Math.floor(now / 60_000) & MINUTE_MASK;
}
