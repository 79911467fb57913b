/**
 * The composition root of a running node: makes every part once, in the order in which they need each other, and
 * takes them down in the opposite order.
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { type Address, formatAddress, MonsoonError, parseIp } from '../src/base/index.ts';
import { AlarmClock, now } from '../src/io/alarm-clock.ts';
import { Dialler, ownHosts } from '../src/io/dialler.ts';
import { HttpClient } from '../src/io/http-client.ts';
import { openIdentity } from '../src/io/identity.ts';
import { openListingStore } from '../src/io/index.ts';
import { type OnePort, openPort, type PortUsers } from '../src/io/one-port.ts';
import { newPeerId } from '../src/io/torrent-identity.ts';
import { Torrents } from '../src/io/torrents.ts';
import { TrackerClient } from '../src/io/tracker-client.ts';
import { LinkBudget } from '../src/session/index.ts';
import { Tracker } from '../tracker/index.ts';
import { TrackerFront } from '../tracker/io/index.ts';
import type { NodeSettings } from './daemon.ts';
import { DhtPeers } from './dht-peers.ts';
import { openDnsFor } from './dns-service.ts';
import { Library } from './library.ts';
import { ListingSync } from './listing-sync.ts';
import { Membership } from './membership.ts';
import { OwnCounts } from './own-counts.ts';
import { PublicFront } from './public-front.ts';
import type { RunningNode } from './running-node.ts';

/** Rows of the listing kept on disk. */
const LISTING_ROWS_MAX = 200_000;

/** Starts a node; rejects with a MonsoonError when this environment does not let it. */
export async function startNode({ home, config, log }: NodeSettings): Promise<RunningNode> {
  const identity = await openIdentity(join(home.dataDir, 'identity.key'));
  const store = await openListingStore(join(home.dataDir, 'listing.sqlite'), {
    rowsMax: LISTING_ROWS_MAX,
    warn: (text) => log.warn(text),
  });
  const alarms = new AlarmClock();
  const dialler = new Dialler({ allowLocal: config.allowLocal });
  const http = new HttpClient((ip, port) => mayAsk(dialler, membership, ip, port));
  const users: { -readonly [Name in keyof PortUsers]?: PortUsers[Name] } = {};
  const port = await openPort(config.bind, config.port, {
    http: (socket, firstBytes) => (users.http ? users.http(socket, firstBytes) : socket.destroy()),
    wire: (socket, ...rest) => (users.wire ? users.wire(socket, ...rest) : socket.destroy()),
  });
  const addresses = addressesOf(config.bind, port);
  const isSupernode = config.role === 'supernode' || (config.role === 'auto' && config.bootstrap.length === 0);
  const membership: Membership = new Membership({
    config,
    identity,
    http,
    dialler,
    log,
    isSupernode,
    addresses,
    changed: () => library.attend(),
  });
  const tracker = new Tracker({
    ownership: membership.ownership,
    random: Math.random,
    hashKey: { k0: randomInt(2 ** 32), k1: randomInt(2 ** 32) },
    swarmsMax: config.trackingHashes,
    peersMax: config.trackingPeers,
    bytesPerSecond: config.trackingBytesPerSecond,
  });
  const counts = new OwnCounts(tracker, membership.ownership, identity.nodeId);
  const trackerFront: TrackerFront = new TrackerFront({
    tracker,
    now,
    handOver: (socket, unread) => publicFront.accept(socket, unread),
  });
  const announceUrl = (): string | undefined => (isSupernode ? urlOf(addresses[0]) : undefined);
  const publicFront: PublicFront = new PublicFront({
    network: config.network,
    nodeId: identity.nodeId,
    membership,
    store,
    log,
    counted: (rows) => counts.applied(rows),
    answerTracker: (request, response) => trackerFront.answer(request, response),
    announceUrl,
  });
  const torrents = new Torrents(
    {
      dialler,
      alarms,
      trackers: new TrackerClient(http),
      budget: new LinkBudget(config.linksMax),
      random: Math.random,
      peerId: newPeerId(),
      port: port.port,
      linksPerTorrentMax: config.linksPerTorrentMax,
      uploadSlots: config.uploadSlots,
      log: (text) => log.debug(text),
    },
    join(home.dataDir, 'resume'),
  );
  users.http = (socket, firstBytes) => trackerFront.accept(socket, firstBytes);
  users.wire = (socket, address, handshake, firstBytes) => torrents.accept(socket, address, handshake, firstBytes);
  const sync = new ListingSync(store, membership, http, log);
  const library: Library = new Library({ home, config, identity, store, torrents, membership, sync, http, counts });
  const dht = await DhtPeers.open(config, port.port, torrents);
  const dns = await openDnsFor(config, isSupernode, membership, identity.nodeId);
  const firstRound = membership.start();
  await library.recall();
  sync.start();
  const startedAt = now();

  return {
    status: () => ({
      nodeId: identity.nodeId,
      pid: process.pid,
      port: port.port,
      ui: '',
      role: isSupernode ? 'supernode' : 'client',
      network: config.network,
      supernodes: membership.size,
      listingRows: library.rowCount,
      bootstrap: membership.bootstrap,
      caps: {
        trackingBytesPerSecond: config.trackingBytesPerSecond,
        hashes: config.trackingHashes,
        peers: config.trackingPeers,
      },
      ...(dns && { dnsPort: dns.port }),
      uptimeSeconds: Math.floor((now() - startedAt) / 1000),
    }),
    share: async (path, claims) => {
      await firstRound;
      return library.share(path, claims);
    },
    get: async (what, directory) => {
      await firstRound;
      return library.get(what, directory);
    },
    torrents: () => library.rows(),
    list: (query) => library.list(query),
    info: (what) => library.info(what),
    supernodes: () => membership.rows(),
    async stop() {
      membership.close();
      await sync.close();
      await Promise.all([dht?.close(), dns?.close()]);
      await torrents.stop();
      trackerFront.close();
      publicFront.close();
      await port.close();
      await http.close();
      await store.close();
      alarms.close();
    },
  };
}

/** The address rule for HTTP: trackers and supernodes, with what the user or a neighbour vouched for. */
function mayAsk(dialler: Dialler, membership: Membership, ip: string, port: number): boolean {
  if (port < 1024 && port !== 80 && port !== 443) return false;
  return membership.isVouched(ip, port) || dialler.refusal({ host: ip, port }, 'public') === undefined;
}

function addressesOf(bind: string, { port }: OnePort): Address[] {
  if (!parseIp(bind)) throw new MonsoonError('config', `--bind ${bind} is not an IP address`);
  return ownHosts(bind).map((host) => ({ host, port }));
}

function urlOf(address: Address | undefined): string | undefined {
  return address && `http://${formatAddress(address)}/announce`;
}
