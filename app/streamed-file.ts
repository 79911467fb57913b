/** A file of a torrent that is read while it comes, and where that is done. */
import type { InfoHash } from '../src/base/index.ts';

/** Where the files of a torrent are read while they come: each at the path followed by `INDEX` or `INDEX/NAME`. */
export interface StreamAddress {
  readonly infoHash: InfoHash;
  /** Below the address of the local page; ends with the process. */
  readonly path: string;
}
/** `stream --json`. */
export interface StreamedFile {
  readonly infoHash: InfoHash;
  /** Of the torrent. */
  readonly name: string;
  /** Its path in the torrent. */
  readonly file: string;
  readonly index: number;
  readonly size: number;
  readonly url: string;
}
/** A file of a torrent that is here, for whoever reads it while it comes. */
export interface OpenFile {
  readonly path: string;
  readonly size: number;
  /** Begins to read a part of it, which comes before everything else that is fetched. */
  read(start: number, length: number): FileReading;
}
export interface FileReading {
  /**
   * The next bytes once they are verified and on disk; undefined at the end. Rejects with a MonsoonError when the torrent was
   * paused or removed, or failed.
   */
  next(): Promise<Uint8Array | undefined>;
  /** Ends the reading, whether it came to its end or not. */
  close(): void;
}
