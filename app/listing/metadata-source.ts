/**
 * Where an info dictionary comes from when the torrent itself is not here: the own listing, else the supernode that
 * owns the hash. What comes from elsewhere is believed only when its hash is the one that was asked for.
 */
import { type InfoHash, isFault } from '../../src/base/index.ts';
import type { HttpClient } from '../../src/io/http-client.ts';
import type { ListingStore } from '../../src/io/index.ts';
import { readInfo } from '../../src/io/read-info.ts';
import type { TorrentInfo } from '../../src/torrent/index.ts';
import { METADATA_BYTES_MAX } from '../../src/wire/index.ts';

const METADATA_TIMEOUT_MS = 10_000;

export interface MetadataSourceSettings {
  readonly store: ListingStore;
  readonly http: HttpClient;
  /** Where the supernode that owns a hash is asked; undefined while nobody is known. */
  readonly originOf: (infoHash: InfoHash) => string | undefined;
}

export class MetadataSource {
  readonly #settings: MetadataSourceSettings;

  constructor(settings: MetadataSourceSettings) {
    this.#settings = settings;
  }

  /** Bytes as they came, unchecked; undefined when nobody has them. */
  async raw(infoHash: InfoHash): Promise<Uint8Array | undefined> {
    const { store, http, originOf } = this.#settings;
    const local = await store.getInfo(infoHash);
    if (local) return local;
    const origin = originOf(infoHash);
    if (origin === undefined) return undefined;
    const reply = await http.request({
      origin,
      method: 'GET',
      path: `/metadata/${infoHash}`,
      timeoutMs: METADATA_TIMEOUT_MS,
      bytesMax: METADATA_BYTES_MAX,
    });
    return !isFault(reply) && reply.status === 200 ? reply.body : undefined;
  }

  /** The dictionary, whose hash was compared; undefined when nobody has the right one. */
  async info(infoHash: InfoHash): Promise<TorrentInfo | undefined> {
    const raw = await this.raw(infoHash);
    const info = raw && (await readInfo(raw));
    if (!info || isFault(info) || info.infoHash !== infoHash) return undefined;
    await this.#settings.store.putInfo(infoHash, info.raw);
    return info;
  }
}
