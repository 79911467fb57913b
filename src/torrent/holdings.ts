/**
 * What the peers of one torrent have: reads what they say about it and keeps the count of each piece's holders.
 * Invariant: a piece is counted once for each partial link that has it, and never for a seed.
 */
import { type Fault, fault } from '../base/index.ts';
import { Bitfield } from './bitfield.ts';
import type { LinkState } from './link-state.ts';
import type { Picker } from './picker.ts';

/** What a peer says it has, all at once: the bytes of a bitfield, or one of BEP 6's two short forms. */
export type SaidSet = Uint8Array | 'haveAll' | 'haveNone';

/** The holders of each piece. */
export class Holdings {
  readonly #pieceCount: number;
  readonly #picker: Picker;

  constructor(pieceCount: number, picker: Picker) {
    this.#pieceCount = pieceCount;
    this.#picker = picker;
  }

  /** A link says what it has; a fault when that cannot be. */
  takeSet(link: LinkState, said: SaidSet): Fault | undefined {
    // aria2 says again what it has, as a bitfield, which pays with its length for the look at every piece, or as
    // "all", which tells nothing new of a seed. Taking everything back is what nobody does.
    if (said === 'haveAll' && link.isSeed) return undefined;
    if (said === 'haveNone' && link.hasSaidAll) {
      return fault('bitfield-wrong', 'it says too late that it has nothing');
    }
    link.hasSaidAll = true;
    const field =
      said instanceof Uint8Array
        ? Bitfield.parse(said, this.#pieceCount)
        : said === 'haveAll'
          ? Bitfield.full(this.#pieceCount)
          : new Bitfield(this.#pieceCount);
    if (!field) return fault('bitfield-wrong', 'a bitfield of the wrong size');
    this.forget(link);
    link.has = field;
    if (field.isFull) return undefined;
    for (let piece = 0; piece < field.length; piece++) if (field.has(piece)) this.#picker.noteHas(piece);
    return undefined;
  }

  /** A link has one more piece; `false` when it said so before. */
  takeOne(link: LinkState, piece: number): boolean | Fault {
    if (piece >= this.#pieceCount) return fault('have-wrong', 'has a piece that does not exist');
    if (!link.has.add(piece)) return false;
    this.#picker.noteHas(piece);
    if (link.isSeed) for (let i = 0; i < this.#pieceCount; i++) this.#picker.noteGone(i);
    return true;
  }

  /** A link is gone, or says anew what it has. */
  forget(link: LinkState): void {
    if (link.isSeed) return;
    for (let piece = 0; piece < this.#pieceCount; piece++) if (link.has.has(piece)) this.#picker.noteGone(piece);
  }
}
