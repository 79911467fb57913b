/**
 * A node's listing without its texts: which entries it has and in which order they changed, told by cursor as the store
 * does (src/io/listing-database.ts; test/sim/listing.test.ts compares the two). A thousandth of its size, so that
 * hundreds of nodes with all entries fit one process.
 */
import type { Random } from '../../src/base/index.ts';

/** As the store has it where only some entries are asked for. */
const LOOKED_AT_MAX = 4000;
const NEVER = 0xffffffff;

export interface LoggedPage {
  readonly entries: readonly number[];
  readonly cursor: number;
  readonly more: boolean;
}

export class ListingLog {
  /** Entries in the order of their changes; a place counts while it is the entry's newest. */
  #changes = new Uint32Array(256);
  #end = 0;
  readonly #placeOf: Uint32Array;
  #size = 0;

  /** @param entries how many there are in the world */
  constructor(entries: number) {
    this.#placeOf = new Uint32Array(entries).fill(NEVER);
  }

  /** Entries that it has. */
  get size(): number {
    return this.#size;
  }

  has(entry: number): boolean {
    return this.#placeOf[entry] !== NEVER;
  }

  /** Takes an entry; false when it is here already. */
  put(entry: number): boolean {
    if (this.has(entry)) return false;
    this.#size++;
    this.#append(entry);
    return true;
  }

  /** Lets an entry that is here count as changed. */
  touch(entry: number): void {
    if (this.has(entry)) this.#append(entry);
  }

  /** @param wanted 1 for each entry of which the asker wants to hear; of all when absent */
  since(cursor: number, limit: number, wanted?: Uint8Array): LoggedPage {
    const lookedAtMax = wanted ? LOOKED_AT_MAX : limit + 1;
    const entries: number[] = [];
    let lookedAt = 0;
    let reached = cursor;
    for (let at = cursor; at < this.#end; at++) {
      const entry = this.#changes[at]!;
      if (this.#placeOf[entry] !== at) continue;
      if (lookedAt === lookedAtMax) return { entries, cursor: reached, more: true };
      lookedAt++;
      if (!wanted || wanted[entry] === 1) {
        if (entries.length === limit) return { entries, cursor: reached, more: true };
        entries.push(entry);
      }
      reached = at + 1;
    }
    // Whoever looked at as many as there may be says that more may come, whether they do or not.
    return { entries, cursor: this.#end, more: lookedAt === lookedAtMax };
  }

  #append(entry: number): void {
    if (this.#end === this.#changes.length) {
      const grown = new Uint32Array(this.#end * 2);
      grown.set(this.#changes);
      this.#changes = grown;
    }
    this.#placeOf[entry] = this.#end;
    this.#changes[this.#end++] = entry;
  }
}

/** Entries by number: the first 48 bits of their hashes, spread by chance. */
export function hashStarts(count: number, random: Random): Float64Array {
  return Float64Array.from(
    { length: count },
    () => Math.floor(random() * 2 ** 24) * 2 ** 24 + Math.floor(random() * 2 ** 24),
  );
}

/** The hash of an entry that starts so. */
export function hashOfStart(start: number): string {
  return start.toString(16).padStart(12, '0').padEnd(40, '0');
}
