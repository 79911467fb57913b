/** Rows of the listing as the store gives them. */
import { wallSeconds } from '../../src/base/index.ts';
import { CATEGORIES, type ListingRow } from '../../src/listing/index.ts';
import { infoHashOf, nodeIdOf } from '../listing/signer.ts';

/** A row of the listing; `i` varies every column. */
export function rowOf(i: number, changes: Partial<ListingRow> = {}): ListingRow {
  const now = Date.now() / 1000;
  return {
    infoHash: infoHashOf(i),
    name: `Torrent number ${i}`,
    size: 1000 * 3 ** (i % 22),
    files: 1 + ((i * 7) % 300),
    category: CATEGORIES[i % CATEGORIES.length]!,
    tags: i % 4 === 0 ? ['tv'] : [],
    description: '',
    publisher: nodeIdOf(i % 256),
    added: wallSeconds(now - 60 * 1.08 ** i),
    seeders: i % 5 === 3 ? null : (i * 37) % 900,
    leechers: i % 5 === 3 ? null : (i * 11) % 90,
    completions: i % 7 === 5 ? null : i * 131,
    countsFrom: i % 5 === 3 && i % 7 === 5 ? null : nodeIdOf(9),
    countsAgeSeconds: i % 5 === 3 && i % 7 === 5 ? null : 40,
    verified: i % 3 !== 0,
    ...changes,
  };
}
