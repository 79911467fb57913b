/** Peers from the Mainline DHT for torrents that are not private, when the user switched it on. */
import type { Config } from '../config/index.ts';
import type { Address } from '../src/base/index.ts';
import { type MainlineDht, openMainlineDht } from '../src/io/mainline-dht.ts';
import type { Torrent } from '../src/io/torrent.ts';
import type { Torrents } from '../src/io/torrents.ts';
import type { UdpPort } from '../src/io/udp-port.ts';

/** A new torrent waits no longer than this. */
const ROUND_MS = 5000;
/** How often one torrent looks for peers and announces itself. */
const TORRENT_MS = 15 * 60_000;
/** Walks begun in one round, so that a thousand torrents do not walk at once. */
const WALKS_MAX = 2;

/** Looks for peers of every torrent in turn. */
export class DhtPeers {
  readonly #dht: MainlineDht;
  readonly #port: number;
  readonly #torrents: Torrents;
  readonly #walkedAt = new WeakMap<Torrent, number>();
  readonly #timer: NodeJS.Timeout;

  /** Joins the DHT on the node's UDP port, if it is switched on; the DHT that we speak has IPv4 only. */
  static async open(config: Config, udp: UdpPort, torrents: Torrents): Promise<DhtPeers | undefined> {
    if (!config.dht || !udp.hasFamilyOf('0.0.0.0')) return undefined;
    const bootstrap = config.dhtBootstrap.map(addressOf);
    const dht = await openMainlineDht({ udp, bootstrap, allowLocal: config.allowLocal });
    return new DhtPeers(dht, udp.port, torrents);
  }

  private constructor(dht: MainlineDht, port: number, torrents: Torrents) {
    this.#dht = dht;
    this.#port = port;
    this.#torrents = torrents;
    this.#timer = setInterval(() => this.#round(), ROUND_MS);
    this.#round();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#dht.close();
  }

  #round(): void {
    const time = performance.now();
    const due = this.#torrents
      .all()
      .filter(
        (host) => host.isRunning && !host.isPrivate && time - (this.#walkedAt.get(host) ?? -TORRENT_MS) >= TORRENT_MS,
      );
    for (const host of due.slice(0, WALKS_MAX)) {
      this.#walkedAt.set(host, time);
      const { infoHash } = host.spec;
      void this.#dht
        .lookup(infoHash, (peer) => host.learn([peer], 'dht', 'public'))
        .then(() => this.#dht.announce(infoHash, this.#port));
    }
  }
}

function addressOf(text: string): Address {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}
