// Spelling requests and reading answers, for the tests of this folder.
import assert from 'node:assert/strict';
import {
  type BencodeDict,
  decodeBencode,
  type InfoHash,
  type Instant,
  instant,
  isFault,
  latin1,
  seededRandom,
} from '../../src/base/index.ts';
import type { Ownership } from '../../src/ports/index.ts';
import { Registrar, Tracker, type TrackerOptions } from '../../tracker/index.ts';

export const HASH: Uint8Array = Uint8Array.from({ length: 20 }, (_, i) => (i * 37 + 5) & 255);

/** Nobody keeps copies, nobody has records, unless told otherwise. */
export function ownership(parts: Partial<Ownership>): Ownership {
  const ownerOf = parts.ownerOf ?? (() => 'self');
  const roleOf = (infoHash: InfoHash) => (ownerOf(infoHash) === 'self' ? 'owner' : undefined);
  return { ownerOf, roleOf, copiesOf: () => [], recordsOf: () => [], ...parts };
}

export const SELF: Ownership = ownership({});

/** Every byte percent-encoded. */
export function escaped(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
}

export function announceQuery(fields: Record<string, string | number> = {}, infoHash: Uint8Array = HASH): string {
  const all = { port: 6881, left: 1, compact: 1, ...fields };
  const rest = Object.entries(all).map(([key, value]) => `&${key}=${value}`);
  return `info_hash=${escaped(infoHash)}${rest.join('')}`;
}

export function newTracker(options: Partial<TrackerOptions> = {}): Tracker {
  return new Tracker(
    new Registrar({
      ownership: SELF,
      random: seededRandom(7),
      hashKey: { k0: 1, k1: 2 },
      swarmsMax: 1000,
      peersMax: 10_000,
      bytesPerSecond: 1_000_000_000,
      ...options,
    }),
  );
}

export function dictOf(body: Uint8Array): BencodeDict {
  const decoded = decodeBencode(body);
  assert.ok(!isFault(decoded) && decoded instanceof Map, `not a bencoded dictionary: ${latin1(body)}`);
  return decoded;
}

/** A text member, one character per byte. */
export function textOf(dict: BencodeDict, key: string): string | undefined {
  const value = dict.get(key);
  return value instanceof Uint8Array ? latin1(value) : undefined;
}

/** Compact IPv4 peers as `1.2.3.4:80`. */
export function peersOf(dict: BencodeDict): string[] {
  const bytes = dict.get('peers');
  assert.ok(bytes instanceof Uint8Array && bytes.length % 6 === 0);
  return Array.from({ length: bytes.length / 6 }, (_, i) => {
    const peer = bytes.subarray(i * 6, i * 6 + 6);
    return `${peer.subarray(0, 4).join('.')}:${(peer[4]! << 8) | peer[5]!}`;
  });
}

export const START: Instant = instant(0);
