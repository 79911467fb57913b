/**
 * The gate before the DHT package: says whether one datagram is a KRPC message whose every member has the type and
 * size that the package takes for granted (BEP 5, 44). It knows nothing of tables, tokens or who sent it.
 */
import {
  type BencodeDict,
  type BencodeValue,
  decodeBencode,
  encodeBencode,
  type Fault,
  fault,
  isFault,
  latin1,
} from '../base/index.ts';

/** Largest datagram worth decoding: one Ethernet frame. */
export const KRPC_BYTES_MAX = 1500;

/** A query's transaction id comes back in our answer, so its length is bounded lest we carry bytes to a victim. */
const TRANSACTION_BYTES_MAX = 32;
/** Ours, which answers must carry, have two bytes. */
const OUR_TRANSACTION_BYTES = 2;
const ID_BYTES = 20;
const TOKEN_BYTES_MAX = 64;
const CONTACT_BYTES = 26;
const PEER_BYTES = 6;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const SALT_BYTES_MAX = 64;
const VALUE_BYTES_MAX = 1000;
/** The package puts keys into plain objects, where this one would supply members that were never checked. */
const PROTOTYPE_KEY = '9:__proto__';

export type KrpcKind = 'query' | 'response' | 'error';
export type KrpcFault = Fault<'krpc-too-large' | 'krpc-malformed'>;

/** Classifies a datagram, or says what is wrong with it. */
export function checkKrpc(bytes: Uint8Array): KrpcKind | KrpcFault {
  if (bytes.length > KRPC_BYTES_MAX) return fault('krpc-too-large', `over ${KRPC_BYTES_MAX} bytes`);
  const message = decodeBencode(bytes, { anyKeyOrder: true });
  if (isFault(message) || !(message instanceof Map)) return malformed('no bencoded dictionary');
  if (latin1(bytes).includes(PROTOTYPE_KEY)) return malformed('a key that JavaScript would act on');
  const kind = textOf(message.get('y'));
  const transaction = message.get('t');
  if (kind === 'q') {
    return isBytes(transaction, 1, TRANSACTION_BYTES_MAX) ? checkQuery(message) : malformed('t');
  }
  if (!isBytes(transaction, OUR_TRANSACTION_BYTES, OUR_TRANSACTION_BYTES)) return malformed('t');
  if (kind === 'r') return checkResponse(message.get('r'));
  return kind === 'e' ? checkError(message.get('e')) : malformed('y');
}

function checkQuery(message: BencodeDict): KrpcKind | KrpcFault {
  const args = message.get('a');
  if (!(args instanceof Map) || !isBytes(args.get('id'), ID_BYTES, ID_BYTES)) return malformed('a.id');
  const method = textOf(message.get('q'));
  const isGood = method === undefined ? undefined : METHODS.get(method);
  if (!isGood) return malformed('q');
  return isGood(args) ? 'query' : malformed(`the arguments of ${method}`);
}

const METHODS: ReadonlyMap<string, (args: BencodeDict) => boolean> = new Map([
  ['ping', () => true],
  ['find_node', (args) => isBytes(args.get('target'), ID_BYTES, ID_BYTES)],
  ['get_peers', (args) => isBytes(args.get('info_hash'), ID_BYTES, ID_BYTES)],
  ['announce_peer', isGoodAnnounce],
  ['get', (args) => isBytes(args.get('target'), ID_BYTES, ID_BYTES) && isWholeOrAbsent(args.get('seq'))],
  ['put', (args) => isBytes(args.get('token'), 1, TOKEN_BYTES_MAX) && args.has('v') && isGoodItem(args)],
]);

function isGoodAnnounce(args: BencodeDict): boolean {
  const port = args.get('port');
  const implied = args.get('implied_port');
  if (!isBytes(args.get('info_hash'), ID_BYTES, ID_BYTES) || !isBytes(args.get('token'), 1, TOKEN_BYTES_MAX)) {
    return false;
  }
  if (!isWholeOrAbsent(implied) || !isWholeOrAbsent(port)) return false;
  return implied === 1 || (typeof port === 'number' && port >= 1 && port <= 65_535);
}

function checkResponse(reply: BencodeValue | undefined): KrpcKind | KrpcFault {
  if (!(reply instanceof Map) || !isBytes(reply.get('id'), ID_BYTES, ID_BYTES)) return malformed('r.id');
  const contacts = reply.get('nodes');
  if (contacts !== undefined && !(contacts instanceof Uint8Array && contacts.length % CONTACT_BYTES === 0)) {
    return malformed('r.nodes');
  }
  const peers = reply.get('values');
  if (peers !== undefined && !(Array.isArray(peers) && peers.every((peer) => isBytes(peer, PEER_BYTES, PEER_BYTES)))) {
    return malformed('r.values');
  }
  if (reply.has('token') && !isBytes(reply.get('token'), 1, TOKEN_BYTES_MAX)) return malformed('r.token');
  return isGoodItem(reply) ? 'response' : malformed('r.v and its signature');
}

function checkError(error: BencodeValue | undefined): KrpcKind | KrpcFault {
  const isGood =
    Array.isArray(error) && error.length === 2 && typeof error[0] === 'number' && error[1] instanceof Uint8Array;
  return isGood ? 'error' : malformed('e');
}

/** The members of a stored item (BEP 44), each of them optional: an immutable item has `v` alone. */
function isGoodItem(item: BencodeDict): boolean {
  const value = item.get('v');
  if (value !== undefined && encodeBencode(value).length > VALUE_BYTES_MAX) return false;
  if (item.has('k') !== item.has('sig')) return false;
  if (item.has('k') && !isBytes(item.get('k'), KEY_BYTES, KEY_BYTES)) return false;
  if (item.has('sig') && !isBytes(item.get('sig'), SIGNATURE_BYTES, SIGNATURE_BYTES)) return false;
  if (item.has('k') && typeof item.get('seq') !== 'number') return false;
  if (item.has('salt') && !isBytes(item.get('salt'), 0, SALT_BYTES_MAX)) return false;
  return isWholeOrAbsent(item.get('seq')) && isWholeOrAbsent(item.get('cas'));
}

function isBytes(value: BencodeValue | undefined, min: number, max: number): boolean {
  return value instanceof Uint8Array && value.length >= min && value.length <= max;
}

function isWholeOrAbsent(value: BencodeValue | undefined): boolean {
  return value === undefined || (typeof value === 'number' && value >= 0);
}

function textOf(value: BencodeValue | undefined): string | undefined {
  return value instanceof Uint8Array && value.length <= ID_BYTES ? latin1(value) : undefined;
}

function malformed(what: string): Fault<'krpc-malformed'> {
  return fault('krpc-malformed', `not a KRPC message: ${what}`);
}
