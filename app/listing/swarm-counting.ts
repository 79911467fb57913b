/**
 * What each supernode counted of each swarm lately, and what is shown of it: the store gets the middle of all that
 * keep a hash, not what one of them says.
 */
import type { InfoHash, NodeId, WallSeconds } from '../../src/base/index.ts';
import type { HashCounts, ListingStore } from '../../src/io/index.ts';
import { type Counts, combineCounts, type Observation, withObservation } from '../../src/listing/index.ts';

/** Swarms of which observations are kept; those not counted for longest leave first. */
const OBSERVED_MAX = 20_000;

export class SwarmCounting {
  readonly #store: Pick<ListingStore, 'setCounts'>;
  readonly #observed = new Map<InfoHash, readonly Observation[]>();

  constructor(store: Pick<ListingStore, 'setCounts'>) {
    this.#store = store;
  }

  /** What each node counted of a swarm, the newest word first. */
  observationsOf(infoHash: InfoHash): readonly Observation[] {
    return this.#observed.get(infoHash) ?? [];
  }

  /** Notes what one node counted; what it does not know is no observation. */
  async note(source: NodeId, counts: readonly (readonly [InfoHash, Counts])[], at: WallSeconds): Promise<void> {
    const shown: HashCounts[] = [];
    for (const [infoHash, counted] of counts) {
      if (Object.values(counted).every((count) => count === undefined)) continue;
      const observations = withObservation(this.#observed.get(infoHash) ?? [], { ...counted, source, at });
      this.#observed.delete(infoHash);
      this.#observed.set(infoHash, observations);
      shown.push({ infoHash, ...combineCounts(observations) });
    }
    while (this.#observed.size > OBSERVED_MAX) this.#observed.delete(this.#observed.keys().next().value!);
    if (shown.length > 0) await this.#store.setCounts(shown, source, at);
  }
}
