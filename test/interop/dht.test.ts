// The Mainline DHT (BEP 5) with libtorrent: by one node of ours, each finds the other's torrent without any tracker.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { libtorrent } from './clients/libtorrent.ts';
import { startMonsoon } from './clients/monsoon.ts';
import { makeContent, treeHash } from './content.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';
import { infoHashOf, makeTorrent } from './torrent-file.ts';

const SIZE = 2 ** 20;
const FETCH_SECONDS_MAX = 120;
/** Nobody listens there. */
const NO_TRACKER = 'http://127.0.0.1:9/announce';

test('G-01 with one DHT node of ours to start from, libtorrent and a node fetch magnets from each other', async (t) => {
  if (!(await hasWhatItTakes(t, [libtorrent.requires]))) return;
  const bed = await TestBed.create(t);
  const router = await startMonsoon(await bed.place('router'), { flags: ['--dht'] });
  const flags = ['--dht', '--dht-bootstrap', router.contact];
  const stockSettings = { sources: ['dht'], dhtBootstrap: router.contact } as const;
  const fetches = [1, 2].map(async (seed) => {
    const content = await makeContent(await bed.directory('content'), `folder ${seed}`, SIZE, seed);
    const torrentFile = await makeTorrent(content, NO_TRACKER, 16);
    const magnet = `magnet:?xt=urn:btih:${await infoHashOf(torrentFile)}`;
    const ours = await startMonsoon(await bed.place('monsoon'), { flags });
    const stock = await libtorrent.start(await bed.place('libtorrent'), stockSettings);
    const [seeder, leecher] = seed === 1 ? [ours, stock] : [stock, ours];
    await seeder.seed(torrentFile, content.parent);
    const into = await bed.directory('fetched');
    await leecher.fetch(magnet, into);
    await leecher.waitComplete(FETCH_SECONDS_MAX);
    assert.deepEqual(await treeHash(join(into, content.name)), await treeHash(join(content.parent, content.name)));
  });
  await Promise.all(fetches);
});
