/**
 * The bytes of overlay messages: one bencoded dictionary whose `t` names the type, and whose other keys are listed for
 * each type below. Readers ignore keys they do not know, and refuse a message in which one that they know is missing or
 * out of its bounds.
 */
import {
  type Address,
  type BencodeDict,
  type BencodeInput,
  type BencodeValue,
  bytesOfHex,
  concatBytes,
  decodeBencode,
  encodeBencode,
  encodeCompactAddress,
  type Fault,
  hex,
  isFault,
  NODE_ID_BYTES,
  type NodeId,
  nodeIdBytes,
  nodeIdOfBytes,
  parseCompactAddress,
  publicFault,
  RECORD_BYTES_MAX,
  readUint16,
  readUint32,
  textOfUtf8,
  writeUint32,
} from '../base/index.ts';
import { SWARM_FRAME_BYTES_MAX } from '../ports/index.ts';
import { ADDRESSES_MAX, type Capacity } from './descriptor.ts';
import type { ArcName, OverlayMessage, Suspicion } from './message.ts';
import type { Digest } from './record-names.ts';
import { TOKEN_BYTES } from './token.ts';

/** Records in one message. */
export const RECORDS_MAX = 200;
/** Digests in one message: all of 10,000 supernodes and their grants fit a few. */
export const DIGESTS_MAX = 4096;
/** Suspicions in one message. */
export const SUSPICIONS_MAX = 32;
/** The next question of one who asks may be as far away as this. */
export const AGAIN_MS_MAX = 60_000;
/** Buckets into which the records held are divided for comparison. */
export const BUCKETS = 64;
/** Largest message: 200 records and their frame. */
export const MESSAGE_BYTES_MAX = 262_144;
const VALUES_MAX = 1000;
const TEXT_BYTES_MAX = 200;
const KEY_BYTES = 8;
const SEQUENCE_BYTES = 6;
const DIGEST_BYTES: number = KEY_BYTES + SEQUENCE_BYTES;
const HASH_BYTES = 8;
const SIGNATURE_BYTES = 64;
const RECEIPT_BYTES: number = NODE_ID_BYTES + SIGNATURE_BYTES;
const UINT32_MAX = 0xffff_ffff;
/** Of an announce a second; as many as a thousandth of them is told apart from the next. */
const THOUSANDTHS_MAX = 1_000_000_000_000;

export type MessageFault = Fault<'message-malformed' | 'message-too-large'>;

/** How one kind of value is written and read; `parse` returns undefined for what is out of bounds. */
interface Kind<Value> {
  encode(value: Value): BencodeInput | undefined;
  parse(value: BencodeValue | undefined): Value | undefined;
  /** The key may be absent. */
  readonly isOptional?: true;
}

const bytesOf = (value: BencodeValue | undefined, min: number, max: number): Uint8Array | undefined =>
  value instanceof Uint8Array && value.length >= min && value.length <= max ? value : undefined;

const whole = (max: number): Kind<number> => ({
  encode: (value) => value,
  parse: (value) => (typeof value === 'number' && value >= 0 && value <= max ? value : undefined),
});
const flag: Kind<boolean> = {
  encode: (value) => (value ? 1 : 0),
  parse: (value) => (value === 0 || value === 1 ? value === 1 : undefined),
};
const bytes = (min: number, max: number): Kind<Uint8Array> => ({
  encode: (value) => value,
  // A copy: a view would keep the whole message in memory.
  parse: (value) => bytesOf(value, min, max)?.slice(),
});
/** Bytes that are hex in memory. */
const hexOf = (length: number): Kind<string> => ({
  encode: (value) => bytesOfHex(value),
  parse: (value) => {
    const read = bytesOf(value, length, length);
    return read && hex(read);
  },
});
const text: Kind<string> = {
  encode: (value) => value,
  parse: (value) => {
    const read = bytesOf(value, 0, TEXT_BYTES_MAX);
    return read && textOfUtf8(read);
  },
};
const node: Kind<NodeId> = {
  encode: (value) => nodeIdBytes(value),
  parse: (value) => (value instanceof Uint8Array ? nodeIdOfBytes(value) : undefined),
};
const address: Kind<Address> = {
  encode: (value) => encodeCompactAddress(value),
  parse: (value) => (value instanceof Uint8Array ? parseCompactAddress(value) : undefined),
};
/** Values of one width, one after the other in a string. */
function packed<Value>(
  width: number,
  countMax: number,
  write: (value: Value) => Uint8Array,
  read: (bytes: Uint8Array) => Value,
): Kind<readonly Value[]> {
  return {
    encode: (values) => concatBytes(values.map(write)),
    parse: (value) => {
      const all = bytesOf(value, 0, width * countMax);
      if (!all || all.length % width !== 0) return undefined;
      return Array.from({ length: all.length / width }, (_, i) => read(all.subarray(i * width, (i + 1) * width)));
    },
  };
}
function listOf<Value>(kind: Kind<Value>, countMax: number, countMin = 0): Kind<readonly Value[]> {
  return {
    encode: (values) => values.map((value) => kind.encode(value)!),
    parse: (value) => {
      if (!Array.isArray(value) || value.length < countMin || value.length > countMax) return undefined;
      const values = value.map((item) => kind.parse(item));
      return values.every((item) => item !== undefined) ? (values as Value[]) : undefined;
    },
  };
}
const optional = <Value>(kind: Kind<Value>): Kind<Value | undefined> => ({
  encode: (value) => (value === undefined ? undefined : kind.encode(value)),
  parse: (value) => kind.parse(value),
  isOptional: true,
});

function writeSequence(target: Uint8Array, at: number, sequence: number): void {
  const high = Math.floor(sequence / 2 ** 32);
  target[at] = high >>> 8;
  target[at + 1] = high;
  writeUint32(target, at + 2, sequence >>> 0);
}
const readSequence = (from: Uint8Array, at: number): number =>
  readUint16(from, at) * 2 ** 32 + readUint32(from, at + 2);

const digests = packed<Digest>(
  DIGEST_BYTES,
  DIGESTS_MAX,
  ({ key, sequence }) => {
    const one = new Uint8Array(DIGEST_BYTES);
    one.set(bytesOfHex(key)!);
    writeSequence(one, KEY_BYTES, sequence);
    return one;
  },
  (one) => ({ key: hex(one.subarray(0, KEY_BYTES)), sequence: readSequence(one, KEY_BYTES) }),
);
const suspects = packed<Suspicion>(
  NODE_ID_BYTES + SEQUENCE_BYTES,
  SUSPICIONS_MAX,
  ({ nodeId, sequence }) => {
    const one = new Uint8Array(NODE_ID_BYTES + SEQUENCE_BYTES);
    one.set(nodeIdBytes(nodeId));
    writeSequence(one, NODE_ID_BYTES, sequence);
    return one;
  },
  (one) => ({
    nodeId: nodeIdOfBytes(one.subarray(0, NODE_ID_BYTES))!,
    sequence: readSequence(one, NODE_ID_BYTES),
  }),
);
const keys = packed<string>(KEY_BYTES, DIGESTS_MAX, (key) => bytesOfHex(key)!, hex);
const hashes = packed<string>(HASH_BYTES, BUCKETS, (hash) => bytesOfHex(hash)!, hex);
const buckets = packed<number>(
  1,
  BUCKETS,
  (bucket) => Uint8Array.of(bucket),
  (one) => one[0]!,
);
const thousandths = whole(THOUSANDTHS_MAX);
/** So many a second: whole ones would make a small supernode's parts none, or too many. */
const rate: Kind<number> = {
  encode: (value) => thousandths.encode(Math.round(1000 * value)),
  parse: (value) => {
    const read = thousandths.parse(value);
    return read === undefined ? undefined : read / 1000;
  },
};
// A letter for its kind stands before each record.
const records = listOf(bytes(2, RECORD_BYTES_MAX + 1), RECORDS_MAX);
const addresses = listOf(address, ADDRESSES_MAX, 1);
const capacity: Kind<Capacity> = {
  encode: (value) => [value.announcesPerSecond, value.peers, value.hashes, value.trackingBytesPerSecond],
  parse: (value) => {
    const read = listOf(whole(Number.MAX_SAFE_INTEGER), 4, 4).parse(value);
    if (!read) return undefined;
    const [announcesPerSecond, peers, hashesMax, trackingBytesPerSecond] = read as [number, number, number, number];
    return { announcesPerSecond, peers, hashes: hashesMax, trackingBytesPerSecond };
  },
};
const arc: Kind<ArcName> = {
  encode: ({ from, to }) => concatBytes([bytesOfHex(from)!, bytesOfHex(to)!]),
  parse: (value) => {
    const read = bytesOf(value, 2 * TOKEN_BYTES, 2 * TOKEN_BYTES);
    return read && { from: hex(read.subarray(0, TOKEN_BYTES)), to: hex(read.subarray(TOKEN_BYTES)) };
  },
};
const wholeMax = whole(Number.MAX_SAFE_INTEGER);
const uint32 = whole(UINT32_MAX);
const record = bytes(1, RECORD_BYTES_MAX);
const viewHash = hexOf(HASH_BYTES);
const signature = bytes(SIGNATURE_BYTES, SIGNATURE_BYTES);

type MessageType = OverlayMessage['type'];
type FieldsOf<Type extends MessageType> = Omit<Extract<OverlayMessage, { type: Type }>, 'type'>;
type Fields = {
  readonly [Type in MessageType]: {
    readonly [Name in keyof FieldsOf<Type>]-?: readonly [key: string, kind: Kind<FieldsOf<Type>[Name]>];
  };
};

/** Every type with its keys; docs/PROTOCOL.md has the same table in words. */
const FIELDS: Fields = {
  gossip: {
    digests: ['d', digests],
    suspects: ['s', suspects],
    view: ['h', viewHash],
    againMs: ['a', optional(whole(AGAIN_MS_MAX))],
  },
  gossiped: { digests: ['d', digests], suspects: ['s', suspects], wanted: ['w', keys], view: ['h', viewHash] },
  records: { records: ['r', records], wanted: ['w', keys] },
  sync: { buckets: ['b', hashes] },
  synced: { buckets: ['b', buckets], digests: ['d', digests] },
  probe: { nodeId: ['n', node], address: ['a', address] },
  probed: { isThere: ['i', flag] },
  hello: {},
  here: { load: ['l', whole(255)], sequence: ['q', wholeMax] },
  stand: {
    addresses: ['a', addresses],
    capacity: ['c', capacity],
    uptimeSeconds: ['u', wholeMax],
    isVolunteer: ['v', flag],
    term: ['m', uint32],
  },
  nominate: { why: ['y', text] },
  vote: {
    addresses: ['a', addresses],
    term: ['m', uint32],
    issued: ['i', wholeMax],
    seat: ['s', optional(hexOf(TOKEN_BYTES))],
  },
  voted: { signature: ['g', signature] },
  claim: { descriptor: ['r', record] },
  claimed: { copies: ['n', whole(1000)] },
  offer: {
    arc: ['a', arc],
    epoch: ['e', uint32],
    peers: ['p', wholeMax],
    announcesPerSecond: ['m', rate],
  },
  frame: {
    copy: ['c', uint32],
    index: ['i', uint32],
    bytes: ['b', bytes(0, SWARM_FRAME_BYTES_MAX)],
    chain: ['h', hexOf(TOKEN_BYTES)],
    isLast: ['l', flag],
  },
  grant: { grant: ['r', record], receipt: ['s', optional(bytes(RECEIPT_BYTES, RECEIPT_BYTES))] },
  receipt: { grant: ['r', record] },
  signed: { signature: ['g', signature] },
  announces: { bytes: ['b', bytes(0, SWARM_FRAME_BYTES_MAX)], isPassedOn: ['p', flag] },
  accepted: {},
  refused: { why: ['y', text] },
};

type AnyField = readonly [key: string, kind: Kind<unknown>];
const TABLE: ReadonlyMap<string, readonly (readonly [name: string, field: AnyField])[]> = new Map(
  Object.entries(FIELDS).map(([type, fields]) => [type, Object.entries(fields) as unknown as [string, AnyField][]]),
);

/** Encodes a message of our own. */
export function encodeMessage(message: OverlayMessage): Uint8Array<ArrayBuffer> {
  const body: Record<string, BencodeInput | undefined> = { t: message.type };
  const values = message as unknown as Record<string, unknown>;
  for (const [name, [key, kind]] of TABLE.get(message.type)!) body[key] = kind.encode(values[name]);
  return encodeBencode(body);
}

/** Parses a message from outside; never throws. */
export function parseMessage(encoded: Uint8Array): OverlayMessage | MessageFault {
  if (encoded.length > MESSAGE_BYTES_MAX) {
    return publicFault('message-too-large', `an overlay message has at most ${MESSAGE_BYTES_MAX} bytes`);
  }
  const body = decodeBencode(encoded, { tokensMax: VALUES_MAX });
  if (isFault(body) || !(body instanceof Map)) return malformed('it is no bencoded dictionary');
  return parseBody(body);
}

function parseBody(body: BencodeDict): OverlayMessage | MessageFault {
  const type = text.parse(body.get('t')) ?? '';
  const fields = TABLE.get(type);
  if (!fields) return malformed('it is of no known type');
  const message: Record<string, unknown> = { type };
  for (const [name, [key, kind]] of fields) {
    const raw = body.get(key);
    const value = kind.parse(raw);
    const isAbsent = raw === undefined && kind.isOptional === true;
    if (value === undefined && !isAbsent) return malformed(`"${key}" is missing or out of bounds`);
    message[name] = value;
  }
  return message as unknown as OverlayMessage;
}

function malformed(what: string): MessageFault {
  return publicFault('message-malformed', `the message cannot be used: ${what}`);
}
