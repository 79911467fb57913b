/**
 * Tells whoever follows folders that something in them changed. The system's watch of a folder hears of everything that
 * lies directly in it, so that each folder takes one, however many files it holds. Invariants: never more than
 * FOLDERS_MAX; a folder that came anew under an old name is watched anew. What was missed is no concern of this: whoever
 * follows looks from time to time.
 */
import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Watched folders of a node; a system may allow fewer. */
export const FOLDERS_MAX = 8192;

/** One watch, and for whom. */
interface Watched {
  readonly watcher: FSWatcher;
  /** Which folder it is, whatever has its name later. */
  readonly inode: number;
  /** Paths that this folder belongs to. */
  readonly inside: Set<string>;
  /** Paths that lie in it, and are followed themselves. */
  readonly beside: Set<string>;
  /** Watched folders right in it. */
  readonly below: Set<string>;
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
   * From now on follows a file or folder by the folders that belong to it, each after the one that it lies in, and by the
   * one that it lies in itself. Resolves when they are watched, as far as the system lets us: to whether some of them were
   * not before, so that what happened in them meanwhile was heard by nobody.
   */
  async follow(path: string, folders: readonly string[]): Promise<boolean> {
    const wanted = new Set(folders);
    for (const folder of this.#followed.get(path) ?? []) {
      if (!wanted.has(folder)) this.#release(folder, (watched) => watched.inside.delete(path));
    }
    this.#followed.set(path, wanted);
    let isNew = false;
    for (const folder of new Set([dirname(path), ...wanted])) {
      const inode = await inodeOf(folder);
      if (this.#followed.get(path) !== wanted) return false;
      const before = this.#watched.get(folder);
      const watched = this.#open(folder, inode);
      isNew ||= watched !== before || (wanted.has(folder) && inode === undefined);
      if (folder === dirname(path)) watched?.beside.add(path);
      if (wanted.has(folder)) watched?.inside.add(path);
    }
    return isNew;
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

  #open(folder: string, inode: number | undefined): Watched | undefined {
    const known = this.#watched.get(folder);
    if (known?.inode === inode) return known;
    if (known) this.#forgetBelow(folder);
    if (inode === undefined || this.#watched.size >= FOLDERS_MAX) return undefined;
    try {
      const watcher = watch(folder, { persistent: false });
      watcher.on('change', (type, name) => this.#note(folder, type, typeof name === 'string' ? name : undefined));
      watcher.on('error', () => this.#forget(folder));
      const others = { inside: known?.inside ?? new Set<string>(), beside: known?.beside ?? new Set<string>() };
      const watched: Watched = { watcher, inode, ...others, below: new Set() };
      this.#watched.set(folder, watched);
      this.#watched.get(dirname(folder))?.below.add(folder);
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
    for (const folder of this.#watched.get(place)?.below ?? []) this.#forgetBelow(folder);
    this.#forget(place);
  }

  #release(folder: string, release: (watched: Watched) => void): void {
    const watched = this.#watched.get(folder);
    if (!watched) return;
    release(watched);
    if (watched.inside.size + watched.beside.size === 0) this.#forget(folder);
  }

  #forget(folder: string): void {
    this.#watched.get(folder)?.watcher.close();
    this.#watched.get(dirname(folder))?.below.delete(folder);
    this.#watched.delete(folder);
  }
}

/** Undefined where no folder is. */
async function inodeOf(folder: string): Promise<number | undefined> {
  try {
    const found = await stat(folder);
    return found.isDirectory() ? found.ino : undefined;
  } catch {
    return undefined;
  }
}
