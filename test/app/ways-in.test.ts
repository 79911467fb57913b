// How often the ways into a network are asked, whoever asks for it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WaysIn, type WaysInSettings } from '../../app/overlay/ways-in.ts';
import type { Source } from '../../app/sources/source.ts';
import { until } from '../io/loopback-node.ts';

/** Who knows nobody, has no neighbours and asks nothing but what a test adds. */
const ALONE = {
  config: { bootstrap: [], network: 'monsoon' },
  membership: { isAlone: true, sample: () => [], all: () => [] },
  host: { feed: () => {}, role: 'client', machine: { isSupernode: false } },
  memory: { noteHosts: () => {} },
  log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  saved: [],
  addresses: [],
} as unknown as WaysInSettings;

test('however often a round is asked for while one is under way, one follows, and no other loop begins', async (t) => {
  const ways = new WaysIn(ALONE);
  t.after(() => ways.close());
  const searches: PromiseWithResolvers<void>[] = [];
  const source: Source = {
    kind: 'dns',
    text: 'slow.example',
    isLasting: true,
    search: () => {
      const search = Promise.withResolvers<void>();
      searches.push(search);
      return search.promise;
    },
  };
  ways.add(source);
  void ways.start();
  for (let i = 0; i < 5; i++) ways.askAgain();
  await until('the first search', () => searches.length === 1);
  for (let i = 0; i < 5; i++) ways.askAgain();
  searches[0]!.resolve();
  await until('the round that was asked for', () => searches.length === 2);
  searches[1]!.resolve();
  // The next one of its own accord comes two seconds later: every loop there is takes its turn by then.
  await until('the round after it', () => searches.length === 3);
  const at = performance.now();
  searches[2]!.resolve();
  await until('the one after that', () => searches.length === 4);
  assert.ok(performance.now() - at > 1000);
});
