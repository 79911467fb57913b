/**
 * Local service discovery (BEP 14): which torrents to call out on the LAN and when, and who else there calls them.
 * Invariants: no more than one datagram a minute and group; only hashes that the host hands in are called, which
 * leaves private torrents out; who calls too often is not listened to.
 */
import {
  type Address,
  type Deadline,
  earliest,
  type InfoHash,
  type Instant,
  later,
  latin1,
  type Machine,
  parseInfoHash,
  type Random,
  randomBelow,
  SourceBudgets,
  utf8,
} from '../base/index.ts';

/** Where calls go, one group per address family. */
export const LSD_GROUPS = { ip4: '239.192.152.143', ip6: 'ff15::efc0:988f' } as const;
export type LsdFamily = keyof typeof LSD_GROUPS;
export const LSD_PORT = 6771;

/** Each torrent is called this often (BEP 14). */
const TORRENT_MS = 5 * 60_000;
/** Between two datagrams (BEP 14). */
const CALL_MS = 60_000;
/** Torrents in one call: with its headers it stays below 1,400 bytes. */
export const LSD_HASHES_MAX = 24;
const DATAGRAM_BYTES_MAX = 1500;
/** Calls of one host that are read: some clients send one datagram per torrent. */
const CALLS_PER_SOURCE = { perSecond: 1, burst: 50 };
const SOURCES_MAX = 1024;
/** Torrents whose last call is remembered; as many as a node can have. */
const TORRENTS_MAX = 10_000;

export type LsdInput =
  /** The torrents that may be called out now, and the port of this node. */
  | { readonly type: 'torrents'; readonly infoHashes: readonly InfoHash[]; readonly port: number }
  | { readonly type: 'heard'; readonly host: string; readonly bytes: Uint8Array }
  | { readonly type: 'tick' };

export type LsdEffect =
  /** To be sent to both groups, each under its own name. */
  | { readonly type: 'call'; readonly datagrams: Readonly<Record<LsdFamily, Uint8Array>> }
  | { readonly type: 'found'; readonly infoHash: InfoHash; readonly peer: Address };

/** The discovery of one node. */
export class LocalDiscovery implements Machine<LsdInput, LsdEffect> {
  /** By which we know our own calls. */
  readonly #cookie: string;
  readonly #callers = new SourceBudgets(CALLS_PER_SOURCE, SOURCES_MAX);
  /** When each torrent is called next, soonest first; at most TORRENTS_MAX. */
  #callAt = new Map<InfoHash, Instant>();
  #port = 0;
  #allowedAt: Instant | undefined;
  #effects: LsdEffect[] = [];

  constructor(random: Random) {
    this.#cookie = `monsoon-${randomBelow(random, 2 ** 32).toString(16)}`;
  }

  get deadline(): Deadline | undefined {
    let at: Instant | undefined;
    for (const due of this.#callAt.values()) at = earliest(at, due);
    if (at === undefined) return undefined;
    return {
      at: this.#allowedAt !== undefined && this.#allowedAt > at ? this.#allowedAt : at,
      why: 'a call on the LAN',
    };
  }

  effects(): LsdEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  input(input: LsdInput, now: Instant): void {
    switch (input.type) {
      case 'torrents': {
        this.#port = input.port;
        const kept = input.infoHashes.slice(0, TORRENTS_MAX);
        this.#callAt = new Map(kept.map((infoHash) => [infoHash, this.#callAt.get(infoHash) ?? now]));
        break;
      }
      case 'heard':
        return this.#hear(input.host, input.bytes, now);
      case 'tick':
        break;
    }
    this.#call(now);
  }

  #call(now: Instant): void {
    if (this.#allowedAt !== undefined && now < this.#allowedAt) return;
    const due = [...this.#callAt].filter(([, at]) => at <= now).toSorted(([, a], [, b]) => a - b);
    const infoHashes = due.slice(0, LSD_HASHES_MAX).map(([infoHash]) => infoHash);
    if (infoHashes.length === 0) return;
    for (const infoHash of infoHashes) this.#callAt.set(infoHash, later(now, TORRENT_MS));
    this.#allowedAt = later(now, CALL_MS);
    const datagram = (host: string): Uint8Array =>
      encodeCall({ host: `${host}:${LSD_PORT}`, port: this.#port, infoHashes, cookie: this.#cookie });
    const datagrams = { ip4: datagram(LSD_GROUPS.ip4), ip6: datagram(`[${LSD_GROUPS.ip6}]`) };
    this.#effects.push({ type: 'call', datagrams });
  }

  #hear(host: string, bytes: Uint8Array, now: Instant): void {
    if (!this.#callers.take(host, 1, now)) return;
    const call = parseCall(bytes);
    if (!call || call.cookie === this.#cookie) return;
    for (const infoHash of call.infoHashes) {
      if (this.#callAt.has(infoHash)) this.#effects.push({ type: 'found', infoHash, peer: { host, port: call.port } });
    }
  }
}

interface Call {
  readonly port: number;
  readonly infoHashes: readonly InfoHash[];
  readonly cookie: string | undefined;
}

function encodeCall({ host, port, infoHashes, cookie }: Call & { readonly host: string }): Uint8Array {
  const hashes = infoHashes.map((infoHash) => `Infohash: ${infoHash}\r\n`).join('');
  return utf8(`BT-SEARCH * HTTP/1.1\r\nHost: ${host}\r\nPort: ${port}\r\n${hashes}cookie: ${cookie}\r\n\r\n\r\n`);
}

/** Reads a call; undefined when it is none. More hashes than a call of ours has are left out. */
function parseCall(bytes: Uint8Array): Call | undefined {
  if (bytes.length > DATAGRAM_BYTES_MAX) return undefined;
  const [first, ...lines] = latin1(bytes).split(/\r?\n/);
  if (!first || !/^BT-SEARCH \* HTTP\/1\.[01]$/i.test(first)) return undefined;
  let port = 0;
  let cookie: string | undefined;
  const infoHashes = new Set<InfoHash>();
  for (const line of lines) {
    const [, name = '', value = ''] = /^([a-z-]+):\s*(\S.*?)\s*$/i.exec(line) ?? [];
    const infoHash = /^infohash$/i.test(name) ? parseInfoHash(value) : undefined;
    if (infoHash && infoHashes.size < LSD_HASHES_MAX) infoHashes.add(infoHash);
    else if (/^port$/i.test(name)) port = /^[0-9]{1,5}$/.test(value) ? Number(value) : 0;
    else if (/^cookie$/i.test(name)) cookie = value;
  }
  return port >= 1 && port <= 65_535 ? { port, infoHashes: [...infoHashes], cookie } : undefined;
}
