/** The authoritative DNS of a volunteer: the zone it was given, filled from the supernodes it knows and has reached. */
import { join } from 'node:path';
import type { Config } from '../../config/index.ts';
import { delegationOf, recordRows, zoneFile } from '../../dns/index.ts';
import { answersForZone, openResponder, type Responder, readTsig } from '../../dns/io/index.ts';
import { type Address, formatIp, MonsoonError, parseIp } from '../../src/base/index.ts';
import { wallNow } from '../../src/io/alarm-clock.ts';
import type { BoundNetwork } from '../../src/io/bound-network.ts';
import { openBatching } from '../../src/io/datagram-batch.ts';
import { primaryOf } from '../../src/io/dns-lookup.ts';
import type { HttpClient } from '../../src/io/http-client.ts';
import type { Identity } from '../../src/io/identity.ts';
import type { Home } from '../home.ts';
import type { Log } from '../log.ts';
import type { Membership } from '../overlay/membership.ts';
import type { Reach } from '../reach.ts';
import type { ZoneReport } from '../running-node.ts';
import { splitHostPort } from '../sources/named-sources.ts';
import { ZoneHealth } from './zone-health.ts';
import { ZoneSerials } from './zone-serials.ts';

const DNS_PORT = 53;

export interface DnsServiceSettings {
  readonly config: Config;
  readonly home: Pick<Home, 'dataDir'>;
  readonly log: Log;
  readonly network: BoundNetwork;
  readonly membership: Membership;
  readonly identity: Pick<Identity, 'nodeId'>;
  /** Where it listens, and where a router makes it reachable. */
  readonly addresses: readonly Address[];
  readonly reach: Pick<Reach, 'address'>;
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
    const { config, home, log, network, membership, nodes, addresses, reach } = settings;
    const self = settings.identity.nodeId;
    if (config.zone === '') return undefined;
    if (config.role === 'client') {
      throw new MonsoonError('config', 'a client answers for no zone: add --role supernode, or leave out --zone');
    }
    const secondaries = config.dnsSecondaries.map(secondaryOf);
    const primary = (zone: string, server: Address): Promise<string | undefined> => primaryOf(zone, server, network);
    const health = new ZoneHealth({
      self,
      supernodes: () => membership.all(),
      meet: (address) => nodes.meet(address),
      answersZone: (nodeId, host) => answersForZone({ zone: config.zone, nodeId, host, primaryOf: primary }),
    });
    const unsaved = (error: unknown): void =>
      log.warn('the serial of the zone cannot be kept', { because: `${error}` });
    const responder = await openResponder({
      zone: config.zone,
      port: config.dnsPort,
      network,
      batching: openBatching(),
      ttlSeconds: config.dnsTtl,
      answersPerSecond: config.dnsRate,
      secondaries,
      bindingTowards: (host) => network.bindingTowards(host),
      tsig: config.dnsKeyFile === '' ? undefined : await readTsig(config.dnsKeyFile),
      serials: await ZoneSerials.open(join(home.dataDir, 'zone.serial'), wallNow(), unsaved),
      content: () => ({
        network: config.network,
        self,
        selfAddresses: [reach.address, ...addresses].flatMap((place) => (place ? [place.host] : [])),
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
  report(): ZoneReport {
    const zone = this.#responder.zone();
    const records = recordRows(zone);
    return {
      zone: zone.origin,
      serial: zone.serial,
      ttlSeconds: zone.ttlSeconds,
      port: this.port,
      supernodes: new Set(records.filter(({ type }) => type === 'SRV').map(({ data }) => data.split(' ')[3])).size,
      nameServers: records.filter(({ type }) => type === 'NS').map(({ data }) => data),
      delegation: zoneFile(delegationOf(records)).trimEnd().split('\n'),
      records,
    };
  }
  async close(): Promise<void> {
    this.#health.close();
    await this.#responder.close();
  }
}

/** What is answered; throws a MonsoonError where nothing is. */
export function zoneOf(service: DnsService | undefined): ZoneReport {
  if (service) return service.report();
  throw new MonsoonError('not-found', 'This node answers for no zone. Start it with --zone NAME --role supernode.');
}

/** Who may fetch the zone is told by address, for a name could be pointed elsewhere. */
function secondaryOf(text: string): Address {
  const { name, port = DNS_PORT } = splitHostPort(text);
  const ip = parseIp(name);
  if (!ip || port < 1 || port > 65_535) {
    throw new MonsoonError('config', `--dns-secondary ${text}: expected an IP address, with a port unless it is 53.`);
  }
  return { host: formatIp(ip), port };
}
