/**
 * Which node answers at an endpoint, as its announces over TLS proved: native clients are told, so that they know whom
 * to expect. A node is one in all of its swarms, so that this table grows with nodes and not with peers. What it
 * forgets costs a native client one guess; it says nothing of who takes part in what.
 */
import { equalBytes, NODE_ID_BYTES, type NodeId, nodeIdBytes } from '../src/base/index.ts';
import { type HashKey, keyedHash } from './keyed-hash.ts';

/** Endpoints remembered at most, 7 MB; where its bucket is full, a new one takes the place of an older. */
export const NODE_ENDPOINTS_MAX = 131_072;

const BUCKET_RECORDS = 8;
const BUCKETS = NODE_ENDPOINTS_MAX / BUCKET_RECORDS;
/** Room for the address and port of either family. */
const ENDPOINT_BYTES = 18;

/** The nodes by endpoint: buckets of a few records, found by a keyed hash, so that nobody can aim at another's. */
export class NodeEndpoints {
  readonly #key: HashKey;
  readonly #endpoints: Uint8Array = new Uint8Array(NODE_ENDPOINTS_MAX * ENDPOINT_BYTES);
  /** Bytes of each record's endpoint, 0 where there is none. */
  readonly #widths: Uint8Array = new Uint8Array(NODE_ENDPOINTS_MAX);
  readonly #ids: Uint8Array = new Uint8Array(NODE_ENDPOINTS_MAX * NODE_ID_BYTES);
  /** The record of each full bucket that makes room next. */
  readonly #hands: Uint8Array = new Uint8Array(BUCKETS);

  constructor(key: HashKey) {
    this.#key = key;
  }

  /** Notes who announces from `endpoint` (6 or 18 bytes); undefined is somebody who proved nothing. */
  note(endpoint: Uint8Array, node: NodeId | undefined): void {
    const bucket = this.#bucketOf(endpoint);
    let record = this.#find(bucket, endpoint);
    if (node === undefined) {
      if (record !== undefined) this.#widths[record] = 0;
      return;
    }
    record ??= this.#roomIn(bucket);
    this.#endpoints.set(endpoint, record * ENDPOINT_BYTES);
    this.#widths[record] = endpoint.length;
    this.#ids.set(nodeIdBytes(node), record * NODE_ID_BYTES);
  }

  /** The 32 bytes of the id of the node at `endpoint`, in place. */
  at(endpoint: Uint8Array): Uint8Array | undefined {
    const record = this.#find(this.#bucketOf(endpoint), endpoint);
    if (record === undefined) return undefined;
    return this.#ids.subarray(record * NODE_ID_BYTES, (record + 1) * NODE_ID_BYTES);
  }

  #bucketOf(endpoint: Uint8Array): number {
    return keyedHash(this.#key, endpoint, 0, endpoint.length) & (BUCKETS - 1);
  }

  #find(bucket: number, endpoint: Uint8Array): number | undefined {
    const first = bucket * BUCKET_RECORDS;
    for (let record = first; record < first + BUCKET_RECORDS; record++) {
      if (this.#widths[record] !== endpoint.length) continue;
      const at = record * ENDPOINT_BYTES;
      if (equalBytes(this.#endpoints.subarray(at, at + endpoint.length), endpoint)) return record;
    }
    return undefined;
  }

  #roomIn(bucket: number): number {
    const first = bucket * BUCKET_RECORDS;
    for (let record = first; record < first + BUCKET_RECORDS; record++) if (this.#widths[record] === 0) return record;
    const hand = this.#hands[bucket]!;
    this.#hands[bucket] = (hand + 1) % BUCKET_RECORDS;
    return first + hand;
  }
}
