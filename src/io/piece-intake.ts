/**
 * From arriving blocks to verified pieces on disk. Blocks land in segments of at most 1 MiB; a full segment is
 * hashed while it is in cache (in order; what came out of order is read back) and written with one write.
 * Invariants: memory is segments in flight only; a piece of one segment is written after its hash matched.
 */
import { createHash, type Hash } from 'node:crypto';
import { assert, equalBytes } from '../base/index.ts';
import type { Layout } from '../torrent/index.ts';
import type { FileStore } from './file-store.ts';

/** Largest segment: hashing it stays under 1 ms and in cache. */
export const SEGMENT_BYTES_MAX = 1_048_576;
/** Free segments kept for reuse, over all torrents. */
const FREE_SEGMENTS_MAX = 16;

const freeSegments: Uint8Array[] = [];

interface Segment {
  readonly bytes: Uint8Array;
  /** Bytes still missing. */
  missing: number;
}

interface Intake {
  readonly piece: number;
  readonly segments: (Segment | 'written' | undefined)[];
  readonly hash: Hash;
  /** Segments before this one are in the hash. */
  hashed: number;
  /** Writes under way. */
  readonly writes: Promise<void>[];
}

/** What happened to a piece's bytes. */
export interface IntakeEvents {
  /** Called before the first write to a piece's place on disk. */
  touched(piece: number): void;
}

/** The arriving pieces of one torrent. */
export class PieceIntake {
  readonly #layout: Layout;
  readonly #store: FileStore;
  readonly #pieceHashes: Uint8Array;
  readonly #events: IntakeEvents;
  readonly #segmentBytes: number;
  /** Bounded by the transfer machine's openPiecesMax and one piece per link. */
  readonly #intakes = new Map<number, Intake>();

  constructor(store: FileStore, pieceHashes: Uint8Array, events: IntakeEvents) {
    this.#layout = store.layout;
    this.#store = store;
    this.#pieceHashes = pieceHashes;
    this.#events = events;
    this.#segmentBytes = Math.min(SEGMENT_BYTES_MAX, this.#layout.pieceLength);
  }

  /** Where a block of a piece goes. */
  place(piece: number, offset: number, length: number): Uint8Array {
    const intake = this.#intakes.get(piece) ?? this.#begin(piece);
    const index = Math.floor(offset / this.#segmentBytes);
    let segment = intake.segments[index];
    assert(segment !== 'written', 'a written segment takes no more blocks');
    if (!segment) {
      const size = this.#segmentLength(piece, index);
      segment = { bytes: takeSegment(size), missing: size };
      intake.segments[index] = segment;
    }
    const at = offset - index * this.#segmentBytes;
    return segment.bytes.subarray(at, at + length);
  }

  /** A block is complete in its place. */
  arrived(piece: number, offset: number, length: number): void {
    const intake = this.#intakes.get(piece);
    const index = Math.floor(offset / this.#segmentBytes);
    const segment = intake?.segments[index];
    assert(intake && segment && segment !== 'written', 'a block arrives in a place that was given out');
    segment.missing -= length;
    if (segment.missing > 0) return;
    this.#hashInOrder(intake);
    // The only segment of a piece waits for the verdict; of several, each goes to disk to free its memory.
    if (intake.segments.length > 1) this.#write(intake, index, segment);
  }

  /** True when the piece matches its hash; to be asked once, when all its blocks have arrived. */
  async check(piece: number): Promise<boolean> {
    const intake = this.#intakes.get(piece);
    assert(intake, 'only an arriving piece is checked');
    if (intake.hashed < intake.segments.length) {
      await Promise.all(intake.writes);
      await this.#hashFromDisk(intake);
    }
    return this.#matches(intake);
  }

  /** The verdict at once when every segment is hashed, which is the common case; undefined when `check` must read. */
  checkNow(piece: number): boolean | undefined {
    const intake = this.#intakes.get(piece);
    assert(intake, 'only an arriving piece is checked');
    return intake.hashed === intake.segments.length ? this.#matches(intake) : undefined;
  }

  /** Resolves when a good piece is on its way to the disk as far as the system is concerned. */
  async store(piece: number): Promise<void> {
    const intake = this.#intakes.get(piece);
    assert(intake, 'only an arriving piece is stored');
    for (const [index, segment] of intake.segments.entries()) {
      if (segment && segment !== 'written') this.#write(intake, index, segment);
    }
    try {
      await Promise.all(intake.writes);
    } finally {
      this.#intakes.delete(piece);
    }
  }

  /** Forgets what arrived of a piece. */
  drop(piece: number): void {
    for (const segment of this.#intakes.get(piece)?.segments ?? []) {
      if (segment && segment !== 'written') giveSegment(segment.bytes);
    }
    this.#intakes.delete(piece);
  }

  #begin(piece: number): Intake {
    const count = Math.ceil(this.#layout.bytesOf(piece) / this.#segmentBytes);
    const intake: Intake = {
      piece,
      segments: new Array<undefined>(count).fill(undefined),
      hash: createHash('sha1'),
      hashed: 0,
      writes: [],
    };
    this.#intakes.set(piece, intake);
    return intake;
  }

  #segmentLength(piece: number, index: number): number {
    return Math.min(this.#segmentBytes, this.#layout.bytesOf(piece) - index * this.#segmentBytes);
  }

  #hashInOrder(intake: Intake): void {
    for (;;) {
      const segment = intake.segments[intake.hashed];
      if (!segment || segment === 'written' || segment.missing > 0) return;
      intake.hash.update(segment.bytes);
      intake.hashed++;
    }
  }

  async #hashFromDisk(intake: Intake): Promise<void> {
    for (; intake.hashed < intake.segments.length; intake.hashed++) {
      const size = this.#segmentLength(intake.piece, intake.hashed);
      const bytes = takeSegment(size);
      const start = this.#layout.startOf(intake.piece) + intake.hashed * this.#segmentBytes;
      try {
        await this.#store.read(start, [bytes], size);
        intake.hash.update(bytes);
      } finally {
        giveSegment(bytes);
      }
    }
  }

  #matches(intake: Intake): boolean {
    const wanted = this.#pieceHashes.subarray(intake.piece * 20, intake.piece * 20 + 20);
    return equalBytes(intake.hash.digest(), wanted);
  }

  #write(intake: Intake, index: number, segment: Segment): void {
    if (intake.writes.length === 0) this.#events.touched(intake.piece);
    intake.segments[index] = 'written';
    const start = this.#layout.startOf(intake.piece) + index * this.#segmentBytes;
    const writing = this.#store.write(start, segment.bytes).finally(() => giveSegment(segment.bytes));
    // Whoever asks `store` or `check` hears of a failure; until then it must not count as unhandled.
    writing.catch(() => {});
    intake.writes.push(writing);
  }
}

function takeSegment(size: number): Uint8Array {
  const free = freeSegments.findIndex((bytes) => bytes.buffer.byteLength >= size);
  const buffer = free >= 0 ? freeSegments.splice(free, 1)[0]!.buffer : Buffer.allocUnsafeSlow(size).buffer;
  return new Uint8Array(buffer, 0, size);
}

function giveSegment(bytes: Uint8Array): void {
  if (freeSegments.length < FREE_SEGMENTS_MAX) freeSegments.push(bytes);
}
