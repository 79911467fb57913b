/**
 * What the listing database takes and gives, and how its rows become that. A sealed entry is stored as its signature
 * and the columns that its bytes follow from; rows that do not hold what was stored are reported as damage.
 */
import {
  equalBytes,
  type InfoHash,
  infoHashBytes,
  infoHashOfBytes,
  type NodeId,
  nodeIdOfBytes,
  type WallSeconds,
  wallSeconds,
} from '../base/index.ts';
import {
  CATEGORIES,
  type Counts,
  type Entry,
  type ListingRow,
  type RowFigures,
  sealEntry,
  worthOf,
} from '../listing/index.ts';
import type { RowTexts } from './listing-index.ts';
import type { Row } from './sql.ts';

/** An entry that was opened, as the store takes it. */
export interface StoredItem {
  readonly entry: Entry;
  /** The sealed bytes that `entry` was opened from. */
  readonly bytes: Uint8Array;
  /** True when it was checked against metadata. */
  readonly isVerified: boolean;
  /** True for entries that are never evicted: our own, and those of torrents we hold. */
  readonly isPinned: boolean;
}

export interface HashCounts extends Counts {
  readonly infoHash: InfoHash;
}

/** What was counted of a row, null where nothing was, and when. */
export interface CountedColumns {
  readonly seeders: number | null;
  readonly leechers: number | null;
  readonly completions: number | null;
  readonly counted: WallSeconds;
}

/** One changed entry, tombstones included. */
export interface ListingChange {
  readonly bytes: Uint8Array;
  readonly isVerified: boolean;
  readonly counts: Counts;
  readonly countsFrom: NodeId | null;
  readonly countsAt: WallSeconds | null;
}
export interface ListingChanges {
  /** For the next call; opaque. */
  readonly cursor: string;
  readonly more: boolean;
  readonly items: readonly ListingChange[];
}

/** Stored bytes are not what was stored: handled like SQLite's own reports of corruption. */
export class DamagedRow extends Error {}

/** What the functions below read of an entry. */
export const ENTRY_COLUMNS: string = `entry.id, start, rest, flags, published, sequence, size, files, name, claims, sealed,
  seeders, leechers, completions, counted, entry.publisher, publisher.node AS publisherNode,
  (SELECT node FROM source WHERE source.id = entry.source) AS sourceNode`;
export const ENTRY_TABLES = 'entry JOIN publisher ON publisher.id = entry.publisher';

/** Bits of the column `flags`; the lowest three are the category. */
export const FLAG = { category: 7, verified: 8, pinned: 16, shown: 32, withdrawn: 64 } as const;

const SIGNATURE_BYTES = 64;
/** The start of a hash is a number of 48 bits, which an index holds in less than half the bytes. */
const START_BYTES = 6;
const TAGS_END = '\n';

export function startOfHash(hash: Uint8Array): number {
  let start = 0;
  for (let i = 0; i < START_BYTES; i++) start = start * 256 + hash[i]!;
  return start;
}

export function restOfHash(hash: Uint8Array): Uint8Array {
  return hash.subarray(START_BYTES);
}

export function hashOfRow(row: Row): Uint8Array {
  const hash = new Uint8Array(20);
  let start = Number(row.start);
  for (let i = START_BYTES - 1; i >= 0; i--) {
    hash[i] = start % 256;
    start = Math.floor(start / 256);
  }
  const rest = row.rest as Uint8Array;
  if (rest.length !== hash.length - START_BYTES) throw new DamagedRow('a stored entry has no whole hash');
  hash.set(rest, START_BYTES);
  return hash;
}

/** Values of the columns that follow from an entry. */
export function columnsOfEntry({
  entry,
  bytes,
}: Pick<StoredItem, 'entry' | 'bytes'>): (number | string | Uint8Array)[] {
  const hash = infoHashBytes(entry.infoHash);
  const { published, size, files, name } = entry;
  const claims = entry.tags.join(' ') + TAGS_END + entry.description;
  const signature = bytes.subarray(0, SIGNATURE_BYTES);
  // Entries of later versions, and of publishers that clean texts otherwise, are kept whole.
  const sealed = equalBytes(
    sealEntry(entry, () => signature),
    bytes,
  )
    ? signature
    : bytes;
  return [
    startOfHash(hash),
    restOfHash(hash),
    published,
    entry.sequence - published,
    size,
    files,
    name,
    claims,
    sealed,
  ];
}

export function flagsOf({ entry, isVerified, isPinned }: Omit<StoredItem, 'bytes'>): number {
  return (
    CATEGORIES.indexOf(entry.category) |
    (isVerified ? FLAG.verified : 0) |
    (isPinned ? FLAG.pinned : 0) |
    (entry.isWithdrawn ? FLAG.withdrawn : 0)
  );
}

/** The entry of a row. Signature and clock were checked before the entry was stored. */
export function entryOfRow(row: Row): Entry {
  const flags = Number(row.flags);
  const publisher = nodeIdOfBytes(row.publisherNode as Uint8Array);
  const infoHash = infoHashOfBytes(hashOfRow(row));
  const category = CATEGORIES[flags & FLAG.category];
  if (!publisher || !infoHash || !category) throw new DamagedRow('a stored entry is not whole');
  const published = wallSeconds(Number(row.published));
  const { name, tags, description } = textsOfRow(row);
  return {
    infoHash,
    name,
    size: Number(row.size),
    files: Number(row.files),
    category,
    tags,
    description,
    publisher,
    sequence: published + Number(row.sequence),
    published,
    isWithdrawn: (flags & FLAG.withdrawn) !== 0,
  };
}

export function textsOfRow(row: Row): RowTexts {
  const claims = String(row.claims);
  const end = claims.indexOf(TAGS_END);
  return {
    name: String(row.name),
    tags: end > 0 ? claims.slice(0, end).split(' ') : [],
    description: claims.slice(end + 1),
  };
}

/** The bytes that a row's entry was opened from. */
export function sealedOfRow(row: Row, entry: Entry): Uint8Array {
  const sealed = row.sealed as Uint8Array;
  return sealed.length === SIGNATURE_BYTES ? sealEntry(entry, () => sealed) : sealed;
}

/** Counts of a row, unknown ones absent. */
export function countsOfRow(row: Row): Counts {
  const counts: { -readonly [Name in keyof Counts]: Counts[Name] } = {};
  for (const name of ['seeders', 'leechers', 'completions'] as const) {
    if (row[name] !== null) counts[name] = Number(row[name]);
  }
  return counts;
}

/** The row as another node is told it. */
export function changeOf(row: Row): ListingChange {
  return {
    bytes: sealedOfRow(row, entryOfRow(row)),
    isVerified: (Number(row.flags) & FLAG.verified) !== 0,
    counts: countsOfRow(row),
    countsFrom: row.sourceNode === null ? null : (nodeIdOfBytes(row.sourceNode as Uint8Array) ?? null),
    countsAt: row.counted === null ? null : wallSeconds(Number(row.counted)),
  };
}

/** The row as a person sees it. */
export function listingRowOf(row: Row, now: WallSeconds): ListingRow {
  const { infoHash, name, size, files, category, tags, description, publisher, published } = entryOfRow(row);
  const counts = countsOfRow(row);
  return {
    infoHash,
    name,
    size,
    files,
    category,
    tags,
    description,
    publisher,
    added: published,
    seeders: counts.seeders ?? null,
    leechers: counts.leechers ?? null,
    completions: counts.completions ?? null,
    countsFrom: row.sourceNode === null ? null : (nodeIdOfBytes(row.sourceNode as Uint8Array) ?? null),
    countsAgeSeconds: row.counted === null ? null : Math.max(0, now - Number(row.counted)),
    verified: (Number(row.flags) & FLAG.verified) !== 0,
  };
}

/** What a row is filtered and ordered by. */
export function figuresOf(row: Row): RowFigures {
  const flags = Number(row.flags);
  const counts = countsOfRow(row);
  const isVerified = (flags & FLAG.verified) !== 0;
  const isAlive = (counts.seeders ?? 0) > 0;
  const published = Number(row.published);
  const aliveAt = isAlive ? Number(row.counted) : undefined;
  return {
    category: flags & FLAG.category,
    isVerified,
    isPinned: (flags & FLAG.pinned) !== 0,
    published,
    size: Number(row.size),
    files: Number(row.files),
    name: String(row.name),
    hashStart: Math.floor(Number(row.start) / 2 ** 16),
    publisher: Number(row.publisher),
    worth: worthOf({ published, aliveAt, seeders: counts.seeders, isVerified }),
    seeders: counts.seeders,
    leechers: counts.leechers,
    completions: counts.completions,
  };
}

/** The same of an entry that nobody has counted. */
export function figuresOfEntry(item: StoredItem, publisher: number): RowFigures {
  const { infoHash, published, size, files, name } = item.entry;
  const uncounted = { seeders: null, leechers: null, completions: null };
  const start = startOfHash(infoHashBytes(infoHash));
  return figuresOf({ ...uncounted, flags: flagsOf(item), start, publisher, published, size, files, name });
}
