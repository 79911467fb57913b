/**
 * Positions on the ring: the 160-bit space of info hashes, closed to a circle. Positions and hashes are both 40
 * lower-case hex digits, so that their order as texts is their order on the ring.
 */
import { concatBytes, hex, type NodeId, nodeIdBytes, type Sha1, utf8, writeUint32 } from '../base/index.ts';

/** A position on the ring: 40 lower-case hex digits. */
export type Token = string & { readonly brand: 'Token' };

export const TOKEN_BYTES = 20;

/**
 * The own token of a node that stands without an election certificate (genesis): SHA-1 of `monsoon token\n`, the
 * 32 key bytes and the term as 4 big-endian bytes. It follows from the key, so nobody can claim a place at will.
 */
export function genesisToken(nodeId: NodeId, term: number, sha1: Sha1): Token {
  const termBytes = new Uint8Array(4);
  writeUint32(termBytes, 0, term);
  return hex(sha1(concatBytes([utf8('monsoon token\n'), nodeIdBytes(nodeId), termBytes]))) as Token;
}

/** The tokens in a string of 20 bytes each; undefined unless they are whole and strictly ascending. */
export function tokensOfBytes(bytes: Uint8Array): readonly Token[] | undefined {
  if (bytes.length % TOKEN_BYTES !== 0) return undefined;
  const tokens: Token[] = [];
  for (let at = 0; at < bytes.length; at += TOKEN_BYTES) {
    const token = hex(bytes.subarray(at, at + TOKEN_BYTES)) as Token;
    if (tokens.length > 0 && token <= tokens[tokens.length - 1]!) return undefined;
    tokens.push(token);
  }
  return tokens;
}
