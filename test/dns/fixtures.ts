// A zone of three supernodes, and queries written by hand.

import {
  AnswerBudget,
  AnswerTable,
  Authority,
  type AuthoritySettings,
  buildZone,
  CLASS_IN,
  Cookies,
  nextSerial,
  wireName,
  type ZoneContent,
  type ZoneHost,
} from '../../dns/index.ts';
import { encodeRecord } from '../../dns/io/codec.ts';
import { openResponder, type Responder, type ResponderOptions } from '../../dns/io/responder.ts';
import { type NodeId, parseAddress, parseNodeId } from '../../src/base/index.ts';
import { openBatching } from '../../src/io/datagram-batch.ts';

export const ZONE = 'sn.monsoon.test';
export const TTL_SECONDS = 60;
export const nodeId = (n: number): NodeId => parseNodeId(n.toString(16).padStart(4, '0').repeat(16))!;
export const labelOf = (n: number): string => `${nodeId(n).slice(0, 16)}.${ZONE}`;

/** Stands for a sealed descriptor of the usual size. */
export const recordOf = (n: number): Uint8Array => new Uint8Array(300).fill(n);

export const host = (n: number): ZoneHost => ({
  nodeId: nodeId(n),
  addresses: [parseAddress(`10.0.${n >> 8}.${n & 255}:7373`)!, parseAddress(`[2a00:1::${n.toString(16)}]:7373`)!],
  record: recordOf(n),
});
export const content = (changes: Partial<ZoneContent> = {}): ZoneContent => ({
  network: 'monsoon',
  self: nodeId(1),
  selfAddresses: ['10.0.0.1', '2a00:1::1'],
  hosts: [host(1), host(2), host(3)],
  servers: [host(2)],
  ...changes,
});
export const table = (changes: Partial<ZoneContent> = {}, serial = 7): AnswerTable =>
  new AnswerTable(buildZone({ origin: ZONE, ttlSeconds: TTL_SECONDS, serial }, content(changes)), encodeRecord);

export const SECRET: Uint8Array = Uint8Array.from({ length: 16 }, (_, i) => i);
/** The authority over that zone, without any limit of answers a second. */
export function authorityOf(settings: Partial<AuthoritySettings> = {}): Authority {
  const plain = { budget: new AnswerBudget(0), cookies: new Cookies(SECRET), secondaries: new Set<string>() };
  const authority = new Authority({ ...plain, tsig: undefined, ...settings });
  authority.table = table();
  return authority;
}

function serialsInMemory(): ResponderOptions['serials'] {
  let last = 0;
  return {
    next(wallNow) {
      last = nextSerial(last, wallNow);
      return last;
    },
    close: () => Promise.resolve(),
  };
}

/** A network of that one address, which stays. */
export const at = (address: string): ResponderOptions['network'] => ({
  exactPlaces: () => new Map([[address, { host: address, device: undefined }]]),
  heldSocket: () => undefined,
  watchPlaces() {},
});

/** Opens a responder on a free port of loopback. */
export const open = (changes: Partial<ResponderOptions> = {}): Promise<Responder> =>
  openResponder({
    zone: ZONE,
    port: 0,
    network: at('127.0.0.1'),
    ttlSeconds: TTL_SECONDS,
    answersPerSecond: 200,
    content,
    batching: openBatching(),
    serials: serialsInMemory(),
    secondaries: [],
    bindingTowards: () => ({ port: 0 }),
    tsig: undefined,
    ...changes,
  });

/** A query of one question; `opt` is the UDP size that EDNS offers, `options` its options. */
export function query(
  name: string,
  type: number,
  opt?: number,
  { dnsClass = CLASS_IN, options = [] }: { dnsClass?: number; options?: readonly number[] } = {},
): Buffer {
  const header = Buffer.from([0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, opt === undefined ? 0 : 1]);
  const wire = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
  const question = Buffer.from([...wire, 0, type >> 8, type & 255, dnsClass >> 8, dnsClass & 255]);
  const edns = opt === undefined ? [] : [0, 0, 41, opt >> 8, opt & 255, 0, 0, 0, 0, 0, options.length, ...options];
  return Buffer.concat([header, question, Buffer.from(edns)]);
}
/** The cookie option. */
export const cookieOption = (cookie: Uint8Array): number[] => [0, 10, 0, cookie.length, ...cookie];

export interface Header {
  readonly rcode: number;
  readonly isAuthoritative: boolean;
  readonly isTruncated: boolean;
  readonly isRecursionDesired: boolean;
  readonly isRecursionAvailable: boolean;
  readonly counts: readonly number[];
}
export function headerOf(reply: Uint8Array): Header {
  const bytes = Buffer.from(reply);
  return {
    rcode: bytes[3]! & 15,
    isAuthoritative: (bytes[2]! & 4) !== 0,
    isTruncated: (bytes[2]! & 2) !== 0,
    isRecursionDesired: (bytes[2]! & 1) !== 0,
    isRecursionAvailable: (bytes[3]! & 128) !== 0,
    counts: [4, 6, 8, 10].map((at) => bytes.readUInt16BE(at)),
  };
}

export const ORIGIN: string = wireName(ZONE)!;
