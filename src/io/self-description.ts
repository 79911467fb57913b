/** What a torrent says about itself: to trackers, to peers, and to its own memory of the next run. */
import type { WallSeconds } from '../base/index.ts';
import { type AnnounceFacts, encodeMetainfo, formatMagnet, type Snapshot, type Wishes } from '../torrent/index.ts';
import type { OurExtendedHandshake } from './fast-wire.ts';
import type { Memo } from './torrent-disk.ts';
import { CLIENT_NAME } from './torrent-identity.ts';
import { partsKnowing, type TorrentParts } from './torrent-parts.ts';
import type { TorrentServices, TorrentSpec } from './torrent-spec.ts';
import { REQUESTS_MAX } from './upload-queue.ts';

/** The state of a torrent for its tracker. */
export function announceFactsOf(
  { infoHash }: TorrentSpec,
  { peerId, port }: TorrentServices,
  { transfer, info }: Readonly<TorrentParts>,
): Omit<AnnounceFacts, 'event' | 'wanted'> {
  return {
    infoHash,
    peerId,
    port,
    uploaded: transfer?.up.total ?? 0,
    downloaded: transfer?.down.total ?? 0,
    left: info ? info.length - (transfer?.storedBytes ?? 0) : 1,
    isPartialSeed: transfer?.isUploadOnly === true && !transfer.isWhole,
  };
}

/** What a new link tells the peer (BEP 10). */
export function ourHandshake(
  { port }: TorrentServices,
  { info, transfer }: Readonly<TorrentParts>,
): OurExtendedHandshake {
  return {
    client: CLIENT_NAME,
    listenPort: port,
    requestQueue: REQUESTS_MAX,
    metadataSize: info?.raw.length ?? 0,
    isUploadOnly: transfer?.isUploadOnly ?? false,
    usesPex: info?.isPrivate !== true,
  };
}

/** The parts of a snapshot that the disk does not know. */
export function memoOf(
  { infoHash, name, trackers, webSeeds, addedSeconds }: TorrentSpec,
  { info }: Readonly<TorrentParts>,
  completedSeconds: number,
  wishes: Wishes,
): Memo {
  return {
    metainfo: info && encodeMetainfo({ info: info.raw, trackers, webSeeds }),
    magnet: formatMagnet({ infoHash, name, trackers: trackers.flat(), webSeeds, peers: [] }),
    wishes,
    addedSeconds,
    completedSeconds: completedSeconds as WallSeconds | 0,
  };
}

/** What a torrent is remembered by while nobody looked at its files. */
export function unseenSnapshot(spec: TorrentSpec): Snapshot {
  const { info, directory, sourcePaths, completedSeconds, wishes } = spec;
  const memo = memoOf(spec, partsKnowing(info), completedSeconds, wishes);
  return { ...memo, directory, sourcePaths, have: new Uint8Array(0), modifiedMs: [] };
}
