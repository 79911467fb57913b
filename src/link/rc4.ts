/**
 * RC4 as Message Stream Encryption wants it: the first 1,024 bytes of key stream are thrown away. It hides what
 * passive boxes look for and is no security (README says so).
 */

/** Key stream bytes thrown away before the first use. */
export const RC4_DISCARDED_BYTES = 1024;
/** An engine takes so many bytes at a time. */
const ENGINE_STEP_BYTES = 8;
/** Fewer are not worth an engine's call. */
const ENGINE_BYTES_MIN = 1024;

/** Where a key stream is. */
export interface Rc4Position {
  i: number;
  j: number;
}

/** The host's fast way for many bytes: changes the first `length` (a multiple of 8), the state and the position. */
export type Rc4Engine = (state: Int32Array, position: Rc4Position, bytes: Uint8Array, length: number) => void;

/** One direction of an encrypted link. */
export interface StreamCipher {
  /** Encrypts or decrypts the first `length` bytes in place. */
  apply(bytes: Uint8Array, length: number): void;
}

/** The 256 bytes that a key stream begins with. */
export function rc4StateOf(key: Uint8Array): Uint8Array {
  const state = Uint8Array.from({ length: 256 }, (_, i) => i);
  for (let i = 0, j = 0; i < 256; i++) {
    const swapped = state[i]!;
    j = (j + swapped + key[i % key.length]!) & 255;
    state[i] = state[j]!;
    state[j] = swapped;
  }
  return state;
}

/** RC4 as every host can do it. */
export class Rc4 implements StreamCipher {
  readonly #state: Int32Array;
  readonly #position: Rc4Position = { i: 0, j: 0 };
  readonly #engine: Rc4Engine | undefined;

  /** @param engine for many bytes at a time; without it everything goes byte by byte */
  constructor(key: Uint8Array, engine?: Rc4Engine) {
    this.#engine = engine;
    this.#state = Int32Array.from(rc4StateOf(key));
    this.apply(new Uint8Array(RC4_DISCARDED_BYTES), RC4_DISCARDED_BYTES);
  }

  apply(bytes: Uint8Array, length: number): void {
    let done = 0;
    if (this.#engine && length >= ENGINE_BYTES_MIN) {
      done = length - (length % ENGINE_STEP_BYTES);
      this.#engine(this.#state, this.#position, bytes, done);
    }
    this.#applyBytes(bytes, done, length);
  }

  #applyBytes(bytes: Uint8Array, from: number, end: number): void {
    const state = this.#state;
    let { i, j } = this.#position;
    for (let at = from; at < end; at++) {
      i = (i + 1) & 255;
      const a = state[i]!;
      j = (j + a) & 255;
      const b = state[j]!;
      state[i] = b;
      state[j] = a;
      bytes[at]! ^= state[(a + b) & 255]!;
    }
    this.#position.i = i;
    this.#position.j = j;
  }
}
