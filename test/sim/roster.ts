/** Every node of the world, found by number, id or place, and which of them serve now. */
import type { NodeId } from '../../src/base/index.ts';
import type { Contact } from '../../src/overlay/index.ts';
import type { Endpoint } from './network.ts';
import type { SimNode } from './sim-node.ts';

export class Roster {
  readonly nodes: SimNode[] = [];
  readonly #byId = new Map<NodeId, SimNode>();
  readonly #byEndpoint = new Map<Endpoint, SimNode>();
  /** Endpoints of a /16 that is gone. */
  readonly vanished: Set<number> = new Set();
  readonly #live = new Set<SimNode>();
  #serving: readonly SimNode[] | undefined;
  #honest: readonly SimNode[] | undefined;

  add(node: SimNode): void {
    this.nodes.push(node);
    this.#byId.set(node.nodeId, node);
    this.#byEndpoint.set(node.endpoint, node);
  }

  node(nodeId: NodeId): SimNode | undefined {
    return this.#byId.get(nodeId);
  }

  at(endpoint: Endpoint): SimNode | undefined {
    return this.#byEndpoint.get(endpoint);
  }

  /** Supernodes that are up, awake and on the network, liars too. */
  get serving(): readonly SimNode[] {
    this.#serving ??= this.nodes.filter((node) => this.#live.has(node));
    return this.#serving;
  }

  /** Those of them that keep their word. */
  get honest(): readonly SimNode[] {
    this.#honest ??= this.serving.filter(({ isHonest }) => isHonest);
    return this.#honest;
  }

  isLive(node: SimNode): boolean {
    return node.serves && !this.vanished.has(node.endpoint.group);
  }

  /** Somebody came, went or changed its part, or says that others did: most changes are of the latter kind. */
  changed(node: SimNode): void {
    const isLive = this.isLive(node);
    if (isLive === this.#live.has(node)) return;
    if (isLive) this.#live.add(node);
    else this.#live.delete(node);
    this.#serving = undefined;
    this.#honest = undefined;
  }
}

export function contactOf(node: SimNode): Contact {
  return { nodeId: node.nodeId, address: node.endpoint.address };
}
