/**
 * An arc of the closed ring of info hashes, for tests of membership at the rate of a table scan: from one position,
 * exclusive, to another, inclusive. Equal ends are the whole ring.
 */
import { assert, bytesOfHex, INFO_HASH_BYTES } from '../src/base/index.ts';
import type { Arc } from '../src/ports/index.ts';

/** An arc with its ends as bytes. */
export class HashArc {
  readonly #from: Uint8Array;
  readonly #to: Uint8Array;
  /** How the ends lie: below 0 when the arc does not pass the ring's zero, 0 when it is everything. */
  readonly #order: number;

  constructor({ from, to }: Arc) {
    const [fromBytes, toBytes] = [bytesOfHex(from), bytesOfHex(to)];
    assert(fromBytes?.length === INFO_HASH_BYTES && toBytes?.length === INFO_HASH_BYTES, 'a position is 40 hex digits');
    this.#from = fromBytes;
    this.#to = toBytes;
    this.#order = compare(fromBytes, toBytes);
  }

  /** Whether an info hash of 20 bytes lies in it. */
  holds(infoHash: Uint8Array): boolean {
    if (this.#order === 0) return true;
    const isAfterFrom = compare(infoHash, this.#from) > 0;
    if (this.#order < 0) return isAfterFrom && compare(infoHash, this.#to) <= 0;
    return isAfterFrom || compare(infoHash, this.#to) <= 0;
  }
}

function compare(a: Uint8Array, b: Uint8Array): number {
  let at = 0;
  while (at < INFO_HASH_BYTES - 1 && a[at] === b[at]) at++;
  return a[at]! - b[at]!;
}
