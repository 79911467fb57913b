/**
 * Which node answers at an endpoint, as its announces over TLS proved: native clients are told, so that they know whom
 * to expect. A node is one in all of its swarms, so that this table grows with nodes and not with peers. It says
 * nothing of who takes part in what.
 */
import { latin1, type NodeId } from '../src/base/index.ts';

/** Endpoints remembered, some 10 MB; the one that was silent longest is forgotten first. */
export const NODE_ENDPOINTS_MAX = 65_536;

/** The nodes by endpoint. */
export class NodeEndpoints {
  /** By the bytes of the endpoint, one character each. */
  readonly #nodes = new Map<string, NodeId>();

  get size(): number {
    return this.#nodes.size;
  }

  /** Notes who announces from `endpoint` (6 or 18 bytes); undefined is somebody who proved nothing. */
  note(endpoint: Uint8Array, node: NodeId | undefined): void {
    // Of clients that prove nothing nearly all were never here: they must not cost a text each.
    if (node === undefined && this.#nodes.size === 0) return;
    const key = latin1(endpoint);
    this.#nodes.delete(key);
    if (node === undefined) return;
    if (this.#nodes.size >= NODE_ENDPOINTS_MAX) this.#nodes.delete(this.#nodes.keys().next().value!);
    this.#nodes.set(key, node);
  }

  /** The node at `endpoint`. */
  at(endpoint: Uint8Array): NodeId | undefined {
    return this.#nodes.get(latin1(endpoint));
  }
}
