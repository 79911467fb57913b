/** Addresses that somebody passed on: a list that a user imports, or the trackers of a magnet. */
import { type Address, formatAddress, makeRoom, type NodeId } from '../../src/base/index.ts';
import type { SourceKind } from '../../src/overlay/index.ts';
import type { AddressBook } from '../overlay/address-book.ts';
import type { Named, Source } from './source.ts';

/** Addresses kept; the oldest leaves first. */
const TOLD_MAX = 1000;

/** The addresses of one origin. */
export class ToldHosts implements Source {
  readonly kind: SourceKind = 'told';
  readonly text: string;
  readonly isLasting = false;
  readonly #book: AddressBook;
  readonly #told = new Map<string, Named>();

  constructor(text: string, book: AddressBook) {
    this.text = text;
    this.#book = book;
  }

  get size(): number {
    return this.#told.size;
  }

  /** @param isUsersWord the user named it, so it may be private; who is only passed on by a stranger may not */
  add(address: Address, nodeId: NodeId | undefined, isUsersWord: boolean): void {
    if (isUsersWord) this.#book.vouch(address);
    makeRoom(this.#told, TOLD_MAX);
    this.#told.set(formatAddress(address), { address, nodeId });
  }

  async search(name: (contact: Named) => void): Promise<void> {
    for (const contact of this.#told.values()) {
      if (this.#book.mayAsk(contact.address.host, contact.address.port)) name(contact);
    }
  }
}
