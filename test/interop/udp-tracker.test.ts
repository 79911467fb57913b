// BEP 15 against the programs of others: opentracker answers us, and our supernode answers stock clients.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { libtorrent } from './clients/libtorrent.ts';
import { monsoonAlone, startMonsoon } from './clients/monsoon.ts';
import { startOpentracker, udpUrlOfOpentracker } from './clients/opentracker.ts';
import { rtorrent } from './clients/rtorrent.ts';
import { transmission } from './clients/transmission.ts';
import { makeContent, treeHash, withoutEmptyFiles } from './content.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';
import { infoHashOf, makeTorrent } from './torrent-file.ts';

const SIZE = 4 * 2 ** 20;
const FETCH_SECONDS_MAX = 60;

test('two of our nodes find each other by opentracker over UDP alone', async (t) => {
  if (!(await hasWhatItTakes(t, ['opentracker']))) return;
  const bed = await TestBed.create(t);
  const content = await makeContent(await bed.directory('content'), 'a folder', SIZE, 5);
  const place = await bed.place('opentracker');
  const torrentFile = await makeTorrent(content, udpUrlOfOpentracker(place), 16);
  await startOpentracker(place, [await infoHashOf(torrentFile)]);
  const seeder = await bed.start(monsoonAlone);
  await seeder.seed(torrentFile, content.parent);
  const leecher = await monsoonAlone.start(await bed.place('monsoon'));
  const into = await bed.directory('fetched');
  await leecher.fetch(torrentFile, into);
  assert.equal((await leecher.fetched(FETCH_SECONDS_MAX)).size, content.size);
  assert.deepEqual(await treeHash(join(into, content.name)), await treeHash(join(content.parent, content.name)));
});

test('G-01 stock clients find each other and us by udp:// of our supernode', async (t) => {
  if (!(await hasWhatItTakes(t, [transmission.requires, rtorrent.requires, libtorrent.requires]))) return;
  const bed = await TestBed.create(t);
  const supernode = await startMonsoon(await bed.place('supernode'), { role: 'supernode' });
  const content = await makeContent(await bed.directory('content'), 'a folder', SIZE, 6);
  const torrentFile = await makeTorrent(content, `udp://${supernode.contact}/announce`, 16);
  const sent = withoutEmptyFiles(await treeHash(join(content.parent, content.name)));
  const seeder = await bed.start(libtorrent);
  await seeder.seed(torrentFile, content.parent);
  await Promise.all(
    [transmission, rtorrent, monsoonAlone].map(async (kind) => {
      const leecher = await bed.start(kind);
      const into = await bed.directory(kind.name);
      await leecher.fetch(torrentFile, into);
      await leecher.waitComplete(FETCH_SECONDS_MAX);
      assert.deepEqual(withoutEmptyFiles(await treeHash(join(into, content.name))), sent, kind.name);
    }),
  );
});
