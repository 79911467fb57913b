/**
 * The listing of a whole network: publishers offer their entries to the owner sets of the hashes, some of them while
 * everybody already pulls; supernodes go and come; and each node, supernode or not, is to have every entry in the end.
 */
import { type NodeId, randomBelow } from '../../src/base/index.ts';
import type { SyncBudget } from '../../src/listing/index.ts';
import type { Descriptor } from '../../src/overlay/index.ts';
import { unsigned } from '../overlay/fixtures.ts';
import { hashStarts } from './listing-log.ts';
import { ListingNode, type ListingSurroundings } from './listing-node.ts';
import { ListingPublisher } from './listing-publisher.ts';
import { ListingRing } from './listing-ring.ts';
import { NETWORK_PLAN, Network } from './network.ts';
import { streamOf } from './streams.ts';
import { KIND, World } from './world.ts';

export interface ListingPlan {
  readonly seed: number;
  readonly supernodes: number;
  /** Nodes that do not serve. */
  readonly readers: number;
  readonly entries: number;
  readonly budget: SyncBudget;
  /** Share of the supernodes that vanish, and of others that come, one after the other. */
  readonly churn: number;
  /** Share of the entries that are published while everybody pulls. */
  readonly late: number;
  /** How long it may take. */
  readonly seconds: number;
}

export interface ListingFigures {
  readonly supernodes: number;
  readonly readers: number;
  readonly entries: number;
  /** Virtual seconds until half, and all, of the readers and of the supernodes have everything; null where they never do. */
  readonly readersSeconds: readonly [number | null, number | null];
  readonly supernodesSeconds: readonly [number | null, number | null];
  /** The last entry was offered first, and the last supernode came or went, then. */
  readonly quietAfterSeconds: number;
  /** Of one node, the most that any had: bytes a second on average, and of each entry how often it came. */
  readonly bytesPerSecondMax: number;
  readonly timesCarriedMax: number;
  readonly broken: readonly string[];
}

/** Changes come in the first minutes; whoever sees them does within so long. */
const CHANGES_FROM_MS = 20_000;
const CHANGES_OVER_MS = 240_000;
const SEEN_WITHIN_MS = 15_000;
const LOOK_MS = 1000;
const TOKENS_EACH = 4;
/** Entries of one publisher. */
const ENTRIES_EACH = 20;

/** Lets one network converge. */
export function runListing(plan: ListingPlan): ListingFigures {
  return new ListingRun(plan).run();
}

class ListingRun {
  readonly #plan: ListingPlan;
  readonly #world: World;
  readonly #network: Network;
  readonly #around: ListingSurroundings;
  readonly #descriptors: readonly Descriptor[];
  readonly #nodes: (ListingNode | undefined)[] = [];
  /** Of every so many entries one. */
  readonly #publishers: ListingPublisher[] = [];
  #ring: ListingRing;
  #isOwed: Uint8Array;
  #published = 0;
  #quietAtMs = 0;

  constructor(plan: ListingPlan) {
    const { seed, supernodes, entries, churn } = plan;
    this.#plan = plan;
    this.#world = new World(seed);
    this.#network = new Network(this.#world, NETWORK_PLAN);
    const everServing = supernodes + Math.round(supernodes * churn);
    // One node id for each that serves at some time, and none for those that never do.
    this.#descriptors = Array.from({ length: everServing }, (_, i) => {
      const host = `10.${1 + (i >>> 8)}.${i & 255}.1`;
      return unsigned(seed * 10_000 + i, { addresses: [{ host, port: 7373 }], ownTokens: TOKENS_EACH });
    });
    const starts = hashStarts(entries, streamOf(seed, 'entries'));
    const nodeIds: NodeId[] = this.#descriptors.map(({ nodeId }) => nodeId);
    const at = (number: number): ListingNode | undefined => this.#nodes[number];
    this.#around = { world: this.#world, network: this.#network, starts, nodeIds, at, asked: new WeakMap() };
    this.#isOwed = new Uint8Array(entries);
    this.#ring = this.#ringOf(Array.from({ length: supernodes }, (_, i) => i));
  }

  run(): ListingFigures {
    const { supernodes, readers, entries, churn, late, seconds } = this.#plan;
    const world = this.#world;
    for (let i = 0; i < supernodes; i++) this.#nodes[i] = this.#node(i);
    for (let i = 0; i < readers; i++)
      this.#nodes[this.#descriptors.length + i] = this.#node(this.#descriptors.length + i);
    const numbers = new Map(this.#around.nodeIds.map((nodeId, i) => [nodeId, i]));
    for (let entry = 0; entry < entries; entry += ENTRIES_EACH)
      this.#publishers.push(new ListingPublisher(this.#network.join(false), this.#ring, numbers, this.#around));
    const early = entries - Math.round(entries * late);
    for (let entry = 0; entry < early; entry++) this.#publish(entry);
    const random = streamOf(this.#plan.seed, 'changes');
    const sometime = (): number => CHANGES_FROM_MS + random() * CHANGES_OVER_MS;
    for (let entry = early; entry < entries; entry++) {
      world.plan(sometime(), KIND.announce, 0, () => this.#publish(entry));
    }
    for (let i = 0; i < Math.round(supernodes * churn); i++) {
      world.plan(sometime(), KIND.churn, 0, () => this.#replaceOne(supernodes + i));
    }
    world.planEvery(LOOK_MS, KIND.check, 0, () => this.#look());
    for (const node of this.#nodes)
      if (node) world.plan(random() * LOOK_MS, KIND.tick, node.number, () => node.start());
    world.run(seconds * 1000, () => this.#isDone);
    return this.#figures();
  }

  #node(number: number): ListingNode {
    return new ListingNode(number, this.#network.join(true), this.#ring, this.#plan.budget, this.#around);
  }

  #ringOf(members: readonly number[]): ListingRing {
    return new ListingRing(this.#descriptors, members, this.#around.starts);
  }

  #publish(entry: number): void {
    this.#published++;
    this.#isOwed[entry] = 1;
    this.#quietAtMs = this.#world.now;
    // Neighbours in number are nobody's neighbours on the ring.
    this.#publishers[Math.floor(entry / ENTRIES_EACH)]!.publish(entry);
  }

  /** A supernode is gone without a word, and another node is elected: one that knows what a reader of its age knows. */
  #replaceOne(newcomer: number): void {
    const random = streamOf(this.#plan.seed, 'churn', newcomer);
    const { members } = this.#ring;
    const gone = members[randomBelow(random, members.length)]!;
    this.#nodes[gone]!.stop();
    this.#nodes[gone] = undefined;
    this.#quietAtMs = this.#world.now + SEEN_WITHIN_MS;
    const ring = this.#ringOf([...members.filter((number) => number !== gone), newcomer]);
    this.#ring = ring;
    this.#nodes[newcomer] = this.#node(newcomer);
    this.#nodes[newcomer].start();
    const others = this.#nodes.filter((node) => node !== undefined && node.number !== newcomer);
    for (const seeing of [...(others as ListingNode[]), ...this.#publishers]) {
      // Of two changes the later one is what it knows in the end.
      this.#world.plan(random() * SEEN_WITHIN_MS, KIND.fault, gone, () => seeing.see(this.#ring));
    }
  }

  get #isDone(): boolean {
    return (
      this.#published === this.#plan.entries &&
      this.#live.every((node) => node.completeAtMs !== undefined) &&
      this.#isQuiet
    );
  }

  get #isQuiet(): boolean {
    return (
      this.#world.now > CHANGES_FROM_MS + CHANGES_OVER_MS + SEEN_WITHIN_MS ||
      (this.#plan.churn === 0 && this.#plan.late === 0)
    );
  }

  get #live(): ListingNode[] {
    return this.#nodes.filter((node) => node !== undefined);
  }

  #look(): void {
    for (const node of this.#live) {
      const isComplete = node.log.size === this.#published;
      if (!isComplete) node.completeAtMs = undefined;
      else node.completeAtMs ??= this.#world.now;
    }
  }

  #figures(): ListingFigures {
    const { supernodes, readers, entries } = this.#plan;
    const serving = this.#live.filter(({ number }) => number < this.#descriptors.length);
    const reading = this.#live.filter(({ number }) => number >= this.#descriptors.length);
    const seconds = this.#world.now / 1000;
    const held = this.#isOwed.map((owed, entry) => (owed && !this.#live.some(({ log }) => log.has(entry)) ? 1 : 0));
    const lost = held.reduce((sum, each) => sum + each, 0);
    const lacking = this.#live.filter(({ completeAtMs }) => completeAtMs === undefined);
    return {
      ...{ supernodes, readers, entries },
      readersSeconds: halfAndAll(reading),
      supernodesSeconds: halfAndAll(serving),
      quietAfterSeconds: Math.round(this.#quietAtMs / 1000),
      bytesPerSecondMax: Math.round(Math.max(...this.#live.map(({ got }) => got.bytes)) / seconds),
      timesCarriedMax: Math.round((100 * Math.max(...this.#live.map(({ got }) => got.items))) / entries) / 100,
      broken: [
        ...(lost > 0 ? [`${lost} entries are with nobody`] : []),
        ...lacking.slice(0, 5).map(({ number, log }) => `node ${number} has ${log.size} of ${this.#published}`),
        ...this.#world.breaks.map(({ what }) => what),
      ],
    };
  }
}

function halfAndAll(nodes: readonly ListingNode[]): readonly [number | null, number | null] {
  const times = nodes.map(({ completeAtMs }) => completeAtMs ?? Number.POSITIVE_INFINITY).toSorted((a, b) => a - b);
  const at = (ms: number | undefined): number | null =>
    ms !== undefined && ms < Infinity ? Math.round(ms / 1000) : null;
  return [at(times[Math.ceil(times.length / 2) - 1]), at(times.at(-1))];
}
