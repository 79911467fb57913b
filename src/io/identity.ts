/**
 * This node's Ed25519 key, and the check of everybody else's signatures: the one place where libsodium is loaded.
 * The key is made once and kept in a file that only its owner may read; a damaged file is named, never replaced,
 * because a new key would be a new node. The secret key leaves this file only for the node's TLS contexts.
 */
import { randomBytes } from 'node:crypto';
import { chmod, readFile, stat } from 'node:fs/promises';
import sodium from 'libsodium-wrappers';
import {
  assert,
  bytesOfHex,
  hex,
  MonsoonError,
  type NodeId,
  nodeIdBytes,
  nodeIdOfBytes,
  type Sign,
  utf8,
  type Verify,
} from '../base/index.ts';
import { pkcs8OfSeed } from '../link/index.ts';
import { writeFileAtomically } from './atomic-file.ts';

const SEED_BYTES = 32;
const SIGNATURE_BYTES = 64;
const FILE_MODE = 0o600;
/** The key file: a word that says what it is, the seed, and the public key as the proof that the seed is whole. */
const FILE_TEXT = /^monsoon-key-1 ([0-9a-f]{64}) ([0-9a-f]{64})\n$/;

await sodium.ready;

/** Who this node is: its public key, and the power to sign with the secret half. */
export interface Identity {
  readonly nodeId: NodeId;
  readonly sign: Sign;
  /** The secret key as PKCS #8, for TLS alone; a function, so that no log shows it by accident. */
  readonly secretKey: () => Uint8Array;
}

/** Checks an Ed25519 signature with libsodium; false for anything malformed. */
export const verify: Verify = (signature, message, signer) => {
  // libsodium throws on other lengths; a NodeId always has 32 bytes.
  if (signature.length !== SIGNATURE_BYTES) return false;
  return sodium.crypto_sign_verify_detached(signature, message, nodeIdBytes(signer));
};

/** The identity of a 32-byte seed; equal seeds give equal nodes, which is what tests and the simulator need. */
export function identityOfSeed(seed: Uint8Array): Identity {
  assert(seed.length === SEED_BYTES, 'an Ed25519 seed has 32 bytes');
  const { publicKey, privateKey } = sodium.crypto_sign_seed_keypair(seed);
  const nodeId = nodeIdOfBytes(publicKey);
  assert(nodeId, 'an Ed25519 public key has 32 bytes');
  // libsodium's private key is the seed followed by the public key.
  const ownSeed = privateKey.subarray(0, SEED_BYTES);
  return {
    nodeId,
    sign: (message) => sodium.crypto_sign_detached(message, privateKey),
    secretKey: () => pkcs8OfSeed(ownSeed),
  };
}

/**
 * Reads the node's key from `file`, or makes one there (mode 0600; a wider mode is tightened).
 * Rejects with a MonsoonError when the file is damaged or cannot be read or written.
 */
export async function openIdentity(file: string): Promise<Identity> {
  const text = await readKeyFile(file);
  if (text === undefined) return createIdentity(file);
  const [, seedHex, nodeId] = FILE_TEXT.exec(text) ?? [];
  const identity = seedHex === undefined ? undefined : identityOfSeed(bytesOfHex(seedHex)!);
  if (identity === undefined || identity.nodeId !== nodeId) {
    throw new MonsoonError(
      'disk',
      `The key file ${file} is damaged. Put its backup back; or move it away to start as a new node with a new key.`,
    );
  }
  await tightenMode(file);
  return identity;
}

async function createIdentity(file: string): Promise<Identity> {
  const seed = randomBytes(SEED_BYTES);
  const identity = identityOfSeed(seed);
  await writeFileAtomically(file, utf8(`monsoon-key-1 ${hex(seed)} ${identity.nodeId}\n`), { mode: FILE_MODE });
  seed.fill(0);
  return identity;
}

async function readKeyFile(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'latin1');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new MonsoonError('permission', `Cannot read the key file ${file}: make it readable for this user.`, cause);
  }
}

async function tightenMode(file: string): Promise<void> {
  if (process.platform === 'win32') return;
  try {
    if ((await stat(file)).mode & 0o077) await chmod(file, FILE_MODE);
  } catch (cause) {
    throw new MonsoonError('permission', `Others can read the key file ${file}: run chmod 600 on it.`, cause);
  }
}
