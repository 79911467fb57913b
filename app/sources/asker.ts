/**
 * Asks one node for the supernodes it knows (GET /supernodes, which every node answers), and gives what was told to the
 * overlay machine, which checks it and decides whom it believes. Here it is only read.
 */
import type { Config } from '../../config/index.ts';
import { type Address, type Fault, formatAddress, isFault, type NodeId, nodeOrigin } from '../../src/base/index.ts';
import { wallNow } from '../../src/io/alarm-clock.ts';
import { sha1 } from '../../src/io/hash.ts';
import type { HttpClient } from '../../src/io/http-client.ts';
import type { Identity } from '../../src/io/identity.ts';
import { type Descriptor, EXCHANGE_BYTES_MAX, openDescriptor, parseExchange } from '../../src/overlay/index.ts';
import type { Log } from '../log.ts';
import type { AddressBook } from '../overlay/address-book.ts';
import type { OverlayHost } from '../overlay/overlay-host.ts';
import type { Named } from './source.ts';

/** Addresses whose nodes are remembered; names may lead elsewhere each time. */
const MET_MAX = 256;
/** Answers whose clocks are remembered. */
const CLOCKS_MAX = 9;

export interface AskerSettings {
  readonly config: Config;
  readonly identity: Identity;
  readonly http: HttpClient;
  readonly book: AddressBook;
  readonly host: OverlayHost;
  readonly log: Log;
}

/** What a node answered. */
export interface Told {
  readonly by: NodeId;
  readonly address: Address;
  /** Sealed descriptors, not opened yet. */
  readonly records: readonly Uint8Array[];
}

/** Asks nodes who serves. */
export class Asker {
  readonly #settings: AskerSettings;
  /** The nodes that answered at addresses that came without one, which are expected there from then on. */
  readonly #met = new Map<string, NodeId>();
  /** Of those that answered last; bounded by CLOCKS_MAX. */
  readonly #behind: number[] = [];

  constructor(settings: AskerSettings) {
    this.#settings = settings;
  }

  /** How far our clock is behind the middle one of those that answered lately; undefined while nobody did. */
  get clockBehindSeconds(): number | undefined {
    return this.#behind.toSorted((a, b) => a - b)[Math.floor(this.#behind.length / 2)];
  }

  /** Resolves to what was told; undefined when nobody answered, or nobody of this network, or somebody else than meant. */
  async ask({ address, nodeId: meant }: Named, timeoutMs: number): Promise<Told | undefined> {
    const { http, config, log } = this.#settings;
    const at = formatAddress(address);
    const nodeId = meant ?? this.#met.get(at) ?? (await http.meet(address));
    if (nodeId === undefined || isFault(nodeId)) return this.#noteSilence(at, nodeId);
    const origin = nodeOrigin({ nodeId, address });
    const request = { method: 'GET', path: '/supernodes', timeoutMs } as const;
    const reply = await http.request({ origin, ...request, bytesMax: EXCHANGE_BYTES_MAX });
    if (isFault(reply)) return this.#noteSilence(at, reply);
    this.#noteClock(reply.headers.date);
    if (meant === undefined) this.#noteMet(at, nodeId);
    const exchange = parseExchange(reply.body, config.network);
    if (!isFault(exchange)) return { by: nodeId, address, records: exchange.supernodes };
    log.info('a node is of no use', { address: at, because: exchange.text });
    return undefined;
  }

  /** Gives what a node told to the machine, which checks it in its time; returns how many descriptors were whole. */
  take({ by, address, records }: Told): number {
    const { config, book, host, identity } = this.#settings;
    const { view } = host.machine;
    const rules = { network: config.network, verify: () => true, sha1 };
    const news: Descriptor[] = [];
    let found = 0;
    for (const record of records) {
      const descriptor = openDescriptor(record, rules, wallNow());
      if (isFault(descriptor) || descriptor.nodeId === identity.nodeId) continue;
      found++;
      if ((view.get(descriptor.nodeId)?.sequence ?? -1) < descriptor.sequence) news.push(descriptor);
      // Who answered there says so itself; for others' words the machine has to connect.
      if (descriptor.nodeId === by) book.noteReached(descriptor, address);
    }
    if (news.length === 0) return found;
    book.hear(() => news.flatMap(({ addresses }) => addresses), address.host);
    host.feed({ type: 'records', records: news.map(({ record }) => record), by });
    // It knows of grants too, which descriptors do not tell.
    host.feed({ type: 'found', contacts: [{ nodeId: by, address }] });
    return found;
  }

  #noteClock(date: string | undefined): void {
    const theirs = Date.parse(date ?? '') / 1000;
    if (Number.isNaN(theirs)) return;
    this.#behind.push(theirs - wallNow());
    if (this.#behind.length > CLOCKS_MAX) this.#behind.shift();
  }

  #noteMet(at: string, nodeId: NodeId): void {
    if (this.#met.size >= MET_MAX && !this.#met.has(at)) this.#met.delete(this.#met.keys().next().value!);
    this.#met.set(at, nodeId);
  }

  #noteSilence(at: string, because: Fault | undefined): undefined {
    this.#met.delete(at);
    this.#settings.log.debug('a node does not answer', { address: at, because: because?.text });
  }
}
