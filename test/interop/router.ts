/**
 * A home router: a host between a private and a public network that translates addresses (nftables) and lets its users
 * map ports (miniupnpd, which speaks PCP, NAT-PMP and UPnP-IGD).
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Place } from './clients/client.ts';
import { type Host, inNamespace, type Network } from './network.ts';
import { Program, run } from './program.ts';
import { until } from './until.ts';

const START_SECONDS_MAX = 10;
const HTTP_PORT = 5000;
/** What miniupnpd fills, and the translation of everything else; what comes in unasked is dropped. */
const RULES = `
table inet filter {
  chain miniupnpd { }
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "eth0" accept
    jump miniupnpd
  }
  chain prerouting_miniupnpd { }
  chain postrouting_miniupnpd { }
  chain prerouting { type nat hook prerouting priority -100; jump prerouting_miniupnpd; }
  chain postrouting {
    type nat hook postrouting priority 100;
    jump postrouting_miniupnpd
    oifname "eth1" masquerade
  }
}
`;

export const ROUTER_PROGRAMS: readonly string[] = ['miniupnpd', 'nft'];

export class Router {
  /** Address on the private network: the gateway. */
  readonly inside: string;
  /** Address on the public network. */
  readonly outside: string;
  readonly #place: Place;
  #daemon: Program | undefined;

  private constructor(place: Place, outside: string) {
    this.#place = place;
    this.inside = place.host.address;
    this.outside = outside;
  }

  /** Makes the host given a router into the public network, and starts it. */
  static async start(place: Place, publicNetwork: Network): Promise<Router> {
    const { address } = await publicNetwork.join(place.host);
    const router = new Router(place, address);
    await writeFile(join(place.scratch, 'rules'), RULES);
    await router.#run('nft', '-f', join(place.scratch, 'rules'));
    await router.#run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
    const settings = [
      'ext_ifname=eth1',
      'listening_ip=eth0',
      'ipv6_disable=yes',
      `http_port=${HTTP_PORT}`,
      'enable_natpmp=yes',
      'enable_upnp=yes',
      'secure_mode=yes',
      'system_uptime=no',
      'uuid=18a0bd62-6fba-4a79-8b61-179145412c9c',
    ];
    await writeFile(join(place.scratch, 'miniupnpd.conf'), `${settings.join('\n')}\n`);
    await router.startMapping();
    return router;
  }

  /** Starts the daemon that maps ports; it has forgotten everything. */
  async startMapping(): Promise<void> {
    const { host, scratch } = this.#place;
    const args = ['-d', '-f', join(scratch, 'miniupnpd.conf'), '-P', join(scratch, 'miniupnpd.pid')];
    const daemon = new Program(inNamespace(host, ['/usr/sbin/miniupnpd', args]));
    this.#daemon = daemon;
    await until(
      'miniupnpd to listen',
      START_SECONDS_MAX,
      async () => (await this.#run('ss', '-ltn')).includes(`:${HTTP_PORT} `) || undefined,
      () => daemon.output,
    );
  }

  /** Takes the daemon and every mapping away, as a loss of power would. */
  async stopMapping(): Promise<void> {
    await this.#daemon!.kill();
    for (const chain of ['miniupnpd', 'prerouting_miniupnpd', 'postrouting_miniupnpd']) {
      await this.#run('nft', 'flush', 'chain', 'inet', 'filter', chain);
    }
  }

  /** What the router forwards: `tcp 7373 10.77.1.2:7373`, sorted. */
  async mappings(): Promise<string[]> {
    const rules = await this.#run('nft', '-n', 'list', 'chain', 'inet', 'filter', 'prerouting_miniupnpd');
    const rule = /@nh,72,8 0x(6|11) th dport (\d+) dnat ip to ([\d.:]+)/g;
    return [...rules.matchAll(rule)]
      .map(([, number, port, to]) => `${number === '6' ? 'tcp' : 'udp'} ${port} ${to}`)
      .toSorted();
  }

  #run(command: string, ...args: string[]): Promise<string> {
    return run(inNamespace(this.#place.host, [command, args]));
  }
}

/** Makes the router a host's only way out. */
export async function routeBy({ namespace }: Host, gateway: string): Promise<void> {
  await run(['ip', ['-n', namespace, 'route', 'add', 'default', 'via', gateway]]);
}
