/**
 * One torrent's memory between runs: a snapshot written whole, and a journal appended as pieces come. A kill at any
 * moment loses no claimed piece; a damaged file is set aside under a name that says so.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { concatBytes, equalBytes, type InfoHash, isFault, MonsoonError } from '../base/index.ts';
import { encodeJournalRecord, encodeSnapshot, JOURNAL, parseSnapshot, type Snapshot } from '../torrent/index.ts';
import { writeFileAtomically } from './atomic-file.ts';
import { sha1 } from './hash.ts';

/** A snapshot ends with its SHA-1: a flipped bit in it would claim a piece that is not there. */
const CHECKSUM_BYTES = 20;

/** What was remembered. */
export interface Remembered {
  readonly snapshot: Snapshot;
  readonly journal: Uint8Array;
}

/** The resume files of one torrent. */
export class ResumeFile {
  readonly #snapshotPath: string;
  readonly #journalPath: string;
  #journal: number | undefined;

  constructor(directory: string, infoHash: InfoHash) {
    this.#snapshotPath = join(directory, `${infoHash}.resume`);
    this.#journalPath = join(directory, `${infoHash}.journal`);
  }

  /** Reads what was remembered; undefined when there is nothing. A damaged snapshot is renamed and reported. */
  async load(): Promise<Remembered | undefined> {
    const bytes = readIfThere(this.#snapshotPath);
    if (!bytes) return undefined;
    const body = bytes.subarray(0, -CHECKSUM_BYTES);
    const isIntact = equalBytes(sha1(body), bytes.subarray(body.length));
    const snapshot = isIntact ? parseSnapshot(body) : undefined;
    if (snapshot === undefined || isFault(snapshot)) {
      const aside = `${this.#snapshotPath}.damaged-${Date.now()}`;
      await rename(this.#snapshotPath, aside);
      throw new MonsoonError('disk', `the resume file is damaged and was set aside as ${aside}. Add the torrent again`);
    }
    return { snapshot, journal: readIfThere(this.#journalPath) ?? new Uint8Array(0) };
  }

  /** A piece's place on disk is about to be written. */
  touched(piece: number): void {
    this.#append(encodeJournalRecord(JOURNAL.touched, piece));
  }

  /** A piece's data is on the disk. */
  claimed(pieces: readonly number[]): void {
    this.#append(concatBytes(pieces.map((piece) => encodeJournalRecord(JOURNAL.claimed, piece))));
  }

  /** Writes a new snapshot; the journal starts over. Nothing may be noted meanwhile: only for a torrent at rest. */
  async save(snapshot: Snapshot): Promise<void> {
    const body = encodeSnapshot(snapshot);
    await writeFileAtomically(this.#snapshotPath, concatBytes([body, sha1(body)]));
    ftruncateSync(this.#journalFile(), 0);
  }

  close(): void {
    if (this.#journal !== undefined) closeSync(this.#journal);
    this.#journal = undefined;
  }

  async remove(): Promise<void> {
    this.close();
    for (const path of [this.#snapshotPath, this.#journalPath]) await unlink(path).catch(() => undefined);
  }

  /** Appends whole records or none: half a record would shift every later one. */
  #append(records: Uint8Array): void {
    const file = this.#journalFile();
    const before = fstatSync(file).size;
    try {
      for (let done = 0; done < records.length; ) done += writeSync(file, records, done);
    } catch (error) {
      ftruncateSync(file, before);
      throw error;
    }
  }

  #journalFile(): number {
    this.#journal ??= openSync(this.#journalPath, 'a', 0o600);
    return this.#journal;
  }
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
