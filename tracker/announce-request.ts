/**
 * Announce and scrape queries (BEP 3, 7, 23, 48), percent-decoded by bytes: an info hash is binary and no text
 * decoder may see it. `ip`, `ipv6` and everything else not named here is ignored; the tracker believes the packet's
 * source address only.
 */
import { bytesOfLatin1, type Fault, INFO_HASH_BYTES, isFault, publicFault } from '../src/base/index.ts';

/** Most peers in one answer, whatever is asked for. */
export const PEERS_PER_ANSWER_MAX = 200;
/** Peers in an answer to who does not say. */
export const PEERS_PER_ANSWER = 50;
/** Most info hashes of one scrape that are answered; more are left out. */
export const SCRAPE_HASHES_MAX = 70;

export type AnnounceEvent = 'none' | 'started' | 'completed' | 'stopped';

/** What a peer says of itself. */
export interface AnnounceRequest {
  /** 20 bytes. */
  readonly infoHash: Uint8Array;
  /** 1–65535. */
  readonly port: number;
  /** It says that nothing is left to download. */
  readonly isSeeder: boolean;
  readonly event: AnnounceEvent;
  /** 0–PEERS_PER_ANSWER_MAX. */
  readonly peersWanted: number;
  /** False only when it asks for dictionaries (`compact=0`). */
  readonly isCompact: boolean;
  /** It means this supernode although another owns the hash (`replica=1`); native clients alone are answered so. */
  readonly isOfReplica: boolean;
}

/** Which swarms somebody asks about. */
export interface ScrapeRequest {
  /** 1–SCRAPE_HASHES_MAX, of 20 bytes each. */
  readonly infoHashes: readonly Uint8Array[];
}

export type RequestFault = Fault<'announce-malformed' | 'scrape-malformed'>;

const AMPERSAND = 0x26;
const EQUALS = 0x3d;
const PERCENT = 0x25;
const PLUS = 0x2b;
const INFO_HASH = bytesOfLatin1('info_hash');
const PORT = bytesOfLatin1('port');
const LEFT = bytesOfLatin1('left');
const EVENT = bytesOfLatin1('event');
const NUMWANT = bytesOfLatin1('numwant');
const COMPACT = bytesOfLatin1('compact');
const REPLICA = bytesOfLatin1('replica');
const EVENTS = (['started', 'completed', 'stopped'] as const).map((event) => ({ event, text: bytesOfLatin1(event) }));
// Longer numbers are all beyond any limit here.
const DIGITS_MAX = 15;

/** Reads an announce query; the fault's text goes to the client as the failure reason. */
export function parseAnnounce(query: Uint8Array): AnnounceRequest | RequestFault {
  let infoHash: Uint8Array | undefined;
  let port: number | undefined;
  let left: number | undefined;
  let peersWanted: number | undefined;
  let event: AnnounceEvent = 'none';
  let isCompact = true;
  let isOfReplica = false;
  for (let from = 0, to = 0; from < query.length; from = to + 1) {
    to = endOf(query, from, AMPERSAND, query.length);
    const keyEnd = endOf(query, from, EQUALS, to);
    const value = Math.min(keyEnd + 1, to);
    if (isText(query, from, keyEnd, INFO_HASH)) {
      if (infoHash) return publicFault('announce-malformed', 'info_hash stands twice');
      const decoded = decodeInfoHash(query, value, to, 'announce-malformed');
      if (isFault(decoded)) return decoded;
      infoHash = decoded;
    } else if (isText(query, from, keyEnd, PORT)) port = numberOf(query, value, to);
    else if (isText(query, from, keyEnd, LEFT)) left = numberOf(query, value, to);
    else if (isText(query, from, keyEnd, NUMWANT)) peersWanted = numberOf(query, value, to);
    else if (isText(query, from, keyEnd, EVENT)) event = eventOf(query, value, to);
    else if (isText(query, from, keyEnd, COMPACT)) isCompact = numberOf(query, value, to) !== 0;
    else if (isText(query, from, keyEnd, REPLICA)) isOfReplica = numberOf(query, value, to) === 1;
  }
  if (!infoHash) return publicFault('announce-malformed', 'info_hash is missing');
  if (port === undefined || port < 1 || port > 65_535) {
    return publicFault('announce-malformed', 'port must be a number from 1 to 65535');
  }
  return {
    infoHash,
    port,
    isSeeder: left === 0,
    event,
    peersWanted: Math.min(peersWanted ?? PEERS_PER_ANSWER, PEERS_PER_ANSWER_MAX),
    isCompact,
    isOfReplica,
  };
}

/** Reads a scrape query (BEP 48); a scrape of everything is refused. */
export function parseScrape(query: Uint8Array): ScrapeRequest | RequestFault {
  const infoHashes: Uint8Array[] = [];
  for (let from = 0, to = 0; from < query.length && infoHashes.length < SCRAPE_HASHES_MAX; from = to + 1) {
    to = endOf(query, from, AMPERSAND, query.length);
    const keyEnd = endOf(query, from, EQUALS, to);
    if (!isText(query, from, keyEnd, INFO_HASH)) continue;
    const decoded = decodeInfoHash(query, Math.min(keyEnd + 1, to), to, 'scrape-malformed');
    if (isFault(decoded)) return decoded;
    infoHashes.push(decoded);
  }
  if (infoHashes.length === 0) return publicFault('scrape-malformed', 'a scrape needs an info_hash');
  return { infoHashes };
}

function decodeInfoHash<Code extends string>(
  query: Uint8Array,
  from: number,
  to: number,
  code: Code,
): Uint8Array | Fault<Code> {
  const bytes = new Uint8Array(INFO_HASH_BYTES);
  let length = 0;
  for (let at = from; at < to; at++, length++) {
    let byte = query[at]!;
    if (byte === PERCENT) {
      const high = hexDigit(query[at + 1]);
      const low = hexDigit(query[at + 2]);
      if (at + 2 >= to || high < 0 || low < 0) return publicFault(code, 'info_hash has a bad percent escape');
      byte = (high << 4) | low;
      at += 2;
    } else if (byte === PLUS) {
      byte = 0x20; // as form encoders write a space
    }
    if (length < INFO_HASH_BYTES) bytes[length] = byte;
  }
  return length === INFO_HASH_BYTES ? bytes : publicFault(code, `info_hash must be ${INFO_HASH_BYTES} bytes`);
}

function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** The first `wanted` byte in [from, to), or `to`. */
function endOf(query: Uint8Array, from: number, wanted: number, to: number): number {
  let at = from;
  while (at < to && query[at] !== wanted) at++;
  return at;
}

function isText(query: Uint8Array, from: number, to: number, text: Uint8Array): boolean {
  if (to - from !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (query[from + i] !== text[i]) return false;
  return true;
}

/** A decimal number, infinite when it is absurdly long; undefined when it is none. */
function numberOf(query: Uint8Array, from: number, to: number): number | undefined {
  if (from === to) return undefined;
  let number = 0;
  for (let at = from; at < to; at++) {
    const digit = query[at]! - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    number = at - from < DIGITS_MAX ? number * 10 + digit : Number.POSITIVE_INFINITY;
  }
  return number;
}

function eventOf(query: Uint8Array, from: number, to: number): AnnounceEvent {
  return EVENTS.find(({ text }) => isText(query, from, to, text))?.event ?? 'none';
}
