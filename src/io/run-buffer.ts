/**
 * What neighbouring blocks of a piece are read into and sent from: the header of each, followed by its payload. A few buffers
 * are kept for whoever sends next. Invariant: what the collector does not count is KEPT_MAX buffers at most.
 */
import { BLOCK_BYTES, PIECE_HEADER_BYTES, writePieceHeader } from '../wire/index.ts';

/** Payload of one read. */
export const RUN_BYTES_MAX = 1_048_576;
export const RUN_REQUESTS_MAX: number = RUN_BYTES_MAX / BLOCK_BYTES;
const FRAME_BYTES = PIECE_HEADER_BYTES + BLOCK_BYTES;
const BUFFER_BYTES = RUN_BYTES_MAX + RUN_REQUESTS_MAX * PIECE_HEADER_BYTES + 131_072;
/** Buffers that are used again; those that more links need at once are left to the collector. */
const KEPT_MAX = 8;

/** A stretch of a piece that a peer asked for. */
export interface BlockRequest {
  readonly piece: number;
  readonly offset: number;
  readonly length: number;
}

/** Room for one run. */
class RunBuffer {
  readonly isKept: boolean;
  readonly #bytes: Buffer;
  /** Payloads of runs of whole blocks, which nearly all are: a view costs more than the rest of its request. */
  readonly #blocks: readonly Uint8Array[];
  #end = 0;
  #frames = 0;

  constructor(isKept: boolean) {
    this.isKept = isKept;
    // Shared with nobody, but not counted by the engine, which collects everything once for a few such buffers after its start:
    // in each first transfer. What is not kept must be counted.
    this.#bytes = isKept ? Buffer.from(new SharedArrayBuffer(BUFFER_BYTES)) : Buffer.allocUnsafeSlow(BUFFER_BYTES);
    this.#blocks = Array.from({ length: RUN_REQUESTS_MAX }, (_, i) =>
      this.#bytes.subarray(i * FRAME_BYTES + PIECE_HEADER_BYTES, (i + 1) * FRAME_BYTES),
    );
  }

  clear(): void {
    this.#end = this.#frames = 0;
  }

  /** Writes the header of the next block; returns where its payload goes. */
  frame({ piece, offset, length }: BlockRequest): Uint8Array {
    writePieceHeader(this.#bytes, this.#end, piece, offset, length);
    const start = this.#end + PIECE_HEADER_BYTES;
    const isUsual = length === BLOCK_BYTES && this.#end === this.#frames * FRAME_BYTES;
    const payload = isUsual ? this.#blocks[this.#frames]! : this.#bytes.subarray(start, start + length);
    this.#frames++;
    this.#end = start + length;
    return payload;
  }

  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#end);
  }
}

const free: RunBuffer[] = [];
let kept = 0;

/** An empty buffer, to be given back. */
export function takeRunBuffer(): RunBuffer {
  const buffer = free.pop() ?? makeRunBuffer();
  buffer.clear();
  return buffer;
}

function makeRunBuffer(): RunBuffer {
  const isKept = kept < KEPT_MAX;
  if (isKept) kept++;
  return new RunBuffer(isKept);
}

/** Takes back a buffer that nobody reads or writes any more. */
export function giveRunBuffer(buffer: RunBuffer): void {
  if (buffer.isKept) free.push(buffer);
}
