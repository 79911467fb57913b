// Which torrents are called out on the local network; the sockets only write down what is called.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { LanPeers } from '../../app/torrents/lan-peers.ts';
import type { Config } from '../../config/index.ts';
import { latin1 } from '../../src/base/index.ts';
import { BoundNetwork } from '../../src/io/bound-network.ts';
import { LanSockets } from '../../src/io/lan-sockets.ts';
import type { Torrent } from '../../src/io/torrent.ts';
import { makeTorrent } from '../../src/io/torrent-maker.ts';
import { type LoopbackNode, openNodeFor, randomContent, specOf, temporaryFolder } from '../io/loopback-node.ts';

async function seed(node: LoopbackNode, isPrivate: boolean): Promise<Torrent> {
  const folder = temporaryFolder('content');
  writeFileSync(join(folder, 'a.bin'), randomContent(1000));
  const { info, sourcePaths } = await makeTorrent(folder, { isPrivate });
  const { host, started } = node.torrents.add(specOf(info, folder, { sourcePaths, isWhole: true }))!;
  await started;
  assert.equal(host.phase, 'running');
  return host;
}

/** What a node with these settings calls at its start. */
async function called(t: TestContext, { torrents }: LoopbackNode, lsd: boolean): Promise<string[]> {
  const calls: string[] = [];
  t.mock.method(LanSockets.prototype, 'refresh', () => undefined);
  t.mock.method(LanSockets.prototype, 'call', ({ ip4, ip6 }: Record<'ip4' | 'ip6', Uint8Array>) => {
    calls.push(latin1(ip4), latin1(ip6));
  });
  const peers = LanPeers.open({ lsd } as Config, await BoundNetwork.open('127.0.0.1'), 7373, torrents);
  peers?.close();
  return calls;
}

test('what takes part is called out, a private torrent is not, nor one that is paused (BEP 14, 27)', async (t) => {
  const node = await openNodeFor(t);
  const [hidden, paused, open] = [await seed(node, true), await seed(node, false), await seed(node, false)];
  await paused.pause();
  const calls = await called(t, node, true);
  assert.equal(calls.length, 2, 'one datagram for each family');
  for (const call of calls) {
    assert.ok(call.includes(open.spec.infoHash));
    for (const { spec } of [hidden, paused]) assert.ok(!call.includes(spec.infoHash), call);
  }
});

test('nothing is called where it was not switched on', async (t) => {
  const node = await openNodeFor(t);
  await seed(node, false);
  assert.deepEqual(await called(t, node, false), []);
});
