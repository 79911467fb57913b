/**
 * One torrent's memory between runs: a snapshot written whole, and a journal appended as pieces come. A kill at any
 * moment loses no claimed piece; a damaged snapshot is set aside under a name that says so. A journal names the snapshot
 * that it follows, and holds at most two records per piece: `touched` is not repeated, and a claimed piece is final.
 */
import { closeSync, fdatasync, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { concatBytes, equalBytes, type InfoHash, isFault, MonsoonError, readUint32 } from '../base/index.ts';
import { encodeJournalRecord, encodeSnapshot, JOURNAL, parseSnapshot, type Snapshot } from '../torrent/index.ts';
import { writeFileAtomically } from './atomic-file.ts';
import { sha1 } from './hash.ts';

/** A snapshot ends with its SHA-1: a flipped bit in it would claim a piece that is not there. */
const CHECKSUM_BYTES = 20;

const syncFile: (file: number) => Promise<void> = promisify(fdatasync);

/** What was remembered. */
export interface Remembered {
  readonly snapshot: Snapshot;
  readonly journal: Uint8Array;
  /** Names the snapshot in its journal: the first 32 bits of its checksum. */
  readonly mark: number;
}

/** The resume files of one torrent. */
export class ResumeFile {
  readonly #snapshotPath: string;
  readonly #journalPath: string;
  #journal: number | undefined;
  #journalBytes = 0;
  /** Pieces touched and not claimed since; at most as many as the torrent has. */
  readonly #touched = new Set<number>();

  constructor(directory: string, infoHash: InfoHash) {
    this.#snapshotPath = join(directory, `${infoHash}.resume`);
    this.#journalPath = join(directory, `${infoHash}.journal`);
  }

  /** Reads what was remembered; undefined when there is nothing. A damaged snapshot is renamed and reported. */
  async load(): Promise<Remembered | undefined> {
    const bytes = readIfThere(this.#snapshotPath);
    if (!bytes) return undefined;
    const body = bytes.subarray(0, -CHECKSUM_BYTES);
    const checksum = bytes.subarray(body.length);
    const snapshot = equalBytes(sha1(body), checksum) ? parseSnapshot(body) : undefined;
    if (snapshot === undefined || isFault(snapshot)) {
      const aside = `${this.#snapshotPath}.damaged-${Date.now()}`;
      await rename(this.#snapshotPath, aside);
      throw new MonsoonError('disk', `the resume file is damaged and was set aside as ${aside}. Add the torrent again`);
    }
    const journal = readIfThere(this.#journalPath) ?? new Uint8Array(0);
    return { snapshot, journal, mark: readUint32(checksum, 0) };
  }

  /** Pieces that something was written of, and that are not claimed: what a failed sync may have lost. */
  get touchedPieces(): ReadonlySet<number> {
    return this.#touched;
  }

  /** A piece's place on disk is about to be written. */
  touched(piece: number): void {
    if (this.#touched.has(piece)) return;
    this.#append([encodeJournalRecord(JOURNAL.touched, piece)]);
    this.#touched.add(piece);
  }

  /** The data of these pieces was synced. */
  claimed(pieces: readonly number[]): void {
    this.#append(pieces.map((piece) => encodeJournalRecord(JOURNAL.claimed, piece)));
    for (const piece of pieces) this.#touched.delete(piece);
  }

  /** Resolves when what was noted would survive a power cut. */
  async sync(): Promise<void> {
    await syncFile(this.#journalFile());
  }

  /** Writes a new snapshot; the journal starts over. Nothing may be claimed meanwhile. */
  async save(snapshot: Snapshot): Promise<void> {
    const body = encodeSnapshot(snapshot);
    const checksum = sha1(body);
    await writeFileAtomically(this.#snapshotPath, concatBytes([body, checksum]));
    ftruncateSync(this.#journalFile(), 0);
    this.#journalBytes = 0;
    const touched = [...this.#touched].map((piece) => encodeJournalRecord(JOURNAL.touched, piece));
    this.#append([encodeJournalRecord(JOURNAL.follows, readUint32(checksum, 0)), ...touched]);
    await this.sync();
  }

  close(): void {
    if (this.#journal !== undefined) closeSync(this.#journal);
    this.#journal = undefined;
  }

  async remove(): Promise<void> {
    this.close();
    for (const path of [this.#snapshotPath, this.#journalPath]) await unlink(path).catch(() => undefined);
  }

  /** Appends whole records or none. */
  #append(records: readonly Uint8Array[]): void {
    const file = this.#journalFile();
    const bytes = concatBytes(records);
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
      this.#journalBytes += bytes.length;
    } catch (error) {
      ftruncateSync(file, this.#journalBytes);
      throw error;
    }
  }

  #journalFile(): number {
    if (this.#journal === undefined) {
      this.#journal = openSync(this.#journalPath, 'a', 0o600);
      this.#journalBytes = fstatSync(this.#journal).size;
    }
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
