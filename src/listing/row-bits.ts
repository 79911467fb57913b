/** Rows by number, as one bit for each. */
export class RowBits {
  #bits = new Uint32Array(128);

  has(id: number): boolean {
    return (this.#bits[id >>> 5]! & (1 << (id & 31))) !== 0;
  }

  add(id: number): void {
    const at = id >>> 5;
    if (at >= this.#bits.length) {
      const grown = new Uint32Array(Math.max(2 * this.#bits.length, at + 1));
      grown.set(this.#bits);
      this.#bits = grown;
    }
    this.#bits[at]! |= 1 << (id & 31);
  }

  addAll(ids: Iterable<number>): void {
    for (const id of ids) this.add(id);
  }

  delete(id: number): void {
    if (id >>> 5 < this.#bits.length) this.#bits[id >>> 5]! &= ~(1 << (id & 31));
  }

  /** The rows that are in all of these; none when there are none of these. */
  static inAll(sets: readonly RowBits[]): Uint32Array {
    const length = Math.min(...sets.map((set) => set.#bits.length), sets.length === 0 ? 0 : Infinity);
    const ids = new Uint32Array(sets.length === 0 ? 0 : sets[0]!.#size(length));
    let count = 0;
    for (let at = 0; at < length; at++) {
      let bits = sets[0]!.#bits[at]!;
      for (let i = 1; i < sets.length; i++) bits &= sets[i]!.#bits[at]!;
      for (; bits !== 0; bits &= bits - 1) ids[count++] = at * 32 + 31 - Math.clz32(bits & -bits);
    }
    return ids.subarray(0, count);
  }

  /** How many are among the first words of 32. */
  #size(length: number): number {
    let size = 0;
    for (let at = 0; at < length; at++) size += ones(this.#bits[at]!);
    return size;
  }
}

function ones(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return (((bits + (bits >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}
