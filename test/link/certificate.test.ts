import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { bytesOfHex } from '../../src/base/index.ts';
import { identityOfSeed } from '../../src/io/identity.ts';
import {
  CERTIFICATE_SERIAL_BYTES,
  nodeIdOfSpki,
  pkcs8OfSeed,
  selfSignedCertificate,
  spkiOfNodeId,
} from '../../src/link/index.ts';

const SEED = bytesOfHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60')!;
const identity = identityOfSeed(SEED);
const serialOf = (byte: number): Uint8Array => new Uint8Array(CERTIFICATE_SERIAL_BYTES).fill(byte);
const ed25519 = (serial: Uint8Array, name = 'monsoon'): X509Certificate => {
  const facts = { algorithm: 'ed25519', publicKey: spkiOfNodeId(identity.nodeId), serial, name } as const;
  return new X509Certificate(selfSignedCertificate(facts, identity.sign));
};

test("OpenSSL reads a node's certificate: its key, name, serial and dates, and the signature holds", () => {
  const certificate = ed25519(serialOf(0x41));
  assert.equal(certificate.publicKey.asymmetricKeyType, 'ed25519');
  assert.equal(certificate.subject, 'CN=monsoon');
  assert.equal(certificate.issuer, 'CN=monsoon');
  assert.equal(certificate.serialNumber, '41'.repeat(16));
  assert.equal(certificate.ca, false);
  assert.equal(certificate.validTo, 'Dec 31 23:59:59 9999 GMT');
  assert.ok(certificate.verify(certificate.publicKey));
  assert.equal(nodeIdOfSpki(certificate.publicKey.export({ format: 'der', type: 'spki' })), identity.nodeId);
});

test('serials of any bytes are positive numbers of 16 bytes, and names of any allowed length fit', () => {
  for (const byte of [0x00, 0x01, 0x7f, 0x80, 0xff]) {
    const { serialNumber } = ed25519(serialOf(byte));
    assert.equal(serialNumber.length, 32);
    assert.match(serialNumber, /^[4-7]/);
  }
  for (const length of [1, 63, 64]) assert.equal(ed25519(serialOf(1), 'n'.repeat(length)).subject.length, 3 + length);
});

test('a P-256 certificate for browsers is read and verified the same way, and names no node', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const facts = { algorithm: 'ecdsa-sha256', publicKey: spki, serial: serialOf(9), name: 'monsoon' } as const;
  const certificate = new X509Certificate(selfSignedCertificate(facts, (bytes) => sign('sha256', bytes, privateKey)));
  assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  assert.ok(certificate.verify(publicKey));
  assert.equal(nodeIdOfSpki(spki), undefined);
});

test("a seed as PKCS #8 is the key whose public half is the node's id", () => {
  const key = createPrivateKey({ key: Buffer.from(pkcs8OfSeed(SEED)), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  assert.deepEqual(spki, Buffer.from(spkiOfNodeId(identity.nodeId)));
  assert.deepEqual(identity.secretKey(), pkcs8OfSeed(SEED));
});

test('what is no Ed25519 key of 32 bytes gives no node id', () => {
  const spki = spkiOfNodeId(identity.nodeId);
  assert.equal(nodeIdOfSpki(spki), identity.nodeId);
  for (let length = 0; length < spki.length; length++) assert.equal(nodeIdOfSpki(spki.subarray(0, length)), undefined);
  assert.equal(nodeIdOfSpki(Buffer.concat([spki, Buffer.of(0)])), undefined);
  for (let at = 0; at < 12; at++) assert.equal(nodeIdOfSpki(spki.with(at, spki[at]! ^ 1)), undefined);
  for (const type of ['ed448', 'x25519'] as const) {
    const { publicKey } = generateKeyPairSync(type as 'x25519');
    assert.equal(nodeIdOfSpki(publicKey.export({ format: 'der', type: 'spki' })), undefined);
  }
});
