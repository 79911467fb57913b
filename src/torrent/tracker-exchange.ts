/**
 * What a client says to a tracker and hears back over HTTP (BEP 3, compact peers of BEP 23 and 7, refusals of BEP 31).
 * The reply is untrusted: every count is bounded and a peer that is no address is left out.
 */
import {
  type Address,
  type BencodeDict,
  bytesOfLatin1,
  cleanText,
  decodeBencode,
  Fault,
  fault,
  formatAddress,
  type InfoHash,
  infoHashBytes,
  latin1,
  lossyTextOfUtf8,
  NODE_ID_BYTES,
  type NodeId,
  nodeIdOfBytes,
  parseAddress,
  parseCompactAddress,
  textOfUtf8,
} from '../base/index.ts';
import type { LinkKind } from '../link/index.ts';
import type { AnnounceEvent, RetryMinutes } from './announces.ts';

/** Peers taken from one reply (SAFETY, limits). */
export const REPLY_PEERS_MAX = 200;
/** Largest reply body read. */
export const REPLY_BYTES_MAX = 262_144;
const INTERVAL_SECONDS = 1800;
/** Longest rest that a refusal may ask for; who wants more has to say never. */
export const RETRY_MINUTES_MAX = 1440;
/** Room for thousands of peers in the dictionary form, and at most some 30 ms of decoding. */
const REPLY_TOKENS_MAX = 32_768;
/** Records taken from one redirect, and the largest of them. */
const REDIRECT_RECORDS_MAX = 3;
const REDIRECT_RECORD_BYTES_MAX = 1000;
const REDIRECT_TOKENS_MAX = 64;
const COMPACT_BYTES = 6;
const COMPACT6_BYTES = 18;

/** The state of a torrent as a tracker wants to know it. */
export interface AnnounceFacts {
  readonly infoHash: InfoHash;
  readonly peerId: Uint8Array;
  readonly port: number;
  /** Bytes since `started`. */
  readonly uploaded: number;
  readonly downloaded: number;
  /** Bytes missing; 1 while the size is unknown. */
  readonly left: number;
  readonly event: AnnounceEvent;
  /** Lacks something and wants nothing of it. */
  readonly isPartialSeed: boolean;
  readonly wanted: number;
}

/** A peer that a tracker names. */
export interface FoundPeer extends Address {
  /** It speaks TLS, as this node, says a supernode that it announced to. */
  readonly nodeId?: NodeId;
  /** How links to it begin, where its teller could know. */
  readonly kind?: LinkKind;
}

export interface TrackerReply {
  readonly intervalSeconds: number;
  readonly minIntervalSeconds: number;
  readonly peers: readonly FoundPeer[];
  readonly seeders: number | undefined;
  readonly leechers: number | undefined;
}

export type TrackerFault = Fault<'tracker-malformed' | 'tracker-refused'>;

/** A tracker's no. */
export class TrackerRefusal extends Fault<'tracker-refused'> {
  readonly retryMinutes: RetryMinutes;

  constructor(text: string, retryMinutes: RetryMinutes) {
    super('tracker-refused', text, false);
    this.retryMinutes = retryMinutes;
  }
}

/** When whoever failed so wants to be asked again, if it said that. */
export function retryMinutesOf(failed: Fault): RetryMinutes {
  return failed instanceof TrackerRefusal ? failed.retryMinutes : undefined;
}

/**
 * The announce URL of one request; a query the tracker's URL already has is kept. A partial seed says `paused` in
 * every announce that has no event of its own (BEP 21).
 */
export function announceUrl(tracker: string, facts: AnnounceFacts): string {
  const event = facts.event ?? (facts.isPartialSeed ? 'paused' : undefined);
  const query = [
    `info_hash=${percentEncode(infoHashBytes(facts.infoHash))}`,
    `peer_id=${percentEncode(facts.peerId)}`,
    `port=${facts.port}`,
    `uploaded=${facts.uploaded}`,
    `downloaded=${facts.downloaded}`,
    `left=${facts.left}`,
    `numwant=${facts.wanted}`,
    'compact=1',
    ...(event === undefined ? [] : [`event=${event}`]),
  ].join('&');
  const base = tracker.replace(/#.*$/s, '');
  return `${base}${base.includes('?') ? '&' : '?'}${query}`;
}

/** Reads an announce reply. */
export function parseTrackerReply(bytes: Uint8Array): TrackerReply | TrackerFault {
  const reply = decodeBencode(bytes, { anyKeyOrder: true, trailingBytes: true, tokensMax: REPLY_TOKENS_MAX });
  if (!(reply instanceof Map)) return fault('tracker-malformed', 'the tracker did not answer as a tracker does');
  const failure = reply.get('failure reason');
  if (failure instanceof Uint8Array) {
    return new TrackerRefusal(cleanText(lossyTextOfUtf8(failure), 200), readRetry(reply.get('retry in')));
  }
  const intervalSeconds = countOf(reply, 'interval') ?? INTERVAL_SECONDS;
  const listed = reply.get('peers');
  const natives = naturesOf(reply.get('natives'));
  const peers = listed instanceof Uint8Array ? compactPeers(listed, COMPACT_BYTES, natives) : dictPeers(listed);
  const listed6 = reply.get('peers6');
  if (listed6 instanceof Uint8Array) peers.push(...compactPeers(listed6, COMPACT6_BYTES, natives));
  return {
    intervalSeconds,
    minIntervalSeconds: countOf(reply, 'min interval') ?? intervalSeconds,
    peers: peers.slice(0, REPLY_PEERS_MAX),
    seeders: countOf(reply, 'complete'),
    leechers: countOf(reply, 'incomplete'),
  };
}

/** The sealed descriptors in the body of a supernode's redirect, unread; none in any other body. */
export function parseRedirectRecords(bytes: Uint8Array): readonly Uint8Array[] {
  const body = decodeBencode(bytes, { tokensMax: REDIRECT_TOKENS_MAX });
  const records = body instanceof Map ? body.get('supernodes') : undefined;
  if (!Array.isArray(records)) return [];
  return records
    .filter((record) => record instanceof Uint8Array && record.length <= REDIRECT_RECORD_BYTES_MAX)
    .slice(0, REDIRECT_RECORDS_MAX) as Uint8Array[];
}

/** What several supernodes answered about one hash, the one to be believed first being first: their peers, each once. */
export function uniteReplies(replies: readonly [TrackerReply, ...TrackerReply[]]): TrackerReply {
  const peers = new Map<string, FoundPeer>();
  for (const peer of replies.flatMap((reply) => reply.peers)) {
    const known = peers.get(formatAddress(peer));
    if (!known || (known.nodeId === undefined && peer.nodeId !== undefined)) peers.set(formatAddress(peer), peer);
  }
  return { ...replies[0], peers: [...peers.values()].slice(0, REPLY_PEERS_MAX) };
}

/** Whether one of several replies names peers and another none: then somebody does not tell what it knows. */
export function doRepliesDiffer(replies: readonly TrackerReply[]): boolean {
  return replies.some(({ peers }) => peers.length > 0) && replies.some(({ peers }) => peers.length === 0);
}

/** What several supernodes refused about one hash: as soon as any of them wants it, for one alone does not speak for all. */
export function soonestRefusal(faults: readonly [Fault, ...Fault[]]): Fault {
  const waitOf = (each: Fault): number => {
    const retryMinutes = retryMinutesOf(each) ?? 0;
    return retryMinutes === 'never' ? Number.POSITIVE_INFINITY : retryMinutes;
  };
  return faults.reduce((soonest, each) => (waitOf(each) < waitOf(soonest) ? each : soonest));
}

function readRetry(value: unknown): RetryMinutes {
  if (value instanceof Uint8Array) return latin1(value) === 'never' ? 'never' : undefined;
  return typeof value === 'number' && value > 0 ? Math.min(value, RETRY_MINUTES_MAX) : undefined;
}

function countOf(reply: BencodeDict, key: string): number | undefined {
  const value = reply.get(key);
  return typeof value === 'number' && value >= 0 ? value : undefined;
}

/** @param natives what the reply says of its peers, one after the other */
function compactPeers(bytes: Uint8Array, size: number, natives: Iterator<Nature, undefined>): FoundPeer[] {
  const peers: FoundPeer[] = [];
  for (let at = 0; at + size <= bytes.length && peers.length < REPLY_PEERS_MAX; at += size) {
    const peer = parseCompactAddress(bytes.subarray(at, at + size));
    const nature = natives.next().value;
    if (peer) peers.push({ ...peer, ...nature });
  }
  return peers;
}

type Nature = Pick<FoundPeer, 'nodeId' | 'kind'>;

/**
 * What each compact peer is: a byte 1 and the 32 bytes of a node's id, or a byte 0. Nodes announce with their key, so
 * that the others are stock clients, to which TLS means nothing.
 */
function* naturesOf(natives: unknown): Generator<Nature, undefined> {
  if (!(natives instanceof Uint8Array)) return undefined;
  for (let at = 0; at < natives.length; ) {
    const isNode = natives[at++] === 1;
    const nodeId = isNode ? nodeIdOfBytes(natives.subarray(at, at + NODE_ID_BYTES)) : undefined;
    yield nodeId === undefined ? { kind: 'mse' } : { nodeId, kind: 'tls' };
    if (isNode) at += NODE_ID_BYTES;
  }
  return undefined;
}

function dictPeers(listed: unknown): Address[] {
  if (!Array.isArray(listed)) return [];
  return listed.slice(0, REPLY_PEERS_MAX).flatMap((item: unknown) => {
    const ip = item instanceof Map ? item.get('ip') : undefined;
    const port = item instanceof Map ? item.get('port') : undefined;
    const host = ip instanceof Uint8Array ? (textOfUtf8(ip) ?? '') : '';
    return parseAddress(host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`) ?? [];
  });
}

const UNRESERVED = /[^A-Za-z0-9._~-]/g;

/** Percent-encodes raw bytes, each outside the unreserved set as two hex digits (RFC 3986). */
export function percentEncode(bytes: Uint8Array): string {
  return latin1(bytes).replace(UNRESERVED, (byte) => `%${bytesOfLatin1(byte).toHex().toUpperCase()}`);
}
