/**
 * What the listing database takes and gives, and how its rows become that. Rows that do not hold what was stored are
 * reported as damage, never passed on.
 */
import { type InfoHash, isFault, type NodeId, nodeIdOfBytes, type WallSeconds, wallSeconds } from '../base/index.ts';
import { type Counts, type Entry, type ListingRow, openEntry } from '../listing/index.ts';

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

/** A row as SQLite gives it. */
export type Row = Record<string, unknown>;

/** What the functions below read of an entry. */
export const ENTRY_COLUMNS: string = `sealed, verified, seeders, leechers, completions, counted,
  (SELECT node FROM source WHERE source.id = entry.source) AS node`;
/** The entry of a row. Signature and clock were checked before the entry was stored. */
export function entryOfRow(row: Row): Entry {
  const entry = openEntry(row.sealed as Uint8Array, () => true, wallSeconds(Number.MAX_SAFE_INTEGER));
  if (isFault(entry)) throw new DamagedRow(`a stored entry does not open: ${entry}`);
  return entry;
}

/** The row as another node is told it. */
export function changeOf(row: Row): ListingChange {
  const counts: { -readonly [Name in keyof Counts]: Counts[Name] } = {};
  for (const name of ['seeders', 'leechers', 'completions'] as const) {
    if (row[name] !== null) counts[name] = Number(row[name]);
  }
  return {
    bytes: row.sealed as Uint8Array,
    isVerified: row.verified === 1,
    counts,
    countsFrom: row.node === null ? null : (nodeIdOfBytes(row.node as Uint8Array) ?? null),
    countsAt: row.counted === null ? null : wallSeconds(Number(row.counted)),
  };
}

/** The row as a person sees it. */
export function listingRowOf(row: Row, now: WallSeconds): ListingRow {
  const { infoHash, name, size, files, category, tags, description, publisher, published } = entryOfRow(row);
  const { isVerified, counts, countsFrom, countsAt } = changeOf(row);
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
    countsFrom,
    countsAgeSeconds: countsAt === null ? null : Math.max(0, now - countsAt),
    verified: isVerified,
  };
}
