// A disk that forgets: what was written and not synced is in "memory", from where any page may or may not reach the
// medium before the power goes; a sync that fails loses the pages it was about, as Linux does, and tells only once.
import type { Stats } from 'node:fs';
import { assert, MonsoonError, type Random, randomBelow } from '../../src/base/index.ts';
import type { Store } from '../../src/io/file-store.ts';
import { Layout, type TorrentInfo } from '../../src/torrent/index.ts';

const PAGE_BYTES = 4096;

export class VolatileStore implements Store {
  readonly layout: Layout;
  readonly isReadOnly = false;
  readonly #info: TorrentInfo;
  readonly #random: Random;
  readonly #memory: Buffer;
  readonly #medium: Buffer;
  readonly #dirty = new Set<number>();
  /** Syncs that will fail. */
  syncFailures = 0;
  /** Writes that will fail. */
  writeFailures = 0;

  constructor(info: TorrentInfo, random: Random, medium: Buffer = Buffer.alloc(info.length)) {
    this.layout = new Layout(info);
    this.#info = info;
    this.#random = random;
    this.#medium = medium;
    this.#memory = Buffer.from(medium);
  }

  /** What the next process finds after this one was killed: the system still has everything. */
  afterKill(): VolatileStore {
    const next = new VolatileStore(this.#info, this.#random, Buffer.from(this.#medium));
    this.#memory.copy(next.#memory);
    for (const page of this.#dirty) next.#dirty.add(page);
    return next;
  }

  /** What the next process finds after a power cut: of what was not synced, some pages and not others. */
  afterPowerLoss(): VolatileStore {
    const medium = Buffer.from(this.#medium);
    for (const page of this.#dirty) if (this.#random() < 0.5) this.#copyPage(page, medium);
    return new VolatileStore(this.#info, this.#random, medium);
  }

  /** The system drops its copy of what is not dirty; what it reads from now on is what the medium has. */
  dropCaches(): void {
    const pages = Math.ceil(this.#memory.length / PAGE_BYTES);
    for (let page = 0; page < pages; page++) {
      if (!this.#dirty.has(page))
        this.#medium.copy(this.#memory, page * PAGE_BYTES, page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
    }
  }

  lend<Result>(_start: number, _length: number, use: (place: undefined) => Promise<Result>): Promise<Result> {
    return use(undefined);
  }

  async read(start: number, views: readonly Uint8Array[]): Promise<void> {
    await this.#moment();
    let at = start;
    for (const view of views) {
      view.set(this.#memory.subarray(at, at + view.length));
      at += view.length;
    }
  }

  async write(start: number, bytes: Uint8Array): Promise<void> {
    await this.#moment();
    if (this.writeFailures > 0) {
      this.writeFailures--;
      throw new MonsoonError('disk', 'the disk is full');
    }
    assert(start % PAGE_BYTES === 0, 'test content is a whole number of pages per piece');
    this.#memory.set(bytes, start);
    for (let at = start; at < start + bytes.length; at += PAGE_BYTES) this.#dirty.add(at / PAGE_BYTES);
    // The system writes back what it likes, when it likes.
    for (const page of this.#dirty) if (this.#random() < 0.1) this.#writeBack(page);
  }

  async sync(): Promise<void> {
    const pages = [...this.#dirty];
    await this.#moment();
    if (this.syncFailures > 0) {
      this.syncFailures--;
      for (const page of pages) this.#dirty.delete(page);
      throw new MonsoonError('disk', 'EIO');
    }
    for (const page of pages) this.#writeBack(page);
  }

  async createEmptyFiles(): Promise<void> {}

  async stats(): Promise<(Stats | undefined)[]> {
    return [{ size: this.#info.length, mtimeMs: 1 } as Stats];
  }

  pathOf(): string {
    return '/volatile';
  }

  moveTo(): void {}

  rest(): void {}

  async close(): Promise<void> {}

  #writeBack(page: number): void {
    if (this.#dirty.delete(page)) this.#copyPage(page, this.#medium);
  }

  #copyPage(page: number, to: Buffer): void {
    this.#memory.copy(to, page * PAGE_BYTES, page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
  }

  /** Other things happen while the disk works. */
  async #moment(): Promise<void> {
    for (let turns = randomBelow(this.#random, 4); turns >= 0; turns--) await new Promise(setImmediate);
  }
}
