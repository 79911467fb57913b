/**
 * One node that keeps its listing up to date: hosts the shipped SyncPlan as app/listing/listing-sync.ts does, over the
 * simulated network, with entries as numbers. It asks others for pages by cursor, takes what comes, and lets entries of
 * arcs that it gained count as changed.
 */
import { GainedArcs } from '../../app/listing/gained-arcs.ts';
import { instant, type NodeId } from '../../src/base/index.ts';
import { spansOf } from '../../src/io/listing-arcs.ts';
import {
  formatArcs,
  type OfferOutcome,
  type PullRequest,
  parseArcs,
  type SyncBudget,
  SyncPlan,
} from '../../src/listing/index.ts';
import type { Arc } from '../../src/ports/index.ts';
import { ListingLog, type LoggedPage } from './listing-log.ts';
import type { ListingRing } from './listing-ring.ts';
import type { Endpoint, Network } from './network.ts';
import { KIND, type World } from './world.ts';

const TICK_MS = 250;
const TIMEOUT_MS = 10_000;
const ITEMS_PER_PAGE = 100;
/** On the wire, compressed, of a row with a name of 43 characters; and of the page around them. */
const ITEM_BYTES = 230;
const PAGE_BYTES = 120;
/** A signature and a row in the store. */
const ITEM_WORK_MS = 0.25;

/** What all nodes of a run have in common. */
export interface ListingSurroundings {
  readonly world: World;
  readonly network: Network;
  readonly starts: Float64Array;
  readonly nodeIds: readonly NodeId[];
  /** Which entries questions for arcs are about. */
  readonly asked: WeakMap<readonly Arc[], Uint8Array>;
  /** The node of a number; undefined while it is down. */
  readonly at: (number: number) => ListingNode | undefined;
}

export class ListingNode {
  readonly number: number;
  readonly endpoint: Endpoint;
  readonly log: ListingLog;
  /** Entries that came, those that were here already included; bytes and pages of others' answers. */
  readonly got = { items: 0, bytes: 0, pages: 0 };
  /** When it had everything that there was; undefined while something is missing. */
  completeAtMs: number | undefined;
  isUp = true;
  readonly #around: ListingSurroundings;
  readonly #plan: SyncPlan;
  readonly #numbers: ReadonlyMap<NodeId, number>;
  readonly #arcs = new GainedArcs();
  #ring: ListingRing;
  #marks: { readonly ring?: ListingRing; own?: Uint8Array; kept?: Uint8Array } = {};
  #wake = 0;

  constructor(number: number, endpoint: Endpoint, ring: ListingRing, budget: SyncBudget, around: ListingSurroundings) {
    this.number = number;
    this.endpoint = endpoint;
    this.log = new ListingLog(around.starts.length);
    this.#around = around;
    this.#ring = ring;
    this.#plan = new SyncPlan(budget, instant(around.world.now));
    this.#numbers = new Map(around.nodeIds.map((nodeId, i) => [nodeId, i]));
    this.see(ring);
  }

  /** Its view is another one: arcs that it keeps now and did not before are new to whoever knows its cursor. */
  see(ring: ListingRing): void {
    this.#ring = ring;
    const serves = ring.members.includes(this.number);
    const [own, kept] = serves ? [ring.ownArcs(this.number), ring.keptArcs(this.number)] : [[], []];
    const { isNews, isMissing } = this.#arcs.note(own, kept);
    for (const arc of isNews) this.#touch(arc);
    this.#plan.fill(isMissing);
    const others = ring.members.filter((number) => number !== this.number);
    const { nodeIds, world } = this.#around;
    this.#plan.setSources(
      others.map((number) => nodeIds[number]!),
      serves,
      instant(world.now),
    );
  }

  start(): void {
    this.#tick();
  }

  stop(): void {
    this.isUp = false;
  }

  /** POST /listing of somebody else: takes the entry, unless others keep it as far as this node knows. */
  publish(entry: number): OfferOutcome {
    if (!this.#ring.keepersOf(entry).includes(this.number)) return 'elsewhere';
    this.log.put(entry);
    return 'taken';
  }

  /** GET /listing of somebody else. */
  page({ scope, cursor, arcs }: PullRequest): LoggedPage {
    const after = Number(cursor || '0');
    if (arcs) return this.log.since(after, ITEMS_PER_PAGE, this.#marksAsked(arcs));
    return this.log.since(after, ITEMS_PER_PAGE, scope === 'all' ? undefined : this.#marksOf(scope));
  }

  /** Made once for a view, when somebody asks first. */
  #marksOf(scope: 'own' | 'kept'): Uint8Array {
    if (this.#marks.ring !== this.#ring) this.#marks = { ring: this.#ring };
    this.#marks[scope] ??= this.#ring.marksOf(this.number, scope === 'own' ? 0 : 2);
    return this.#marks[scope];
  }

  /** Made once for a question, whose pages are many. */
  #marksAsked(arcs: readonly Arc[]): Uint8Array {
    const { asked } = this.#around;
    if (!asked.has(arcs)) asked.set(arcs, this.#marksWithin(parseArcs(formatArcs(arcs))!));
    return asked.get(arcs)!;
  }

  #touch(arc: Arc): void {
    const marks = this.#marksWithin([arc]);
    for (let entry = 0; entry < marks.length; entry++) if (marks[entry] === 1) this.log.touch(entry);
  }

  #marksWithin(arcs: readonly Arc[]): Uint8Array {
    const { starts } = this.#around;
    const marks = new Uint8Array(starts.length);
    for (const [low, high] of arcs.flatMap(spansOf)) {
      for (let entry = 0; entry < marks.length; entry++) {
        if (starts[entry]! >= low && starts[entry]! <= high) marks[entry] = 1;
      }
    }
    return marks;
  }

  #tick(): void {
    if (!this.isUp) return;
    const { world } = this.#around;
    const now = instant(world.now);
    for (let request = this.#plan.next(now); request; request = this.#plan.next(now)) this.#pull(request);
    const wake = ++this.#wake;
    world.plan(Math.max(TICK_MS, this.#plan.deadline(now) - now), KIND.tick, this.number, () => {
      if (wake === this.#wake) this.#tick();
    });
  }

  #pull(request: PullRequest): void {
    const { world, network, at } = this.#around;
    const number = this.#numbers.get(request.from)!;
    const asked = at(number);
    let isDone = false;
    const settle = (page: LoggedPage | undefined): void => {
      if (isDone || !this.isUp) return;
      isDone = true;
      if (page) this.#take(request, page);
      else this.#plan.noteFailure(request.from, instant(world.now), request.arcs);
    };
    world.plan(TIMEOUT_MS, KIND.timeout, this.number, () => settle(undefined));
    if (!asked) return;
    network.send(this.endpoint, asked.endpoint, KIND.asked, () => {
      if (!asked.isUp) return;
      const page = asked.page(request);
      network.send(asked.endpoint, this.endpoint, KIND.answered, () => settle(page));
    });
  }

  #take(request: PullRequest, { entries, cursor, more }: LoggedPage): void {
    for (const entry of entries) this.log.put(entry);
    const bytes = PAGE_BYTES + ITEM_BYTES * entries.length;
    this.got.items += entries.length;
    this.got.bytes += bytes;
    this.got.pages++;
    const workMs = ITEM_WORK_MS * entries.length;
    this.#plan.noteAnswer(request, { cursor: `${cursor}`, more, bytes, workMs }, instant(this.#around.world.now));
    if (more) this.#tick();
  }
}
