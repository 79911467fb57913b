/**
 * Tells whoever follows folders that something in them changed. The system's watch of a folder hears of everything that
 * lies directly in it, so that each folder takes one, however many files it holds. Invariants: never more than
 * FOLDERS_MAX; a folder that came anew under an old name is watched anew. What was missed is no concern of this: whoever
 * follows looks from time to time.
 */
import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { setImmediate } from 'node:timers/promises';

/** Watched folders of a node; a system may allow fewer. */
export const FOLDERS_MAX = 8192;
/** Watches opened in one go: some milliseconds. */
const OPENED_AT_ONCE = 256;

/** One watch, and for whom. */
interface Watched {
  readonly watcher: FSWatcher;
  /** Paths that this folder belongs to. */
  readonly inside: Set<string>;
  /** Paths that lie in it, and are followed themselves. */
  readonly beside: Set<string>;
}

export class FolderWatches {
  readonly #changed: (path: string) => void;
  readonly #watched = new Map<string, Watched>();
  /** The folders of each path that is followed. */
  readonly #followed = new Map<string, ReadonlySet<string>>();

  /** @param changed is called with a path that is followed, at every single change */
  constructor(changed: (path: string) => void) {
    this.#changed = changed;
  }

  /**
   * From now on follows a file or folder by the folders that belong to it, and by the one that it lies in. Resolves when
   * they are watched, as far as the system lets us.
   */
  async follow(path: string, folders: readonly string[]): Promise<void> {
    const wanted = new Set(folders);
    for (const folder of this.#followed.get(path) ?? []) {
      if (!wanted.has(folder)) this.#release(folder, (watched) => watched.inside.delete(path));
    }
    this.#followed.set(path, wanted);
    this.#open(dirname(path))?.beside.add(path);
    let opened = 0;
    for (const folder of wanted) {
      if (++opened % OPENED_AT_ONCE === 0) await setImmediate();
      if (this.#followed.get(path) !== wanted) return;
      this.#open(folder)?.inside.add(path);
    }
  }

  leave(path: string): void {
    for (const folder of this.#followed.get(path) ?? []) this.#release(folder, ({ inside }) => inside.delete(path));
    this.#release(dirname(path), ({ beside }) => beside.delete(path));
    this.#followed.delete(path);
  }

  close(): void {
    for (const folder of this.#watched.keys()) this.#forget(folder);
    this.#followed.clear();
  }

  #open(folder: string): Watched | undefined {
    const known = this.#watched.get(folder);
    if (known || this.#watched.size >= FOLDERS_MAX) return known;
    try {
      const watcher = watch(folder, { persistent: false });
      watcher.on('change', (type, name) => this.#note(folder, type, typeof name === 'string' ? name : undefined));
      watcher.on('error', () => this.#forget(folder));
      const watched = { watcher, inside: new Set<string>(), beside: new Set<string>() };
      this.#watched.set(folder, watched);
      return watched;
    } catch {
      // It is gone, or the system watches no more folders.
      return undefined;
    }
  }

  #note(folder: string, type: string, name: string | undefined): void {
    const watched = this.#watched.get(folder);
    if (!watched) return;
    const place = name === undefined ? undefined : join(folder, name);
    // Its own name is told when it was moved or deleted itself.
    const isAll = place === undefined || name === basename(folder);
    for (const path of watched.inside) this.#changed(path);
    if (isAll) for (const path of watched.beside) this.#changed(path);
    else if (watched.beside.has(place)) this.#changed(place);
    if (type === 'rename' && place !== undefined) this.#forgetBelow(isAll ? folder : place);
  }

  /** What has this name now is another folder, or none, and so is everything below it. */
  #forgetBelow(place: string): void {
    if (!this.#watched.has(place)) return;
    for (const folder of this.#watched.keys()) {
      if (folder === place || folder.startsWith(place + sep)) this.#forget(folder);
    }
  }

  #release(folder: string, release: (watched: Watched) => void): void {
    const watched = this.#watched.get(folder);
    if (!watched) return;
    release(watched);
    if (watched.inside.size + watched.beside.size === 0) this.#forget(folder);
  }

  #forget(folder: string): void {
    this.#watched.get(folder)?.watcher.close();
    this.#watched.delete(folder);
  }
}
