/**
 * The envelope of everything nodes sign: 64 signature bytes, then the bencoded body that holds the signer's key
 * under `k`. The signature covers a context string too, so that no record passes for one of another kind.
 */
import { type BencodeDict, type BencodeInput, decodeBencode, encodeBencode } from './bencode.ts';
import { concatBytes, utf8 } from './bytes.ts';
import { type Fault, isFault, publicFault } from './fault.ts';
import { type NodeId, nodeIdBytes, nodeIdOfBytes } from './ids.ts';

/** Largest descriptor, vote or grant: fits a BEP 44 item. */
export const RECORD_BYTES_MAX = 1000;
const SIGNATURE_BYTES = 64;

/** Signs bytes with this node's Ed25519 key; 64 bytes. */
export type Sign = (message: Uint8Array) => Uint8Array;
/** Checks an Ed25519 signature; never throws. */
export type Verify = (signature: Uint8Array, message: Uint8Array, signer: NodeId) => boolean;

export type RecordFault = Fault<'record-too-large' | 'record-malformed' | 'record-forged'>;

/** Seals a body under a context such as `entry-1`; the signer's key is put under `k`. */
export function sealRecord(
  context: string,
  body: { readonly [key: string]: BencodeInput | undefined },
  signer: NodeId,
  sign: Sign,
): Uint8Array<ArrayBuffer> {
  const encoded = encodeBencode({ ...body, k: nodeIdBytes(signer) });
  return concatBytes([sign(signedMessage(context, encoded)), encoded]);
}

/** What a record says, before it is known whether its signer said so. */
export interface UncheckedRecord {
  readonly body: BencodeDict;
  readonly signer: NodeId;
  /** Checks the signature, which costs a thousand times what reading did. */
  readonly isGenuine: (context: string, verify: Verify) => boolean;
}

/** Opens a record: size, shape, key and signature are checked; the meaning of the body is the caller's. */
export function openRecord(
  context: string,
  record: Uint8Array,
  verify: Verify,
  bytesMax: number = RECORD_BYTES_MAX,
): { body: BencodeDict; signer: NodeId } | RecordFault {
  const read = readRecord(record, bytesMax);
  return isFault(read) || read.isGenuine(context, verify) ? read : forged();
}

/** Reads a record without checking its signature, for a caller that may find by its content that it is of no use. */
export function readRecord(record: Uint8Array, bytesMax: number = RECORD_BYTES_MAX): UncheckedRecord | RecordFault {
  if (record.length > bytesMax) return publicFault('record-too-large', `a record has at most ${bytesMax} bytes`);
  const encoded = record.subarray(SIGNATURE_BYTES);
  const body = decodeBencode(encoded);
  if (isFault(body) || !(body instanceof Map)) return publicFault('record-malformed', 'the record is not bencoded');
  const key = body.get('k');
  const signer = key instanceof Uint8Array ? nodeIdOfBytes(key) : undefined;
  if (!signer) return publicFault('record-malformed', 'the record names no signer');
  return {
    body,
    signer,
    isGenuine: (context, verify) =>
      verify(record.subarray(0, SIGNATURE_BYTES), signedMessage(context, encoded), signer),
  };
}

/** The fault of a record that its signer did not sign. */
export function forged(): RecordFault {
  return publicFault('record-forged', 'the signature does not match');
}

function signedMessage(context: string, encoded: Uint8Array): Uint8Array {
  return concatBytes([utf8(`monsoon ${context}\n`), encoded]);
}
