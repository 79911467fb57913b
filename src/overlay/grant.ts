/**
 * The grant: proof that a supernode gave the lower part of one of its ranges to another. The giver seals it, the taker
 * and a replica sign what was sealed. It counts while its giver would own the place without it and its taker is there,
 * so that a range whose taker or giver vanishes is with whoever has copies of it, and nobody grants what is not his.
 *
 * Sealed by the giver under `grant-1`: `e` epoch (at most 2^32-1), `f` and `t` the arc (20 bytes each, `f` exclusive), `k` the giver,
 * `n` the network's name, `q` sequence, `w` the taker's key, `x` expires, seconds since 1970.
 * Passed on as a bencoded dictionary: `g` the sealed grant, `r` a replica's key and signature (96 bytes, absent where
 * there is no replica), `s` the taker's signature; both sign `monsoon grant-taken-1\n` and the sealed bytes.
 */
import {
  assert,
  type BencodeDict,
  bytesOfHex,
  concatBytes,
  decodeBencode,
  encodeBencode,
  type Fault,
  hex,
  isFault,
  NODE_ID_BYTES,
  type NodeId,
  nodeIdBytes,
  nodeIdOfBytes,
  openRecord,
  publicFault,
  RECORD_BYTES_MAX,
  type RecordFault,
  type Sign,
  sealRecord,
  textOfUtf8,
  utf8,
  type Verify,
  type WallSeconds,
  wallSeconds,
} from '../base/index.ts';
import { SEQUENCE_MAX } from './descriptor.ts';
import { TOKEN_BYTES, type Token } from './token.ts';

const GRANT_CONTEXT = 'grant-1';
/** How long a grant counts; its giver renews it at half of that. */
export const GRANT_SECONDS = 7200;
/** Hand-offs that one range can see. */
export const EPOCH_MAX = 0xffff_ffff;
const SIGNATURE_BYTES = 64;
const PASSED_VALUES_MAX = 20;
/** What stands around a sealed grant in a record: two signatures, a key and their frame. */
const SIGNED_BYTES = 200;
/** Most that a giver may seal: with later versions' keys it has to fit a record all the same. */
const SEALED_BYTES_MAX: number = RECORD_BYTES_MAX - SIGNED_BYTES;

/** What a giver says. */
export interface GrantTerms {
  readonly network: string;
  readonly giver: NodeId;
  readonly taker: NodeId;
  readonly from: Token;
  /** The token that the taker has by it. */
  readonly to: Token;
  /** One more than that of the range it was cut from. */
  readonly epoch: number;
  /** Of two grants of one place the later one counts. */
  readonly sequence: number;
  readonly expires: WallSeconds;
}

/** A grant as its giver sealed it. */
export interface SealedGrant extends GrantTerms {
  readonly sealed: Uint8Array;
}

/** A grant that its taker signed too: what is passed on. */
export interface Grant extends SealedGrant {
  readonly record: Uint8Array;
}

/** Its taker signed it; one that it did not has no record to pass on. */
export function isSigned({ record }: Pick<Grant, 'record'>): boolean {
  return record.length > 0;
}

export type GrantFault =
  | RecordFault
  | Fault<'grant-malformed' | 'grant-other-network' | 'grant-expired' | 'grant-unsigned'>;

export interface GrantRules {
  readonly network: string;
  readonly verify: Verify;
}

export function sealGrant(terms: GrantTerms, sign: Sign): SealedGrant {
  const sealed = sealRecord(
    GRANT_CONTEXT,
    {
      e: terms.epoch,
      f: bytesOfHex(terms.from),
      n: terms.network,
      q: terms.sequence,
      t: bytesOfHex(terms.to),
      w: nodeIdBytes(terms.taker),
      x: terms.expires,
    },
    terms.giver,
    sign,
  );
  return { ...terms, sealed };
}

/** Opens what a giver sealed. */
export function openSealedGrant(
  sealed: Uint8Array,
  { network, verify }: GrantRules,
  wallNow: WallSeconds,
): SealedGrant | GrantFault {
  if (sealed.length > SEALED_BYTES_MAX) return malformed('length');
  const opened = openRecord(GRANT_CONTEXT, sealed, verify);
  if (isFault(opened)) return opened;
  const { body, signer } = opened;
  const name = body.get('n');
  if (!(name instanceof Uint8Array)) return malformed('n');
  if (textOfUtf8(name) !== network) return publicFault('grant-other-network', 'the grant is of another network');
  const taker = body.get('w');
  const takerId = taker instanceof Uint8Array ? nodeIdOfBytes(taker) : undefined;
  if (!takerId || takerId === signer) return malformed('w');
  const [from, to] = [positionAt(body, 'f'), positionAt(body, 't')];
  if (!from || !to || from === to) return malformed('f');
  const epoch = wholeAt(body, 'e', EPOCH_MAX);
  const sequence = wholeAt(body, 'q', SEQUENCE_MAX);
  const expires = wholeAt(body, 'x', Number.MAX_SAFE_INTEGER);
  if (epoch === undefined || sequence === undefined || expires === undefined) return malformed('e');
  if (expires <= wallNow || expires > wallNow + 2 * GRANT_SECONDS) {
    return publicFault('grant-expired', 'the grant has expired, or lasts too long');
  }
  const terms = { network, giver: signer, taker: takerId, from, to, epoch, sequence, expires: wallSeconds(expires) };
  return { ...terms, sealed: sealed.slice() };
}

/** What the taker and a replica sign. */
export function takenBytes(sealed: Uint8Array): Uint8Array {
  return concatBytes([utf8('monsoon grant-taken-1\n'), sealed]);
}

/** A replica's key and its signature under a grant. */
export function receiptOf(replica: NodeId, signature: Uint8Array): Uint8Array {
  return concatBytes([nodeIdBytes(replica), signature]);
}

/** A grant with the signatures under it. @param receipt as `receiptOf` makes it */
export function signedGrant(grant: SealedGrant, taken: Uint8Array, receipt: Uint8Array | undefined): Grant {
  const record = encodeBencode({ g: grant.sealed, r: receipt, s: taken });
  assert(record.length <= RECORD_BYTES_MAX, 'a grant of our own fits a record');
  return { ...grant, record };
}

/** Opens a grant that is passed on: the giver's seal, the taker's signature, and a receipt's where there is one. */
export function openGrant(record: Uint8Array, rules: GrantRules, wallNow: WallSeconds): Grant | GrantFault {
  if (record.length > RECORD_BYTES_MAX) return malformed('length');
  const body = decodeBencode(record, { tokensMax: PASSED_VALUES_MAX });
  if (isFault(body) || !(body instanceof Map)) return malformed('shape');
  const sealed = body.get('g');
  if (!(sealed instanceof Uint8Array)) return malformed('g');
  const grant = openSealedGrant(sealed, rules, wallNow);
  if (isFault(grant)) return grant;
  const signed = takenBytes(sealed);
  const taken = body.get('s');
  if (!(taken instanceof Uint8Array) || !rules.verify(taken, signed, grant.taker)) return unsigned();
  const receipt = body.get('r');
  if (receipt !== undefined && !isReceipt(receipt, sealed, rules.verify)) return unsigned();
  return { ...grant, record: record.slice() };
}

/** True when a replica signed what was sealed. */
export function isReceipt(receipt: unknown, sealed: Uint8Array, verify: Verify): boolean {
  if (!(receipt instanceof Uint8Array) || receipt.length !== NODE_ID_BYTES + SIGNATURE_BYTES) return false;
  const replica = nodeIdOfBytes(receipt.subarray(0, NODE_ID_BYTES))!;
  return verify(receipt.subarray(NODE_ID_BYTES), takenBytes(sealed), replica);
}

function positionAt(body: BencodeDict, key: string): Token | undefined {
  const bytes = body.get(key);
  return bytes instanceof Uint8Array && bytes.length === TOKEN_BYTES ? (hex(bytes) as Token) : undefined;
}

function wholeAt(body: BencodeDict, key: string, max: number): number | undefined {
  const value = body.get(key);
  return typeof value === 'number' && value >= 0 && value <= max ? value : undefined;
}

function malformed(key: string): Fault<'grant-malformed'> {
  return publicFault('grant-malformed', `the grant's "${key}" is missing or out of bounds`);
}

function unsigned(): Fault<'grant-unsigned'> {
  return publicFault('grant-unsigned', 'the grant lacks a good signature');
}
