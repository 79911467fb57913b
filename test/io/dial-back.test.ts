// A node that dials us over TLS proves who it is: it is shown, remembered where it listens, and dialled back.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeTorrent } from '../../src/io/index.ts';
import { openNodeFor, randomContent, specOf, temporaryFolder, until } from './loopback-node.ts';

/** A peer rests 15 s before it is dialled. */
const DIAL_BACK_MS_MAX = 40_000;

test('a node that dialled us and left is dialled back as the node that it proved to be', async (t) => {
  const folder = temporaryFolder('source');
  writeFileSync(join(folder, 'a.bin'), randomContent(100_000));
  const made = await makeTorrent(folder);
  const [seeder, leecher] = [await openNodeFor(t), await openNodeFor(t)];
  // So that the leech still wants something when the seed comes back.
  seeder.rates.up.limit(0);
  const seed = seeder.torrents.add(specOf(made.info, folder, { sourcePaths: made.sourcePaths, isWhole: true }))!.host;
  const leech = leecher.torrents.add(specOf(made.info, temporaryFolder('out')))!.host;
  await Promise.all([seed.started, leech.started]);
  // What a tracker said is forgotten with a pause: afterwards the seed knows nobody.
  seed.learn([leecher.address], 'tracker', 'user');
  await until('the link', () => leech.links().length === 1 && seed.links().length === 1);
  const [link] = leech.links();
  assert.deepEqual([link!.isIncoming, link!.encryption, link!.nodeId], [true, 'tls', seeder.identity.nodeId]);
  assert.equal(seed.links()[0]!.nodeId, leecher.identity.nodeId);
  await seed.pause();
  await until('the link to end', () => leech.links().length === 0);
  await seed.resume();
  await until('the link back', () => leech.links().length === 1, DIAL_BACK_MS_MAX);
  const [back] = leech.links();
  assert.deepEqual([back!.isIncoming, back!.address, back!.nodeId], [false, seeder.address, seeder.identity.nodeId]);
  seeder.rates.up.limit(null);
  await until('the download', () => leech.isComplete);
});
