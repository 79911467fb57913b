// The harness itself, without monsoon: stock clients find each other through opentracker and exchange the folder,
// each of them once as seeder and once as leecher. When this fails, look here first and not at monsoon.
// rtorrent never seeds to aria2 here: aria2 sends a second bitfield where that is shorter than the haves it replaces,
// and rtorrent closes the connection.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { aria2 } from './clients/aria2.ts';
import { libtorrent } from './clients/libtorrent.ts';
import { announceUrlOfOpentracker, startOpentracker } from './clients/opentracker.ts';
import { rtorrent } from './clients/rtorrent.ts';
import { transmission } from './clients/transmission.ts';
import { makeContent, treeHash, withoutEmptyFiles } from './content.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';
import { bareMagnet, infoHashOf, makeTorrent } from './torrent-file.ts';

const SIZE = 20 * 2 ** 20;
const FETCH_SECONDS_MAX = 90;
const RING = [libtorrent, aria2, rtorrent, transmission];

describe('without monsoon, through opentracker', { concurrency: RING.length }, () => {
  for (const [index, seederKind] of RING.entries()) {
    const leecherKind = RING[(index + 1) % RING.length]!;
    test(`${leecherKind.name} fetches from ${seederKind.name} by magnet`, async (t) => {
      if (!(await hasWhatItTakes(t, ['opentracker', seederKind.requires, leecherKind.requires]))) return;
      const bed = await TestBed.create(t);
      const place = await bed.place('opentracker');
      const announceUrl = announceUrlOfOpentracker(place);
      const content = await makeContent(await bed.directory('content'), 'a folder', SIZE, 1);
      const torrentFile = await makeTorrent(content, announceUrl, 18);
      const infoHash = await infoHashOf(torrentFile);
      await startOpentracker(place, [infoHash]);

      const seeder = await bed.start(seederKind);
      await seeder.seed(torrentFile, content.parent);
      const leecher = await bed.start(leecherKind);
      const into = await bed.directory('fetched');
      await leecher.fetch(bareMagnet(infoHash, announceUrl), into);
      await leecher.waitComplete(FETCH_SECONDS_MAX);
      const sent = await treeHash(join(content.parent, content.name));
      const expected = leecherKind.createsEmptyFiles ? sent : withoutEmptyFiles(sent);
      assert.deepEqual(await treeHash(join(into, content.name)), expected);
    });
  }
});
