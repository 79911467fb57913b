/**
 * Peer exchange messages (BEP 11): peers that joined and left, compact, with a byte of flags each. What cannot be read
 * is left out, as everywhere in the extension protocol.
 */
import {
  type Address,
  type BencodeDict,
  concatBytes,
  decodeBencode,
  encodeBencode,
  encodeCompactAddress,
  parseCompactAddress,
} from '../base/index.ts';

/** Most peers named in one message, added and dropped each (SAFETY, limits). */
export const PEX_PEERS_MAX = 50;
const PEX_BYTES_MAX = 16_384;
const TOKENS_MAX = 64;

/** What is said of a peer; `tls` is ours, and other clients ignore it. */
export const PEX_FLAG = { encryption: 0x01, seed: 0x02, reachable: 0x10, tls: 0x40 } as const;

/** A peer as an exchange names it. */
export interface PexPeer {
  readonly address: Address;
  /** Bits of PEX_FLAG, and of other clients' making. */
  readonly flags: number;
}

export interface PexMessage {
  readonly added: readonly PexPeer[];
  readonly dropped: readonly Address[];
}

/** Reads a message, at most PEX_PEERS_MAX of each list; undefined when it is no dictionary. */
export function parsePex(payload: Uint8Array): PexMessage | undefined {
  if (payload.length > PEX_BYTES_MAX) return undefined;
  const decoded = decodeBencode(payload, { anyKeyOrder: true, trailingBytes: true, tokensMax: TOKENS_MAX });
  if (!(decoded instanceof Map)) return undefined;
  const added = [...peersOf(decoded, 'added', 6), ...peersOf(decoded, 'added6', 18)];
  const dropped = [...peersOf(decoded, 'dropped', 6), ...peersOf(decoded, 'dropped6', 18)];
  return {
    added: added.slice(0, PEX_PEERS_MAX),
    dropped: dropped.slice(0, PEX_PEERS_MAX).map(({ address }) => address),
  };
}

/** Writes a message. */
export function encodePex({ added, dropped }: PexMessage): Uint8Array<ArrayBuffer> {
  const [added4, added6] = [added.filter(isFour), added.filter((peer) => !isFour(peer))];
  const addresses = (peers: readonly PexPeer[]): Uint8Array =>
    concatBytes(peers.map(({ address }) => encodeCompactAddress(address)));
  const gone = dropped.map((address) => ({ address, flags: 0 }));
  return encodeBencode({
    added: addresses(added4),
    'added.f': Uint8Array.from(added4, ({ flags }) => flags),
    added6: addresses(added6),
    'added6.f': Uint8Array.from(added6, ({ flags }) => flags),
    dropped: addresses(gone.filter(isFour)),
    dropped6: addresses(gone.filter((peer) => !isFour(peer))),
  });
}

function peersOf(message: BencodeDict, key: string, size: number): PexPeer[] {
  const listed = message.get(key);
  const flags = message.get(`${key}.f`);
  if (!(listed instanceof Uint8Array)) return [];
  const peers: PexPeer[] = [];
  for (let at = 0; at + size <= listed.length && peers.length < PEX_PEERS_MAX; at += size) {
    const address = parseCompactAddress(listed.subarray(at, at + size));
    const said = flags instanceof Uint8Array ? flags[at / size] : undefined;
    if (address) peers.push({ address, flags: said ?? 0 });
  }
  return peers;
}

function isFour({ address }: PexPeer): boolean {
  return !address.host.includes(':');
}
