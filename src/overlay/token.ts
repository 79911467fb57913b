/**
 * Positions on the ring: the 160-bit space of info hashes, closed to a circle. Positions and hashes are both 40
 * lower-case hex digits, so that their order as texts is their order on the ring.
 * A supernode's own positions follow from its seat, which follows from the votes of its witnesses or, for a first
 * supernode, from its key: nobody can choose where it sits.
 */
import { bytesOfHex, concatBytes, hex, type NodeId, nodeIdBytes, type Sha1, utf8, writeUint32 } from '../base/index.ts';

/** A position on the ring: 40 lower-case hex digits. */
export type Token = string & { readonly brand: 'Token' };
/** What own tokens follow from: 40 lower-case hex digits. */
export type Seat = string & { readonly brand: 'Seat' };

export const TOKEN_BYTES = 20;
/** Own tokens of one supernode; who can bear less than the usual has fewer, who claims more has no more. */
export const OWN_TOKENS_MAX = 8;
/** Announces a second that one own token stands for. */
const ANNOUNCES_PER_TOKEN = 125;

/** How many own tokens a capacity gives. */
export function ownTokensFor(announcesPerSecond: number): number {
  return Math.max(1, Math.min(OWN_TOKENS_MAX, Math.floor(announcesPerSecond / ANNOUNCES_PER_TOKEN)));
}

/** The seat of a node that nobody elected because nobody was there: SHA-1 of `monsoon seat\n`, its key and its term. */
export function genesisSeat(nodeId: NodeId, term: number, sha1: Sha1): Seat {
  const termBytes = new Uint8Array(4);
  writeUint32(termBytes, 0, term);
  return hex(sha1(concatBytes([utf8('monsoon seat\n'), nodeIdBytes(nodeId), termBytes]))) as Seat;
}

/** The seat that votes give: SHA-1 of `monsoon seat\n` and the signatures, in the order of their signers' keys. */
export function electedSeat(signatures: readonly Uint8Array[], sha1: Sha1): Seat {
  return hex(sha1(concatBytes([utf8('monsoon seat\n'), ...signatures]))) as Seat;
}

/** The first `count` own tokens of a seat, ascending: SHA-1 of `monsoon token\n`, the seat and a number. */
export function tokensOf(seat: Seat, count: number, sha1: Sha1): readonly Token[] {
  const prefix = concatBytes([utf8('monsoon token\n'), bytesOfHex(seat)!]);
  const tokens = Array.from({ length: count }, (_, i) => hex(sha1(concatBytes([prefix, Uint8Array.of(i)]))) as Token);
  return tokens.sort();
}

/** A position from outside; undefined unless it is 40 lower-case hex digits. */
export function parseToken(text: string): Token | undefined {
  return /^[0-9a-f]{40}$/.test(text) ? (text as Token) : undefined;
}
