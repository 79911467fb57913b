/**
 * One torrent's pieces on disk and what is remembered of them. Invariants: a piece is claimed in the journal only
 * after its data was synced; what may be half written is hashed again at the next start; content that is shared in
 * place is never written.
 */
import type { Stats } from 'node:fs';
import type { WallSeconds } from '../base/index.ts';
import { Bitfield, replayJournal, type Snapshot } from '../torrent/index.ts';
import { type Content, FileStore } from './file-store.ts';
import { checkPieces } from './hash-check.ts';
import { PieceIntake } from './piece-intake.ts';
import type { Remembered, ResumeFile } from './resume-file.ts';

/** Pieces wait this long for a sync that serves them all. */
const CLAIM_DELAY_MS = 1000;

/** The parts of a snapshot that the disk does not know. */
export type Memo = Omit<Snapshot, 'have' | 'modifiedMs' | 'directory' | 'sourcePaths'> & {
  readonly completedSeconds: WallSeconds | 0;
};

/** Reads, writes, checks and remembers one torrent's pieces. */
export class TorrentDisk {
  readonly intake: PieceIntake;
  readonly #content: Content;
  readonly #store: FileStore;
  readonly #resume: ResumeFile;
  readonly #report: (problem: unknown) => void;
  #unclaimed: number[] = [];
  #claimTimer: NodeJS.Timeout | undefined;
  #claiming: Promise<void> = Promise.resolve();
  #isClosed = false;

  /** @param report hears of a failed write or sync; pieces that could not be synced stay unclaimed */
  constructor(content: Content, resume: ResumeFile, report: (problem: unknown) => void) {
    this.#content = content;
    this.#store = new FileStore(content);
    this.#resume = resume;
    this.#report = report;
    this.intake = new PieceIntake(this.#store, content.info.pieceHashes, {
      touched: (piece) => resume.touched(piece),
      writeFailed: report,
    });
  }

  get layout(): FileStore['layout'] {
    return this.#store.layout;
  }
  get isReadOnly(): boolean {
    return this.#store.isReadOnly;
  }

  /**
   * Which pieces are ours: what was remembered and still fits the files, the rest hashed.
   * @param progress pieces hashed and to be hashed
   */
  async recall(remembered: Remembered | undefined, progress: (done: number, of: number) => void): Promise<Bitfield> {
    const { pieceCount } = this.layout;
    const stats = await this.#store.stats();
    const { stored, suspect } = remembered
      ? replayJournal(pieceCount, remembered.snapshot.have, remembered.journal)
      : { stored: new Bitfield(pieceCount), suspect: new Set<number>() };
    const isStranger = remembered === undefined && stats.some((file) => file !== undefined && file.size > 0);
    if (isStranger || (remembered && isModified(remembered.snapshot.modifiedMs, stats))) {
      for (let piece = 0; piece < pieceCount; piece++) suspect.add(piece);
    } else {
      for (let piece = 0; piece < pieceCount; piece++) {
        if (stored.has(piece) && !this.#fits(piece, stats)) suspect.add(piece);
      }
    }
    let done = 0;
    const check = (piece: number, isGood: boolean): void => {
      if (isGood) stored.add(piece);
      else stored.remove(piece);
      progress(++done, suspect.size);
    };
    await checkPieces(this.#store, this.#content.info.pieceHashes, suspect, check, () => this.#isClosed);
    return stored;
  }

  read(piece: number, offset: number, views: readonly Uint8Array[], length: number): Promise<void> {
    return this.#store.read(this.layout.startOf(piece) + offset, views, length);
  }

  /** Writes a checked piece; resolves when it can be served. It is claimed a little later, after a sync. */
  async storePiece(piece: number): Promise<void> {
    await this.intake.store(piece);
    this.#unclaimed.push(piece);
    this.#claimTimer ??= setTimeout(() => this.#claim(), CLAIM_DELAY_MS);
  }

  /**
   * Remembers everything; nothing may be written meanwhile.
   * @param isResting nothing will be written later either, so that a file which changes after this is a stranger's work
   */
  async save(memo: Memo, stored: Bitfield, isResting: boolean): Promise<void> {
    await this.#claim();
    const stats = isResting ? await this.#store.stats() : [];
    await this.#resume.save({
      ...memo,
      directory: this.#content.directory,
      sourcePaths: this.#content.sourcePaths,
      have: stored.bytes,
      modifiedMs: stats.map((file) => Math.floor(file?.mtimeMs ?? 0)),
    });
  }

  async createEmptyFiles(): Promise<void> {
    await this.#store.createEmptyFiles();
  }

  /** Ends a check that is under way. */
  cancel(): void {
    this.#isClosed = true;
  }

  async close(): Promise<void> {
    this.cancel();
    await this.#claim();
    await this.#store.close();
    this.#resume.close();
  }

  #claim(): Promise<void> {
    clearTimeout(this.#claimTimer);
    this.#claimTimer = undefined;
    this.#claiming = this.#claiming.then(async () => {
      const pieces = this.#unclaimed;
      this.#unclaimed = [];
      if (pieces.length === 0) return;
      const { layout } = this;
      try {
        await this.#store.sync(
          pieces.map((piece) => ({ start: layout.startOf(piece), length: layout.bytesOf(piece) })),
        );
        this.#resume.claimed(pieces);
      } catch (error) {
        this.#report(error);
      }
    });
    return this.#claiming;
  }

  /** True when the files are long enough to hold a piece. */
  #fits(piece: number, stats: readonly (Stats | undefined)[]): boolean {
    return this.layout
      .spans(this.layout.startOf(piece), this.layout.bytesOf(piece))
      .every(
        ({ file, offset, length }) =>
          this.#content.info.files[file]!.isPadding || (stats[file]?.size ?? 0) >= offset + length,
      );
  }
}

/** True when a file changed after a clean stop; without recorded times nothing can be said. */
function isModified(modifiedMs: readonly number[], stats: readonly (Stats | undefined)[]): boolean {
  return modifiedMs.length > 0 && stats.some((file, i) => Math.floor(file?.mtimeMs ?? 0) !== modifiedMs[i]);
}
