// A node's torrents on a real port of the loopback interface, without tracker, listing or CLI.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Address } from '../../src/base/index.ts';
import { AlarmClock } from '../../src/io/alarm-clock.ts';
import { BoundNetwork } from '../../src/io/bound-network.ts';
import { Dialler } from '../../src/io/dialler.ts';
import { HttpClient } from '../../src/io/http-client.ts';
import { type Identity, identityOfSeed } from '../../src/io/identity.ts';
import { LinkOpener } from '../../src/io/link-opener.ts';
import { type OnePort, openPort } from '../../src/io/one-port.ts';
import { RateGate, type Rates } from '../../src/io/rate-gate.ts';
import { makeNodeTls } from '../../src/io/tls-context.ts';
import type { Torrent } from '../../src/io/torrent.ts';
import { newPeerId } from '../../src/io/torrent-identity.ts';
import type { TorrentServices, TorrentSpec } from '../../src/io/torrent-spec.ts';
import { Torrents } from '../../src/io/torrents.ts';
import { TrackerClient } from '../../src/io/tracker-client.ts';
import { Turnstile } from '../../src/io/turnstile.ts';
import { UdpPort } from '../../src/io/udp-port.ts';
import { UdpTrackerClient } from '../../src/io/udp-tracker-client.ts';
import type { EncryptionPolicy } from '../../src/link/index.ts';
import { LinkBudget, nodeLinkBounds } from '../../src/session/index.ts';
import { NO_WISHES, type TorrentInfo } from '../../src/torrent/index.ts';

const ASK_AGAIN_MS = 1;
/** A peer that a busy machine did not answer in time is dialled again 15 s later. */
const DEADLINE_MS = 40_000;

export interface LoopbackNode {
  readonly torrents: Torrents;
  readonly address: Address;
  readonly home: string;
  readonly identity: Identity;
  readonly rates: Rates;
  readonly alarms: AlarmClock;
  /** What its torrents logged. */
  readonly log: readonly string[];
  stop(): Promise<void>;
}

/** What a test may want otherwise. */
export interface LoopbackSettings extends Partial<TorrentServices> {
  readonly encryptionIn?: EncryptionPolicy;
  readonly encryptionOut?: EncryptionPolicy;
}

export async function openLoopbackNode(
  home: string = temporaryFolder('node'),
  { encryptionIn = 'prefer', encryptionOut = 'prefer', ...changes }: LoopbackSettings = {},
): Promise<LoopbackNode> {
  const alarms = new AlarmClock();
  const rates = { down: new RateGate(alarms), up: new RateGate(alarms) };
  const identity = identityOfSeed(randomBytes(32));
  const tls = makeNodeTls(identity);
  let torrents: Torrents | undefined;
  const network = await BoundNetwork.open('127.0.0.1');
  const port: OnePort = await openPort(
    { network, port: 0, encryption: encryptionIn, tls },
    {
      http: (socket) => socket.destroy(),
      torrentNamed: (req2Hash) => torrents?.named(req2Hash),
      wire: (stream, address, handshake, firstBytes) => torrents?.accept(stream, address, handshake, firstBytes),
    },
  );
  const udp = await UdpPort.open(network, 0);
  const http = new HttpClient({ network, mayDial: () => true, tls: undefined });
  const dialler = new Dialler(network, { allowLocal: true, ownPort: port.port });
  const opener = new LinkOpener({ dialler, policy: encryptionOut, tls });
  const log: string[] = [];
  torrents = new Torrents(
    {
      dialler,
      opener,
      alarms,
      trackers: new TrackerClient({
        http,
        udp: new UdpTrackerClient(udp, () => true, alarms),
        nodeAt: () => undefined,
      }),
      http,
      budget: new LinkBudget(nodeLinkBounds(100)),
      random: Math.random,
      peerId: newPeerId(),
      port: port.port,
      linksPerTorrentMax: 50,
      uploadSlots: 8,
      downloadsMax: 0,
      rates,
      checks: new Turnstile(),
      log: (text) => {
        log.push(text);
        if (process.env.MONSOON_TEST_LOG) console.error(text);
      },
      ...changes,
    },
    join(home, 'torrents'),
  );
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await torrents?.stop();
    dialler.close();
    opener.close();
    await Promise.all([port.close(), udp.close()]);
    await http.close();
    alarms.close();
  };
  return {
    alarms,
    torrents,
    address: { host: '127.0.0.1', port: port.port },
    home,
    rates,
    identity,
    log,
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** A node for one test, which stops it at its end: also when it fails, for an open port keeps a process alive. */
export async function openNodeFor(t: TestContext, home?: string, settings?: LoopbackSettings): Promise<LoopbackNode> {
  const node = await openLoopbackNode(home, settings);
  t.after(() => node.stop());
  return node;
}

export function specOf(info: TorrentInfo, directory: string, parts: Partial<TorrentSpec> = {}): TorrentSpec {
  return {
    infoHash: info.infoHash,
    name: info.name,
    info,
    trackers: [],
    webSeeds: [],
    directory,
    sourcePaths: [],
    wishes: NO_WISHES,
    isWhole: false,
    addedSeconds: 0,
    completedSeconds: 0,
    ...parts,
  };
}

/**
 * Polls until true, with a deadline: for conditions that only the network can bring about. A millisecond apart, because asking
 * without a pause takes a whole core from what is waited for, and from the tests beside this one.
 */
export async function until(what: string, isTrue: () => boolean, deadlineMs: number = DEADLINE_MS): Promise<void> {
  for (const end = performance.now() + deadlineMs; !isTrue(); ) {
    if (performance.now() > end) throw new Error(`timed out: ${what}`);
    await delay(ASK_AGAIN_MS);
  }
}

export const completed = (host: Torrent): Promise<void> =>
  until(`${host.spec.name} complete (${host.figures().stalledBecause})`, () => host.isComplete);

const folders: string[] = [];
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `monsoon-${name}-`));
  folders.push(folder);
  return folder;
}

export function randomContent(length: number): Buffer {
  return randomBytes(length);
}
