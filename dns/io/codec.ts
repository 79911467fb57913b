/**
 * Records as bytes, by dns2, which is imported here alone and only encodes what we made ourselves. Each record is
 * encoded by itself: within a whole message dns2 compresses SRV targets, which RFC 2782 forbids and resolvers
 * refuse, and takes quadratic time.
 */
import { Packet } from 'dns2';
import { CLASS_IN, type RecordData, TYPE } from '../index.ts';

/** What the root name, under which dns2 is asked to encode, takes at the start. */
const ROOT_BYTES = 1;
/** Bytes of one character string of a TXT record. */
const STRING_BYTES_MAX = 255;

/** A record from its type on, for any owner to be put before it. */
export function encodeRecord(data: RecordData, ttlSeconds: number): Uint8Array {
  const resource = new Packet.Resource('', TYPE[data.type], CLASS_IN, ttlSeconds);
  return Packet.Resource.encode(Object.assign(resource, membersOf(data))).subarray(ROOT_BYTES);
}

/** The members that dns2 reads for each type. */
function membersOf(data: RecordData): object {
  switch (data.type) {
    case 'A':
    case 'AAAA':
      return { address: data.address };
    case 'NS':
      return { ns: data.target };
    case 'SRV':
      return { priority: 0, weight: 1, port: data.port, target: data.target };
    case 'TXT':
      return { data: stringsOf(data.text) };
    case 'HINFO':
      // dns2 knows no HINFO and passes raw data on: two strings, the second empty.
      return { data: Buffer.concat([Buffer.of(data.cpu.length), Buffer.from(data.cpu), Buffer.of(0)]) };
    case 'SOA':
      return {
        primary: data.primary,
        admin: data.admin,
        serial: data.serial,
        refresh: data.refreshSeconds,
        retry: data.retrySeconds,
        expiration: data.expireSeconds,
        minimum: data.minimumSeconds,
      };
  }
}

/** A text in character strings, which readers join again. */
function stringsOf(text: string): Buffer[] {
  const bytes = Buffer.from(text, 'latin1');
  const count = Math.max(1, Math.ceil(bytes.length / STRING_BYTES_MAX));
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * STRING_BYTES_MAX, (i + 1) * STRING_BYTES_MAX));
}
