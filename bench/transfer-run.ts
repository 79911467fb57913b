/**
 * One measured transfer: a seeder and a leecher on one host, one file on tmpfs, peers found through opentracker.
 * The clock runs from the first payload byte on the host's loopback interface, which carries nothing else worth
 * counting, until the leecher says that everything is there and checked; both are the same for every client.
 */
import type { Client, ClientKind } from '../test/interop/clients/client.ts';
import { LISTEN_PORT } from '../test/interop/clients/client.ts';
import { announceUrlOfOpentracker, startOpentracker } from '../test/interop/clients/opentracker.ts';
import type { Content } from '../test/interop/content.ts';
import type { Host } from '../test/interop/network.ts';
import type { TestBed } from '../test/interop/test-bed.ts';
import { infoHashOf, makeTorrent } from '../test/interop/torrent-file.ts';
import { until } from '../test/interop/until.ts';
import { cpuSecondsOf, cpuSecondsOfAll, loopbackBytes, memoryOf } from './machine.ts';

const PIECE_LENGTH_LOG2 = 20;
const LEECHER_PORT = LISTEN_PORT + 10;
/** More than handshakes, bitfields and announces together; less than one read of payload matters. */
const PAYLOAD_BEGAN_BYTES = 64 * 1024;
const START_POLL_MS = 2;
const END_POLL_MS = 10;
const TRANSFER_SECONDS_MAX = 120;

/** Where all transfers of a bench happen: one host with an address for each end. */
export interface Track {
  readonly bed: TestBed;
  readonly hosts: { readonly seeder: Host; readonly leecher: Host };
  readonly content: Content;
  readonly torrentFile: string;
}
export interface Measurement {
  readonly seconds: number;
  readonly seederCpuSeconds: number;
  readonly leecherCpuSeconds: number;
  readonly seederMemory: ReturnType<typeof memoryOf>;
  readonly leecherMemory: ReturnType<typeof memoryOf>;
  /** CPU seconds per second that neither end nor this process used. */
  readonly coresUsedByOthers: number;
}

/** Makes the torrent of the content and starts its tracker. */
export async function layTrack(bed: TestBed, content: Content): Promise<Track> {
  const place = await bed.place('opentracker');
  const torrentFile = await makeTorrent(content, announceUrlOfOpentracker(place), PIECE_LENGTH_LOG2);
  await startOpentracker(place, [await infoHashOf(torrentFile)]);
  const hosts = { seeder: place.host, leecher: await bed.network.addAddress(place.host) };
  return { bed, hosts, content, torrentFile };
}

/** Lets one kind of client seed to another, from fresh processes and an empty directory. */
export async function measureTransfer(
  track: Track,
  kinds: { seeder: ClientKind; leecher: ClientKind },
): Promise<Measurement> {
  const { bed, hosts, content, torrentFile } = track;
  const seeder = await kinds.seeder.start({ host: hosts.seeder, scratch: await bed.directory('seeder') }, {});
  const leecher = await kinds.leecher.start(
    { host: hosts.leecher, scratch: await bed.directory('leecher') },
    { listenPort: LEECHER_PORT },
  );
  try {
    await seeder.seed(torrentFile, content.parent);
    const into = await bed.directory('fetched');
    const measurement = await measure(seeder, leecher, () => leecher.fetch(torrentFile, into));
    await bed.remove(into);
    return measurement;
  } finally {
    await Promise.all([seeder.stop(), leecher.stop()]);
  }
}

async function measure(seeder: Client, leecher: Client, start: () => Promise<void>): Promise<Measurement> {
  const pids = { seeder: seeder.program.pid, leecher: leecher.program.pid };
  const idleBytes = loopbackBytes(pids.leecher);
  const before = cpuNow(pids);
  const began = until(
    'the first payload byte',
    TRANSFER_SECONDS_MAX,
    () => (loopbackBytes(pids.leecher) > idleBytes + PAYLOAD_BEGAN_BYTES ? performance.now() : undefined),
    () => `${seeder.program.output}\n${leecher.program.output}`,
    START_POLL_MS,
  );
  const [beganAt] = await Promise.all([began, start()]);
  await leecher.waitComplete(TRANSFER_SECONDS_MAX, END_POLL_MS);
  const seconds = (performance.now() - beganAt) / 1000;
  const after = cpuNow(pids);
  return {
    seconds,
    seederCpuSeconds: after.seeder - before.seeder,
    leecherCpuSeconds: after.leecher - before.leecher,
    seederMemory: memoryOf(pids.seeder),
    leecherMemory: memoryOf(pids.leecher),
    coresUsedByOthers: (after.others - before.others) / (after.at - before.at),
  };
}

function cpuNow(pids: { readonly seeder: number; readonly leecher: number }) {
  const [seeder, leecher] = [cpuSecondsOf(pids.seeder), cpuSecondsOf(pids.leecher)];
  const others = cpuSecondsOfAll() - seeder - leecher - cpuSecondsOf(process.pid);
  return { at: performance.now() / 1000, seeder, leecher, others };
}
