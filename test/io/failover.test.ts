// Seeds as processes of their own, one of which is killed in the middle.
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Address } from '../../src/base/index.ts';
import { makeTorrent } from '../../src/io/torrent-maker.ts';
import { completed, openNodeFor, randomContent, specOf, temporaryFolder, until } from './loopback-node.ts';

const LENGTH = 96 << 20;

test('W-06 G-17 when one of two seeds is killed in the middle, the download goes on from the other and is identical', async (t) => {
  const folder = temporaryFolder('content');
  const content = randomContent(LENGTH);
  writeFileSync(join(folder, 'big.bin'), content);
  const { info } = await makeTorrent(folder);
  const seeds: ChildProcess[] = [];
  t.after(() => {
    for (const seed of seeds) seed.kill('SIGKILL');
  });
  const addresses: Address[] = [];
  for (let i = 0; i < 2; i++) {
    const seed = fork(fileURLToPath(new URL('seed-process.ts', import.meta.url)), [folder, temporaryFolder('node')]);
    seeds.push(seed);
    const [address] = (await once(seed, 'message')) as [Address];
    addresses.push(address);
  }
  const leech = await openNodeFor(t);
  const directory = temporaryFolder('fetched');
  const { host, started } = leech.torrents.add(specOf(info, directory))!;
  await started;
  host.learn(addresses, 'user', 'user');
  await until('both links', () => host.figures().links === 2);
  await until('a quarter', () => host.figures().progress > 0.25);
  seeds[0]!.kill('SIGKILL');
  const killed = performance.now();
  assert.ok(!host.isComplete);
  await completed(host);
  t.diagnostic(`completed ${((performance.now() - killed) / 1000).toFixed(1)} s after the kill`);
  assert.ok(readFileSync(join(directory, info.name, 'big.bin')).equals(content));
});
