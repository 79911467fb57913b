/**
 * What the overlay needs of the swarms that a supernode keeps: pieces of them to copy elsewhere, and where their load
 * is. The tracker answers; the bytes are its own format (docs/PROTOCOL.md, "Swarm frames"), which the overlay carries
 * and does not read.
 */
import type { InfoHash, Instant, NodeId } from '../base/index.ts';

/** An arc of the ring, both ends 40 lower-case hex digits: `from` exclusive, `to` inclusive; equal ends are all of it. */
export interface Arc {
  readonly from: string;
  readonly to: string;
}

/** Most bytes of a frame, and of a batch. */
export const SWARM_FRAME_BYTES_MAX = 65_536;

/** A part of what is kept of an arc. */
export interface SwarmFrame {
  readonly bytes: Uint8Array;
  /** What the next call is given; undefined after the last frame. */
  readonly cursor: number | undefined;
}

/** Announces that another node shall know of. */
export interface AnnounceBatch {
  readonly to: NodeId;
  readonly bytes: Uint8Array;
}

/** How much an arc is asked for, of late. */
export interface ArcLoad {
  readonly announcesPerSecond: number;
  /** Of answers, with what TCP and HTTP add. */
  readonly bytesPerSecond: number;
}

/** How often one hash is announced here, of late. */
export interface HotHash {
  readonly infoHash: InfoHash;
  readonly announcesPerSecond: number;
}

/** The swarms of one supernode. */
export interface SwarmKeeper {
  /** The next frame of an arc; cursor 0 begins. What is announced meanwhile may be missing from it. */
  frameOf(arc: Arc, cursor: number): SwarmFrame;
  /**
   * Takes another supernode's frame or batch; false when it is malformed, and then nothing of it is taken.
   * @param mayKeep is asked of each swarm in it; one that it denies is left out
   */
  take(bytes: Uint8Array, now: Instant, mayKeep: (infoHash: InfoHash) => boolean): boolean;
  /** Takes what was announced since the last call, for each node that keeps copies: the oldest, where that is much. */
  batches(): readonly AnnounceBatch[];
  /** Something waits to be taken by `batches`. */
  readonly hasBatches: boolean;
  /** The load of each of some arcs. */
  loadOf(arcs: readonly Arc[], now: Instant): readonly ArcLoad[];
  /** The position at or below which about `share` of an arc's load is; undefined where no cut would leave some on both sides. */
  cutOf(arc: Arc, share: number): string | undefined;
  /** The hashes that are announced most, a few of them: what a cut cannot relieve. */
  hottest(): readonly HotHash[];
  /** Peers and swarms kept now. */
  readonly size: { readonly peers: number; readonly hashes: number };
}
