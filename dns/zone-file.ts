/**
 * The zone as a master file (RFC 1035): what BIND, NSD and Knot read from disk. Names stand in full, so that no line
 * depends on another; every text is printable ASCII of ours.
 */
import type { RecordData, Zone } from './zone.ts';

/** Bytes of one character string. */
const STRING_LENGTH_MAX = 255;

/** One record as people and programs read it. */
export interface RecordRow {
  /** With a final dot. */
  readonly name: string;
  readonly ttlSeconds: number;
  readonly type: RecordData['type'];
  /** In the form of a master file. */
  readonly data: string;
}

/** Every record of a zone, SOA first, in an order that depends on nothing but the records. */
export function recordRows(zone: Zone): RecordRow[] {
  const rows = [...zone.records].flatMap(([owner, list]) =>
    list.map((data) => ({ name: `${owner}.`, ttlSeconds: zone.ttlSeconds, type: data.type, data: dataText(data) })),
  );
  const keyOf = ({ name, type, data }: RecordRow): string => `${type === 'SOA' ? 0 : 1} ${name} ${type} ${data}`;
  return rows
    .map((row) => [keyOf(row), row] as const)
    .toSorted(byKey)
    .map(([, row]) => row);
}

/** What the parent's zone needs: the name servers, and where they are. */
export function delegationOf(rows: readonly RecordRow[]): RecordRow[] {
  const servers = rows.filter(({ type }) => type === 'NS');
  const names = new Set(servers.map(({ data }) => data));
  const glue = rows.filter(({ name, type }) => names.has(name) && (type === 'A' || type === 'AAAA'));
  return [...servers, ...glue];
}

/** The whole file. */
export function zoneFile(rows: readonly RecordRow[]): string {
  return rows.map(({ name, ttlSeconds, type, data }) => `${name}\t${ttlSeconds}\tIN\t${type}\t${data}\n`).join('');
}

function byKey([one]: readonly [string, RecordRow], [other]: readonly [string, RecordRow]): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function dataText(data: RecordData): string {
  switch (data.type) {
    case 'A':
    case 'AAAA':
      return data.address;
    case 'NS':
      return `${data.target}.`;
    case 'SRV':
      return `0 1 ${data.port} ${data.target}.`;
    case 'TXT':
      return stringsOf(data.text);
    case 'HINFO':
      return `"${data.cpu}" ""`;
    case 'SOA': {
      const { primary, admin, serial, refreshSeconds, retrySeconds, expireSeconds, minimumSeconds } = data;
      return `${primary}. ${admin}. ${serial} ${refreshSeconds} ${retrySeconds} ${expireSeconds} ${minimumSeconds}`;
    }
  }
}

function stringsOf(text: string): string {
  const strings: string[] = [];
  for (let at = 0; at === 0 || at < text.length; at += STRING_LENGTH_MAX) {
    strings.push(`"${text.slice(at, at + STRING_LENGTH_MAX)}"`);
  }
  return strings.join(' ');
}
