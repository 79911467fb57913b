/** The torrents of a node: what it shares and fetches, found by info hash, remembered between runs. */
import { mkdirSync, readdirSync } from 'node:fs';
import { type Address, type InfoHash, isFault, parseInfoHash } from '../base/index.ts';
import { parseMetainfo } from '../torrent/index.ts';
import type { WireHandshake } from '../wire/index.ts';
import { sha1 } from './hash.ts';
import { parseMagnet } from './parse-torrent.ts';
import type { PeerStream } from './peer-stream.ts';
import { type Remembered, ResumeFile } from './resume-file.ts';
import { TorrentHost } from './torrent-host.ts';
import { TorrentIndex } from './torrent-index.ts';
import type { TorrentServices, TorrentSpec } from './torrent-spec.ts';

/** Torrents of one node. */
const TORRENTS_MAX = 10_000;

/** All torrents of one node. */
export class Torrents {
  readonly #services: TorrentServices;
  readonly #directory: string;
  readonly #hosts = new TorrentIndex<TorrentHost>();

  /** @param directory where resume files are kept; made when missing */
  constructor(services: TorrentServices, directory: string) {
    this.#services = services;
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  get(infoHash: InfoHash): TorrentHost | undefined {
    return this.#hosts.get(infoHash);
  }

  all(): TorrentHost[] {
    return [...this.#hosts.values()];
  }

  /**
   * Adds a torrent, or finds the one that is there: adding twice changes nothing.
   * @returns the torrent, and the promise of its start (a check of existing files can take long)
   */
  add(spec: TorrentSpec): { host: TorrentHost; started: Promise<void> } | undefined {
    const known = this.#hosts.get(spec.infoHash);
    if (known && known.phase !== 'failed') return { host: known, started: Promise.resolve() };
    if (this.#hosts.size >= TORRENTS_MAX) return undefined;
    const host = new TorrentHost(spec, this.#services, new ResumeFile(this.#directory, spec.infoHash));
    this.#hosts.set(spec.infoHash, host);
    // A failed one may still be closing the files that the new one opens.
    const started = known ? known.stop().then(() => host.start(undefined)) : host.start(undefined);
    return { host, started };
  }

  /** Starts everything that was there at the last stop, however that came about. */
  async recall(): Promise<void> {
    for (const name of readdirSync(this.#directory)) {
      const infoHash = name.endsWith('.resume') ? parseInfoHash(name.slice(0, -'.resume'.length)) : undefined;
      if (!infoHash || this.#hosts.has(infoHash)) continue;
      try {
        const resume = new ResumeFile(this.#directory, infoHash);
        const remembered = await resume.load();
        const spec = remembered && (await specOf(infoHash, remembered));
        if (!spec) continue;
        const host = new TorrentHost(spec, this.#services, resume);
        this.#hosts.set(infoHash, host);
        void host.start(remembered);
      } catch (error) {
        this.#services.log(`${name}: ${error instanceof Error ? error.message : error}`);
      }
    }
  }

  /** The torrent that a dialling end names in Message Stream Encryption. */
  named(req2Hash: Uint8Array): InfoHash | undefined {
    return this.#hosts.named(req2Hash);
  }

  /** Routes an incoming connection to the torrent that its handshake names. */
  accept(stream: PeerStream, address: Address, handshake: WireHandshake, firstBytes: Uint8Array): void {
    const host = this.#hosts.get(handshake.infoHash);
    if (host) host.accept(stream, address, firstBytes);
    else stream.socket.destroy();
  }

  async stop(): Promise<void> {
    await Promise.allSettled(this.all().map((host) => host.stop()));
  }
}

/** What a remembered torrent is made from; undefined when nothing usable was remembered. */
async function specOf(infoHash: InfoHash, { snapshot }: Remembered): Promise<TorrentSpec | undefined> {
  const shared = {
    infoHash,
    directory: snapshot.directory,
    sourcePaths: snapshot.sourcePaths,
    wishes: snapshot.wishes,
    isWhole: false,
    addedSeconds: snapshot.addedSeconds,
    completedSeconds: snapshot.completedSeconds,
  };
  if (snapshot.metainfo) {
    const metainfo = parseMetainfo(snapshot.metainfo, sha1);
    if (isFault(metainfo) || metainfo.info.infoHash !== infoHash) return undefined;
    return { ...shared, name: metainfo.info.name, info: metainfo.info, trackers: metainfo.trackers };
  }
  const magnet = await parseMagnet(snapshot.magnet);
  if (isFault(magnet)) return undefined;
  const { name = infoHash, trackers } = magnet;
  return { ...shared, name, info: undefined, trackers: trackers.map((tracker) => [tracker]) };
}
