/** The authoritative DNS of a volunteer: the zone it was given, filled from the supernodes it knows and has reached. */
import { join } from 'node:path';
import type { Config } from '../config/index.ts';
import type { Zone } from '../dns/index.ts';
import { answersForZone, openResponder, type Responder, readTsig } from '../dns/io/index.ts';
import { type Address, formatIp, MonsoonError, type NodeId, parseIp } from '../src/base/index.ts';
import { wallNow } from '../src/io/alarm-clock.ts';
import type { BoundNetwork } from '../src/io/bound-network.ts';
import type { HttpClient } from '../src/io/http-client.ts';
import type { Home } from './home.ts';
import type { Log } from './log.ts';
import type { Membership } from './membership.ts';
import { ZoneHealth } from './zone-health.ts';
import { ZoneSerials } from './zone-serials.ts';

const DNS_PORT = 53;

export interface DnsServiceSettings {
  readonly config: Config;
  readonly home: Pick<Home, 'dataDir'>;
  readonly log: Log;
  readonly network: BoundNetwork;
  readonly membership: Membership;
  readonly self: NodeId;
  /** Where this node is reached, best first. */
  readonly addresses: () => readonly Address[];
  /** Speaks TLS to nodes. */
  readonly nodes: HttpClient;
}

/** An open responder and the checks of what it names. */
export class DnsService {
  readonly #responder: Responder;
  readonly #health: ZoneHealth;

  private constructor(responder: Responder, health: ZoneHealth) {
    this.#responder = responder;
    this.#health = health;
    health.start();
  }

  /** Opens the responder when a zone is configured; a zone of a node that never serves is a configuration error. */
  static async open(settings: DnsServiceSettings): Promise<DnsService | undefined> {
    const { config, home, log, network, membership, self, nodes } = settings;
    if (config.zone === '') return undefined;
    if (config.role === 'client') {
      throw new MonsoonError('config', 'a client answers for no zone: add --role supernode, or leave out --zone');
    }
    const secondaries = config.dnsSecondaries.map(secondaryOf);
    const { from } = network.askFrom();
    const health = new ZoneHealth({
      self,
      supernodes: () => membership.all(),
      meet: (address) => nodes.meet(address),
      answersZone: (nodeId, host) => answersForZone({ zone: config.zone, nodeId, host, from }),
    });
    const unsaved = (error: unknown): void =>
      log.warn('the serial of the zone cannot be kept', { because: `${error}` });
    const responder = await openResponder({
      zone: config.zone,
      port: config.dnsPort,
      bind: network.isRestricted ? network.hosts()[0]! : config.bind,
      ttlSeconds: config.dnsTtl,
      answersPerSecond: config.dnsRate,
      secondaries,
      tsig: config.dnsKeyFile === '' ? undefined : await readTsig(config.dnsKeyFile),
      serials: await ZoneSerials.open(join(home.dataDir, 'zone.serial'), wallNow(), unsaved),
      content: () => ({
        network: config.network,
        self,
        selfAddresses: settings.addresses().map(({ host }) => host),
        hosts: health.hosts(),
        servers: health.servers(),
      }),
    });
    return new DnsService(responder, health);
  }

  get port(): number {
    return this.#responder.port;
  }
  /** What is answered now. */
  zone(): Zone {
    return this.#responder.zone();
  }
  async close(): Promise<void> {
    this.#health.close();
    await this.#responder.close();
  }
}

/** Who may fetch the zone is told by address, for a name could be pointed elsewhere. */
function secondaryOf(text: string): Address {
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|([^:]*))(?::([0-9]+))?$/.exec(text) ?? [];
  const ip = parseIp(bracketed ?? plain ?? '');
  const number = port === undefined ? DNS_PORT : Number(port);
  if (!ip || number < 1 || number > 65_535) {
    throw new MonsoonError('config', `--dns-secondary ${text}: expected an IP address, with a port unless it is 53.`);
  }
  return { host: formatIp(ip), port: number };
}
