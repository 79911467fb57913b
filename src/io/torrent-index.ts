/** Torrents by info hash, and by the hash that names them in Message Stream Encryption: a look-up, however many. */
import { hex, type InfoHash, infoHashBytes } from '../base/index.ts';
import { req2Hash } from '../link/index.ts';
import { sha1 } from './hash.ts';

/** Both tables; what they may hold is bounded by their owner. */
export class TorrentIndex<Torrent> {
  readonly #torrents = new Map<InfoHash, Torrent>();
  readonly #names = new Map<string, InfoHash>();

  get size(): number {
    return this.#torrents.size;
  }
  has(infoHash: InfoHash): boolean {
    return this.#torrents.has(infoHash);
  }
  get(infoHash: InfoHash): Torrent | undefined {
    return this.#torrents.get(infoHash);
  }
  values(): Iterable<Torrent> {
    return this.#torrents.values();
  }
  set(infoHash: InfoHash, torrent: Torrent): void {
    this.#torrents.set(infoHash, torrent);
    this.#names.set(nameOf(infoHash), infoHash);
  }
  delete(infoHash: InfoHash): boolean {
    this.#names.delete(nameOf(infoHash));
    return this.#torrents.delete(infoHash);
  }
  /** The torrent whose `req2` hash this is. */
  named(hash: Uint8Array): InfoHash | undefined {
    return this.#names.get(hex(hash));
  }
}

const nameOf = (infoHash: InfoHash): string => hex(req2Hash(sha1, infoHashBytes(infoHash)));
