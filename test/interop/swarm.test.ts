// One swarm of all stock clients and three of ours, in which nobody who has everything stays: whenever another one is
// complete, the one before it is taken away without a word. So each must both give and take, with strangers.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { aria2 } from './clients/aria2.ts';
import type { Client, ClientKind } from './clients/client.ts';
import { libtorrent } from './clients/libtorrent.ts';
import { Monsoon, monsoonOf, startMonsoon } from './clients/monsoon.ts';
import { rtorrent } from './clients/rtorrent.ts';
import { transmission } from './clients/transmission.ts';
import { makeContent, treeHash, withoutEmptyFiles } from './content.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';
import { makeTorrent } from './torrent-file.ts';

const SIZE = 300 * 2 ** 20;
/** Slow enough that the leechers must trade with each other, and nobody is complete long before the others. */
const SEED_BYTES_PER_SECOND = 25 * 2 ** 20;
const NEXT_COMPLETE_SECONDS_MAX = 180;
const OURS = 3;

interface Leecher {
  readonly kind: ClientKind;
  readonly client: Client;
  readonly into: string;
}

test('M-01 M-14 N-23 four stock clients and three of ours finish together though no complete seeder stays', async (t) => {
  const programs = [aria2, transmission, libtorrent, rtorrent].map((kind) => kind.requires);
  if (!(await hasWhatItTakes(t, programs))) return;
  const bed = await TestBed.create(t);
  const supernode = await startMonsoon(await bed.place('supernode'), { role: 'supernode' });
  const content = await makeContent(await bed.directory('content'), 'a folder', SIZE, 2);
  const torrentFile = await makeTorrent(content, supernode.announceUrl, 18);
  const sent = await treeHash(join(content.parent, content.name));
  const seeder = await bed.start(libtorrent, { uploadBytesPerSecond: SEED_BYTES_PER_SECOND });
  await seeder.seed(torrentFile, content.parent);

  const kinds = [aria2, transmission, libtorrent, rtorrent, ...Array(OURS).fill(monsoonOf(supernode))];
  const leechers = await Promise.all(
    kinds.map(async (kind: ClientKind): Promise<Leecher> => {
      const client = await bed.start(kind);
      const into = await bed.directory(`${kind.name}-fetched`);
      await client.fetch(torrentFile, into);
      return { kind, client, into };
    }),
  );

  const order: string[] = [];
  const waiting = new Map(
    leechers.map((leecher) => [leecher, leecher.client.waitComplete(NEXT_COMPLETE_SECONDS_MAX).then(() => leecher)]),
  );
  let last: Client = seeder;
  let bytesGivenByOurs = 0;
  while (waiting.size > 0) {
    const complete = await Promise.race(waiting.values());
    waiting.delete(complete);
    if (last instanceof Monsoon) bytesGivenByOurs += (await last.torrents())[0]!.bytesUploaded;
    await last.stop();
    last = complete.client;
    order.push(complete.kind.name);
  }
  t.diagnostic(`complete in this order: ${order.join(', ')}`);
  assert.ok(bytesGivenByOurs > 0, 'ours must give too');
  for (const { kind, into } of leechers) {
    const expected = kind.createsEmptyFiles ? sent : withoutEmptyFiles(sent);
    assert.deepEqual(await treeHash(join(into, content.name)), expected, `what ${kind.name} has`);
  }
});
