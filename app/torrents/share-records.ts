/** What is shared in place, remembered over restarts: a small file for each path. */
import { mkdirSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import {
  type Fault,
  fault,
  hex,
  type InfoHash,
  isFault,
  lossyTextOfUtf8,
  parseInfoHash,
  utf8,
} from '../../src/base/index.ts';
import { GenerationFile, PREVIOUS } from '../../src/io/generation-file.ts';
import { sha1 } from '../../src/io/hash.ts';
import { type CheckedClaims, parseClaims } from '../../src/listing/index.ts';
import type { Survey } from '../../src/torrent/index.ts';

const NAME = /^[0-9a-f]{40}$/;
/** Some milliseconds. */
const READ_AT_ONCE = 64;

export interface ShareRecord {
  /** Absolute, of a file or folder. */
  readonly path: string;
  /** Where that led when it was shared, symbolic links followed. */
  readonly realPath: string;
  readonly infoHash: InfoHash;
  /** Of what was hashed; undefined once nothing was there any more. */
  readonly survey: Survey;
  /** What was said of it in the listing when it was lost: the same is said again when it is back. */
  readonly lost: CheckedClaims | undefined;
  /** What was shared from there before, until it is taken back. */
  readonly replaces: readonly InfoHash[];
}

export class ShareRecords {
  readonly #directory: string;
  readonly #records = new Map<string, ShareRecord>();

  /** @param directory of its own; made when missing */
  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** Reads what is there; what is damaged is set aside, and the damage told. */
  async load(damaged: (path: string) => void): Promise<void> {
    let read = 0;
    const names = (await readdir(this.#directory)).map((name) => name.replace(PREVIOUS, ''));
    for (const name of new Set(names.filter((name) => NAME.test(name)))) {
      if (++read % READ_AT_ONCE === 0) await setImmediate();
      const { generation, setAside } = await new GenerationFile(join(this.#directory, name)).load(parseRecord);
      setAside.forEach(damaged);
      if (generation) this.#records.set(generation.value.path, generation.value);
    }
  }

  get(path: string): ShareRecord | undefined {
    return this.#records.get(path);
  }
  all(): ShareRecord[] {
    return [...this.#records.values()];
  }

  /** Remembers a record in the place of the path's last; rejects with a MonsoonError where the disk does not take it. */
  async put(record: ShareRecord): Promise<void> {
    this.#records.set(record.path, record);
    await new GenerationFile(this.#fileOf(record.path)).save(utf8(JSON.stringify(record)));
  }

  async delete(path: string): Promise<void> {
    this.#records.delete(path);
    const file = this.#fileOf(path);
    await rm(`${file}${PREVIOUS}`, { force: true });
    await rm(file, { force: true });
  }

  #fileOf(path: string): string {
    return join(this.#directory, hex(sha1(utf8(path))));
  }
}

function parseRecord(body: Uint8Array): ShareRecord | Fault<'share-record'> {
  try {
    const { path, realPath, infoHash, survey, lost, replaces } = JSON.parse(lossyTextOfUtf8(body)) as Fields;
    const hash = hashOf(infoHash);
    const claims = lost === undefined ? undefined : parseClaims(lost as object);
    const isWhole = typeof path === 'string' && typeof realPath === 'string' && hash && Array.isArray(replaces);
    if (isWhole && !isFault(claims)) {
      const before = replaces.flatMap((each) => hashOf(each) ?? []);
      const last = typeof survey === 'string' ? survey : undefined;
      return { path, realPath, infoHash: hash, survey: last, lost: claims, replaces: before };
    }
  } catch {
    // Said below.
  }
  return fault('share-record', 'it is no record of a share');
}

type Fields = Record<keyof ShareRecord, unknown>;

function hashOf(value: unknown): InfoHash | undefined {
  return typeof value === 'string' ? parseInfoHash(value) : undefined;
}
