/** Metadata messages (BEP 9): pieces of the info dictionary asked for and sent over the extension protocol. */
import { concatBytes, decodeBencodePrefix, encodeBencode, isFault } from '../base/index.ts';

/** Bytes of every metadata piece but the last. */
export const METADATA_PIECE_BYTES = 16_384;
/** A message has three members; some clients add a few. */
const TOKENS_MAX = 64;

export type MetadataMessage =
  | { readonly type: 'request'; readonly piece: number }
  | { readonly type: 'data'; readonly piece: number; readonly totalSize: number; readonly bytes: Uint8Array }
  | { readonly type: 'reject'; readonly piece: number };

/** Reads one metadata message; undefined for anything malformed or of an unknown type. */
export function parseMetadataMessage(payload: Uint8Array): MetadataMessage | undefined {
  const decoded = decodeBencodePrefix(payload, { anyKeyOrder: true, trailingBytes: true, tokensMax: TOKENS_MAX });
  if (isFault(decoded) || !(decoded.value instanceof Map)) return undefined;
  const type = decoded.value.get('msg_type');
  const piece = decoded.value.get('piece');
  if (typeof piece !== 'number' || piece < 0 || piece > 0xffff) return undefined;
  if (type === 0) return { type: 'request', piece };
  if (type === 2) return { type: 'reject', piece };
  const totalSize = decoded.value.get('total_size');
  if (type !== 1 || typeof totalSize !== 'number') return undefined;
  return { type: 'data', piece, totalSize, bytes: payload.subarray(decoded.end) };
}

/** Writes one metadata message. */
export function encodeMetadataMessage(message: MetadataMessage): Uint8Array<ArrayBuffer> {
  const { piece } = message;
  if (message.type === 'request') return encodeBencode({ msg_type: 0, piece });
  if (message.type === 'reject') return encodeBencode({ msg_type: 2, piece });
  return concatBytes([encodeBencode({ msg_type: 1, piece, total_size: message.totalSize }), message.bytes]);
}

/** What we answer a peer that asks for a piece of the info dictionary `raw`; a rejection when there is none. */
export function metadataReply(raw: Uint8Array | undefined, piece: number): MetadataMessage {
  const at = piece * METADATA_PIECE_BYTES;
  if (!raw || at >= raw.length) return { type: 'reject', piece };
  return { type: 'data', piece, totalSize: raw.length, bytes: raw.subarray(at, at + METADATA_PIECE_BYTES) };
}
