/**
 * The swarms of this supernode as its overlay asks for them: parts of an arc in frames, other supernodes' frames to take,
 * announces to forward, and where the load is. It decides nothing about who keeps what.
 */
import { type InfoHash, type Instant, infoHashOfBytes } from '../src/base/index.ts';
import type { AnnounceBatch, Arc, ArcLoad, HotHash, SwarmFrame, SwarmKeeper } from '../src/ports/index.ts';
import { ENDPOINT4_BYTES, ENDPOINT6_BYTES } from './endpoint-sizes.ts';
import { HashArc } from './hash-arc.ts';
import { WALK_END, WALK_POSITIONS_MAX } from './peer-groups.ts';
import { type Registrar, STRETCHED_LIFETIME_MINUTES } from './registrar.ts';
import { FLAG, type FrameReader, FrameWriter, isFrame, readFrame } from './swarm-frames.ts';
import { NO_SLOT } from './swarm-index.ts';
import type { SwarmTable } from './swarm-table.ts';

/** Slots that one call looks at: with a full frame about 2 ms. */
export const SLOTS_PER_FRAME_MAX = 32_768;
// Steps of walks that one call makes: each finds some peers, but they may all be too old to tell of.
const STEPS_PER_FRAME_MAX = 16_384;

// A cursor is the slot, then the family, then the step of the walk.
const FAMILIES = 2;

interface Walked {
  readonly rest: number;
  readonly steps: number;
  readonly isThrough: boolean;
}

/** Implements the overlay's port over everything a registrar tracks. */
export class SwarmKeeping implements SwarmKeeper {
  readonly #registrar: Registrar;
  readonly #writer: FrameWriter = new FrameWriter();
  readonly #positions: Uint32Array = new Uint32Array(WALK_POSITIONS_MAX);

  constructor(registrar: Registrar) {
    this.#registrar = registrar;
  }

  get size(): { readonly peers: number; readonly hashes: number } {
    return { peers: this.#swarms.peerCount, hashes: this.#swarms.swarmCount };
  }

  frameOf(arc: Arc, cursor: number): SwarmFrame {
    const within = new HashArc(arc);
    const writer = this.#writer;
    let slot = Math.floor(cursor / (WALK_END * FAMILIES));
    let rest = cursor % (WALK_END * FAMILIES);
    let steps = 0;
    writer.begin();
    const slotsEnd = Math.min(this.#swarms.slotsEnd, slot + SLOTS_PER_FRAME_MAX);
    for (; slot < slotsEnd; slot++, rest = 0) {
      const infoHash = this.#swarms.infoHashAt(slot);
      if (!infoHash || !within.holds(infoHash)) continue;
      if (!writer.hasRoom(WALK_POSITIONS_MAX)) break;
      writer.swarm(infoHash, 0, this.#swarms.completions(slot), this.#swarms.quietMinutes(slot, this.#now));
      const walked = this.#walk(slot, rest, STEPS_PER_FRAME_MAX - steps);
      steps += walked.steps;
      rest = walked.rest;
      if (!walked.isThrough) break;
    }
    const isLast = slot >= this.#swarms.slotsEnd;
    return { bytes: writer.end(), cursor: isLast ? undefined : slot * WALK_END * FAMILIES + rest };
  }

  take(bytes: Uint8Array, now: Instant, mayKeep: (infoHash: InfoHash) => boolean): boolean {
    if (!isFrame(bytes)) return false;
    this.#registrar.heardAt = now;
    readFrame(bytes, this.#readerOf(mayKeep, now));
    return true;
  }

  batches(): readonly AnnounceBatch[] {
    return this.#registrar.log.take(this.#now, (infoHash) => {
      const slot = this.#swarms.slotOf(infoHash);
      return slot === NO_SLOT ? 0 : this.#swarms.completions(slot);
    });
  }

  get hasBatches(): boolean {
    return !this.#registrar.log.isEmpty;
  }

  loadOf(arcs: readonly Arc[], now: Instant): readonly ArcLoad[] {
    return this.#registrar.load.loadOf(arcs, now);
  }

  cutOf(arc: Arc, share: number): string | undefined {
    return this.#registrar.load.cutOf(arc, share, this.#now);
  }

  /** The hashes that are announced most, at most HOTTEST_MAX: those that a cut cannot relieve. */
  hottest(): readonly HotHash[] {
    return this.#registrar.load.hottest(this.#now);
  }

  /** Announces, times receivers, that were never forwarded because nobody fetched them in time. */
  get lost(): number {
    return this.#registrar.log.lost;
  }

  get #swarms(): SwarmTable {
    return this.#registrar.swarms;
  }

  /** Ages are told as of the last announce or sweep, which is due every second. */
  get #now(): Instant {
    return this.#registrar.heardAt;
  }

  /** Takes what a frame says of the swarms that may be kept. */
  #readerOf(mayKeep: (infoHash: InfoHash) => boolean, now: Instant): FrameReader {
    const swarms = this.#swarms;
    let isKept = true;
    return {
      swarm: (infoHash, completions, quietMinutes) => {
        isKept = mayKeep(infoHashOfBytes(infoHash)!);
        if (isKept) swarms.takeCompletions(infoHash, completions, quietMinutes, now);
      },
      peer: (infoHash, endpoint, word) => {
        if (isKept && word.ageMinutes <= STRETCHED_LIFETIME_MINUTES) swarms.take(infoHash, endpoint, word, now);
      },
    };
  }

  /** Writes a swarm's peers from where a walk was left; `rest` is where it is left now. */
  #walk(slot: number, from: number, stepsMax: number): Walked {
    let rest = from;
    for (let steps = 0; steps < stepsMax; steps++) {
      const isIp6 = rest >= WALK_END;
      const width = isIp6 ? ENDPOINT6_BYTES : ENDPOINT4_BYTES;
      if (!this.#writer.hasRoom(WALK_POSITIONS_MAX)) return { rest, steps, isThrough: false };
      const groups = this.#swarms.peersOf(width);
      const found = groups.walk(slot, rest % WALK_END, this.#positions);
      for (let i = 0; i < found; i++) this.#writePeer(slot, width, this.#positions[i]!);
      const next = groups.walkedTo;
      if (next === 0 && isIp6) return { rest: 0, steps, isThrough: true };
      rest = next === 0 ? WALK_END : next + (isIp6 ? WALK_END : 0);
    }
    return { rest, steps: stepsMax, isThrough: false };
  }

  #writePeer(slot: number, width: number, position: number): void {
    const ageMinutes = this.#swarms.ageMinutes(slot, width, position, this.#now);
    if (ageMinutes > STRETCHED_LIFETIME_MINUTES) return;
    const groups = this.#swarms.peersOf(width);
    const flags =
      (width === ENDPOINT6_BYTES ? FLAG.ip6 : 0) |
      (groups.isSeeder(slot, position) ? FLAG.seeder : 0) |
      (groups.isCompleted(slot, position) ? FLAG.completed : 0);
    const at = this.#writer.peer(flags, ageMinutes);
    groups.copyEndpoint(slot, position, this.#writer.bytes, at);
  }
}
