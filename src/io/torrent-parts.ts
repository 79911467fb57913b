/**
 * What one torrent consists of as far as it exists yet. Its host makes the parts, in this order; those that route
 * facts and orders between them only look.
 */
import type { TorrentInfo, Transfer } from '../torrent/index.ts';
import type { BlockIntake } from './block-intake.ts';
import type { HostedContent } from './hosted-content.ts';
import type { MetadataPhase } from './metadata-phase.ts';
import type { TorrentDisk } from './torrent-disk.ts';
import type { WebSeedLinks } from './web-seed-links.ts';

export interface TorrentParts {
  /** Only while the metadata is not known. */
  metadata: MetadataPhase | undefined;
  info: TorrentInfo | undefined;
  disk: TorrentDisk | undefined;
  /** Only after the disk said which pieces are ours. */
  transfer: Transfer | undefined;
  blocks: BlockIntake | undefined;
  /** Transfer and disk as readers see them. */
  content: HostedContent | undefined;
  /** Only where the torrent names some. */
  webSeeds: WebSeedLinks | undefined;
}

/** The parts of a torrent that has not begun. */
export function partsKnowing(info: TorrentInfo | undefined): TorrentParts {
  return {
    metadata: undefined,
    info,
    disk: undefined,
    transfer: undefined,
    blocks: undefined,
    content: undefined,
    webSeeds: undefined,
  };
}
