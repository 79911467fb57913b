/**
 * RC4 as Message Stream Encryption wants it: the first 1,024 bytes of key stream are thrown away. It hides what
 * passive boxes look for and is no security (README says so).
 */

/** Key stream bytes thrown away before the first use. */
const DISCARDED_BYTES = 1024;

/** One direction of an encrypted link. */
export class Rc4 {
  readonly #state = new Uint8Array(256);
  #i = 0;
  #j = 0;

  constructor(key: Uint8Array) {
    const state = this.#state;
    for (let i = 0; i < 256; i++) state[i] = i;
    for (let i = 0, j = 0; i < 256; i++) {
      const swapped = state[i]!;
      j = (j + swapped + key[i % key.length]!) & 255;
      state[i] = state[j]!;
      state[j] = swapped;
    }
    this.apply(new Uint8Array(DISCARDED_BYTES), DISCARDED_BYTES);
  }

  /** Encrypts or decrypts the first `length` bytes in place. */
  apply(bytes: Uint8Array, length: number): void {
    const state = this.#state;
    let i = this.#i;
    let j = this.#j;
    for (let at = 0; at < length; at++) {
      i = (i + 1) & 255;
      const a = state[i]!;
      j = (j + a) & 255;
      const b = state[j]!;
      state[i] = b;
      state[j] = a;
      bytes[at]! ^= state[(a + b) & 255]!;
    }
    this.#i = i;
    this.#j = j;
  }
}
