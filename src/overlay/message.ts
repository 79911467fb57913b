/**
 * What supernodes say to each other: one bencoded dictionary in the body of POST /overlay, answered by another one in
 * its reply. Who speaks is proven by TLS; what outlives the exchange (descriptors, votes, grants) is signed besides.
 */
import type { Address, NodeId } from '../base/index.ts';
import type { Capacity } from './descriptor.ts';
import type { Digest } from './record-names.ts';

/** Somebody is silent, in the descriptor of this sequence. */
export interface Suspicion {
  readonly nodeId: NodeId;
  readonly sequence: number;
}

/** An arc that is copied or given away. */
export interface ArcName {
  readonly from: string;
  readonly to: string;
}

export type OverlayMessage =
  /**
   * Membership: what changed lately, a hash of everything held, and in how many ms the asker asks this one again; undefined
   * when it does not promise.
   */
  | {
      readonly type: 'gossip';
      readonly digests: readonly Digest[];
      readonly suspects: readonly Suspicion[];
      readonly view: string;
      readonly againMs: number | undefined;
    }
  | {
      readonly type: 'gossiped';
      readonly digests: readonly Digest[];
      readonly suspects: readonly Suspicion[];
      readonly wanted: readonly string[];
      readonly view: string;
    }
  /** Records that were wanted (each a letter, then the record), and those wanted in return; answered by `records`. */
  | { readonly type: 'records'; readonly records: readonly Uint8Array[]; readonly wanted: readonly string[] }
  /** Hashes of everything held, by bucket; answered by the digests of those buckets that differ. */
  | { readonly type: 'sync'; readonly buckets: readonly string[] }
  | { readonly type: 'synced'; readonly buckets: readonly number[]; readonly digests: readonly Digest[] }
  /** "Do you reach this node?" */
  | { readonly type: 'probe'; readonly nodeId: NodeId; readonly address: Address }
  | { readonly type: 'probed'; readonly isThere: boolean }
  /**
   * "Are you there?" The answer tells how busy it is, in 1/255 of what it can bear, and the sequence of the descriptor by
   * which it serves; 0 when it does not, so that one which lost its state is found out.
   */
  | { readonly type: 'hello' }
  | { readonly type: 'here'; readonly load: number; readonly sequence: number }
  /** Election: a node offers to serve. */
  | {
      readonly type: 'stand';
      readonly addresses: readonly Address[];
      readonly capacity: Capacity;
      readonly uptimeSeconds: number;
      readonly isVolunteer: boolean;
      readonly term: number;
    }
  /** "You have been chosen: ask your witnesses." */
  | { readonly type: 'nominate'; readonly why: string }
  /** A candidate asks a witness for its vote; `seat` when it renews a term. */
  | {
      readonly type: 'vote';
      readonly addresses: readonly Address[];
      readonly term: number;
      readonly issued: number;
      readonly seat: string | undefined;
    }
  | { readonly type: 'voted'; readonly signature: Uint8Array }
  /** A node with a certificate asks the present owner for the swarms of the arcs that will be its own. */
  | { readonly type: 'claim'; readonly descriptor: Uint8Array }
  | { readonly type: 'claimed'; readonly copies: number }
  /** Hand-off, step 1. */
  | {
      readonly type: 'offer';
      readonly arc: ArcName;
      readonly epoch: number;
      readonly peers: number;
      readonly announcesPerSecond: number;
    }
  /** A part of what is kept of an arc; `chain` is a hash over all frames so far. */
  | {
      readonly type: 'frame';
      readonly copy: number;
      readonly index: number;
      readonly bytes: Uint8Array;
      readonly chain: string;
      readonly isLast: boolean;
    }
  /** Step 4: the grant that the giver sealed, for a replica's signature and then, with that, for the taker's. */
  | { readonly type: 'receipt'; readonly grant: Uint8Array }
  | { readonly type: 'grant'; readonly grant: Uint8Array; readonly receipt: Uint8Array | undefined }
  | { readonly type: 'signed'; readonly signature: Uint8Array }
  /** Announces that the receiver keeps copies of; `isPassedOn` when they come from one whom another told of them. */
  | { readonly type: 'announces'; readonly bytes: Uint8Array; readonly isPassedOn: boolean }
  | { readonly type: 'accepted' }
  | { readonly type: 'refused'; readonly why: string };

/** Nothing comes of a question; `why` is for a person. */
export function refused(why: string): OverlayMessage {
  return { type: 'refused', why };
}
