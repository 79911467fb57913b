/** What this node itself counts: rows of hashes that it owns show its own swarms, as they are now. */
import type { NodeId } from '../src/base/index.ts';
import type { ListingRow } from '../src/listing/index.ts';
import type { Ownership } from '../src/ports/index.ts';
import type { Tracker } from '../tracker/index.ts';

const NOBODY = { seeders: 0, leechers: 0, completions: 0 };

/** Puts our counts on listing rows. */
export class OwnCounts {
  readonly #tracker: Tracker;
  readonly #ownership: Ownership;
  readonly #nodeId: NodeId;

  constructor(tracker: Tracker, ownership: Ownership, nodeId: NodeId) {
    this.#tracker = tracker;
    this.#ownership = ownership;
    this.#nodeId = nodeId;
  }

  /** The rows, those of our own hashes with fresh counts; others unchanged. */
  applied(rows: readonly ListingRow[]): readonly ListingRow[] {
    return rows.map((row) => {
      if (this.#ownership.ownerOf(row.infoHash) !== 'self') return row;
      const { seeders, leechers, completions } = this.#tracker.counts(row.infoHash) ?? NOBODY;
      return { ...row, seeders, leechers, completions, countsFrom: this.#nodeId, countsAgeSeconds: 0 };
    });
  }
}
