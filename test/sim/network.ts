/**
 * The paths between everybody: how long a packet takes, whether it is lost or comes twice, and which ways are cut.
 * Every path is one-way, so that a partition may let questions through and no answers. It carries functions and knows
 * nothing of messages.
 */
import { type Address, type Random, randomBelow } from '../../src/base/index.ts';
import { mix, normalOf, streamOf } from './streams.ts';
import type { Kind, World } from './world.ts';

/** Somebody's place in the network. */
export interface Endpoint {
  readonly index: number;
  /** The /16 it is in, 0 to GROUPS-1. */
  readonly group: number;
  /** Changes when its provider says so. */
  address: Address;
  /** False behind a NAT: nobody can dial it. */
  readonly isDialable: boolean;
}

export interface NetworkPlan {
  readonly delayMedianMs: number;
  readonly delaySigma: number;
  /** Share of packets lost. */
  readonly loss: number;
  /** Share of questions that arrive twice. */
  readonly twice: number;
}

/** Median 60 ms, 95th percentile 300 ms. */
export const NETWORK_PLAN: NetworkPlan = { delayMedianMs: 60, delaySigma: 0.978, loss: 0.005, twice: 0.002 };
/** /16 networks; each has 5 % of all. */
export const GROUPS = 20;

const DIALABLE_PER_AREA = 1000;
const FIRST_OCTET = 60;
const PORT = 7373;
const DELAY_MS_MAX = 2000;
// How much packets of one path differ.
const JITTER_SIGMA = 0.15;

/** True where a way is cut from one endpoint to another. */
export type Cut = (from: Endpoint, to: Endpoint) => boolean;

export class Network {
  readonly #world: World;
  readonly #plan: NetworkPlan;
  readonly #chance: Random;
  readonly #places: Random;
  readonly #byHost = new Map<string, Endpoint>();
  readonly #cuts = new Set<Cut>();
  readonly #partitions = new Set<Cut>();
  readonly #pairSeed: number;
  #joined = 0;
  /** When the last partition was healed. */
  healedAtMs: number = Number.NEGATIVE_INFINITY;

  constructor(world: World, plan: NetworkPlan) {
    this.#world = world;
    this.#plan = plan;
    this.#chance = streamOf(world.seed, 'packets');
    this.#places = streamOf(world.seed, 'places');
    this.#pairSeed = mix(world.seed ^ 0x7a3d);
  }

  /** @param subnet a /24 that is shared with others of the same number; a place by chance otherwise */
  join(isDialable: boolean, subnet?: number): Endpoint {
    const group = (subnet ?? this.#joined) % GROUPS;
    // Of thousands that may serve no more than two should be neighbours by chance.
    const area = isDialable ? Math.floor(this.#joined / DIALABLE_PER_AREA) : 0;
    const endpoint = { index: this.#joined++, group, isDialable, address: this.#freeAddress(group, subnet, area) };
    this.#byHost.set(endpoint.address.host, endpoint);
    return endpoint;
  }

  /** Gives an endpoint another address in its /16. */
  move(endpoint: Endpoint): void {
    this.#byHost.delete(endpoint.address.host);
    endpoint.address = this.#freeAddress(endpoint.group);
    this.#byHost.set(endpoint.address.host, endpoint);
  }

  at(address: Address): Endpoint | undefined {
    const endpoint = this.#byHost.get(address.host);
    return endpoint?.address.port === address.port ? endpoint : undefined;
  }

  /** Cuts ways; a partition leaves both sides working. */
  cut(cut: Cut, isPartition: boolean): void {
    this.#cuts.add(cut);
    if (isPartition) this.#partitions.add(cut);
  }

  heal(cut: Cut): void {
    this.#cuts.delete(cut);
    if (this.#partitions.delete(cut)) this.healedAtMs = this.#world.now;
  }

  /** Everybody who works reaches everybody else who does. */
  get isWhole(): boolean {
    return this.#partitions.size === 0;
  }

  isOpen(from: Endpoint, to: Endpoint): boolean {
    for (const cut of this.#cuts) if (cut(from, to)) return false;
    return true;
  }

  /** Sends a packet; what it does happens when and if it arrives, sometimes twice. */
  send(from: Endpoint, to: Endpoint, kind: Kind, arrive: () => void, mayComeTwice = false): void {
    const fate = this.#chance();
    if (!this.isOpen(from, to) || fate < this.#plan.loss) return;
    const arriveIfOpen = (): void => {
      if (this.isOpen(from, to)) arrive();
    };
    this.#world.plan(this.#delay(from, to), kind, to.index, arriveIfOpen);
    if (mayComeTwice && fate > 1 - this.#plan.twice) {
      this.#world.plan(this.#delay(from, to), kind, to.index, arriveIfOpen);
    }
  }

  #delay(from: Endpoint, to: Endpoint): number {
    const pair = mix(this.#pairSeed ^ mix(from.index * 65_537 + to.index));
    const path = normalOf(pair / 0x1_0000_0000, mix(pair) / 0x1_0000_0000);
    const jitter = this.#chance() + this.#chance() + this.#chance() - 1.5;
    const { delayMedianMs, delaySigma } = this.#plan;
    return Math.min(DELAY_MS_MAX, delayMedianMs * Math.exp(delaySigma * path + 2 * JITTER_SIGMA * jitter));
  }

  #freeAddress(group: number, subnet?: number, area = 0): Address {
    const second = subnet === undefined ? 17 + 2 * area : 18;
    for (;;) {
      const third = subnet ?? randomBelow(this.#places, 256);
      const host = `${FIRST_OCTET + group}.${second}.${third}.${1 + randomBelow(this.#places, 254)}`;
      if (!this.#byHost.has(host)) return { host, port: PORT };
    }
  }
}
