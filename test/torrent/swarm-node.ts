// One node of a swarm in memory: its machine, and what its host would know of its links, buffers and disk.
import type { Instant, Random } from '../../src/base/index.ts';
import { Bitfield, type Layout, PRIORITY, type Priority, Transfer } from '../../src/torrent/index.ts';

export interface NodePlan {
  readonly stored: 'all' | 'none' | readonly number[];
  /** Share of the blocks it serves that are bad; all links of a poisoner are its own fault. */
  readonly poisons?: number;
  /** Share of requests it rejects although it unchokes. */
  readonly rejects?: number;
  /** Never answers a request after this many blocks. */
  readonly silentAfter?: number;
  readonly uploadSlots?: number;
  /** Priorities it begins with, repeated over the pieces; everything at the same one unless told. */
  readonly wants?: readonly Priority[];
  /** Fetches in order. */
  readonly isSequential?: boolean;
  /** Blocks a second over all links; 50 unless told. */
  readonly uplink?: number;
}

/** One node's end of a link, and what its host knows of it. */
export interface End {
  readonly node: SimNode;
  readonly id: number;
  other: End;
  isOpen: boolean;
  /** Requests that this end's node owes the other: `piece:block`. */
  readonly uploads: Set<string>;
  /** Requests this end's node has out: what `asked` must equal. */
  readonly owed: Set<string>;
  weChoke: boolean;
  theyChoke: boolean;
  weAreInterested: boolean;
  readonly hasFast: boolean;
  /** When the last message on its way to this end arrives. */
  heardUntil: number;
}

export class SimNode {
  readonly name: number;
  readonly plan: NodePlan;
  readonly transfer: Transfer;
  readonly ends: Map<number, End> = new Map();
  /** Blocks in the buffers of pieces under way: `piece:block` to whether it is good. */
  readonly buffers: Map<number, Map<number, boolean>> = new Map();
  readonly stored: Set<number> = new Set();
  readonly banned: Set<number> = new Set();
  priorities: readonly Priority[];
  /** Pieces that its user waits for, or did. */
  readonly due: Set<number> = new Set();
  nextLink = 0;
  isComplete = false;
  servedBlocks = 0;
  receivedBlocks = 0;
  pausedUntil = 0;
  /** Until when its uplink is busy with what it sends. */
  sendingUntil = 0;

  constructor(name: number, plan: NodePlan, layout: Layout, openPiecesMax: number, random: Random, now: Instant) {
    this.name = name;
    this.plan = plan;
    const stored = new Bitfield(layout.pieceCount);
    for (let piece = 0; piece < layout.pieceCount; piece++) {
      if (plan.stored === 'all' || (plan.stored !== 'none' && plan.stored.includes(piece))) stored.add(piece);
    }
    for (let piece = 0; piece < layout.pieceCount; piece++) if (stored.has(piece)) this.stored.add(piece);
    const settings = { uploadSlots: plan.uploadSlots ?? 4, openPiecesMax };
    this.transfer = new Transfer(layout, stored, settings, random, now);
    const { wants = [PRIORITY.normal] } = plan;
    this.priorities = Array.from({ length: layout.pieceCount }, (_, piece) => wants[piece % wants.length]!);
    this.transfer.input({ type: 'selected', priorities: this.priorities }, now);
    this.transfer.input({ type: 'sequence', isSequential: plan.isSequential ?? false }, now);
    this.isComplete = this.transfer.isComplete;
  }

  /** Wanted and not stored. */
  lacks(piece: number): boolean {
    return (this.priorities[piece] !== PRIORITY.skip || this.due.has(piece)) && !this.stored.has(piece);
  }

  get isPoisoner(): boolean {
    return (this.plan.poisons ?? 0) > 0;
  }
}
