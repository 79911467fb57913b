/**
 * The zone: what DNS says about a network, made from supernodes that were drawn before. A pure function of them; no
 * text that a user wrote ever becomes part of a name or of a record.
 */
import { type Address, type NodeId, type Random, randomBelow, reachOf, type WallSeconds } from '../src/base/index.ts';
import { encodeZoneText, ZONE_TEXT_RECORDS_MAX, zoneTextLength } from '../src/overlay/index.ts';

/** Supernodes in the zone at a time: a random sample, because an answer must fit a datagram. */
export const HOSTS_MAX = 16;
/** Name servers in the zone at a time, this one always among them. */
export const NAME_SERVERS_MAX = 8;
/** Addresses of one kind at the apex. */
export const APEX_ADDRESSES_MAX = 16;
/** Digits of the node id that make a host's label; 64 bits tell all supernodes apart. */
const LABEL_DIGITS = 16;
/** Longest text of the apex: with its question, header, EDNS and cookie it fits a datagram of 1,232 bytes. */
const APEX_TEXT_LENGTH_MAX = 1140;

/** One supernode as DNS names it. */
export interface ZoneHost {
  readonly nodeId: NodeId;
  /** Where it was reached. */
  readonly addresses: readonly Address[];
  /** Its sealed descriptor. */
  readonly record: Uint8Array;
}

/** What a zone is made from. */
export interface ZoneContent {
  readonly network: string;
  /** The node that answers; it is a name server of the zone whether or not it is among the hosts. */
  readonly self: NodeId;
  /** Where it answers: IP addresses. */
  readonly selfAddresses: readonly string[];
  /** Those named at the apex and as places of the service. */
  readonly hosts: readonly ZoneHost[];
  /** Others that answer for the zone. */
  readonly servers: readonly ZoneHost[];
}

/** The data of one record; names are texts without a final dot. */
export type RecordData =
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'NS'; readonly target: string }
  | { readonly type: 'SRV'; readonly port: number; readonly target: string }
  | { readonly type: 'TXT'; readonly text: string }
  | { readonly type: 'HINFO'; readonly cpu: string }
  | {
      readonly type: 'SOA';
      readonly primary: string;
      readonly admin: string;
      readonly serial: number;
      readonly refreshSeconds: number;
      readonly retrySeconds: number;
      readonly expireSeconds: number;
      /** How long an absent name may be taken for absent. */
      readonly minimumSeconds: number;
    };

export interface Zone {
  readonly origin: string;
  /** How long resolvers may keep anything of it. */
  readonly ttlSeconds: number;
  readonly serial: number;
  /** Records by owner, the apex first; an owner without records stands only because names below it exist. */
  readonly records: ReadonlyMap<string, readonly RecordData[]>;
}

/** What a zone is called, and how long its answers hold. */
export interface ZoneTerms {
  /** In lower case, without a final dot. */
  readonly origin: string;
  readonly ttlSeconds: number;
  readonly serial: number;
}

/** Secondaries ask this often, and are told of changes besides. */
const RETRY_SECONDS = 30;
const EXPIRE_SECONDS = 86_400;

/** The name of a supernode in a zone. */
export function hostName(nodeId: NodeId, origin: string): string {
  return `${nodeId.slice(0, LABEL_DIGITS)}.${origin}`;
}

/** Builds a zone. */
export function buildZone({ origin, ttlSeconds, serial }: ZoneTerms, content: ZoneContent): Zone {
  const mayName = addressRule(content);
  const nameOf = ({ nodeId }: ZoneHost): string => hostName(nodeId, origin);
  const primary = hostName(content.self, origin);
  const servers = [primary, ...content.servers.slice(0, NAME_SERVERS_MAX - 1).map(nameOf)];
  const hosts = content.hosts.slice(0, HOSTS_MAX);
  const listed = hosts.map(({ addresses }) => addressRecords(addresses.map(({ host }) => host).filter(mayName)));
  const text = (records: readonly Uint8Array[]): RecordData => ({
    type: 'TXT',
    text: encodeZoneText({ network: content.network, records }),
  });
  const records = new Map<string, readonly RecordData[]>();
  records.set(origin, [
    { type: 'SOA', primary, admin: `hostmaster.${origin}`, serial, ...timesOf(ttlSeconds) },
    ...servers.map((target): RecordData => ({ type: 'NS', target })),
    ...apexAddresses(listed.flat()),
    text(fitting(content.network, hosts)),
  ]);
  records.set(`_tcp.${origin}`, []);
  records.set(
    `_monsoon._tcp.${origin}`,
    hosts.flatMap((host) => placesOf(host, mayName).map((port) => ({ type: 'SRV', port, target: nameOf(host) }))),
  );
  for (const host of [...hosts, ...content.servers]) {
    const addresses = host.addresses.map((address) => address.host).filter(mayName);
    // Its own word goes with its name, so that one place of the service can be checked by itself.
    records.set(nameOf(host), [...addressRecords(addresses), text([host.record])]);
  }
  const own = content.hosts.find(({ nodeId }) => nodeId === content.self);
  if (!own) records.set(primary, addressRecords(content.selfAddresses.filter(mayName)));
  return { origin, ttlSeconds, serial, records };
}

/** Equal for zones that say the same, whatever the order and the serial. */
export function zoneKey(zone: Zone): string {
  const rows = [...zone.records].flatMap(([owner, list]) => [
    owner,
    ...list.filter(({ type }) => type !== 'SOA').map((data) => `${owner} ${JSON.stringify(data)}`),
  ]);
  return rows.toSorted().join('\n');
}

/** The same zone under another serial. */
export function withSerial(zone: Zone, serial: number): Zone {
  const apex = zone.records.get(zone.origin) ?? [];
  const renumbered = apex.map((data) => (data.type === 'SOA' ? { ...data, serial } : data));
  return { ...zone, serial, records: new Map(zone.records).set(zone.origin, renumbered) };
}

/** The same zone with the records of each name in another order, so that the first one is another each time. */
export function shuffledZone(zone: Zone, random: Random): Zone {
  return { ...zone, records: new Map([...zone.records].map(([owner, list]) => [owner, shuffled(list, random)])) };
}

/** The serial after `previous` (0 for none): the clock while it rises. Counts modulo 2^32 and leaves 0 out (RFC 1982). */
export function nextSerial(previous: number, wallNow: WallSeconds): number {
  const following = (previous + 1) % 2 ** 32 || 1;
  const clock = wallNow % 2 ** 32;
  return previous === 0 || isSerialAfter(clock, following) ? clock : following;
}

/** Whether one serial is later than another on their circle. */
export function isSerialAfter(serial: number, other: number): boolean {
  return ((serial - other) | 0) > 0;
}

/** What may be named: private addresses only while no public one of their kind is there, and nothing worse ever. */
function addressRule({ hosts, servers, selfAddresses }: ZoneContent): (host: string) => boolean {
  const places = [...hosts, ...servers].flatMap(({ addresses }) => addresses.map(({ host }) => host));
  const isSix = (host: string): boolean => host.includes(':');
  const publicKinds = new Set([...places, ...selfAddresses].filter((host) => reachOf(host) === 'public').map(isSix));
  return (host) => {
    const reach = reachOf(host);
    return reach === 'public' || ((reach === 'private' || reach === 'loopback') && !publicKinds.has(isSix(host)));
  };
}

function timesOf(
  ttlSeconds: number,
): Pick<Extract<RecordData, { type: 'SOA' }>, 'refreshSeconds' | 'retrySeconds' | 'expireSeconds' | 'minimumSeconds'> {
  const refreshSeconds = Math.max(ttlSeconds, 2 * RETRY_SECONDS);
  return {
    refreshSeconds,
    retrySeconds: RETRY_SECONDS,
    expireSeconds: Math.max(EXPIRE_SECONDS, 2 * refreshSeconds),
    minimumSeconds: ttlSeconds,
  };
}

function apexAddresses(all: readonly RecordData[]): RecordData[] {
  const distinct = new Map(all.map((data) => [JSON.stringify(data), data]));
  return (['A', 'AAAA'] as const).flatMap((kind) =>
    [...distinct.values()].filter(({ type }) => type === kind).slice(0, APEX_ADDRESSES_MAX),
  );
}

/** As many descriptors, in order, as the text of the apex has room for. */
function fitting(network: string, hosts: readonly ZoneHost[]): Uint8Array[] {
  const taken: Uint8Array[] = [];
  for (const { record } of hosts) {
    const lengths = [...taken, record].map(({ length }) => length);
    const fits = lengths.length <= ZONE_TEXT_RECORDS_MAX && zoneTextLength(network, lengths) <= APEX_TEXT_LENGTH_MAX;
    if (fits) taken.push(record);
  }
  return taken;
}

function placesOf({ addresses }: ZoneHost, mayName: (host: string) => boolean): number[] {
  return [...new Set(addresses.filter(({ host }) => mayName(host)).map(({ port }) => port))];
}

function addressRecords(hosts: readonly string[]): RecordData[] {
  return [...new Set(hosts)].map((address) => ({ type: address.includes(':') ? 'AAAA' : 'A', address }));
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const drawn = [...items];
  for (let i = drawn.length - 1; i > 0; i--) {
    const other = randomBelow(random, i + 1);
    [drawn[i], drawn[other]] = [drawn[other]!, drawn[i]!];
  }
  return drawn;
}
