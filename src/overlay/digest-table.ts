/**
 * Short names of records, and hashes over them by bucket: two nodes that hold the same records have the same hashes, and
 * where they differ it is seen in which bucket. The hashes protect nobody, for every record protects itself.
 */
import { hex, writeUint32 } from '../base/index.ts';
import { BUCKETS } from './message-codec.ts';
import { type Digest, lettered, type NamedRecord } from './record-names.ts';

/** Records by the key of their digests; as many as whoever fills it lets in. */
export class DigestTable {
  /** By bucket: who compares views asks for a few buckets of many. */
  readonly #buckets: readonly Map<string, NamedRecord>[] = Array.from({ length: BUCKETS }, () => new Map());
  /** Two words a bucket. */
  readonly #hashes = new Uint32Array(2 * BUCKETS);
  /** Of everything held. */
  #hash: string | undefined;

  /** Adds a record, or puts it in the place of the one before. */
  hold(named: NamedRecord): void {
    const { digest } = named;
    this.release(digest.key);
    this.#buckets[bucketOf(digest.key)]!.set(digest.key, named);
    this.#toggle(digest);
  }

  release(key: string): void {
    const held = this.#heldAt(key);
    if (!held) return;
    this.#buckets[bucketOf(key)]!.delete(key);
    this.#toggle(held.digest);
  }

  sequenceOf(key: string): number | undefined {
    return this.#heldAt(key)?.digest.sequence;
  }

  digestOf(key: string): Digest | undefined {
    return this.#heldAt(key)?.digest;
  }

  /** A record as it is passed on: a letter for its kind before it. */
  recordOf(key: string): Uint8Array | undefined {
    const held = this.#heldAt(key);
    return held && lettered(held);
  }

  /** One hash over everything held: 16 hex digits. */
  get hash(): string {
    this.#hash ??= this.#hashOfAll();
    return this.#hash;
  }

  /** One hash a bucket. */
  get bucketHashes(): readonly string[] {
    return Array.from({ length: BUCKETS }, (_, i) => hexOfWords(this.#hashes[2 * i]!, this.#hashes[2 * i + 1]!));
  }

  in(bucket: number): Digest[] {
    return Array.from(this.#buckets[bucket]!.values(), ({ digest }) => digest);
  }

  #heldAt(key: string): NamedRecord | undefined {
    return this.#buckets[bucketOf(key)]?.get(key);
  }

  #hashOfAll(): string {
    let [high, low] = [0, 0];
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      high ^= this.#hashes[2 * bucket]!;
      low ^= this.#hashes[2 * bucket + 1]!;
    }
    return hexOfWords(high, low);
  }

  /** Each record is in the hash of its bucket once: what comes in goes out the same way. */
  #toggle({ key, sequence }: Digest): void {
    this.#hash = undefined;
    const at = 2 * bucketOf(key);
    const [a, b] = [Number.parseInt(key.slice(0, 8), 16), Number.parseInt(key.slice(8, 16), 16)];
    const high = mix(a ^ Math.imul(sequence >>> 0, 0x9e37_79b1) ^ Math.floor(sequence / 2 ** 32));
    this.#hashes[at]! ^= high;
    this.#hashes[at + 1]! ^= mix(b ^ high);
  }
}

/** The second byte of a key modulo 64. */
function bucketOf(key: string): number {
  return (digitAt(key, 2) * 16 + digitAt(key, 3)) % BUCKETS;
}

/** Of lower-case hex. */
function digitAt(key: string, at: number): number {
  const code = key.charCodeAt(at);
  return code < 0x3a ? code - 0x30 : code - 0x57;
}

/** murmur3's finaliser. */
function mix(word: number): number {
  let mixed = word;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function hexOfWords(high: number, low: number): string {
  const bytes = new Uint8Array(8);
  writeUint32(bytes, 0, high >>> 0);
  writeUint32(bytes, 4, low >>> 0);
  return hex(bytes);
}
