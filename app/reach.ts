/** How the world reaches this node: what it is bound to, what a router passes on, and what `status` says of both. */
import type { Config } from '../config/index.ts';
import { type Address, utf8 } from '../src/base/index.ts';
import type { AlarmClock } from '../src/io/alarm-clock.ts';
import type { BoundNetwork } from '../src/io/bound-network.ts';
import { sha1 } from '../src/io/hash.ts';
import type { Identity } from '../src/io/identity.ts';
import { PortMapper } from '../src/io/port-mapper.ts';
import { type ExternalPlace, isPublicPlace, MAPPING_PROTOCOLS, PCP_NONCE_BYTES } from '../src/lan/index.ts';
import type { Log } from './log.ts';
import type { NodeStatus, PortMappingStatus } from './running-node.ts';

export interface ReachSettings {
  readonly config: Config;
  readonly network: BoundNetwork;
  readonly identity: Identity;
  readonly port: { readonly port: number };
  readonly alarms: AlarmClock;
  readonly log: Log;
  /** Called when the world can reach us by another address. */
  readonly changed: () => void;
}

/** The node's place in the world. */
export class Reach {
  readonly #network: BoundNetwork;
  readonly #bind: string;
  readonly #mapper: PortMapper | undefined;

  constructor({ config, network, identity, port, alarms, log, changed }: ReachSettings) {
    this.#network = network;
    this.#bind = config.bind;
    if (config.portMapping === 'off' || network.isLoopback) return;
    this.#mapper = new PortMapper({
      network,
      port: port.port,
      protocols: config.portMapping === 'auto' ? MAPPING_PROTOCOLS : [config.portMapping],
      // The same after every restart, so that a gateway lets us renew what an earlier process mapped.
      nonce: sha1(identity.sign(utf8('monsoon port mapping'))).subarray(0, PCP_NONCE_BYTES),
      random: Math.random,
      alarms,
      log: (text) => log.debug(text),
      changed: () => {
        const { external } = this;
        if (external) log.info('the router passes the port on', { ...external });
        changed();
      },
    });
  }

  /** Begins to ask the router. */
  start(): void {
    this.#mapper?.start();
  }

  /** The mapped place, if the internet can reach it. */
  get external(): ExternalPlace | undefined {
    const state = this.#mapper?.state;
    return state?.state === 'mapped' && isPublicPlace(state.external) ? state.external : undefined;
  }

  /** The address that the world can reach us by, if a router gave one. */
  get address(): Address | undefined {
    const { external } = this;
    return external && { host: external.host, port: external.tcpPort };
  }

  status(): Pick<NodeStatus, 'bind' | 'portMapping'> {
    const { device, problem } = this.#network;
    return {
      bind: { to: this.#bind, device: device ?? null, problem: problem ?? null },
      portMapping: this.#mapping(),
    };
  }

  /** Has the router forget us. */
  async close(): Promise<void> {
    await this.#mapper?.close();
  }

  #mapping(): PortMappingStatus {
    const nothing = { protocol: null, host: null, tcpPort: null, udpPort: null, problem: null };
    const state = this.#mapper?.state;
    if (state?.state === 'none') return { ...nothing, state: 'none', problem: state.because };
    if (state?.state === 'mapped') {
      const problem = isPublicPlace(state.external) ? null : 'the router is itself behind another one';
      return { state: 'mapped', protocol: state.protocol, ...state.external, problem };
    }
    return { ...nothing, state: state?.state === 'searching' ? 'searching' : 'off' };
  }
}
