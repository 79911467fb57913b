/**
 * One torrent as it is listed. The members are the JSON of `list --json` and of the page,
 * so they are stable.
 */
import type { InfoHash, NodeId, WallSeconds } from '../base/index.ts';
import type { Category } from './claims.ts';

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
