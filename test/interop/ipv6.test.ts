// A network that has IPv6 and nothing else: announce, being found, magnets and transfers, with a stock client too.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { libtorrent } from './clients/libtorrent.ts';
import { startMonsoon } from './clients/monsoon.ts';
import { makeContent, treeHash } from './content.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';

const SIZE = 4 * 2 ** 20;
const FETCH_SECONDS_MAX = 60;

test('on IPv6 alone nodes join, share, list and fetch, and so does libtorrent', async (t) => {
  if (!(await hasWhatItTakes(t, []))) return;
  const bed = await TestBed.create(t, 'ipv6');
  const supernode = await startMonsoon(await bed.place('supernode'), { role: 'supernode', flags: ['--bind', '::'] });
  const sharer = await startMonsoon(await bed.place('sharer'), { bootstrap: [supernode.contact] });
  const content = await makeContent(await bed.directory('content'), 'a folder', SIZE, 6);
  const sent = join(content.parent, content.name);
  const shared = await sharer.share(sent);

  const leecher = await startMonsoon(await bed.place('leecher'), { bootstrap: [supernode.contact] });
  const into = await bed.directory('fetched');
  await leecher.fetch(shared.infoHash, into);
  assert.equal((await leecher.fetched(FETCH_SECONDS_MAX)).size, content.size);
  assert.deepEqual(await treeHash(join(into, content.name)), await treeHash(sent));

  const stock = await bed.start(libtorrent);
  const intoStock = await bed.directory('stock');
  await stock.fetch(shared.magnet, intoStock);
  await stock.waitComplete(FETCH_SECONDS_MAX);
  assert.deepEqual(await treeHash(join(intoStock, content.name)), await treeHash(sent));
  assert.equal((await sharer.status()).reachedFrom, 'lan');
});
