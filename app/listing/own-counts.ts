/** What this node itself counts: rows of hashes that it owns show its own swarms, as they are now. */
import type { InfoHash, NodeId } from '../../src/base/index.ts';
import type { Counts, ListingRow } from '../../src/listing/index.ts';
import type { Ownership } from '../../src/ports/index.ts';
import type { Tracker } from '../../tracker/index.ts';
import type { CountClass } from '../running-node.ts';

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

  /** What this node counts of a hash that it owns or keeps a copy of; undefined of others, which it does not know. */
  counted(infoHash: InfoHash): Counts | undefined {
    if (this.#ownership.roleOf(infoHash) === undefined) return undefined;
    return this.#tracker.fairCounts(infoHash) ?? NOBODY;
  }

  /**
   * What a count of a node is worth to this one: `tracked` here, by announces to the owner, whose senders' addresses a TCP
   * connection or a connection id of UDP proved; or `claimed` by another supernode, and by copies of what that one tracks.
   */
  classOf(infoHash: InfoHash, source: NodeId): CountClass {
    return source === this.#nodeId && this.#ownership.ownerOf(infoHash) === 'self' ? 'tracked' : 'claimed';
  }

  /** The rows, those of our own hashes with fresh counts; others unchanged. */
  applied(rows: readonly ListingRow[]): readonly ListingRow[] {
    return rows.map((row) => {
      if (this.#ownership.ownerOf(row.infoHash) !== 'self') return row;
      const { seeders, leechers, completions } = this.#tracker.fairCounts(row.infoHash) ?? NOBODY;
      return { ...row, seeders, leechers, completions, countsFrom: this.#nodeId, countsAgeSeconds: 0 };
    });
  }
}
