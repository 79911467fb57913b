/**
 * From metadata to a transfer: opens a torrent's files, finds out which pieces are on disk (remembered, or hashed when
 * it is this torrent's turn), and makes the transfer machine for the rest. Refuses to know peers and links.
 */
import type { TorrentInfo, TransferInput } from '../torrent/index.ts';
import { Bitfield, Transfer } from '../torrent/index.ts';
import { now } from './alarm-clock.ts';
import type { FileChoice } from './file-choice.ts';
import { DownloadQuota } from './order-quota.ts';
import type { Remembered, ResumeFile } from './resume-file.ts';
import { arrivalMemoryOf, openPiecesMaxOf } from './segments.ts';
import { type DiskEvents, TorrentDisk } from './torrent-disk.ts';
import type { TorrentServices, TorrentSpec } from './torrent-spec.ts';

/** What an opening needs and does not own. */
export interface OpeningSettings {
  readonly spec: TorrentSpec;
  readonly services: TorrentServices;
  readonly resume: ResumeFile;
  readonly choice: FileChoice;
  readonly disk: Omit<DiskEvents, 'drained'>;
  /** Hashing is due, which may take long: what is known is written down before. */
  checkDue(): void;
  /** The rate limit or memory lets more be asked for again. */
  mayAsk(fact: TransferInput): void;
}

/** The opening of one torrent's content. */
export class ContentOpening {
  readonly #settings: OpeningSettings;
  #checkedShare: number | undefined;

  constructor(settings: OpeningSettings) {
    this.#settings = settings;
  }

  /** 0-1 of what is to be hashed; undefined until it is this torrent's turn, and where nothing is. */
  get checkedShare(): number | undefined {
    return this.#checkedShare;
  }

  /** The torrent's files; nothing is read or written yet. */
  diskOf(info: TorrentInfo): TorrentDisk {
    const { spec, resume, disk } = this.#settings;
    this.#checkedShare = undefined;
    const events = { ...disk, drained: () => this.#settings.mayAsk({ type: 'drained' }) };
    return new TorrentDisk({ info, directory: spec.directory, sourcePaths: spec.sourcePaths }, resume, events);
  }

  /** Which pieces are on disk; resolves early and short when the disk was told to cancel. */
  async piecesOf(info: TorrentInfo, disk: TorrentDisk, remembered: Remembered | undefined): Promise<Bitfield> {
    const { spec, services } = this.#settings;
    if (spec.isWhole) return Bitfield.full(info.pieceCount);
    const progress = (done: number, of: number): void => {
      this.#checkedShare = of > 0 ? done / of : 1;
    };
    return disk.recall(remembered, progress, {
      pass: (work) => {
        this.#settings.checkDue();
        return services.checks.pass(work);
      },
    });
  }

  transferOf(info: TorrentInfo, disk: TorrentDisk, stored: Bitfield): Transfer {
    const { services, choice } = this.#settings;
    const { uploadSlots, random, rates } = services;
    const openPiecesMax = openPiecesMaxOf(info.pieceLength);
    const priorities = choice.piecePriorities(disk.layout, info);
    const quota = new DownloadQuota(rates.down, info.infoHash, (link) =>
      this.#settings.mayAsk({ type: 'granted', link }),
    );
    const memory = arrivalMemoryOf(info.pieceLength, disk.intake);
    return new Transfer(disk.layout, stored, { uploadSlots, openPiecesMax, priorities, quota, memory }, random, now());
  }
}
