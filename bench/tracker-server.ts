// Our tracker alone on one port, for bench/tracker.ts: the product's front and table, no other part of a node.
import { createServer } from 'node:net';
import { instant, type NodeId, seededRandom } from '../src/base/index.ts';
import { Registrar, Tracker } from '../tracker/index.ts';
import { TrackerFront } from '../tracker/io/index.ts';

// As many as a supernode in a network of some size has.
const COPIES = ['aa', 'bb'].map((byte) => byte.repeat(32) as NodeId);

const tracker = new Tracker(
  new Registrar({
    ownership: { ownerOf: () => 'self', roleOf: () => 'owner', copiesOf: () => COPIES, recordsOf: () => [] },
    random: seededRandom(1),
    hashKey: { k0: 0x12345678, k1: 0x9abcdef0 },
    swarmsMax: 200_000,
    peersMax: 1_000_000,
    bytesPerSecond: 2_000_000_000,
  }),
);
const front = new TrackerFront({
  nodeAt: () => undefined,
  tracker,
  now: () => instant(performance.now()),
  handOver: (socket) => socket.destroy(),
});
// As the node's one port does it: the first bytes say whose the connection is.
createServer({ noDelay: true }, (socket) => {
  socket.once('data', (firstBytes: Buffer) => front.accept(socket, firstBytes));
  socket.on('error', () => {});
}).listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });
process.on('SIGUSR2', () => console.error(`${tracker.peerCount} peers in ${tracker.swarmCount} swarms`));
