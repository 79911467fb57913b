/**
 * One torrent's memory between runs: a snapshot written whole, in two generations, and a journal appended as pieces come.
 * A kill at any moment loses no piece that is on disk; a damaged snapshot costs a check of the files. A journal names the snapshot
 * that it follows, and holds at most two records per piece: `touched` is not repeated, and a claimed piece is final.
 */
import {
  closeSync,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { concatBytes, type InfoHash, MonsoonError, parseInfoHash, readUint32 } from '../base/index.ts';
import {
  encodeJournalRecord,
  encodeSnapshot,
  isJournalOf,
  JOURNAL,
  parseSnapshot,
  type Snapshot,
} from '../torrent/index.ts';
import { syncFolder } from './atomic-file.ts';
import { GenerationFile, PREVIOUS, readIfThere } from './generation-file.ts';

const SUFFIX = '.resume';

const syncFile: (file: number) => Promise<void> = promisify(fdatasync);

/** What was remembered. */
export interface Remembered {
  readonly snapshot: Snapshot;
  readonly journal: Uint8Array;
  /** Names the snapshot in its journal: the first 32 bits of its checksum. */
  readonly mark: number;
  /** The snapshot before one that is lost, with nobody knowing what came after it: nothing in it is believed unseen. */
  readonly isStale: boolean;
}

/** The resume files of one torrent. */
export class ResumeFile {
  readonly #snapshot: GenerationFile;
  readonly #journalPath: string;
  #journal: number | undefined;
  #journalBytes = 0;
  /** Pieces touched and not claimed since; at most as many as the torrent has. */
  readonly #touched = new Set<number>();

  constructor(directory: string, infoHash: InfoHash) {
    this.#snapshot = new GenerationFile(join(directory, `${infoHash}${SUFFIX}`));
    this.#journalPath = join(directory, `${infoHash}.journal`);
  }

  /**
   * Reads what was remembered; undefined when there is nothing. Damaged snapshots are renamed and reported; rejects with
   * a MonsoonError when none is left.
   */
  async load(report: (problem: string) => void): Promise<Remembered | undefined> {
    const { generation, setAside } = await this.#snapshot.load(parseSnapshot);
    const damage = `the resume file is damaged and was set aside as ${setAside.join(' and ')}`;
    if (!generation) {
      if (setAside.length > 0) throw new MonsoonError('disk', `${damage}. Add the torrent again`);
      return undefined;
    }
    const journal = readIfThere(this.#journalPath) ?? new Uint8Array(0);
    const mark = readUint32(generation.checksum, 0);
    // A save that was killed half way leaves the snapshot before it, and the journal that goes with that.
    const isStale = generation.isPrevious && !isJournalOf(journal, mark);
    if (setAside.length > 0) report(isStale ? `${damage}; all files are checked` : damage);
    return { snapshot: generation.value, journal, mark, isStale };
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
    const checksum = await this.#snapshot.save(encodeSnapshot(snapshot));
    const touched = [...this.#touched].map((piece) => encodeJournalRecord(JOURNAL.touched, piece));
    this.#replaceJournal([encodeJournalRecord(JOURNAL.follows, readUint32(checksum, 0)), ...touched]);
    await this.sync();
    await syncFolder(dirname(this.#journalPath));
  }

  close(): void {
    const journal = this.#journal;
    // What failed to close is closed all the same.
    this.#journal = undefined;
    if (journal !== undefined) closeSync(journal);
  }

  async remove(): Promise<void> {
    this.close();
    await this.#snapshot.remove();
    await rm(this.#nextJournalPath, { force: true });
    await rm(this.#journalPath, { force: true });
  }

  /** In one step, because a kill between two would forget what was touched; at once, because pieces are touched at any time. */
  #replaceJournal(records: readonly Uint8Array[]): void {
    writeFileSync(this.#nextJournalPath, concatBytes(records), { mode: 0o600 });
    this.close();
    renameSync(this.#nextJournalPath, this.#journalPath);
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

  get #nextJournalPath(): string {
    return `${this.#journalPath}.next`;
  }

  #journalFile(): number {
    if (this.#journal === undefined) {
      this.#journal = openSync(this.#journalPath, 'a', 0o600);
      this.#journalBytes = fstatSync(this.#journal).size;
    }
    return this.#journal;
  }
}

/** The torrents that something is remembered of, by the names in a folder; others are passed over. */
export function rememberedIn(names: readonly string[]): Set<InfoHash> {
  const found = new Set<InfoHash>();
  for (const name of names) {
    const current = name.endsWith(PREVIOUS) ? name.slice(0, -PREVIOUS.length) : name;
    const infoHash = current.endsWith(SUFFIX) ? parseInfoHash(current.slice(0, -SUFFIX.length)) : undefined;
    if (infoHash) found.add(infoHash);
  }
  return found;
}
