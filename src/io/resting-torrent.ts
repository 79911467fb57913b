/**
 * What is known of a torrent that does not take part: what of it is on disk according to its memory, and what of the
 * rest is wanted. Nothing of it was looked up on the disk; that is done when it takes part again.
 */
import {
  Bitfield,
  Layout,
  PRIORITY,
  replayJournal,
  storedPerFile,
  type TorrentInfo,
  type Wishes,
} from '../torrent/index.ts';
import { FileChoice } from './file-choice.ts';
import type { Remembered, ResumeFile } from './resume-file.ts';
import { unseenSnapshot } from './self-description.ts';
import { type HostedFile, IDLE_FIGURES, type TorrentFigures } from './torrent-figures.ts';
import type { TorrentSpec } from './torrent-spec.ts';

/** A torrent at rest. */
export class RestingTorrent {
  readonly remembered: Remembered | undefined;
  readonly storedBytes: number;
  /** Bytes that are wanted and not stored; all of them while the metadata is not known, as Infinity. */
  readonly missingBytes: number;
  readonly #info: TorrentInfo | undefined;
  readonly #stored: Bitfield | undefined;
  /** Pieces to hash when it takes part again. */
  #suspect: ReadonlySet<number> = new Set();
  readonly #choice: FileChoice;

  /** @param isWhole true when all of it is known to be there */
  constructor(info: TorrentInfo | undefined, remembered: Remembered | undefined, wishes: Wishes, isWhole: boolean) {
    this.#info = info;
    this.remembered = remembered;
    this.#choice = new FileChoice(wishes);
    this.#choice.use(wishes, info);
    if (!info) {
      this.storedBytes = 0;
      this.missingBytes = Number.POSITIVE_INFINITY;
      return;
    }
    const layout = new Layout(info);
    const stored = isWhole ? Bitfield.full(layout.pieceCount) : this.#storedOf(layout);
    this.#stored = stored;
    if (stored.isFull) {
      this.storedBytes = info.length;
      this.missingBytes = 0;
      return;
    }
    const priorities = this.#choice.piecePriorities(layout, info);
    let storedBytes = 0;
    let missingBytes = 0;
    for (let piece = 0; piece < stored.length; piece++) {
      if (stored.has(piece)) storedBytes += layout.bytesOf(piece);
      else if (priorities[piece] !== PRIORITY.skip) missingBytes += layout.bytesOf(piece);
    }
    this.storedBytes = storedBytes;
    this.missingBytes = missingBytes;
  }

  get isComplete(): boolean {
    return this.missingBytes === 0;
  }

  /** For a screen; its progress is 0-1 of what is stored or wanted. */
  get figures(): TorrentFigures {
    const { storedBytes, missingBytes } = this;
    if (!this.#info) return { ...IDLE_FIGURES, progress: 0, storedBytes, missingBytes: 0 };
    const wanted = storedBytes + missingBytes;
    return { ...IDLE_FIGURES, progress: wanted > 0 ? storedBytes / wanted : 1, storedBytes, missingBytes };
  }

  get files(): HostedFile[] {
    const info = this.#info;
    if (!info) return [];
    const stored = this.#stored ? storedPerFile(new Layout(info), info.files, this.#stored) : [];
    return info.files.map((_, file) => ({
      priority: this.#choice.priorities[file] ?? PRIORITY.normal,
      storedBytes: stored[file] ?? 0,
    }));
  }

  /** Writes it down, with the wishes that `spec` has; what the journal says is folded into the new snapshot. */
  async save(resume: ResumeFile, spec: TorrentSpec): Promise<void> {
    const { snapshot, isStale } = this.remembered ?? { snapshot: unseenSnapshot(spec), isStale: false };
    // What was not believed, or never looked at, must not become known by being written again.
    const isUnseen = isStale || snapshot.have.length === 0;
    const have = isUnseen ? new Uint8Array(0) : (this.#stored?.bytes ?? snapshot.have);
    if (!isUnseen) for (const piece of this.#suspect) resume.touched(piece);
    await resume.save({ ...snapshot, have, wishes: spec.wishes });
    resume.close();
  }

  #storedOf({ pieceCount }: Layout): Bitfield {
    if (!this.remembered) return new Bitfield(pieceCount);
    const { snapshot, journal, mark } = this.remembered;
    const { stored, suspect } = replayJournal(pieceCount, snapshot.have, journal, mark);
    this.#suspect = suspect;
    return stored;
  }
}
