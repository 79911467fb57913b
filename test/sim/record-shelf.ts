/**
 * Every sealed descriptor of the world, read once: each node checks what it hears itself, but what a record says is the
 * same for all, and thousands of nodes that hold thousands of records share one copy of each. It checks no signature.
 */
import { equalBytes, isFault } from '../../src/base/index.ts';
import { type Descriptor, type ReadDescriptor, readDescriptor } from '../../src/overlay/index.ts';

/** Records kept; those that are still in use are read again when all are forgotten. */
const RECORDS_MAX = 100_000;

interface Shelved {
  readonly record: Uint8Array;
  readonly read: ReturnType<ReadDescriptor>;
}

export class RecordShelf {
  /** By the first six bytes of the signature. */
  readonly #shelved = new Map<number, Shelved>();

  readonly read: ReadDescriptor = (record, sha1) => {
    const key = keyOf(record);
    const shelved = this.#shelved.get(key);
    if (shelved && equalBytes(shelved.record, record)) return shelved.read;
    const own = record.slice();
    const read = describedOnce(readDescriptor(own, sha1));
    if (this.#shelved.size >= RECORDS_MAX) this.#shelved.clear();
    this.#shelved.set(key, { record: own, read });
    return read;
  };
}

function describedOnce(read: ReturnType<ReadDescriptor>): ReturnType<ReadDescriptor> {
  if (isFault(read)) return read;
  let descriptor: Descriptor | undefined;
  return {
    ...read,
    describe: () => {
      descriptor ??= read.describe();
      return descriptor;
    },
  };
}

function keyOf(record: Uint8Array): number {
  let key = 0;
  for (let i = 0; i < 6; i++) key = key * 256 + (record[i] ?? 0);
  return key;
}
