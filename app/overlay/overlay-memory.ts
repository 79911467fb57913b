/**
 * What the overlay has to remember over restarts: the highest term and sequence that this node used, without which it
 * would repeat itself, and the hosts known last, which are a way back in.
 */
import { join } from 'node:path';
import {
  type BencodeDict,
  type BencodeInput,
  type BencodeValue,
  decodeBencode,
  encodeBencode,
  encodeCompactAddress,
  type Fault,
  fault,
  isFault,
  MonsoonError,
  nodeIdBytes,
  nodeIdOfBytes,
  parseCompactAddress,
} from '../../src/base/index.ts';
import { GenerationFile } from '../../src/io/generation-file.ts';
import { HOSTS_MAX, type KnownHost } from '../../src/overlay/index.ts';
import type { Log } from '../log.ts';

/** Bencoded values of the largest file: a host has at most 17, keys included. */
const TOKENS_MAX = 20 * HOSTS_MAX;

/** Term and sequence. */
export interface Highest {
  readonly term: number;
  readonly sequence: number;
}

/** The two files of one home. */
export class OverlayMemory {
  readonly #state: GenerationFile;
  readonly #hosts: GenerationFile;
  readonly #log: Log;
  /** Writes go one after the other. */
  #writing: Promise<void> = Promise.resolve();
  #written: Highest = { term: 0, sequence: 0 };

  constructor(directory: string, network: string, log: Log) {
    this.#state = new GenerationFile(join(directory, 'overlay.state'));
    this.#hosts = new GenerationFile(join(directory, `hosts-${network}.cache`));
    this.#log = log;
  }

  /** The highest term and sequence; 0 in a new home. */
  async highest(): Promise<Highest> {
    const body = await this.#read(this.#state);
    const [term, sequence] = [body?.get('term'), body?.get('sequence')];
    if (typeof term === 'number' && typeof sequence === 'number') this.#written = { term, sequence };
    return this.#written;
  }

  /** The hosts known last; who answers there proves itself anew. */
  async hosts(): Promise<readonly KnownHost[]> {
    const hosts = (await this.#read(this.#hosts))?.get('hosts');
    return Array.isArray(hosts) ? hosts.slice(0, HOSTS_MAX).flatMap((host) => hostOf(host) ?? []) : [];
  }

  /** Keeps term and sequence, if they rose. */
  note({ term, sequence }: Highest): void {
    if (term <= this.#written.term && sequence <= this.#written.sequence) return;
    this.#written = { term, sequence };
    this.#write(this.#state, { term, sequence });
  }

  /** Keeps the hosts known now; nothing is written while none is. */
  noteHosts(hosts: readonly KnownHost[]): void {
    if (hosts.length > 0) this.#write(this.#hosts, { hosts: hosts.slice(0, HOSTS_MAX).map(encodeHost) });
  }

  /** Resolves when everything noted is written. */
  async close(): Promise<void> {
    await this.#writing;
  }

  /** Rejects with MonsoonError `disk` when a file that is there cannot be read. */
  async #read(file: GenerationFile): Promise<BencodeDict | undefined> {
    try {
      const { generation, setAside } = await file.load(parseDict);
      for (const path of setAside) this.#log.warn('what the overlay remembered was damaged', { setAside: path });
      return generation?.value;
    } catch (cause) {
      throw new MonsoonError('disk', `What the overlay remembers cannot be read: ${(cause as Error).message}.`, cause);
    }
  }

  #write(file: GenerationFile, body: { readonly [key: string]: BencodeInput }): void {
    const bytes = encodeBencode(body);
    this.#writing = this.#writing
      .then(async () => void (await file.save(bytes)))
      .catch((error: unknown) => this.#log.warn('the overlay cannot be remembered', { because: `${error}` }));
  }
}

function parseDict(body: Uint8Array): BencodeDict | Fault<string> {
  const decoded = decodeBencode(body, { tokensMax: TOKENS_MAX });
  if (isFault(decoded)) return decoded;
  return decoded instanceof Map ? decoded : fault('overlay-memory-malformed', 'no dictionary');
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
