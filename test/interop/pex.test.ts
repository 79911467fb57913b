// Peer exchange (BEP 11) with libtorrent: whoever is told of one peer alone is led to the other.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { LISTEN_PORT } from './clients/client.ts';
import { libtorrent } from './clients/libtorrent.ts';
import { monsoonAlone, startMonsoon } from './clients/monsoon.ts';
import { makeContent, treeHash } from './content.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';
import { infoHashOf, makeTorrent } from './torrent-file.ts';

const SIZE = 8 * 2 ** 20;
/** So slow that what arrives within the test's time did not come through this one. */
const SLOW_BYTES_PER_SECOND = 10_000;
const FETCH_SECONDS_MAX = 90;

test('N-06 G-06 libtorrent leads us to a seed that no tracker named to us', async (t) => {
  if (!(await hasWhatItTakes(t, [libtorrent.requires]))) return;
  const bed = await TestBed.create(t);
  const supernode = await startMonsoon(await bed.place('supernode'), { role: 'supernode' });
  const content = await makeContent(await bed.directory('content'), 'a folder', SIZE, 7);
  const torrentFile = await makeTorrent(content, supernode.announceUrl, 18);
  const seeder = await bed.start(libtorrent);
  await seeder.seed(torrentFile, content.parent);
  const place = await bed.place('between');
  const between = await libtorrent.start(place, { downloadBytesPerSecond: SLOW_BYTES_PER_SECOND, sources: ['pex'] });
  await between.fetch(torrentFile, await bed.directory('between'));
  const node = await monsoonAlone.start(await bed.place('monsoon'));
  const into = await bed.directory('fetched');
  await node.fetch(
    `magnet:?xt=urn:btih:${await infoHashOf(torrentFile)}&x.pe=${place.host.address}:${LISTEN_PORT}`,
    into,
  );
  await node.waitComplete(FETCH_SECONDS_MAX);
  assert.deepEqual(await treeHash(join(into, content.name)), await treeHash(join(content.parent, content.name)));
});
