/**
 * A node as the origin of URLs: `https://NODEID@host:port` is HTTP over TLS with the one node whose key that is,
 * wherever an address leads. URLs of torrents and magnets never have this form.
 */
import { type Address, formatAddress, parseAddress } from './address.ts';
import { type NodeId, parseNodeId } from './ids.ts';

/** A node and one of its addresses. */
export interface NodeAt {
  readonly nodeId: NodeId;
  readonly address: Address;
}

export function nodeOrigin({ nodeId, address }: NodeAt): string {
  return `https://${nodeId}@${formatAddress(address)}`;
}

/** The node that a URL or origin means; undefined when it names none, or its host is no IP literal. */
export function nodeOfUrl(url: string): NodeAt | undefined {
  const [, id = '', host = '', port = '443'] =
    /^https:\/\/([0-9a-f]{64})@([0-9.]+|\[[^\]/?#]+\])(?::([0-9]+))?(?:[/?#]|$)/.exec(url) ?? [];
  const nodeId = parseNodeId(id);
  const address = parseAddress(`${host}:${port}`);
  return nodeId && address && { nodeId, address };
}
