// A torrent that was told of many dead peers first still finds the one that lives.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeTorrent } from '../../src/io/index.ts';
import { completed, openLoopbackNode, randomContent, specOf, temporaryFolder } from './loopback-node.ts';

const DEAD_PEERS = 120;

/** A port on which nobody listens: the system gave it to a server that is closed again. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

test('more dead peers than links may be open do not keep a torrent from the live one', async () => {
  const source = join(temporaryFolder('source'), 'file.bin');
  writeFileSync(source, randomContent(100_000));
  const made = await makeTorrent(source);
  const [seeder, leecher] = [await openLoopbackNode(), await openLoopbackNode()];
  try {
    const parts = { sourcePaths: made.sourcePaths, isWhole: true };
    await seeder.torrents.add(specOf(made.info, temporaryFolder('unused'), parts))!.started;
    const { host, started } = leecher.torrents.add(specOf(made.info, temporaryFolder('out')))!;
    await started;
    const port = await deadPort();
    const dead = Array.from({ length: DEAD_PEERS }, (_, i) => ({ host: `127.0.1.${i + 1}`, port }));
    host.learn([...dead, seeder.address], 'tracker', 'private');
    await completed(host);
    assert.ok(host.isComplete);
  } finally {
    await Promise.all([seeder.stop(), leecher.stop()]);
  }
});
