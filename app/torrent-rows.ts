/** How a torrent looks to scripts and pages: the rows of `ps` and the detail of `info`. */
import { join } from 'node:path';
import type { TorrentHost } from '../src/io/torrent-host.ts';
import { formatMagnet } from '../src/torrent/index.ts';
import type { ListingRow, TorrentDetail, TorrentRow, TorrentState } from './running-node.ts';

/** The row of one torrent as it is now. */
export function torrentRow(host: TorrentHost): TorrentRow {
  const { spec, info } = host;
  const figures = host.figures();
  const size = info?.length ?? 0;
  const missing = size - figures.storedBytes;
  const isFetching = host.phase === 'running' && !host.isComplete;
  return {
    infoHash: spec.infoHash,
    name: info?.name ?? spec.name,
    state: stateOf(host),
    progress: figures.progress,
    downBytesPerSecond: Math.round(figures.down),
    upBytesPerSecond: Math.round(figures.up),
    peers: figures.links,
    stalledBecause: figures.stalledBecause,
    size,
    bytesDownloaded: figures.downloaded,
    bytesUploaded: figures.uploaded,
    path: contentPath(host),
    seconds: figures.secondsToComplete,
    secondsLeft: isFetching && figures.down > 0 ? Math.ceil(missing / figures.down) : null,
  };
}

/** Everything known about one torrent; either part may be missing. */
export function torrentDetail(
  infoHash: TorrentDetail['infoHash'],
  host: TorrentHost | undefined,
  listing: ListingRow | undefined,
): TorrentDetail {
  const name = host?.info?.name ?? listing?.name ?? host?.spec.name ?? infoHash;
  const trackers = host?.trackers ?? [];
  const files = host?.info?.files.filter(({ isPadding }) => !isPadding) ?? [];
  return {
    infoHash,
    name,
    magnet: formatMagnet({ infoHash, name, trackers }),
    listing: listing ?? null,
    torrent: host ? torrentRow(host) : null,
    fileList: files.map(({ path, length }) => ({ path: path.join('/'), size: length })),
    pieceLength: host?.info?.pieceLength ?? null,
    trackers,
  };
}

function stateOf(host: TorrentHost): TorrentState {
  return host.phase === 'running' ? (host.isComplete ? 'seeding' : 'downloading') : host.phase;
}

/** The file or folder that the torrent is; what is shared in place stays where its owner has it. */
function contentPath({ spec, info }: TorrentHost): string {
  const [first] = spec.sourcePaths;
  if (first === undefined) return join(spec.directory, info?.name ?? spec.name);
  return info?.files[0]?.path.length === 1 ? first : spec.directory;
}
