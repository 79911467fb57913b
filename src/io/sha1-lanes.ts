/**
 * SHA-1 of four messages at once, one in each lane of WebAssembly vectors: on processors without SHA instructions about
 * 1.6 times the rate of one after the other (docs/adr/0011). Messages lie in memory that the module sees, so nothing is
 * copied. Knows nothing of whose memory it is otherwise.
 */
import { assert } from '../base/index.ts';
import { sha1 } from './hash.ts';
import { sha1LanesModule } from './sha1-lanes-module.ts';

/** Messages hashed at a time. */
export const LANES = 4;
export const PAGE_BYTES = 65_536;
/** What lies before the messages: chaining values, a block for the padding, and messages to measure with. */
const CHAIN_AT = 0;
const PADDING_AT = 128;
const TRIAL_AT = 256;
const TRIAL_BYTES = 131_072;
export const MESSAGES_AT = 1_048_576;
const BLOCK_BYTES = 64;
const INITIAL = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
/** The engine compiles a function anew, and well, once it was called about 800 times. */
const WARMING_CALLS = 1500;
const TRIALS = 5;
/** Bytes per second that the runtime hashes only with SHA instructions (410 to 870 MiB/s without, from 1,400 with). */
const INSTRUCTED_RATE_MIN = 1_153_433_600;

type Blocks = (chain: number, count: number, m0: number, m1: number, m2: number, m3: number) => void;

/** Four lanes over a memory whose first MESSAGES_AT bytes are theirs. */
export class Sha1Lanes {
  readonly #memory: ArrayBufferLike;
  readonly #blocks: Blocks;
  readonly #chain: Uint32Array;

  /** Asks the engine for its best code, which it has some 20 ms later. */
  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory.buffer;
    const module = new WebAssembly.Module(sha1LanesModule(this.#memory.byteLength / PAGE_BYTES));
    this.#chain = new Uint32Array(this.#memory, CHAIN_AT, INITIAL.length * LANES);
    this.#blocks = new WebAssembly.Instance(module, { host: { memory } }).exports.blocks as Blocks;
    for (let call = 0; call < WARMING_CALLS; call++) this.#pad();
  }

  /** False where the processor has SHA instructions, which lanes do not reach: making them would be wasted. */
  static mayBeFaster(memory: WebAssembly.Memory): boolean {
    const message = new Uint8Array(memory.buffer, TRIAL_AT, TRIAL_BYTES);
    return (TRIAL_BYTES * 1000) / fastestMs(() => sha1(message)) < INSTRUCTED_RATE_MIN;
  }

  /** True when a message of this many bytes can be hashed here. */
  static suits(length: number): boolean {
    return length % BLOCK_BYTES === 0;
  }

  /** SHA-1, 20 bytes each, of four messages of one length that suits, which begin at these places in the memory. */
  digest(places: readonly number[], length: number): Uint8Array[] {
    assert(places.length === LANES && Sha1Lanes.suits(length), 'lanes hash four messages of whole blocks');
    const [m0, m1, m2, m3] = places as [number, number, number, number];
    for (const [word, value] of INITIAL.entries()) this.#chain.fill(value, word * LANES, (word + 1) * LANES);
    this.#blocks(CHAIN_AT, length / BLOCK_BYTES, m0, m1, m2, m3);
    // Messages are whole blocks, so the padding is a block of its own (FIPS 180-4, 5.1.1).
    const padding = new DataView(this.#memory, PADDING_AT, BLOCK_BYTES);
    padding.setUint8(0, 0x80);
    padding.setUint32(BLOCK_BYTES - 4, length * 8);
    this.#pad();
    return Array.from({ length: LANES }, (_, lane) => this.#digestOf(lane));
  }

  /** How many times faster four lanes are than the runtime's SHA-1, on this machine, now. */
  advantage(): number {
    const places = Array.from({ length: LANES }, (_, lane) => TRIAL_AT + lane * TRIAL_BYTES);
    const message = new Uint8Array(this.#memory, TRIAL_AT, TRIAL_BYTES);
    const alone = LANES * fastestMs(() => sha1(message));
    return alone / fastestMs(() => this.digest(places, TRIAL_BYTES));
  }

  #pad(): void {
    this.#blocks(CHAIN_AT, 1, PADDING_AT, PADDING_AT, PADDING_AT, PADDING_AT);
  }

  #digestOf(lane: number): Uint8Array {
    const digest = new DataView(new ArrayBuffer(INITIAL.length * 4));
    for (let word = 0; word < INITIAL.length; word++) digest.setUint32(word * 4, this.#chain[word * LANES + lane]!);
    return new Uint8Array(digest.buffer);
  }
}

function fastestMs(work: () => unknown): number {
  const times = Array.from({ length: TRIALS }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
  return Math.min(...times);
}
