/**
 * RC4 by the OpenSSL inside the runtime, whose crypto module offers it no more (ADR 20): in place, and in its faster way
 * faster than our WebAssembly. What a key looks like is OpenSSL's business; here it is memory that does not move.
 */
import type { DynamicLibraryResult } from 'node:ffi';
import { assert, bytesOfLatin1, equalBytes } from '../base/index.ts';
import { RC4_DISCARDED_BYTES, Rc4, rc4StateOf, type StreamCipher } from '../link/index.ts';
import { fastestMs } from './fastest-ms.ts';
import { openLibc } from './libc.ts';

const CALLS = {
  RC4_set_key: { arguments: ['pointer', 'int32', 'pointer'], return: 'void' },
  RC4: { arguments: ['pointer', 'uint64', 'pointer', 'pointer'], return: 'void' },
} as const;
/** RC4_KEY has 258 numbers of 4 bytes at most; twice that, so that no build of OpenSSL can write past it. */
const KEY_BYTES = 2064;
/** In a key of single bytes: where they begin, after the two places of the stream, and the mark behind them. */
const STATE_AT = 8;
const MARK_AT = 264;
const MARK = -1;
/** Any key: what it gives is compared with our own RC4. */
const KEY = 'Key';
const CHECKED_BYTES = 1000;
/** A millisecond for both forms together. */
const TRIAL_BYTES = 65_536;

type Calls = DynamicLibraryResult<typeof CALLS>['functions'];
type NewCipher = (key: Uint8Array) => StreamCipher;

class OpensslRc4 implements StreamCipher {
  readonly #calls: Calls;
  readonly #key: ArrayBuffer;

  constructor(calls: Calls, key: ArrayBuffer) {
    this.#calls = calls;
    this.#key = key;
  }

  apply(bytes: Uint8Array, length: number): void {
    assert(length <= bytes.length, 'a cipher is given the bytes that it changes');
    this.#calls.RC4(this.#key, BigInt(length), bytes, bytes);
  }
}

/** Makes the cipher of a key in the faster way; undefined where the runtime's OpenSSL has none, or another one. */
export function openOpensslRc4(): NewCipher | undefined {
  const bytes = new Uint8Array(TRIAL_BYTES);
  const tried = opensslRc4Ways().map((newCipher) => {
    const cipher = newCipher(bytesOfLatin1(KEY));
    return { newCipher, ms: fastestMs(() => cipher.apply(bytes, bytes.length)) };
  });
  return tried.toSorted((one, other) => one.ms - other.ms)[0]?.newCipher;
}

/**
 * All ways that give what they must. OpenSSL chooses between two by processors of 2004; of today's, some are nearly twice
 * as fast in the other one.
 */
export function opensslRc4Ways(): readonly NewCipher[] {
  const calls = openLibc(({ dlopen }) => dlopen(null, CALLS).functions);
  if (!calls) return [];
  const forms = process.arch === 'x64' ? [usualKey, keyOfBytes] : [usualKey];
  const ways = forms.map((form) => (key: Uint8Array) => {
    const cipher = new OpensslRc4(calls, form(calls, key));
    cipher.apply(new Uint8Array(RC4_DISCARDED_BYTES), RC4_DISCARDED_BYTES);
    return cipher;
  });
  return ways.filter(isRc4);
}

/** The form that OpenSSL takes for this processor. */
function usualKey(calls: Calls, key: Uint8Array): ArrayBuffer {
  const usual = new ArrayBuffer(KEY_BYTES);
  calls.RC4_set_key(usual, key.length, key);
  return usual;
}

/** The form that its x86-64 code takes for a Pentium 4, and knows again by the mark (rc4-x86_64.pl). */
function keyOfBytes(_calls: Calls, key: Uint8Array): ArrayBuffer {
  const ofBytes = new ArrayBuffer(KEY_BYTES);
  new Uint8Array(ofBytes).set(rc4StateOf(key), STATE_AT);
  new DataView(ofBytes).setInt32(MARK_AT, MARK, true);
  return ofBytes;
}

/** Whether it gives what it does byte by byte: a build of OpenSSL may know neither form. */
function isRc4(newCipher: NewCipher): boolean {
  const key = bytesOfLatin1(KEY);
  const [bytes, expected] = [new Uint8Array(CHECKED_BYTES), new Uint8Array(CHECKED_BYTES)];
  newCipher(key).apply(bytes, CHECKED_BYTES);
  new Rc4(key).apply(expected, CHECKED_BYTES);
  return equalBytes(bytes, expected);
}
