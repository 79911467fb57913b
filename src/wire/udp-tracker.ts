/**
 * The UDP tracker protocol (BEP 15) as bytes: what a client sends, what it gets back, and what a tracker reads. Every
 * number is big-endian. Sizes are checked here; whether a connection id is good, or a reply was asked for, is not.
 */
import { type Address, concatBytes, parseCompactAddress, readUint16, readUint32, writeUint32 } from '../base/index.ts';
import { CONNECT_MAGIC } from './datagram.ts';

export const UDP_ACTION = { connect: 0, announce: 1, scrape: 2, error: 3 } as const;
/** An event's code is its place. */
export const UDP_EVENTS = ['none', 'completed', 'started', 'stopped'] as const;
export type UdpEvent = (typeof UDP_EVENTS)[number];

export const CONNECTION_ID_BYTES = 8;
/** Bytes of a connect request and of its answer: none of the two is the larger. */
export const CONNECT_BYTES = 16;
/** Bytes of an announce request without options. */
export const ANNOUNCE_REQUEST_BYTES = 98;
/** Bytes of an announce reply before its peers. */
export const ANNOUNCE_REPLY_BYTES = 20;
const ERROR_TEXT_BYTES_MAX = 1024;
/** URLData (BEP 41): the path and query of the tracker's URL in parts of at most 255 bytes. */
const URL_DATA_OPTION = 2;
const URL_DATA_PART_BYTES_MAX = 255;
const HASH_BYTES = 20;

/** What a client says of one torrent. */
export interface UdpAnnounce {
  /** 8 bytes. */
  readonly connectionId: Uint8Array;
  /** 32 bits. */
  readonly transaction: number;
  /** 20 bytes. */
  readonly infoHash: Uint8Array;
  /** 20 bytes. */
  readonly peerId: Uint8Array;
  readonly downloaded: number;
  readonly left: number;
  readonly uploaded: number;
  readonly event: UdpEvent;
  /** 32 bits that stay the same when our address changes. */
  readonly key: number;
  readonly wanted: number;
  readonly port: number;
  /** Path and query of the tracker's URL, one character per byte. */
  readonly urlData: string;
}

/** What a tracker says back. */
export type UdpReply = { readonly transaction: number } & (
  | { readonly type: 'connected'; readonly connectionId: Uint8Array }
  | {
      readonly type: 'announced';
      readonly intervalSeconds: number;
      readonly leechers: number;
      readonly seeders: number;
      readonly peers: readonly Address[];
    }
  | { readonly type: 'error'; readonly text: Uint8Array }
);

/** What a tracker is asked; views of the datagram. */
export type UdpRequest = { readonly transaction: number } & (
  | { readonly type: 'connect' }
  | {
      readonly type: 'announce';
      readonly connectionId: Uint8Array;
      readonly infoHash: Uint8Array;
      readonly isLeftZero: boolean;
      readonly event: UdpEvent;
      /** Negative when the client leaves it to the tracker. */
      readonly wanted: number;
      readonly port: number;
    }
  | { readonly type: 'scrape'; readonly connectionId: Uint8Array; readonly infoHashes: readonly Uint8Array[] }
);

export function encodeUdpConnect(transaction: number): Uint8Array {
  const bytes = new Uint8Array(CONNECT_BYTES);
  writeUint32(bytes, 0, CONNECT_MAGIC[0]);
  writeUint32(bytes, 4, CONNECT_MAGIC[1]);
  writeUint32(bytes, 8, UDP_ACTION.connect);
  writeUint32(bytes, 12, transaction);
  return bytes;
}

export function encodeUdpAnnounce(announce: UdpAnnounce): Uint8Array {
  const bytes = new Uint8Array(ANNOUNCE_REQUEST_BYTES);
  bytes.set(announce.connectionId, 0);
  writeUint32(bytes, 8, UDP_ACTION.announce);
  writeUint32(bytes, 12, announce.transaction);
  bytes.set(announce.infoHash, 16);
  bytes.set(announce.peerId, 36);
  writeUint64(bytes, 56, announce.downloaded);
  writeUint64(bytes, 64, announce.left);
  writeUint64(bytes, 72, announce.uploaded);
  writeUint32(bytes, 80, UDP_EVENTS.indexOf(announce.event));
  // At 84 an address of one's own choice; trackers that believe it can be aimed at anybody.
  writeUint32(bytes, 88, announce.key);
  writeUint32(bytes, 92, announce.wanted);
  bytes[96] = announce.port >>> 8;
  bytes[97] = announce.port;
  return concatBytes([bytes, ...urlDataOptions(announce.urlData)]);
}

/**
 * Reads a reply; undefined when it is none. Peers without a port are left out.
 * @param peerBytes 6 when the tracker was asked over IPv4, 18 over IPv6
 */
export function parseUdpReply(bytes: Uint8Array, peerBytes: 6 | 18, peersMax: number): UdpReply | undefined {
  if (bytes.length < 8) return undefined;
  const action = readUint32(bytes, 0);
  const transaction = readUint32(bytes, 4);
  if (action === UDP_ACTION.error) {
    return { type: 'error', transaction, text: bytes.slice(8, 8 + ERROR_TEXT_BYTES_MAX) };
  }
  if (action === UDP_ACTION.connect && bytes.length >= CONNECT_BYTES) {
    return { type: 'connected', transaction, connectionId: bytes.slice(8, CONNECT_BYTES) };
  }
  if (action !== UDP_ACTION.announce || bytes.length < ANNOUNCE_REPLY_BYTES) return undefined;
  const peers: Address[] = [];
  for (let at = ANNOUNCE_REPLY_BYTES; at + peerBytes <= bytes.length && peers.length < peersMax; at += peerBytes) {
    const peer = parseCompactAddress(bytes.subarray(at, at + peerBytes));
    if (peer) peers.push(peer);
  }
  return {
    type: 'announced',
    transaction,
    intervalSeconds: readUint32(bytes, 8),
    leechers: readUint32(bytes, 12),
    seeders: readUint32(bytes, 16),
    peers,
  };
}

/** Reads a request; undefined when it is none. The options of BEP 41 that may follow an announce are ignored. */
export function parseUdpRequest(bytes: Uint8Array): UdpRequest | undefined {
  if (bytes.length < CONNECT_BYTES) return undefined;
  const transaction = readUint32(bytes, 12);
  const connectionId = bytes.subarray(0, CONNECTION_ID_BYTES);
  switch (readUint32(bytes, 8)) {
    case UDP_ACTION.connect: {
      const isConnect = readUint32(bytes, 0) === CONNECT_MAGIC[0] && readUint32(bytes, 4) === CONNECT_MAGIC[1];
      return isConnect ? { type: 'connect', transaction } : undefined;
    }
    case UDP_ACTION.announce:
      if (bytes.length < ANNOUNCE_REQUEST_BYTES) return undefined;
      return {
        type: 'announce',
        transaction,
        connectionId,
        infoHash: bytes.subarray(16, 16 + HASH_BYTES),
        isLeftZero: readUint32(bytes, 64) === 0 && readUint32(bytes, 68) === 0,
        event: UDP_EVENTS[readUint32(bytes, 80)] ?? 'none',
        wanted: readUint32(bytes, 92) | 0,
        port: readUint16(bytes, 96),
      };
    case UDP_ACTION.scrape: {
      const infoHashes: Uint8Array[] = [];
      for (let at = CONNECT_BYTES; at + HASH_BYTES <= bytes.length; at += HASH_BYTES) {
        infoHashes.push(bytes.subarray(at, at + HASH_BYTES));
      }
      return infoHashes.length > 0 ? { type: 'scrape', transaction, connectionId, infoHashes } : undefined;
    }
    default:
      return undefined;
  }
}

function urlDataOptions(urlData: string): Uint8Array[] {
  const options: Uint8Array[] = [];
  for (let at = 0; at < urlData.length; at += URL_DATA_PART_BYTES_MAX) {
    const part = urlData.slice(at, at + URL_DATA_PART_BYTES_MAX);
    options.push(
      Uint8Array.of(URL_DATA_OPTION, part.length),
      Uint8Array.from(part, (char) => char.charCodeAt(0)),
    );
  }
  return options;
}

function writeUint64(bytes: Uint8Array, at: number, value: number): void {
  writeUint32(bytes, at, Math.floor(value / 2 ** 32));
  writeUint32(bytes, at + 4, value % 2 ** 32);
}
