/** What is wanted of one torrent while it runs: turns rules about files into what its transfer and its disk do. */
import { type Fault, isFault } from '../base/index.ts';
import {
  filePriorities,
  type Layout,
  type Priority,
  piecePriorities,
  type TorrentInfo,
  type TransferInput,
  type Wishes,
} from '../torrent/index.ts';

/** The choice as it stands. */
export class FileChoice {
  #wishes: Wishes;
  /** One per file; empty while the files are not known. */
  #priorities: readonly Priority[] = [];

  constructor(wishes: Wishes) {
    this.#wishes = wishes;
  }

  get wishes(): Wishes {
    return this.#wishes;
  }
  get priorities(): readonly Priority[] {
    return this.#priorities;
  }

  /** Takes new wishes, or looks the old ones up once the files are known; nothing changes when a rule names no file. */
  use(wishes: Wishes, info: TorrentInfo | undefined): Fault<'no-such-file'> | undefined {
    const priorities = info ? filePriorities(info.files, wishes.rules) : [];
    if (isFault(priorities)) return priorities;
    this.#wishes = wishes;
    this.#priorities = priorities;
    return undefined;
  }

  /** What the transfer has to know of it. */
  facts(layout: Layout, info: TorrentInfo): TransferInput[] {
    return [
      { type: 'sequence', isSequential: this.#wishes.isSequential },
      { type: 'selected', priorities: this.piecePriorities(layout, info) },
    ];
  }

  piecePriorities(layout: Layout, { files }: TorrentInfo): Priority[] {
    return piecePriorities(layout, files, this.#priorities);
  }
}
