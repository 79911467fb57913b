/** What a user names to join by: addresses, and DNS names that lead to some, or to descriptors, which prove themselves. */
import type { Config } from '../../config/index.ts';
import { type Address, formatAddress, isFault, parseIp } from '../../src/base/index.ts';
import { wallNow } from '../../src/io/alarm-clock.ts';
import type { BoundNetwork } from '../../src/io/bound-network.ts';
import { type NameAnswer, resolveBootstrap } from '../../src/io/dns-lookup.ts';
import { sha1 } from '../../src/io/hash.ts';
import { verify } from '../../src/io/identity.ts';
import { openDescriptor, parseZoneText } from '../../src/overlay/index.ts';
import type { Log } from '../log.ts';
import type { AddressBook } from '../overlay/address-book.ts';
import type { Named, Source } from './source.ts';

export const DEFAULT_PORT = 7373;
const DNS_PORT = 53;

export interface NamedSettings {
  readonly config: Config;
  readonly book: AddressBook;
  readonly network: BoundNetwork;
  readonly log: Log;
}

/** A bootstrap text as a source. */
export class NamedSource implements Source {
  readonly kind: 'dns' | 'told';
  readonly text: string;
  readonly isLasting = true;
  readonly #settings: NamedSettings;
  /** What became of the last lookup; undefined for an address. */
  #isResolved: boolean | undefined;

  constructor(text: string, settings: NamedSettings) {
    this.text = text;
    this.kind = parseIp(splitHostPort(text).name) ? 'told' : 'dns';
    this.#settings = settings;
  }

  /** False when the name led nowhere. */
  get isResolved(): boolean | undefined {
    return this.#isResolved;
  }

  async search(name: (contact: Named) => void): Promise<void> {
    const { config, network, log } = this.#settings;
    // While what we are bound to is gone the question would leave by another way.
    if (network.problem !== undefined) return;
    const { name: host, port } = splitHostPort(this.text);
    const server = serverOf(config.dnsServer);
    const named = new Set<string>();
    const lookup = { name: host, port, defaultPort: DEFAULT_PORT, ...(server && { server }) };
    await resolveBootstrap(lookup, network, (answer) => {
      for (const contact of this.#contactsIn(answer)) {
        const at = formatAddress(contact.address);
        if (named.has(at)) continue;
        named.add(at);
        name(contact);
      }
    });
    if (this.kind === 'dns') this.#isResolved = named.size > 0;
    if (named.size === 0) log.debug('a bootstrap name does not resolve', { name: host });
  }

  /** The user named it, so what it leads to may be private. */
  #contactsIn({ addresses, texts }: NameAnswer): Named[] {
    const { book } = this.#settings;
    const contacts = [...texts.flatMap((text) => this.#told(text)), ...addresses.map((address) => ({ address }))];
    for (const { address } of contacts) book.vouch(address);
    return contacts;
  }

  #told(text: string): Named[] {
    const { network } = this.#settings.config;
    const zone = parseZoneText(text);
    if (isFault(zone) || zone.network !== network) return [];
    return zone.records.flatMap((record) => {
      const descriptor = openDescriptor(record, { network, verify, sha1 }, wallNow());
      if (isFault(descriptor)) return [];
      const { nodeId, addresses } = descriptor;
      return [{ address: addresses[0]!, nodeId }];
    });
  }
}

function serverOf(text: string): Address | undefined {
  const { name, port } = splitHostPort(text);
  return parseIp(name) && { host: name, port: port ?? DNS_PORT };
}

/** Takes `host`, `host:port`, `[v6]` or `[v6]:port` apart, as the option table lets them through. */
export function splitHostPort(text: string): { name: string; port: number | undefined } {
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|([^:]*))(?::([0-9]+))?$/.exec(text) ?? [];
  return { name: bracketed ?? plain ?? text, port: port === undefined ? undefined : Number(port) };
}
