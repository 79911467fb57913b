/** Peers from the Mainline DHT for torrents that are not private. */
import type { MainlineDht } from '../../src/io/mainline-dht.ts';
import type { Torrent } from '../../src/io/torrent.ts';
import type { Torrents } from '../../src/io/torrents.ts';

/** A new torrent waits no longer than this, where few are new. */
const ROUND_MS = 5000;
/** How often one torrent looks for peers and announces itself: what is announced is kept for half an hour. */
const TORRENT_MS = 15 * 60_000;
/** The same for one that needs peers and has none, and after a walk that nobody answered. */
const HUNGRY_MS = 60_000;
const ALONE_MS = 15_000;
/** Walks begun in one round, so that a thousand torrents do not walk at once. */
const WALKS_MAX = 2;

export interface DhtPeersSettings {
  readonly dht: MainlineDht;
  readonly torrents: Torrents;
  /** The port that others reach. */
  readonly port: () => number;
}

/** What came of a torrent's last walk. */
interface Walk {
  readonly at: number;
  /** The port that was announced. */
  readonly port: number;
  wasAnswered: boolean;
}

/** Looks for peers of every torrent in turn; the more there are, the longer each waits. */
export class DhtPeers {
  readonly #settings: DhtPeersSettings;
  readonly #dht: MainlineDht;
  readonly #walks = new WeakMap<Torrent, Walk>();
  readonly #timer: NodeJS.Timeout;

  constructor(settings: DhtPeersSettings) {
    this.#settings = settings;
    this.#dht = settings.dht;
    this.#timer = setInterval(() => this.#round(), ROUND_MS);
    this.#round();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  get #port(): number {
    return this.#settings.port();
  }

  /** Of those that are due the one that waits longest goes first, so that nobody starves where all cannot have a turn. */
  #round(): void {
    const time = performance.now();
    const torrents = this.#settings.torrents.all();
    for (let walks = 0; walks < WALKS_MAX; walks++) {
      let next: Torrent | undefined;
      let nextDueAt = Number.POSITIVE_INFINITY;
      for (const torrent of torrents) {
        const dueAt = this.#dueAt(torrent);
        if (dueAt <= time && dueAt < nextDueAt) [next, nextDueAt] = [torrent, dueAt];
      }
      if (!next) return;
      // Which makes it due much later.
      void this.#walk(next, time);
    }
  }

  /** For ever ago where nobody looked yet: somebody waits for a new torrent. Never for one that stays out of the DHT. */
  #dueAt(torrent: Torrent): number {
    if (!torrent.isRunning || torrent.isPrivate) return Number.POSITIVE_INFINITY;
    const walk = this.#walks.get(torrent);
    if (!walk) return 0;
    if (walk.port !== this.#port) return walk.at;
    if (!walk.wasAnswered) return walk.at + ALONE_MS;
    const isHungry = !torrent.isComplete && torrent.links().length === 0;
    return walk.at + (isHungry ? HUNGRY_MS : TORRENT_MS);
  }

  async #walk(torrent: Torrent, at: number): Promise<void> {
    const walk: Walk = { at, port: this.#port, wasAnswered: true };
    this.#walks.set(torrent, walk);
    const { infoHash } = torrent.spec;
    await this.#dht.lookup(infoHash, (peer) => torrent.learn([peer], 'dht', 'public'));
    // Its metadata may have said meanwhile that it is private.
    if (!torrent.isRunning || torrent.isPrivate) return;
    walk.wasAnswered = (await this.#dht.announce(infoHash, walk.port)) > 0;
  }
}
