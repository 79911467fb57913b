/**
 * Where other nodes may be reached: which addresses we dial at all, and at which of its own a node really answered.
 * A private address is dialled only when the user named it, or somebody did who is on a private network with us.
 */
import {
  type Address,
  formatAddress,
  isHearsayPort,
  isSameAddress,
  type NodeId,
  nodeOrigin,
  reachOf,
} from '../../src/base/index.ts';
import { type Dialler, trustOf } from '../../src/io/dialler.ts';

/** Private addresses that may be dialled. */
const VOUCHED_MAX = 10_000;
/** Nodes whose address is remembered: every supernode there may be. */
const REACHED_MAX = 10_000;

/** Somebody and its addresses, best first. */
export interface Addressed {
  readonly nodeId: NodeId;
  readonly addresses: readonly Address[];
}

/** The addresses of others. */
export class AddressBook {
  readonly #dialler: Dialler;
  /** Those that the user or a node on the same LAN vouched for; the oldest leaves first. */
  readonly #vouched = new Set<string>();
  /** The address at which a node really answered, while it named the same ones as now. */
  readonly #reached = new Map<NodeId, { readonly address: Address; readonly named: string }>();
  /** How often a node did not answer since it last did: the next time another of its addresses is tried. */
  readonly #misses = new Map<NodeId, number>();

  constructor(dialler: Dialler) {
    this.#dialler = dialler;
  }

  /** Lets an address be dialled although it is private. */
  vouch(address: Address): void {
    if (this.#vouched.size >= VOUCHED_MAX) this.#vouched.delete(this.#vouched.values().next().value!);
    this.#vouched.add(formatAddress(address));
  }

  /** Takes what a node at `teller` says of addresses: what a public node calls private is not ours to dial. */
  hear(addresses: () => readonly Address[], teller: string): void {
    if (trustOf(teller) !== 'private') return;
    for (const address of addresses()) {
      if (reachOf(address.host) === 'private' && isHearsayPort(address.port)) this.vouch(address);
    }
  }

  /** The address rule for HTTP and UDP: trackers and supernodes, with what the user or a neighbour vouched for. */
  mayAsk(host: string, port: number): boolean {
    if (this.#vouched.has(formatAddress({ host, port }))) return true;
    return isHearsayPort(port) && this.#dialler.refusal({ host, port }, 'public') === undefined;
  }

  /** Where a node is asked: where it answered before, else an address it names that we may dial, IPv4 first. */
  addressOf({ nodeId, addresses }: Addressed): Address | undefined {
    const reached = this.#reached.get(nodeId);
    if (reached?.named === namesOf(addresses)) return reached.address;
    const usable = addresses.filter(({ host, port }) => this.mayAsk(host, port));
    const four = usable.filter(({ host }) => !host.includes(':'));
    const ordered = [...four, ...usable.filter((address) => !four.includes(address))];
    return ordered[(this.#misses.get(nodeId) ?? 0) % Math.max(1, ordered.length)];
  }

  /** The origin of requests to a node. */
  originOf(node: Addressed): string | undefined {
    const address = this.addressOf(node);
    return address && nodeOrigin({ nodeId: node.nodeId, address });
  }

  noteReached({ nodeId, addresses }: Addressed, address: Address): void {
    if (this.#reached.size >= REACHED_MAX) this.#reached.delete(this.#reached.keys().next().value!);
    this.#reached.set(nodeId, { address, named: namesOf(addresses) });
    this.#misses.delete(nodeId);
  }

  noteMissed(nodeId: NodeId): void {
    this.#reached.delete(nodeId);
    if (this.#misses.size >= REACHED_MAX) this.#misses.delete(this.#misses.keys().next().value!);
    this.#misses.set(nodeId, (this.#misses.get(nodeId) ?? 0) + 1);
  }

  /** The node that answered at an address. */
  nodeAt(place: Address): NodeId | undefined {
    for (const [nodeId, { address }] of this.#reached) if (isSameAddress(address, place)) return nodeId;
    return undefined;
  }
}

function namesOf(addresses: readonly Address[]): string {
  return addresses.map(formatAddress).join(' ');
}
