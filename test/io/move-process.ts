// A process that goes on with the torrents of a home and moves each to a folder until it is killed.
import { openLoopbackNode } from './loopback-node.ts';

const [home, directory] = process.argv.slice(2) as [string, string];
const node = await openLoopbackNode(home);
await node.torrents.recall();
setInterval(() => process.send!({ progress: node.torrents.all()[0]!.figures().progress }), 1);
for (const torrent of node.torrents.all()) await torrent.move(directory);
process.send!({ isDone: true });
