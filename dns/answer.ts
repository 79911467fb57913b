/**
 * What the zone answers to a query: the decisions of an authoritative server that never recurses (RFC 1034, 2308,
 * 8482). Every answer is made once per zone, bytes and all, so that a query costs a look into a table and a copy.
 */
import { assert, bytesOfLatin1, concatBytes } from '../src/base/index.ts';
import {
  type Answer,
  bareAnswer,
  CLASS_IN,
  HEADER_BYTES,
  lowerCased,
  type Query,
  RCODE,
  TYPE,
  wireName,
} from './message.ts';
import type { RecordData, Zone } from './zone.ts';

/** A record from its type on, without the owner before it, names in full. */
export type EncodeRecord = (data: RecordData, ttlSeconds: number) => Uint8Array;

/** One name and what it has. */
interface Node {
  /** In wire form, in lower case. */
  readonly name: Uint8Array;
  readonly answers: ReadonlyMap<number, Answer>;
  /** For types that it has not. */
  readonly noData: Answer;
}

/** Addresses and name servers are found by what points to them. */
const ADDRESS_TYPES = ['A', 'AAAA'] as const;
const ADDRESS_RECORD_BYTES = { A: 16, AAAA: 28 } as const;
/** Type, class, TTL and length come before a record's data. */
const DATA_AT = 10;
const REFUSED: Answer = bareAnswer(RCODE.refused);
const BAD_VERSION: Answer = bareAnswer(RCODE.badVers);
const NO_QUESTION: Answer = bareAnswer(RCODE.noError);
const ONLY_FOR_TRANSFERS: ReadonlySet<number> = new Set([TYPE.AXFR, TYPE.IXFR]);
const POINTER = 0xc0;

/** A zone as answers. */
export class AnswerTable {
  readonly zone: Zone;
  /** All records with their owners in full, SOA first: what a transfer is made of. */
  readonly transferRecords: readonly Uint8Array[];
  readonly #origin: Uint8Array;
  readonly #encode: EncodeRecord;
  readonly #nodes: Node[] = [];
  /** Places in `#nodes` by the hash of the name; -1 where there is none. */
  readonly #slots: Int32Array;
  readonly #soa: RecordData;
  /** What an absent name gets, by the place of the apex in the question. */
  readonly #absent: (Answer | undefined)[] = [];

  constructor(zone: Zone, encode: EncodeRecord) {
    this.zone = zone;
    this.#encode = encode;
    this.#origin = wireOf(zone.origin);
    const soa = zone.records.get(zone.origin)?.find(({ type }) => type === 'SOA');
    assert(soa, 'a zone has an SOA record');
    this.#soa = soa;
    this.#slots = new Int32Array(slotsFor(zone.records.size)).fill(-1);
    for (const [owner, list] of zone.records) this.#add(wireOf(owner), list);
    this.transferRecords = this.#allRecords();
  }

  /** The answer to a query of the IN class and any other. */
  find(query: Query): Answer {
    if (query.ednsVersion > 0) return BAD_VERSION;
    if (!query.hasQuestion) return NO_QUESTION;
    const { bytes, nameEnd, type } = query;
    const apexAt = nameEnd - this.#origin.length;
    if (query.class !== CLASS_IN || ONLY_FOR_TRANSFERS.has(type) || !this.#isInside(query)) return REFUSED;
    const node = this.#nodeOf(bytes, nameEnd);
    if (node) return node.answers.get(type) ?? node.noData;
    this.#absent[apexAt] ??= this.#negative(RCODE.nxDomain, apexAt);
    return this.#absent[apexAt]!;
  }

  /** Whether the question is for the apex itself. */
  isApex({ nameEnd, hasQuestion, bytes }: Query): boolean {
    return hasQuestion && nameEnd - HEADER_BYTES === this.#origin.length && this.#endsAt(bytes, HEADER_BYTES);
  }

  #add(name: Uint8Array, list: readonly RecordData[]): void {
    const apexAt = HEADER_BYTES + name.length - this.#origin.length;
    const answers = new Map<number, Answer>();
    for (const type of new Set(list.map((data) => data.type))) {
      answers.set(
        TYPE[type],
        this.#answerOf(
          list.filter((data) => data.type === type),
          apexAt,
        ),
      );
    }
    if (list.length > 0) answers.set(TYPE.ANY, this.#answerOf([{ type: 'HINFO', cpu: 'RFC8482' }], apexAt));
    const node = { name, answers, noData: this.#negative(RCODE.noError, apexAt) };
    let slot = hashOf(name, 0, name.length) & (this.#slots.length - 1);
    while (this.#slots[slot]! >= 0) slot = (slot + 1) & (this.#slots.length - 1);
    this.#slots[slot] = this.#nodes.push(node) - 1;
  }

  #answerOf(list: readonly RecordData[], apexAt: number): Answer {
    const { type } = list[0]!;
    const isSample = apexAt === HEADER_BYTES && (type === 'A' || type === 'AAAA');
    const extras = type === 'NS' || type === 'SRV' ? this.#addressesOf(list) : [];
    return {
      rcode: RCODE.noError,
      isAuthoritative: true,
      records: concatBytes(list.map((data) => this.#owned(HEADER_BYTES, data, apexAt))),
      answers: list.length,
      authorities: 0,
      unitBytes: isSample ? ADDRESS_RECORD_BYTES[type] : 0,
      extras: concatBytes(extras),
      extraCount: extras.length,
    };
  }

  #negative(rcode: number, apexAt: number): Answer {
    const records = this.#owned(apexAt, this.#soa, apexAt);
    return { ...bareAnswer(rcode, true), records, authorities: 1 };
  }

  /** A record whose owner stands at `ownerAt` of the message; the apex stands at `apexAt`. */
  #owned(ownerAt: number, data: RecordData, apexAt: number): Uint8Array {
    const encoded = this.#encode(data, this.zone.ttlSeconds);
    const names = data.type === 'SOA' ? 2 : data.type === 'NS' ? 1 : 0;
    return concatBytes([Uint8Array.of(POINTER, ownerAt), this.#compressed(encoded, names, apexAt)]);
  }

  /** The first names of a record's data with a pointer in place of the origin; for types that RFC 1035 lets do so. */
  #compressed(encoded: Uint8Array, names: number, apexAt: number): Uint8Array {
    if (names === 0) return encoded;
    const parts: Uint8Array[] = [];
    let at = DATA_AT;
    for (let name = 0; name < names; name++) {
      const from = at;
      while (encoded[at] !== 0) at += 1 + encoded[at]!;
      at++;
      const isOurs = equalTail(encoded, at, this.#origin);
      parts.push(encoded.subarray(from, isOurs ? at - this.#origin.length : at));
      if (isOurs) parts.push(Uint8Array.of(POINTER, apexAt));
    }
    const data = concatBytes([...parts, encoded.subarray(at)]);
    return concatBytes([encoded.subarray(0, DATA_AT - 2), Uint8Array.of(data.length >>> 8, data.length), data]);
  }

  #addressesOf(list: readonly RecordData[]): Uint8Array[] {
    return list.flatMap((data) => {
      const target = 'target' in data ? data.target : '';
      const records = this.zone.records.get(target) ?? [];
      return ADDRESS_TYPES.flatMap((kind) => records.filter(({ type }) => type === kind)).map((record) =>
        concatBytes([wireOf(target), this.#encode(record, this.zone.ttlSeconds)]),
      );
    });
  }

  #allRecords(): Uint8Array[] {
    return [...this.zone.records].flatMap(([owner, list]) => {
      const isFirst = ({ type }: RecordData): number => (type === 'SOA' ? 0 : 1);
      const sorted = list.toSorted((one, other) => isFirst(one) - isFirst(other));
      return sorted.map((data) => concatBytes([wireOf(owner), this.#encode(data, this.zone.ttlSeconds)]));
    });
  }

  #nodeOf(bytes: Uint8Array, nameEnd: number): Node | undefined {
    const mask = this.#slots.length - 1;
    for (let slot = hashOf(bytes, HEADER_BYTES, nameEnd) & mask; this.#slots[slot]! >= 0; slot = (slot + 1) & mask) {
      const node = this.#nodes[this.#slots[slot]!]!;
      if (isSameName(node.name, bytes, nameEnd)) return node;
    }
    return undefined;
  }

  /** Whether a name is the zone's own or below it; compared label by label. */
  #isInside({ bytes, nameEnd }: Query): boolean {
    const apexAt = nameEnd - this.#origin.length;
    let at = HEADER_BYTES;
    while (at < apexAt) at += 1 + bytes[at]!;
    return at === apexAt && this.#endsAt(bytes, apexAt);
  }

  #endsAt(bytes: Uint8Array, at: number): boolean {
    for (let i = 0; i < this.#origin.length; i++) if (lowerCased(bytes[at + i]!) !== this.#origin[i]) return false;
    return true;
  }
}

/** At least twice as many slots as names. */
function slotsFor(names: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(2, names) * 2));
}

/** FNV-1a. The names in the table are ours, so nobody can make them meet. */
function hashOf(bytes: Uint8Array, from: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = from; at < end; at++) hash = Math.imul(hash ^ lowerCased(bytes[at]!), 0x01000193);
  return hash >>> 0;
}

function isSameName(name: Uint8Array, bytes: Uint8Array, nameEnd: number): boolean {
  if (name.length !== nameEnd - HEADER_BYTES) return false;
  for (let i = 0; i < name.length; i++) if (name[i] !== lowerCased(bytes[HEADER_BYTES + i]!)) return false;
  return true;
}

function equalTail(bytes: Uint8Array, end: number, tail: Uint8Array): boolean {
  const from = end - tail.length;
  return from >= 0 && tail.every((byte, i) => byte === bytes[from + i]);
}

function wireOf(name: string): Uint8Array {
  const wire = wireName(name);
  assert(wire, 'every name of a zone fits the wire');
  return bytesOfLatin1(wire);
}
