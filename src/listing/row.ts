/**
 * One torrent as it is listed, and how to ask for rows. The members are the JSON of `list --json` and of the page,
 * so they are stable.
 */
import type { InfoHash, NodeId, WallSeconds } from '../base/index.ts';
import type { Category } from './claims.ts';

/** Most rows in one answer. */
export const LIST_LIMIT_MAX = 1000;
/** Rows in one answer when nothing else is asked for. */
export const LIST_LIMIT_DEFAULT = 100;
/** Most rows skipped. */
export const LIST_OFFSET_MAX = 1_000_000;

/** How many take part in a swarm; a member that nobody counted is absent, which is not 0. */
export interface Counts {
  readonly seeders?: number;
  readonly leechers?: number;
  readonly completions?: number;
}

/** One row of `list --json`. */
export interface ListingRow {
  readonly infoHash: InfoHash;
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly files: number;
  readonly category: Category;
  readonly tags: readonly string[];
  readonly description: string;
  readonly publisher: NodeId;
  readonly added: WallSeconds;
  /** null is unknown, which is not 0. */
  readonly seeders: number | null;
  readonly leechers: number | null;
  readonly completions: number | null;
  /** The node id of the supernode that counted; null when nobody did. */
  readonly countsFrom: NodeId | null;
  readonly countsAgeSeconds: number | null;
  /** True when name, size and files were checked against metadata whose hash is the row's. */
  readonly verified: boolean;
}

export const LISTING_SORTS = ['age', 'seeds', 'size', 'done', 'name'] as const;
/** Newest, most seeded, largest, most completed first; names from A. */
export type ListingSort = (typeof LISTING_SORTS)[number];

export interface ListingQuery {
  /** All categories when absent; no row has an unknown one. */
  readonly category?: string;
  /** Newest first when absent. */
  readonly sort?: ListingSort;
  /** At most LIST_LIMIT_MAX. */
  readonly limit?: number;
  /** At most LIST_OFFSET_MAX. */
  readonly offset?: number;
}
