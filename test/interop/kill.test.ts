// kill -9 in the middle of a download, ten times or MONSOON_DOWNLOAD_KILLS: it goes on by itself, the result is right, and
// little is fetched twice. What was sent is counted by the seeder, which is not ours: libtorrent. The node asks for so
// little at a time that nothing worth counting is on its way when it dies, but what it has of the piece that it is at.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { libtorrent } from './clients/libtorrent.ts';
import { startMonsoon } from './clients/monsoon.ts';
import { makeContent, treeHash } from './content.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';
import { makeTorrent } from './torrent-file.ts';
import { until } from './until.ts';

const SIZE = 256 * 2 ** 20;
const PIECE_LENGTH_LOG2 = 20;
const KILLS = Number(process.env.MONSOON_DOWNLOAD_KILLS ?? 10);
const REFETCHED_PIECES_PER_KILL_MAX = 2;
const BYTES_PER_SECOND = 12 * 2 ** 20;
const STEP_SECONDS_MAX = 60;

test(`W-08 G-17 a download killed ${KILLS} times ends identical with at most 2 pieces refetched per kill`, async (t) => {
  if (!(await hasWhatItTakes(t, []))) return;
  const bed = await TestBed.create(t);
  const supernode = await startMonsoon(await bed.place('supernode'), { role: 'supernode' });
  const content = await makeContent(await bed.directory('content'), 'a folder', SIZE, 3);
  const torrentFile = await makeTorrent(content, supernode.announceUrl, PIECE_LENGTH_LOG2);
  const seeder = await libtorrent.start(await bed.place('libtorrent'));
  await seeder.seed(torrentFile, content.parent);

  const place = await bed.place('monsoon');
  const into = await bed.directory('fetched');
  const flags = ['--down-limit', `${BYTES_PER_SECOND}`];
  const start = () => startMonsoon(place, { bootstrap: [supernode.contact], flags });
  let node = await start();
  await node.fetch(torrentFile, into);
  for (let kill = 1; kill <= KILLS; kill++) {
    const enough = (content.size * kill) / (KILLS + 2);
    await until(
      `${Math.round(enough)} bytes before kill ${kill}`,
      STEP_SECONDS_MAX,
      async () => {
        const { completedBytes, isComplete } = await node.progress();
        assert.ok(!isComplete, 'it must not be complete before the last kill');
        return completedBytes >= enough || undefined;
      },
      () => node.program.output,
    );
    await node.stop();
    node = await start();
  }
  await node.waitComplete(STEP_SECONDS_MAX);

  assert.deepEqual(await treeHash(join(into, content.name)), await treeHash(join(content.parent, content.name)));
  const { uploadedBytes } = await seeder.progress();
  const refetchedPieces = (uploadedBytes - content.size) / 2 ** PIECE_LENGTH_LOG2;
  t.diagnostic(`${refetchedPieces.toFixed(2)} pieces were sent twice`);
  assert.ok(refetchedPieces <= KILLS * REFETCHED_PIECES_PER_KILL_MAX, `${refetchedPieces} pieces were sent twice`);
});
