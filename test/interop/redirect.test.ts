// Stock clients on the network of four supernodes: each is given the announce URL of another one, and only the owner of
// the hash tracks it. They follow its 307 like any HTTP client, or they would never hear of each other.
import assert from 'node:assert/strict';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Announcer } from './announcer.ts';
import { aria2 } from './clients/aria2.ts';
import { libtorrent } from './clients/libtorrent.ts';
import { rtorrent } from './clients/rtorrent.ts';
import { transmission } from './clients/transmission.ts';
import { makeContent, treeHash, withoutEmptyFiles } from './content.ts';
import { startSupernodes } from './supernodes.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';
import { infoHashOf, makeTorrent } from './torrent-file.ts';

const SIZE = 8 * 2 ** 20;
const FETCH_SECONDS_MAX = 120;
const ASKER_PORT = 9999;

test('N-44 C-01 stock clients that each know another supernode follow the 307 to the owner and find each other', async (t) => {
  const kinds = [libtorrent, aria2, transmission, rtorrent];
  if (
    !(await hasWhatItTakes(
      t,
      kinds.map(({ requires }) => requires),
    ))
  )
    return;
  const bed = await TestBed.create(t);
  const supernodes = await startSupernodes(bed, kinds.length);
  const content = await makeContent(await bed.directory('content'), 'a folder', SIZE, 9);
  const sent = await treeHash(join(content.parent, content.name));
  // The content is one, and so is its info hash; each torrent file names another supernode.
  const torrentFiles: string[] = [];
  for (const [i, { announceUrl }] of supernodes.entries()) {
    const file = join(content.parent, `${i}.torrent`);
    await rename(await makeTorrent(content, announceUrl, 16), file);
    torrentFiles.push(file);
  }
  const infoHash = await infoHashOf(torrentFiles[0]!);

  const announcer = new Announcer();
  t.after(() => announcer.close());
  const told = await Promise.all(supernodes.map(({ contact }) => announcer.announce(contact, infoHash, ASKER_PORT)));
  assert.deepEqual(told.map(({ redirects }) => redirects).sort(), [0, 1, 1, 1], 'one owner, to whom the others point');
  assert.equal(new Set(told.map(({ by }) => by)).size, 1);

  const [seeder, ...leechers] = await Promise.all(kinds.map((kind) => bed.start(kind)));
  await seeder!.seed(torrentFiles[0]!, content.parent);
  const fetched = await Promise.all(
    leechers.map(async (client, i) => {
      const into = await bed.directory(`${client.name}-fetched`);
      await client.fetch(torrentFiles[i + 1]!, into);
      return { client, into };
    }),
  );
  await Promise.all(leechers.map((client) => client.waitComplete(FETCH_SECONDS_MAX)));
  for (const [i, { client, into }] of fetched.entries()) {
    const expected = kinds[i + 1]!.createsEmptyFiles ? sent : withoutEmptyFiles(sent);
    assert.deepEqual(await treeHash(join(into, content.name)), expected, `what ${client.name} has`);
  }
  const { peers } = await announcer.announce(supernodes[0]!.contact, infoHash, ASKER_PORT);
  assert.equal(new Set(peers).size, kinds.length, 'the owner knows all of them');
});
