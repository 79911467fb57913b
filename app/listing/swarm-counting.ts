/**
 * What each supernode counted of each swarm lately, and what is shown of it: the store gets the middle of all that
 * keep a hash, not what one of them says.
 */
import { type InfoHash, type NodeId, type WallSeconds, wallSeconds } from '../../src/base/index.ts';
import type { HashCounts, ListingStore } from '../../src/io/index.ts';
import { type Counts, combineCounts, type Observation, withObservation } from '../../src/listing/index.ts';

/** How long what the store was told is not told again; as old it lets the time of a count get that stays the same. */
const TOLD_SECONDS = 300;
/** Swarms of which observations are kept; those not counted for longest leave first. */
const OBSERVED_MAX = 20_000;

interface Observed {
  readonly observations: readonly Observation[];
  /** What the store was told last, and when. */
  readonly told: Counts;
  readonly toldAt: WallSeconds;
}

export class SwarmCounting {
  readonly #store: Pick<ListingStore, 'setCounts'>;
  readonly #observed = new Map<InfoHash, Observed>();

  constructor(store: Pick<ListingStore, 'setCounts'>) {
    this.#store = store;
  }

  /** What each node counted of a swarm, the newest word first. */
  observationsOf(infoHash: InfoHash): readonly Observation[] {
    return this.#observed.get(infoHash)?.observations ?? [];
  }

  /** Notes what one node counted; what it does not know is no observation. */
  async note(source: NodeId, news: readonly (readonly [InfoHash, Counts])[], at: WallSeconds): Promise<void> {
    const shown: HashCounts[] = [];
    for (const [infoHash, counted] of news) {
      if (Object.values(counted).every((count) => count === undefined)) continue;
      const before = this.#observed.get(infoHash);
      const observations = withObservation(before?.observations ?? [], { ...counted, source, at });
      const counts = combineCounts(observations);
      const isTold = before && isSame(before.told, counts) && at - before.toldAt < TOLD_SECONDS;
      this.#observed.delete(infoHash);
      this.#observed.set(infoHash, { observations, told: counts, toldAt: isTold ? before.toldAt : at });
      if (!isTold) shown.push({ infoHash, ...counts });
    }
    while (this.#observed.size > OBSERVED_MAX) this.#observed.delete(this.#observed.keys().next().value!);
    if (shown.length > 0) await this.#store.setCounts(shown, source, at);
  }

  /** The store had to begin anew: it is told everything again. */
  tellAgain(): void {
    for (const [infoHash, observed] of this.#observed)
      this.#observed.set(infoHash, { ...observed, toldAt: wallSeconds(0) });
  }
}

function isSame(a: Counts, b: Counts): boolean {
  return a.seeders === b.seeders && a.leechers === b.leechers && a.completions === b.completions;
}
