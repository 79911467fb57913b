/**
 * Gives arriving blocks their place. A block that several links may deliver (endgame) goes through a buffer of its
 * own, so that a slow copy never overwrites one that is already counted.
 */
import type { Transfer } from '../torrent/index.ts';
import type { PieceIntake } from './piece-intake.ts';

/** The arriving blocks of one torrent. */
export class BlockIntake {
  readonly #transfer: Transfer;
  readonly #pieces: PieceIntake;
  /** At most one block per link. */
  readonly #scratch = new Map<number, Uint8Array>();

  constructor(transfer: Transfer, pieces: PieceIntake) {
    this.#transfer = transfer;
    this.#pieces = pieces;
  }

  /** Where an announced block goes; undefined when nobody asked for it. */
  place(link: number, piece: number, offset: number, length: number): Uint8Array | undefined {
    this.#scratch.delete(link);
    const place = this.#transfer.expects(link, piece, offset, length);
    if (place === 'piece') return this.#pieces.place(piece, offset, length);
    if (place === undefined) return undefined;
    const bytes = new Uint8Array(length);
    this.#scratch.set(link, bytes);
    return bytes;
  }

  /** A placed block is complete; false when it came too late to count. */
  arrived(link: number, piece: number, offset: number, length: number): boolean {
    const scratch = this.#scratch.get(link);
    this.#scratch.delete(link);
    if (this.#transfer.expects(link, piece, offset, length) === undefined) return false;
    if (scratch) this.#pieces.place(piece, offset, length).set(scratch);
    this.#pieces.arrived(piece, offset, length);
    return true;
  }

  linkClosed(link: number): void {
    this.#scratch.delete(link);
  }
}
