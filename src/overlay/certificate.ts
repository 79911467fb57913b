/**
 * The election certificate: the votes of witnesses that a candidate answers where it says, and may serve. It stands in
 * the candidate's descriptor. That the signatures are good is decided here; whether the signers were the right ones is
 * decided against a view (`admission.ts`), because only there it is known who was there to ask.
 *
 * A vote signs `monsoon vote-1\n` and a bencoded dictionary: `a` the IP address where it answered (4 or 16 bytes), `i` issued,
 * `k` the candidate's key, `m` its term, `n` the network's name, `s` the seat it keeps (20 bytes; absent in a first election, whose votes give the seat).
 */
import {
  bytesOfHex,
  concatBytes,
  encodeBencode,
  hex,
  NODE_ID_BYTES,
  type NodeId,
  nodeIdBytes,
  nodeIdOfBytes,
  parseIp,
  type Sha1,
  utf8,
  type Verify,
  type WallSeconds,
} from '../base/index.ts';
import { electedSeat, genesisSeat, type Seat } from './token.ts';

/** Who is asked for a vote, and how many of them must give it where there are that many. */
export const WITNESSES = 5;
export const QUORUM = 3;
/** How long votes count. */
export const CERTIFICATE_SECONDS = 7200;
/** They are renewed at this age: each time all others hear of it, and half an hour is time enough to ask again. */
export const RENEWAL_SECONDS = 5400;
const SIGNATURE_BYTES = 64;
const VOTE_BYTES: number = NODE_ID_BYTES + SIGNATURE_BYTES;

/** What a vote is about. */
export interface Candidacy {
  readonly network: string;
  readonly nodeId: NodeId;
  /** The IP address that it names first: the witness connected to it. */
  readonly host: string;
  readonly term: number;
  /** When the candidate asked for votes. */
  readonly issued: WallSeconds;
  /** Undefined in a first election. */
  readonly seat: Seat | undefined;
}

export interface Vote {
  readonly witness: NodeId;
  readonly signature: Uint8Array;
}

/** The right to serve: votes, or none for a node that nobody elected because nobody was there. */
export interface Certificate {
  readonly issued: WallSeconds;
  /** Kept from an earlier election. */
  readonly kept: Seat | undefined;
  /** Ascending by witness; 0 to WITNESSES. */
  readonly votes: readonly Vote[];
}

/** The bytes that a vote signs. */
export function votedBytes({ network, nodeId, host, term, issued, seat }: Candidacy): Uint8Array {
  const body = {
    a: parseIp(host)!,
    i: issued,
    k: nodeIdBytes(nodeId),
    m: term,
    n: network,
    s: seat && bytesOfHex(seat),
  };
  return concatBytes([utf8('monsoon vote-1\n'), encodeBencode(body)]);
}

/** A certificate of the votes that came; the order in which they came does not count. */
export function certificateOf(votes: readonly Vote[], issued: WallSeconds, kept: Seat | undefined): Certificate {
  const sorted = [...votes].sort((a, b) => (a.witness < b.witness ? -1 : 1)).slice(0, WITNESSES);
  return { issued, kept, votes: sorted };
}

/** The seat that a certificate gives to a node. */
export function seatOf(certificate: Certificate, nodeId: NodeId, term: number, sha1: Sha1): Seat {
  const { kept, votes } = certificate;
  if (kept) return kept;
  if (votes.length === 0) return genesisSeat(nodeId, term, sha1);
  return electedSeat(
    votes.map(({ signature }) => signature),
    sha1,
  );
}

/** Votes as they stand in a descriptor: 32 bytes of the witness and 64 of its signature each. */
export function encodeVotes(votes: readonly Vote[]): Uint8Array {
  return concatBytes(votes.flatMap(({ witness, signature }) => [nodeIdBytes(witness), signature]));
}

/** Votes from outside; undefined unless whole, few enough and strictly ascending by witness. */
export function parseVotes(bytes: Uint8Array): readonly Vote[] | undefined {
  if (bytes.length % VOTE_BYTES !== 0 || bytes.length > WITNESSES * VOTE_BYTES) return undefined;
  const votes: Vote[] = [];
  for (let at = 0; at < bytes.length; at += VOTE_BYTES) {
    const witness = nodeIdOfBytes(bytes.subarray(at, at + NODE_ID_BYTES))!;
    if (votes.length > 0 && witness <= votes.at(-1)!.witness) return undefined;
    votes.push({ witness, signature: bytes.slice(at + NODE_ID_BYTES, at + VOTE_BYTES) });
  }
  return votes;
}

/** True when every vote was signed by its witness for this candidacy, and none by the candidate. */
export function areVotesGood(votes: readonly Vote[], candidacy: Candidacy, verify: Verify): boolean {
  const signed = votedBytes(candidacy);
  return votes.every(({ witness, signature }) => witness !== candidacy.nodeId && verify(signature, signed, witness));
}

/** Where on the ring a candidate's witnesses follow: SHA-1 of `monsoon witnesses\n`, its key and its term. */
export function witnessPosition(nodeId: NodeId, term: number, sha1: Sha1): string {
  return hex(sha1(concatBytes([utf8('monsoon witnesses\n'), nodeIdBytes(nodeId), utf8(`${term}`)])));
}
