/**
 * What the overlay has to remember over restarts: the highest term and sequence that this node used, without which it
 * would repeat itself, and the supernodes known last, which are the first way back in. Each file has two generations:
 * when the newer one cannot be read, the older one is.
 */
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BencodeDict,
  type BencodeInput,
  concatBytes,
  decodeBencode,
  encodeBencode,
  equalBytes,
  isFault,
  MonsoonError,
  type WallSeconds,
  wallSeconds,
} from '../src/base/index.ts';
import { wallNow } from '../src/io/alarm-clock.ts';
import { writeFileAtomically } from '../src/io/atomic-file.ts';
import { sha1 } from '../src/io/hash.ts';
import { type Descriptor, openDescriptor } from '../src/overlay/index.ts';
import type { Log } from './log.ts';

/** Supernodes remembered. */
export const REMEMBERED_MAX = 200;
const CHECKSUM_BYTES = 20;
const OLDER = '.old';

/** Term and sequence. */
export interface Highest {
  readonly term: number;
  readonly sequence: number;
}

/** The two files of one home. */
export class OverlayMemory {
  readonly #statePath: string;
  readonly #hostsPath: string;
  readonly #network: string;
  readonly #log: Log;
  /** Writes go one after the other. */
  #writing: Promise<void> = Promise.resolve();
  #written: Highest = { term: 0, sequence: 0 };

  constructor(directory: string, network: string, log: Log) {
    this.#statePath = join(directory, 'overlay.state');
    this.#hostsPath = join(directory, `hosts-${network}.cache`);
    this.#network = network;
    this.#log = log;
  }

  /** The highest term and sequence; 0 in a new home. */
  async highest(): Promise<Highest> {
    const body = await readNewest(this.#statePath);
    const [term, sequence] = [body?.get('term'), body?.get('sequence')];
    if (typeof term === 'number' && typeof sequence === 'number') this.#written = { term, sequence };
    return this.#written;
  }

  /** The supernodes known last; their descriptors may have expired since. */
  async hosts(): Promise<readonly Descriptor[]> {
    const body = await readNewest(this.#hostsPath);
    const [saved, records] = [body?.get('saved'), body?.get('records')];
    if (typeof saved !== 'number' || !Array.isArray(records)) return [];
    // They were checked before they were written, and who answers proves itself anew.
    const rules = { network: this.#network, verify: () => true, sha1 };
    const at: WallSeconds = wallSeconds(saved);
    return records.slice(0, REMEMBERED_MAX).flatMap((record) => {
      const opened = record instanceof Uint8Array ? openDescriptor(record, rules, at) : undefined;
      return opened && !isFault(opened) ? [opened] : [];
    });
  }

  /** Keeps term and sequence, if they rose. */
  note({ term, sequence }: Highest): void {
    if (term <= this.#written.term && sequence <= this.#written.sequence) return;
    this.#written = { term, sequence };
    this.#write(this.#statePath, { term, sequence });
  }

  /** Keeps some of the supernodes known now; nothing is written while none is. */
  noteHosts(supernodes: readonly Descriptor[]): void {
    const records = supernodes.slice(0, REMEMBERED_MAX).map(({ record }) => record);
    if (records.length > 0) this.#write(this.#hostsPath, { saved: wallNow(), records });
  }

  /** Resolves when everything noted is written. */
  async close(): Promise<void> {
    await this.#writing;
  }

  #write(path: string, body: { readonly [key: string]: BencodeInput }): void {
    const bytes = encodeBencode(body);
    this.#writing = this.#writing
      .then(() => replace(path, concatBytes([bytes, sha1(bytes)])))
      .catch((error: unknown) => this.#log.warn('the overlay cannot be remembered', { because: `${error}` }));
  }
}

async function replace(path: string, bytes: Uint8Array): Promise<void> {
  if (await readGood(path)) await copyFile(path, path + OLDER);
  await writeFileAtomically(path, bytes, { mode: 0o600 });
}

async function readNewest(path: string): Promise<BencodeDict | undefined> {
  return (await readGood(path)) ?? (await readGood(path + OLDER));
}

/** What is in a file; undefined when it is not there or damaged. */
async function readGood(path: string): Promise<BencodeDict | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new MonsoonError('disk', `Cannot read ${path}: ${(cause as Error).message}.`, cause);
  }
  const body = bytes.subarray(0, -CHECKSUM_BYTES);
  if (bytes.length <= CHECKSUM_BYTES || !equalBytes(sha1(body), bytes.subarray(body.length))) return undefined;
  const decoded = decodeBencode(body, { tokensMax: 2 * REMEMBERED_MAX });
  return isFault(decoded) || !(decoded instanceof Map) ? undefined : decoded;
}
