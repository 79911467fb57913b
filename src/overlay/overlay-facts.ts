/** What the overlay machine hears and orders: the vocabulary between it and its hosts, the node and the simulator. */
import type { Address, InfoHash, NodeId, Random, Sha1, Sign, Verify, WallSeconds } from '../base/index.ts';
import type { SwarmKeeper } from '../ports/index.ts';
import type { Capacity, ReadDescriptor } from './descriptor.ts';
import type { OverlayMessage } from './message.ts';

/** Somebody to ask, and where. */
export interface Contact {
  readonly nodeId: NodeId;
  readonly address: Address;
}

/** `client` never serves; `auto` serves when elected; `supernode` volunteers, and is elected first. */
export type OverlayRole = 'client' | 'auto' | 'supernode';

export type OverlayInput =
  /** The deadline came. `wall` is the calendar, for signed records alone. */
  | { readonly type: 'tick'; readonly wall: WallSeconds }
  /** Nodes that a bootstrap source, a redirect or a person named. */
  | { readonly type: 'found'; readonly contacts: readonly Contact[] }
  /** Sealed descriptors that came with something else: a redirect, GET /supernodes of the node `by`. */
  | { readonly type: 'records'; readonly records: readonly Uint8Array[]; readonly by?: NodeId }
  /** Every bootstrap source was asked and nobody is there: unless somebody is found within a part of this time, be the first. */
  | { readonly type: 'alone'; readonly withinMs: number }
  /** A node asks us; who it is was proven by TLS, and `address` is where it came from. */
  | {
      readonly type: 'asked';
      readonly exchange: number;
      readonly from: NodeId;
      readonly address: Address;
      readonly message: OverlayMessage;
    }
  /** What came of an `ask`. */
  | { readonly type: 'answered'; readonly exchange: number; readonly message: OverlayMessage }
  | { readonly type: 'unanswered'; readonly exchange: number }
  /** An owner did not answer an announce of ours. */
  | { readonly type: 'silent'; readonly nodeId: NodeId }
  /** Our addresses changed. */
  | { readonly type: 'moved' }
  /** The user's word: stand for election, hand everything over and serve no more, or change the caps. */
  | { readonly type: 'ordered'; readonly role: OverlayRole }
  | { readonly type: 'drain' }
  | { readonly type: 'capped'; readonly capacity: Capacity };

export type OverlayEffect =
  /** Sends a message to a node and no other, and feeds `answered` or `unanswered` with the same number. */
  | {
      readonly type: 'ask';
      readonly exchange: number;
      readonly to: Contact;
      readonly message: OverlayMessage;
      readonly timeoutMs: number;
    }
  /** Answers an `asked`. */
  | { readonly type: 'answer'; readonly exchange: number; readonly message: OverlayMessage }
  /** The set of supernodes, what this node owns, or its role changed. */
  | { readonly type: 'changed' }
  /** Everything that was owned is with others: the node may stop. */
  | { readonly type: 'drained' }
  /** Something that belongs into a log and a picture. */
  | { readonly type: 'event'; readonly event: OverlayEvent };

export type OverlayEvent =
  | { readonly type: 'elected'; readonly term: number; readonly isGenesis: boolean }
  | { readonly type: 'retired'; readonly why: string }
  | { readonly type: 'lost'; readonly nodeId: NodeId }
  | { readonly type: 'nominated'; readonly nodeId: NodeId; readonly why: string }
  | {
      readonly type: 'handed-off';
      readonly to: NodeId;
      readonly from: string;
      readonly at: string;
      readonly peers: number;
      readonly milliseconds: number;
    }
  | { readonly type: 'hand-off-failed'; readonly to: NodeId; readonly step: string };

/** What is fixed while the machine lives. */
export interface OverlaySettings {
  readonly network: string;
  readonly self: NodeId;
  readonly sign: Sign;
  readonly verify: Verify;
  readonly sha1: Sha1;
  /** How a sealed descriptor is read; every host but the simulator leaves it out. */
  readonly readDescriptor?: ReadDescriptor;
  readonly random: Random;
  readonly role: OverlayRole;
  /** Asked whenever a descriptor is issued: where this node can be reached, best first; none when it cannot. */
  readonly addresses: () => readonly Address[];
  readonly capacity: Capacity;
  /** Role flags of the descriptor. */
  readonly roles: () => number;
  readonly keeper: SwarmKeeper;
  /** The highest term and sequence that this node ever used; kept on disk by the host. */
  readonly term: number;
  readonly sequence: number;
  /** What the host waits longer than it is told, in ms, because it may have to connect first. */
  readonly connectMs?: number;
}

/** Why a hash is where it is. */
export interface Placement {
  readonly infoHash: InfoHash;
  readonly range: { readonly from: string; readonly to: string; readonly epoch: number };
  /** The owner first, then its replicas. */
  readonly owners: readonly NodeId[];
  /** Whether the owner has the range by a token of its own or by a grant. */
  readonly by: 'token' | 'grant';
}
