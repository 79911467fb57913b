// A process whose torrents are attacked: seeds one, fetches another, and tells what the attack cost it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { makeTorrent } from '../../src/io/torrent-maker.ts';
import { openLoopbackNode, randomContent, specOf, temporaryFolder } from './loopback-node.ts';

export interface VictimAddress {
  readonly port: number;
  readonly seededInfo: string;
  readonly wantedInfo: string;
}
export interface VictimReport {
  readonly stallMs: number;
  readonly bytes: number;
  readonly links: number;
  readonly phases: readonly string[];
}
export type VictimOrder = { readonly type: 'report' | 'stop' } | { readonly type: 'dial'; readonly port: number };

async function torrentOf(bytes: number) {
  const folder = temporaryFolder('victim');
  mkdirSync(join(folder, 'in'));
  writeFileSync(join(folder, 'in', 'content.bin'), randomContent(bytes));
  return { folder, made: await makeTorrent(folder) };
}

const node = await openLoopbackNode();
const seeded = await torrentOf(16 << 20);
const wanted = await torrentOf(16 << 20);
const seed = node.torrents.add(
  specOf(seeded.made.info, seeded.folder, { sourcePaths: seeded.made.sourcePaths, isWhole: true }),
)!;
const leech = node.torrents.add(specOf(wanted.made.info, temporaryFolder('victim-out')))!;
await Promise.all([seed.started, leech.started]);
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();

process.on('message', (order: VictimOrder) => {
  if (order.type === 'dial') {
    leech.host.learn([{ host: '127.0.0.1', port: order.port }], 'user', 'user');
  } else if (order.type === 'stop') {
    void node.stop().then(() => process.disconnect?.());
  } else {
    const report: VictimReport = {
      stallMs: delay.max / 1e6,
      bytes: process.memoryUsage.rss(),
      links: seed.host.figures().links,
      phases: [seed.host.phase, leech.host.phase],
    };
    delay.reset();
    process.send!(report);
  }
});
const address: VictimAddress = {
  port: node.address.port,
  seededInfo: Buffer.from(seeded.made.info.raw).toString('base64'),
  wantedInfo: Buffer.from(wanted.made.info.raw).toString('base64'),
};
process.send!(address);
