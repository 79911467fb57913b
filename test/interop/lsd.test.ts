// Local discovery (BEP 14) on a network of hosts where nobody has a tracker: who calls, and who hears it.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { libtorrent } from './clients/libtorrent.ts';
import { startMonsoon } from './clients/monsoon.ts';
import { makeContent, treeHash } from './content.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';
import { makeTorrent } from './torrent-file.ts';

const SIZE = 2 ** 20;
const FETCH_SECONDS_MAX = 60;
/** Nobody listens there. */
const NO_TRACKER = 'http://127.0.0.1:9/announce';

for (const kind of ['private', 'ipv6'] as const) {
  const where = kind === 'ipv6' ? 'on IPv6 alone' : 'on IPv4';
  test(`without any tracker, a node and libtorrent find the seed of another node on their network, ${where}`, async (t) => {
    if (!(await hasWhatItTakes(t, [libtorrent.requires]))) return;
    const bed = await TestBed.create(t, kind);
    const content = await makeContent(await bed.directory('content'), 'a folder', SIZE, 8);
    const torrentFile = await makeTorrent(content, NO_TRACKER, 16);
    const sent = await treeHash(join(content.parent, content.name));
    const node = await startMonsoon(await bed.place('monsoon'), { flags: ['--lsd'] });
    const stock = await libtorrent.start(await bed.place('libtorrent'), { sources: ['lsd'] });
    const [ours, theirs] = [await bed.directory('ours'), await bed.directory('theirs')];
    await node.fetch(torrentFile, ours);
    await stock.fetch(torrentFile, theirs);
    // It comes last and calls at once: both hear it, and nobody has to wait for the next call of another.
    const seeder = await startMonsoon(await bed.place('seeder'), { flags: ['--lsd'] });
    await seeder.seed(torrentFile, content.parent);
    await Promise.all([node.waitComplete(FETCH_SECONDS_MAX), stock.waitComplete(FETCH_SECONDS_MAX)]);
    assert.deepEqual(await treeHash(join(ours, content.name)), sent);
    assert.deepEqual(await treeHash(join(theirs, content.name)), sent);
  });
}
