/**
 * The composition root of a running node: makes every part once, in the order in which they need each other, and
 * takes them down in the opposite order.
 */
import { join } from 'node:path';
import { encryptionOf } from '../config/index.ts';
import { type Address, formatAddress, type InfoHash } from '../src/base/index.ts';
import { now } from '../src/io/alarm-clock.ts';
import { HttpClient } from '../src/io/http-client.ts';
import { nodeIdOf } from '../src/io/tls-context.ts';
import { newPeerId } from '../src/io/torrent-identity.ts';
import { Torrents } from '../src/io/torrents.ts';
import { TrackerClient } from '../src/io/tracker-client.ts';
import { Turnstile } from '../src/io/turnstile.ts';
import { UdpTrackerClient } from '../src/io/udp-tracker-client.ts';
import type { Counts, DenyFacts } from '../src/listing/index.ts';
import { ROLE_ANSWERS_DNS } from '../src/overlay/index.ts';
import type { Ownership } from '../src/ports/index.ts';
import { LinkBudget, nodeLinkBounds } from '../src/session/index.ts';
import { TrackerFront } from '../tracker/io/index.ts';
import type { NodeSettings } from './daemon.ts';
import { type DhtService, openDhtService } from './dht-service.ts';
import { DnsService, zoneOf } from './dns/dns-service.ts';
import { examine } from './doctor/doctor-facts.ts';
import type { Filter } from './listing/filter.ts';
import { FilterDesk } from './listing/filter-desk.ts';
import { FilterExchange } from './listing/filter-exchange.ts';
import { FilterShelf } from './listing/filter-shelf.ts';
import { LanNews } from './listing/lan-news.ts';
import { ListingFront } from './listing/listing-front.ts';
import { ListingSync } from './listing/listing-sync.ts';
import { OwnCounts } from './listing/own-counts.ts';
import { Publisher } from './listing/publisher.ts';
import { type Base, openBase } from './node-base.ts';
import { Membership } from './overlay/membership.ts';
import { openOverlayClient } from './overlay/overlay-client.ts';
import { capacityOf, capsOf, OverlayDesk } from './overlay/overlay-desk.ts';
import { OverlayHost } from './overlay/overlay-host.ts';
import { WaysIn } from './overlay/ways-in.ts';
import { PublicFront } from './public-front.ts';
import { Reach } from './reach.ts';
import type {
  BootstrapStatus,
  CapChange,
  Caps,
  Choice,
  Claims,
  FileRow,
  FilterChange,
  FilterListText,
  FilterStatus,
  Finding,
  HostRow,
  ListingAnswer,
  ListingQuery,
  NodeStatus,
  PlacementRow,
  RateChange,
  RateLimits,
  RunningNode,
  Said,
  SharedTorrent,
  Statement,
  SupernodeRow,
  TorrentAction,
  TorrentDetail,
  TorrentRow,
  Wanted,
  WantedRole,
  ZoneReport,
} from './running-node.ts';
import { hostRows, readHostList } from './sources/host-lists.ts';
import { LanNeighbours } from './sources/lan-neighbours.ts';
import type { OpenFile } from './streamed-file.ts';
import { LanPeers } from './torrents/lan-peers.ts';
import { Library } from './torrents/library.ts';
import { resolveTarget } from './torrents/target.ts';
import { openTracker, type TrackerService } from './tracker-service.ts';

/** Starts a node; rejects with a MonsoonError when this environment does not let it. */
export async function startNode(settings: NodeSettings): Promise<RunningNode> {
  const base = await openBase(settings);
  const parts = compose(base);
  const services: Services = { dht: undefined, lan: undefined, dns: undefined };
  const node = new Node(base, parts, services);
  try {
    services.dht = await openDhtService({ ...base, ...parts });
    services.lan = LanPeers.open(base.config, base.network, base.port.port, parts.torrents);
    services.dns = await DnsService.open({ ...base, ...parts });
    await node.begin();
  } catch (error) {
    await node.stop();
    throw error;
  }
  return node;
}

type Parts = ReturnType<typeof compose>;

/** Makes the rest; parts that need each other meet through closures, which run only later. */
function compose(base: Base) {
  const { config, log, identity, store, book } = base;
  const mayDial = (ip: string, port: number): boolean => book.mayAsk(ip, port);
  const tls = encryptionOf(config).out === 'off' ? undefined : base.tls;
  const http = new HttpClient({ network: base.network, mayDial, tls });
  const service = openTracker(
    config,
    ownershipOf(() => membership.ownership, base.filter),
    base.udp,
  );
  const { tracker } = service;
  const overlay = composeOverlay(base, service, () => {
    membership.noteChange();
    overlay.waysIn.noteChange();
    library.attend();
  });
  const { membership, host, reach } = overlay;
  const counts = new OwnCounts(tracker, membership.ownership, identity.nodeId);
  const trackerFront: TrackerFront = new TrackerFront({
    tracker,
    now,
    nodeAt: nodeIdOf,
    handOver: (socket, unread) => publicFront.accept(socket, unread),
  });
  const counted = (infoHash: InfoHash) => counts.counted(infoHash);
  const { listing, shelf, news, sync, publisher } = composeListing(base, overlay, http, counted);
  const publicFront: PublicFront = new PublicFront({
    network: config.network,
    membership,
    overlay: host,
    store,
    listing,
    shelf,
    log,
    counted: (rows) => counts.applied(rows),
    answerTracker: (request, response) => trackerFront.answer(request, response),
    announceUrl: () => (host.machine.isSupernode ? urlOf(base.addresses[0]) : undefined),
  });
  const trackers = new TrackerClient({
    http,
    udp: new UdpTrackerClient(base.udp, mayDial, base.alarms),
    nodeAt: (address) => membership.nodeAt(address),
    portOutside: () => reach.external?.tcpPort,
    ownersOf: (infoHash) => membership.ownersOf(infoHash),
    learned: (records) => host.feed({ type: 'records', records }),
    silent: (nodeId) => membership.noteSilent(nodeId),
  });
  const torrents = openTorrents(base, http, trackers);
  base.users.http = (socket, firstBytes) => trackerFront.accept(socket, firstBytes);
  base.users.torrentNamed = (req2Hash) => torrents.named(req2Hash);
  base.users.wire = (stream, address, handshake, firstBytes) => torrents.accept(stream, address, handshake, firstBytes);
  const library: Library = new Library({ ...base, ...overlay, torrents, sync, publisher, http, counts });
  base.users.listingRenewed = () => sync.restart();
  base.filter.onChange((isLooser) => {
    if (isLooser) sync.restart();
    library.obeyFilter();
  });
  const filterDesk = composeFilter(base, membership, http, shelf);
  return { ...overlay, ...filterDesk, news, http, trackerFront, publicFront, torrents, sync, library };
}

/** The listing: what others are given of it, what is taken from them, and what this node publishes. */
function composeListing(
  base: Base,
  { membership, nodes, lan }: Pick<ReturnType<typeof composeOverlay>, 'membership' | 'nodes' | 'lan'>,
  http: HttpClient,
  counted: (infoHash: InfoHash) => Counts | undefined,
) {
  const { config, identity, store, filter, log } = base;
  const { network } = config;
  const { nodeId } = identity;
  const budget = { bytesPerSecond: config.listingBytesPerSecond, workShare: config.listingWorkPercent / 100 };
  const sync = new ListingSync({ network, nodeId, store, membership, http, log, budget, counted });
  const news = new LanNews({ network, http: nodes, lan, take: (page) => sync.takeNews(page) });
  const isDenied = (entry: DenyFacts): boolean => filter.denies(entry);
  const told = () => news.recent;
  const listing = new ListingFront({ network, nodeId, membership, store, counted, isDenied, news: told });
  const publisher = new Publisher({ identity, store, sync, news });
  return { listing, shelf: new FilterShelf(() => membership.ownership), news, sync, publisher };
}

/** The filter with the lists that it takes from the network. */
function composeFilter(base: Base, membership: Membership, http: HttpClient, shelf: FilterShelf) {
  const { filter, subscriptions, identity, store, log } = base;
  const { nodeId } = identity;
  const changed = () => filter.subscribe(subscriptions.rules);
  const filterExchange = new FilterExchange({ nodeId, membership, http, subscriptions, shelf, log, changed });
  return { filterExchange, filterDesk: new FilterDesk(nodeId, filter, subscriptions, filterExchange, store) };
}

/** This node's part in the overlay. Its client speaks TLS whatever the policy of peer links is: that proves who answers. */
function composeOverlay(base: Base, { keeping: keeper, cap }: TrackerService, changed: () => void) {
  const { config, book, memory, highest } = base;
  const nodes = openOverlayClient({
    network: base.network,
    mayDial: (ip, port) => book.mayAsk(ip, port),
    tls: base.tls,
  });
  const reach = new Reach({ ...base, changed: () => host.feed({ type: 'moved' }) });
  const addresses = (): Address[] => [reach.address, ...base.addresses].filter((each) => each !== undefined);
  base.book.askFrom(addresses);
  const caps = capsOf(config);
  const host: OverlayHost = new OverlayHost({
    ...base,
    network: config.network,
    http: nodes,
    part: {
      role: config.role,
      addresses,
      capacity: capacityOf(caps),
      roles: () => (config.zone === '' ? 0 : ROLE_ANSWERS_DNS),
      keeper,
      ...highest,
    },
    changed,
    told: (event) => desk.note(event),
  });
  const desk = new OverlayDesk({ self: base.identity.nodeId, host, keeper, caps, cap });
  const lan = LanNeighbours.open(base);
  const membership = new Membership({ ...base, host });
  const waysIn = new WaysIn({ ...base, membership, http: nodes, memory, host, lan });
  return { nodes, reach, host, desk, membership, waysIn, lan };
}

/** An answer that does not exist yet to a question that is asked later. */
function ownershipOf(later: () => Ownership, filter: Filter): Ownership {
  return {
    // What the user denies has no owner here, so nothing of it is tracked.
    ownerOf: (infoHash) => (filter.denies({ infoHash }) ? undefined : later().ownerOf(infoHash)),
    roleOf: (infoHash) => (filter.denies({ infoHash }) ? undefined : later().roleOf(infoHash)),
    copiesOf: (infoHash) => later().copiesOf(infoHash),
    recordsOf: (infoHash) => later().recordsOf(infoHash),
  };
}

function openTorrents(
  { home, config, log, dialler, opener, alarms, port, rates, filter }: Base,
  http: HttpClient,
  trackers: TrackerClient,
): Torrents {
  return new Torrents(
    {
      dialler,
      opener,
      alarms,
      trackers,
      http,
      budget: new LinkBudget(nodeLinkBounds(config.linksMax)),
      random: Math.random,
      peerId: newPeerId(),
      port: port.port,
      linksPerTorrentMax: config.linksPerTorrentMax,
      uploadSlots: config.uploadSlots,
      rates,
      checks: new Turnstile(),
      downloadsMax: config.downloadsMax,
      refusal: (infoHash, name) => filter.refusal({ infoHash, name }),
      log: (text) => log.debug(text),
    },
    join(home.dataDir, 'resume'),
  );
}

/** What only some configurations have; filled in while the node starts. */
interface Services {
  dht: DhtService | undefined;
  lan: LanPeers | undefined;
  dns: DnsService | undefined;
}

/** A node that serves: passes each question to the part that knows. */
class Node implements RunningNode {
  readonly #base: Base;
  readonly #parts: Parts;
  readonly #services: Services;
  /** What is asked right after the start waits until the bootstrap sources were asked once. */
  #firstRound: Promise<void> = Promise.resolve();
  readonly #startedAt = now();

  constructor(base: Base, parts: Parts, services: Services) {
    this.#base = base;
    this.#parts = parts;
    this.#services = services;
  }

  /** Joins the network and goes on with everything that was there. */
  async begin(): Promise<void> {
    const { host, waysIn, library, reach, sync } = this.#parts;
    reach.start();
    host.start();
    this.#base.network.watch(() => this.#networkChanged());
    this.#firstRound = waysIn.start();
    await library.recall();
    sync.start();
    this.#parts.filterExchange.start();
  }

  status(): NodeStatus {
    const { config, identity, port } = this.#base;
    const { membership, waysIn, library, reach, desk } = this.#parts;
    return {
      nodeId: identity.nodeId,
      pid: process.pid,
      port: port.port,
      ui: '',
      role: desk.role,
      network: config.network,
      supernodes: membership.size,
      listingRows: library.rowCount,
      bootstrap: waysIn.bootstrap,
      limits: this.#limits,
      caps: desk.caps,
      overlay: desk.status(),
      dnsPort: this.#services.dns?.port ?? null,
      ...reach.status(),
      reachedFrom: port.reachedFrom ?? null,
      uptimeSeconds: Math.floor((now() - this.#startedAt) / 1000),
    };
  }

  async share(path: string, claims: Claims): Promise<SharedTorrent> {
    await this.#firstRound;
    return this.#parts.library.share(path, claims);
  }

  async get(what: string, directory: string | undefined, wanted?: Wanted): Promise<TorrentRow> {
    await this.#firstRound;
    return this.#parts.library.get(what, directory, wanted);
  }

  async getFile(bytes: Uint8Array): Promise<TorrentRow> {
    await this.#firstRound;
    return this.#parts.library.getFile(bytes);
  }

  files(what: string): Promise<readonly FileRow[]> {
    return this.#parts.library.files(what);
  }

  open(infoHash: InfoHash, file: number): OpenFile {
    return this.#parts.library.open(infoHash, file);
  }

  torrentFile(what: string): Promise<Uint8Array> {
    return this.#parts.library.torrentFile(what);
  }

  choose(what: string, choice: Choice): Promise<readonly FileRow[]> {
    return this.#parts.library.choose(what, choice);
  }

  torrents(): readonly TorrentRow[] {
    const rows = this.#parts.library.rows();
    const { problem } = this.#base.network;
    if (problem === undefined) return rows;
    const isIdle = ({ state }: TorrentRow): boolean => state === 'stopped' || state === 'failed';
    return rows.map((row) => (isIdle(row) ? row : { ...row, stalledBecause: problem }));
  }

  /** What failed while our own network was gone is tried at once, not when its turn comes. */
  #networkChanged(): void {
    const { waysIn, torrents } = this.#parts;
    if (this.#base.network.problem !== undefined) return;
    waysIn.askAgain();
    for (const host of torrents.all()) host.announceAgain();
  }

  act(what: string, action: TorrentAction): Promise<TorrentRow> {
    return this.#parts.library.act(what, action);
  }

  limit(change: RateChange): RateLimits {
    const { rates } = this.#base;
    if (change.down !== undefined) rates.down.limit(change.down);
    if (change.up !== undefined) rates.up.limit(change.up);
    return this.#limits;
  }

  get #limits(): RateLimits {
    const { down, up } = this.#base.rates;
    return { downBytesPerSecondMax: down.bytesPerSecond, upBytesPerSecondMax: up.bytesPerSecond };
  }

  list(query: ListingQuery): Promise<ListingAnswer> {
    return this.#parts.library.list(query);
  }

  say(what: string, statement: Statement): Promise<Said> {
    return this.#parts.library.say(what, statement);
  }

  filter(): FilterStatus {
    return this.#parts.filterDesk.status;
  }

  filterList(author: string): FilterListText {
    return this.#parts.filterDesk.list(author);
  }

  changeFilter(change: FilterChange): Promise<FilterStatus> {
    return this.#parts.filterDesk.change(change);
  }

  info(what: string): Promise<TorrentDetail> {
    return this.#parts.library.info(what);
  }

  supernodes(): readonly SupernodeRow[] {
    return this.#parts.desk.rows();
  }

  doctor(): Promise<readonly Finding[]> {
    const { waysIn, torrents } = this.#parts;
    const folders = torrents.all().map(({ spec }) => spec.directory);
    return examine({ ...this.#base, status: this.status(), folders, ...waysIn.surroundings });
  }

  hosts(): readonly HostRow[] {
    return hostRows(this.#parts.waysIn);
  }

  async addHosts(list: string): Promise<readonly BootstrapStatus[]> {
    const { waysIn, http } = this.#parts;
    return waysIn.tell(await readHostList(list, http, this.#base.book));
  }

  zone(): ZoneReport {
    return zoneOf(this.#services.dns);
  }

  async placement(what: string): Promise<PlacementRow> {
    const { desk, torrents } = this.#parts;
    const { infoHash } = await resolveTarget(what, torrents, this.#base.store);
    return desk.placement(infoHash);
  }

  volunteer(role: WantedRole): NodeStatus {
    const { host, waysIn } = this.#parts;
    host.order(role);
    if (role !== 'client') waysIn.askAgain();
    return this.status();
  }

  cap(change: CapChange): Caps {
    return this.#parts.desk.cap(change);
  }

  async drain(): Promise<NodeStatus> {
    const { host } = this.#parts;
    await host.retire();
    return this.status();
  }

  async stop(): Promise<void> {
    const { http, host, library, waysIn, nodes, reach, sync, torrents, trackerFront, publicFront } = this.#parts;
    const { alarms, dialler, memory, network, opener, port, store, udp } = this.#base;
    // Others take over first: as long as that takes, this node answers as before. Without a network there are none.
    if (network.problem === undefined) await host.drain();
    network.close();
    waysIn.close();
    this.#parts.news.close();
    const closing = library.close();
    await Promise.all([sync.close(), this.#parts.filterExchange.close()]);
    this.#services.lan?.close();
    await Promise.all([this.#services.dht?.close(), this.#services.dns?.close()]);
    // Torrents say goodbye to trackers, one of which may be this node: its port is open until they did.
    await Promise.all([torrents.stop(), reach.close(), closing]);
    host.close();
    dialler.close();
    opener.close();
    trackerFront.close();
    publicFront.close();
    await Promise.all([port.close(), udp.close()]);
    await Promise.all([http.close(), nodes.close(), memory.close()]);
    await store.close();
    alarms.close();
  }
}

function urlOf(address: Address | undefined): string | undefined {
  return address && `http://${formatAddress(address)}/announce`;
}
