/**
 * One measured transfer: seeders and a leecher on one host, one file on tmpfs, peers found through opentracker.
 * The clock runs from the first payload byte on the host's loopback interface, which carries nothing else worth
 * counting, until the leecher says that everything is there and checked; both are the same for every client.
 */
import type { Client, ClientKind, Place } from '../test/interop/clients/client.ts';
import { LISTEN_PORT } from '../test/interop/clients/client.ts';
import { announceUrlOfOpentracker, startOpentracker } from '../test/interop/clients/opentracker.ts';
import type { Content } from '../test/interop/content.ts';
import type { Host } from '../test/interop/network.ts';
import type { TestBed } from '../test/interop/test-bed.ts';
import { passTls, resetTls } from '../test/interop/tls-reset.ts';
import { infoHashOf, makeTorrent } from '../test/interop/torrent-file.ts';
import { until } from '../test/interop/until.ts';
import { cpuSecondsOf, cpuSecondsOfAll, loopbackBytes, memoryOf } from './machine.ts';

/** Clients whose interface listens at every address of the host need a port each. */
const PORTS_PER_CLIENT = 10;
/** More than handshakes, bitfields and announces together; less than one read of payload matters. */
const PAYLOAD_BEGAN_BYTES = 64 * 1024;
const START_POLL_MS = 2;
const END_POLL_MS = 20;
const TRANSFER_SECONDS_MAX = 120;

/** Where all transfers of a bench happen: one host with an address for each end. */
export interface Track {
  readonly bed: TestBed;
  readonly hosts: { readonly seeders: readonly Host[]; readonly leecher: Host };
  readonly tracker: Place;
  readonly content: Content;
  readonly torrentFile: string;
  readonly infoHash: string;
}
export interface Measurement {
  readonly seconds: number;
  /** From the order to fetch until blocks arrive: what the client's own command and the tracker take is in it. */
  readonly msToFirstBlocks: number;
  /** Of all seeders together. */
  readonly seederCpuSeconds: number;
  readonly leecherCpuSeconds: number;
  /** Of the one that took most. */
  readonly seederMemory: ReturnType<typeof memoryOf>;
  readonly leecherMemory: ReturnType<typeof memoryOf>;
  /** CPU seconds per second that neither end nor this process used. */
  readonly coresUsedByOthers: number;
}

/** Makes the host, with addresses for so many seeders, and the torrent of the content, in pieces of a power of two. */
export async function layTrack(bed: TestBed, content: Content, seedersMax: number, pieceBytes: number): Promise<Track> {
  const tracker = await bed.place('opentracker');
  const torrentFile = await makeTorrent(content, announceUrlOfOpentracker(tracker), Math.log2(pieceBytes));
  const seeders = [tracker.host];
  while (seeders.length < seedersMax) seeders.push(await bed.network.addAddress(tracker.host));
  const hosts = { seeders, leecher: await bed.network.addAddress(tracker.host) };
  return { bed, hosts, tracker, content, torrentFile, infoHash: await infoHashOf(torrentFile) };
}

/** Lets clients of one kind seed to one of another, from fresh processes and an empty directory. */
export async function measureTransfer(
  track: Track,
  kinds: { seeder: ClientKind; leecher: ClientKind; seeders: number; isTlsReset: boolean },
): Promise<Measurement> {
  const { bed, hosts, content, torrentFile } = track;
  const tracker = await startOpentracker(track.tracker, [track.infoHash]); // A new one knows no peers of old.
  const clients: Client[] = [];
  const start = async (kind: ClientKind, host: Host): Promise<Client> => {
    const listenPort = LISTEN_PORT + clients.length * PORTS_PER_CLIENT;
    const client = await kind.start({ host, scratch: await bed.directory('client') }, { listenPort });
    clients.push(client);
    return client;
  };
  try {
    if (kinds.isTlsReset) await resetTls(hosts.leecher);
    for (const host of hosts.seeders.slice(0, kinds.seeders)) await start(kinds.seeder, host);
    for (const seeder of clients) await seeder.seed(torrentFile, content.parent);
    const seeders = [...clients];
    const leecher = await start(kinds.leecher, hosts.leecher);
    const into = await bed.directory('fetched');
    const measurement = await measure(seeders, leecher, content.size, () => leecher.fetch(torrentFile, into));
    await bed.remove(into);
    return measurement;
  } finally {
    await Promise.all([...clients.map((client) => client.stop()), tracker.kill()]);
    if (kinds.isTlsReset) await passTls(hosts.leecher);
  }
}

async function measure(
  seeders: readonly Client[],
  leecher: Client,
  size: number,
  start: () => Promise<void>,
): Promise<Measurement> {
  const pids = { seeders: seeders.map(({ program }) => program.pid), leecher: leecher.program.pid };
  const idleBytes = loopbackBytes(pids.leecher);
  const carried = <Answer>(bytes: number, pollMs: number, answer: () => Answer): Promise<Answer> =>
    until(
      `${bytes} bytes to ${leecher.name}`,
      TRANSFER_SECONDS_MAX,
      () => (loopbackBytes(pids.leecher) > idleBytes + bytes ? answer() : undefined),
      () => [...seeders, leecher].map(({ program }) => program.output).join('\n'),
      pollMs,
    );
  const orderedAt = performance.now() / 1000;
  const [before] = await Promise.all([carried(PAYLOAD_BEGAN_BYTES, START_POLL_MS, () => cpuNow(pids)), start()]);
  // Nobody is asked how far it is before it can be done: answers cost some clients more than others.
  await carried(size, END_POLL_MS, () => true);
  await leecher.waitComplete(TRANSFER_SECONDS_MAX, END_POLL_MS);
  const after = cpuNow(pids);
  const seconds = after.at - before.at;
  const seederMemories = pids.seeders.map(memoryOf).toSorted((a, b) => b.peakRssBytes - a.peakRssBytes);
  return {
    seconds,
    msToFirstBlocks: (before.at - orderedAt) * 1000,
    seederCpuSeconds: after.seeders - before.seeders,
    leecherCpuSeconds: after.leecher - before.leecher,
    seederMemory: seederMemories[0]!,
    leecherMemory: memoryOf(pids.leecher),
    coresUsedByOthers: (after.others - before.others) / seconds,
  };
}

function cpuNow(pids: { readonly seeders: readonly number[]; readonly leecher: number }) {
  const seeders = pids.seeders.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
  const leecher = cpuSecondsOf(pids.leecher);
  const others = cpuSecondsOfAll() - seeders - leecher - cpuSecondsOf(process.pid);
  return { at: performance.now() / 1000, seeders, leecher, others };
}
