/**
 * The descriptor: a supernode's signed statement of who it is, where it listens, what it owns and what it can bear.
 * Whoever holds one has it checked; the sealed bytes stay with it, because it is forwarded exactly as it was signed.
 *
 * Bytes: a sealed record under `descriptor-1`, at most 1,000 in all. Unknown keys are ignored and kept, so that
 * election certificates and grants can be added.
 *   a  list     1–4 addresses, compact: IPv4 and port in 6 bytes (BEP 23) or IPv6 and port in 18 (BEP 7)
 *   c  list     capacity: announces/s, peers, hashes, tracking bytes/s; each 0–2^53-1, further items ignored
 *   e  integer  expires, seconds since 1970; at most 7,200 after `i`
 *   f  integer  role flags, 0–2^32-1; bit 0: answers DNS; unknown bits ignored
 *   i  integer  issued, seconds since 1970; within 600 of the reader's clock
 *   k  string   32 bytes, the node's Ed25519 key
 *   l  integer  load in 1/255 of capacity, 0–255
 *   m  integer  term, 0–2^32-1; 0 is the genesis term
 *   n  string   name of the network
 *   q  integer  sequence, 1–2^53-1; of one node's descriptors the highest counts
 *   t  string   own tokens, 20 bytes each, ascending; without a certificate exactly the one of `genesisToken`
 */
import {
  type Address,
  assert,
  type BencodeDict,
  type BencodeValue,
  bytesOfHex,
  concatBytes,
  encodeCompactAddress,
  type Fault,
  isFault,
  type NodeId,
  openRecord,
  parseCompactAddress,
  publicFault,
  RECORD_BYTES_MAX,
  type RecordFault,
  reachOf,
  type Sha1,
  type Sign,
  sealRecord,
  textOfUtf8,
  type Verify,
  type WallSeconds,
  wallSeconds,
} from '../base/index.ts';
import { genesisToken, type Token, tokensOfBytes } from './token.ts';

export const DESCRIPTOR_CONTEXT = 'descriptor-1';
export const ADDRESSES_MAX = 4;
/** Longest life of a descriptor. */
export const LIFETIME_MAX_SECONDS = 7200;
/** How far a signer's clock may be from ours, either way. A supernode issues anew well within it. */
export const CLOCK_SKEW_SECONDS = 600;
/** Role flag: this node answers DNS for zones of the network. */
export const ROLE_ANSWERS_DNS = 1;
/** The term of a supernode that nobody elected because nobody was there. */
export const GENESIS_TERM = 0;

const UINT32_MAX = 0xffff_ffff;

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
}

/** A checked descriptor. */
export interface Descriptor extends Statement {
  readonly nodeId: NodeId;
  /** Where its ranges end, ascending. */
  readonly tokens: readonly Token[];
  /** The sealed bytes, for forwarding. */
  readonly record: Uint8Array;
}

export type DescriptorFault =
  | RecordFault
  | Fault<
      | 'descriptor-malformed'
      | 'descriptor-other-network'
      | 'descriptor-out-of-time'
      | 'descriptor-expired'
      | 'descriptor-foreign-token'
    >;

/** What opening a descriptor takes from its host. */
export interface DescriptorRules {
  readonly network: string;
  readonly verify: Verify;
  readonly sha1: Sha1;
}

/** Issues this node's descriptor with its genesis token. */
export function sealDescriptor(statement: Statement, nodeId: NodeId, sign: Sign, sha1: Sha1): Descriptor {
  const tokens = [genesisToken(nodeId, statement.term, sha1)];
  const { capacity } = statement;
  const record = sealRecord(
    DESCRIPTOR_CONTEXT,
    {
      a: statement.addresses.map(encodeCompactAddress),
      c: [capacity.announcesPerSecond, capacity.peers, capacity.hashes, capacity.trackingBytesPerSecond],
      e: statement.expires,
      f: statement.roles,
      i: statement.issued,
      l: statement.load,
      m: statement.term,
      n: statement.network,
      q: statement.sequence,
      t: concatBytes(tokens.map((token) => bytesOfHex(token)!)),
    },
    nodeId,
    sign,
  );
  assert(record.length <= RECORD_BYTES_MAX, 'a descriptor of our own fits a record');
  return { ...statement, nodeId, tokens, record };
}

/** Opens a descriptor from outside: signature, network, every bound, the clock and the right to its tokens. */
export function openDescriptor(
  record: Uint8Array,
  rules: DescriptorRules,
  wallNow: WallSeconds,
): Descriptor | DescriptorFault {
  const opened = openRecord(DESCRIPTOR_CONTEXT, record, rules.verify);
  if (isFault(opened)) return opened;
  const statement = parseStatement(opened.body);
  if (isFault(statement)) return statement;
  const { network, issued, expires } = statement;
  if (network !== rules.network) return publicFault('descriptor-other-network', 'the descriptor is of another network');
  if (Math.abs(issued - wallNow) > CLOCK_SKEW_SECONDS) {
    return publicFault('descriptor-out-of-time', `the descriptor was issued over ${CLOCK_SKEW_SECONDS} s from now`);
  }
  if (expires <= wallNow) return publicFault('descriptor-expired', 'the descriptor has expired');
  const tokens = tokensAt(opened.body);
  if (!tokens) return malformed('t');
  if (tokens.length !== 1 || tokens[0] !== genesisToken(opened.signer, statement.term, rules.sha1)) {
    return publicFault('descriptor-foreign-token', 'the descriptor claims a token that its key does not give');
  }
  // A copy: the bytes came as a view of a whole answer, which a held descriptor would keep in memory.
  return { ...statement, nodeId: opened.signer, tokens, record: record.slice() };
}

function parseStatement(body: BencodeDict): Statement | Fault<'descriptor-malformed'> {
  const name = body.get('n');
  const network = name instanceof Uint8Array ? textOfUtf8(name) : undefined;
  const addresses = addressesAt(body);
  const sequence = whole(body.get('q'), 1, Number.MAX_SAFE_INTEGER);
  const issued = whole(body.get('i'), 0, Number.MAX_SAFE_INTEGER);
  const expires = whole(body.get('e'), 0, Number.MAX_SAFE_INTEGER);
  const capacity = capacityAt(body);
  const load = whole(body.get('l'), 0, 255);
  const roles = whole(body.get('f'), 0, UINT32_MAX);
  const term = whole(body.get('m'), 0, UINT32_MAX);
  if (network === undefined) return malformed('n');
  if (!addresses) return malformed('a');
  if (sequence === undefined) return malformed('q');
  if (issued === undefined) return malformed('i');
  if (expires === undefined || expires <= issued || expires - issued > LIFETIME_MAX_SECONDS) return malformed('e');
  if (!capacity) return malformed('c');
  if (load === undefined) return malformed('l');
  if (roles === undefined) return malformed('f');
  if (term === undefined) return malformed('m');
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
  };
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

function tokensAt(body: BencodeDict): readonly Token[] | undefined {
  const bytes = body.get('t');
  return bytes instanceof Uint8Array ? tokensOfBytes(bytes) : undefined;
}

function whole(value: BencodeValue | undefined, min: number, max: number): number | undefined {
  return typeof value === 'number' && value >= min && value <= max ? value : undefined;
}

function malformed(key: string): Fault<'descriptor-malformed'> {
  return publicFault('descriptor-malformed', `the descriptor's "${key}" is missing or out of bounds`);
}
