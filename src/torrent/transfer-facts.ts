/** What the transfer machine hears (facts from links and disk) and what it orders (imperatives for them). */
import type { Address, Fault, Instant } from '../base/index.ts';
import type { LinkId } from './ledger.ts';
import type { RequestRun } from './picker.ts';
import type { Priority } from './selection.ts';

export type TransferInput =
  | {
      readonly type: 'linkOpened';
      readonly link: LinkId;
      readonly address: Address;
      readonly hasFast: boolean;
    }
  | { readonly type: 'linkClosed'; readonly link: LinkId }
  | { readonly type: 'queueMax'; readonly link: LinkId; readonly requests: number }
  /** The peer wants nothing (BEP 21), or wants something again. */
  | { readonly type: 'uploadOnly'; readonly link: LinkId; readonly isUploadOnly: boolean }
  | { readonly type: 'bitfield'; readonly link: LinkId; readonly bytes: Uint8Array }
  | { readonly type: 'haveAll' | 'haveNone'; readonly link: LinkId }
  | { readonly type: 'have'; readonly link: LinkId; readonly piece: number }
  | { readonly type: 'choked' | 'unchoked' | 'interested' | 'uninterested'; readonly link: LinkId }
  | { readonly type: 'blockArrived'; readonly link: LinkId; readonly piece: number; readonly offset: number }
  | { readonly type: 'rejected'; readonly link: LinkId; readonly piece: number; readonly offset: number }
  | { readonly type: 'pieceChecked'; readonly piece: number; readonly isGood: boolean }
  /** `storeFailed`: the disk failed this piece, in reading it back for its check or in writing it; nobody is to blame. */
  | { readonly type: 'pieceStored' | 'storeFailed'; readonly piece: number }
  | { readonly type: 'served'; readonly link: LinkId; readonly bytes: number }
  /** While paused nothing is asked for; what is stored is served all the same. */
  | { readonly type: 'paused'; readonly isPaused: boolean }
  /** Per piece how much it is wanted: what is skipped is neither asked for nor waited for. */
  | { readonly type: 'selected'; readonly priorities: readonly Priority[] }
  /** Pieces of one priority are to come in order, or rarest first. */
  | { readonly type: 'sequence'; readonly isSequential: boolean }
  /** Somebody waits for a stretch of the torrent's bytes, selected or not, and needs it by `at`. */
  | { readonly type: 'due'; readonly start: number; readonly length: number; readonly at: Instant }
  /** Nobody waits for a stretch any more. */
  | { readonly type: 'notDue'; readonly start: number; readonly length: number }
  /** Less waits for the disk than did: where memory kept blocks from being asked for, some may be. */
  | { readonly type: 'drained' }
  /** The quota lets more be asked of a link. */
  | { readonly type: 'granted'; readonly link: LinkId }
  | { readonly type: 'tick' };

export type TransferEffect =
  | ({ readonly type: 'request'; readonly link: LinkId } & RequestRun)
  /** The link owes this block no more; if it is arriving right now, the rest must not reach its place. */
  | {
      readonly type: 'cancel';
      readonly link: LinkId;
      readonly piece: number;
      readonly offset: number;
      readonly length: number;
    }
  | { readonly type: 'interest'; readonly link: LinkId; readonly isInterested: boolean }
  | { readonly type: 'choke'; readonly link: LinkId; readonly isChoked: boolean }
  | { readonly type: 'announceHave' | 'check' | 'store' | 'drop'; readonly piece: number }
  | { readonly type: 'close'; readonly link: LinkId; readonly why: Fault; readonly isBanned: boolean }
  /** We begin or cease to want anything of anybody: others should hear of it (BEP 21). */
  | { readonly type: 'standing'; readonly isUploadOnly: boolean }
  /** Everything that is selected is stored; again after each selection that made it incomplete. */
  | { readonly type: 'complete' };

/** How many blocks may be ordered: the download limit. */
export interface OrderQuota {
  /** Blocks that a link may be asked for now, of those wanted; a `granted` fact says when it is more. Infinity for any. */
  allow(link: LinkId, blocks: number): number;
  /** Blocks were asked for. */
  spend(link: LinkId, blocks: number): void;
  /** Blocks that were asked for will not come. */
  giveBack(link: LinkId, blocks: number): void;
  forget(link: LinkId): void;
}

/** The memory for what arrives, where it holds less than the pieces in flight. */
export interface ArrivalMemory {
  /** Blocks on order and waiting together, at most, but for a few of each link and for what long paths hold. */
  readonly blocksMax: number;
  /** Blocks that are here and wait for the disk; a `drained` fact says that they became fewer. */
  waiting(): number;
}

/** What the machine needs from outside, besides facts. */
export interface TransferSettings {
  readonly uploadSlots: number;
  /** Pieces in flight at most: what the host's buffers can hold. */
  readonly openPiecesMax: number;
  /** Per piece how much it is wanted to begin with; all of them alike unless told. */
  readonly priorities?: readonly Priority[];
  /** Absent where there is no limit. */
  readonly quota?: OrderQuota;
  /** Absent where `openPiecesMax` alone bounds what arrives. */
  readonly memory?: ArrivalMemory | undefined;
}
