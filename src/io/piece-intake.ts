/**
 * From arriving blocks to verified pieces on disk. Blocks land in segments of at most 1 MiB. A thread beside this one hashes
 * them: a piece of one segment, which it writes when it is good; of several, each full segment in their order, which it writes
 * as well (what came out of order is written from here and read back). Without the thread all of it is done here.
 * Invariants: memory is segments in flight only; a piece of one segment is written after its hash matched.
 */
import { createHash, type Hash } from 'node:crypto';
import { assert } from '../base/index.ts';
import type { Layout } from '../torrent/index.ts';
import type { Store } from './file-store.ts';
import { hashOfPiece, isPiece } from './hash-check.ts';
import type { Hashed, WriteTarget } from './hash-thread.ts';
import { PartedHash } from './parted-hash.ts';
import { giveSegment, hashThread, isForThread, SEGMENT_BYTES_MAX, takeSegment } from './segments.ts';

interface Segment {
  readonly bytes: Uint8Array;
  /** Bytes still missing. */
  missing: number;
  /** The write under way; undefined before it and after one that failed. */
  writing: Promise<void> | undefined;
  hasFailed: boolean;
}

interface Intake {
  readonly piece: number;
  readonly segments: (Segment | 'written' | undefined)[];
  /** Undefined until the first segment is hashed, here or by the thread. */
  hash: Hash | PartedHash | undefined;
  /** Segments before this one are in the hash. */
  hashed: number;
  /** What the hashing thread has of a piece of one segment; undefined before and after. */
  inThread: Promise<Hashed> | undefined;
  isTouched: boolean;
  isDropped: boolean;
}

/** What happened to a piece's bytes. */
export interface IntakeEvents {
  /** Called before the first write to a piece's place on disk; may throw, which counts as a failed write. */
  touched(piece: number): void;
  /** A write failed; its bytes are kept for `retryWrites` or `store`. */
  writeFailed(error: unknown): void;
  /** Less waits for the disk than did. */
  drained(): void;
}

/** The arriving pieces of one torrent. */
export class PieceIntake {
  readonly #layout: Layout;
  readonly #store: Store;
  readonly #pieceHashes: Uint8Array;
  readonly #events: IntakeEvents;
  readonly #segmentBytes: number;
  /** Bounded by the transfer machine's openPiecesMax and one piece per link. */
  readonly #intakes = new Map<number, Intake>();
  /** Writes of dropped pieces, which must not overtake those of the same piece's next arrival. */
  readonly #draining = new Map<number, Promise<unknown>>();
  #waitingBytes = 0;

  constructor(store: Store, pieceHashes: Uint8Array, events: IntakeEvents) {
    this.#layout = store.layout;
    this.#store = store;
    this.#pieceHashes = pieceHashes;
    this.#events = events;
    this.#segmentBytes = Math.min(SEGMENT_BYTES_MAX, this.#layout.pieceLength);
  }

  /** Bytes in full segments of pieces of several, which wait for their hash and the disk. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Where a block of a piece goes. */
  place(piece: number, offset: number, length: number): Uint8Array {
    const intake = this.#intakes.get(piece) ?? this.#begin(piece);
    const index = Math.floor(offset / this.#segmentBytes);
    let segment = intake.segments[index];
    assert(segment !== 'written', 'a written segment takes no more blocks');
    if (!segment) {
      const size = this.#segmentLength(piece, index);
      segment = { bytes: takeSegment(size), missing: size, writing: undefined, hasFailed: false };
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
    // The only segment of a piece waits for the verdict; of several, each goes to disk to free its memory.
    if (intake.segments.length === 1) return;
    this.#waitingBytes += segment.bytes.length;
    if (intake.hashed === 0 && isForThread(segment.bytes)) intake.hash ??= new PartedHash(hashThread());
    this.#hashInOrder(intake);
    this.#beginWrite(intake, index, segment);
  }

  /**
   * True when the piece matches its hash, undefined when it was dropped meanwhile; to be asked when all its blocks have arrived,
   * again if reading failed.
   */
  async check(piece: number): Promise<boolean | undefined> {
    const intake = this.#intakes.get(piece);
    assert(intake, 'only an arriving piece is checked');
    const bytes = onlyBytes(intake);
    const isGood = await (bytes && isForThread(bytes) ? this.#finishInThread(intake, bytes) : this.#isGood(intake));
    return intake.isDropped ? undefined : isGood;
  }

  async #isGood(intake: Intake): Promise<boolean | undefined> {
    const digest = await this.#digestOf(intake);
    return digest && isPiece(digest, this.#pieceHashes, intake.piece);
  }

  /** The verdict at once where it needs neither reading nor the thread; undefined when `check` must be asked. */
  checkNow(piece: number): boolean | undefined {
    const intake = this.#intakes.get(piece);
    assert(intake, 'only an arriving piece is checked');
    const bytes = onlyBytes(intake);
    if (bytes && isForThread(bytes)) return undefined;
    this.#hashInOrder(intake);
    const hash = hashOf(intake);
    if (hash instanceof PartedHash || intake.hashed < intake.segments.length) return undefined;
    return isPiece(hash.digest(), this.#pieceHashes, piece);
  }

  /** Resolves when a good piece is written as far as the system is concerned; after a failure it can be asked again. */
  async store(piece: number): Promise<void> {
    const intake = this.#intakes.get(piece);
    assert(intake, 'only an arriving piece is stored');
    if (intake.segments.some((segment) => segment !== 'written')) await this.#writeAll(intake);
    this.#intakes.delete(piece);
  }

  /** Writes again what could not be written; rejects when the disk still refuses any of it. */
  async retryWrites(): Promise<void> {
    const failed = [...this.#intakes.values()].filter(({ segments }) =>
      segments.some((segment) => segment && segment !== 'written' && segment.hasFailed),
    );
    const outcomes = await Promise.allSettled(failed.map((intake) => this.#writeAll(intake)));
    const refusal = outcomes.find((outcome) => outcome.status === 'rejected');
    if (refusal) throw refusal.reason;
  }

  /** Forgets what arrived of a piece. */
  drop(piece: number): void {
    const intake = this.#intakes.get(piece);
    if (!intake) return;
    this.#intakes.delete(piece);
    intake.isDropped = true;
    if (intake.hash instanceof PartedHash) intake.hash.forget();
    const writes: Promise<unknown>[] = intake.inThread ? [intake.inThread] : [];
    for (const segment of intake.segments) {
      if (!segment || segment === 'written') continue;
      if (segment.writing) writes.push(segment.writing);
      // What the thread has comes back when it is done.
      else if (!intake.inThread) this.#free(intake, segment);
    }
    if (writes.length === 0) return;
    const drained = Promise.allSettled([...writes, this.#draining.get(piece)]).then(() => {
      if (this.#draining.get(piece) === drained) this.#draining.delete(piece);
    });
    this.#draining.set(piece, drained);
  }

  #begin(piece: number): Intake {
    const count = Math.ceil(this.#layout.bytesOf(piece) / this.#segmentBytes);
    const intake: Intake = {
      piece,
      segments: new Array<undefined>(count).fill(undefined),
      hash: undefined,
      hashed: 0,
      inThread: undefined,
      isTouched: false,
      isDropped: false,
    };
    this.#intakes.set(piece, intake);
    return intake;
  }

  #startOf(piece: number, index: number): number {
    return this.#layout.startOf(piece) + index * this.#segmentBytes;
  }

  #segmentLength(piece: number, index: number): number {
    return Math.min(this.#segmentBytes, this.#layout.bytesOf(piece) - index * this.#segmentBytes);
  }

  /** SHA-1 of the whole piece; undefined when it is dropped. */
  async #digestOf(intake: Intake): Promise<Uint8Array | undefined> {
    this.#hashInOrder(intake);
    while (intake.hashed < intake.segments.length) {
      await this.#hashLater(intake);
      this.#hashInOrder(intake);
    }
    const hash = hashOf(intake);
    const digest = hash instanceof PartedHash ? await hash.digest : hash.digest();
    if (digest || intake.isDropped) return digest;
    // The thread was lost, or its memory had no room for a part: all of it once more, here.
    intake.hash = createHash('sha1');
    intake.hashed = 0;
    return this.#digestOf(intake);
  }

  #hashInOrder(intake: Intake): void {
    for (;;) {
      const index = intake.hashed;
      const segment = intake.segments[index];
      if (!segment || segment === 'written' || segment.missing > 0) return;
      const hash = hashOf(intake);
      if (!(hash instanceof PartedHash)) hash.update(segment.bytes);
      else if (segment.writing) return;
      else this.#follow(intake, segment, this.#hashAndWrite(intake, hash, index, segment));
      intake.hashed++;
    }
  }

  /** Hashes the next segment, whose write began before its turn in the hash came: it is read back. */
  async #hashLater(intake: Intake): Promise<void> {
    const segment = intake.segments[intake.hashed];
    if (segment !== 'written') return segment?.writing;
    const size = this.#segmentLength(intake.piece, intake.hashed);
    const bytes = takeSegment(size);
    try {
      await this.#store.read(this.#startOf(intake.piece, intake.hashed), [bytes], size);
      const hash = hashOf(intake);
      if (hash instanceof PartedHash) await hash.add(bytes, isLast(intake, intake.hashed), (use) => use(undefined));
      else hash.update(bytes);
      intake.hashed++;
    } finally {
      giveSegment(bytes);
    }
  }

  /** Has the thread hash a segment and write it; what it does not write is written from here. */
  async #hashAndWrite(intake: Intake, hash: PartedHash, index: number, segment: Segment): Promise<void> {
    const { bytes } = segment;
    const mayWrite = !this.#draining.has(intake.piece) && this.#mayTouch(intake);
    const isWritten = await hash.add(bytes, isLast(intake, index), (use) =>
      mayWrite ? this.#store.lend(this.#startOf(intake.piece, index), bytes.length, use) : use(undefined),
    );
    if (!isWritten && !intake.isDropped) return this.#write(intake, index, segment);
    intake.segments[index] = 'written';
    this.#free(intake, segment);
  }

  /** Hashes a piece of one segment, and writes it at once when it is good and its place is in one file. */
  async #finishInThread(intake: Intake, bytes: Uint8Array): Promise<boolean> {
    const { piece } = intake;
    const hash = (place: WriteTarget | undefined): Promise<Hashed> =>
      hashThread().hash(bytes, hashOfPiece(this.#pieceHashes, piece), place);
    const mayWrite = !this.#draining.has(piece) && this.#mayTouch(intake);
    intake.inThread = mayWrite ? this.#store.lend(this.#layout.startOf(piece), bytes.length, hash) : hash(undefined);
    const { isGood, isWritten } = await intake.inThread;
    intake.inThread = undefined;
    intake.hashed = 1;
    if (isWritten) intake.segments[0] = 'written';
    if (isWritten || intake.isDropped) giveSegment(bytes);
    return isGood;
  }

  /** False when the piece's place could not be noted: whoever writes there finds out why. */
  #mayTouch(intake: Intake): boolean {
    try {
      this.#touch(intake);
      return true;
    } catch {
      return false;
    }
  }

  #touch(intake: Intake): void {
    if (!intake.isTouched) this.#events.touched(intake.piece);
    intake.isTouched = true;
  }

  async #writeAll(intake: Intake): Promise<void> {
    for (const [index, segment] of intake.segments.entries()) {
      if (segment && segment !== 'written' && segment.missing === 0) this.#beginWrite(intake, index, segment);
    }
    await Promise.all(intake.segments.map((segment) => (segment === 'written' ? undefined : segment?.writing)));
  }

  #beginWrite(intake: Intake, index: number, segment: Segment): void {
    if (!segment.writing) this.#follow(intake, segment, this.#write(intake, index, segment));
  }

  #follow(intake: Intake, segment: Segment, writing: Promise<void>): void {
    segment.writing = writing;
    // Whoever asks `store` hears of a failure too; until then it must not count as unhandled.
    writing.catch((error: unknown) => {
      segment.writing = undefined;
      segment.hasFailed = true;
      if (intake.isDropped) this.#free(intake, segment);
      else this.#events.writeFailed(error);
    });
  }

  async #write(intake: Intake, index: number, segment: Segment): Promise<void> {
    const earlier = this.#draining.get(intake.piece);
    if (earlier) await earlier;
    this.#touch(intake);
    await this.#store.write(this.#startOf(intake.piece, index), segment.bytes);
    intake.segments[index] = 'written';
    this.#free(intake, segment);
  }

  #free({ segments }: Intake, { bytes, missing }: Segment): void {
    giveSegment(bytes);
    if (segments.length === 1 || missing > 0) return;
    this.#waitingBytes -= bytes.length;
    this.#events.drained();
  }
}

function hashOf(intake: Intake): Hash | PartedHash {
  intake.hash ??= createHash('sha1');
  return intake.hash;
}

function isLast({ segments }: Intake, index: number): boolean {
  return index === segments.length - 1;
}

/** The bytes of a piece of one segment, while they are in memory. */
function onlyBytes(intake: Intake): Uint8Array | undefined {
  const segment = intake.segments.length === 1 ? intake.segments[0] : undefined;
  return segment && segment !== 'written' ? segment.bytes : undefined;
}
