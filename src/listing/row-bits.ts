/** Rows by number, as one bit for each: a million take 125 KB, and what two such sets have in common some microseconds. */
export class RowBits {
  #bits: Uint32Array<ArrayBuffer>;

  constructor(bits: Uint32Array<ArrayBuffer> = new Uint32Array(128)) {
    this.#bits = bits;
  }

  static of(ids: Uint32Array): RowBits {
    const rows = new RowBits();
    rows.addAll(ids);
    return rows;
  }

  has(id: number): boolean {
    return (this.#bits[id >>> 5]! & (1 << (id & 31))) !== 0;
  }

  add(id: number): void {
    const at = id >>> 5;
    if (at >= this.#bits.length) this.#grow(Math.max(2 * this.#bits.length, at + 1));
    this.#bits[at]! |= 1 << (id & 31);
  }

  addAll(ids: Uint32Array): void {
    for (let i = 0; i < ids.length; i++) this.add(ids[i]!);
  }

  delete(id: number): void {
    if (id >>> 5 < this.#bits.length) this.#bits[id >>> 5]! &= ~(1 << (id & 31));
  }

  /** Rows that either has. */
  or(other: RowBits): RowBits {
    const [long, short] =
      this.#bits.length < other.#bits.length ? [other.#bits, this.#bits] : [this.#bits, other.#bits];
    const bits = long.slice();
    for (let at = 0; at < short.length; at++) bits[at]! |= short[at]!;
    return new RowBits(bits);
  }

  /** Rows that both have. */
  and(other: RowBits): RowBits {
    const bits = this.#bits.slice(0, Math.min(this.#bits.length, other.#bits.length));
    for (let at = 0; at < bits.length; at++) bits[at]! &= other.#bits[at]!;
    return new RowBits(bits);
  }

  /** Rows that the other has not. */
  andNot(other: RowBits): RowBits {
    const bits = this.#bits.slice();
    const shared = Math.min(bits.length, other.#bits.length);
    for (let at = 0; at < shared; at++) bits[at]! &= ~other.#bits[at]!;
    return new RowBits(bits);
  }

  /** The rows in the order of their numbers. */
  ids(): Uint32Array<ArrayBuffer> {
    const ids = new Uint32Array(this.size);
    const all = this.#bits;
    let count = 0;
    for (let at = 0; at < all.length; at++) {
      for (let bits = all[at]!; bits !== 0; bits &= bits - 1) ids[count++] = at * 32 + 31 - Math.clz32(bits & -bits);
    }
    return ids;
  }

  /** How many rows there are; counted. */
  get size(): number {
    let size = 0;
    for (let at = 0; at < this.#bits.length; at++) size += ones(this.#bits[at]!);
    return size;
  }

  #grow(length: number): void {
    const grown = new Uint32Array(length);
    grown.set(this.#bits);
    this.#bits = grown;
  }
}

function ones(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return (((bits + (bits >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}
