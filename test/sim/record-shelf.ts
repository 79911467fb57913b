/**
 * Every sealed descriptor of the world, read once: each node checks what it hears itself, but what a record says, and
 * which bytes its signers signed, is the same for all, and thousands of nodes that hold thousands of records share one copy
 * of each. It checks no signature.
 */
import { equalBytes, isFault, type Verify } from '../../src/base/index.ts';
import { type Descriptor, type ReadDescriptor, readDescriptor } from '../../src/overlay/index.ts';

/** Records kept; those that are still in use are read again when all are forgotten. */
const RECORDS_MAX = 100_000;

interface Shelved {
  readonly record: Uint8Array;
  readonly read: ReturnType<ReadDescriptor>;
}

type Check = (verify: Verify) => boolean;

export class RecordShelf {
  /** By the first six bytes of the signature. */
  readonly #shelved = new Map<number, Shelved>();

  readonly read: ReadDescriptor = (record, sha1) => {
    const key = keyOf(record);
    const shelved = this.#shelved.get(key);
    if (shelved && equalBytes(shelved.record, record)) return shelved.read;
    const own = record.slice();
    const read = readOnce(readDescriptor(own, sha1));
    if (this.#shelved.size >= RECORDS_MAX) this.#shelved.clear();
    this.#shelved.set(key, { record: own, read });
    return read;
  };
}

function readOnce(read: ReturnType<ReadDescriptor>): ReturnType<ReadDescriptor> {
  if (isFault(read)) return read;
  let descriptor: Descriptor | undefined;
  return {
    ...read,
    isGenuine: preparedOnce(read.isGenuine),
    hasGoodVotes: preparedOnce(read.hasGoodVotes),
    describe: () => {
      descriptor ??= read.describe();
      return descriptor;
    },
  };
}

/** A check that each node makes, of signatures and messages that are put together once. */
function preparedOnce(check: Check): Check {
  let prepared: { readonly signed: readonly Parameters<Verify>[]; readonly isGood: boolean } | undefined;
  return (verify) => {
    if (!prepared) {
      const signed: Parameters<Verify>[] = [];
      const isGood = check((...given) => signed.push(given) > 0);
      prepared = { signed, isGood };
    }
    return prepared.signed.every((given) => verify(...given)) && prepared.isGood;
  };
}

function keyOf(record: Uint8Array): number {
  let key = 0;
  for (let i = 0; i < 6; i++) key = key * 256 + (record[i] ?? 0);
  return key;
}
