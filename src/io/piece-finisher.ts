/**
 * The last steps of a piece: hashed, written, and kept in memory while the disk refuses. Invariants: what was checked
 * is never fetched again because a write failed; while the disk refuses nothing more is asked for, and one retry a
 * second finds out when it works again.
 */
import { MonsoonError } from '../base/index.ts';
import type { TransferInput } from '../torrent/index.ts';
import type { TorrentDisk } from './torrent-disk.ts';

const RETRY_MS = 1000;

/** Whom the finisher reports to. */
export interface PieceOwner {
  fact(fact: TransferInput): void;
  /** All that the disk brought has been reported: time to act. */
  settled(): void;
}

/** Finishes the pieces of one torrent. */
export class PieceFinisher {
  readonly #owner: PieceOwner;
  #disk: TorrentDisk | undefined;
  /** Steps that the disk refused; at most one per piece in flight. */
  readonly #refused = new Set<() => Promise<void>>();
  readonly #underWay = new Set<Promise<void>>();
  #problem: string | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(owner: PieceOwner) {
    this.#owner = owner;
  }

  /** What the disk refuses and why; undefined while it works. */
  get problem(): string | undefined {
    return this.#problem;
  }

  use(disk: TorrentDisk): void {
    this.#disk = disk;
  }

  /** Compares an arrived piece with its hash. */
  check(piece: number): void {
    const isGood = this.#disk!.intake.checkNow(piece);
    if (isGood !== undefined) return this.#owner.fact({ type: 'pieceChecked', piece, isGood });
    this.run(async () => {
      const isMatch = await this.#disk!.intake.check(piece);
      // What is said of it now is about what arrives again.
      if (isMatch !== undefined) this.#owner.fact({ type: 'pieceChecked', piece, isGood: isMatch });
    });
  }

  /** Writes a good piece. */
  store(piece: number): void {
    this.run(async () => {
      await this.#disk!.storePiece(piece);
      this.#owner.fact({ type: 'pieceStored', piece });
    });
  }

  /** Runs disk work that `close` waits for; what fails is done again when the disk works. */
  run(work: () => Promise<void>): void {
    const attempt = async (): Promise<void> => {
      try {
        await work();
      } catch (error) {
        this.#refused.add(work);
        this.refused(error);
      }
      this.#owner.settled();
    };
    this.#track(attempt());
  }

  /** Stops asking for data until the disk takes what it refused. */
  refused(error: unknown): void {
    this.#problem = error instanceof MonsoonError ? error.message : `the disk failed: ${error}`;
    if (this.#retry || this.#isClosed) return;
    this.#owner.fact({ type: 'paused', isPaused: true });
    this.#retry = setTimeout(() => this.#track(this.#tryAgain()), RETRY_MS);
  }

  /** Begins nothing more; resolves when what is under way is done. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  #track(attempt: Promise<void>): void {
    this.#underWay.add(attempt);
    void attempt.finally(() => this.#underWay.delete(attempt));
  }

  async #tryAgain(): Promise<void> {
    this.#retry = undefined;
    try {
      await this.#disk!.retry();
    } catch (error) {
      return this.refused(error);
    }
    if (this.#retry || this.#isClosed) return;
    this.#problem = undefined;
    this.#owner.fact({ type: 'paused', isPaused: false });
    const refused = [...this.#refused];
    this.#refused.clear();
    for (const work of refused) this.run(work);
    this.#owner.settled();
  }
}
