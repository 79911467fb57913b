/**
 * One measured transfer: a seeder and a leecher on one host, one file on tmpfs, peers found through opentracker.
 * The clock runs from the first payload byte on the host's loopback interface, which carries nothing else worth
 * counting, until the leecher says that everything is there and checked; both are the same for every client.
 */
import type { Client, ClientKind, Place } from '../test/interop/clients/client.ts';
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
const END_POLL_MS = 20;
const TRANSFER_SECONDS_MAX = 120;

/** Where all transfers of a bench happen: one host with an address for each end. */
export interface Track {
  readonly bed: TestBed;
  readonly hosts: { readonly seeder: Host; readonly leecher: Host };
  readonly tracker: Place;
  readonly content: Content;
  readonly torrentFile: string;
  readonly infoHash: string;
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

/** Makes the host and the torrent of the content. */
export async function layTrack(bed: TestBed, content: Content): Promise<Track> {
  const tracker = await bed.place('opentracker');
  const torrentFile = await makeTorrent(content, announceUrlOfOpentracker(tracker), PIECE_LENGTH_LOG2);
  const hosts = { seeder: tracker.host, leecher: await bed.network.addAddress(tracker.host) };
  return { bed, hosts, tracker, content, torrentFile, infoHash: await infoHashOf(torrentFile) };
}

/** Lets one kind of client seed to another, from fresh processes and an empty directory. */
export async function measureTransfer(
  track: Track,
  kinds: { seeder: ClientKind; leecher: ClientKind },
): Promise<Measurement> {
  const { bed, hosts, content, torrentFile } = track;
  const tracker = await startOpentracker(track.tracker, [track.infoHash]); // A new one knows no peers of old.
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
    await Promise.all([seeder.stop(), leecher.stop(), tracker.kill()]);
  }
}

async function measure(seeder: Client, leecher: Client, start: () => Promise<void>): Promise<Measurement> {
  const pids = { seeder: seeder.program.pid, leecher: leecher.program.pid };
  const idleBytes = loopbackBytes(pids.leecher);
  const began = until(
    `the first payload byte to ${leecher.name}`,
    TRANSFER_SECONDS_MAX,
    () => (loopbackBytes(pids.leecher) > idleBytes + PAYLOAD_BEGAN_BYTES ? cpuNow(pids) : undefined),
    () => `${seeder.program.output}\n${leecher.program.output}`,
    START_POLL_MS,
  );
  const [before] = await Promise.all([began, start()]);
  await leecher.waitComplete(TRANSFER_SECONDS_MAX, END_POLL_MS);
  const after = cpuNow(pids);
  const seconds = after.at - before.at;
  return {
    seconds,
    seederCpuSeconds: after.seeder - before.seeder,
    leecherCpuSeconds: after.leecher - before.leecher,
    seederMemory: memoryOf(pids.seeder),
    leecherMemory: memoryOf(pids.leecher),
    coresUsedByOthers: (after.others - before.others) / seconds,
  };
}

function cpuNow(pids: { readonly seeder: number; readonly leecher: number }) {
  const [seeder, leecher] = [cpuSecondsOf(pids.seeder), cpuSecondsOf(pids.leecher)];
  const others = cpuSecondsOfAll() - seeder - leecher - cpuSecondsOf(process.pid);
  return { at: performance.now() / 1000, seeder, leecher, others };
}
