// What the listing of an idle node does not do again and again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MetadataFill, type MetadataFillSettings } from '../../app/listing/metadata-fill.ts';
import { SwarmCounting } from '../../app/listing/swarm-counting.ts';
import { type InfoHash, wallSeconds } from '../../src/base/index.ts';
import type { HashCounts } from '../../src/io/index.ts';
import { infoHashOf, NOW, nodeIdOf } from '../listing/signer.ts';

test('the store is told a count once in five minutes, and at once what differs', async () => {
  const told: (readonly HashCounts[])[] = [];
  const counting = new SwarmCounting({ setCounts: async (counts) => void told.push(counts) });
  const note = (seeders: number, seconds: number): Promise<void> =>
    counting.note(nodeIdOf(1), [[infoHashOf(1), { seeders }]], wallSeconds(NOW + seconds));
  await note(1, 0);
  await note(1, 5);
  await note(1, 299);
  assert.equal(told.length, 1);
  await note(2, 299);
  await note(2, 400);
  assert.deepEqual(told.slice(1), [[{ infoHash: infoHashOf(1), seeders: 2 }]]);
  await note(2, 600);
  assert.equal(told.length, 3);
  counting.tellAgain();
  await note(2, 601);
  assert.equal(told.length, 4, 'a store that began anew knows nothing');
  assert.equal(counting.observationsOf(infoHashOf(1))[0]?.at, NOW + 601);
});

/** A supernode with two pages of entries, some of which lack their metadata. */
function fillOf(missing: Set<InfoHash>, isAlone = false) {
  let looks = 0;
  const settings = {
    store: {
      infosMissing: async (cursor: string) => {
        looks++;
        return cursor === '' ? { cursor: '1', hashes: [...missing] } : { cursor: '', hashes: [] };
      },
    },
    membership: { isAlone, ownArcs: () => [{}], ownership: { roleOf: () => 'owner' }, ownersOf: () => [] },
    http: {},
  };
  const fill = new MetadataFill(settings as unknown as MetadataFillSettings);
  const rounds = async (count: number): Promise<number> => {
    looks = 0;
    for (let i = 0; i < count; i++) await fill.round(AbortSignal.timeout(60_000));
    return looks;
  };
  return { fill, rounds };
}

test('a supernode that has all metadata looks through its entries once, and again when something changed', async () => {
  const { fill, rounds } = fillOf(new Set());
  assert.equal(await rounds(10), 2);
  fill.reconsider();
  assert.equal(await rounds(1), 1);
  // What changes while it looks may be behind it.
  fill.reconsider();
  assert.equal(await rounds(10), 3);
});

test('it goes on as long as some is missing, unless nobody else is there to have it', async () => {
  const missing = new Set([infoHashOf(1)]);
  const { rounds } = fillOf(missing);
  assert.equal(await rounds(10), 10);
  missing.clear();
  assert.equal(await rounds(10), 2);
  assert.equal(await fillOf(new Set([infoHashOf(1)]), true).rounds(10), 0);
});
