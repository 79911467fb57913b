/** What a node opens before it makes its parts: files, ports, timers, and what follows from them. */
import { join } from 'node:path';
import { type Config, encryptionOf, parseRate } from '../config/index.ts';
import type { Address } from '../src/base/index.ts';
import { AlarmClock } from '../src/io/alarm-clock.ts';
import type { PortUsers } from '../src/io/arrival.ts';
import { BoundNetwork } from '../src/io/bound-network.ts';
import { Dialler } from '../src/io/dialler.ts';
import { type Identity, openIdentity } from '../src/io/identity.ts';
import { type ListingStore, openListingStore } from '../src/io/index.ts';
import { LinkOpener } from '../src/io/link-opener.ts';
import type { OnePort } from '../src/io/one-port.ts';
import { RateGate, type Rates } from '../src/io/rate-gate.ts';
import { makeNodeTls, type NodeTls } from '../src/io/tls-context.ts';
import type { UdpPort } from '../src/io/udp-port.ts';
import { readWebCertificate } from '../src/io/web-certificate.ts';
import type { KnownHost } from '../src/overlay/index.ts';
import type { NodeSettings } from './daemon.ts';
import type { Home } from './home.ts';
import { Filter } from './listing/filter.ts';
import { Subscriptions } from './listing/subscriptions.ts';
import type { Log } from './log.ts';
import { AddressBook } from './overlay/address-book.ts';
import { type Highest, OverlayMemory } from './overlay/overlay-memory.ts';
import { openPorts } from './ports.ts';

/** What holds a file, a port or a timer, and what follows from it. */
export interface Base {
  readonly home: Home;
  readonly config: Config;
  readonly log: Log;
  readonly identity: Identity;
  readonly tls: NodeTls;
  readonly store: ListingStore;
  readonly filter: Filter;
  readonly subscriptions: Subscriptions;
  readonly network: BoundNetwork;
  /** Filled in when they are made. */
  readonly users: Users;
  readonly port: OnePort;
  readonly udp: UdpPort;
  /** Ours, as this machine knows them. */
  readonly addresses: readonly Address[];
  readonly memory: OverlayMemory;
  readonly highest: Highest;
  readonly saved: readonly KnownHost[];
  readonly book: AddressBook;
  readonly alarms: AlarmClock;
  readonly rates: Rates;
  readonly dialler: Dialler;
  readonly opener: LinkOpener;
}
type Users = { -readonly [Name in keyof PortUsers]?: PortUsers[Name] } & {
  /** Told when the listing had to begin anew. */
  listingRenewed?: () => void;
};

/** Opens it; rejects with a MonsoonError when this environment does not let it. */
export async function openBase(settings: NodeSettings): Promise<Base> {
  const { home, config, log } = settings;
  // What is opened here is used by parts that do not exist yet.
  const users: Users = {};
  // Begun first: its thread starts while this one reads keys and looks at the network.
  const opening = openListingStore(join(home.dataDir, 'listing.sqlite'), {
    rowsMax: config.listingRows,
    warn: (text) => log.warn(text),
    renewed: () => users.listingRenewed?.(),
  });
  // That it failed is told where it is waited for.
  opening.catch(() => undefined);
  try {
    return await openBeside(opening, users, settings);
  } catch (error) {
    const store = await opening.catch(() => undefined);
    await store?.close();
    throw error;
  }
}

async function openBeside(
  opening: Promise<ListingStore>,
  users: Users,
  { home, config, log }: NodeSettings,
): Promise<Base> {
  const alarms = new AlarmClock();
  const network = await BoundNetwork.open(config.bind);
  const identity = await openIdentity(join(home.dataDir, 'identity.key'));
  const { webCertificate, webKey } = config;
  const isOwn = webCertificate !== '' || webKey !== '';
  const tls = makeNodeTls(identity, isOwn ? await readWebCertificate(webCertificate, webKey) : undefined);
  const subscriptions = await Subscriptions.open(join(home.dataDir, 'filter-lists'), identity, log);
  const store = await opening;
  const filter = await Filter.open(
    join(home.dataDir, 'filter.txt'),
    { store, nodeId: identity.nodeId, log },
    subscriptions.rules,
  );
  const { port, udp } = await openPorts(
    { network, port: config.port, encryption: encryptionOf(config).in, tls },
    {
      http: (socket, firstBytes) => (users.http ? users.http(socket, firstBytes) : socket.destroy()),
      torrentNamed: (req2Hash) => users.torrentNamed?.(req2Hash),
      wire: (stream, ...rest) => (users.wire ? users.wire(stream, ...rest) : stream.socket.destroy()),
    },
  );
  const dialler = new Dialler(network, { allowLocal: config.allowLocal, ownPort: port.port });
  const memory = new OverlayMemory(home.dataDir, config.network, log);
  return {
    home,
    config,
    log,
    identity,
    tls,
    store,
    filter,
    subscriptions,
    network,
    users,
    port,
    udp,
    addresses: network.hosts().map((host): Address => ({ host, port: port.port })),
    memory,
    highest: await memory.highest(),
    saved: await memory.hosts(),
    book: new AddressBook(dialler),
    alarms,
    rates: openRates(config, alarms),
    dialler,
    opener: new LinkOpener({ dialler, policy: encryptionOf(config).out, tls }),
  };
}

function openRates({ downLimit, upLimit }: Config, alarms: AlarmClock): Rates {
  const rates = { down: new RateGate(alarms), up: new RateGate(alarms) };
  rates.down.limit(parseRate(downLimit) ?? null);
  rates.up.limit(parseRate(upLimit) ?? null);
  return rates;
}
