/**
 * The info dictionary of a torrent (BEP 3, 47): from raw bytes to a type that proves every check was done.
 * Whoever holds a TorrentInfo may trust its sizes, counts and paths; where files lie on a disk is not known here.
 */
import type { InfoHash } from '../base/index.ts';

/** SHA-1 of bytes; 20 bytes. */
export type Sha1 = (bytes: Uint8Array) => Uint8Array;

/** One file of a torrent. */
export interface TorrentFile {
  /** Cleaned elements below the download directory, unique in the torrent; the first is the torrent's name. */
  readonly path: readonly string[];
  /** Bytes. */
  readonly length: number;
  /** Bytes before it in the torrent's byte stream. */
  readonly offset: number;
  /** True for filler between files (BEP 47): its bytes are zero and it is never written. */
  readonly isPadding: boolean;
  /** Where a symbolic link points, as cleaned elements like `path`; such a file has no bytes. */
  readonly symlinkTarget?: readonly string[];
}

/** A checked info dictionary. */
export interface TorrentInfo {
  readonly infoHash: InfoHash;
  /** The cleaned name: one path element. */
  readonly name: string;
  /** Bytes of all files, padding included. */
  readonly length: number;
  /** Bytes of every piece but the last. */
  readonly pieceLength: number;
  readonly pieceCount: number;
  /** 20 bytes per piece. */
  readonly pieceHashes: Uint8Array;
  /** In the order of the byte stream. */
  readonly files: readonly TorrentFile[];
  /** True when peers may come from trackers only (BEP 27). */
  readonly isPrivate: boolean;
  /** The exact bytes that the info hash is taken over. */
  readonly raw: Uint8Array;
}
