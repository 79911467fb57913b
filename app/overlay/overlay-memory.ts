/**
 * What the overlay has to remember over restarts: the highest term and sequence that this node used, without which it
 * would repeat itself, and the hosts known last, which are a way back in. Each file has two generations:
 * when the newer one cannot be read, the older one is.
 */
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BencodeDict,
  type BencodeInput,
  type BencodeValue,
  concatBytes,
  decodeBencode,
  encodeBencode,
  encodeCompactAddress,
  equalBytes,
  isFault,
  MonsoonError,
  nodeIdBytes,
  nodeIdOfBytes,
  parseCompactAddress,
} from '../../src/base/index.ts';
import { writeFileAtomically } from '../../src/io/atomic-file.ts';
import { sha1 } from '../../src/io/hash.ts';
import { HOSTS_MAX, type KnownHost } from '../../src/overlay/index.ts';
import type { Log } from '../log.ts';

const CHECKSUM_BYTES = 20;
/** Bencoded values of the largest file: a host has at most 17, keys included. */
const TOKENS_MAX = 20 * HOSTS_MAX;
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
  readonly #log: Log;
  /** Writes go one after the other. */
  #writing: Promise<void> = Promise.resolve();
  #written: Highest = { term: 0, sequence: 0 };

  constructor(directory: string, network: string, log: Log) {
    this.#statePath = join(directory, 'overlay.state');
    this.#hostsPath = join(directory, `hosts-${network}.cache`);
    this.#log = log;
  }

  /** The highest term and sequence; 0 in a new home. */
  async highest(): Promise<Highest> {
    const body = await readNewest(this.#statePath);
    const [term, sequence] = [body?.get('term'), body?.get('sequence')];
    if (typeof term === 'number' && typeof sequence === 'number') this.#written = { term, sequence };
    return this.#written;
  }

  /** The hosts known last; who answers there proves itself anew. */
  async hosts(): Promise<readonly KnownHost[]> {
    const hosts = (await readNewest(this.#hostsPath))?.get('hosts');
    return Array.isArray(hosts) ? hosts.slice(0, HOSTS_MAX).flatMap((host) => hostOf(host) ?? []) : [];
  }

  /** Keeps term and sequence, if they rose. */
  note({ term, sequence }: Highest): void {
    if (term <= this.#written.term && sequence <= this.#written.sequence) return;
    this.#written = { term, sequence };
    this.#write(this.#statePath, { term, sequence });
  }

  /** Keeps the hosts known now; nothing is written while none is. */
  noteHosts(hosts: readonly KnownHost[]): void {
    if (hosts.length > 0) this.#write(this.#hostsPath, { hosts: hosts.slice(0, HOSTS_MAX).map(encodeHost) });
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
  const decoded = decodeBencode(body, { tokensMax: TOKENS_MAX });
  return isFault(decoded) || !(decoded instanceof Map) ? undefined : decoded;
}

function encodeHost({ nodeId, addresses, heard, since, answered, misses }: KnownHost): BencodeInput {
  const id = nodeId && nodeIdBytes(nodeId);
  const at = addresses.map(encodeCompactAddress);
  return {
    addresses: at,
    answered: Math.floor(answered),
    heard: Math.floor(heard),
    id,
    misses,
    since: Math.floor(since),
  };
}

function hostOf(value: BencodeValue): KnownHost | undefined {
  if (!(value instanceof Map)) return undefined;
  const at = value.get('addresses');
  const id = value.get('id');
  const [answered, heard, misses, since] = ['answered', 'heard', 'misses', 'since'].map((name) => value.get(name));
  const addresses = (Array.isArray(at) ? at : []).flatMap(
    (each) => (each instanceof Uint8Array && parseCompactAddress(each)) || [],
  );
  if (addresses.length === 0 || typeof answered !== 'number' || typeof heard !== 'number') return undefined;
  if (typeof misses !== 'number' || typeof since !== 'number') return undefined;
  return {
    nodeId: id instanceof Uint8Array ? nodeIdOfBytes(id) : undefined,
    addresses,
    answered,
    heard,
    misses,
    since,
  };
}
