/**
 * The saved host cache as a source: the nodes that were known before, tried where they were. Its file is written when
 * something worth keeping happened, and by the end.
 */
import type { Random } from '../../src/base/index.ts';
import { wallNow } from '../../src/io/alarm-clock.ts';
import type { HostCache, HostName, KnownHost } from '../../src/overlay/index.ts';
import type { AddressBook } from '../overlay/address-book.ts';
import type { OverlayMemory } from '../overlay/overlay-memory.ts';
import type { Named, Source } from './source.ts';

/** The hosts known from before. */
export class KnownHosts implements Source {
  readonly kind = 'cache';
  readonly text = 'cache';
  readonly isLasting = false;
  readonly #cache: HostCache;
  readonly #book: AddressBook;
  readonly #memory: OverlayMemory;
  readonly #random: Random;

  constructor(cache: HostCache, book: AddressBook, memory: OverlayMemory, random: Random) {
    this.#cache = cache;
    this.#book = book;
    this.#memory = memory;
    this.#random = random;
  }

  get size(): number {
    return this.#cache.size;
  }

  /** In the order in which they would be tried. */
  hosts(): readonly KnownHost[] {
    return this.#cache.order(this.#random);
  }
  anchors(): readonly KnownHost[] {
    return this.#cache.anchors();
  }

  async search(name: (contact: Named) => void): Promise<void> {
    for (const { nodeId, addresses } of this.#cache.order(this.#random)) {
      // What was private then was vouched for then, by the user or a neighbour; whoever is there proves itself.
      for (const address of addresses) this.#book.hear(() => [address], address.host);
      const address = nodeId ? this.#book.addressOf({ nodeId, addresses }) : addresses[0];
      if (address) name({ address, nodeId });
    }
  }

  /** Somebody was heard of. */
  note(name: HostName): void {
    this.#cache.note(name, wallNow());
  }
  noteAnswered(name: HostName): void {
    this.#cache.noteAnswered(name, wallNow());
  }
  noteMissed(name: HostName): void {
    this.#cache.noteMissed(name);
  }

  save(): void {
    this.#cache.expire(wallNow());
    this.#memory.noteHosts(this.#cache.hosts());
  }
}
