// What torrents cost that nobody asks for: no timer, no socket and no open file each, whether a peer ever came or not.
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeTorrent } from '../../src/io/torrent-maker.ts';
import { completed, openLoopbackNode, randomContent, specOf, temporaryFolder, until } from './loopback-node.ts';
import { RawPeer } from './raw-peer.ts';

const TORRENTS = 200;

interface Handles {
  readonly timers: number;
  readonly others: number;
  readonly files: number;
}

function handles(): Handles {
  const all = process.getActiveResourcesInfo();
  const timers = all.filter((name) => name === 'Timeout').length;
  const files = process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0;
  return { timers, others: all.length - timers, files };
}

test(`${TORRENTS} torrents that seed and have no links hold no timer, socket or open file`, async (t) => {
  const [seeder, leecher] = [await openLoopbackNode(), await openLoopbackNode()];
  t.after(() => Promise.all([seeder.stop(), leecher.stop()]));
  const folder = temporaryFolder('many');
  const before = handles();
  const made = [];
  for (let i = 0; i < TORRENTS; i++) {
    writeFileSync(join(folder, `${i}.bin`), randomContent(100 + i));
    made.push(await makeTorrent(join(folder, `${i}.bin`)));
  }
  const added = made.map(
    ({ info, sourcePaths }) => seeder.torrents.add(specOf(info, folder, { sourcePaths, isWhole: true }))!,
  );
  await Promise.all(added.map(({ started }) => started));
  // Some were asked for once, and are alone again.
  const fetched = temporaryFolder('fetched');
  for (const { info } of made.slice(0, 20)) {
    const { host } = leecher.torrents.add(specOf(info, fetched))!;
    host.learn([seeder.address], 'user', 'user');
    await completed(host);
  }
  await until('the links to close', () => added.every(({ host }) => host.figures().links === 0));
  // Two nodes may each have their shared alarm set; the files of a thread that hashes are a few, however many torrents.
  await until('everything to be let go', () => {
    const after = handles();
    return after.timers <= before.timers + 2 && after.others <= before.others + 2 && after.files <= before.files + 20;
  });
});

test('a link on which nobody wants anything does not wake its torrent every second', async (t) => {
  const seeder = await openLoopbackNode();
  t.after(() => seeder.stop());
  const folder = temporaryFolder('one');
  writeFileSync(join(folder, 'one.bin'), randomContent(100));
  const { info, sourcePaths } = await makeTorrent(join(folder, 'one.bin'));
  const { host, started } = seeder.torrents.add(specOf(info, folder, { sourcePaths, isWhole: true }))!;
  await started;
  const peer = await RawPeer.greet(seeder.address, info.infoHash);
  t.after(() => peer.socket.destroy());
  await until('the link', () => host.figures().links === 1);
  assert.ok(seeder.alarms.nextMs! > 2000, `it is woken in ${seeder.alarms.nextMs} ms`);
});
