/**
 * What the zone answers to a query: the decisions of an authoritative server that never recurses (RFC 1034, 2308,
 * 8482). Records are encoded once per zone; an answer only copies them.
 */
import { assert, concatBytes } from '../src/base/index.ts';
import {
  CLASS_IN,
  encodeReply,
  isInside,
  type Query,
  RCODE,
  type ReplyBody,
  TYPE,
  UDP_BYTES_MAX,
  UDP_BYTES_MIN,
  wireName,
} from './message.ts';
import type { RecordData, Zone } from './zone.ts';

/** A zone whose records are bytes. */
export interface CompiledZone {
  /** The apex in wire form. */
  readonly origin: string;
  /** Whole records by wire name and type; each is owned by the name at offset 12, which is the question's. */
  readonly records: ReadonlyMap<string, ReadonlyMap<number, readonly Uint8Array[]>>;
  /** The SOA record after its owner. */
  readonly soa: Uint8Array;
  /** What ANY gets. */
  readonly anyAnswer: Uint8Array;
}

/** A record from its type on, without the owner before it. */
export type EncodeRecord = (data: RecordData) => Uint8Array;

/** Where the question's name stands in every message. */
const QUESTION_AT = 12;
const ONLY_FOR_TRANSFERS: ReadonlySet<number> = new Set([TYPE.AXFR, TYPE.IXFR]);

/** Encodes every record of a zone; the origin has been checked by `wireName`. */
export function compileZone(zone: Zone, encodeRecord: EncodeRecord): CompiledZone {
  const records = new Map<string, ReadonlyMap<number, readonly Uint8Array[]>>();
  let soa: Uint8Array | undefined;
  for (const [owner, list] of zone.records) {
    const byType = new Map<number, Uint8Array[]>();
    for (const data of list) {
      const encoded = encodeRecord(data);
      if (data.type === 'SOA') soa = encoded;
      const ofType = byType.get(TYPE[data.type]) ?? [];
      ofType.push(ownedBy(QUESTION_AT, encoded));
      byType.set(TYPE[data.type], ofType);
    }
    records.set(wireOf(owner), byType);
  }
  assert(soa, 'a zone has an SOA record');
  const anyAnswer = ownedBy(QUESTION_AT, encodeRecord({ type: 'HINFO', cpu: 'RFC8482' }));
  return { origin: wireOf(zone.origin), records, soa, anyAnswer };
}

/** The whole reply to a query, of at most `bytesMax`. */
export function answerQuery(zone: CompiledZone, query: Query, bytesMax: number): Uint8Array<ArrayBuffer> {
  return encodeReply(query, bodyFor(zone, query), bytesMax);
}

/** How many bytes of answer an asker over UDP gets. */
export function udpLimitOf(query: Query): number {
  return Math.min(query.edns?.udpBytes ?? UDP_BYTES_MIN, UDP_BYTES_MAX);
}

function bodyFor(zone: CompiledZone, query: Query): ReplyBody {
  if (query.edns && query.edns.version !== 0) return without(RCODE.badVers);
  const isOurs = query.class === CLASS_IN && isInside(query.name, zone.origin);
  if (!isOurs || ONLY_FOR_TRANSFERS.has(query.type)) return without(RCODE.refused);
  const node = zone.records.get(query.name);
  const answers = query.type === TYPE.ANY && node ? [zone.anyAnswer] : node?.get(query.type);
  if (answers) return { rcode: RCODE.noError, isAuthoritative: true, answers, authorities: [] };
  // The apex is the end of every name in the zone, so the SOA's owner can point into the question.
  const apexAt = QUESTION_AT + query.name.length - zone.origin.length;
  return {
    rcode: node ? RCODE.noError : RCODE.nxDomain,
    isAuthoritative: true,
    answers: [],
    authorities: [ownedBy(apexAt, zone.soa)],
  };
}

function without(rcode: number): ReplyBody {
  return { rcode, isAuthoritative: false, answers: [], authorities: [] };
}

function ownedBy(offset: number, record: Uint8Array): Uint8Array {
  return concatBytes([Uint8Array.of(0xc0 | (offset >>> 8), offset), record]);
}

function wireOf(name: string): string {
  const wire = wireName(name);
  assert(wire, 'every name of a zone fits the wire');
  return wire;
}
