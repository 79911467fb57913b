/**
 * HalfSipHash-1-3 (Aumasson and Bernstein; the Linux kernel's choice for hash tables): without the key nobody can
 * pick info hashes or peer addresses that meet in one bucket. It hashes for tables and authenticates nothing.
 */

/** A secret of two 32-bit words, drawn by the host at start. */
export interface HashKey {
  readonly k0: number;
  readonly k1: number;
}

const FINAL_ROUNDS = 3;

/** The keyed hash of `bytes[at, at + length)` as an unsigned 32-bit number. */
export function keyedHash(key: HashKey, bytes: Uint8Array, at: number, length: number): number {
  const words = length >>> 2;
  const tail = at + (words << 2);
  let last = length << 24;
  for (let i = 0; i < (length & 3); i++) last |= bytes[tail + i]! << (i << 3);
  let v0 = key.k0 | 0;
  let v1 = key.k1 | 0;
  let v2 = 0x6c796765 ^ v0;
  let v3 = 0x74656465 ^ v1;
  for (let round = 0; round <= words + FINAL_ROUNDS; round++) {
    let word = 0;
    if (round < words) {
      const from = at + (round << 2);
      word = bytes[from]! | (bytes[from + 1]! << 8) | (bytes[from + 2]! << 16) | (bytes[from + 3]! << 24);
    } else if (round === words) {
      word = last;
    } else if (round === words + 1) {
      v2 ^= 0xff;
    }
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return (v1 ^ v3) >>> 0;
}
