/**
 * Every name that this program looks up. Unbound it asks the system's resolver. A node that is bound asks the system's
 * name servers itself, by what it is bound to; there the hosts file counts, search domains and other sources of the system
 * do not. What a name leads to is a hint; who answers there proves itself by signature.
 */
import { lookup, Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import type { AskedRecord, AskedType } from '../../dns/index.ts';
import { type Address, formatAddress, formatIp, parseAddress, parseIp } from '../base/index.ts';
import type { BoundNetwork } from './bound-network.ts';
import { askServers } from './name-servers.ts';

const TIMEOUT_MS = 2000;
const TRIES = 2;
/** SRV targets that are looked up, and addresses that are returned. */
const TARGETS_MAX = 16;
/** TXT records that are looked at. */
const TEXTS_MAX = 8;
const ADDRESSES_MAX = 64;
const DNS_PORT = 53;
const HOSTS_FILE =
  process.platform === 'win32' ? `${process.env.SystemRoot}\\System32\\drivers\\etc\\hosts` : '/etc/hosts';

/** What to look up, and where. */
export interface BootstrapName {
  /** A domain name, or an IP literal, which is returned as it is. */
  readonly name: string;
  /** The port that the user gave with the name; SRV records are asked for only without one. */
  readonly port: number | undefined;
  /** For a name that has addresses but no SRV record. */
  readonly defaultPort: number;
  /** A DNS server to ask instead of the system's. */
  readonly server?: Address;
}

/** What a name led to. */
export interface NameAnswer {
  /** Best SRV priority first. */
  readonly addresses: readonly Address[];
  /** Of its TXT records, the strings of each joined. */
  readonly texts: readonly string[];
}

interface Target {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
}

/** Questions to name servers, each answered with nothing when it cannot be answered. */
interface Asker {
  hosts(name: string): Promise<string[]>;
  texts(name: string): Promise<string[]>;
  targets(name: string): Promise<Target[]>;
  primaries(zone: string): Promise<string[]>;
}

/** The addresses of a name; none where it has none, or nobody can say. */
export async function lookUpHosts(name: string, network: BoundNetwork): Promise<string[]> {
  const literal = parseIp(name);
  if (literal) return [formatIp(literal)];
  if (network.isRestricted) return askBound(network, undefined).hosts(name);
  const addresses = await orNone(lookup(name, { all: true }));
  return addresses.map(({ address }) => canonical(address));
}

/** Asks for everything behind a bootstrap name at once; each kind of answer is handed in as it comes, none where there is none. */
export async function resolveBootstrap(
  bootstrap: BootstrapName,
  network: BoundNetwork,
  heard: (answer: NameAnswer) => void,
): Promise<void> {
  const { name, port, defaultPort, server } = bootstrap;
  const literal = parseIp(name);
  if (literal) return heard({ addresses: [{ host: formatIp(literal), port: port ?? defaultPort }], texts: [] });
  const asker = askerOf(network, server);
  const texts = asker.texts(name).then((found) => heard({ addresses: [], texts: found.slice(0, TEXTS_MAX) }));
  const addresses = addressesBehind(bootstrap, asker).then((found) => heard({ addresses: found, texts: [] }));
  await Promise.all([texts, addresses]);
}

/** The primary server of a zone, as a name server says; undefined when it is silent, or refuses. */
export async function primaryOf(zone: string, server: Address, network: BoundNetwork): Promise<string | undefined> {
  return (await askerOf(network, server).primaries(zone))[0];
}

/** The name servers of this machine that a bound node asks: where their own questions go is not ours to say. */
export function localNameServers(network: BoundNetwork): string[] {
  if (!network.source) return [];
  return systemServers().flatMap(({ host }) => (network.isOwn(host) ? [host] : []));
}

async function addressesBehind({ name, port, defaultPort }: BootstrapName, asker: Asker): Promise<Address[]> {
  const targets = port === undefined ? await targetsOf(asker, name) : [];
  const places = targets.length > 0 ? targets : [{ name, port: port ?? defaultPort }];
  const found = await Promise.all(
    places.map(async (place) => {
      const hosts = await asker.hosts(place.name);
      return hosts.map((host) => ({ host, port: place.port }));
    }),
  );
  return found.flat().slice(0, ADDRESSES_MAX);
}

async function targetsOf(asker: Asker, name: string): Promise<Target[]> {
  const targets = await asker.targets(`_monsoon._tcp.${name}`);
  return targets
    .filter(({ port }) => port > 0)
    .toSorted((a, b) => a.priority - b.priority)
    .slice(0, TARGETS_MAX);
}

function askerOf(network: BoundNetwork, server: Address | undefined): Asker {
  return network.isRestricted ? askBound(network, server) : askUnbound(network, server);
}

/** By the system's resolver, or the server that the user named. */
function askUnbound(network: BoundNetwork, server: Address | undefined): Asker {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  if (server) resolver.setServers([formatAddress(server)]);
  return {
    async hosts(name) {
      // The system's own lookup knows the hosts file and the local network's names, too.
      if (!server) return lookUpHosts(name, network);
      const families = await Promise.all([orNone(resolver.resolve4(name)), orNone(resolver.resolve6(name))]);
      return families.flat().map(canonical);
    },
    texts: async (name) => (await orNone(resolver.resolveTxt(name))).map((strings) => strings.join('')),
    targets: (name) => orNone(resolver.resolveSrv(name)),
    primaries: (zone) => orNone(resolver.resolveSoa(zone).then(({ nsname }) => [nsname])),
  };
}

/** By sockets of our own, held to what the node is bound to. */
function askBound(network: BoundNetwork, server: Address | undefined): Asker {
  const servers = server ? [server] : systemServers();
  const ask = async <Type extends AskedType>(name: string, type: Type) => {
    const records = await askServers(network, servers, name, type);
    return records as readonly Extract<AskedRecord, { type: Type }>[];
  };
  return {
    async hosts(name) {
      const listed = server ? [] : await listedHosts(name);
      if (listed.length > 0) return listed;
      const families = await Promise.all([ask(name, 'A'), ask(name, 'AAAA')]);
      return families.flat().map(({ address }) => address);
    },
    texts: async (name) => (await ask(name, 'TXT')).map(({ text }) => text),
    targets: async (name) =>
      (await ask(name, 'SRV')).map(({ target, port, priority }) => ({ name: target, port, priority })),
    primaries: async (zone) => (await ask(zone, 'SOA')).map(({ primary }) => primary),
  };
}

/** Those of the system as they are now: a VPN may bring its own when it comes up. */
function systemServers(): Address[] {
  return new Resolver().getServers().flatMap((text) => {
    const ip = parseIp(text);
    return (ip ? { host: formatIp(ip), port: DNS_PORT } : parseAddress(text)) ?? [];
  });
}

/** What the hosts file says of a name. */
async function listedHosts(name: string): Promise<string[]> {
  // A system without the file asks its servers for everything.
  const lines = await orNone(readFile(HOSTS_FILE, 'utf8').then((text) => text.split('\n')));
  const wanted = name.toLowerCase().replace(/\.$/, '');
  return lines.flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const ip = names.some((each) => each.toLowerCase() === wanted) ? parseIp(address) : undefined;
    return ip ? [formatIp(ip)] : [];
  });
}

/** A name that is absent, refused or unreachable leads nowhere, whatever the reason. */
async function orNone<Item>(answer: Promise<Item[]>): Promise<Item[]> {
  try {
    return await answer;
  } catch {
    return [];
  }
}

function canonical(host: string): string {
  const ip = parseIp(host);
  return ip ? formatIp(ip) : host;
}
