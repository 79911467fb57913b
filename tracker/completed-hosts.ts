/**
 * From which hosts a swarm's completions were counted already, so that one host counts once for each hash, whatever
 * ports it uses and however often it leaves. A table of marks that later ones overwrite: to be counted twice somebody
 * has to complete about as many other hashes as it has places.
 */

import { INFO_HASH_BYTES } from '../src/base/index.ts';
import { ENDPOINT4_BYTES } from './endpoint-sizes.ts';
import { type HashKey, keyedHash } from './keyed-hash.ts';

/** Marks kept; 1 MiB. */
export const COMPLETED_HOSTS_MAX: number = 2 ** 18;
/** An IPv4 address, or the /64 of an IPv6 one. */
const HOST_BYTES_MAX = 8;

export class CompletedHosts {
  readonly #key: HashKey;
  readonly #marks = new Uint32Array(COMPLETED_HOSTS_MAX);
  readonly #question = new Uint8Array(INFO_HASH_BYTES + HOST_BYTES_MAX);

  constructor(key: HashKey) {
    this.#key = key;
  }

  /**
   * Marks the host of an endpoint; false when it was marked for this hash before.
   * @param infoHash 20 bytes
   * @param endpoint 6 or 18 bytes
   */
  mark(infoHash: Uint8Array, endpoint: Uint8Array): boolean {
    const hostBytes = endpoint.length === ENDPOINT4_BYTES ? 4 : HOST_BYTES_MAX;
    this.#question.set(infoHash);
    this.#question.fill(0, INFO_HASH_BYTES);
    this.#question.set(endpoint.subarray(0, hostBytes), INFO_HASH_BYTES);
    // 0 is no mark.
    const mark = keyedHash(this.#key, this.#question, 0, this.#question.length) | 0x8000_0000;
    const place = mark & (COMPLETED_HOSTS_MAX - 1);
    if (this.#marks[place] === mark >>> 0) return false;
    this.#marks[place] = mark >>> 0;
    return true;
  }
}
