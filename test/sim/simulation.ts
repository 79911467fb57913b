/**
 * One run: makes the world and everything in it from a plan and a seed, lets it go, and adds up what happened. Tests take
 * it apart: each part may be reached and pushed.
 */
import { type Random, randomBelow } from '../../src/base/index.ts';
import type { Capacity, OverlayEvent, OverlayRole } from '../../src/overlay/index.ts';
import { AnnounceLedger } from './announce-ledger.ts';
import { Clients } from './clients.ts';
import { Exchanges } from './exchanges.ts';
import { KeyRing } from './fake-keys.ts';
import { Faults, FLASH_TIMES } from './faults.ts';
import { emptyTally, type Tally } from './figures.ts';
import { HashSpace } from './hash-space.ts';
import { hostileRole } from './hostile/roles.ts';
import { MemberWatch } from './member-watch.ts';
import { NETWORK_PLAN, Network, type NetworkPlan } from './network.ts';
import { type MakeOverlay, makeOverlay } from './overlay-under-test.ts';
import { OwnerWatch } from './owner-watch.ts';
import { livingFor, PROFILES, type Profile, type ProfileName } from './profile.ts';
import { RecordShelf } from './record-shelf.ts';
import { contactOf, Roster } from './roster.ts';
import { startSettled } from './settled.ts';
import { SimClock } from './sim-clock.ts';
import { SimNode, type Surroundings } from './sim-node.ts';
import { pareto, streamOf } from './streams.ts';
import { KIND, World } from './world.ts';

export interface SimulationPlan {
  readonly seed: number;
  readonly hours: number;
  readonly profile: ProfileName;
  readonly supernodes: number;
  readonly clients: number;
  /** Share of supernodes that lie; the profile's own unless given. */
  readonly hostile?: number;
  /** Which lie all of them tell; each its own unless given. */
  readonly hostileRole?: number;
  /** Torrents of a client, on average. */
  readonly torrentsMean?: number;
  /** Announces per second that supernodes bear on average, in what is asked of them on average. */
  readonly capacityOverDemand?: number;
  /** How long after everybody came upkeep, loads and how soon things are known are measured; 0 unless given. */
  readonly settleSeconds?: number;
  /** Nobody joins: everybody is a supernode from the beginning, and knows all others. */
  readonly isSettled?: boolean;
  /** The median of supernodes' sessions; the profile's own unless given. */
  readonly lifeHours?: number;
  /** Without it nothing goes wrong by itself. */
  readonly hasChurn?: boolean;
  readonly network?: Partial<NetworkPlan>;
}

/** What a node is that a test adds. */
export interface NodeOptions {
  readonly isHostile?: boolean;
  /** One of few /24s, in which many may be. */
  readonly subnet?: number;
  readonly role?: OverlayRole;
}

/**
 * The others start after the first one, so that they find it. A large network grows more slowly: votes for somebody are
 * believed by those whose rings name the same witnesses, and in one that doubles within seconds few are.
 */
const START_AFTER_MS = 20_000;
const START_SPREAD_MS = 30_000;
const START_SPREAD_MS_MAX = 400_000;
const START_EACH_MS = 300;
const SETTLE_MS = 150_000;
/** Nobody has copies of anything when a settled network starts. */
const SETTLED_MS = 30_000;
const CHECK_EVERY_MS = 10_000;
const SAMPLE_LOAD_EVERY_MS = 60_000;
const TORRENTS_MEAN = 3;
const CAPACITY_OVER_DEMAND = 2.5;
const INTERVAL_SECONDS = 1800;
const BOOTSTRAP_CONTACTS = 5;
const SKEW_MS = 5000;
const WRONG_CLOCK_SHARE = 0.1;
const WRONG_SKEW_MS = 60_000;

export class Simulation {
  readonly plan: SimulationPlan;
  readonly world: World;
  readonly network: Network;
  readonly roster: Roster = new Roster();
  readonly space: HashSpace;
  readonly exchanges: Exchanges;
  readonly ledger: AnnounceLedger;
  readonly owners: OwnerWatch;
  readonly members: MemberWatch;
  readonly clients: Clients;
  readonly faults: Faults;
  readonly tally: Tally = emptyTally();
  readonly keys: KeyRing = new KeyRing();
  /** What nodes said of themselves; the last EVENTS_MAX. */
  readonly events: { readonly atMs: number; readonly node: number; readonly event: OverlayEvent }[] = [];
  readonly #around: Surroundings;
  readonly #servingSince = new Map<SimNode, number>();
  readonly #bootstrap: Random;

  /** @param make the machine that every node runs */
  constructor(plan: SimulationPlan, make: MakeOverlay = makeOverlay) {
    const { seed, clients: count, torrentsMean = TORRENTS_MEAN } = plan;
    const world = new World(seed);
    const network = new Network(world, { ...NETWORK_PLAN, ...plan.network });
    const { roster } = this;
    this.plan = plan;
    this.world = world;
    this.network = network;
    this.space = new HashSpace(Math.max(400, 8 * plan.supernodes, Math.min(count, 20_000)), streamOf(seed, 'hashes'));
    this.#bootstrap = streamOf(seed, 'bootstrap');
    this.exchanges = new Exchanges(world, network, (endpoint) => roster.at(endpoint));
    this.ledger = new AnnounceLedger(world, network, roster, this.space);
    this.owners = new OwnerWatch(world, network, roster, this.space);
    this.members = new MemberWatch(world, roster, this.space);
    this.faults = new Faults(world, network, roster, (node) => this.#changed(node));
    const { ledger, owners, tally, space } = this;
    this.clients = new Clients(world, { network, roster, space }, { ledger, owners, tally }, { count, torrentsMean });
    this.#around = {
      world,
      space,
      touched: ledger.touched,
      keys: this.keys,
      shelf: new RecordShelf(),
      makeOverlay: make,
      exchanges: this.exchanges,
      bootstrap: (node) => this.#contactsFor(node),
      changed: (node) => this.#changed(node),
      happened: (node, event) => this.#happened(node, event),
    };
    for (let i = 0; i < plan.supernodes; i++) this.addNode({ isHostile: this.#isHostile(i) });
  }

  get #startSpreadMs(): number {
    return Math.min(START_SPREAD_MS_MAX, Math.max(START_SPREAD_MS, START_EACH_MS * this.plan.supernodes));
  }

  get #profile(): Profile {
    const { profile, lifeHours } = this.plan;
    return lifeHours === undefined ? PROFILES[profile] : livingFor(PROFILES[profile], lifeHours);
  }

  /** Until then nodes find each other. */
  get warmUpMs(): number {
    return this.plan.isSettled ? SETTLED_MS : this.#startSpreadMs + SETTLE_MS;
  }

  /** From then on upkeep, loads and how soon things are known are measured. */
  get #measuredFromMs(): number {
    return this.warmUpMs + 1000 * (this.plan.settleSeconds ?? 0);
  }

  /** A node that may serve; it starts when it is told to. */
  addNode({ isHostile = false, subnet, role = 'supernode' }: NodeOptions = {}): SimNode {
    const { seed } = this.plan;
    const index = this.roster.nodes.length;
    const random = streamOf(seed, 'node', index);
    const isWrong = random() < WRONG_CLOCK_SHARE;
    const skew = (2 * random() - 1) * (isWrong ? WRONG_SKEW_MS : SKEW_MS);
    const node = new SimNode(
      {
        index,
        ...this.keys.make(streamOf(seed, 'key', index)),
        endpoint: this.network.join(true, subnet),
        clock: new SimClock(1000 * (1 + randomBelow(random, 100_000)), skew),
        random: streamOf(seed, 'machine', index),
        chance: streamOf(seed, 'host', index),
        role,
        capacity: this.#capacity(random),
        hostile: isHostile ? hostileRole(this.plan.hostileRole ?? index) : undefined,
      },
      this.#around,
    );
    this.roster.add(node);
    return node;
  }

  /** Starts everybody: the nodes at once, the clients when the nodes know each other. */
  begin(): void {
    const { world, plan, roster } = this;
    if (plan.isSettled) world.plan(0, KIND.session, 0, () => startSettled(roster.nodes, world));
    else this.#startEach();
    for (const node of roster.nodes) {
      if (plan.hasChurn ?? true) {
        world.plan(this.warmUpMs, KIND.churn, node.index, () => this.faults.churn(node, this.#profile));
      }
    }
    world.plan(this.warmUpMs, KIND.session, 0, () => {
      this.clients.begin();
      this.members.refresh();
      if (plan.hasChurn ?? true) this.#plagues();
      world.planEvery(CHECK_EVERY_MS, KIND.check, 0, () => this.check());
      world.planEvery(SAMPLE_LOAD_EVERY_MS, KIND.check, 0, () => this.#sampleLoads());
    });
    world.plan(this.#measuredFromMs, KIND.session, 0, () => this.#measure());
  }

  #startEach(): void {
    const { world, plan, roster } = this;
    const chance = streamOf(plan.seed, 'start');
    for (const node of roster.nodes) {
      const inMs = node.index === 0 ? 0 : START_AFTER_MS + chance() * this.#startSpreadMs;
      world.plan(inMs, KIND.session, node.index, () => node.start());
    }
  }

  /** Forgets what the joining cost. */
  #measure(): void {
    const { world, exchanges, tally, roster } = this;
    exchanges.traffic.clear();
    tally.loads.length = 0;
    for (const node of roster.serving) this.#servingSince.set(node, world.now);
  }

  /** Looks at every promise that is too dear to look at after each event. */
  check(): void {
    this.owners.check();
    this.ledger.check();
    this.members.refresh();
  }

  /** Runs it all; the same plan gives the same tally, but for its wall time. */
  run(): Tally {
    const started = process.hrtime.bigint();
    this.begin();
    this.world.run(this.plan.hours * 3_600_000);
    this.check();
    this.tally.wallSeconds = Number(process.hrtime.bigint() - started) / 1e9;
    return this.count();
  }

  /** The tally so far. */
  count(): Tally {
    const { tally, world, ledger, exchanges, members } = this;
    for (const [node, since] of this.#servingSince) {
      tally.servedSeconds += (world.now - since) / 1000;
      this.#servingSince.set(node, world.now);
    }
    tally.events = world.steps;
    tally.simulatedHours = world.now / 3_600_000;
    tally.acknowledged = ledger.acknowledged;
    tally.lost = ledger.lost;
    tally.bytesMoved = exchanges.traffic.moved;
    tally.upkeepBytes = exchanges.traffic.upkeep;
    tally.handshakes = exchanges.traffic.handshakes;
    tally.breaks = world.breakCount;
    tally.knownSeconds.splice(0, Number.POSITIVE_INFINITY, ...members.knownSeconds);
    tally.answeredAgainSeconds.splice(0, Number.POSITIVE_INFINITY, ...members.answeredAgainSeconds);
    tally.hashes.splice(0, 1, world.trace.text);
    return tally;
  }

  #plagues(): void {
    const { plan } = this;
    // Of the 21st of all hashes by popularity.
    const usual = (plan.clients * (plan.torrentsMean ?? TORRENTS_MEAN)) / (21 ** 0.9 * 12);
    this.faults.daily(plan.hours * 3_600_000, this.clients, this.space, Math.round(FLASH_TIMES * usual));
  }

  #sampleLoads(): void {
    for (const node of this.roster.honest) {
      const [all] = node.keeper!.loadOf([{ from: '', to: '' }]);
      this.tally.loads.push(all!.announcesPerSecond / node.plan.capacity.announcesPerSecond);
    }
  }

  #changed(node: SimNode): void {
    const { roster, world } = this;
    roster.changed(node);
    const since = this.#servingSince.get(node);
    const isLive = roster.isLive(node);
    if (isLive === (since !== undefined) || world.now < this.#measuredFromMs) return;
    if (since === undefined) {
      this.#servingSince.set(node, world.now);
      if (node.isHonest) this.members.joined(node);
      return;
    }
    this.#servingSince.delete(node);
    this.tally.servedSeconds += (world.now - since) / 1000;
    const isSilent = !node.isLeaving && (!node.isUp || node.isAsleep || roster.vanished.has(node.endpoint.group));
    if (node.isHonest) this.members.left(node, isSilent);
  }

  #happened(node: SimNode, event: OverlayEvent): void {
    if (event.type === 'elected') this.tally.elections++;
    if (event.type === 'handed-off') this.tally.handOffs++;
    this.events.push({ atMs: this.world.now, node: node.index, event });
    if (this.events.length > EVENTS_MAX) this.events.shift();
  }

  #contactsFor(node: SimNode): ReturnType<Surroundings['bootstrap']> {
    const others = this.roster.serving.filter((other) => other !== node);
    if (this.roster.vanished.has(node.endpoint.group)) return [];
    const count = Math.min(BOOTSTRAP_CONTACTS, others.length);
    return Array.from({ length: count }, () => contactOf(others[randomBelow(this.#bootstrap, others.length)]!));
  }

  #isHostile(index: number): boolean {
    const share = this.plan.hostile ?? PROFILES[this.plan.profile].hostileShare;
    // Spread evenly, so that a small network has its share too; the first node is honest.
    return Math.floor((index + 1) * share) > Math.floor(index * share) && index > 0;
  }

  #capacity(random: Random): Capacity {
    const { clients, supernodes, torrentsMean = TORRENTS_MEAN, capacityOverDemand = CAPACITY_OVER_DEMAND } = this.plan;
    const demand = (1.5 * clients * torrentsMean) / INTERVAL_SECONDS / supernodes;
    // The mean of Pareto(1.5) is three times its least value.
    const announcesPerSecond = Math.max(1, Math.round(pareto(random, 1.5, (demand * capacityOverDemand) / 3)));
    return { announcesPerSecond, peers: 1_000_000, hashes: 200_000, trackingBytesPerSecond: 60_000 };
  }
}

const EVENTS_MAX = 10_000;
