/** What this node tracks: one table of swarms with two entrances, HTTP and UDP. */
import { createHmac, randomBytes, randomInt } from 'node:crypto';
import type { Config } from '../config/index.ts';
import { parseIp } from '../src/base/index.ts';
import { now } from '../src/io/alarm-clock.ts';
import type { UdpPort } from '../src/io/udp-port.ts';
import type { Ownership } from '../src/ports/index.ts';
import { ConnectionIds, Registrar, SwarmKeeping, Tracker, UdpTracker } from '../tracker/index.ts';
import type { Caps } from './running-node.ts';

const CONNECTION_KEY_BYTES = 32;

/** The table, as clients and as other supernodes see it. */
export interface TrackerService {
  readonly tracker: Tracker;
  readonly keeping: SwarmKeeping;
  /** Keeps to other caps from now on. */
  cap(caps: Caps): void;
}

/** Opens the table, and its entrance on the UDP port; the one over HTTP is the caller's to put before the tracker. */
export function openTracker(config: Config, ownership: Ownership, udp: UdpPort): TrackerService {
  const registrar = new Registrar({
    ownership,
    random: Math.random,
    hashKey: { k0: randomInt(2 ** 32), k1: randomInt(2 ** 32) },
    swarmsMax: config.trackingHashes,
    peersMax: config.trackingPeers,
    bytesPerSecond: config.trackingBytesPerSecond,
  });
  // Ids are good for two minutes: nobody misses the key after a restart.
  const key = randomBytes(CONNECTION_KEY_BYTES);
  const ids = new ConnectionIds((message) => createHmac('sha256', key).update(message).digest());
  const tracker = new UdpTracker(registrar, ids);
  udp.read('tracker-request', (datagram, from) => {
    const answer = tracker.serve(datagram, parseIp(from.host)!, now());
    // A copy, because it is sent later than the next one is written.
    if (answer) udp.send(Buffer.from(answer), from);
  });
  return {
    tracker: new Tracker(registrar),
    keeping: new SwarmKeeping(registrar),
    cap: ({ trackingBytesPerSecond: bytesPerSecond, hashes: swarmsMax, peers: peersMax }) =>
      registrar.cap({ bytesPerSecond, swarmsMax, peersMax }),
  };
}
