/**
 * The filter lists that this node keeps for the network: those of authors whose place on the ring it owns or copies.
 * Kept in memory alone: authors and subscribers bring them again to whoever is without.
 */
import {
  type Fault,
  isFault,
  type NodeId,
  parseNodeId,
  publicFault,
  readRecord,
  SourceBudgets,
} from '../../src/base/index.ts';
import { now, wallNow } from '../../src/io/alarm-clock.ts';
import { sha1 } from '../../src/io/hash.ts';
import { verify } from '../../src/io/identity.ts';
import { FILTER_LIST_BYTES_MAX, openFilterList, placeOfFilterList } from '../../src/listing/index.ts';
import type { Ownership } from '../../src/ports/index.ts';

/** Lists kept. Whoever's network brought most bytes gives way: of its lists, the one nobody asked for longest. */
export const SHELF_LISTS_MAX = 1024;
/** Bytes of all lists together. */
export const SHELF_BYTES_MAX: number = 32 * 2 ** 20;
/** Lists that a /24 or /48 may bring. */
const BROUGHT = { perSecond: 0.2, burst: 32 };
const HOSTS_MAX = 1024;

interface Kept {
  readonly bytes: Uint8Array;
  readonly sequence: number;
  /** The network that brought it. */
  readonly host: string;
}

export type ShelfFault = Fault<'not-owner' | 'too-many' | string>;

export class FilterShelf {
  readonly #ownership: () => Ownership;
  /** The one asked for longest ago first. */
  readonly #lists = new Map<NodeId, Kept>();
  readonly #brought = new SourceBudgets(BROUGHT, HOSTS_MAX);
  #bytes = 0;
  /** By the network that brought them. */
  readonly #bytesOf = new Map<string, number>();

  constructor(ownership: () => Ownership) {
    this.#ownership = ownership;
  }

  /**
   * GET /filter-lists/KEY?from=SEQUENCE: the author's list where a newer one is here than that, `same` for that one,
   * undefined where there is none as new.
   */
  newerThan(author: NodeId, sequence: number): Uint8Array | 'same' | undefined {
    const kept = this.#lists.get(author);
    if (!kept || kept.sequence < sequence) return undefined;
    this.#lists.delete(author);
    this.#lists.set(author, kept);
    return kept.sequence === sequence ? 'same' : kept.bytes;
  }

  /**
   * POST /filter-lists: takes a list whose place is this node's to keep.
   * @param host the network that brings it, a /24 or /48
   */
  offer(bytes: Uint8Array, host: string): true | ShelfFault {
    // Whose it is costs nothing to read; the signature does.
    const record = readRecord(bytes, FILTER_LIST_BYTES_MAX);
    if (isFault(record)) return record;
    const author = record.signer;
    if (this.#ownership().roleOf(placeOfFilterList(author, sha1)) === undefined) {
      return publicFault('not-owner', 'other supernodes keep this list; ask /supernodes');
    }
    if (!this.#brought.take(host, 1, now())) return publicFault('too-many', 'too many lists from one network');
    const list = openFilterList(bytes, verify, wallNow());
    if (isFault(list)) return list;
    const kept = this.#lists.get(author);
    if (!kept || list.sequence > kept.sequence) this.#keep(author, { bytes, sequence: list.sequence, host });
    return true;
  }

  #keep(author: NodeId, list: Kept): void {
    this.#drop(author);
    this.#lists.set(author, list);
    this.#bytes += list.bytes.length;
    this.#bytesOf.set(list.host, (this.#bytesOf.get(list.host) ?? 0) + list.bytes.length);
    while (this.#lists.size > SHELF_LISTS_MAX || this.#bytes > SHELF_BYTES_MAX) this.#drop(this.#leastWanted());
  }

  /** One network that brings list after list pushes out its own. */
  #leastWanted(): NodeId {
    let most = '';
    for (const [host, bytes] of this.#bytesOf) if (bytes > (this.#bytesOf.get(most) ?? 0)) most = host;
    return [...this.#lists].find(([, { host }]) => host === most)![0];
  }

  #drop(author: NodeId): void {
    const list = this.#lists.get(author);
    if (!list) return;
    this.#lists.delete(author);
    this.#bytes -= list.bytes.length;
    const left = this.#bytesOf.get(list.host)! - list.bytes.length;
    if (left > 0) this.#bytesOf.set(list.host, left);
    else this.#bytesOf.delete(list.host);
  }
}

/** The author and the sequence of a question for a list; undefined when it is none. */
export function parseListQuestion(path: string, parameters: URLSearchParams): [NodeId, number] | undefined {
  const author = parseNodeId(/^\/filter-lists\/([0-9a-f]{64})$/.exec(path)?.[1] ?? '');
  const from = parameters.get('from') ?? '0';
  return author && /^[0-9]{1,16}$/.test(from) ? [author, Number(from)] : undefined;
}
