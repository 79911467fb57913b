// The listing of a network converges: every node gets every entry, whoever serves meanwhile. The size that was promised,
// 200 supernodes and 100,000 entries, takes minutes: `npm run sim -- --listing` (docs/BENCH.md has its figures).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { infoHashOfBytes, isFault, randomBelow, seededRandom } from '../../src/base/index.ts';
import { openListingStore } from '../../src/io/index.ts';
import { openEntry } from '../../src/listing/index.ts';
import { NOW, storedItem } from '../listing/signer.ts';
import { SEED } from '../seed.ts';
import { hashOfStart, hashStarts, ListingLog } from './listing-log.ts';
import { type ListingPlan, runListing } from './listing-run.ts';

const PLAN: ListingPlan = {
  ...{ seed: SEED % 100_000, supernodes: 30, readers: 10, entries: 3000, churn: 0.2, late: 0.1, seconds: 3600 },
  budget: { bytesPerSecond: 20_000, workShare: 0.25 },
};

/** What once broke: a replica that became owner was passed over; all keepers of an arc were new to it. */
for (const seed of [27_882, 27_908]) {
  test(`the network of seed ${seed} converges`, () => {
    assert.deepEqual(runListing({ ...PLAN, seed }).broken, []);
  });
}

test('N-15 M-02 every node gets every entry, while supernodes go and come and entries are published, within its bytes', () => {
  const figures = runListing(PLAN);
  console.log(JSON.stringify(figures));
  assert.deepEqual(figures.broken, [], `seed ${PLAN.seed}`);
  const [, readers] = figures.readersSeconds;
  const [, supernodes] = figures.supernodesSeconds;
  // Each supernode is asked again every 90 s, and has been asked by then for what the newest one had to learn itself.
  assert.ok(readers! <= figures.quietAfterSeconds + 400, `readers after ${readers} s`);
  assert.ok(supernodes! <= figures.quietAfterSeconds + 400, `supernodes after ${supernodes} s`);
  assert.ok(figures.bytesPerSecondMax <= PLAN.budget.bytesPerSecond);
});

test('in a quiet network each entry is carried to a reader once', () => {
  const figures = runListing({ ...PLAN, churn: 0, late: 0 });
  assert.deepEqual(figures.broken, []);
  assert.ok(figures.readersSeconds[1]! <= 120, `${figures.readersSeconds[1]} s`);
});

test('the log of a simulated node is told as the store tells it', async (t) => {
  for (let seed = SEED; seed < SEED + 4; seed++) {
    const random = seededRandom(seed);
    const starts = hashStarts(300, random);
    const log = new ListingLog(starts.length);
    const store = await openListingStore(':memory:', { rowsMax: 1000, warn: assert.fail });
    t.after(() => store.close());
    const infoHashOf = (entry: number) => infoHashOfBytes(Uint8Array.fromHex(hashOfStart(starts[entry]!)))!;
    const entryOf = new Map(starts.keys().map((entry) => [infoHashOf(entry), entry]));
    const arc = { from: '2'.padEnd(40, '0'), to: 'b'.padEnd(40, '0') };
    const isWithin = (entry: number): boolean => infoHashOf(entry) > arc.from && infoHashOf(entry) <= arc.to;
    let [cursor, place] = ['', 0];
    for (let step = 0; step < 40; step++) {
      for (let i = 0; i < 20; i++) {
        const entry = randomBelow(random, starts.length);
        log.put(entry);
        await store.put([storedItem({ infoHash: infoHashOf(entry), name: `row ${entry}` })]);
      }
      if (random() < 0.2) {
        await store.touch(arc);
        // The store touches in the order of hashes; what counts is which are told again.
        for (const entry of starts.keys()) if (isWithin(entry)) log.touch(entry);
      }
      const arcs = random() < 0.5 ? [arc] : undefined;
      const limit = 1000;
      const page = await store.changesSince(cursor, limit, arcs);
      const logged = log.since(place, limit, arcs && Uint8Array.from(starts, (_, entry) => (isWithin(entry) ? 1 : 0)));
      const told = page.items.map(({ bytes }) => {
        const entry = openEntry(bytes, () => true, NOW);
        assert.ok(!isFault(entry));
        return entryOf.get(entry.infoHash)!;
      });
      assert.deepEqual(
        told.toSorted((a, b) => a - b),
        [...logged.entries].toSorted((a, b) => a - b),
      );
      assert.equal(page.more, logged.more, `MONSOON_FUZZ_SEED=${seed}`);
      [cursor, place] = [page.cursor, logged.cursor];
    }
  }
});
