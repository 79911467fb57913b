/** What a user names to join by: addresses, and DNS names that lead to some. */
import { type Address, parseIp } from '../../src/base/index.ts';
import type { BoundNetwork } from '../../src/io/bound-network.ts';
import { resolveBootstrap } from '../../src/io/dns-lookup.ts';
import type { AddressBook } from '../address-book.ts';
import type { Log } from '../log.ts';
import type { Named, Source } from './source.ts';

export const DEFAULT_PORT = 7373;

/** A bootstrap text as a source. */
export class NamedSource implements Source {
  readonly kind: 'dns' | 'told';
  readonly text: string;
  readonly isLasting = true;
  readonly #book: AddressBook;
  readonly #network: BoundNetwork;
  readonly #log: Log;

  constructor(text: string, book: AddressBook, network: BoundNetwork, log: Log) {
    this.text = text;
    this.kind = parseIp(splitHostPort(text).name) ? 'told' : 'dns';
    this.#book = book;
    this.#network = network;
    this.#log = log;
  }

  async search(name: (contact: Named) => void): Promise<void> {
    for (const address of await this.#addresses()) {
      // The user named it, so it may be private.
      this.#book.vouch(address);
      name({ address });
    }
  }

  async #addresses(): Promise<readonly Address[]> {
    const { name, port } = splitHostPort(this.text);
    const addresses = await resolveBootstrap({
      name,
      port,
      defaultPort: DEFAULT_PORT,
      ...this.#network.askFrom(),
    });
    if (addresses.length === 0) this.#log.debug('a bootstrap name does not resolve', { name });
    return addresses;
  }
}

/** Takes `host`, `host:port`, `[v6]` or `[v6]:port` apart, as the option table lets them through. */
export function splitHostPort(text: string): { name: string; port: number | undefined } {
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|([^:]*))(?::([0-9]+))?$/.exec(text) ?? [];
  return { name: bracketed ?? plain ?? text, port: port === undefined ? undefined : Number(port) };
}
