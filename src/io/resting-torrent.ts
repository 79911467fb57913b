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
import type { HostedFile } from './torrent-figures.ts';

/** A torrent at rest. */
export class RestingTorrent {
  readonly remembered: Remembered | undefined;
  readonly storedBytes: number;
  /** Bytes that are wanted and not stored; all of them while the metadata is not known, as Infinity. */
  readonly missingBytes: number;
  readonly #info: TorrentInfo | undefined;
  readonly #stored: Bitfield | undefined;
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
    const stored = isWhole ? Bitfield.full(layout.pieceCount) : storedOf(layout, remembered);
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

  /** 0-1, of what is stored or wanted. */
  get progress(): number {
    if (!this.#info) return 0;
    const wanted = this.storedBytes + this.missingBytes;
    return wanted > 0 ? this.storedBytes / wanted : 1;
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

  /** Writes other wishes into its memory; what the journal says is folded into the new snapshot. */
  async saveWishes(resume: ResumeFile, wishes: Wishes): Promise<void> {
    if (!this.remembered) return;
    const { snapshot, isStale } = this.remembered;
    const stored = this.#stored;
    if (isStale && stored) {
      // What was not believed must not become so by being written again.
      for (let piece = 0; piece < stored.length; piece++) resume.touched(piece);
      await resume.save({ ...snapshot, have: new Uint8Array(stored.bytes.length), wishes });
    } else {
      await resume.save({ ...snapshot, have: stored?.bytes ?? snapshot.have, wishes });
    }
    resume.close();
  }
}

function storedOf({ pieceCount }: Layout, remembered: Remembered | undefined): Bitfield {
  if (!remembered) return new Bitfield(pieceCount);
  const { snapshot, journal, mark } = remembered;
  return replayJournal(pieceCount, snapshot.have, journal, mark).stored;
}
