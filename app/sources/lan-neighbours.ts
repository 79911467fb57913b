/**
 * The local network as a source: the beacon and its sockets. It is asked in rounds as the others are, and names besides,
 * at any time, whoever of the same network it hears, so that networks that were apart meet.
 */
import type { Config } from '../../config/index.ts';
import type { Address } from '../../src/base/index.ts';
import { type AlarmClock, now } from '../../src/io/alarm-clock.ts';
import type { BoundNetwork } from '../../src/io/bound-network.ts';
import { sha1 } from '../../src/io/hash.ts';
import { LanSockets } from '../../src/io/lan-sockets.ts';
import {
  BEACON_GROUPS,
  BEACON_PORT,
  Beacon,
  type BeaconInput,
  type LanStanding,
  LISTEN_MS,
} from '../../src/lan/index.ts';
import type { AddressBook } from '../address-book.ts';
import type { LanFact } from '../doctor.ts';
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
  /** Told of every neighbour that is found; the search under way, or whoever asked for them. */
  #name: ((contact: Named) => void) | undefined;
  #heard: (address: Address) => void = () => {};

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
    this.#sockets.refresh();
    this.#timer = setInterval(() => this.#sockets.refresh(), LOOK_MS);
  }

  /** Has neighbours that are heard between rounds told. */
  onHeard(heard: (address: Address) => void): void {
    this.#heard = heard;
  }

  /** What this node is to its neighbours now. */
  stand(standing: LanStanding): void {
    this.#feed({ type: 'standing', standing, port: this.#settings.port.port });
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
    this.#sockets.refresh();
    if (!this.#sockets.hasNetwork) return;
    this.#name = name;
    this.#feed({ type: 'seek' });
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LISTEN_MS);
      signal.addEventListener('abort', () => resolve(), { once: true });
      timer.unref();
    });
    this.#name = undefined;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#settings.alarms.set(this.#wake, undefined);
    this.#sockets.close();
  }

  #feed(input: BeaconInput): void {
    this.#beacon.input(input, now());
    for (const effect of this.#beacon.effects()) {
      if (effect.type === 'found') this.#find(effect.address);
      else if (effect.type === 'answer') this.#sockets.tell(effect.bytes, effect.to);
      else if (effect.to === 'group') this.#sockets.call({ ip4: effect.bytes, ip6: effect.bytes });
      else if (effect.to === 'broadcast') this.#sockets.broadcast(effect.bytes);
      else this.#sockets.sweep(effect.bytes);
    }
    this.#settings.alarms.set(this.#wake, this.#beacon.deadline?.at);
  }

  #find(address: Address): void {
    // It is on this network, which is what makes a private address good to dial.
    this.#settings.book.hear(() => [address], address.host);
    if (this.#name) this.#name({ address });
    else this.#heard(address);
  }
}
