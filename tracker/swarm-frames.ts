/**
 * The bytes in which supernodes tell each other of swarms (docs/PROTOCOL.md, "Swarm frames"): a version, then swarms,
 * each with its peers. Parts of a table and forwarded announces have the same form. Reading is strict: a frame is taken
 * whole or not at all.
 */

import {
  assert,
  INFO_HASH_BYTES,
  isHearsayPort,
  reachOfIp,
  readUint16,
  readUint32,
  writeUint32,
} from '../src/base/index.ts';
import { SWARM_FRAME_BYTES_MAX } from '../src/ports/index.ts';
import { ENDPOINT4_BYTES, ENDPOINT6_BYTES } from './endpoint-sizes.ts';
import type { PeerWord } from './swarm-table.ts';

const VERSION = 1;
const COMPLETIONS_AT = INFO_HASH_BYTES;
const QUIET_AT = COMPLETIONS_AT + 4;
const PEERS_AT = QUIET_AT + 2;
const SWARM_BYTES = PEERS_AT + 2;
/** Flags and age. */
const WORD_BYTES = 2;
/** What a peer's first byte says; `stopped` stands alone or with `ip6`. */
export const FLAG = { seeder: 1, completed: 2, stopped: 4, ip6: 8 } as const;
const FLAGS_ALL = 15;
/** Older peers are about to be forgotten, and not told of. */
export const AGE_MINUTES_MAX = 255;
const QUIET_MINUTES_MAX = 0xffff;
const COMPLETIONS_MAX = 0xffff_ffff;

/** Writes one frame; `isFull` says that the next swarm or peer may not fit. */
export class FrameWriter {
  readonly #bytes: Uint8Array = new Uint8Array(SWARM_FRAME_BYTES_MAX);
  #at = 0;
  /** Where the open swarm begins. */
  #swarmAt = 0;
  #peers = 0;

  begin(): void {
    this.#bytes[0] = VERSION;
    this.#at = 1;
  }

  get isEmpty(): boolean {
    return this.#at <= 1;
  }

  /** Whether a swarm's head and `peers` of its peers still fit. */
  hasRoom(peers: number): boolean {
    return this.#at + SWARM_BYTES + peers * (WORD_BYTES + ENDPOINT6_BYTES) <= SWARM_FRAME_BYTES_MAX;
  }

  /** Begins the swarm of the info hash at `from`; its peers follow. */
  swarm(infoHashes: Uint8Array, from: number, completions: number, quietMinutes: number): void {
    this.#swarmAt = this.#at;
    this.#peers = 0;
    for (let i = 0; i < INFO_HASH_BYTES; i++) this.#bytes[this.#at + i] = infoHashes[from + i]!;
    writeUint32(this.#bytes, this.#at + COMPLETIONS_AT, Math.min(completions, COMPLETIONS_MAX));
    this.#writeUint16(this.#at + QUIET_AT, Math.min(quietMinutes, QUIET_MINUTES_MAX));
    this.#writeUint16(this.#at + PEERS_AT, 0);
    this.#at += SWARM_BYTES;
  }

  /** Writes what is said of a peer, and returns where its endpoint goes in `bytes`. */
  peer(flags: number, ageMinutes: number): number {
    this.#bytes[this.#at] = flags;
    this.#bytes[this.#at + 1] = Math.min(ageMinutes, AGE_MINUTES_MAX);
    this.#writeUint16(this.#swarmAt + PEERS_AT, ++this.#peers);
    const at = this.#at + WORD_BYTES;
    this.#at = at + endpointBytesOf(flags);
    return at;
  }

  /** What `peer` says where to write to. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** A copy of the frame. */
  end(): Uint8Array {
    assert(this.#at <= SWARM_FRAME_BYTES_MAX, 'a frame fits its bound');
    return this.#bytes.slice(0, this.#at);
  }

  #writeUint16(at: number, value: number): void {
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
  }
}

/** What a frame says, one after the other; the arrays are views into the frame. */
export interface FrameReader {
  swarm(infoHash: Uint8Array, completions: number, quietMinutes: number): void;
  peer(infoHash: Uint8Array, endpoint: Uint8Array, word: PeerWord): void;
}

/** Whether the bytes are a frame from their first to their last. */
export function isFrame(bytes: Uint8Array): boolean {
  if (bytes.length < 1 || bytes.length > SWARM_FRAME_BYTES_MAX || bytes[0] !== VERSION) return false;
  let at = 1;
  while (at < bytes.length) {
    if (at + SWARM_BYTES > bytes.length) return false;
    let peers = readUint16(bytes, at + PEERS_AT);
    at += SWARM_BYTES;
    for (; peers > 0; peers--) {
      if (at + WORD_BYTES > bytes.length) return false;
      const flags = bytes[at]!;
      const isStopped = (flags & FLAG.stopped) !== 0;
      if (flags > FLAGS_ALL || (isStopped && (flags & (FLAG.seeder | FLAG.completed)) !== 0)) return false;
      at += WORD_BYTES + endpointBytesOf(flags);
      if (at > bytes.length) return false;
    }
  }
  return true;
}

/**
 * Reads a frame of which `isFrame` is true. Endpoints at which no swarm may be aimed are left out: a supernode that
 * lies must not lead clients there.
 */
export function readFrame(bytes: Uint8Array, reader: FrameReader): void {
  for (let at = 1; at < bytes.length; ) {
    const infoHash = bytes.subarray(at, at + INFO_HASH_BYTES);
    reader.swarm(infoHash, readUint32(bytes, at + COMPLETIONS_AT), readUint16(bytes, at + QUIET_AT));
    let peers = readUint16(bytes, at + PEERS_AT);
    at += SWARM_BYTES;
    for (; peers > 0; peers--) {
      const flags = bytes[at]!;
      const ageMinutes = bytes[at + 1]!;
      const end = at + WORD_BYTES + endpointBytesOf(flags);
      const endpoint = bytes.subarray(at + WORD_BYTES, end);
      at = end;
      if (!isHearsayPort(readUint16(endpoint, endpoint.length - 2))) continue;
      if (reachOfIp(endpoint.subarray(0, -2)) === 'forbidden') continue;
      reader.peer(infoHash, endpoint, {
        isSeeder: (flags & FLAG.seeder) !== 0,
        isCompleted: (flags & FLAG.completed) !== 0,
        isStopped: (flags & FLAG.stopped) !== 0,
        ageMinutes,
      });
    }
  }
}

/** Bytes of the endpoint that follows. */
export function endpointBytesOf(flags: number): number {
  return (flags & FLAG.ip6) !== 0 ? ENDPOINT6_BYTES : ENDPOINT4_BYTES;
}
