/**
 * Cuts a link's bytes into messages after the wire handshake. Holds at most one message of bounded size; block
 * payloads go straight to where they belong and never through a buffer of its own.
 */
import { type Fault, fault, readUint32 } from '../base/index.ts';
import { BLOCK_BYTES_MAX, EXACT_LENGTH, MESSAGE, PIECE_HEADER_BYTES, REQUEST_MESSAGE_BYTES } from './messages.ts';

const LENGTH_BYTES = 4;
const LENGTH_AND_ID_BYTES = 5;

/** Largest message before the metadata is known: an extension message or a bitfield of unknown size. */
export const MESSAGE_BYTES_MAX = 1_048_576;
/**
 * Messages in one read, blocks and `have` apart: as many requests as a read of 256 KiB can hold, which a peer may have sent
 * while it was not heard (ADR 24). At 3 us each this many stay below 50 ms.
 */
export const MESSAGES_PER_READ_MAX = 16_384;

/** Who receives what a peer sent. */
export interface FrameSink {
  /** Where the payload of an announced block goes (exactly `length` bytes), or undefined to drop it unread. */
  blockPlace(piece: number, offset: number, length: number): Uint8Array | undefined;
  /** The block given a place is complete in it. */
  blockArrived(piece: number, offset: number, length: number): void;
  requested(piece: number, offset: number, length: number): void;
  /** A whole message other than `piece` and `request`. `payload` starts after the id and is the sink's to keep. */
  message(id: number, payload: Uint8Array): void;
  keepAlive(): void;
}

/** Copies `source` from `from` up to `end` into `target` at `at`; the host's, which may know a faster way than `set`. */
export type CopyBytes = (target: Uint8Array, at: number, source: Uint8Array, from: number, end: number) => void;

export type WireFault = Fault<'message-too-long' | 'message-wrong-length' | 'message-flood' | 'ended'>;

/** One link's incoming byte stream as messages. */
export class FrameReader {
  readonly #sink: FrameSink;
  readonly #copy: CopyBytes;
  /** The two messages that come by the thousand are read from here: blocks' heads, and whole requests. */
  readonly #header = new Uint8Array(REQUEST_MESSAGE_BYTES);
  #headerBytes = 0;
  /** Bytes of the current body still to come. */
  #left = 0;
  #body: Uint8Array | undefined;
  #bodyAt = 0;
  /** Id of the message whose body is being read; `piece` bodies belong to the sink. */
  #id = 0;
  #piece = 0;
  #offset = 0;
  #length = 0;
  #messageBytesMax = MESSAGE_BYTES_MAX;
  #fault: WireFault | undefined;
  #messages = 0;

  constructor(sink: FrameSink, copy: CopyBytes) {
    this.#sink = sink;
    this.#copy = copy;
  }

  /** Narrows the largest message once the torrent's bitfield size is known. */
  limitMessages(bitfieldBytes: number): void {
    // Extension messages (metadata pieces, peer exchange) stay within 64 KiB with any known client.
    this.#messageBytesMax = Math.max(bitfieldBytes + 1, BLOCK_BYTES_MAX + PIECE_HEADER_BYTES);
  }

  /** Stops storing the block that is being received now, if it is this one; the rest of it is dropped. */
  abandonBlock(piece: number, offset: number): void {
    if (this.#left > 0 && this.#id === MESSAGE.piece && this.#piece === piece && this.#offset === offset) {
      this.#body = undefined;
    }
  }

  /** Takes the next `length` bytes; they may be reused by the caller afterwards. A fault is final. */
  feed(bytes: Uint8Array, length: number): WireFault | undefined {
    let at = 0;
    this.#messages = 0;
    while (at < length && this.#fault === undefined) {
      at = this.#left > 0 ? this.#takeBody(bytes, at, length) : this.#takeHeader(bytes, at, length);
    }
    return this.#fault;
  }

  /** Reads nothing more, not even the rest of what is being fed. */
  end(): void {
    this.#fault ??= fault('ended', 'the link was closed');
    this.#body = undefined;
  }

  #takeBody(bytes: Uint8Array, at: number, end: number): number {
    const taken = Math.min(this.#left, end - at);
    if (this.#body) this.#copy(this.#body, this.#bodyAt, bytes, at, at + taken);
    this.#bodyAt += taken;
    this.#left -= taken;
    if (this.#left === 0) this.#endBody();
    return at + taken;
  }

  #endBody(): void {
    const body = this.#body;
    this.#body = undefined;
    if (body === undefined) return;
    if (this.#id === MESSAGE.piece) this.#sink.blockArrived(this.#piece, this.#offset, this.#length);
    else this.#sink.message(this.#id, body);
  }

  #takeHeader(bytes: Uint8Array, from: number, end: number): number {
    let at = this.#fillHeader(LENGTH_BYTES, bytes, from, end);
    if (this.#headerBytes < LENGTH_BYTES) return at;
    const length = readUint32(this.#header, 0);
    if (this.#headerBytes === LENGTH_BYTES) {
      if (length === 0) this.#keepAlive();
      else if (length > this.#messageBytesMax) this.#fault = fault('message-too-long', `a message of ${length} bytes`);
      if (length === 0 || this.#fault) return at;
      at = this.#fillHeader(LENGTH_AND_ID_BYTES, bytes, at, end);
      if (this.#headerBytes < LENGTH_AND_ID_BYTES) return at;
    }
    const id = this.#header[LENGTH_BYTES]!;
    if (id === MESSAGE.piece) {
      at = this.#fillHeader(PIECE_HEADER_BYTES, bytes, at, end);
      const isShort = length < PIECE_HEADER_BYTES - LENGTH_BYTES;
      if (this.#headerBytes === PIECE_HEADER_BYTES || isShort) this.#startBlock(length - 9);
    } else if (id === MESSAGE.request && length === REQUEST_MESSAGE_BYTES - LENGTH_BYTES) {
      at = this.#fillHeader(REQUEST_MESSAGE_BYTES, bytes, at, end);
      if (this.#headerBytes === REQUEST_MESSAGE_BYTES) this.#takeRequest();
    } else {
      this.#startMessage(id, length - 1);
    }
    return at;
  }

  /** Copies until the header has `size` bytes, as far as they are here; returns where the rest begins. */
  #fillHeader(size: number, bytes: Uint8Array, from: number, end: number): number {
    let at = from;
    while (this.#headerBytes < size && at < end) this.#header[this.#headerBytes++] = bytes[at++]!;
    return at;
  }

  #keepAlive(): void {
    this.#headerBytes = 0;
    this.#countMessage();
    this.#sink.keepAlive();
  }

  #takeRequest(): void {
    this.#headerBytes = 0;
    this.#countMessage();
    if (this.#fault) return;
    const header = this.#header;
    this.#sink.requested(readUint32(header, 5), readUint32(header, 9), readUint32(header, 13));
  }

  #startBlock(length: number): void {
    this.#headerBytes = 0;
    if (length <= 0 || length > BLOCK_BYTES_MAX) {
      this.#fault = fault('message-wrong-length', `a block of ${length} bytes`);
      return;
    }
    this.#id = MESSAGE.piece;
    this.#piece = readUint32(this.#header, 5);
    this.#offset = readUint32(this.#header, 9);
    this.#length = this.#left = length;
    this.#bodyAt = 0;
    this.#body = this.#sink.blockPlace(this.#piece, this.#offset, length);
  }

  #countMessage(): void {
    if (++this.#messages > MESSAGES_PER_READ_MAX) this.#fault = fault('message-flood', 'too many messages at once');
  }

  #startMessage(id: number, length: number): void {
    this.#headerBytes = 0;
    if (id !== MESSAGE.have) this.#countMessage();
    const exact = EXACT_LENGTH.get(id);
    if (exact !== undefined && exact !== length + 1) {
      this.#fault = fault('message-wrong-length', `message ${id} of ${length + 1} bytes`);
      return;
    }
    this.#id = id;
    this.#left = length;
    this.#bodyAt = 0;
    const isKnown = exact !== undefined || id === MESSAGE.bitfield || id === MESSAGE.extended;
    this.#body = isKnown ? new Uint8Array(length) : undefined;
    if (length === 0) this.#endBody();
  }
}
