/**
 * Bootstrap by name: a DNS name becomes addresses to ask for supernodes, by the system's resolver or by a server
 * that the user named. What it returns is a hint; who answers there proves itself by signature.
 */
import { lookup, Resolver } from 'node:dns/promises';
import { type Address, formatAddress, formatIp, parseIp } from '../base/index.ts';

const TIMEOUT_MS = 2000;
const TRIES = 2;
/** SRV targets that are looked up, and addresses that are returned. */
const TARGETS_MAX = 16;
/** TXT records that are looked at. */
const TEXTS_MAX = 8;
const ADDRESSES_MAX = 64;

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
  /** IPv4 and IPv6 addresses to ask from; the system's own lookup knows no such thing. */
  readonly from?: { readonly four: string; readonly six: string };
}

/** What a name led to. */
export interface NameAnswer {
  /** Best SRV priority first. */
  readonly addresses: readonly Address[];
  /** Of its TXT records, the strings of each joined. */
  readonly texts: readonly string[];
}

/** Asks for everything behind a bootstrap name at once; each kind of answer is handed in as it comes, none where there is none. */
export async function resolveBootstrap(bootstrap: BootstrapName, heard: (answer: NameAnswer) => void): Promise<void> {
  const { name, port, defaultPort, server, from } = bootstrap;
  const literal = parseIp(name);
  if (literal) return heard({ addresses: [{ host: formatIp(literal), port: port ?? defaultPort }], texts: [] });
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  if (server) resolver.setServers([formatAddress(server)]);
  if (from) resolver.setLocalAddress(from.four, from.six);
  const texts = orNone(resolver.resolveTxt(name)).then((records) =>
    heard({ addresses: [], texts: records.slice(0, TEXTS_MAX).map((strings) => strings.join('')) }),
  );
  const addresses = addressesBehind(bootstrap, resolver).then((found) => heard({ addresses: found, texts: [] }));
  await Promise.all([texts, addresses]);
}

async function addressesBehind(
  { name, port, defaultPort, server }: BootstrapName,
  resolver: Resolver,
): Promise<Address[]> {
  const targets = port === undefined ? await resolveTargets(resolver, name) : [];
  const places = targets.length > 0 ? targets : [{ name, port: port ?? defaultPort }];
  const found = await Promise.all(
    places.map(async (place) => {
      const hosts = await resolveHosts(server ? resolver : undefined, place.name);
      return hosts.map((host) => ({ host, port: place.port }));
    }),
  );
  return found.flat().slice(0, ADDRESSES_MAX);
}

async function resolveTargets(resolver: Resolver, name: string): Promise<{ name: string; port: number }[]> {
  const records = await orNone(resolver.resolveSrv(`_monsoon._tcp.${name}`));
  return records
    .filter(({ port }) => port > 0)
    .toSorted((a, b) => a.priority - b.priority)
    .slice(0, TARGETS_MAX)
    .map(({ name: target, port }) => ({ name: target, port }));
}

async function resolveHosts(resolver: Resolver | undefined, name: string): Promise<string[]> {
  if (!resolver) return lookUpHosts(name);
  const families = await Promise.all([orNone(resolver.resolve4(name)), orNone(resolver.resolve6(name))]);
  return families.flat().map(canonical);
}

/** The addresses of a name by the system's own lookup, which also knows the hosts file and the local network's names. */
export async function lookUpHosts(name: string): Promise<string[]> {
  const addresses = await orNone(lookup(name, { all: true }));
  return addresses.map(({ address }) => canonical(address));
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
