/**
 * What a node's disk holds of its overlay: the highest term and sequence, and nodes to find again. A write is safe once
 * it was synced; a crash leaves the last one that was.
 */
import type { Contact } from '../../src/overlay/index.ts';

export interface Remembered {
  readonly term: number;
  readonly sequence: number;
  /** At most CONTACTS_MAX. */
  readonly contacts: readonly Contact[];
}

export const CONTACTS_MAX = 20;

export class SimDisk {
  #synced: Remembered = { term: 0, sequence: 0, contacts: [] };
  /** Oldest first; what is synced leaves at the next call. */
  #unsafe: { readonly what: Remembered; readonly safeAt: number }[] = [];

  /** Writes; until `safeAt` a crash undoes it. */
  write(what: Remembered, worldMs: number, safeAt: number): void {
    this.#settle(worldMs);
    this.#unsafe.push({ what, safeAt });
  }

  /** What the next start reads. */
  read(): Remembered {
    return this.#unsafe.at(-1)?.what ?? this.#synced;
  }

  crash(worldMs: number): void {
    this.#settle(worldMs);
    this.#unsafe = [];
  }

  #settle(worldMs: number): void {
    while (this.#unsafe.length > 0 && this.#unsafe[0]!.safeAt <= worldMs) this.#synced = this.#unsafe.shift()!.what;
  }
}
