/**
 * Where other nodes may be reached: which addresses we dial at all, and at which of its own a node really answered.
 * A private address is dialled only when the user named it, or somebody did who is on a private network with us.
 */
import {
  type Address,
  formatAddress,
  isHearsayPort,
  isSameAddress,
  makeRoom,
  type NodeId,
  nodeOrigin,
  reachOf,
} from '../../src/base/index.ts';
import { type Dialler, trustOf } from '../../src/io/dialler.ts';

/** Private addresses that the user named, or where a node answered. */
const KEPT_MAX = 10_000;
/** Private hosts whose word counts at a time, and addresses that each may have told of last: one cannot push out another's. */
const TELLERS_MAX = 64;
const TOLD_MAX = 2000;
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
  /** Those that the user named or where a node answered; the longest unused leaves first. */
  readonly #kept = new Set<string>();
  /** What nodes on the same LAN told, by their hosts; who has been silent for longest leaves first. */
  readonly #told = new Map<string, Set<string>>();
  /** The address at which a node really answered, while it named the same ones as now. */
  readonly #reached = new Map<NodeId, { readonly address: Address; readonly named: string }>();
  /** How often a node did not answer since it last did: the next time another of its addresses is tried. */
  readonly #misses = new Map<NodeId, number>();
  /** The addresses that this node names, the one that it is voted for at first. */
  #own: () => readonly Address[] = () => [];

  constructor(dialler: Dialler) {
    this.#dialler = dialler;
  }

  /**
   * Has others asked from the address that this node names first, where they have one of its kind: who asks for votes from
   * elsewhere gets none.
   */
  askFrom(own: () => readonly Address[]): void {
    this.#own = own;
  }

  /** Lets an address be dialled although it is private. */
  vouch(address: Address): void {
    renew(this.#kept, formatAddress(address), KEPT_MAX);
  }

  /** Takes what a node at `teller` says of addresses: what a public node calls private is not ours to dial. */
  hear(addresses: () => readonly Address[], teller: string): void {
    if (trustOf(teller) !== 'private') return;
    const told = this.#told.get(teller) ?? new Set<string>();
    this.#told.delete(teller);
    for (const address of addresses()) {
      if (reachOf(address.host) === 'private' && isHearsayPort(address.port))
        renew(told, formatAddress(address), TOLD_MAX);
    }
    if (told.size === 0) return;
    makeRoom(this.#told, TELLERS_MAX);
    this.#told.set(teller, told);
  }

  #isVouched(address: string): boolean {
    return this.#kept.has(address) || [...this.#told.values()].some((told) => told.has(address));
  }

  /** The address rule for HTTP and UDP: trackers and supernodes, with what the user or a neighbour vouched for. */
  mayAsk(host: string, port: number): boolean {
    if (this.#isVouched(formatAddress({ host, port }))) return true;
    return isHearsayPort(port) && this.#dialler.refusal({ host, port }, 'public') === undefined;
  }

  /** Where a node is asked: where it answered before, else an address it names that we may dial, of the kind that we name first ourselves. */
  addressOf({ nodeId, addresses }: Addressed): Address | undefined {
    const reached = this.#reached.get(nodeId);
    if (reached?.named === namesOf(addresses)) return reached.address;
    const usable = addresses.filter(({ host, port }) => this.mayAsk(host, port));
    const isSixFirst = this.#own()[0]?.host.includes(':') ?? false;
    const first = usable.filter(({ host }) => host.includes(':') === isSixFirst);
    const ordered = [...first, ...usable.filter((address) => !first.includes(address))];
    return ordered[(this.#misses.get(nodeId) ?? 0) % Math.max(1, ordered.length)];
  }

  /** The origin of requests to a node. */
  originOf(node: Addressed): string | undefined {
    const address = this.addressOf(node);
    return address && nodeOrigin({ nodeId: node.nodeId, address });
  }

  noteReached({ nodeId, addresses }: Addressed, address: Address): void {
    makeRoom(this.#reached, REACHED_MAX);
    if (this.#isVouched(formatAddress(address))) this.vouch(address);
    this.#reached.set(nodeId, { address, named: namesOf(addresses) });
    this.#misses.delete(nodeId);
  }

  noteMissed(nodeId: NodeId): void {
    this.#reached.delete(nodeId);
    makeRoom(this.#misses, REACHED_MAX);
    this.#misses.set(nodeId, (this.#misses.get(nodeId) ?? 0) + 1);
  }

  /** The node that answered at an address. */
  nodeAt(place: Address): NodeId | undefined {
    for (const [nodeId, { address }] of this.#reached) if (isSameAddress(address, place)) return nodeId;
    return undefined;
  }
}

/** Adds to a set, or makes it the newest there; the oldest of too many leaves. */
function renew(set: Set<string>, entry: string, max: number): void {
  set.delete(entry);
  if (set.size >= max) set.delete(set.values().next().value!);
  set.add(entry);
}

function namesOf(addresses: readonly Address[]): string {
  return addresses.map(formatAddress).join(' ');
}
