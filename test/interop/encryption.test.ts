// Each stock client in its required-encryption mode, and ours at `require`: content goes from us to the client, which
// dials us, and from there to another of ours, which dials the client. Whoever speaks the plain wire only gets nothing.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { LinkRow } from '../../app/running-node.ts';
import { aria2 } from './clients/aria2.ts';
import { libtorrent } from './clients/libtorrent.ts';
import { type Monsoon, startMonsoon } from './clients/monsoon.ts';
import { announceUrlOfOpentracker, startOpentracker } from './clients/opentracker.ts';
import { rtorrent } from './clients/rtorrent.ts';
import { transmission } from './clients/transmission.ts';
import { makeContent, treeHash, withoutEmptyFiles } from './content.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';
import { passTls, resetTls, TLS_RESET_PROGRAM } from './tls-reset.ts';
import { infoHashOf, makeTorrent } from './torrent-file.ts';
import { until } from './until.ts';

const SIZE = 4 * 2 ** 20;
const FETCH_SECONDS_MAX = 60;
/** As the issue promises: a stalled torrent says why within this time. */
const REASON_SECONDS_MAX = 15;
const encryption = 'require';

// Two at a time: most of a test is waiting for a client's own timers.
describe('where everybody requires encryption', { concurrency: 2 }, () => {
  for (const kind of [aria2, transmission, libtorrent, rtorrent]) {
    test(`C-04 ${kind.name} fetches from us, and another of ours from ${kind.name}`, async (t) => {
      if (!(await hasWhatItTakes(t, [kind.requires]))) return;
      const bed = await TestBed.create(t);
      const supernode = await startMonsoon(await bed.place('supernode'), { role: 'supernode' });
      const content = await makeContent(await bed.directory('content'), 'a folder', SIZE, 1);
      const torrentFile = await makeTorrent(content, supernode.announceUrl, 16);
      const bootstrap = [supernode.contact];
      const first = await startMonsoon(await bed.place('first'), { bootstrap, encryption });
      await first.seed(torrentFile, content.parent);

      const client = await kind.start(await bed.place(kind.name), { encryption });
      const fetched = await bed.directory('fetched');
      await client.fetch(torrentFile, fetched);
      await client.waitComplete(FETCH_SECONDS_MAX);
      await first.stop();

      const second = await startMonsoon(await bed.place('second'), { bootstrap, encryption });
      const fetchedAgain = await bed.directory('fetched-again');
      await second.fetch(torrentFile, fetchedAgain);
      await second.fetched(FETCH_SECONDS_MAX);
      const sent = await treeHash(join(content.parent, content.name));
      const expected = kind.createsEmptyFiles ? sent : withoutEmptyFiles(sent);
      assert.deepEqual(await treeHash(join(fetched, content.name)), expected);
      assert.deepEqual(await treeHash(join(fetchedAgain, content.name)), sent);
    });
  }

  for (const [what, spoken] of [
    ['speaks the plain wire only', 'off'],
    ['hides the header alone', 'header'],
  ] as const)
    test(`a client that ${what} exchanges nothing with us, and we say why`, async (t) => {
      if (!(await hasWhatItTakes(t, []))) return;
      const bed = await TestBed.create(t);
      const supernode = await startMonsoon(await bed.place('supernode'), { role: 'supernode' });
      const content = await makeContent(await bed.directory('content'), 'a folder', SIZE, 1);
      const torrentFile = await makeTorrent(content, supernode.announceUrl, 16);
      const seeder = await libtorrent.start(await bed.place('libtorrent'), { encryption: spoken });
      await seeder.seed(torrentFile, content.parent);

      const node = await startMonsoon(await bed.place('node'), { bootstrap: [supernode.contact], encryption });
      await node.fetch(torrentFile, await bed.directory('fetched'));
      const stalled = await until('a reason', REASON_SECONDS_MAX, async () => {
        const [row] = await node.torrents();
        return row?.stalledBecause?.includes('encryption') ? row : undefined;
      });
      assert.match(stalled.stalledBecause!, /^one peer refuses encryption/);
      assert.equal(stalled.bytesDownloaded, 0);
      assert.equal((await seeder.progress()).uploadedBytes, 0);
    });

  test('where a firewall hangs up on TLS, two of ours speak RC4 with each other', async (t) => {
    if (!(await hasWhatItTakes(t, ['opentracker', TLS_RESET_PROGRAM]))) return;
    const bed = await TestBed.create(t);
    const [seederPlace, leecherPlace, trackerPlace] = [
      await bed.place('seeder'),
      await bed.place('leecher'),
      await bed.place('opentracker'),
    ];
    const content = await makeContent(await bed.directory('content'), 'a folder', SIZE, 1);
    const torrentFile = await makeTorrent(content, announceUrlOfOpentracker(trackerPlace), 16);
    await startOpentracker(trackerPlace, [await infoHashOf(torrentFile)]);
    for (const { host } of [seederPlace, leecherPlace]) await resetTls(host);
    const seeder = await startMonsoon(seederPlace, { encryption });
    await seeder.seed(torrentFile, content.parent);
    const leecher = await startMonsoon(leecherPlace, { encryption });
    const fetched = await bed.directory('fetched');
    await leecher.fetch(torrentFile, fetched);
    await leecher.fetched(FETCH_SECONDS_MAX);
    assert.deepEqual(await treeHash(join(fetched, content.name)), await treeHash(join(content.parent, content.name)));
    // What neither is plain nor TLS is RC4.
    assert.ok((await passTls(seederPlace.host)) + (await passTls(leecherPlace.host)) >= 1, 'TLS was tried first');
  });
});

/** Whoever asks the tracker from now on hears of the one seeder, which heard of nobody: who comes is who dials. */
async function tracked({ contact }: Monsoon, infoHash: string): Promise<void> {
  const url = `http://${contact}/scrape?info_hash=${infoHash.replaceAll(/../g, '%$&')}`;
  await until('the seeder to be tracked', FETCH_SECONDS_MAX, async () => {
    const answer = await (await fetch(url)).text();
    return answer.includes('8:completei1e') || undefined;
  });
}

/** The one link of the node's one torrent, once it is open. */
function linkOf(node: Monsoon, infoHash: string): Promise<LinkRow> {
  return until('a link', FETCH_SECONDS_MAX, async () => (await node.info(infoHash)).links[0]);
}

// Slowly, so that the link is there while it is asked about.
const [DOWN_SLOWLY, UP_SLOWLY] = [
  ['--down-limit', '1M'],
  ['--up-limit', '1M'],
];

describe('where the peer would hide the header alone', { concurrency: 2 }, () => {
  for (const [kind, given] of [
    [aria2, 'rc4'],
    [transmission, 'rc4'],
    [libtorrent, 'header'],
    [rtorrent, 'rc4'],
  ] as const) {
    test(`C-04 ${kind.name} gives ${given} when we dial it, and we fetch from it`, async (t) => {
      if (!(await hasWhatItTakes(t, [kind.requires]))) return;
      const bed = await TestBed.create(t);
      const supernode = await startMonsoon(await bed.place('supernode'), { role: 'supernode' });
      const content = await makeContent(await bed.directory('content'), 'a folder', SIZE, 1);
      const torrentFile = await makeTorrent(content, supernode.announceUrl, 16);
      const client = await kind.start(await bed.place(kind.name), { encryption: 'header' });
      await client.seed(torrentFile, content.parent);
      const infoHash = await infoHashOf(torrentFile);
      await tracked(supernode, infoHash);

      const node = await startMonsoon(await bed.place('node'), { bootstrap: [supernode.contact], flags: DOWN_SLOWLY });
      const fetched = await bed.directory('fetched');
      await node.fetch(torrentFile, fetched);
      const { isIncoming, encryption } = await linkOf(node, infoHash);
      assert.deepEqual({ isIncoming, encryption }, { isIncoming: false, encryption: given });
      await node.fetched(FETCH_SECONDS_MAX);
      const sent = await treeHash(join(content.parent, content.name));
      assert.deepEqual(await treeHash(join(fetched, content.name)), sent);
    });
  }

  test('C-04 libtorrent offers no more when it dials us, and fetches', async (t) => {
    if (!(await hasWhatItTakes(t, []))) return;
    const bed = await TestBed.create(t);
    const supernode = await startMonsoon(await bed.place('supernode'), { role: 'supernode' });
    const content = await makeContent(await bed.directory('content'), 'a folder', SIZE, 1);
    const torrentFile = await makeTorrent(content, supernode.announceUrl, 16);
    const node = await startMonsoon(await bed.place('node'), { bootstrap: [supernode.contact], flags: UP_SLOWLY });
    await node.seed(torrentFile, content.parent);
    const infoHash = await infoHashOf(torrentFile);
    await tracked(supernode, infoHash);

    const client = await libtorrent.start(await bed.place('libtorrent'), { encryption: 'header' });
    const fetched = await bed.directory('fetched');
    await client.fetch(torrentFile, fetched);
    const { isIncoming, encryption } = await linkOf(node, infoHash);
    assert.deepEqual({ isIncoming, encryption }, { isIncoming: true, encryption: 'header' });
    await client.waitComplete(FETCH_SECONDS_MAX);
    const sent = await treeHash(join(content.parent, content.name));
    assert.deepEqual(await treeHash(join(fetched, content.name)), sent);
  });
});
