/**
 * What a supernode counts of the swarms it keeps: the answer of GET /counts?hashes=HEX,HEX…, 12 bytes for each hash in
 * the order asked: seeders, leechers and completions, 4 bytes each, the highest first; 0xffffffff is unknown.
 */
import { type Fault, type InfoHash, parseInfoHash, publicFault } from '../base/index.ts';
import type { Counts } from './row.ts';

/** Hashes in one question. */
export const COUNTED_HASHES_MAX = 70;
const UNKNOWN = 0xffffffff;
const COUNTS_BYTES = 12;

export type CountsFault = Fault<'counts-malformed'>;

/** The hashes of a question. */
export function parseCountedHashes(text: string): InfoHash[] | CountsFault {
  const hashes = text.split(',', COUNTED_HASHES_MAX + 1).map((hash) => parseInfoHash(hash));
  if (hashes.length > COUNTED_HASHES_MAX || !hashes.every((hash) => hash !== undefined)) {
    return publicFault(
      'counts-malformed',
      `hashes are 1 to ${COUNTED_HASHES_MAX} info hashes with commas between them`,
    );
  }
  return hashes;
}

/** @param counts in the order of the question; undefined where nothing is kept */
export function encodeCounts(counts: readonly (Counts | undefined)[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(counts.length * COUNTS_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [i, of] of counts.entries()) {
    for (const [j, count] of [of?.seeders, of?.leechers, of?.completions].entries()) {
      view.setUint32(i * COUNTS_BYTES + j * 4, count === undefined ? UNKNOWN : Math.min(count, UNKNOWN - 1));
    }
  }
  return bytes;
}

/** What was counted of each hash that was asked for; hashes of which nothing is known are left out. */
export function parseCounts(
  bytes: Uint8Array,
  hashes: readonly InfoHash[],
): (readonly [InfoHash, Counts])[] | CountsFault {
  if (bytes.length !== hashes.length * COUNTS_BYTES) {
    return publicFault(
      'counts-malformed',
      `${hashes.length} hashes have ${hashes.length * COUNTS_BYTES} bytes of counts`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return hashes.flatMap((infoHash, i) => {
    const counts: { -readonly [Name in keyof Counts]: Counts[Name] } = {};
    for (const [j, name] of (['seeders', 'leechers', 'completions'] as const).entries()) {
      const count = view.getUint32(i * COUNTS_BYTES + j * 4);
      if (count !== UNKNOWN) counts[name] = count;
    }
    return Object.keys(counts).length > 0 ? [[infoHash, counts] as const] : [];
  });
}
