// One transfer machine with a clock of its own, for tests that play its peers by hand.
import { type Instant, instant, seededRandom } from '../../src/base/index.ts';
import {
  type ArrivalMemory,
  Bitfield,
  Layout,
  Transfer,
  type TransferEffect,
  type TransferInput,
} from '../../src/torrent/index.ts';
import { BLOCK_BYTES } from '../../src/wire/index.ts';

export type Typed<T, Type> = Extract<T, { type: Type }>;

/** A machine with a clock, and helpers that read like the wire. */
export class Bench {
  readonly layout: Layout;
  readonly transfer: Transfer;
  now: Instant = instant(0);

  constructor(
    pieces: number,
    blocksPerPiece: number,
    stored: readonly number[] = [],
    uploadSlots = 2,
    memory?: ArrivalMemory,
  ) {
    const pieceLength = blocksPerPiece * BLOCK_BYTES;
    this.layout = new Layout({ length: pieces * pieceLength, pieceLength, pieceCount: pieces, files: [] });
    const field = new Bitfield(pieces);
    for (const piece of stored) field.add(piece);
    const settings = { uploadSlots, openPiecesMax: 8, memory };
    this.transfer = new Transfer(this.layout, field, settings, seededRandom(1), this.now);
  }

  say(...inputs: TransferInput[]): TransferEffect[] {
    for (const input of inputs) this.transfer.input(input, this.now);
    return this.transfer.effects();
  }

  /** Links that have everything and, unless told, unchoke us. */
  seeds(links: readonly number[], hasFast = true, isUnchoking = true): TransferEffect[] {
    return links.flatMap((link) => [
      ...this.say(
        { type: 'linkOpened', link, address: { host: `10.0.0.${link}`, port: 1 }, hasFast },
        { type: 'haveAll', link },
      ),
      ...(isUnchoking ? this.say({ type: 'unchoked', link }) : []),
    ]);
  }

  /** Lets seconds pass, each with its tick. */
  wait(seconds: number): TransferEffect[] {
    const effects: TransferEffect[] = [];
    for (let second = 0; second < seconds; second++) {
      this.now = instant(this.now + 1000);
      effects.push(...this.say({ type: 'tick' }));
    }
    return effects;
  }

  arrive(link: number, piece: number, block: number): TransferEffect[] {
    return this.say({ type: 'blockArrived', link, piece, offset: block * BLOCK_BYTES });
  }
}

export function of<Type extends TransferEffect['type']>(
  effects: readonly TransferEffect[],
  type: Type,
): Typed<TransferEffect, Type>[] {
  return effects.filter((effect): effect is Typed<TransferEffect, Type> => effect.type === type);
}

/** The blocks of all requests, as `link:piece:block`. */
export const asked = (effects: readonly TransferEffect[]): string[] =>
  of(effects, 'request').flatMap(({ link, piece, block, count }) =>
    Array.from({ length: count }, (_, i) => `${link}:${piece}:${block + i}`),
  );
