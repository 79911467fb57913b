/**
 * RC4 by the OpenSSL inside the runtime, whose crypto module offers it no more (ADR 20): a third faster than our
 * WebAssembly, and in place. What a key looks like is OpenSSL's business; here it is memory that does not move.
 */
import { assert, bytesOfLatin1, hex } from '../base/index.ts';
import { RC4_DISCARDED_BYTES, type StreamCipher } from '../link/index.ts';
import { openLibc } from './libc.ts';

const CALLS = {
  RC4_set_key: { arguments: ['pointer', 'int32', 'pointer'], return: 'void' },
  RC4: { arguments: ['pointer', 'uint64', 'pointer', 'pointer'], return: 'void' },
} as const;
/** RC4_KEY has 258 numbers of 4 bytes at most; twice that, so that no build of OpenSSL can write past it. */
const KEY_BYTES = 2064;
/** The first test that everybody makes: this key, this text, these bytes. */
const KNOWN = { key: 'Key', clear: 'Plaintext', hidden: 'bbf316e8d940af0ad3' };

type Calls = NonNullable<ReturnType<typeof openCalls>>;

class OpensslRc4 implements StreamCipher {
  readonly #calls: Calls;
  readonly #key = new ArrayBuffer(KEY_BYTES);

  constructor(calls: Calls, key: Uint8Array) {
    this.#calls = calls;
    calls.RC4_set_key(this.#key, key.length, key);
  }

  apply(bytes: Uint8Array, length: number): void {
    assert(length <= bytes.length, 'a cipher is given the bytes that it changes');
    this.#calls.RC4(this.#key, BigInt(length), bytes, bytes);
  }
}

/** Makes the cipher of a key; undefined where the runtime's OpenSSL has none, or another one. */
export function openOpensslRc4(): ((key: Uint8Array) => StreamCipher) | undefined {
  const calls = openCalls();
  if (!calls || !isRc4(new OpensslRc4(calls, bytesOfLatin1(KNOWN.key)))) return undefined;
  return (key) => {
    const cipher = new OpensslRc4(calls, key);
    cipher.apply(new Uint8Array(RC4_DISCARDED_BYTES), RC4_DISCARDED_BYTES);
    return cipher;
  };
}

function openCalls() {
  return openLibc(({ dlopen }) => dlopen(null, CALLS).functions);
}

function isRc4(cipher: StreamCipher): boolean {
  const bytes = bytesOfLatin1(KNOWN.clear);
  cipher.apply(bytes, bytes.length);
  return hex(bytes) === KNOWN.hidden;
}
