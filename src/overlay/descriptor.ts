/**
 * The descriptor: a supernode's signed statement of who it is, where it listens, what it owns and what it can bear.
 * Whoever holds one has it checked; the sealed bytes stay with it, because it is forwarded exactly as it was signed.
 *
 * Bytes: a sealed record under `descriptor-2`, at most 1,000 in all. Unknown keys are ignored and kept.
 *   a  list     1–4 addresses, compact: IPv4 and port in 6 bytes (BEP 23) or IPv6 and port in 18 (BEP 7)
 *   b  integer  when votes were asked for, seconds since 1970; at most 7,200 before `e`
 *   c  list     capacity: announces/s, peers, hashes, tracking bytes/s; each 0–2^53-1, further items ignored
 *   e  integer  expires, seconds since 1970; at most 7,200 after `i`
 *   f  integer  role flags, 0–2^32-1; bit 0: answers DNS; bit 1: leaves, and owns nothing; unknown bits ignored
 *   i  integer  issued, seconds since 1970; at most 600 ahead of the reader's clock
 *   k  string   32 bytes, the node's Ed25519 key
 *   l  integer  load in 1/255 of capacity, 0–255
 *   m  integer  term, 0–2^32-1
 *   n  string   name of the network
 *   o  integer  own tokens, 1–8: the first so many of its seat
 *   q  integer  sequence, 1–2^48-1; of one node's descriptors the highest counts
 *   s  string   20 bytes, the seat it keeps from an earlier election; absent in the first
 *   x  string   0–5 votes of 96 bytes each; none for a node that nobody elected because nobody was there
 */
import {
  type Address,
  assert,
  type BencodeDict,
  type BencodeValue,
  bytesOfHex,
  encodeCompactAddress,
  type Fault,
  forged,
  hex,
  isFault,
  type NodeId,
  parseCompactAddress,
  publicFault,
  RECORD_BYTES_MAX,
  type RecordFault,
  reachOf,
  readRecord,
  type Sha1,
  type Sign,
  sealRecord,
  textOfUtf8,
  type Verify,
  type WallSeconds,
  wallSeconds,
} from '../base/index.ts';
import {
  areVotesGood,
  type Candidacy,
  CERTIFICATE_SECONDS,
  type Certificate,
  encodeVotes,
  parseVotes,
  seatOf,
} from './certificate.ts';
import { type Digest, keyOf } from './record-names.ts';
import { subnetOf } from './subnet.ts';
import { OWN_TOKENS_MAX, type Seat, TOKEN_BYTES, type Token, tokensOf } from './token.ts';

export const DESCRIPTOR_CONTEXT = 'descriptor-2';
export const ADDRESSES_MAX = 4;
/** Longest life of a descriptor. */
export const LIFETIME_MAX_SECONDS = 7200;
/** How far a signer's clock may be ahead of ours. */
export const CLOCK_SKEW_SECONDS = 600;
/** Role flag: this node answers DNS for zones of the network. */
export const ROLE_ANSWERS_DNS = 1;
/** Role flag: this node hands over and stops; it owns nothing any more. */
export const ROLE_LEAVES = 2;

const UINT32_MAX = 0xffff_ffff;
/** Highest sequence of any record. */
export const SEQUENCE_MAX: number = 2 ** 48 - 1;

/** What a supernode can bear; all caps are its user's. */
export interface Capacity {
  readonly announcesPerSecond: number;
  readonly peers: number;
  readonly hashes: number;
  readonly trackingBytesPerSecond: number;
}

/** What a supernode says of itself. */
export interface Statement {
  readonly network: string;
  readonly addresses: readonly Address[];
  /** Rises with every descriptor a node issues, across restarts too. */
  readonly sequence: number;
  readonly issued: WallSeconds;
  readonly expires: WallSeconds;
  readonly capacity: Capacity;
  /** In 1/255 of capacity. */
  readonly load: number;
  /** Bit field; see ROLE_ANSWERS_DNS. */
  readonly roles: number;
  readonly term: number;
  readonly certificate: Certificate;
  /** How many tokens of its seat it owns, 1–8. */
  readonly ownTokens: number;
}

/** A checked descriptor. */
export interface Descriptor extends Statement {
  readonly nodeId: NodeId;
  readonly seat: Seat;
  /** Where its own ranges end, ascending; none while it leaves. */
  readonly tokens: readonly Token[];
  /** The sealed bytes, for forwarding. */
  readonly record: Uint8Array;
  /** Its short name. */
  readonly digest: Digest;
  /** The /24 or /48 of its first address; undefined where it is not public. */
  readonly subnet: string | undefined;
}

export type DescriptorFault =
  | RecordFault
  | Fault<
      | 'descriptor-malformed'
      | 'descriptor-other-network'
      | 'descriptor-out-of-time'
      | 'descriptor-expired'
      | 'descriptor-votes-wrong'
      | 'descriptor-stale'
    >;

/** What a sealed descriptor says, before it is known whether its signer said so. */
export interface UncheckedDescriptor {
  readonly statement: Statement;
  readonly signer: NodeId;
  /** Checks the signature over the record. */
  readonly isGenuine: (verify: Verify) => boolean;
  /** Checks the signature of each vote. */
  readonly hasGoodVotes: (verify: Verify) => boolean;
  /** The descriptor that it is when it is genuine. */
  readonly describe: () => Descriptor;
}

/** Reads what a record says: a function of its bytes alone. */
export type ReadDescriptor = (
  record: Uint8Array,
  sha1: Sha1,
) => UncheckedDescriptor | RecordFault | Fault<'descriptor-malformed'>;

/** What opening a descriptor takes from its host. */
export interface DescriptorRules {
  readonly network: string;
  readonly verify: Verify;
  readonly sha1: Sha1;
  /** `readDescriptor` unless given: where thousands of nodes share a process, each record is read once. */
  readonly read?: ReadDescriptor;
  /**
   * What is held of a node: nothing is checked of what is no newer, and the votes not again of what stands by the same ones.
   * Where it is absent everything is checked.
   */
  readonly held?: (nodeId: NodeId) => Pick<Descriptor, 'sequence' | 'seat' | 'addresses'> | undefined;
}

/** When a descriptor that is issued now expires: with the votes that it is by. */
export function expiryOf({ issued, votes }: Certificate, wallNow: WallSeconds): WallSeconds {
  const latest = wallNow + LIFETIME_MAX_SECONDS;
  const isByVotes = votes.length > 0;
  return wallSeconds(isByVotes ? Math.max(wallNow + 1, Math.min(latest, issued + CERTIFICATE_SECONDS)) : latest);
}

/** Issues this node's descriptor. */
export function sealDescriptor(statement: Statement, nodeId: NodeId, sign: Sign, sha1: Sha1): Descriptor {
  const { capacity, certificate } = statement;
  const record = sealRecord(
    DESCRIPTOR_CONTEXT,
    {
      a: statement.addresses.map(encodeCompactAddress),
      b: certificate.issued,
      c: [capacity.announcesPerSecond, capacity.peers, capacity.hashes, capacity.trackingBytesPerSecond],
      e: statement.expires,
      f: statement.roles,
      i: statement.issued,
      l: statement.load,
      m: statement.term,
      n: statement.network,
      o: statement.ownTokens,
      q: statement.sequence,
      s: certificate.kept && bytesOfHex(certificate.kept),
      x: encodeVotes(certificate.votes),
    },
    nodeId,
    sign,
  );
  assert(record.length <= RECORD_BYTES_MAX, 'a descriptor of our own fits a record');
  return described(statement, nodeId, record, sha1);
}

/** Opens a descriptor from outside: network, every bound, the clock, its signature and each vote's. */
export function openDescriptor(
  record: Uint8Array,
  rules: DescriptorRules,
  wallNow: WallSeconds,
): Descriptor | DescriptorFault {
  const read = (rules.read ?? readDescriptor)(record, rules.sha1);
  if (isFault(read)) return read;
  const { network, issued, expires, sequence } = read.statement;
  if (network !== rules.network) return publicFault('descriptor-other-network', 'the descriptor is of another network');
  if (issued - wallNow > CLOCK_SKEW_SECONDS) {
    return publicFault('descriptor-out-of-time', `the descriptor is dated over ${CLOCK_SKEW_SECONDS} s ahead`);
  }
  if (expires <= wallNow) return publicFault('descriptor-expired', 'the descriptor has expired');
  const held = rules.held?.(read.signer);
  if (held && held.sequence >= sequence) return publicFault('descriptor-stale', 'a newer descriptor is held');
  // A signature costs far more than all that stands before it.
  if (!read.isGenuine(rules.verify)) return forged();
  const descriptor = read.describe();
  if (!(held && isSameStanding(held, descriptor)) && !read.hasGoodVotes(rules.verify)) {
    return publicFault('descriptor-votes-wrong', 'the descriptor has a vote that nobody gave for it');
  }
  return descriptor;
}

/** Reads a sealed descriptor; its bytes are copied once it is described. */
export function readDescriptor(record: Uint8Array, sha1: Sha1): ReturnType<ReadDescriptor> {
  const read = readRecord(record);
  if (isFault(read)) return read;
  const statement = parseStatement(read.body);
  if (isFault(statement)) return statement;
  const { signer } = read;
  return {
    statement,
    signer,
    isGenuine: (verify) => read.isGenuine(DESCRIPTOR_CONTEXT, verify),
    hasGoodVotes: (verify) => areVotesGood(statement.certificate.votes, candidacyOf(statement, signer), verify),
    // A copy: the bytes came as a view of a whole answer, which a held descriptor would keep in memory.
    describe: () => described(statement, signer, record.slice(), sha1),
  };
}

/** The same seat at the same first address: what was voted for once. */
export function isSameStanding(
  one: Pick<Descriptor, 'seat' | 'addresses'>,
  other: Pick<Descriptor, 'seat' | 'addresses'>,
): boolean {
  return one.seat === other.seat && one.addresses[0]!.host === other.addresses[0]!.host;
}

function candidacyOf({ network, addresses, term, certificate }: Statement, nodeId: NodeId): Candidacy {
  const { issued, kept: seat } = certificate;
  return { network, nodeId, host: addresses[0]!.host, term, issued, seat };
}

function described(statement: Statement, nodeId: NodeId, record: Uint8Array, sha1: Sha1): Descriptor {
  const seat = seatOf(statement.certificate, nodeId, statement.term, sha1);
  const isLeaving = (statement.roles & ROLE_LEAVES) !== 0;
  const tokens = isLeaving ? [] : tokensOf(seat, statement.ownTokens, sha1);
  const digest = { key: keyOf(nodeId), sequence: statement.sequence };
  return { ...statement, nodeId, seat, tokens, record, digest, subnet: subnetOf(statement) };
}

function parseStatement(body: BencodeDict): Statement | Fault<'descriptor-malformed'> {
  const name = body.get('n');
  const network = name instanceof Uint8Array ? textOfUtf8(name) : undefined;
  const addresses = addressesAt(body);
  const sequence = whole(body.get('q'), 1, SEQUENCE_MAX);
  const issued = whole(body.get('i'), 0, Number.MAX_SAFE_INTEGER);
  const expires = whole(body.get('e'), 0, Number.MAX_SAFE_INTEGER);
  const capacity = capacityAt(body);
  const load = whole(body.get('l'), 0, 255);
  const roles = whole(body.get('f'), 0, UINT32_MAX);
  const term = whole(body.get('m'), 0, UINT32_MAX);
  const ownTokens = whole(body.get('o'), 1, OWN_TOKENS_MAX);
  if (network === undefined) return malformed('n');
  if (!addresses) return malformed('a');
  if (sequence === undefined) return malformed('q');
  if (issued === undefined) return malformed('i');
  if (expires === undefined || expires <= issued || expires - issued > LIFETIME_MAX_SECONDS) return malformed('e');
  if (!capacity) return malformed('c');
  if (load === undefined) return malformed('l');
  if (roles === undefined) return malformed('f');
  if (term === undefined) return malformed('m');
  if (ownTokens === undefined) return malformed('o');
  const certificate = certificateAt(body, expires);
  if (isFault(certificate)) return certificate;
  return {
    network,
    addresses,
    sequence,
    issued: wallSeconds(issued),
    expires: wallSeconds(expires),
    capacity,
    load,
    roles,
    term,
    certificate,
    ownTokens,
  };
}

function certificateAt(body: BencodeDict, expires: number): Certificate | Fault<'descriptor-malformed'> {
  const issued = whole(body.get('b'), 0, Number.MAX_SAFE_INTEGER);
  const bytes = body.get('x');
  const votes = bytes instanceof Uint8Array ? parseVotes(bytes) : undefined;
  const seat = body.get('s');
  if (!votes) return malformed('x');
  if (issued === undefined || (votes.length > 0 && expires - issued > CERTIFICATE_SECONDS)) return malformed('b');
  if (seat !== undefined && !(seat instanceof Uint8Array && seat.length === TOKEN_BYTES && votes.length > 0)) {
    return malformed('s');
  }
  return { issued: wallSeconds(issued), kept: seat && (hex(seat) as Seat), votes };
}

function addressesAt(body: BencodeDict): readonly Address[] | undefined {
  const list = body.get('a');
  if (!Array.isArray(list) || list.length < 1 || list.length > ADDRESSES_MAX) return undefined;
  const addresses: Address[] = [];
  for (const item of list) {
    const address = item instanceof Uint8Array ? parseCompactAddress(item) : undefined;
    if (!address || reachOf(address.host) === 'forbidden') return undefined;
    addresses.push(address);
  }
  return addresses;
}

function capacityAt(body: BencodeDict): Capacity | undefined {
  const list = body.get('c');
  if (!Array.isArray(list)) return undefined;
  const [announcesPerSecond, peers, hashes, trackingBytesPerSecond] = list
    .slice(0, 4)
    .map((item) => whole(item, 0, Number.MAX_SAFE_INTEGER));
  if (announcesPerSecond === undefined || peers === undefined) return undefined;
  if (hashes === undefined || trackingBytesPerSecond === undefined) return undefined;
  return { announcesPerSecond, peers, hashes, trackingBytesPerSecond };
}

function whole(value: BencodeValue | undefined, min: number, max: number): number | undefined {
  return typeof value === 'number' && value >= min && value <= max ? value : undefined;
}

function malformed(key: string): Fault<'descriptor-malformed'> {
  return publicFault('descriptor-malformed', `the descriptor's "${key}" is missing or out of bounds`);
}
