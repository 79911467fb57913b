// A zone of three supernodes, and queries written by hand.

import { CLASS_IN, wireName, type ZoneContent, type ZoneHost } from '../../dns/index.ts';
import { type NodeId, parseAddress, parseNodeId } from '../../src/base/index.ts';

export const ZONE = 'sn.monsoon.test';
export const nodeId = (n: number): NodeId => parseNodeId(n.toString(16).padStart(4, '0').repeat(16))!;
export const labelOf = (n: number): string => `${nodeId(n).slice(0, 16)}.${ZONE}`;

export const host = (n: number, answersDns = false): ZoneHost => ({
  nodeId: nodeId(n),
  addresses: [parseAddress(`10.0.${n >> 8}.${n & 255}:7373`)!, parseAddress(`[2a00:1::${n.toString(16)}]:7373`)!],
  answersDns,
});
export const content = (changes: Partial<ZoneContent> = {}): ZoneContent => ({
  network: 'monsoon',
  self: nodeId(1),
  hosts: [host(1, true), host(2, true), host(3)],
  ...changes,
});

/** A query of one question; `opt` is the UDP size that EDNS offers. */
export function query(name: string, type: number, opt?: number, dnsClass: number = CLASS_IN): Buffer {
  const header = Buffer.from([0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, opt === undefined ? 0 : 1]);
  const wire = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
  const question = Buffer.from([...wire, 0, type >> 8, type & 255, dnsClass >> 8, dnsClass & 255]);
  const edns = opt === undefined ? [] : [0, 0, 41, opt >> 8, opt & 255, 0, 0, 0, 0, 0, 0];
  return Buffer.concat([header, question, Buffer.from(edns)]);
}

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
