/**
 * This node as a service that other programs list (DNS-SD, RFC 6763): the records that answer a question, and the beacon
 * that a neighbour's records carry. An instance has a name drawn at the start, so that records tell no id; the TXT record
 * holds a beacon, so that only nodes of one network know each other by it.
 */
import { bytesOfHex, hex } from '../base/index.ts';

export const SERVICE = '_monsoon._tcp.local';
const ALL_SERVICES = '_services._dns-sd._udp.local';
/** How long others may keep a record: of what an interface has, and of the rest (RFC 6762, 10). */
const HOST_SECONDS = 120;
const OTHER_SECONDS = 4500;
const BEACON_KEY = 'b=';

/** An instance of the service. */
export interface ServiceInstance {
  /** One label. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly beacon: Uint8Array;
}

/** A record as the DNS-SD package takes and gives it. */
export type ServiceRecord =
  | { readonly name: string; readonly type: 'PTR'; readonly ttl: number; readonly data: string }
  | { readonly name: string; readonly type: 'TXT'; readonly ttl: number; readonly data: string }
  | { readonly name: string; readonly type: 'A'; readonly ttl: number; readonly data: string }
  | {
      readonly name: string;
      readonly type: 'SRV';
      readonly ttl: number;
      readonly data: { readonly port: number; readonly target: string };
    };

/** Everything about an instance; a goodbye when it leaves. */
export function recordsOf({ name, host, port, beacon }: ServiceInstance, isLeaving = false): ServiceRecord[] {
  const [instance, target] = [`${name}.${SERVICE}`, `${name}.local`];
  const ttl = (seconds: number): number => (isLeaving ? 0 : seconds);
  return [
    { name: SERVICE, type: 'PTR', ttl: ttl(OTHER_SECONDS), data: instance },
    { name: instance, type: 'SRV', ttl: ttl(HOST_SECONDS), data: { port, target } },
    { name: instance, type: 'TXT', ttl: ttl(OTHER_SECONDS), data: `${BEACON_KEY}${hex(beacon)}` },
    { name: target, type: 'A', ttl: ttl(HOST_SECONDS), data: host },
  ];
}

/** The records that answer a question, with those that the asker would ask for next; none when it is not about us. */
export function answersTo(question: { name: string; type: string }, instance: ServiceInstance): ServiceRecord[] {
  const name = question.name.toLowerCase();
  const isType = (type: string): boolean => question.type === type || question.type === 'ANY';
  if (name === ALL_SERVICES && isType('PTR')) {
    return [{ name: ALL_SERVICES, type: 'PTR', ttl: OTHER_SECONDS, data: SERVICE }];
  }
  const records = recordsOf(instance);
  if (name === SERVICE) return isType('PTR') ? records : [];
  return records.filter((record) => record.name.toLowerCase() === name && isType(record.type));
}

/** The beacons in the TXT records of an answer: at most one of each instance. */
export function beaconsIn(
  records: readonly { readonly name: string; readonly texts: readonly string[] }[],
): Uint8Array[] {
  return records.flatMap(({ name, texts }) => {
    if (!name.toLowerCase().endsWith(`.${SERVICE}`)) return [];
    const text = texts.find((each) => each.startsWith(BEACON_KEY));
    return (text && bytesOfHex(text.slice(BEACON_KEY.length))) || [];
  });
}
