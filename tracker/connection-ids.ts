/**
 * Connection ids (BEP 15) that need no memory: each is a keyed digest of the asker's address and the time, so only who
 * receives at that address can name one, and whoever forges a source can draw nothing but the 16 bytes of a connect.
 * Invariant: an id is good for 80 to 120 s; a client may rely on 60.
 */
import { type Instant, writeUint32 } from '../src/base/index.ts';
import { CONNECTION_ID_BYTES, CONNECTION_MARK, CONNECTION_MARK_MASK } from '../src/wire/index.ts';

/** A message authentication code under a key of the host's own, of at least 8 bytes. */
export type Mac = (message: Uint8Array) => Uint8Array;

const EPOCH_MS = 40_000;
/** How many epochs before the present one an id may be from. */
const AGE_MAX = 2;
const EPOCH_BITS: number = ~CONNECTION_MARK_MASK & 0xff;
const IP6_BYTES = 16;

/** Makes and checks connection ids. */
export class ConnectionIds {
  readonly #mac: Mac;
  readonly #message: Uint8Array = new Uint8Array(4 + IP6_BYTES);

  constructor(mac: Mac) {
    this.#mac = mac;
  }

  /** The id for an asker of 4 or 16 address bytes. */
  idFor(source: Uint8Array, now: Instant): Uint8Array {
    return this.#idOf(source, epochOf(now));
  }

  /** Whether the 8 bytes of `id` were given to that asker, and lately. */
  isGood(id: Uint8Array, source: Uint8Array, now: Instant): boolean {
    const present = epochOf(now);
    for (let age = 0; age <= AGE_MAX; age++) {
      // The first byte says which epoch it can be from, so that one digest decides.
      if (((present - age) & EPOCH_BITS) !== (id[0]! & EPOCH_BITS)) continue;
      const expected = this.#idOf(source, present - age);
      let difference = 0;
      for (let i = 0; i < CONNECTION_ID_BYTES; i++) difference |= expected[i]! ^ id[i]!;
      return difference === 0;
    }
    return false;
  }

  #idOf(source: Uint8Array, epoch: number): Uint8Array {
    writeUint32(this.#message, 0, epoch);
    this.#message.set(source, 4);
    const id = this.#mac(this.#message.subarray(0, 4 + source.length)).slice(0, CONNECTION_ID_BYTES);
    id[0] = CONNECTION_MARK | (epoch & EPOCH_BITS);
    return id;
  }
}

function epochOf(now: Instant): number {
  return Math.floor(now / EPOCH_MS);
}
