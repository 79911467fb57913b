/**
 * What one peer asked for and has not been sent. Neighbouring requests are read with one scattered read that leaves
 * room for each message header, and sent with one write. Invariants: at most one read and one write's worth of memory per
 * link, however much a peer asks for; what it asks for beyond REQUESTS_MAX is left in its connection, but for one read.
 */
import { BLOCK_BYTES } from '../wire/index.ts';
import { type BlockRequest, giveRunBuffer, RUN_BYTES_MAX, RUN_REQUESTS_MAX, takeRunBuffer } from './run-buffer.ts';

/**
 * Requests of a peer that wait, as it is told (BEP 10, `reqq`). rtorrent heeds no such number, and loses for long what it
 * asked for and does not get: with so many waiting nothing more is read of the link until half of them are served (ADR 24).
 */
export const REQUESTS_MAX = 2000;
/** Bytes in the socket's queue above which nothing more is read for it. */
const UNSENT_BYTES_MAX = 262_144;

/** What the queue needs from its link. */
export interface UploadPort {
  /** True when this request may be answered now. */
  mayServe(piece: number, offset: number, length: number): boolean;
  /** Fills the views from a stretch of a piece. */
  read(piece: number, offset: number, views: readonly Uint8Array[], length: number): Promise<void>;
  /** Sends; calls `sent` when the bytes left our memory, or never will. */
  write(bytes: Uint8Array, sent: () => void): void;
  unsentBytes(): number;
  /** Bytes that the upload limit lets go now, of those wanted; `pump` is called when it is more. Infinity for any. */
  allow(bytes: number): number;
  /** Bytes that were allowed go now. */
  spend(bytes: number): void;
  reject(piece: number, offset: number, length: number): void;
  served(bytes: number): void;
  /** Whether the peer is heard now; it is until this is called. */
  hear(isHeard: boolean): void;
  readFailed(error: unknown): void;
}

/** The requests of one peer. */
export class UploadQueue {
  readonly #port: UploadPort;
  /** By place, in the order in which they came: a cancel must not search, because a peer can send thousands at once. */
  readonly #requests = new Map<number, BlockRequest>();
  #isReading = false;
  #isFull = false;
  #isClosed = false;

  constructor(port: UploadPort) {
    this.#port = port;
  }

  get waiting(): number {
    return this.#requests.size;
  }

  /** True while the peer is not heard because too much of it waits. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Adds a request, in place of one for the same offset. */
  add(piece: number, offset: number, length: number): void {
    this.#requests.set(keyOf(piece, offset), { piece, offset, length });
    if (this.#isFull || this.waiting < REQUESTS_MAX) return;
    this.#isFull = true;
    this.#port.hear(false);
  }

  /** Forgets a request that was not sent yet. */
  cancel(piece: number, offset: number, length: number): void {
    const key = keyOf(piece, offset);
    if (this.#requests.get(key)?.length === length) this.#requests.delete(key);
    this.#noteRoom();
  }

  /** Rejects everything that waits: the peer was choked. */
  rejectAll(): void {
    const rejected = [...this.#requests.values()];
    this.#requests.clear();
    this.#noteRoom();
    this.#port.allow(0);
    for (const { piece, offset, length } of rejected) this.#port.reject(piece, offset, length);
  }

  close(): void {
    this.#isClosed = true;
    this.#requests.clear();
    this.#port.allow(0);
  }

  /** Reads and sends the next run when the last one is out of the way. */
  pump(): void {
    if (this.#isReading || this.#isClosed || this.#port.unsentBytes() > UNSENT_BYTES_MAX) return;
    const run = this.#takeRun(this.#port.allow(this.#wantedBytes()));
    this.#noteRoom();
    if (run.length === 0) return;
    this.#isReading = true;
    this.#serve(run).then(
      () => {
        this.#isReading = false;
        this.pump();
      },
      (error: unknown) => {
        this.#isReading = false;
        for (const { piece, offset, length } of run) this.#port.reject(piece, offset, length);
        this.#port.readFailed(error);
      },
    );
  }

  #noteRoom(): void {
    if (!this.#isFull || this.waiting > REQUESTS_MAX / 2) return;
    this.#isFull = false;
    this.#port.hear(true);
  }

  /** About what the next runs take: at least the request in front. */
  #wantedBytes(): number {
    for (const { length } of this.#requests.values())
      return Math.max(length, Math.min(this.waiting * BLOCK_BYTES, RUN_BYTES_MAX));
    return 0;
  }

  /** Neighbouring requests from the front; what may not be served is rejected on the way. */
  #takeRun(bytesMax: number): BlockRequest[] {
    const run: BlockRequest[] = [];
    let bytes = 0;
    for (const [key, request] of this.#requests) {
      if (run.length >= RUN_REQUESTS_MAX) break;
      const previous = run.at(-1);
      const isNext =
        !previous || (previous.piece === request.piece && previous.offset + previous.length === request.offset);
      if (!isNext || bytes + request.length > bytesMax || (previous && bytes + request.length > RUN_BYTES_MAX)) break;
      this.#requests.delete(key);
      if (!this.#port.mayServe(request.piece, request.offset, request.length)) {
        this.#port.reject(request.piece, request.offset, request.length);
        continue;
      }
      run.push(request);
      bytes += request.length;
    }
    return run;
  }

  async #serve(run: readonly BlockRequest[]): Promise<void> {
    const buffer = takeRunBuffer();
    const views = run.map((request) => buffer.frame(request));
    const payload = run.reduce((sum, { length }) => sum + length, 0);
    this.#port.spend(payload);
    try {
      await this.#port.read(run[0]!.piece, run[0]!.offset, views, payload);
    } catch (error) {
      giveRunBuffer(buffer);
      throw error;
    }
    if (this.#isClosed) return giveRunBuffer(buffer);
    this.#port.write(buffer.written, () => {
      giveRunBuffer(buffer);
      this.pump();
    });
    this.#port.served(payload);
  }
}

/** One number per place; pieces end below 2^21 and offsets below 2^32, so requests that may be served never collide. */
function keyOf(piece: number, offset: number): number {
  return piece * 2 ** 32 + offset;
}
