// A process that fetches one torrent until it is killed: fetches everything that was there, and tells how far it is.
import { readFileSync } from 'node:fs';
import { sha1 } from '../../src/io/hash.ts';
import { parseInfo, type TorrentInfo } from '../../src/torrent/index.ts';
import { openLoopbackNode, specOf, until } from './loopback-node.ts';

const [home, infoFile, directory, port, downMax] = process.argv.slice(2) as [string, string, string, string, string?];
const info = parseInfo(readFileSync(infoFile), sha1) as TorrentInfo;
const node = await openLoopbackNode(home);
if (downMax !== undefined) node.rates.down.limit(Number(downMax));
await node.torrents.recall();
const host = node.torrents.get(info.infoHash) ?? node.torrents.add(specOf(info, directory))!.host;
await until('the check to end', () => host.phase === 'running');
host.learn([{ host: '127.0.0.1', port: Number(port) }], 'user', 'user');
setInterval(
  () => process.send!({ pid: process.pid, stored: host.figures().storedBytes, isComplete: host.isComplete }),
  5,
);
process.on('message', () => {
  void node.stop().then(() => process.exit(0));
});
