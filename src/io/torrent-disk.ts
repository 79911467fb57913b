/**
 * One torrent's pieces on disk and what is remembered of them. Invariants: a piece is claimed, in the journal or in a
 * snapshot, only after its data was synced; what may be half written is hashed again at the next start; content that
 * is shared in place is never written.
 */
import type { Stats } from 'node:fs';
import { MonsoonError, type WallSeconds } from '../base/index.ts';
import { Bitfield, type Priority, replayJournal, type Snapshot } from '../torrent/index.ts';
import { type Content, FileStore, type Store } from './file-store.ts';
import { checkPieces, rewritePiece } from './hash-check.ts';
import { PieceIntake } from './piece-intake.ts';
import type { Remembered, ResumeFile } from './resume-file.ts';
import { Turnstile } from './turnstile.ts';

/** Pieces wait this long for a sync that serves them all. */
const CLAIM_DELAY_MS = 1000;

/** The parts of a snapshot that the disk does not know. */
export type Memo = Omit<Snapshot, 'have' | 'modifiedMs' | 'directory' | 'sourcePaths'> & {
  readonly completedSeconds: WallSeconds | 0;
};

/** What a disk tells of its troubles. */
export interface DiskEvents {
  /** A write, a sync or the journal failed; `retry` does it again. */
  refused(error: unknown): void;
  /** Less of what arrived waits to be written. */
  drained(): void;
  /** A stored piece is gone, in memory and on the disk: what we said we have is not true any more. */
  lost(error: MonsoonError): void;
}

/** Reads, writes, checks and remembers one torrent's pieces. */
export class TorrentDisk {
  readonly intake: PieceIntake;
  #content: Content;
  readonly #store: Store;
  readonly #resume: ResumeFile;
  readonly #events: DiskEvents;
  /** Stored pieces that wait for a sync. */
  readonly #unclaimed = new Set<number>();
  /** Pieces of which a failed sync may have lost something; at most as many as were touched. */
  readonly #doubtful = new Set<number>();
  #claimTimer: NodeJS.Timeout | undefined;
  /** Claims and snapshots, one after the other. */
  #turns: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(content: Content, resume: ResumeFile, events: DiskEvents, store: Store = new FileStore(content)) {
    this.#content = content;
    this.#store = store;
    this.#resume = resume;
    this.#events = events;
    this.intake = new PieceIntake(this.#store, content.info.pieceHashes, {
      touched: (piece) => resume.touched(piece),
      writeFailed: (error) => events.refused(error),
      drained: () => events.drained(),
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
   * @param turns whose turn it is to hash: two at once on one disk are slower than one after the other
   */
  async recall(
    remembered: Remembered | undefined,
    progress: (done: number, of: number) => void,
    turns: Pick<Turnstile, 'pass'> = new Turnstile(),
  ): Promise<Bitfield> {
    const { pieceCount } = this.layout;
    const stats = await this.#store.stats();
    const { stored, suspect } = remembered
      ? replayJournal(pieceCount, remembered.snapshot.have, remembered.journal, remembered.mark)
      : { stored: new Bitfield(pieceCount), suspect: new Set<number>() };
    const isUnseen = remembered === undefined || remembered.snapshot.have.length === 0;
    const isStranger = isUnseen && stats.some((file) => file !== undefined && file.size > 0);
    const isDoubtful = remembered && (remembered.isStale || isModified(remembered.snapshot.modifiedMs, stats));
    if (isStranger || isDoubtful) return turns.pass(() => this.verify(progress));
    for (let piece = 0; piece < pieceCount; piece++) {
      if (stored.has(piece) && !this.#fits(piece, stats)) suspect.add(piece);
    }
    if (suspect.size > 0) {
      await turns.pass(() => this.#check(suspect, stored, (done) => progress(done, suspect.size)));
    }
    // Whoever wrote these may have been told that a sync failed, and died before it wrote them again.
    for (const piece of this.#unclaimed) this.#doubtful.add(piece);
    return stored;
  }

  /** Which pieces are ours, every one hashed. Nothing may arrive meanwhile. */
  async verify(progress: (done: number, of: number) => void): Promise<Bitfield> {
    const { pieceCount } = this.layout;
    progress(0, pieceCount);
    const stored = new Bitfield(pieceCount);
    await this.#check(Array(pieceCount).keys(), stored, (done) => progress(done, pieceCount));
    return stored;
  }

  /**
   * Whether every piece is as it should be. Stops at the first that is not, and changes nothing, so that pieces can be
   * served meanwhile.
   */
  async isIntact(progress: (done: number, of: number) => void): Promise<boolean> {
    const { pieceCount } = this.layout;
    let isIntact = true;
    let done = 0;
    progress(done, pieceCount);
    const report = (_piece: number, isGood: boolean): void => {
      isIntact &&= isGood;
      progress(++done, pieceCount);
    };
    const pieces = Array(pieceCount).keys();
    await checkPieces(this.#store, this.#content.info.pieceHashes, pieces, report, () => this.#isClosed || !isIntact);
    return isIntact;
  }

  read(piece: number, offset: number, views: readonly Uint8Array[], length: number): Promise<void> {
    return this.#store.read(this.layout.startOf(piece) + offset, views, length);
  }

  /** Writes a checked piece; resolves when it can be served. It is claimed a little later, after a sync. */
  async storePiece(piece: number): Promise<void> {
    await this.intake.store(piece);
    this.#unclaimed.add(piece);
    this.#claimTimer ??= setTimeout(() => void this.#claim(), CLAIM_DELAY_MS);
  }

  /** Does again what the disk refused; rejects while it still does. */
  async retry(): Promise<void> {
    await this.intake.retryWrites();
    await this.#inTurn(() => this.#claimStored());
  }

  /**
   * Remembers everything; what the disk refuses to sync is not claimed.
   * @param isResting nothing will be written later, so that a file which changes after this is a stranger's work
   */
  async save(memo: Memo, stored: Bitfield, isResting: boolean): Promise<void> {
    void this.#claim();
    await this.#inTurn(async () => {
      const stats = isResting ? await this.#store.stats() : [];
      const have = Bitfield.parse(stored.bytes, stored.length)!;
      for (const piece of this.#unclaimed) have.remove(piece);
      await this.#resume.save({
        ...memo,
        directory: this.#content.directory,
        sourcePaths: this.#content.sourcePaths,
        have: have.bytes,
        modifiedMs: stats.map((file) => Math.floor(file?.mtimeMs ?? 0)),
      });
    });
  }

  async createEmptyFiles(priorities: readonly Priority[]): Promise<void> {
    await this.#store.createEmptyFiles(priorities);
  }

  /** The same content is below another folder from now on: a snapshot has to say so. */
  moveTo(directory: string): void {
    this.#content = { ...this.#content, directory };
    this.#store.moveTo(directory);
  }

  /** Nobody reads or writes for now: holds no file open that can be opened again. */
  rest(): void {
    this.#store.rest();
    // In its turn: a snapshot may be about to be synced.
    this.#inTurn(async () => {
      if (this.#unclaimed.size === 0 && this.#resume.touchedPieces.size === 0) this.#resume.close();
    }).catch((error) => this.#events.refused(error));
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

  /** Hashes pieces and corrects `stored`. What is good may be in the system's memory only: it too waits for a sync. */
  async #check(pieces: Iterable<number>, stored: Bitfield, progress: (done: number) => void): Promise<void> {
    let done = 0;
    const report = (piece: number, isGood: boolean): void => {
      if (!isGood) stored.remove(piece);
      else if (stored.add(piece) && !this.isReadOnly) this.#unclaimed.add(piece);
      progress(++done);
    };
    await checkPieces(this.#store, this.#content.info.pieceHashes, pieces, report, () => this.#isClosed);
  }

  /** Claims what is stored; resolves when that is done or refused. */
  async #claim(): Promise<void> {
    clearTimeout(this.#claimTimer);
    this.#claimTimer = undefined;
    await this.#inTurn(() => this.#claimStored()).catch((error) => this.#events.refused(error));
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turns.then(work);
    this.#turns = turn.catch(() => undefined);
    return turn;
  }

  async #claimStored(): Promise<void> {
    const pieces = [...this.#unclaimed];
    if (pieces.length === 0) return;
    for (const piece of pieces) if (this.#doubtful.has(piece)) await this.#rewrite(piece);
    try {
      await this.#store.sync(pieces);
    } catch (error) {
      // The failure may be that of any write before it, and the system tells only once.
      for (const piece of [...pieces, ...this.#resume.touchedPieces]) this.#doubtful.add(piece);
      throw error;
    }
    this.#resume.claimed(pieces);
    for (const piece of pieces) this.#unclaimed.delete(piece);
    await this.#resume.sync();
  }

  async #rewrite(piece: number): Promise<void> {
    if (await rewritePiece(this.#store, this.#content.info.pieceHashes, piece)) {
      // Now, because a disk that fails now and then would otherwise never let all of them through at once.
      this.#doubtful.delete(piece);
      return;
    }
    const text = `the disk lost piece ${piece} of ${this.#content.info.name}. Check the disk, then add the torrent again`;
    const error = new MonsoonError('disk', text);
    this.#events.lost(error);
    throw error;
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
