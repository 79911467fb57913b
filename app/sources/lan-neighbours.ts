/**
 * The local network as a source: the beacon and its sockets. It is asked in rounds as the others are, and names besides,
 * at any time, whoever of the same network it hears, so that networks that were apart meet.
 */
import { randomInt } from 'node:crypto';
import type { Config } from '../../config/index.ts';
import type { Address } from '../../src/base/index.ts';
import { type AlarmClock, now } from '../../src/io/alarm-clock.ts';
import type { BoundNetwork } from '../../src/io/bound-network.ts';
import { DnsSd } from '../../src/io/dns-sd.ts';
import { sha1 } from '../../src/io/hash.ts';
import { type Foothold, LanSockets } from '../../src/io/lan-sockets.ts';
import {
  BEACON_GROUPS,
  BEACON_PORT,
  Beacon,
  type BeaconInput,
  type LanStanding,
  LISTEN_MS,
} from '../../src/lan/index.ts';
import type { LanFact } from '../doctor/doctor.ts';
import type { AddressBook } from '../overlay/address-book.ts';
import type { Named, Source } from './source.ts';

/** How soon a change of this machine's addresses is noticed. */
const LOOK_MS = 5000;

export interface LanSettings {
  readonly config: Config;
  readonly network: BoundNetwork;
  readonly port: { readonly port: number };
  readonly book: AddressBook;
  readonly alarms: AlarmClock;
}

/** The neighbours of one node. */
export class LanNeighbours implements Source {
  readonly kind = 'lan';
  readonly text = 'lan';
  readonly isLasting = false;
  readonly #settings: LanSettings;
  readonly #beacon: Beacon;
  readonly #sockets: LanSockets;
  readonly #timer: NodeJS.Timeout;
  readonly #wake = (): void => this.#feed({ type: 'tick' });
  /** By the address with its network; as many as the sockets have. */
  readonly #directories = new Map<string, DnsSd>();
  /** Drawn at each start, so that it tells nobody who we are. */
  readonly #instance = `node-${randomInt(2 ** 32).toString(16)}`;
  #standing: LanStanding = 'seeks';
  /** Told of every neighbour that is found; the search under way, or whoever asked for them. */
  #name: ((contact: Named) => void) | undefined;
  #heard: (address: Address) => void = () => {};
  #news: (address: Address) => void = () => {};

  /** Begins, if it is switched on; what is bound to this machine alone has no neighbours. */
  static open(settings: LanSettings): LanNeighbours | undefined {
    return settings.config.lan && !settings.network.isLoopback ? new LanNeighbours(settings) : undefined;
  }

  private constructor(settings: LanSettings) {
    const { network: name, role } = settings.config;
    this.#settings = settings;
    this.#beacon = new Beacon(name, role === 'supernode', sha1, Math.random);
    const group = { groups: BEACON_GROUPS, port: BEACON_PORT };
    this.#sockets = new LanSockets(settings.network, group, (from, bytes) =>
      this.#feed({ type: 'heard', from, bytes }),
    );
    this.#look();
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  /** Has neighbours that are heard between rounds told. */
  onHeard(heard: (address: Address) => void): void {
    this.#heard = heard;
  }

  /** Has neighbours told of that say they have news. */
  onNews(news: (address: Address) => void): void {
    this.#news = news;
  }

  /** Tells the neighbours that there is something new here to ask for. */
  tellNews(): void {
    this.#feed({ type: 'news' });
  }

  /** What this node is to its neighbours now. */
  stand(standing: LanStanding): void {
    const isNews = standing !== this.#standing && standing === 'serves';
    this.#standing = standing;
    this.#feed({ type: 'standing', standing, port: this.#settings.port.port });
    if (isNews) for (const directory of this.#directories.values()) directory.announce();
  }

  /** Nobody is heard who would be first before us. */
  get mayBegin(): boolean {
    return !this.#sockets.hasNetwork || this.#beacon.mayBegin(now());
  }

  /** Who was heard since the start. */
  get heard(): LanFact {
    if (!this.#sockets.hasNetwork) return 'no-network';
    if (this.#beacon.hasHeard) return 'neighbours';
    return this.#beacon.hasHeardSelf ? 'self' : 'silent';
  }

  async search(name: (contact: Named) => void, signal: AbortSignal): Promise<void> {
    this.#look();
    if (!this.#sockets.hasNetwork) return;
    this.#name = name;
    this.#feed({ type: 'seek' });
    for (const directory of this.#directories.values()) directory.ask();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LISTEN_MS);
      signal.addEventListener('abort', () => resolve(), { once: true });
      timer.unref();
    });
    this.#name = undefined;
  }

  close(): void {
    clearInterval(this.#timer);
    for (const directory of this.#directories.values()) directory.close();
    this.#settings.alarms.set(this.#wake, undefined);
    this.#sockets.close();
  }

  /** Follows this machine's addresses. */
  #look(): void {
    this.#sockets.refresh();
    const footholds = this.#sockets.footholds.filter(({ host }) => !host.includes(':'));
    const { network } = this.#settings;
    const keyOf = ({ cidr }: Foothold): string => `${cidr} ${network.signature}`;
    const keys = new Set(footholds.map(keyOf));
    for (const [key, directory] of this.#directories) {
      if (keys.has(key)) continue;
      directory.close();
      this.#directories.delete(key);
    }
    for (const foothold of footholds) {
      if (this.#directories.has(keyOf(foothold))) continue;
      const directory = new DnsSd({
        network,
        foothold,
        name: this.#instance,
        port: this.#settings.port.port,
        beacon: () => this.#beacon.card(),
        heard: (host, bytes) => this.#feed({ type: 'heard', from: { host, port: BEACON_PORT }, bytes }),
      });
      this.#directories.set(keyOf(foothold), directory);
    }
  }

  #feed(input: BeaconInput): void {
    this.#beacon.input(input, now());
    for (const effect of this.#beacon.effects()) {
      if (effect.type === 'found') this.#find(effect.address);
      else if (effect.type === 'news') this.#hearNews(effect.address);
      else if (effect.type === 'answer') this.#sockets.tell(effect.bytes, effect.to);
      else if (effect.to === 'group') this.#sockets.call({ ip4: effect.bytes, ip6: effect.bytes });
      else if (effect.to === 'broadcast') this.#sockets.broadcast(effect.bytes);
      else this.#sockets.sweep(effect.bytes);
    }
    this.#settings.alarms.set(this.#wake, this.#beacon.deadline?.at);
  }

  #hearNews(address: Address): void {
    this.#settings.book.hear(() => [address], address.host);
    this.#news(address);
  }

  #find(address: Address): void {
    // It is on this network, which is what makes a private address good to dial.
    this.#settings.book.hear(() => [address], address.host);
    if (this.#name) this.#name({ address });
    else this.#heard(address);
  }
}
