// A frame sink that writes down what it hears, for the wire's tests.
import { concatBytes, hex, writeUint32 } from '../../src/base/index.ts';
import { FrameReader } from '../../src/wire/index.ts';

export class Recorder {
  readonly events: string[] = [];
  /** Payloads kept at a time; a reader holds at most one message. */
  bytesHeld = 0;
  readonly reader: FrameReader;
  #place: Uint8Array | undefined;

  /** @param isWanted which announced blocks get a place */
  constructor(isWanted: (piece: number, offset: number, length: number) => boolean = () => true) {
    this.reader = new FrameReader(
      {
        blockPlace: (piece, offset, length) => {
          this.#place = isWanted(piece, offset, length) ? new Uint8Array(length) : undefined;
          this.events.push(`announced ${piece} ${offset} ${length}`);
          return this.#place;
        },
        blockArrived: (piece, offset, length) => {
          this.events.push(`block ${piece} ${offset} ${length} ${hex(this.#place!)}`);
        },
        requested: (piece, offset, length) => this.events.push(`request ${piece} ${offset} ${length}`),
        message: (id, payload) => this.events.push(`message ${id} ${hex(payload)}`),
        keepAlive: () => this.events.push('keep-alive'),
      },
      (target, at, source, from, end) => target.set(source.subarray(from, end), at),
    );
  }

  /** Feeds in parts of the sizes that `next` gives; ends with the fault's code, if there is one. */
  feed(bytes: Uint8Array, next: () => number = () => bytes.length): string[] {
    for (let at = 0; at < bytes.length; ) {
      const size = Math.min(bytes.length - at, Math.max(1, next()));
      // A host reuses its buffer: what follows the part must not matter, nor what becomes of it later.
      const part = new Uint8Array(size + 3).fill(0xee);
      part.set(bytes.subarray(at, at + size));
      const wrong = this.reader.feed(part, size);
      part.fill(0xdd);
      if (wrong) return [...this.events, `fault ${wrong.code}`];
      at += size;
    }
    return this.events;
  }
}

/** A message with its length and id. */
export function frame(id: number, payload: Uint8Array = new Uint8Array(0)): Uint8Array {
  const head = new Uint8Array(5);
  writeUint32(head, 0, payload.length + 1);
  head[4] = id;
  return concatBytes([head, payload]);
}

/** 32-bit numbers as bytes. */
export function words(...numbers: number[]): Uint8Array {
  const bytes = new Uint8Array(numbers.length * 4);
  for (const [i, number] of numbers.entries()) writeUint32(bytes, i * 4, number);
  return bytes;
}
