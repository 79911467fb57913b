// Torrents that were told of many dead peers still find the one that lives, and leave others theirs.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { BoundNetwork } from '../../src/io/bound-network.ts';
import { Dialler } from '../../src/io/dialler.ts';
import { identityOfSeed } from '../../src/io/identity.ts';
import { makeTorrent } from '../../src/io/index.ts';
import { LinkOpener } from '../../src/io/link-opener.ts';
import { makeNodeTls } from '../../src/io/tls-context.ts';
import { LinkBudget, nodeLinkBounds } from '../../src/session/index.ts';
import { completed, openNodeFor, randomContent, specOf, temporaryFolder } from './loopback-node.ts';

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

test('G-10 more dead peers than links may be open do not keep a torrent from the live one', async (t) => {
  const source = join(temporaryFolder('source'), 'file.bin');
  writeFileSync(source, randomContent(100_000));
  const made = await makeTorrent(source);
  const [seeder, leecher] = [await openNodeFor(t), await openNodeFor(t)];
  const parts = { sourcePaths: made.sourcePaths, isWhole: true };
  await seeder.torrents.add(specOf(made.info, temporaryFolder('unused'), parts))!.started;
  const { host, started } = leecher.torrents.add(specOf(made.info, temporaryFolder('out')))!;
  await started;
  const port = await deadPort();
  const dead = Array.from({ length: DEAD_PEERS }, (_, i) => ({ host: `127.0.1.${i + 1}`, port }));
  host.learn([...dead, seeder.address], 'tracker', 'private');
  await completed(host);
  assert.ok(host.isComplete);
});

test('torrents whose peers never answer leave the others places to dial', async (t) => {
  const folder = temporaryFolder('content');
  const made = await Promise.all(
    Array.from({ length: 4 }, (_, i) => {
      writeFileSync(join(folder, `${i}`), randomContent(100_000));
      return makeTorrent(join(folder, `${i}`));
    }),
  );
  const seeder = await openNodeFor(t);
  const { info: wanted, sourcePaths } = made[0]!;
  await seeder.torrents.add(specOf(wanted, temporaryFolder('unused'), { sourcePaths, isWhole: true }))!.started;
  const { network, silent } = await networkWithSilence();
  const dialler = new Dialler(network, { allowLocal: true });
  const tls = makeNodeTls(identityOfSeed(randomContent(32)));
  const opener = new LinkOpener({ dialler, policy: 'prefer', tls });
  const settings = { dialler, opener, budget: new LinkBudget(nodeLinkBounds(400)), linksPerTorrentMax: 80 };
  const leecher = await openNodeFor(t, undefined, settings);
  t.after(() => dialler.close());
  const directory = temporaryFolder('out');
  const [host, ...others] = made.map(({ info }) => leecher.torrents.add(specOf(info, directory))!.host);
  await Promise.all([host!, ...others].map((each) => each.started));
  for (const other of others) {
    other.learn(
      Array.from({ length: 200 }, (_, i) => ({ host: `${SILENT}${i + 1}`, port: 5000 })),
      'tracker',
      'private',
    );
  }
  assert.ok(silent() > 64, `${silent()} are dialled`);
  host!.learn([seeder.address], 'tracker', 'private');
  const before = silent();
  await completed(host!);
  assert.ok(silent() - before < 10, 'long before the first of the others was given up');
});

const SILENT = '127.9.0.';

/** The real network, but nothing that is sent to some addresses of this machine arrives. */
async function networkWithSilence(): Promise<{ network: BoundNetwork; silent: () => number }> {
  const network = await BoundNetwork.open('127.0.0.1');
  const open = network.open.bind(network);
  let silent = 0;
  const openSome = (host: string, begin: Parameters<typeof open>[1]): Socket => {
    if (!host.startsWith(SILENT)) return open(host, begin);
    silent++;
    return new Socket();
  };
  network.open = openSome as BoundNetwork['open'];
  return { network, silent: () => silent };
}
