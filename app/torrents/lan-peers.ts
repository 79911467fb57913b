/** Peers on the same network for torrents that are not private (BEP 14), when the user switched it on. */
import { randomInt } from 'node:crypto';
import type { Config } from '../../config/index.ts';
import { now } from '../../src/io/alarm-clock.ts';
import type { BoundNetwork } from '../../src/io/bound-network.ts';
import { LanSockets } from '../../src/io/lan-sockets.ts';
import type { Torrents } from '../../src/io/torrents.ts';
import { LocalDiscovery, LSD_GROUPS, LSD_PORT } from '../../src/lan/index.ts';

/** How soon a new torrent is noticed; calls themselves keep a minute between them. */
const LOOK_MS = 5000;
const RANDOM_STEPS = 2 ** 32;

/** Calls out the node's torrents, and hears those of its neighbours. */
export class LanPeers {
  readonly #torrents: Torrents;
  readonly #port: number;
  readonly #sockets: LanSockets;
  readonly #discovery: LocalDiscovery = new LocalDiscovery(() => randomInt(RANDOM_STEPS) / RANDOM_STEPS);
  readonly #timer: NodeJS.Timeout;

  /** Begins, if it is switched on. */
  static open(config: Config, network: BoundNetwork, port: number, torrents: Torrents): LanPeers | undefined {
    return config.lsd ? new LanPeers(network, port, torrents) : undefined;
  }

  private constructor(network: BoundNetwork, port: number, torrents: Torrents) {
    this.#torrents = torrents;
    this.#port = port;
    this.#sockets = new LanSockets(network, { groups: LSD_GROUPS, port: LSD_PORT }, ({ host }, bytes) => {
      this.#discovery.input({ type: 'heard', host, bytes }, now());
      this.#carryOut();
    });
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#look();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#sockets.close();
  }

  #look(): void {
    this.#sockets.refresh();
    const called = this.#torrents
      .all()
      .filter(({ phase, isPrivate }) => !isPrivate && (phase === 'running' || phase === 'metadata'));
    const infoHashes = called.map(({ spec }) => spec.infoHash);
    this.#discovery.input({ type: 'torrents', infoHashes, port: this.#port }, now());
    this.#carryOut();
  }

  #carryOut(): void {
    for (const effect of this.#discovery.effects()) {
      if (effect.type === 'call') this.#sockets.call(effect.datagrams);
      else this.#torrents.get(effect.infoHash)?.learn([effect.peer], 'lsd', 'private');
    }
  }
}
