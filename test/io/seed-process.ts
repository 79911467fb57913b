// A process that seeds one folder until it is killed, and tells where.

import { makeTorrent } from '../../src/io/torrent-maker.ts';
import { openLoopbackNode, specOf } from './loopback-node.ts';

const [folder, home] = process.argv.slice(2) as [string, string];
const node = await openLoopbackNode(home);
const { info, sourcePaths } = await makeTorrent(folder);
await node.torrents.add(specOf(info, folder, { sourcePaths, isWhole: true }))!.started;
process.send!(node.address);
