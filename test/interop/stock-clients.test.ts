// Each stock client with us, each way, through our tracker by its announce URL: 300 MiB in a folder that holds what
// breaks clients, SHA-256 of every file compared.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { aria2 } from './clients/aria2.ts';
import type { ClientKind } from './clients/client.ts';
import { libtorrent } from './clients/libtorrent.ts';
import { type Monsoon, monsoonOf, startMonsoon } from './clients/monsoon.ts';
import { rtorrent } from './clients/rtorrent.ts';
import { transmission } from './clients/transmission.ts';
import { type Content, makeContent, treeHash, withoutEmptyFiles } from './content.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';
import { bareMagnet, infoHashOf, makeTorrent } from './torrent-file.ts';

const SIZE = 300 * 2 ** 20;
const SMALL_SIZE = 20 * 2 ** 20;
const FETCH_SECONDS_MAX = 120;
/** The slowest first, so that the others run beside it. */
const CLIENTS = [transmission, aria2, libtorrent, rtorrent];

interface Scene {
  readonly bed: TestBed;
  readonly supernode: Monsoon;
  readonly content: Content;
}

/** A supernode and content to share, or undefined where the test was skipped. */
async function setScene(t: TestContext, kind: ClientKind, size: number): Promise<Scene | undefined> {
  if (!(await hasWhatItTakes(t, [kind.requires]))) return;
  const bed = await TestBed.create(t);
  const supernode = await startMonsoon(await bed.place('supernode'), { role: 'supernode' });
  return { bed, supernode, content: await makeContent(await bed.directory('content'), 'a folder', size, 1) };
}

async function assertArrived(kind: ClientKind, into: string, { parent, name }: Content): Promise<void> {
  const sent = await treeHash(join(parent, name));
  const expected = kind.createsEmptyFiles ? sent : withoutEmptyFiles(sent);
  assert.deepEqual(await treeHash(join(into, name)), expected);
}

// Three at a time: most of a test is waiting for a client's own timers.
describe('with stock clients, through our tracker', { concurrency: 3 }, () => {
  for (const kind of CLIENTS) {
    test(`N-23 we fetch from ${kind.name} by a torrent that other tools made`, async (t) => {
      const scene = await setScene(t, kind, SIZE);
      if (!scene) return;
      const { bed, supernode, content } = scene;
      const torrentFile = await makeTorrent(content, supernode.announceUrl, 18);
      const seeder = await bed.start(kind);
      await seeder.seed(torrentFile, content.parent);

      const node = await monsoonOf(supernode).start(await bed.place('monsoon'));
      const into = await bed.directory('fetched');
      await node.fetch(torrentFile, into);
      const fetched = await node.fetched(FETCH_SECONDS_MAX);
      assert.equal(fetched.size, content.size);
      assert.equal(fetched.infoHash, await infoHashOf(torrentFile));
      await assertArrived(monsoonOf(supernode), into, content);
    });

    test(`N-23 ${kind.name} fetches from us by the magnet that share printed`, async (t) => {
      const scene = await setScene(t, kind, SIZE);
      if (!scene) return;
      const { bed, supernode, content } = scene;
      const node = await monsoonOf(supernode).start(await bed.place('monsoon'));
      const shared = await node.share(join(content.parent, content.name));
      assert.equal(shared.infoHash, await infoHashOf(shared.torrentFile));

      const leecher = await bed.start(kind);
      const into = await bed.directory('fetched');
      await leecher.fetch(shared.magnet, into);
      await leecher.waitComplete(FETCH_SECONDS_MAX);
      await assertArrived(kind, into, content);
    });
  }

  test('we fetch from libtorrent by a bare magnet, metadata included', async (t) => {
    const scene = await setScene(t, libtorrent, SMALL_SIZE);
    if (!scene) return;
    const { bed, supernode, content } = scene;
    const torrentFile = await makeTorrent(content, supernode.announceUrl, 18);
    const seeder = await bed.start(libtorrent);
    await seeder.seed(torrentFile, content.parent);

    const node = await monsoonOf(supernode).start(await bed.place('monsoon'));
    const into = await bed.directory('fetched');
    await node.fetch(bareMagnet(await infoHashOf(torrentFile), supernode.announceUrl), into);
    assert.equal((await node.fetched(FETCH_SECONDS_MAX)).size, content.size);
    await assertArrived(monsoonOf(supernode), into, content);
  });

  // With few pieces aria2 sends its bitfield again instead of haves; rtorrent 0.9.8 hangs up on that.
  test('aria2, whose second bitfield comes in mid-transfer, still fetches from us', async (t) => {
    const scene = await setScene(t, aria2, SMALL_SIZE);
    if (!scene) return;
    const { bed, supernode, content } = scene;
    const torrentFile = await makeTorrent(content, supernode.announceUrl, 20);
    const node = await monsoonOf(supernode).start(await bed.place('monsoon'));
    await node.seed(torrentFile, content.parent);

    const leecher = await bed.start(aria2);
    const into = await bed.directory('fetched');
    await leecher.fetch(torrentFile, into);
    await leecher.waitComplete(FETCH_SECONDS_MAX);
    await assertArrived(aria2, into, content);
  });
});
