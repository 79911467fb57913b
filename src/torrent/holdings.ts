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
    // aria2 says again what it has, as a bitfield, or as "all", which tells nothing new of a seed.
    if (said === 'haveAll' && link.isSeed) return undefined;
    if (said === 'haveNone' && link.hasSaidAll) {
      return fault('bitfield-wrong', 'it says too late that it has nothing');
    }
    const field =
      said instanceof Uint8Array
        ? Bitfield.parse(said, this.#pieceCount)
        : said === 'haveAll'
          ? Bitfield.full(this.#pieceCount)
          : new Bitfield(this.#pieceCount);
    if (!field) return fault('bitfield-wrong', 'a bitfield of the wrong size');
    // Nobody takes back what it had, and so each piece is counted once in a link's life, however often it says all.
    if (link.hasSaidAll && !field.includes(link.has)) return fault('bitfield-wrong', 'it takes back what it had');
    link.hasSaidAll = true;
    const before = link.isSeed ? new Bitfield(this.#pieceCount) : link.has;
    link.has = field;
    this.#recount(before, link.isSeed ? new Bitfield(this.#pieceCount) : field);
    return undefined;
  }

  #recount(before: Bitfield, after: Bitfield): void {
    for (let at = 0; at < after.bytes.length; at++) {
      if (after.bytes[at] === before.bytes[at]) continue;
      for (let piece = at * 8; piece < Math.min(at * 8 + 8, this.#pieceCount); piece++) {
        const has = after.has(piece);
        if (has === before.has(piece)) continue;
        if (has) this.#picker.noteHas(piece);
        else this.#picker.noteGone(piece);
      }
    }
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
