/**
 * Which supernodes a zone names: a random sample that stays for a while, so that secondaries are not told of a new zone
 * with every descriptor, and that changes in time, so that every supernode has its turn. Who is gone is replaced at once.
 */
import { type Instant, type NodeId, type Random, sampleOf } from '../src/base/index.ts';
import { HOSTS_MAX, NAME_SERVERS_MAX, type ZoneHost } from './zone.ts';

/** How long a sample is named. */
export const SAMPLE_MS = 60_000;

export interface Drawn {
  readonly hosts: readonly ZoneHost[];
  readonly servers: readonly ZoneHost[];
}

export class ZoneDraw {
  readonly #random: Random;
  #hosts: readonly NodeId[] = [];
  #servers: readonly NodeId[] = [];
  #drawnAt: Instant | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  /** @param servers those of the hosts that answer for the zone, this node left out */
  draw(hosts: readonly ZoneHost[], servers: readonly ZoneHost[], now: Instant): Drawn {
    const isDue = this.#drawnAt === undefined || now - this.#drawnAt >= SAMPLE_MS;
    if (isDue) this.#drawnAt = now;
    const drawn = {
      hosts: this.#keep(isDue ? [] : this.#hosts, hosts, HOSTS_MAX),
      servers: this.#keep(isDue ? [] : this.#servers, servers, NAME_SERVERS_MAX - 1),
    };
    this.#hosts = drawn.hosts.map(({ nodeId }) => nodeId);
    this.#servers = drawn.servers.map(({ nodeId }) => nodeId);
    return drawn;
  }

  /** Those of `before` that are still there, and others drawn for the places that are free. */
  #keep(before: readonly NodeId[], all: readonly ZoneHost[], count: number): ZoneHost[] {
    const places = new Map(before.map((nodeId, place) => [nodeId, place]));
    const placeOf = ({ nodeId }: ZoneHost): number => places.get(nodeId) ?? -1;
    // In the same order: the first ones have their descriptors in the text of the apex.
    const kept = all.filter((host) => placeOf(host) >= 0).toSorted((one, other) => placeOf(one) - placeOf(other));
    const others = all.filter((host) => placeOf(host) < 0);
    return [...kept, ...sampleOf(others, count - kept.length, this.#random)];
  }
}
