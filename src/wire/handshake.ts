/**
 * The wire handshake (BEP 3): the 68 bytes that name the torrent, the peer and what both can do. Nothing else on a
 * link is read before it is whole.
 */
import {
  bytesOfLatin1,
  equalBytes,
  type Fault,
  fault,
  type InfoHash,
  infoHashBytes,
  infoHashOfBytes,
} from '../base/index.ts';

export const HANDSHAKE_BYTES = 68;
export const PEER_ID_BYTES = 20;

/** `\x13BitTorrent protocol`: also what tells a plain wire from other traffic on the one port. */
export const PROTOCOL_HEADER: Uint8Array = bytesOfLatin1('\x13BitTorrent protocol');

/** What a peer says first. */
export interface WireHandshake {
  readonly infoHash: InfoHash;
  readonly peerId: Uint8Array;
  /** Fast extension (BEP 6). */
  readonly hasFast: boolean;
  /** Extension protocol (BEP 10). */
  readonly hasExtended: boolean;
}

/** Reads a wire handshake from exactly 68 bytes. */
export function parseWireHandshake(bytes: Uint8Array): WireHandshake | Fault<'not-bittorrent'> {
  if (bytes.length !== HANDSHAKE_BYTES || !equalBytes(bytes.subarray(0, 20), PROTOCOL_HEADER)) {
    return fault('not-bittorrent', 'the peer does not speak the BitTorrent protocol');
  }
  return {
    infoHash: infoHashOfBytes(bytes.subarray(28, 48))!,
    peerId: bytes.slice(48, 68),
    hasFast: (bytes[27]! & 0x04) !== 0,
    hasExtended: (bytes[25]! & 0x10) !== 0,
  };
}

/** Writes a wire handshake with the extensions this product speaks. */
export function encodeWireHandshake(infoHash: InfoHash, peerId: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HANDSHAKE_BYTES);
  bytes.set(PROTOCOL_HEADER);
  bytes[25] = 0x10;
  bytes[27] = 0x04;
  bytes.set(infoHashBytes(infoHash), 28);
  bytes.set(peerId, 48);
  return bytes;
}
