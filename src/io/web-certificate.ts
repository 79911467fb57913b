/**
 * The certificate that browsers and curl are shown: the operator's own, read from two files, or one with a new P-256
 * key. It has nothing to do with who this node is.
 */
import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { MonsoonError } from '../base/index.ts';
import { CERTIFICATE_SERIAL_BYTES, selfSignedCertificate } from '../link/index.ts';

/** Nobody verifies the name of a certificate that was made here; a person who looks sees what this is. */
export const CERTIFICATE_NAME = 'monsoon';

/** A certificate, with its chain if it has one, and its key; both PEM. */
export interface KeyedCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Makes one; a new key at each start, because nobody can know this certificate beforehand. */
export function makeWebCertificate(): KeyedCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const serial = randomBytes(CERTIFICATE_SERIAL_BYTES);
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const facts = { algorithm: 'ecdsa-sha256', publicKey: spki, serial, name: CERTIFICATE_NAME } as const;
  const cert = selfSignedCertificate(facts, (bytes) => sign('sha256', bytes, privateKey));
  return { cert: pem('CERTIFICATE', cert), key: privateKey.export({ format: 'pem', type: 'pkcs8' }) };
}

/** Reads the operator's own; rejects with a MonsoonError when it cannot be used. */
export async function readWebCertificate(certificateFile: string, keyFile: string): Promise<KeyedCertificate> {
  const [cert, key] = await Promise.all([certificateFile, keyFile].map(read));
  try {
    createSecureContext({ cert: cert!, key: key! });
    // TLS keeps one certificate of each kind of key, and that of Ed25519 is the node's.
    if (createPrivateKey(key!).asymmetricKeyType === 'ed25519') throw new Error('browsers take no Ed25519 key');
    return { cert: cert!, key: key! };
  } catch (cause) {
    throw new MonsoonError(
      'config',
      `${certificateFile} and ${keyFile} are no certificate and its key: ${(cause as Error).message}.`,
      cause,
    );
  }
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'latin1');
  } catch (cause) {
    throw new MonsoonError('config', `The file ${file} of the web certificate cannot be read.`, cause);
  }
}

/** DER as PEM. */
export function pem(label: string, der: Uint8Array): string {
  return `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64')}\n-----END ${label}-----\n`;
}
