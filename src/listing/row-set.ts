/**
 * Rows that a search has found so far, never changed: few as their numbers, many as bits. Most searches find few, and a
 * pass over the bits of a million rows for each of their steps took longer than the steps.
 */
import { RowBits } from './row-bits.ts';

/** More rows than these are kept as bits. */
export const FEW_ROWS_MAX = 4096;

export class RowSet {
  /** In ascending order; these or `#bits`. */
  readonly #few: Uint32Array<ArrayBuffer>;
  readonly #bits: RowBits | undefined;

  private constructor(few: Uint32Array<ArrayBuffer>, bits?: RowBits) {
    this.#few = few;
    this.#bits = bits;
  }

  static readonly none: RowSet = new RowSet(new Uint32Array());

  /** @param ids in ascending order, each once; not to be changed any more */
  static of(ids: Uint32Array<ArrayBuffer>): RowSet {
    return ids.length <= FEW_ROWS_MAX ? new RowSet(ids) : RowSet.ofBits(RowBits.of(ids));
  }

  /** @param bits not to be changed as long as the set is used */
  static ofBits(bits: RowBits): RowSet {
    return new RowSet(new Uint32Array(), bits);
  }

  /** False too where there are so many that nobody has counted them. */
  get isEmpty(): boolean {
    return !this.#bits && this.#few.length === 0;
  }

  /** Counted, where there are many. */
  get size(): number {
    return this.#bits?.size ?? this.#few.length;
  }

  /** The rows in the order of their numbers; not to be changed. */
  ids(): Uint32Array<ArrayBuffer> {
    return this.#bits?.ids() ?? this.#few;
  }

  /** Rows that are in both. */
  and(other: RowSet): RowSet {
    if (this.#bits && other.#bits) return RowSet.ofBits(this.#bits.and(other.#bits));
    return this.#bits ? new RowSet(other.#kept((id) => this.#has(id))) : new RowSet(this.#kept((id) => other.#has(id)));
  }

  /** Rows that are in one or both. */
  or(other: RowSet): RowSet {
    if (other.isEmpty) return this;
    if (this.isEmpty) return other;
    if (this.#bits || other.#bits) return RowSet.ofBits(this.#asBits().or(other.#asBits()));
    const ids = new Uint32Array(this.#few.length + other.#few.length);
    ids.set(this.#few);
    ids.set(other.#few, this.#few.length);
    ids.sort();
    return RowSet.of(ids.filter((id, i) => i === 0 || id !== ids[i - 1]));
  }

  /** Rows that are not in the other. */
  andNot(other: RowSet): RowSet {
    if (this.#bits) return RowSet.ofBits(this.#bits.andNot(other.#asBits()));
    return new RowSet(this.#kept((id) => !other.#has(id)));
  }

  #has(id: number): boolean {
    if (this.#bits) return this.#bits.has(id);
    let [from, to] = [0, this.#few.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#few[middle]! < id) from = middle + 1;
      else to = middle;
    }
    return this.#few[from] === id;
  }

  #kept(fits: (id: number) => boolean): Uint32Array<ArrayBuffer> {
    return this.#few.filter(fits);
  }

  #asBits(): RowBits {
    return this.#bits ?? RowBits.of(this.#few);
  }
}
