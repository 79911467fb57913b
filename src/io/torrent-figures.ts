/** The figures of one torrent as a screen shows them, and the reason when nothing moves. */
import {
  PRIORITY,
  type Priority,
  stallReason,
  storedPerFile,
  type TorrentInfo,
  type Transfer,
} from '../torrent/index.ts';
import { now } from './alarm-clock.ts';
import type { Announcer } from './announcer.ts';
import type { TorrentParts } from './torrent-parts.ts';
import type { TorrentPhase } from './torrent-phase.ts';

export interface TorrentFigures {
  /** 0-1: verified bytes over all that are wanted; while checking, checked pieces over pieces to check. */
  readonly progress: number;
  /** Bytes per second. */
  readonly down: number;
  readonly up: number;
  /** Links past the wire handshake. */
  readonly links: number;
  /** Peers that some source named, linked or not. */
  readonly knownPeers: number;
  /** Payload bytes of this run of the process. */
  readonly downloaded: number;
  readonly uploaded: number;
  readonly storedBytes: number;
  /** Bytes that are wanted and not stored yet. */
  readonly missingBytes: number;
  readonly secondsToComplete: number | null;
  readonly stalledBecause: string | null;
}

/** Of a torrent that does not take part. */
export const IDLE_FIGURES: TorrentFigures = {
  progress: 0,
  down: 0,
  up: 0,
  links: 0,
  knownPeers: 0,
  downloaded: 0,
  uploaded: 0,
  storedBytes: 0,
  missingBytes: 0,
  secondsToComplete: null,
  stalledBecause: null,
};

/** What the figures are taken from. */
export interface FigureSources {
  readonly phase: TorrentPhase;
  readonly info: TorrentInfo | undefined;
  readonly transfer: Transfer | undefined;
  readonly links: number;
  readonly knownPeers: number;
  readonly refusingPeers: number;
  readonly announcer: Announcer;
  readonly checkedShare: number | undefined;
  readonly secondsToComplete: number | undefined;
  readonly diskProblem: string | undefined;
  readonly isDownClosed: boolean;
  readonly isUpClosed: boolean;
  readonly failure: string | undefined;
}

/** Takes the figures now. */
export function figuresOf(sources: FigureSources): TorrentFigures {
  const { transfer, links, announcer, diskProblem } = sources;
  const time = now();
  const down = transfer?.down.at(time) ?? 0;
  const states = [...(transfer?.links.values() ?? [])];
  const isComplete = transfer?.isComplete ?? false;
  const stalledBecause = stallReason({
    hasMetadata: sources.info !== undefined,
    isComplete,
    downBytesPerSecond: down,
    links,
    unchokedLinks: states.filter((link) => link.weAreInterested && !link.theyChoke).length,
    usefulLinks: states.filter((link) => link.weAreInterested).length,
    knownPeers: sources.knownPeers,
    refusingPeers: sources.refusingPeers,
    hasTrackers: announcer.trackers.length > 0,
    trackerHasAnswered: announcer.hasAnswered,
    trackerFailure: announcer.failure,
    diskProblem,
    isDownClosed: sources.isDownClosed,
    isUpClosed: sources.isUpClosed,
  });
  return {
    progress: progressOf(sources),
    down,
    up: transfer?.up.at(time) ?? 0,
    links,
    knownPeers: sources.knownPeers,
    downloaded: transfer?.down.total ?? 0,
    uploaded: transfer?.up.total ?? 0,
    storedBytes: transfer?.storedBytes ?? 0,
    missingBytes: transfer?.missingBytes ?? sources.info?.length ?? 0,
    secondsToComplete: sources.secondsToComplete ?? null,
    stalledBecause: sources.failure ?? (sources.phase === 'checking' ? whyUnchecked(sources) : stalledBecause),
  };
}

function whyUnchecked({ checkedShare }: FigureSources): string | null {
  return checkedShare === undefined ? 'waits until the torrents before it are checked' : null;
}

function progressOf({ phase, info, transfer, checkedShare }: FigureSources): number {
  if (phase === 'checking') return checkedShare ?? 0;
  if (!info || !transfer) return 0;
  return transfer.wantedBytes > 0 ? 1 - transfer.missingBytes / transfer.wantedBytes : 1;
}

/** A file as a screen shows it. */
export interface HostedFile {
  readonly priority: Priority;
  /** Verified bytes. */
  readonly storedBytes: number;
}

/** Every file of a torrent, in its order; empty until the metadata is known. */
export function hostedFiles(
  { info, disk, transfer }: Readonly<TorrentParts>,
  priorities: readonly Priority[],
): HostedFile[] {
  if (!info) return [];
  const stored = disk && transfer ? storedPerFile(disk.layout, info.files, transfer.stored) : [];
  return info.files.map((_, file) => ({
    priority: priorities[file] ?? PRIORITY.normal,
    storedBytes: stored[file] ?? 0,
  }));
}
