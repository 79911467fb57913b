/** Which pieces somebody has: one bit each, first piece in the highest bit (BEP 3). */

/** Set bits of each byte. */
const BITS_IN = new Uint8Array(256);
for (let byte = 1; byte < 256; byte++) BITS_IN[byte] = BITS_IN[byte >>> 1]! + (byte & 1);

/** A fixed number of bits that knows how many are set. */
export class Bitfield {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly length: number;
  #count = 0;

  constructor(length: number) {
    this.length = length;
    this.bytes = new Uint8Array(Math.ceil(length / 8));
  }

  /** Copies a bitfield message; undefined when its size is wrong or a spare bit is set. */
  static parse(bytes: Uint8Array, length: number): Bitfield | undefined {
    const field = new Bitfield(length);
    if (bytes.length !== field.bytes.length) return undefined;
    const spare = bytes.length * 8 - length;
    if (spare > 0 && (bytes[bytes.length - 1]! & ((1 << spare) - 1)) !== 0) return undefined;
    field.bytes.set(bytes);
    for (const byte of bytes) field.#count += BITS_IN[byte]!;
    return field;
  }

  /** All bits set. */
  static full(length: number): Bitfield {
    const field = new Bitfield(length);
    field.bytes.fill(0xff);
    const spare = field.bytes.length * 8 - length;
    if (spare > 0) field.bytes[field.bytes.length - 1] = (0xff << spare) & 0xff;
    field.#count = length;
    return field;
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count === this.length;
  }

  /** True when it has every bit of another one of its length. */
  includes(other: Bitfield): boolean {
    return other.bytes.every((byte, at) => (byte & ~this.bytes[at]!) === 0);
  }

  /** The set bits, the first one first. */
  *indices(): Iterable<number> {
    for (let index = 0; index < this.length; index++) if (this.has(index)) yield index;
  }

  has(index: number): boolean {
    return (this.bytes[index >>> 3]! & (0x80 >>> (index & 7))) !== 0;
  }

  /** Sets a bit; false when it was set before. */
  add(index: number): boolean {
    if (this.has(index)) return false;
    this.bytes[index >>> 3]! |= 0x80 >>> (index & 7);
    this.#count++;
    return true;
  }

  /** Clears a bit. */
  remove(index: number): void {
    if (!this.has(index)) return;
    this.bytes[index >>> 3]! &= ~(0x80 >>> (index & 7));
    this.#count--;
  }
}
