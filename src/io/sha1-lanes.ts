/**
 * SHA-1 of several messages at once, by what the runtime's OpenSSL has for records of TLS (sha1-mb-x86_64.pl, ADR 11): two
 * take turns in the SHA instructions, or four fill the lanes of vectors where there are none. Messages lie in memory that is
 * shared with it, so that nothing is copied. It is OpenSSL's own and no promise of it: it is called only in the version that was
 * read, on processors that it is for, and what it says is compared first.
 */
import type { DynamicLibraryResult } from 'node:ffi';
import { readFileSync } from 'node:fs';
import { assert, equalBytes } from '../base/index.ts';
import { fastestMs } from './fastest-ms.ts';
import { sha1 } from './hash.ts';
import { openLibc } from './libc.ts';

const CALLS = { sha1_multi_block: { arguments: ['pointer', 'pointer', 'int32'], return: 'void' } } as const;
/** Messages hashed at a time, at most. */
export const LANES_MAX = 4;
/** The code works on so many times four lanes. */
const FOURS = 1;
/** What it keeps: the five words of the chaining values, each for eight lanes, which begin at a multiple of 32 bytes. */
const CHAIN_LANES = 8;
const CHAIN_WORDS = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
const CHAIN_BYTES = CHAIN_WORDS.length * CHAIN_LANES * 4;
const ALIGNMENT = 32;
/** What it is told of each lane: where its blocks are, and how many. */
const ORDER_BYTES = 16;
const BLOCK_BYTES = 64;
/** What is behind the last whole block, with the padding (FIPS 180-4, 5.1.1), is two blocks at most. */
const TAIL_BYTES = 2 * BLOCK_BYTES;
const LENGTH_BYTES = 8;

const ORDERS_AT = CHAIN_BYTES;
const TAILS_AT = ORDERS_AT + CHAIN_LANES * ORDER_BYTES;
const SCRATCH_BYTES = TAILS_AT + LANES_MAX * TAIL_BYTES;

/** Lanes must be this much faster than one message after the other. */
const WORTHWHILE = 1.2;
const TRIAL_BYTES = 65_536;

/** Bytes in the shared memory, from `at` on. */
export interface Stretch {
  readonly at: number;
  readonly length: number;
}

/** The code shuffles bytes without asking whether the processor can: OpenSSL calls it only where there is more than that. */
const NEEDED_FLAG = /^flags\s*:.*\bssse3\b/m;
const OPENSSL_READ = /^3\./;

type Calls = DynamicLibraryResult<typeof CALLS>['functions'] & { addressOf(memory: ArrayBufferLike): bigint };

/** Lanes over one shared memory. */
export class Sha1Lanes {
  readonly #calls: Calls;
  readonly #memory: SharedArrayBuffer;
  readonly #memoryAddress: bigint;
  readonly #scratch = new ArrayBuffer(SCRATCH_BYTES + ALIGNMENT);
  readonly #scratchAddress: bigint;
  readonly #view: DataView;

  /** Undefined where the runtime has no such code, or it does something else. */
  static open(memory: SharedArrayBuffer): Sha1Lanes | undefined {
    if (process.arch !== 'x64' || !OPENSSL_READ.test(process.versions.openssl ?? '')) return undefined;
    const lanes = openLibc(({ dlopen, getRawPointer }) => {
      if (!NEEDED_FLAG.test(readFileSync('/proc/cpuinfo', 'latin1'))) return undefined;
      const addressOf = (bytes: ArrayBufferLike): bigint => getRawPointer(bytes as ArrayBuffer);
      return new Sha1Lanes({ ...dlopen(null, CALLS).functions, addressOf }, memory);
    });
    if (lanes === undefined || !lanes.#isSha1()) return undefined;
    return lanes;
  }

  private constructor(calls: Calls, memory: SharedArrayBuffer) {
    this.#calls = calls;
    this.#memory = memory;
    this.#memoryAddress = calls.addressOf(memory);
    const address = calls.addressOf(this.#scratch);
    const start = Number(-address & BigInt(ALIGNMENT - 1));
    this.#scratchAddress = address + BigInt(start);
    this.#view = new DataView(this.#scratch, start, SCRATCH_BYTES);
  }

  /** SHA-1, 20 bytes each, of up to LANES_MAX messages in the memory. */
  digest(messages: readonly Stretch[]): Uint8Array[] {
    assert(messages.length <= LANES_MAX, 'each message has a lane');
    // Longest first: lanes behind a pair that has nothing to do are not looked at.
    const lanes = messages.toSorted((one, other) => other.length - one.length);
    for (const [word, value] of CHAIN_WORDS.entries()) {
      for (const lane of lanes.keys()) this.#view.setUint32(chainAt(word, lane), value, true);
    }
    this.#work(lanes, ({ at, length }) => {
      assert(at >= 0 && at + length <= this.#memory.byteLength, 'a message lies in the memory');
      return [this.#memoryAddress + BigInt(at), Math.floor(length / BLOCK_BYTES)];
    });
    this.#work(lanes, (message, lane) => [
      this.#scratchAddress + BigInt(tailAt(lane)),
      this.#writeTail(lane, message) / BLOCK_BYTES,
    ]);
    return messages.map((message) => this.#digestOf(lanes.indexOf(message)));
  }

  /** How many messages must be hashed together for it to be worthwhile on this machine; undefined where it never is. */
  company(): number | undefined {
    const lanes = this.#onTrial();
    const message = { at: 0, length: TRIAL_BYTES };
    const msAlone = fastestMs(() => sha1(lanes.#bytesOf(message)));
    return [2, LANES_MAX].find((count) => {
      const messages = new Array<Stretch>(count).fill(message);
      return fastestMs(() => lanes.digest(messages)) * WORTHWHILE < count * msAlone;
    });
  }

  /** Whether it says what the runtime says. */
  #isSha1(): boolean {
    const lanes = this.#onTrial();
    const messages = [1000, 64, 0, 4096].map((length, lane) => ({ at: lane, length }));
    const digests = lanes.digest(messages);
    return messages.every((message, i) => equalBytes(digests[i]!, sha1(lanes.#bytesOf(message))));
  }

  /** The same over memory that nobody else writes. */
  #onTrial(): Sha1Lanes {
    const memory = new SharedArrayBuffer(TRIAL_BYTES);
    Buffer.from(memory).fill('no two blocks alike');
    return new Sha1Lanes(this.#calls, memory);
  }

  #bytesOf({ at, length }: Stretch): Uint8Array {
    return new Uint8Array(this.#memory, at, length);
  }

  /** Adds blocks to each lane: `orderOf` says where they are and how many. */
  #work(lanes: readonly Stretch[], orderOf: (message: Stretch, lane: number) => [bigint, number]): void {
    for (let lane = 0; lane < LANES_MAX; lane++) {
      const [address, blocks] = lane < lanes.length ? orderOf(lanes[lane]!, lane) : [0n, 0];
      this.#view.setBigUint64(ORDERS_AT + lane * ORDER_BYTES, address, true);
      this.#view.setInt32(ORDERS_AT + lane * ORDER_BYTES + 8, blocks, true);
    }
    this.#calls.sha1_multi_block(this.#scratchAddress, this.#scratchAddress + BigInt(ORDERS_AT), FOURS);
  }

  /** Writes what follows a message's whole blocks; returns how many bytes that are. */
  #writeTail(lane: number, { at, length }: Stretch): number {
    const rest = length % BLOCK_BYTES;
    const size = rest + 1 + LENGTH_BYTES > BLOCK_BYTES ? TAIL_BYTES : BLOCK_BYTES;
    const tail = new Uint8Array(this.#scratch, this.#view.byteOffset + tailAt(lane), size);
    tail.fill(0);
    tail.set(this.#bytesOf({ at: at + length - rest, length: rest }));
    tail[rest] = 0x80;
    this.#view.setBigUint64(tailAt(lane) + size - LENGTH_BYTES, BigInt(length) * 8n);
    return size;
  }

  #digestOf(lane: number): Uint8Array {
    const digest = new DataView(new ArrayBuffer(CHAIN_WORDS.length * 4));
    for (const word of CHAIN_WORDS.keys()) digest.setUint32(word * 4, this.#view.getUint32(chainAt(word, lane), true));
    return new Uint8Array(digest.buffer);
  }
}

function chainAt(word: number, lane: number): number {
  return (word * CHAIN_LANES + lane) * 4;
}

function tailAt(lane: number): number {
  return TAILS_AT + lane * TAIL_BYTES;
}
