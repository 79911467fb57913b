/**
 * Who answers for a hash. The tracker and the listing ask this before they touch a swarm or an entry; the overlay
 * answers. A first supernode owns the whole ring.
 */
import type { Address, InfoHash, NodeId } from '../base/index.ts';

/** Another supernode that owns a hash, and where it listens. */
export interface Owner {
  readonly nodeId: NodeId;
  readonly addresses: readonly Address[];
}

/** The question every swarm lookup asks first. */
export interface Ownership {
  /** `'self'` when this node owns the hash, its owner when another does, undefined when nobody is known. */
  ownerOf(infoHash: InfoHash): 'self' | Owner | undefined;
  /** What this node is to a hash: its owner, one of those that keep copies for it, or nothing. */
  roleOf(infoHash: InfoHash): 'owner' | 'replica' | undefined;
  /** The other nodes that keep copies of a hash: those of its owner set, and whoever is about to take its range over. */
  copiesOf(infoHash: InfoHash): readonly NodeId[];
  /** Sealed descriptors of a hash's owner set, the owner first: what a redirect tells who asked the wrong node. */
  recordsOf(infoHash: InfoHash): readonly Uint8Array[];
}
