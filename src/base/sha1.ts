/** SHA-1 as an argument: pure code computes ring positions and info hashes without knowing who hashes. */

/** SHA-1 of bytes; 20 bytes. */
export type Sha1 = (bytes: Uint8Array) => Uint8Array;
