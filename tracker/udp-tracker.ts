/**
 * The tracker service over UDP (BEP 15): a datagram and the address it came from go in, the answer comes out, or
 * nothing. Invariants: who has not shown that it receives at its address is sent at most as many bytes as it sent,
 * and one address is served at a bounded rate. BEP 15 has no redirect, so a hash that another supernode owns is an
 * error that names it.
 */

import {
  bytesOfLatin1,
  formatAddress,
  type Instant,
  isFault,
  latin1,
  SourceBudgets,
  writeUint32,
} from '../src/base/index.ts';
import type { Owner } from '../src/ports/index.ts';
import {
  ANNOUNCE_REPLY_BYTES,
  CONNECT_BYTES,
  parseUdpRequest,
  UDP_ACTION,
  type UdpRequest,
} from '../src/wire/index.ts';
import { PEERS_PER_ANSWER, PEERS_PER_ANSWER_MAX, SCRAPE_HASHES_MAX } from './announce-request.ts';
import type { ConnectionIds } from './connection-ids.ts';
import { ENDPOINT4_BYTES, ENDPOINT6_BYTES } from './endpoint-sizes.ts';
import { type Registrar, type RegistrarFault, reachableAddress } from './registrar.ts';
import { NO_SLOT } from './swarm-index.ts';

/** Fits every path without fragments: 200 IPv4 peers, or 67 with IPv6. */
const UDP_ANSWER_BYTES_MAX = 1232;
/** A client's retry doubles its wait, so that what is dropped here comes again when there is room. */
const CONNECTS_PER_SOURCE = { perSecond: 10, burst: 100 };
/** A client that comes with a thousand torrents is through after one retry. */
const REQUESTS_PER_SOURCE = { perSecond: 50, burst: 500 };
/** Sources whose spending is remembered. */
const SOURCES_MAX = 16_384;
/** Whoever has an IPv6 address has a /64 of them. */
const SOURCE_BYTES = 8;
/** IP and UDP headers, as the bandwidth cap counts them. */
const OVERHEAD_BYTES = 48;

type Announce = UdpRequest & { readonly type: 'announce' };
type Scrape = UdpRequest & { readonly type: 'scrape' };

/** The answers of a supernode over UDP. */
export class UdpTracker {
  readonly #registrar: Registrar;
  readonly #ids: ConnectionIds;
  readonly #connects: SourceBudgets = new SourceBudgets(CONNECTS_PER_SOURCE, SOURCES_MAX);
  readonly #requests: SourceBudgets = new SourceBudgets(REQUESTS_PER_SOURCE, SOURCES_MAX);
  readonly #answer: Uint8Array = new Uint8Array(UDP_ANSWER_BYTES_MAX);

  constructor(registrar: Registrar, ids: ConnectionIds) {
    this.#registrar = registrar;
    this.#ids = ids;
  }

  /**
   * Answers one datagram; undefined when it gets no answer.
   * @param source the 4 or 16 address bytes it came from
   * @returns a view that the next answer overwrites
   */
  serve(datagram: Uint8Array, source: Uint8Array, now: Instant): Uint8Array | undefined {
    const request = parseUdpRequest(datagram);
    if (!request || this.#registrar.brevity(now) === 'silent') return undefined;
    const asker = latin1(source.subarray(0, SOURCE_BYTES));
    let length: number;
    if (request.type === 'connect') {
      if (!this.#connects.take(asker, 1, now)) return undefined;
      this.#answer.set(this.#ids.idFor(source, now), this.#begin(UDP_ACTION.connect, request.transaction));
      length = CONNECT_BYTES;
    } else {
      if (!this.#ids.isGood(request.connectionId, source, now) || !this.#requests.take(asker, 1, now)) return undefined;
      length = request.type === 'announce' ? this.#announced(request, source, now) : this.#scraped(request, source);
    }
    this.#registrar.spend(length + OVERHEAD_BYTES);
    return this.#answer.subarray(0, length);
  }

  #announced(request: Announce, source: Uint8Array, now: Instant): number {
    const { transaction, port, event } = request;
    if (port === 0) return this.#error(transaction, 'port must be a number from 1 to 65535');
    const width = source.length === 4 ? ENDPOINT4_BYTES : ENDPOINT6_BYTES;
    const roomFor = Math.min(PEERS_PER_ANSWER_MAX, Math.floor((UDP_ANSWER_BYTES_MAX - ANNOUNCE_REPLY_BYTES) / width));
    const announce = {
      infoHash: request.infoHash,
      port,
      isSeeder: request.isLeftZero,
      event,
      peersWanted: Math.min(request.wanted < 0 ? PEERS_PER_ANSWER : request.wanted, roomFor),
      isCompact: true,
      isOfReplica: false,
    };
    const registered = this.#registrar.register(announce, source, undefined, now);
    if (isFault(registered) || 'nodeId' in registered) return this.#refused(transaction, registered, source);
    const { slot, endpoint, intervalSeconds, peersWanted, leechersOnly } = registered;
    const { swarms } = this.#registrar;
    const known = swarms.slotOf(request.infoHash);
    let at = this.#begin(UDP_ACTION.announce, transaction);
    at = this.#word(at, intervalSeconds);
    at = this.#word(at, known === NO_SLOT ? 0 : swarms.leechers(known));
    at = this.#word(at, known === NO_SLOT ? 0 : swarms.seeders(known));
    if (peersWanted === 0 || slot === NO_SLOT) return at;
    return at + width * swarms.copyWindow(slot, width, peersWanted, leechersOnly, endpoint, this.#answer, at);
  }

  #scraped({ transaction, infoHashes }: Scrape, source: Uint8Array): number {
    const { swarms } = this.#registrar;
    const asked = infoHashes.slice(0, SCRAPE_HASHES_MAX);
    const owners = asked.map((infoHash) => this.#registrar.ownerOf(infoHash));
    const [first] = owners;
    if (first !== undefined && first !== 'self' && !owners.includes('self')) {
      return this.#refused(transaction, first, source);
    }
    let at = this.#begin(UDP_ACTION.scrape, transaction);
    // The answer has a place for each hash; of those that others own it can only say what is known here: nothing.
    for (const [i, infoHash] of asked.entries()) {
      const slot = owners[i] === 'self' ? swarms.slotOf(infoHash) : NO_SLOT;
      at = this.#word(at, slot === NO_SLOT ? 0 : swarms.seeders(slot));
      at = this.#word(at, slot === NO_SLOT ? 0 : swarms.completions(slot));
      at = this.#word(at, slot === NO_SLOT ? 0 : swarms.leechers(slot));
    }
    return at;
  }

  #refused(transaction: number, why: Owner | RegistrarFault, source: Uint8Array): number {
    if (isFault(why)) return this.#error(transaction, why.text);
    const address = reachableAddress(why, source);
    const where = address ? `: udp://${formatAddress(address)}` : '';
    return this.#error(transaction, `another supernode tracks this hash${where}`);
  }

  #error(transaction: number, text: string): number {
    const at = this.#begin(UDP_ACTION.error, transaction);
    this.#answer.set(bytesOfLatin1(text), at);
    return at + text.length;
  }

  #begin(action: number, transaction: number): number {
    return this.#word(this.#word(0, action), transaction);
  }

  #word(at: number, value: number): number {
    writeUint32(this.#answer, at, value);
    return at + 4;
  }
}
