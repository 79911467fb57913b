/**
 * What must never be confused: hashes and node ids. Each is made only here, by its validator;
 * everywhere else the type is proof that the check was done.
 */
import { hex } from './bytes.ts';

/** 40 lower-case hex digits: the SHA-1 of a v1 info dictionary. */
export type InfoHash = string & { readonly brand: 'InfoHash' };

/** 64 lower-case hex digits: a node's Ed25519 public key. */
export type NodeId = string & { readonly brand: 'NodeId' };

export const INFO_HASH_BYTES = 20;
export const NODE_ID_BYTES = 32;

/** An info hash from its 20 bytes; undefined for any other length. */
export function infoHashOfBytes(bytes: Uint8Array): InfoHash | undefined {
  return bytes.length === INFO_HASH_BYTES ? (hex(bytes) as InfoHash) : undefined;
}

/** An info hash from 40 hex digits in either case. */
export function parseInfoHash(text: string): InfoHash | undefined {
  return /^[0-9a-f]{40}$/i.test(text) ? (text.toLowerCase() as InfoHash) : undefined;
}

/** The 20 bytes of an info hash. */
export function infoHashBytes(infoHash: InfoHash): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(infoHash);
}

/** A node id from its 32 bytes; undefined for any other length. */
export function nodeIdOfBytes(bytes: Uint8Array): NodeId | undefined {
  return bytes.length === NODE_ID_BYTES ? (hex(bytes) as NodeId) : undefined;
}

/** A node id from 64 hex digits in either case. */
export function parseNodeId(text: string): NodeId | undefined {
  return /^[0-9a-f]{64}$/i.test(text) ? (text.toLowerCase() as NodeId) : undefined;
}

/** The 32 bytes of a node id. */
export function nodeIdBytes(nodeId: NodeId): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(nodeId);
}
