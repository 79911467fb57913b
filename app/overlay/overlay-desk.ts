/** What the user sees of the overlay and orders of it: role, caps, who owns what, and what happened last. */
import type { Config } from '../../config/index.ts';
import { type InfoHash, MonsoonError, type NodeId } from '../../src/base/index.ts';
import { now, wallNow } from '../../src/io/alarm-clock.ts';
import { type Capacity, type Descriptor, type OverlayEvent, OWNERS, ROLE_LEAVES } from '../../src/overlay/index.ts';
import type { SwarmKeeper } from '../../src/ports/index.ts';
import type { CapChange, Caps, NodeRole, OverlayStatus, PlacementRow, SupernodeRow } from '../running-node.ts';
import type { OverlayHost } from './overlay-host.ts';

/** What one core answers while it does other things; the bandwidth cap is nearly always reached first. */
export const ANNOUNCES_PER_SECOND = 1000;

const ROLES = {
  client: 'client',
  voting: 'candidate',
  claiming: 'candidate',
  serving: 'supernode',
  leaving: 'leaving',
} as const;

/** What a node can bear, by the caps of its user. */
export function capacityOf({ trackingBytesPerSecond, hashes, peers }: Caps): Capacity {
  return { announcesPerSecond: ANNOUNCES_PER_SECOND, peers, hashes, trackingBytesPerSecond };
}

export function capsOf(config: Config): Caps {
  const { trackingBytesPerSecond, trackingHashes: hashes, trackingPeers: peers } = config;
  return { trackingBytesPerSecond, hashes, peers };
}

export interface OverlayDeskSettings {
  readonly self: NodeId;
  readonly host: OverlayHost;
  readonly keeper: SwarmKeeper;
  readonly caps: Caps;
  /** Makes the tracker keep to other caps. */
  readonly cap: (caps: Caps) => void;
}

/** The user's window on the overlay. */
export class OverlayDesk {
  readonly #settings: OverlayDeskSettings;
  #caps: Caps;
  #lastElection: OverlayStatus['lastElection'] = null;
  #lastHandOff: OverlayStatus['lastHandOff'] = null;

  constructor(settings: OverlayDeskSettings) {
    this.#settings = settings;
    this.#caps = settings.caps;
  }

  get role(): NodeRole {
    return ROLES[this.#machine.phase];
  }
  get caps(): Caps {
    return this.#caps;
  }

  /** Keeps what happened, for whoever asks. */
  note(event: OverlayEvent): void {
    const at = wallNow();
    if (event.type === 'elected') this.#lastElection = { at, term: event.term, isGenesis: event.isGenesis };
    else if (event.type === 'handed-off') {
      const { to, from, at: upTo, peers, milliseconds } = event;
      this.#lastHandOff = { at, to, range: { from, to: upTo }, peers, milliseconds, failedAt: null };
    } else if (event.type === 'hand-off-failed') {
      this.#lastHandOff = { at, to: event.to, range: null, peers: null, milliseconds: null, failedAt: event.step };
    }
  }

  /** Changes what is given; resolves nothing that is not given. */
  cap(change: CapChange): Caps {
    this.#caps = {
      trackingBytesPerSecond: change.trackingBytesPerSecond ?? this.#caps.trackingBytesPerSecond,
      hashes: change.hashes ?? this.#caps.hashes,
      peers: change.peers ?? this.#caps.peers,
    };
    this.#settings.cap(this.#caps);
    this.#settings.host.feed({ type: 'capped', capacity: capacityOf(this.#caps) });
    return this.#caps;
  }

  status(): OverlayStatus {
    const machine = this.#machine;
    const { self, keeper } = this.#settings;
    const ranges = machine.view.ring.rangesOf(self);
    const bytes = keeper.loadOf(ranges, now()).reduce((sum, { bytesPerSecond }) => sum + bytesPerSecond, 0);
    const { givingNow } = machine;
    const isServing = machine.phase === 'serving' || machine.phase === 'leaving';
    return {
      term: isServing ? machine.term : null,
      termEndsInSeconds: machine.termEndsAt === undefined ? null : Math.round((machine.termEndsAt - now()) / 1000),
      load: machine.load,
      used: { trackingBytesPerSecond: Math.round(bytes), ...keeper.size },
      ranges: ranges.length,
      neighbours: this.#neighbours(),
      isReplicated: isServing ? machine.isReplicated : null,
      candidates: machine.candidates,
      handOffs: machine.handOffs,
      handOff: givingNow ? { to: givingNow.to, range: givingNow.arc, step: givingNow.step } : null,
      lastElection: this.#lastElection,
      lastHandOff: this.#lastHandOff,
    };
  }

  rows(): SupernodeRow[] {
    return [...this.#machine.descriptors()].map((descriptor) => this.#row(descriptor));
  }

  /** Who owns a hash, and why. */
  placement(infoHash: InfoHash): PlacementRow {
    const placement = this.#machine.placementOf(infoHash);
    if (!placement) {
      throw new MonsoonError('not-found', 'No supernode is known. Run "monsoon status" to see which ways in answer.');
    }
    const { range, owners, by } = placement;
    const [owner, ...replicas] = owners as [NodeId, ...NodeId[]];
    return { infoHash, owner, replicas, range, by };
  }

  get #machine(): OverlayHost['machine'] {
    return this.#settings.host.machine;
  }

  #row(descriptor: Descriptor): SupernodeRow {
    const { nodeId, addresses, load, term, roles } = descriptor;
    const isSelf = nodeId === this.#settings.self;
    const ranges = this.#machine.view.ring.rangesOf(nodeId).map(({ from, to, epoch, by }) => ({ from, to, epoch, by }));
    const isLeaving = (roles & ROLE_LEAVES) !== 0;
    return { nodeId, addresses, load: isSelf ? this.#machine.load : load / 255, ranges, term, isSelf, isLeaving };
  }

  /** Those that keep copies of what this node owns. */
  #neighbours(): NodeId[] {
    const { self } = this.#settings;
    const { ring } = this.#machine.view;
    const sets = ring.rangesOf(self).flatMap(({ to }) => ring.ownerSetAt(to).slice(0, OWNERS));
    return [...new Set(sets.map(({ nodeId }) => nodeId))].filter((nodeId) => nodeId !== self);
  }
}
