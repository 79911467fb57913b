/**
 * What the hashing thread and whoever asks it both see: memory that is lent in slots, and of each slot the SHA-1 that is
 * expected of a message in it. Bytes in a message between threads would be copied to memory of their own, which lasts until
 * the collector comes, and a piece may be small.
 */
import { equalBytes } from '../base/index.ts';

/** Slots begin at multiples of it. */
export const SLOT_BYTES_MIN = 16_384;
const SHA1_BYTES = 20;

export interface HashMemory {
  readonly slots: SharedArrayBuffer;
  /** SHA1_BYTES for each SLOT_BYTES_MIN of the slots. */
  readonly expected: SharedArrayBuffer;
}

/** Memory of so many bytes, a multiple of SLOT_BYTES_MIN; pages that were never written take no room. */
export function newHashMemory(bytes: number): HashMemory {
  return {
    slots: new SharedArrayBuffer(bytes),
    expected: new SharedArrayBuffer((bytes / SLOT_BYTES_MIN) * SHA1_BYTES),
  };
}

/** Says what is expected in the slot that begins at `at`. */
export function expect({ expected }: HashMemory, at: number, digest: Uint8Array): void {
  expectedIn(expected, at).set(digest);
}

/** True when a SHA-1 is the one that is expected in the slot that begins at `at`. */
export function isExpected({ expected }: HashMemory, at: number, digest: Uint8Array): boolean {
  return equalBytes(digest, expectedIn(expected, at));
}

function expectedIn(expected: SharedArrayBuffer, at: number): Uint8Array {
  return new Uint8Array(expected, (at / SLOT_BYTES_MIN) * SHA1_BYTES, SHA1_BYTES);
}
