/**
 * A small file of which the generation before is kept beside it (SAFETY rule 5). Each ends with its SHA-1, so that a
 * flipped bit is damage and never another meaning. Invariants: at every moment of a save one of the two is whole; what
 * is damaged is set aside under a name that says so, never overwritten. Refuses to know what the bytes mean.
 */
import { readFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { concatBytes, equalBytes, type Fault, isFault } from '../base/index.ts';
import { writeFileAtomically } from './atomic-file.ts';
import { sha1 } from './hash.ts';

const CHECKSUM_BYTES = 20;
/** What the generation before is called: the file's name and this. */
export const PREVIOUS = '.old';

/** What was read of a file. */
export interface Generation<Value> {
  readonly value: Value;
  readonly checksum: Uint8Array;
  /** The last save is not there: it was damaged, or never ended. */
  readonly isPrevious: boolean;
}

/** The newest whole generation, and the names of what was damaged. */
export interface Loaded<Value> {
  readonly generation: Generation<Value> | undefined;
  readonly setAside: readonly string[];
}

/** One file in two generations. */
export class GenerationFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Reads the newest generation that is whole and that `parse` understands; renames those that are not.
   * Rejects with the system's error when a file that is there cannot be read.
   */
  async load<Value>(parse: (body: Uint8Array) => Value | Fault<string>): Promise<Loaded<Value>> {
    const setAside: string[] = [];
    for (const isPrevious of [false, true]) {
      const path = isPrevious ? `${this.#path}${PREVIOUS}` : this.#path;
      const bytes = readIfThere(path);
      if (!bytes) continue;
      const body = bytes.subarray(0, -CHECKSUM_BYTES);
      const checksum = bytes.subarray(body.length);
      const value = equalBytes(sha1(body), checksum) ? parse(body) : undefined;
      if (value !== undefined && !isFault(value)) return { generation: { value, checksum, isPrevious }, setAside };
      const aside = `${path}.damaged-${Date.now()}`;
      await rename(path, aside);
      setAside.push(aside);
    }
    return { generation: undefined, setAside };
  }

  /** Writes the next generation; resolves to its checksum once it would survive a power cut. */
  async save(body: Uint8Array): Promise<Uint8Array> {
    const checksum = sha1(body);
    const bytes = concatBytes([body, checksum]);
    await writeFileAtomically(this.#path, bytes, { mode: 0o600, previous: `${this.#path}${PREVIOUS}` });
    return checksum;
  }

  /** The older one first: it must not come back for the one that was removed. */
  async remove(): Promise<void> {
    for (const path of [`${this.#path}${PREVIOUS}`, this.#path]) await rm(path, { force: true });
  }
}

/** A file's bytes; undefined when there is none. */
export function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
