/**
 * One node that publishes: hosts the shipped OfferPlan as app/listing/listing-push.ts does, over the simulated network. It
 * stays, knows of changes of the ring as late as others do, and pulls nothing.
 */
import { type InfoHash, instant, type NodeId } from '../../src/base/index.ts';
import { type Offer, type OfferOutcome, OfferPlan } from '../../src/listing/index.ts';
import { hashOfStart } from './listing-log.ts';
import type { ListingSurroundings } from './listing-node.ts';
import type { ListingRing } from './listing-ring.ts';
import type { Endpoint } from './network.ts';
import { KIND } from './world.ts';

const TICK_MS = 1000;
const TIMEOUT_MS = 10_000;

export class ListingPublisher {
  readonly #endpoint: Endpoint;
  readonly #around: ListingSurroundings;
  readonly #plan: OfferPlan;
  /** Its entries, by hash. */
  readonly #entries = new Map<InfoHash, number>();
  readonly #numbers: ReadonlyMap<NodeId, number>;
  #ring: ListingRing;
  #isAwake = false;

  /** @param numbers of the nodes that serve at some time */
  constructor(
    endpoint: Endpoint,
    ring: ListingRing,
    numbers: ReadonlyMap<NodeId, number>,
    around: ListingSurroundings,
  ) {
    this.#endpoint = endpoint;
    this.#ring = ring;
    this.#numbers = numbers;
    this.#around = around;
    const keepersOf = (infoHash: InfoHash): NodeId[] =>
      this.#ring.keepersOf(this.#entries.get(infoHash)!).map((number) => around.nodeIds[number]!);
    this.#plan = new OfferPlan(keepersOf, instant(around.world.now));
  }

  publish(entry: number): void {
    const infoHash = hashOfStart(this.#around.starts[entry]!) as InfoHash;
    this.#entries.set(infoHash, entry);
    this.#plan.add(infoHash);
    this.#offerDue();
  }

  /** Its view is another one. */
  see(ring: ListingRing): void {
    this.#ring = ring;
    this.#plan.reconsider();
    this.#offerDue();
  }

  #offerDue(): void {
    const { world } = this.#around;
    for (let offer = this.#plan.next(instant(world.now)); offer; offer = this.#plan.next(instant(world.now)))
      this.#offer(offer);
    if (!this.#plan.isBusy || this.#isAwake) return;
    this.#isAwake = true;
    world.plan(TICK_MS, KIND.tick, this.#endpoint.index, () => {
      this.#isAwake = false;
      this.#offerDue();
    });
  }

  #offer(offer: Offer): void {
    const { world, network, at } = this.#around;
    const entry = this.#entries.get(offer.infoHash)!;
    let isDone = false;
    const settle = (outcome: OfferOutcome): void => {
      if (isDone) return;
      isDone = true;
      this.#plan.settle(offer, outcome, instant(world.now));
      this.#offerDue();
    };
    world.plan(TIMEOUT_MS, KIND.timeout, this.#endpoint.index, () => settle('failed'));
    const asked = at(this.#numbers.get(offer.keeper)!);
    if (!asked) return;
    network.send(this.#endpoint, asked.endpoint, KIND.asked, () => {
      if (!asked.isUp) return;
      const outcome = asked.publish(entry);
      network.send(asked.endpoint, this.#endpoint, KIND.answered, () => settle(outcome));
    });
  }
}
