/**
 * Transaction signatures (RFC 8945) by HMAC-SHA256: who has the key may fetch the zone, and can tell that what comes is
 * ours. Messages are bytes; the hash comes from the host. It keeps nothing between messages but the last signature.
 */
import { bytesOfLatin1, concatBytes, equalBytes, readUint16, readUint32, type WallSeconds } from '../src/base/index.ts';
import { CLASS_ANY, endOfName, lowerCased, type Query, TYPE, wireName, writeUint16 } from './message.ts';

/** A key that both sides have. */
export interface TsigKey {
  /** A domain name, as a text. */
  readonly name: string;
  readonly secret: Uint8Array;
}
/** HMAC-SHA256, 32 bytes. */
export type Hmac = (key: Uint8Array, message: Uint8Array) => Uint8Array;

/** What a signature on a query turned out to be. */
export type TsigCheck = { readonly isGood: true; readonly mac: Uint8Array } | BadSignature;
export interface BadSignature {
  readonly isGood: false;
  /** One of `TSIG_ERROR`. */
  readonly error: number;
  /** What the query's signature says of itself; undefined when it is malformed. */
  readonly fields: TsigFields | undefined;
}

/** Errors as TSIG writes them. */
export const TSIG_ERROR = { badSignature: 16, badKey: 17, badTime: 18 } as const;

const ALGORITHM: Uint8Array = bytesOfLatin1(wireName('hmac-sha256')!);
const MAC_BYTES = 32;
/** How far clocks may differ. */
const FUDGE_SECONDS = 300;
const TIME_BYTES = 6;
const TYPE_TO_DATA_BYTES = 10;
const COUNTS_AT = 10;
const HIGH_BITS = 2 ** 32;

/** A TSIG record's own fields, names in lower case. */
export interface TsigFields {
  readonly keyName: Uint8Array;
  readonly algorithm: Uint8Array;
  readonly seconds: number;
  readonly fudge: number;
  readonly mac: Uint8Array;
  readonly originalId: number;
}

/** Signs and checks under one key. */
export class Tsig {
  readonly #name: Uint8Array;
  readonly #secret: Uint8Array;
  readonly #hmac: Hmac;

  constructor(key: TsigKey, hmac: Hmac) {
    this.#name = bytesOfLatin1(wireName(key.name) ?? '');
    this.#secret = key.secret;
    this.#hmac = hmac;
  }

  /** Checks the signature of a query that has one. */
  check(query: Query, now: WallSeconds): TsigCheck {
    const fields = fieldsOf(query);
    if (!fields || !equalBytes(fields.keyName, this.#name) || !equalBytes(fields.algorithm, ALGORITHM)) {
      return { isGood: false, error: TSIG_ERROR.badKey, fields };
    }
    const { seconds, fudge, mac, originalId } = fields;
    const signed = query.bytes.slice(0, query.tsigAt);
    writeUint16(signed, 0, originalId);
    writeUint16(signed, COUNTS_AT, readUint16(signed, COUNTS_AT) - 1);
    const expected = this.#hmac(this.#secret, concatBytes([signed, variables(this.#name, seconds, fudge, 0, NOTHING)]));
    if (mac.length !== MAC_BYTES || !isSameMac(mac, expected)) {
      return { isGood: false, error: TSIG_ERROR.badSignature, fields };
    }
    if (Math.abs(now - seconds) > fudge) return { isGood: false, error: TSIG_ERROR.badTime, fields };
    return { isGood: true, mac };
  }

  /**
   * Signs a message; returns it with its TSIG record, and its signature for the one after it.
   * @param before the signature of the query or of the message before; undefined for a query of ours
   * @param isFollowing the second or a later message of one answer, which signs times alone
   */
  sign(
    message: Uint8Array,
    before: Uint8Array | undefined,
    now: WallSeconds,
    isFollowing = false,
  ): { readonly bytes: Uint8Array; readonly mac: Uint8Array } {
    const tail = isFollowing ? times(now, FUDGE_SECONDS) : variables(this.#name, now, FUDGE_SECONDS, 0, NOTHING);
    const mac = this.#hmac(this.#secret, concatBytes([...lengthened(before), message, tail]));
    const own = { keyName: this.#name, algorithm: ALGORITHM, seconds: now, fudge: FUDGE_SECONDS };
    const record = recordOf({ ...own, mac, originalId: readUint16(message, 0) }, 0, NOTHING);
    return { bytes: withRecord(message, record), mac };
  }

  /**
   * A message that refuses a query, with the record that says why (RFC 8945, 5.2 and 5.3.2). It is signed only where the
   * asker has proved the key: for a clock that is wrong, with ours.
   */
  refuse(message: Uint8Array, { error, fields }: BadSignature, now: WallSeconds): Uint8Array<ArrayBuffer> {
    const { keyName = this.#name, algorithm = ALGORITHM, seconds = now, fudge = FUDGE_SECONDS } = fields ?? {};
    const isTime = error === TSIG_ERROR.badTime;
    const other = isTime ? timeBytes(now) : NOTHING;
    const signed = [...lengthened(fields?.mac), message, variables(this.#name, seconds, fudge, error, other)];
    const mac = isTime ? this.#hmac(this.#secret, concatBytes(signed)) : NOTHING;
    const signature = { keyName, algorithm, seconds, fudge, mac, originalId: readUint16(message, 0) };
    return withRecord(message, recordOf(signature, error, other));
  }
}

/** A message with one more additional record at its end. */
function withRecord(message: Uint8Array, record: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = concatBytes([message, record]);
  writeUint16(whole, COUNTS_AT, readUint16(whole, COUNTS_AT) + 1);
  return whole;
}

const NOTHING = new Uint8Array(0);

/** The fields of a query's TSIG record; undefined when it is malformed. */
function fieldsOf({ bytes, tsigAt }: Query): TsigFields | undefined {
  const nameEnd = endOfName(bytes, tsigAt);
  const algorithmAt = nameEnd + TYPE_TO_DATA_BYTES;
  const timeAt = endOfName(bytes, algorithmAt);
  const macAt = timeAt + TIME_BYTES + 4;
  if (timeAt < 0 || readUint16(bytes, nameEnd + 2) !== CLASS_ANY || macAt > bytes.length) return undefined;
  const macEnd = macAt + readUint16(bytes, macAt - 2);
  // Original id, error and the length of other data.
  if (macEnd + 6 > bytes.length || macEnd + 6 + readUint16(bytes, macEnd + 4) !== bytes.length) return undefined;
  return {
    keyName: bytes.slice(tsigAt, nameEnd).map(lowerCased),
    algorithm: bytes.slice(algorithmAt, timeAt).map(lowerCased),
    seconds: readUint16(bytes, timeAt) * HIGH_BITS + readUint32(bytes, timeAt + 2),
    fudge: readUint16(bytes, timeAt + TIME_BYTES),
    mac: bytes.slice(macAt, macEnd),
    originalId: readUint16(bytes, macEnd),
  };
}

/** Constant time, for it guards the key. */
function isSameMac(mac: Uint8Array, expected: Uint8Array): boolean {
  let difference = 0;
  for (let i = 0; i < MAC_BYTES; i++) difference |= mac[i]! ^ expected[i]!;
  return difference === 0;
}

function timeBytes(seconds: number): Uint8Array {
  const bytes = new Uint8Array(TIME_BYTES);
  new DataView(bytes.buffer).setUint32(2, seconds % HIGH_BITS);
  writeUint16(bytes, 0, Math.floor(seconds / HIGH_BITS));
  return bytes;
}

function numbers(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [value >>> 8, value & 255]));
}

function times(seconds: number, fudge: number): Uint8Array {
  return concatBytes([timeBytes(seconds), numbers(fudge)]);
}

function variables(name: Uint8Array, seconds: number, fudge: number, error: number, other: Uint8Array): Uint8Array {
  const head = [name, numbers(CLASS_ANY, 0, 0), ALGORITHM, times(seconds, fudge)];
  return concatBytes([...head, numbers(error, other.length), other]);
}

function lengthened(mac: Uint8Array | undefined): Uint8Array[] {
  return mac ? [numbers(mac.length), mac] : [];
}

function recordOf(
  { keyName, algorithm, seconds, fudge, mac, originalId }: TsigFields,
  error: number,
  other: Uint8Array,
): Uint8Array {
  const data = concatBytes([
    algorithm,
    times(seconds, fudge),
    numbers(mac.length),
    mac,
    numbers(originalId, error, other.length),
    other,
  ]);
  return concatBytes([keyName, numbers(TYPE.TSIG, CLASS_ANY, 0, 0, data.length), data]);
}
