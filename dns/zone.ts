/**
 * The zone: what DNS says about a network, made from the supernodes that are known now. A pure function of them; no
 * text that a user wrote ever becomes part of a name.
 */
import {
  type Address,
  formatAddress,
  type NodeId,
  type Random,
  randomBelow,
  type WallSeconds,
} from '../src/base/index.ts';
import { encodeZoneText } from '../src/overlay/index.ts';

/** How long resolvers may keep anything of the zone. */
export const TTL_SECONDS = 60;
/** Supernodes in the zone at a time: a random sample, because an answer must fit a datagram. */
export const HOSTS_MAX = 16;
/** Name servers in the zone at a time, this one always among them. */
export const NAME_SERVERS_MAX = 8;
/** Addresses of one kind at the apex. */
export const APEX_ADDRESSES_MAX = 16;
/** Digits of the node id that make a host's label; 64 bits tell all supernodes apart. */
const LABEL_DIGITS = 16;

/** One supernode as DNS names it. */
export interface ZoneHost {
  readonly nodeId: NodeId;
  readonly addresses: readonly Address[];
  /** Whether it answers for this zone too. */
  readonly answersDns: boolean;
}

/** What a zone is made from. */
export interface ZoneContent {
  readonly network: string;
  /** The node that answers; it is a name server of the zone whether or not it is among the hosts. */
  readonly self: NodeId;
  readonly hosts: readonly ZoneHost[];
}

/** The data of one record; names are texts without a final dot. */
export type RecordData =
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'NS'; readonly target: string }
  | { readonly type: 'SRV'; readonly port: number; readonly target: string }
  | { readonly type: 'TXT'; readonly text: string }
  | { readonly type: 'HINFO'; readonly cpu: string }
  | { readonly type: 'SOA'; readonly primary: string; readonly admin: string; readonly serial: number };

export interface Zone {
  readonly origin: string;
  /** Records by owner; an owner without records stands only because names below it exist. */
  readonly records: ReadonlyMap<string, readonly RecordData[]>;
}

/** Builds the zone `origin` from a random sample of the hosts, in random order. */
export function buildZone(origin: string, content: ZoneContent, serial: number, random: Random): Zone {
  const labelOf = (nodeId: NodeId): string => `${nodeId.slice(0, LABEL_DIGITS)}.${origin}`;
  const listed = shuffled(content.hosts, random).slice(0, HOSTS_MAX);
  const volunteers = content.hosts.filter((host) => host.answersDns && host.nodeId !== content.self);
  const servers = shuffled(volunteers, random).slice(0, NAME_SERVERS_MAX - 1);
  const self = content.hosts.filter((host) => host.nodeId === content.self);
  const primary = labelOf(content.self);

  const records = new Map<string, readonly RecordData[]>();
  for (const host of new Set([...listed, ...servers, ...self])) {
    records.set(labelOf(host.nodeId), addressRecords(host.addresses));
  }
  if (!records.has(primary)) records.set(primary, []);
  const apex = addressRecords(listed.flatMap((host) => host.addresses));
  records.set(origin, [
    { type: 'SOA', primary, admin: `hostmaster.${origin}`, serial },
    ...[primary, ...servers.map((host) => labelOf(host.nodeId))].map((target) => ({ type: 'NS' as const, target })),
    ...apex.filter(({ type }) => type === 'A').slice(0, APEX_ADDRESSES_MAX),
    ...apex.filter(({ type }) => type === 'AAAA').slice(0, APEX_ADDRESSES_MAX),
    { type: 'TXT', text: encodeZoneText({ network: content.network, records: [] }) },
  ]);
  records.set(`_tcp.${origin}`, []);
  records.set(
    `_monsoon._tcp.${origin}`,
    listed.flatMap((host) => {
      const ports = new Set(host.addresses.map(({ port }) => port));
      return [...ports].map((port) => ({ type: 'SRV' as const, port, target: labelOf(host.nodeId) }));
    }),
  );
  return { origin, records };
}

/** Equal for contents that give the same zone but for the sample and its order. */
export function contentKey(content: ZoneContent): string {
  const hosts = content.hosts.map(
    (host) => `${host.nodeId} ${host.answersDns} ${host.addresses.map(formatAddress).toSorted().join(' ')}`,
  );
  return [content.network, content.self, ...hosts.toSorted()].join('\n');
}

/** The serial after `previous` (0 for none): the clock while it rises, so that a restart does not go back. */
export function nextSerial(previous: number, wallNow: WallSeconds): number {
  return Math.max(previous + 1, wallNow % 2 ** 32);
}

function addressRecords(addresses: readonly Address[]): RecordData[] {
  const hosts = new Set(addresses.map(({ host }) => host));
  return [...hosts].map((address) => ({ type: address.includes(':') ? 'AAAA' : 'A', address }));
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const drawn = [...items];
  for (let i = drawn.length - 1; i > 0; i--) {
    const other = randomBelow(random, i + 1);
    [drawn[i], drawn[other]] = [drawn[other]!, drawn[i]!];
  }
  return drawn;
}
