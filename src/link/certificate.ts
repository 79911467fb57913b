/**
 * Self-signed X.509 certificates (RFC 5280, RFC 8410) and the key formats around them, written as DER by hand: a node
 * shows its Ed25519 key to TLS as a certificate, and its peer reads the node id out of it. Nobody checks names, dates
 * or an authority: TLS itself proves that the other side has the key. It makes no key and no signature of its own.
 */
import { assert, bytesOfHex, concatBytes, type NodeId, nodeIdBytes, nodeIdOfBytes, utf8 } from '../base/index.ts';

/** What a certificate says; everything else is the same in all of them. */
export interface CertificateFacts {
  /** How it is signed. */
  readonly algorithm: 'ed25519' | 'ecdsa-sha256';
  /** The key as SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** CERTIFICATE_SERIAL_BYTES random bytes: browsers refuse two certificates with one name and serial. */
  readonly serial: Uint8Array;
  /** The common name, at most 64 bytes of UTF-8. */
  readonly name: string;
}

export const CERTIFICATE_SERIAL_BYTES = 16;

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** [0] and [3] of a TBSCertificate. */
  version: 0xa0,
  extensions: 0xa3,
} as const;

const SIGNATURE_OIDS = { ed25519: '2b6570', 'ecdsa-sha256': '2a8648ce3d040302' } as const;
const COMMON_NAME_OID = '550403';
const BASIC_CONSTRAINTS_OID = '551d13';
/** From long ago until the end of time (RFC 5280, 4.1.2.5): a node with a wrong clock must still be spoken to. */
const NOT_BEFORE = '20200101000000Z';
const NOT_AFTER = '99991231235959Z';
const VERSION_3 = 2;
const SEED_BYTES = 32;
/** An Ed25519 key up to its 32 bytes, as SubjectPublicKeyInfo and as PKCS #8 (RFC 8410). */
const SPKI_HEAD = bytesOfHex('302a300506032b6570032100')!;
const PKCS8_HEAD = bytesOfHex('302e020100300506032b657004220420')!;

/** A self-signed certificate in DER; `sign` signs with the key that `publicKey` belongs to. */
export function selfSignedCertificate(
  { algorithm, publicKey, serial, name }: CertificateFacts,
  sign: (bytes: Uint8Array) => Uint8Array,
): Uint8Array {
  assert(serial.length === CERTIFICATE_SERIAL_BYTES, 'a serial has 16 bytes');
  const signedWith = der(TAG.sequence, oid(SIGNATURE_OIDS[algorithm]));
  const attribute = der(TAG.sequence, oid(COMMON_NAME_OID), der(TAG.utf8String, utf8(name)));
  const issuerAndSubject = der(TAG.sequence, der(TAG.set, attribute));
  // Critical, and empty: this is no authority.
  const constraints = der(
    TAG.sequence,
    oid(BASIC_CONSTRAINTS_OID),
    der(TAG.boolean, Uint8Array.of(0xff)),
    der(TAG.octetString, der(TAG.sequence)),
  );
  const toBeSigned = der(
    TAG.sequence,
    der(TAG.version, der(TAG.integer, Uint8Array.of(VERSION_3))),
    der(TAG.integer, positive(serial)),
    signedWith,
    issuerAndSubject,
    der(TAG.sequence, der(TAG.generalizedTime, utf8(NOT_BEFORE)), der(TAG.generalizedTime, utf8(NOT_AFTER))),
    issuerAndSubject,
    publicKey,
    der(TAG.extensions, der(TAG.sequence, constraints)),
  );
  const signature = sign(toBeSigned);
  return der(TAG.sequence, toBeSigned, signedWith, der(TAG.bitString, Uint8Array.of(0), signature));
}

/** A node's public key as SubjectPublicKeyInfo. */
export function spkiOfNodeId(nodeId: NodeId): Uint8Array {
  return concatBytes([SPKI_HEAD, nodeIdBytes(nodeId)]);
}

/** The node whose key a SubjectPublicKeyInfo holds; undefined when it is no Ed25519 key. */
export function nodeIdOfSpki(spki: Uint8Array): NodeId | undefined {
  for (let i = 0; i < SPKI_HEAD.length; i++) if (spki[i] !== SPKI_HEAD[i]) return undefined;
  return nodeIdOfBytes(spki.subarray(SPKI_HEAD.length));
}

/** The Ed25519 key of a 32-byte seed as PKCS #8. */
export function pkcs8OfSeed(seed: Uint8Array): Uint8Array {
  assert(seed.length === SEED_BYTES, 'an Ed25519 seed has 32 bytes');
  return concatBytes([PKCS8_HEAD, seed]);
}

function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = concatBytes(parts);
  return concatBytes([Uint8Array.of(tag, ...lengthOf(content.length)), content]);
}

function lengthOf(length: number): number[] {
  if (length < 0x80) return [length];
  if (length < 0x100) return [0x81, length];
  assert(length < 0x10000, 'a certificate is short');
  return [0x82, length >>> 8, length & 0xff];
}

function oid(hex: string): Uint8Array {
  return der(TAG.oid, bytesOfHex(hex)!);
}

/** The same bytes as a positive number without a leading zero. */
function positive(serial: Uint8Array): Uint8Array {
  const number = serial.slice();
  number[0] = (number[0]! & 0x3f) | 0x40;
  return number;
}
