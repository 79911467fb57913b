/**
 * A thread that hashes arriving pieces, whole or part by part, beside the one that serves sockets, and writes them; and the
 * memory that both see. Invariants: memory is lent to one holder at a time; while it is being hashed nobody writes it; a disk that
 * keeps the thread waiting gets its writes from elsewhere for a while, so that it holds up nobody else's hashes.
 */
import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { assert, equalBytes } from '../base/index.ts';
import { sha1 } from './hash.ts';
import { expect, newHashMemory, SLOT_BYTES_MIN } from './hash-memory.ts';
import type { Stretch } from './sha1-lanes.ts';
import { startWorker } from './worker.ts';

/** Largest piece of memory lent. */
const SLAB_BYTES = 1_048_576;
/** Slabs that can be lent. */
const SLABS_MAX = 24;
/** A write that took so long waited for a disk. */
const SLOW_WRITE_MS = 50;
/** After such a write the thread hashes only, for this long. */
const HASH_ONLY_MS = 10_000;

/** Where bytes go: a file that stays open for writing until the answer is there. */
export interface WriteTarget {
  readonly fd: number;
  readonly position: number;
}
/** Bytes which are a message, and written only if they are what is expected. */
export interface WholeTask extends Stretch {
  readonly type: 'whole';
  readonly target: WriteTarget | undefined;
}
/** Bytes which are the next part of a message, and are written whatever they are. */
export interface PartTask extends Stretch {
  readonly type: 'part';
  readonly message: number;
  readonly isLast: boolean;
  readonly target: WriteTarget | undefined;
}
/** What the thread is asked; `forget` that the rest of a message does not come. */
export type HashTask = WholeTask | PartTask | { readonly type: 'forget'; readonly message: number };

/** What became of a part; the digest is that of the message, and known behind its last one unless the thread was lost. */
export interface HashedPart {
  readonly digest: Uint8Array | undefined;
  /** False without a target, and when the disk refused. */
  readonly isWritten: boolean;
}
/** What became of a whole message. */
export interface Hashed {
  /** It is what was expected. */
  readonly isGood: boolean;
  /** False without a target, for what is not good, and when the disk refused. */
  readonly isWritten: boolean;
}
/** `ready` is said once, when the thread knows how it hashes fastest; `writeMs` is how long the write took, if there was one. */
export type HashReply =
  | { readonly type: 'ready' }
  | ({ readonly type: 'whole'; readonly at: number; readonly writeMs: number } & Hashed)
  | ({ readonly type: 'part'; readonly at: number; readonly writeMs: number } & HashedPart);

interface WaitingTask {
  readonly resolve: (outcome: Hashed | HashedPart) => void;
  /** What is said where the thread is lost. */
  readonly without: () => Hashed | HashedPart;
}

/** One hashing thread and its memory. */
export class HashThread {
  readonly #memory = newHashMemory(SLABS_MAX * SLAB_BYTES);
  readonly #worker: Worker;
  /** Slabs cut into slots of one size each; of free slots the last used first, because it is still in cache. */
  readonly #free = new Map<number, number[]>();
  #slabsCut = 0;
  /** By place; bounded by the slots. */
  readonly #waiting = new Map<number, WaitingTask>();
  #isReady = false;
  #messages = 0;
  #hashesOnlyUntil = 0;
  /** Resolves when the thread takes messages. */
  readonly ready: Promise<void>;
  readonly #announceReady: () => void;

  /** Undefined where a second thread would only take turns with the first, and where the system gives none. */
  static start(begin: typeof startWorker = startWorker): HashThread | undefined {
    if (availableParallelism() === 1) return undefined;
    try {
      return new HashThread(begin);
    } catch {
      // No thread (EAGAIN) or no memory for it: what arrives is hashed where it is.
      return undefined;
    }
  }

  private constructor(begin: typeof startWorker) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#announceReady = resolve;
    this.#worker = begin('hash-worker', this.#memory);
    this.#worker.on('message', (reply: HashReply) => this.#hear(reply));
    this.#worker.on('error', () => this.#lost());
    this.#worker.unref();
  }

  /** Memory for `length` bytes, content arbitrary; undefined when there is none left, or none so large. */
  take(length: number): Uint8Array | undefined {
    if (length > SLAB_BYTES) return undefined;
    const size = slotBytes(length);
    const free = this.#free.get(size) ?? [];
    if (free.length === 0) this.#cutSlab(size, free);
    const at = free.pop();
    return at === undefined ? undefined : new Uint8Array(this.#memory.slots, at, length);
  }

  owns(bytes: Uint8Array): boolean {
    return bytes.buffer === this.#memory.slots;
  }

  /** Takes memory back. */
  give(bytes: Uint8Array): void {
    assert(
      this.owns(bytes) && !this.#waiting.has(bytes.byteOffset),
      'what comes back was lent, and is not being hashed',
    );
    this.#free.get(slotBytes(bytes.length))!.push(bytes.byteOffset);
  }

  /** True when `hash` can be asked about these bytes. */
  takes(bytes: Uint8Array): boolean {
    return this.#isReady && this.owns(bytes);
  }

  /** Compares lent bytes, which must not change until that is done, with the SHA-1 expected of them; writes them if they are good. */
  hash(bytes: Uint8Array, expected: Uint8Array, target?: WriteTarget): Promise<Hashed> {
    const at = bytes.byteOffset;
    expect(this.#memory, at, expected);
    const task = { type: 'whole', at, length: bytes.length, target: this.#mayWrite(target) } as const;
    const without = (): Hashed => ({ isGood: equalBytes(sha1(bytes), expected), isWritten: false });
    return this.#ask(bytes, task, without) as Promise<Hashed>;
  }

  /** A number for a message whose parts come one by one: all of them in order, or `forget`. */
  beginMessage(): number {
    return this.#messages++;
  }

  /** Takes the next part of a message, lent bytes that must not change until it is done with, and writes it. */
  hashPart(message: number, bytes: Uint8Array, isLast: boolean, target?: WriteTarget): Promise<HashedPart> {
    const part = { type: 'part', message, isLast, at: bytes.byteOffset, length: bytes.length } as const;
    const without = (): HashedPart => ({ digest: undefined, isWritten: false });
    return this.#ask(bytes, { ...part, target: this.#mayWrite(target) }, without) as Promise<HashedPart>;
  }

  /** The rest of a message does not come. */
  forget(message: number): void {
    if (this.#isReady) this.#worker.postMessage({ type: 'forget', message } satisfies HashTask);
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #mayWrite(target: WriteTarget | undefined): WriteTarget | undefined {
    return performance.now() >= this.#hashesOnlyUntil ? target : undefined;
  }

  /** Resolves with what is said of such a task. */
  #ask(
    bytes: Uint8Array,
    task: WholeTask | PartTask,
    without: () => Hashed | HashedPart,
  ): Promise<Hashed | HashedPart> {
    assert(this.owns(bytes), 'only lent memory is hashed');
    if (!this.#isReady) return Promise.resolve(without());
    const { promise, resolve } = Promise.withResolvers<Hashed | HashedPart>();
    this.#waiting.set(bytes.byteOffset, { resolve, without });
    // An idle thread keeps no process alive, one at work does.
    this.#worker.ref();
    this.#worker.postMessage(task);
    return promise;
  }

  #cutSlab(size: number, free: number[]): void {
    if (this.#slabsCut === SLABS_MAX) return;
    const start = this.#slabsCut++ * SLAB_BYTES;
    for (let at = start + SLAB_BYTES - size; at >= start; at -= size) free.push(at);
    this.#free.set(size, free);
  }

  #hear(reply: HashReply): void {
    if (reply.type === 'ready') {
      this.#isReady = true;
      return this.#announceReady();
    }
    const task = this.#waiting.get(reply.at);
    this.#waiting.delete(reply.at);
    if (this.#waiting.size === 0) this.#worker.unref();
    if (reply.writeMs >= SLOW_WRITE_MS) this.#hashesOnlyUntil = performance.now() + HASH_ONLY_MS;
    task?.resolve(reply);
  }

  /** The thread ended by an error: whole messages are hashed here, what is to be written is by whoever asked, and it is asked nothing more. */
  #lost(): void {
    this.#isReady = false;
    for (const { resolve, without } of this.#waiting.values()) resolve(without());
    this.#waiting.clear();
  }
}

function slotBytes(length: number): number {
  let size = SLOT_BYTES_MIN;
  while (size < length) size *= 2;
  return size;
}
