// What the listing's parts do while the disk takes nothing: all of it goes on by itself once it does.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Filter } from '../../app/listing/filter.ts';
import { ListingSync, type ListingSyncSettings } from '../../app/listing/listing-sync.ts';
import { MonsoonError } from '../../src/base/index.ts';
import { wallNow } from '../../src/io/alarm-clock.ts';
import type { ListingStore } from '../../src/io/index.ts';
import { encodeListingPage, sealEntry } from '../../src/listing/index.ts';
import { until } from '../interop/until.ts';
import { entryOf, infoHashOf, newSigner, nodeIdOf } from '../listing/signer.ts';
import { SILENT_LOG } from './place.ts';

const SUPERNODES = [1, 2, 3, 4, 5].map(nodeIdOf);
const FULL = new MonsoonError('disk', 'the disk is full');

test('a node whose disk was full for every supernode it asked asks them again', async (t) => {
  const signer = newSigner();
  const entry = entryOf(signer, { infoHash: infoHashOf(1), published: wallNow() });
  const items = [{ entry: sealEntry(entry, signer.sign), counts: {}, isVerified: false }];
  let isFull = true;
  let refused = 0;
  let stored = 0;
  const put: ListingStore['put'] = async ({ length }) => {
    if (isFull) {
      refused++;
      throw FULL;
    }
    stored += length;
    return length;
  };
  const sync = new ListingSync({
    network: 'test',
    nodeId: nodeIdOf(9),
    store: { put, list: async () => ({ rows: [], total: 0 }), setCounts: async () => {} } as unknown as ListingStore,
    membership: {
      ownArcs: () => [],
      keptArcs: () => [],
      others: () => SUPERNODES.map((nodeId) => ({ nodeId })),
      originOf: (nodeId: string) => `http://${nodeId}`,
      isKeptBy: () => false,
      noteSilent: () => {},
    } as unknown as ListingSyncSettings['membership'],
    http: {
      request: async ({ origin }: { origin: string }) => {
        const source = SUPERNODES.find((nodeId) => origin.endsWith(nodeId))!;
        return {
          status: 200,
          headers: {},
          body: encodeListingPage({ cursor: 'a.1', more: false, network: 'test', source, items }),
        };
      },
    } as unknown as ListingSyncSettings['http'],
    log: SILENT_LOG,
    budget: { bytesPerSecond: 1e6, workShare: 0.5 },
    counted: () => undefined,
  });
  t.after(() => sync.close());
  sync.start();
  await until('every supernode to be asked', 20, async () => refused > SUPERNODES.length || undefined);
  isFull = false;
  await until('an entry to be stored', 40, async () => stored > 0 || undefined);
});

test('a filter that the store did not hear of is told again', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'monsoon-filter-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const told: string[] = [];
  let isFull = false;
  const deny = async (rules: string): Promise<void> => {
    if (isFull) throw FULL;
    told.push(rules);
  };
  const filter = await Filter.open(join(folder, 'filter.txt'), {
    store: { deny },
    nodeId: nodeIdOf(1),
    log: SILENT_LOG,
  });
  isFull = true;
  await assert.rejects(filter.change({ add: ['name:evil'] }), FULL);
  assert.ok(filter.denies({ infoHash: infoHashOf(1), name: 'evil twin' }), 'it counts here at once');
  isFull = false;
  await filter.change({ add: ['name:evil'] });
  assert.deepEqual(told, ['name:evil']);
});
