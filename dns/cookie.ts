/**
 * Server cookies (RFC 7873, made as RFC 9018 says): who sends one back got our answer at the address that it asks from,
 * so the source of its queries is not forged. Nothing is kept for any asker; the secret alone tells ours.
 */
import { concatBytes, equalBytes, readUint32, type WallSeconds, writeUint32 } from '../src/base/index.ts';
import { CLIENT_COOKIE_BYTES, type Query, SERVER_COOKIE_BYTES } from './message.ts';
import { sipHash } from './sip-hash.ts';

/** How old a server cookie may be, and how far ahead of our clock. */
const AGE_MAX_SECONDS = 3600;
const AHEAD_MAX_SECONDS = 300;
/** Until then an asker keeps its cookie. */
const RENEW_SECONDS = 1800;
const HEAD_BYTES = 8;
const VERSION = 1;

/** The bytes that `make` returns; `secret` is 16 random bytes. */
export class Cookies {
  readonly #secret: Uint8Array;

  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  /** The server cookie for the asker at `ip` (4 or 16 bytes) with this client cookie. */
  make(clientCookie: Uint8Array, ip: Uint8Array, now: WallSeconds): Uint8Array<ArrayBuffer> {
    const head = new Uint8Array(HEAD_BYTES);
    head[0] = VERSION;
    writeUint32(head, 4, now);
    return concatBytes([head, sipHash(this.#secret, concatBytes([clientCookie, head, ip]))]);
  }

  /** The server cookie that a query's asker has from now on: its own where it is proven and young, else a new one. */
  next(query: Query, isProven: boolean, ip: Uint8Array, now: WallSeconds): Uint8Array {
    const { bytes, cookieAt } = query;
    const serverAt = cookieAt + CLIENT_COOKIE_BYTES;
    const isYoung = isProven && ((now - readUint32(bytes, serverAt + 4)) | 0) < RENEW_SECONDS;
    if (isYoung) return bytes.subarray(serverAt, serverAt + SERVER_COOKIE_BYTES);
    return this.make(bytes.subarray(cookieAt, serverAt), ip, now);
  }

  /** Whether a query brings a server cookie that we made for its source. */
  isProof({ bytes, cookieAt, cookieBytes }: Query, ip: Uint8Array, now: WallSeconds): boolean {
    if (cookieBytes !== CLIENT_COOKIE_BYTES + SERVER_COOKIE_BYTES) return false;
    const serverAt = cookieAt + CLIENT_COOKIE_BYTES;
    const made = readUint32(bytes, serverAt + 4);
    // Serial arithmetic, as RFC 9018 wants it: the field has 32 bits.
    const age = (now - made) | 0;
    if (bytes[serverAt] !== VERSION || age > AGE_MAX_SECONDS || age < -AHEAD_MAX_SECONDS) return false;
    const client = bytes.subarray(cookieAt, serverAt);
    // 8 bytes of a keyed hash that live an hour: comparing them leaks nothing that could be used in time.
    const expected = this.make(client, ip, made as WallSeconds);
    return equalBytes(bytes.subarray(serverAt, serverAt + SERVER_COOKIE_BYTES), expected);
  }
}
