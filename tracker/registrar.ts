/**
 * The part of an announce that no protocol changes: who owns the hash, what the swarm table notes, when to come again,
 * how many peers there are to give. As its bandwidth cap comes near it grants fewer peers and longer intervals, then
 * the shortest answer there is, then none. It knows nothing of how requests and answers are written.
 */

import {
  type Address,
  type Fault,
  type InfoHash,
  type Instant,
  infoHashOfBytes,
  instant,
  isHearsayPort,
  jittered,
  later,
  type NodeId,
  publicFault,
  type Random,
  randomBelow,
} from '../src/base/index.ts';
import type { Owner, Ownership } from '../src/ports/index.ts';
import { AnnounceLog } from './announce-log.ts';
import type { AnnounceRequest } from './announce-request.ts';
import { ENDPOINT4_BYTES, ENDPOINT6_BYTES } from './endpoint-sizes.ts';
import type { HashKey } from './keyed-hash.ts';
import { LoadSamples } from './load-samples.ts';
import { NodeEndpoints } from './node-endpoints.ts';
import { FLAG } from './swarm-frames.ts';
import { NO_SLOT } from './swarm-index.ts';
import { SwarmTable } from './swarm-table.ts';
import { TokenBucket } from './token-bucket.ts';

/** Seconds between two announces of a peer, told with ±10 % so that peers spread out. */
export const INTERVAL_SECONDS = 1800;
const INTERVAL_JITTER = 0.1;
/** Intervals grow up to this factor while bandwidth is short; peers then live longer too. */
const STRETCH_MAX = 2;
/** Peers live for two of the longest intervals told. */
const LIFETIME_MINUTES: number = (2 * INTERVAL_SECONDS * (1 + INTERVAL_JITTER)) / 60;
/** No peer is kept that was silent for longer. */
export const STRETCHED_LIFETIME_MINUTES: number = LIFETIME_MINUTES * STRETCH_MAX;
// However short the bandwidth, a few peers: without any an announce would be useless.
const PEERS_AT_LEAST = 5;
/**
 * Minutes after which who got the shortest answer is asked to come back: soon after a burst, later the longer the
 * shortage lasts; spread, so that not all come at once.
 */
const BUSY_MINUTES = { atMost: 20, perMinute: 2 };
// Half a bucket in debt: with what it holds, 10 s exceed the cap by 7.5 % at most.
const SILENT_LEVEL = -0.5;
// One sweep over everything takes this many calls, one call a second.
const SWEEP_CALLS = 30;
const SWEEP_STEP_MIN = 1000;

export interface TrackerOptions extends TrackingCaps {
  readonly ownership: Ownership;
  readonly random: Random;
  readonly hashKey: HashKey;
}

/** The user's limits on tracking. */
export interface TrackingCaps {
  readonly swarmsMax: number;
  readonly peersMax: number;
  readonly bytesPerSecond: number;
}

/** How much may be said: anything, as little as there is, or nothing. */
export type Brevity = 'free' | 'terse' | 'silent';

/** What an announce came to. */
export interface Registration {
  /** NO_SLOT when there is nobody to name. */
  readonly slot: number;
  /** The asker, 6 or 18 bytes: a view that the next announce overwrites. */
  readonly endpoint: Uint8Array;
  readonly intervalSeconds: number;
  readonly peersWanted: number;
  readonly leechersOnly: boolean;
  /** There is bandwidth for the shortest answer only: the peer is noted, and comes back after `intervalSeconds`. */
  readonly isTerse: boolean;
}

export type RegistrarFault = Fault<'owner-unknown' | 'tracker-full'>;

/** Everything a supernode tracks. */
export class Registrar {
  readonly swarms: SwarmTable;
  readonly nodes: NodeEndpoints;
  /** What others shall hear of. */
  readonly log: AnnounceLog;
  readonly load: LoadSamples;
  /** The time of the last announce or sweep. */
  heardAt: Instant = instant(0);
  readonly #ownership: Ownership;
  readonly #random: Random;
  readonly #bandwidth: TokenBucket;
  readonly #endpoint4: Uint8Array = new Uint8Array(ENDPOINT4_BYTES);
  readonly #endpoint6: Uint8Array = new Uint8Array(ENDPOINT6_BYTES);
  /** What the cap takes off the answer that is being made. */
  #withheldBytes = 0;
  /** Until then a peer may keep to a stretched interval. */
  #stretchedUntil: Instant | undefined;
  /** Since when the bandwidth does not suffice. */
  #shortSince: Instant | undefined;

  constructor(options: TrackerOptions) {
    this.#ownership = options.ownership;
    this.#random = options.random;
    this.swarms = new SwarmTable(options);
    this.nodes = new NodeEndpoints(options.hashKey);
    this.log = new AnnounceLog(options.hashKey);
    this.load = new LoadSamples(options.random);
    this.#bandwidth = new TokenBucket(options.bytesPerSecond);
  }

  /** Whose a hash of 20 bytes is; a fault when nobody is known. */
  ownerOf(infoHash: Uint8Array): Owner | 'self' | RegistrarFault {
    return this.#ownerOf(infoHashOfBytes(infoHash)!);
  }

  /** Sealed descriptors of the owner set of a hash of 20 bytes. */
  recordsOf(infoHash: Uint8Array): readonly Uint8Array[] {
    return this.#ownership.recordsOf(infoHashOfBytes(infoHash)!);
  }

  #ownerOf(infoHash: InfoHash): Owner | 'self' | RegistrarFault {
    const owner = this.#ownership.ownerOf(infoHash);
    return owner ?? publicFault('owner-unknown', 'no supernode is known to track this hash');
  }

  /**
   * Notes an announce; an Owner is somebody else whom the asker should ask.
   * @param source the 4 or 16 address bytes the request came from
   * @param node who asks, where that is proven
   */
  register(
    request: AnnounceRequest,
    source: Uint8Array,
    node: NodeId | undefined,
    now: Instant,
  ): Registration | Owner | RegistrarFault {
    this.heardAt = now;
    const infoHash = infoHashOfBytes(request.infoHash)!;
    const isReplica = request.isOfReplica && node !== undefined && this.#ownership.roleOf(infoHash) === 'replica';
    const owner = isReplica ? 'self' : this.#ownerOf(infoHash);
    if (owner !== 'self') return owner;
    const { event, isSeeder } = request;
    const endpoint = this.#endpointOf(source, request.port);
    this.nodes.note(endpoint, event === 'stopped' ? undefined : node);
    const slot = this.#note(request, endpoint, this.#ownership.copiesOf(infoHash), now);
    if (slot === undefined) return publicFault('tracker-full', 'this supernode has no room for a new swarm');
    this.load.note(request.infoHash, now);
    const shortage = Math.min(1, Math.max(0, 1 - 2 * this.#bandwidth.level(now)));
    const isTerse = this.brevity(now) !== 'free';
    const peersWanted = slot === NO_SLOT || isTerse ? 0 : peersUnder(shortage, request.peersWanted);
    this.#withheldBytes = endpoint.length * this.#withheld(slot, request.peersWanted, peersWanted);
    return {
      slot,
      endpoint,
      intervalSeconds: isTerse ? 60 * this.busyMinutes(now) : this.#interval(shortage, now),
      peersWanted,
      // A client that only has a magnet may say left=0 when it starts, before it knows the size; it needs seeders.
      leechersOnly: isSeeder && event !== 'started',
      isTerse,
    };
  }

  /** What the bandwidth cap leaves room for. */
  brevity(now: Instant): Brevity {
    const level = this.#bandwidth.level(now);
    if (level >= 1) this.#shortSince = undefined;
    else if (level < 0) this.#shortSince ??= now;
    return level >= 0 ? 'free' : level > SILENT_LEVEL ? 'terse' : 'silent';
  }

  /** When to come back, for whoever gets the shortest answer. */
  busyMinutes(now: Instant): number {
    const shortMinutes = (now - (this.#shortSince ?? now)) / 60_000;
    return 1 + randomBelow(this.#random, Math.min(BUSY_MINUTES.atMost, 1 + BUSY_MINUTES.perMinute * shortMinutes));
  }

  /**
   * Changes the caps while it serves. Bandwidth counts at once; what is kept above lower caps on hashes and peers goes
   * within two sweeps. The table is as large as the caps were at the start: caps above that need a restart.
   */
  cap({ swarmsMax, peersMax, bytesPerSecond }: TrackingCaps): void {
    this.#bandwidth.setRate(bytesPerSecond);
    this.swarms.cap(swarmsMax, peersMax);
  }

  #endpointOf(source: Uint8Array, port: number): Uint8Array {
    const endpoint = source.length === 4 ? this.#endpoint4 : this.#endpoint6;
    endpoint.set(source);
    endpoint[source.length] = port >>> 8;
    endpoint[source.length + 1] = port;
    return endpoint;
  }

  /** Notes an announce here and for those that keep copies; the swarm's slot, undefined when there is no room for it. */
  #note(request: AnnounceRequest, endpoint: Uint8Array, copies: readonly NodeId[], now: Instant): number | undefined {
    const { infoHash, event } = request;
    const isStopped = event === 'stopped';
    if (!isStopped && !isHearsayPort(request.port)) return this.swarms.slotOf(infoHash);
    const isSeeder = request.isSeeder && !isStopped;
    const isCompleted = isSeeder && event === 'completed';
    let slot = NO_SLOT;
    if (isStopped) this.swarms.drop(infoHash, endpoint);
    else {
      slot = this.swarms.note(infoHash, endpoint, isSeeder, isCompleted, now);
      if (slot === NO_SLOT) return undefined;
    }
    const isCounted = isCompleted && this.swarms.isCompletion;
    const role = (isSeeder ? FLAG.seeder : 0) | (isCounted ? FLAG.completed : 0);
    if (copies.length > 0) this.log.note(infoHash, endpoint, isStopped ? FLAG.stopped : role, copies, now);
    return slot;
  }

  /** Counts what an answer took off the bandwidth; what the cap took off the answer is load all the same. */
  spend(bytes: number): void {
    this.#bandwidth.spend(bytes);
    this.load.spend(bytes + this.#withheldBytes);
    this.#withheldBytes = 0;
  }

  /** Peers that are there and asked for, and not named. */
  #withheld(slot: number, asked: number, given: number): number {
    const there = slot === NO_SLOT ? 0 : this.swarms.seeders(slot) + this.swarms.leechers(slot);
    return Math.min(asked, there) - Math.min(given, there);
  }

  /** Forgets silent peers, a part of them at each call; due once a second. */
  sweep(now: Instant): void {
    this.heardAt = now;
    const isStretched = this.#stretchedUntil !== undefined && now < this.#stretchedUntil;
    const lifetimeMinutes = isStretched ? LIFETIME_MINUTES * STRETCH_MAX : LIFETIME_MINUTES;
    this.swarms.sweep(now, lifetimeMinutes, Math.ceil(this.swarms.sweepLength / SWEEP_CALLS) + SWEEP_STEP_MIN);
  }

  #interval(shortage: number, now: Instant): number {
    const stretch = 1 + shortage * (STRETCH_MAX - 1);
    if (shortage > 0) this.#stretchedUntil = later(now, LIFETIME_MINUTES * STRETCH_MAX * 60_000);
    return Math.round(jittered(this.#random, INTERVAL_SECONDS * stretch, INTERVAL_JITTER));
  }
}

function peersUnder(shortage: number, wanted: number): number {
  return Math.max(Math.min(wanted, PEERS_AT_LEAST), Math.round(wanted * (1 - shortage)));
}

/** Where an owner is asked by somebody at `source`: of the same address family if it has that. */
export function reachableAddress({ addresses }: Owner, source: Uint8Array): Address | undefined {
  return addresses.find(({ host }) => host.includes(':') === (source.length === 16)) ?? addresses[0];
}
