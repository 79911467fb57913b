/**
 * Pieces that somebody waits for, and when each is due: what a player or a file system reads next. Bounded, the most
 * urgent first; knows nothing of links.
 */
import { type Instant, later } from '../base/index.ts';

/** Most pieces that are due at a time; a reader that looks further ahead loses its furthest ones. */
export const DUE_PIECES_MAX = 512;
/** A reader that waits for nothing and asked for nothing for this long is gone: until then we are ready for its next read. */
const READER_GONE_MS = 60_000;

/** A piece and when it should be here. */
export interface DuePiece {
  readonly piece: number;
  readonly at: Instant;
}

/** The pieces that are due, by time. */
export class Deadlines {
  #due: DuePiece[] = [];
  readonly #pieces = new Set<number>();
  #readUntil: Instant | undefined;

  get size(): number {
    return this.#due.length;
  }
  get due(): readonly DuePiece[] {
    return this.#due;
  }

  has(piece: number): boolean {
    return this.#pieces.has(piece);
  }

  /** Somebody waits, or did a moment ago and may go on. */
  isRead(now: Instant): boolean {
    return this.size > 0 || (this.#readUntil !== undefined && now < this.#readUntil);
  }

  /** Pieces are due now or sooner than before; returns those that fell off the end. */
  add(pieces: Iterable<number>, at: Instant, now: Instant): DuePiece[] {
    this.#readUntil = later(now, READER_GONE_MS);
    const byPiece = new Map(this.#due.map((due) => [due.piece, due]));
    for (const piece of pieces) {
      const before = byPiece.get(piece);
      if (!before || before.at > at) byPiece.set(piece, { piece, at });
    }
    const due = [...byPiece.values()].sort((a, b) => a.at - b.at || a.piece - b.piece);
    this.#keep(due.slice(0, DUE_PIECES_MAX));
    return due.slice(DUE_PIECES_MAX);
  }

  /** The piece is here. */
  remove(piece: number): void {
    if (this.has(piece)) this.#keep(this.#due.filter((due) => due.piece !== piece));
  }

  /** Nobody waits for some pieces any more; returns those among them that were due. */
  drop(from: number, end: number): DuePiece[] {
    const isDropped = ({ piece }: DuePiece): boolean => piece >= from && piece < end;
    const dropped = this.#due.filter(isDropped);
    if (dropped.length > 0) this.#keep(this.#due.filter((due) => !isDropped(due)));
    return dropped;
  }

  #keep(due: DuePiece[]): void {
    this.#due = due;
    this.#pieces.clear();
    for (const { piece } of due) this.#pieces.add(piece);
  }
}
