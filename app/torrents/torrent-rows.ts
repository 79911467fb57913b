/** How a torrent looks to scripts and pages: the rows of `ps` and the detail of `info`. */
import { join } from 'node:path';
import type { NodeId, WallSeconds } from '../../src/base/index.ts';
import type { Torrent } from '../../src/io/torrent.ts';
import type { Observation } from '../../src/listing/index.ts';
import { formatMagnet, type TorrentInfo } from '../../src/torrent/index.ts';
import {
  type CountClass,
  type CountRow,
  type FileRow,
  type ListingRow,
  PRIORITY_NAMES,
  type TorrentDetail,
  type TorrentRow,
  type TorrentState,
} from '../running-node.ts';

/** What others know of a torrent. */
export interface Standing {
  readonly queuePlace: number | null;
  /** Why what changed in it is not shared. */
  readonly shareProblem: string | undefined;
}

/** The row of one torrent as it is now. */
export function torrentRow(host: Torrent, { queuePlace, shareProblem }: Standing): TorrentRow {
  const { spec, info } = host;
  const figures = host.figures();
  const size = info?.length ?? 0;
  const isFetching = host.phase === 'running' && !host.isComplete;
  return {
    infoHash: spec.infoHash,
    name: info?.name ?? spec.name,
    state: stateOf(host),
    progress: figures.progress,
    downBytesPerSecond: Math.round(figures.down),
    upBytesPerSecond: Math.round(figures.up),
    peers: figures.links,
    stalledBecause: shareProblem ?? figures.stalledBecause,
    size,
    bytesDownloaded: figures.downloaded,
    bytesUploaded: figures.uploaded,
    path: contentPath(host),
    seconds: figures.secondsToComplete,
    secondsLeft: isFetching && figures.down > 0 ? Math.ceil(figures.missingBytes / figures.down) : null,
    queuePlace,
    downBytesPerSecondMax: host.orders.downMax,
    upBytesPerSecondMax: host.orders.upMax,
  };
}

/** Everything known about one torrent; either part may be missing. */
export function torrentDetail(
  infoHash: TorrentDetail['infoHash'],
  host: Torrent | undefined,
  listing: ListingRow | undefined,
  counts: readonly CountRow[],
  standing: Standing,
): TorrentDetail {
  const name = host?.info?.name ?? listing?.name ?? host?.spec.name ?? infoHash;
  const trackers = host?.trackers ?? [];
  return {
    infoHash,
    name,
    magnet: formatMagnet({ infoHash, name, trackers }),
    listing: listing ?? null,
    counts,
    torrent: host ? torrentRow(host, standing) : null,
    fileList: host ? fileRows(host) : [],
    pieceLength: host?.info?.pieceLength ?? null,
    trackers,
    links: (host?.links() ?? []).map(({ nodeId, ...link }) => ({ ...link, nodeId: nodeId ?? null })),
  };
}

/** What several nodes counted, as rows. */
export function countRows(
  observations: readonly Observation[],
  classOf: (source: NodeId) => CountClass,
  at: WallSeconds,
): CountRow[] {
  return observations.map(({ source, at: countedAt, seeders = null, leechers = null, completions = null }) => ({
    source,
    class: classOf(source),
    ageSeconds: Math.max(0, at - countedAt),
    seeders,
    leechers,
    completions,
  }));
}

/** The files of a torrent; padding is nobody's file, but counts in the indices. */
export function fileRows({ info, files }: Torrent): FileRow[] {
  return (info?.files ?? []).flatMap(({ path, length: size, isPadding }, index) => {
    if (isPadding) return [];
    const { priority, storedBytes } = files[index]!;
    const progress = size > 0 ? storedBytes / size : 1;
    return { index, path: path.join('/'), size, priority: PRIORITY_NAMES[priority]!, progress };
  });
}

/** The files of a torrent that is not here: all of them would be fetched. */
export function listedFileRows({ files }: TorrentInfo): FileRow[] {
  return files.flatMap(({ path, length: size, isPadding }, index) =>
    isPadding ? [] : [{ index, path: path.join('/'), size, priority: 'normal', progress: 0 }],
  );
}

function stateOf(host: Torrent): TorrentState {
  return host.phase === 'running' ? (host.isSettled ? 'seeding' : 'downloading') : host.phase;
}

/** The file or folder that the torrent is; what is shared in place stays where its owner has it. */
function contentPath({ spec, info }: Torrent): string {
  const [first] = spec.sourcePaths;
  if (first === undefined) return join(spec.directory, info?.name ?? spec.name);
  return info?.files[0]?.path.length === 1 ? first : spec.directory;
}
