/** The pieces of a torrent that takes part, for those who read them while they come. */
import { later } from '../base/index.ts';
import type { Layout, Transfer } from '../torrent/index.ts';
import { now } from './alarm-clock.ts';
import type { ReadableContent } from './content-readers.ts';
import type { TorrentDisk } from './torrent-disk.ts';

/** Whom its host lets know. */
export interface ContentHost {
  /** Other pieces are due than before. */
  dueChanged(): void;
  /** A piece can be read that could not be before. */
  stored(): void;
  /** Nobody reads any more. */
  unread(): void;
}

/** What one host offers to readers. */
export class HostedContent implements ReadableContent {
  readonly #disk: TorrentDisk;
  readonly #transfer: Transfer;
  readonly #host: ContentHost;

  constructor(disk: TorrentDisk, transfer: Transfer, host: ContentHost) {
    this.#disk = disk;
    this.#transfer = transfer;
    this.#host = host;
  }

  get layout(): Layout {
    return this.#disk.layout;
  }

  isStored(piece: number): boolean {
    return this.#transfer.stored.has(piece);
  }

  read(start: number, bytes: Uint8Array): Promise<void> {
    const piece = this.layout.pieceAt(start);
    return this.#disk.read(piece, start - this.layout.startOf(piece), [bytes], bytes.length);
  }

  hurry(start: number, length: number, withinMs: number): void {
    this.#transfer.input({ type: 'due', start, length, at: later(now(), withinMs) }, now());
    this.#host.dueChanged();
  }

  leave(start: number, length: number): void {
    this.#transfer.input({ type: 'notDue', start, length }, now());
    this.#host.dueChanged();
  }

  rest(): void {
    this.#host.unread();
  }

  /** A piece was verified and written. */
  noteStored(): void {
    this.#host.stored();
  }
}
