/**
 * Which supernodes a zone may name: those that were reached at an address lately, each address by itself, and that
 * proved there who they are; and which of them answer for the zone too. A few are looked at each round, the longest
 * unseen first, so that a network of any size costs the same.
 */
import type { ZoneHost } from '../../dns/index.ts';
import { type Address, isSameAddress, makeRoom, type NodeId } from '../../src/base/index.ts';
import { type Descriptor, ROLE_ANSWERS_DNS, ROLE_LEAVES } from '../../src/overlay/index.ts';

const ROUND_MS = 2000;
/** Nodes looked at in a round. */
const LOOKS_MAX = 8;
/** How soon a node is looked at again. */
const AGAIN_MS = 30_000;
/** How long what was seen holds. */
const VALID_MS = 300_000;
/** Nodes of which something is remembered; far more than a zone names. */
const SEEN_MAX = 1024;

export interface ZoneHealthSettings {
  readonly self: NodeId;
  /** Every supernode that is known. */
  readonly supernodes: () => readonly Descriptor[];
  /** Who answers at an address, proven; anything else when nobody does. */
  readonly meet: (address: Address) => Promise<unknown>;
  /** Whether a node at an IP address answers for the zone. */
  readonly answersZone: (nodeId: NodeId, host: string) => Promise<boolean>;
}

interface Seen {
  readonly at: number;
  /** Where it was reached; none when it was not. */
  readonly addresses: readonly Address[];
  readonly answersZone: boolean;
}

export class ZoneHealth {
  readonly #settings: ZoneHealthSettings;
  /** In the order of when they were seen; the longest unseen leaves first. */
  readonly #seen = new Map<NodeId, Seen>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(settings: ZoneHealthSettings) {
    this.#settings = settings;
  }

  start(): void {
    void this.#round();
  }
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** The supernodes that may be named, this one as it describes itself. */
  hosts(): ZoneHost[] {
    const now = performance.now();
    return this.#settings.supernodes().flatMap((supernode) => {
      const { nodeId, record } = supernode;
      const addresses = this.#reachedAt(supernode, now);
      return addresses.length > 0 && (supernode.roles & ROLE_LEAVES) === 0 ? [{ nodeId, addresses, record }] : [];
    });
  }

  /** Those among them that answer for the zone, this node left out. */
  servers(): ZoneHost[] {
    return this.hosts().filter(({ nodeId }) => this.#seen.get(nodeId)?.answersZone === true);
  }

  #reachedAt({ nodeId, addresses }: Descriptor, now: number): readonly Address[] {
    if (nodeId === this.#settings.self) return addresses;
    const seen = this.#seen.get(nodeId);
    if (!seen || now - seen.at > VALID_MS) return [];
    // An address that it names no longer is not its own any more.
    return seen.addresses.filter((reached) => addresses.some((named) => isSameAddress(named, reached)));
  }

  async #round(): Promise<void> {
    await Promise.all(this.#due().map((supernode) => this.#look(supernode)));
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.#round(), ROUND_MS).unref();
  }

  #due(): Descriptor[] {
    const now = performance.now();
    const lastLook = ({ nodeId }: Descriptor): number => this.#seen.get(nodeId)?.at ?? Number.NEGATIVE_INFINITY;
    return this.#settings
      .supernodes()
      .filter((supernode) => supernode.nodeId !== this.#settings.self && now - lastLook(supernode) > AGAIN_MS)
      .toSorted((one, other) => lastLook(one) - lastLook(other) || 0)
      .slice(0, LOOKS_MAX);
  }

  async #look({ nodeId, addresses, roles }: Descriptor): Promise<void> {
    const { meet, answersZone } = this.#settings;
    const met = await Promise.all(addresses.map(async (address) => (await meet(address)) === nodeId));
    const reached = addresses.filter((_, i) => met[i]);
    const hosts = (roles & ROLE_ANSWERS_DNS) === 0 ? [] : [...new Set(reached.map(({ host }) => host))];
    const answers = await Promise.all(hosts.map((host) => answersZone(nodeId, host)));
    this.#seen.delete(nodeId);
    makeRoom(this.#seen, SEEN_MAX);
    // Every address goes into its glue, so every one must answer.
    const isServer = answers.length > 0 && answers.every(Boolean);
    this.#seen.set(nodeId, { at: performance.now(), addresses: reached, answersZone: isServer });
  }
}
