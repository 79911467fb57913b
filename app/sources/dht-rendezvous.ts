/**
 * The Mainline DHT as a source, and a supernode's presence there: it announces its port under the network's rendezvous
 * and stores its descriptor in one of the network's items (BEP 44). Whoever looks asks the peers that were announced, and
 * the supernodes of the items at their addresses, by their keys.
 */
import { isFault, type NodeId } from '../../src/base/index.ts';
import { wallNow } from '../../src/io/alarm-clock.ts';
import { sha1 } from '../../src/io/hash.ts';
import { verify } from '../../src/io/identity.ts';
import { ITEM_BYTES_MAX, type MainlineDht } from '../../src/io/mainline-dht.ts';
import { type Rendezvous, rendezvousOf, saltOf } from '../../src/io/rendezvous.ts';
import { type Descriptor, openDescriptor } from '../../src/overlay/index.ts';
import type { AddressBook } from '../overlay/address-book.ts';
import type { Named, Source } from './source.ts';

/** How often the DHT is walked for supernodes while nobody is known. */
const SEARCH_EVERY_MS = 5000;
/** How often a supernode shows itself: what is announced is kept for half an hour; sooner while nobody takes it. */
const SHOW_EVERY_MS = 10 * 60_000;
const SHOW_AGAIN_MS = 5000;

export interface DhtRendezvousSettings {
  readonly dht: MainlineDht;
  /** The name of the network of nodes. */
  readonly network: string;
  readonly self: NodeId;
  readonly book: AddressBook;
  /** The port that others reach. */
  readonly port: () => number;
  /** Our own descriptor while this node serves. */
  readonly own: () => Descriptor | undefined;
}

/** Supernodes by the DHT. */
export class DhtRendezvous implements Source {
  readonly kind = 'dht';
  readonly text = 'dht';
  readonly isLasting = false;
  readonly #settings: DhtRendezvousSettings;
  readonly #rendezvous: Rendezvous;
  #searchedAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(settings: DhtRendezvousSettings) {
    this.#settings = settings;
    this.#rendezvous = rendezvousOf(settings.network);
    this.#timer = setTimeout(() => void this.#show(), 0);
  }

  async search(name: (contact: Named) => void): Promise<void> {
    if (performance.now() - this.#searchedAt < SEARCH_EVERY_MS) return;
    this.#searchedAt = performance.now();
    const { dht, book } = this.#settings;
    const { infoHash, identity, salts } = this.#rendezvous;
    const nameIfAllowed = (contact: Named): void => {
      if (book.mayAsk(contact.address.host, contact.address.port)) name(contact);
    };
    const items = salts.map(async (salt) => {
      const value = await dht.get(identity.nodeId, salt);
      for (const contact of value ? this.#contactsIn(value) : []) nameIfAllowed(contact);
    });
    await Promise.all([dht.lookup(infoHash, (address) => nameIfAllowed({ address })), ...items]);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #contactsIn(record: Uint8Array): Named[] {
    const { network } = this.#settings;
    const descriptor = openDescriptor(record, { network, verify, sha1 }, wallNow());
    return isFault(descriptor) ? [] : descriptor.addresses.map((address) => ({ address, nodeId: descriptor.nodeId }));
  }

  /** Announces this node while it serves, and its descriptor. */
  async #show(): Promise<void> {
    const { dht, own, port, self } = this.#settings;
    const descriptor = own();
    const { infoHash, identity } = this.#rendezvous;
    let takers = 0;
    if (descriptor) {
      takers = await dht.announce(infoHash, port());
      const { record: value } = descriptor;
      const item = { key: identity.nodeId, sign: identity.sign, salt: saltOf(this.#rendezvous, self), value };
      // Of several supernodes that share an item the last one counts until the next writes.
      if (value.length <= ITEM_BYTES_MAX) await dht.put({ ...item, sequence: Math.floor(wallNow()) });
    }
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#show(), takers > 0 ? SHOW_EVERY_MS : SHOW_AGAIN_MS);
  }
}
