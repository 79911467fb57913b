/**
 * Who reads a torrent's bytes while they come: a player, a browser, a pipe. Invariants: a reader is given only bytes of
 * pieces that are verified and on disk, in their order; what it reads next is due before anything else, and nothing of
 * what only a reader that left waited for. Readers are woken when something is stored; nobody looks in between.
 */
import { type InfoHash, MonsoonError } from '../base/index.ts';
import type { Layout } from '../torrent/index.ts';
import type { HeldPhase } from './torrent-phase.ts';

/** Bytes from a reader's place on that come before others. */
const READ_AHEAD_BYTES_MAX = 8 * 1_048_576;
/** Bytes read at once: what a reader takes of memory. */
const READ_BYTES_MAX = 131_072;
/** The bytes ahead become due in steps, and are looked at again when the reader has come so far. */
const STEP_BYTES = 1_048_576;
/** A piece that a reader stands before should be here in so long. */
const WAITED_FOR_MS = 500;
/** What follows is not late yet: due as soon as a film of 8 Mbit/s comes to it. */
const AHEAD_MS = 1500;
const PLAYED_BYTES_PER_MS = 1024;

/** The pieces of a torrent that takes part. */
export interface ReadableContent {
  readonly layout: Layout;
  /** The piece is verified and on disk. */
  isStored(piece: number): boolean;
  /** Fills `bytes` from `start` of the torrent's bytes, all of them stored. */
  read(start: number, bytes: Uint8Array): Promise<void>;
  /** Somebody needs a stretch within so many milliseconds, whether it is wanted or not. */
  hurry(start: number, length: number, withinMs: number): void;
  /** Nobody waits for a stretch any more. */
  leave(start: number, length: number): void;
  /** Nobody reads any more. */
  rest(): void;
}

/** A torrent as its readers see it. */
export interface ReadTorrent {
  readonly spec: { readonly infoHash: InfoHash; readonly name: string };
  readonly info: { readonly name: string } | undefined;
  readonly phase: HeldPhase;
  /** Another one each time that the torrent takes part again; undefined while it does not. */
  readonly content: ReadableContent | undefined;
  figures(): { readonly stalledBecause: string | null };
}

/** Why nothing of a torrent can be read until somebody acts; undefined where more comes, or may. */
export function whyUnreadable(torrent: ReadTorrent): MonsoonError | undefined {
  const { spec, info, phase } = torrent;
  const name = info?.name ?? spec.name;
  switch (phase) {
    case 'paused':
      return new MonsoonError('refused', `${name} is paused. "monsoon resume ${spec.infoHash}" goes on with it.`);
    case 'failed': {
      const why = torrent.figures().stalledBecause ?? 'it failed';
      return new MonsoonError('refused', `${name}: ${why}. "monsoon resume ${spec.infoHash}" tries again.`);
    }
    case 'stopped':
      return new MonsoonError('not-found', `${name} is not here any more. Run "monsoon ps".`);
    default:
      return undefined;
  }
}

/** The readers of one torrent; whoever lets them in bounds how many there are. */
export class ContentReaders {
  readonly #torrent: ReadTorrent;
  readonly #readers = new Set<ContentReader>();

  constructor(torrent: ReadTorrent) {
    this.#torrent = torrent;
  }

  /** Begins to read a stretch of the torrent's bytes; its end is to be closed. */
  open(start: number, length: number): ContentReader {
    const reader = new ContentReader(this.#torrent, start, length, (left) => this.#forget(left));
    this.#readers.add(reader);
    return reader;
  }

  /** Something was stored, or the torrent takes part or not: those who wait look again. */
  look(): void {
    for (const reader of this.#readers) reader.look();
  }

  /** What others wait for too stays due. */
  #forget(reader: ContentReader): void {
    if (!this.#readers.delete(reader)) return;
    const { content } = this.#torrent;
    if (!content) return;
    const { layout } = content;
    const { first, end } = layout.piecesOf(reader.at, reader.aheadUntil - reader.at);
    let from = first;
    for (let piece = first; piece <= end; piece++) {
      if (piece < end && !this.#isAwaited(layout, piece)) continue;
      if (piece > from) content.leave(layout.startOf(from), layout.startOf(piece) - layout.startOf(from));
      from = piece + 1;
    }
    if (this.#readers.size === 0) content.rest();
  }

  #isAwaited(layout: Layout, piece: number): boolean {
    const start = layout.startOf(piece);
    const end = start + layout.bytesOf(piece);
    for (const reader of this.#readers) if (reader.at < end && reader.aheadUntil > start) return true;
    return false;
  }
}

/** One reader of a stretch of a torrent's bytes. */
export class ContentReader {
  readonly #torrent: ReadTorrent;
  readonly #end: number;
  readonly #left: (reader: ContentReader) => void;
  #at: number;
  /** Whom what is ahead was ordered of, until where, and where that is looked at again. */
  #content: ReadableContent | undefined;
  #aheadUntil: number;
  #lookAt = 0;
  /** The piece it stands before. */
  #awaited: number | undefined;
  #wake: (() => void) | undefined;
  #isClosed = false;

  /** @param left told once, when it is closed */
  constructor(torrent: ReadTorrent, start: number, length: number, left: (reader: ContentReader) => void) {
    this.#torrent = torrent;
    this.#at = start;
    this.#aheadUntil = start;
    this.#end = start + length;
    this.#left = left;
  }

  /** Bytes of the torrent before what it reads next. */
  get at(): number {
    return this.#at;
  }
  /** Until where it wants bytes before others. */
  get aheadUntil(): number {
    return this.#aheadUntil;
  }

  /**
   * The next bytes, once they are there; undefined at the end, and once it is closed. Rejects with a MonsoonError when
   * the torrent was paused or removed, failed, or cannot be read.
   */
  async next(): Promise<Uint8Array | undefined> {
    while (!this.#isClosed && this.#at < this.#end) {
      const { content } = this.#torrent;
      const why = content ? undefined : whyUnreadable(this.#torrent);
      if (why) throw why;
      const length = content ? this.#readable(content) : 0;
      if (!content || length === 0) {
        await this.#change();
        continue;
      }
      const bytes = new Uint8Array(length);
      try {
        await content.read(this.#at, bytes);
      } catch (error) {
        if (this.#torrent.content === content) throw error;
        // It left meanwhile, and closed its files.
        continue;
      }
      this.#at += length;
      return bytes;
    }
    return undefined;
  }

  /** Something may have changed. */
  look(): void {
    this.#wake?.();
  }

  /** Ends the reading and what is waited for. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.look();
    this.#left(this);
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Bytes that can be read now; has those fetched first that cannot. */
  #readable(content: ReadableContent): number {
    const { layout } = content;
    const most = Math.min(this.#end, this.#at + READ_BYTES_MAX);
    let until = this.#at;
    while (until < most && content.isStored(layout.pieceAt(until))) {
      until = Math.min(most, layout.startOf(layout.pieceAt(until) + 1));
    }
    const awaited = until === this.#at ? layout.pieceAt(until) : undefined;
    const isNews = awaited !== undefined && awaited !== this.#awaited;
    this.#awaited = awaited;
    if (content !== this.#content || this.#at >= this.#lookAt || isNews) this.#hurry(content);
    return until - this.#at;
  }

  #hurry(content: ReadableContent): void {
    const { layout } = content;
    this.#content = content;
    this.#lookAt = this.#at + STEP_BYTES;
    this.#aheadUntil = Math.min(this.#end, this.#at + READ_AHEAD_BYTES_MAX);
    const first = Math.min(this.#aheadUntil, layout.startOf(layout.pieceAt(this.#at) + 1));
    this.#need(content, this.#at, first, WAITED_FOR_MS);
    for (let from = first; from < this.#aheadUntil; from += STEP_BYTES) {
      const dueMs = AHEAD_MS + (from - this.#at) / PLAYED_BYTES_PER_MS;
      this.#need(content, from, Math.min(from + STEP_BYTES, this.#aheadUntil), dueMs);
    }
  }

  #need(content: ReadableContent, from: number, until: number, withinMs: number): void {
    const { first, end } = content.layout.piecesOf(from, until - from);
    for (let piece = first; piece < end; piece++) {
      if (!content.isStored(piece)) return content.hurry(from, until - from, withinMs);
    }
  }
}
