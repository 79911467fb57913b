/** Key exchange, hashing and padding for Message Stream Encryption, by the runtime's crypto. */
import { createDiffieHellman, randomBytes, randomInt } from 'node:crypto';
import {
  type KeyExchange,
  type MseTools,
  PADDING_BYTES_MAX,
  PUBLIC_KEY_BYTES,
  Rc4,
  type StreamCipher,
} from '../link/index.ts';
import { sha1 } from './hash.ts';
import { openOpensslRc4 } from './openssl-rc4.ts';
import { applyRc4 } from './rc4-engine.ts';

/** The 768-bit prime of the specification; the generator is 2. */
const PRIME = Buffer.from(
  'ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74' +
    '020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437' +
    '4fe1356d6d51c245e485b576625e7ec6f44c42e9a63a36210000000000090563',
  'hex',
);
const PRIME_VALUE = BigInt(`0x${PRIME.toString('hex')}`);
const PRIVATE_KEY_BYTES = 20;

/** New tools for one handshake. */
export function newMseTools(): MseTools {
  return { keys: newKeyExchange(), sha1, newRc4, padding: () => randomBytes(randomInt(PADDING_BYTES_MAX + 1)) };
}

/** Looked for when a link wants it: most that a node does needs none. */
let openssl: { readonly newRc4: ReturnType<typeof openOpensslRc4> } | undefined;

function newRc4(key: Uint8Array): StreamCipher {
  openssl ??= { newRc4: openOpensslRc4() };
  return openssl.newRc4?.(key) ?? new Rc4(key, applyRc4);
}

/** One object for all handshakes: making one checks the prime, which takes 40 ms. */
const group = createDiffieHellman(PRIME, 2);

function newKeyExchange(): KeyExchange {
  const privateKey = randomBytes(PRIVATE_KEY_BYTES);
  group.setPrivateKey(privateKey);
  return {
    publicKey: padded(group.generateKeys()),
    secret: (theirs) => {
      if (!isInRange(theirs)) return undefined;
      group.setPrivateKey(privateKey);
      return padded(group.computeSecret(theirs));
    },
  };
}

/** Keys of 0, 1, p-1 and above make the secret known to anybody. */
function isInRange(key: Uint8Array): boolean {
  const value = BigInt(`0x${Buffer.from(key).toString('hex')}`);
  return value > 1n && value < PRIME_VALUE - 1n;
}

/** Big-endian numbers lose their leading zeros; on the wire they have a fixed length. */
function padded(number: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(PUBLIC_KEY_BYTES - number.length), number]);
}
