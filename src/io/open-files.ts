/**
 * The open files of one torrent: opened when needed, the least recently used closed first. Invariant: a descriptor is
 * closed only when nobody uses it, because a closed number soon means another file. Knows neither paths nor content.
 */
import * as fs from 'node:fs';

/** Open files of one torrent; one more is open only while all of these are in use. */
export const OPEN_FILES_MAX = 32;

interface OpenFile {
  readonly fd: Promise<number>;
  readonly isWritable: boolean;
  /** Operations under way. */
  users: number;
  /** Out of the table: its last user closes it. */
  isRetired: boolean;
}

/** Files by their index in the torrent. */
export class OpenFiles {
  readonly #openFile: (file: number, isWriting: boolean) => Promise<number>;
  readonly #table = new Map<number, OpenFile>();
  /** Retired files that are still in use, being opened or being closed. */
  readonly #leaving = new Map<OpenFile, PromiseWithResolvers<void>>();
  #isClosed = false;

  constructor(openFile: (file: number, isWriting: boolean) => Promise<number>) {
    this.#openFile = openFile;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Runs `use` with a descriptor that stays open until it is done. */
  async using<Result>(file: number, isWriting: boolean, use: (fd: number) => Promise<Result>): Promise<Result> {
    const opened = this.#take(file, isWriting);
    try {
      return await use(await opened.fd);
    } catch (error) {
      // A disk that was taken away and came back is reached through a new descriptor only.
      if (this.#table.get(file) === opened) this.#retire(file, opened);
      throw error;
    } finally {
      opened.users--;
      if (opened.isRetired) this.#closeUnused(opened);
    }
  }

  /** Closes what nobody uses; it is opened again when it is needed. */
  rest(): void {
    for (const [file, opened] of [...this.#table]) if (opened.users === 0) this.#retire(file, opened);
  }

  /** Opens every file anew from now on; what is under way ends with what it has. */
  renew(): void {
    for (const [file, opened] of [...this.#table]) this.#retire(file, opened);
  }

  /** Opens nothing from now on; resolves when everything under way is done and every file is closed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.renew();
    await Promise.all([...this.#leaving.values()].map(({ promise }) => promise));
  }

  /** Looks a file up and counts its user in one step, so that nothing closes it in between. */
  #take(file: number, isWriting: boolean): OpenFile {
    const known = this.#table.get(file);
    if (known && (known.isWritable || !isWriting)) {
      known.users++;
      this.#table.delete(file);
      this.#table.set(file, known);
      return known;
    }
    if (known) this.#retire(file, known);
    const opened = { fd: this.#openFile(file, isWriting), isWritable: isWriting, users: 1, isRetired: false };
    this.#table.set(file, opened);
    opened.fd.catch(() => {
      if (this.#table.get(file) === opened) this.#retire(file, opened);
    });
    this.#retireOldest();
    return opened;
  }

  #retireOldest(): void {
    for (const [file, opened] of this.#table) {
      if (this.#table.size <= OPEN_FILES_MAX) return;
      if (opened.users === 0) this.#retire(file, opened);
    }
  }

  #retire(file: number, opened: OpenFile): void {
    this.#table.delete(file);
    opened.isRetired = true;
    this.#leaving.set(opened, Promise.withResolvers<void>());
    this.#closeUnused(opened);
  }

  #closeUnused(opened: OpenFile): void {
    if (opened.users > 0) return;
    const gone = (): void => {
      this.#leaving.get(opened)?.resolve();
      this.#leaving.delete(opened);
    };
    opened.fd.then((fd) => fs.close(fd, gone), gone);
  }
}
