/**
 * What a torrent that takes part writes down for its next time, and when that is needed at all. What seeds and was left
 * clean stands as it is: of a thousand torrents none is written at a start or a stop, and a file that changes while the
 * node runs is found at the next start, by the time that was noted when it was whole.
 */
import { JOURNAL_RECORD_BYTES, type Transfer } from '../torrent/index.ts';
import { wallNow } from './alarm-clock.ts';
import type { FileChoice } from './file-choice.ts';
import { RestingTorrent } from './resting-torrent.ts';
import type { Remembered, ResumeFile } from './resume-file.ts';
import { memoOf } from './self-description.ts';
import type { Memo } from './torrent-disk.ts';
import type { TorrentParts } from './torrent-parts.ts';
import type { TorrentSpec } from './torrent-spec.ts';

/** The memory of one host. */
export class HostMemory {
  readonly #spec: TorrentSpec;
  readonly #parts: Readonly<TorrentParts>;
  readonly #choice: FileChoice;
  readonly #resume: ResumeFile;
  #completedSeconds: number;
  #remembered: Remembered | undefined;
  #isUpToDate = false;
  #isSettled = false;
  readonly #kept = Promise.withResolvers<void>();
  /** Snapshots, one after the other. */
  #turns: Promise<void> = Promise.resolve();

  constructor(spec: TorrentSpec, parts: Readonly<TorrentParts>, choice: FileChoice, resume: ResumeFile) {
    this.#spec = spec;
    this.#parts = parts;
    this.#choice = choice;
    this.#resume = resume;
    this.#completedSeconds = spec.completedSeconds;
  }

  /** 0 until everything that is wanted was stored once. */
  get completedSeconds(): number {
    return this.#completedSeconds;
  }

  /** Everything that is wanted is on disk as it should be, files without a byte included, and noted as such. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Resolves when a restart would find the torrent. */
  get kept(): Promise<void> {
    return this.#kept.promise;
  }

  /** Resolves when what is being written was, or was refused. */
  get written(): Promise<void> {
    return this.#turns;
  }

  noteCompleted(): void {
    this.#completedSeconds = wallNow();
  }

  /** The wishes are others now. */
  noteChange(): void {
    this.#isUpToDate = this.#isSettled = false;
  }

  /** What it is remembered by while nobody has looked at its files. */
  recall(remembered: Remembered | undefined): void {
    this.#remembered = remembered;
    if (remembered) this.#kept.resolve();
  }

  /** What was remembered was looked up and found so, unless `wasChecked`. */
  async begin(transfer: Transfer, wasChecked: boolean): Promise<void> {
    if (transfer.isComplete) this.#completedSeconds ||= wallNow();
    this.#isUpToDate = transfer.isWhole && !wasChecked && isAtRest(this.#remembered);
    this.#isSettled = this.#isUpToDate;
    if (!this.#isUpToDate) await this.write(transfer);
  }

  /**
   * Writes everything down; what is complete rests, so that a file which changes after this is a stranger's work. While
   * nobody knows what is on disk, what is remembered stands, with the wishes as they are now.
   */
  async write(transfer?: Transfer): Promise<void> {
    const turn = this.#turns.then(() => this.#write(transfer ?? this.#parts.transfer));
    this.#turns = turn.catch(() => undefined);
    await turn;
  }

  /** Writes down what it is and what is wanted of it, where nothing is remembered. */
  async writeUnlessKept(): Promise<void> {
    if (!this.#remembered) await this.write();
  }

  async #write(transfer: Transfer | undefined): Promise<void> {
    const { disk, info } = this.#parts;
    if (disk && transfer) {
      // As it is now: what arrives while it is written is written later.
      const { isWhole, isComplete } = transfer;
      if (isComplete) await disk.createEmptyFiles(this.#choice.priorities);
      await disk.save(this.#memo(), transfer.stored, isComplete);
      this.#isUpToDate = isWhole;
      this.#isSettled = isComplete;
    } else {
      const { wishes } = this.#choice;
      const rest = new RestingTorrent(info, this.#remembered, wishes, false);
      await rest.save(this.#resume, { ...this.#spec, info, wishes });
    }
    this.#kept.resolve();
  }

  /** Writes what is not written yet: nothing changes any more. */
  async end(): Promise<void> {
    await this.#turns;
    const { disk, transfer } = this.#parts;
    if (!disk || !transfer || this.#isUpToDate) return;
    await disk.save(this.#memo(), transfer.stored, true);
  }

  #memo(): Memo {
    return memoOf(this.#spec, this.#parts, this.#completedSeconds, this.#choice.wishes);
  }
}

/** True when a torrent was whole and left so: its snapshot has the files' times, and its journal only the mark. */
function isAtRest(remembered: Remembered | undefined): boolean {
  if (!remembered) return false;
  const { snapshot, journal } = remembered;
  return snapshot.completedSeconds > 0 && snapshot.modifiedMs.length > 0 && journal.length <= JOURNAL_RECORD_BYTES;
}
