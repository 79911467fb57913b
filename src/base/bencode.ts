/**
 * Strict bencode (BEP 3): canonical integers, sorted unique keys, nothing after the value, bounded depth and
 * size. Strings are views of the input; nothing is copied and nothing is allocated for a claimed length.
 */
import { assert } from './assert.ts';
import { bytesOfLatin1, concatBytes, latin1, utf8 } from './bytes.ts';
import { type Fault, fault, isFault } from './fault.ts';
import { finish, type Steps } from './steps.ts';

/** Deepest nesting of lists and dictionaries. */
export const BENCODE_DEPTH_MAX = 100;
/** Most values in one document, keys included. */
export const BENCODE_TOKENS_MAX = 3_000_000;

/** Values read between two rests: about a millisecond. */
const TOKENS_A_STEP = 4096;
const INTEGER_DIGITS_MAX = 19;
/** So many digits always fit a number exactly. */
const EXACT_DIGITS_MAX = 15;
const SHORT_KEY_BYTES = 32;
const INT64_MAX = 2n ** 63n - 1n;

/** A dictionary; keys are kept one character per byte. */
export type BencodeDict = Map<string, BencodeValue>;
/** A decoded value. Integers are bigint only where a number would lose digits. */
export type BencodeValue = number | bigint | Uint8Array | BencodeValue[] | BencodeDict;
/** What can be encoded: as decoded, plus texts (as UTF-8) and plain records (keys sorted here). */
export type BencodeInput =
  | number
  | bigint
  | string
  | Uint8Array
  | readonly BencodeInput[]
  | ReadonlyMap<string, BencodeInput>
  | { readonly [key: string]: BencodeInput | undefined };

export type BencodeFault = Fault<'bencode-malformed' | 'bencode-too-deep' | 'bencode-too-large'>;

/** How strictly to read: peers in the wild send extension messages with unsorted keys and trailing data. */
export interface BencodeOptions {
  /** Accept unsorted keys; duplicates are refused all the same. */
  readonly anyKeyOrder?: boolean;
  /** Accept bytes after the value (`decodeBencodePrefix` tells where it ended). */
  readonly trailingBytes?: boolean;
  /** Most values, keys included: formats whose size is known say so, for a hostile megabyte takes 0.4 s to build. */
  readonly tokensMax?: number;
  /** A key of the outermost dictionary of whose value the place is wanted. */
  readonly rangeOf?: string;
}

/** A list or a dictionary whose end was not read yet: one of `items` and `entries` is there. */
interface Open {
  readonly items: BencodeValue[] | undefined;
  readonly entries: BencodeDict | undefined;
  /** Of a dictionary: the key read last. */
  key: string | undefined;
  readonly around: Open | undefined;
  readonly depth: number;
}

class Reader {
  at = 0;
  tokens = 0;
  readonly bytes: Uint8Array;
  readonly options: BencodeOptions;
  readonly tokensMax: number;
  innermost: Open | undefined;
  /** Of the key of the outermost dictionary that the options name, once it was read. */
  range: { readonly from: number; readonly to: number } | undefined;
  rangeFrom = 0;

  constructor(bytes: Uint8Array, options: BencodeOptions) {
    this.bytes = bytes;
    this.options = options;
    this.tokensMax = Math.min(options.tokensMax ?? BENCODE_TOKENS_MAX, BENCODE_TOKENS_MAX);
  }

  /** Reads so many more values; undefined when the document goes on after them. */
  read(count: number): BencodeValue | BencodeFault | undefined {
    for (const restAt = this.tokens + count; this.tokens < restAt; ) {
      const value = this.next();
      if (value === undefined) continue;
      if (isFault(value)) return value;
      const around = this.innermost;
      if (!around) return value;
      if (around.items) around.items.push(value);
      else this.enter(around, value);
    }
    return undefined;
  }

  /** The next value that is whole; undefined when one was opened instead. */
  next(): BencodeValue | BencodeFault | undefined {
    const around = this.innermost;
    if (around) {
      if (this.bytes[this.at] === 0x65) {
        this.at++;
        this.innermost = around.around;
        return around.items ?? around.entries;
      }
      const problem = around.entries && this.readKey(around, around.entries);
      if (problem) return problem;
    }
    if (++this.tokens > this.tokensMax) return fault('bencode-too-large', `over ${this.tokensMax} values`);
    const first = this.bytes[this.at];
    if (first === 0x69) return this.integer();
    if (first !== 0x6c && first !== 0x64) return this.string();
    const depth = (around?.depth ?? 0) + 1;
    if (depth > BENCODE_DEPTH_MAX) return fault('bencode-too-deep', `nested over ${BENCODE_DEPTH_MAX} deep`);
    this.at++;
    const isList = first === 0x6c;
    this.innermost = {
      items: isList ? [] : undefined,
      entries: isList ? undefined : new Map(),
      key: undefined,
      around,
      depth,
    };
    return undefined;
  }

  readKey(around: Open, entries: BencodeDict): BencodeFault | undefined {
    const key = this.key();
    if (isFault(key)) return key;
    if (around.key !== undefined && key <= around.key && !this.options.anyKeyOrder) {
      return this.malformed('keys are not sorted');
    }
    if (entries.has(key)) return this.malformed('a key stands twice');
    around.key = key;
    this.tokens++;
    if (around.depth === 1) this.rangeFrom = this.at;
    return undefined;
  }

  enter({ entries, key, depth }: Open, value: BencodeValue): void {
    entries!.set(key!, value);
    if (depth === 1 && key === this.options.rangeOf) this.range = { from: this.rangeFrom, to: this.at };
  }

  string(): Uint8Array | BencodeFault {
    const from = this.stringStart();
    return isFault(from) ? from : this.bytes.subarray(from, this.at);
  }

  /** A key never becomes a view: they are half of a document's strings, and a view costs more than its text. */
  key(): string | BencodeFault {
    const from = this.stringStart();
    if (isFault(from)) return from;
    if (this.at - from > SHORT_KEY_BYTES) return latin1(this.bytes.subarray(from, this.at));
    let key = '';
    for (let at = from; at < this.at; at++) key += String.fromCharCode(this.bytes[at]!);
    return key;
  }

  /** Where a string's bytes start; they end where the reader then stands. */
  stringStart(): number | BencodeFault {
    const start = this.at;
    let length = 0;
    for (;;) {
      const digit = this.bytes[this.at];
      if (digit === undefined) return this.malformed('a string length is cut off');
      if (digit === 0x3a) break;
      if (digit < 0x30 || digit > 0x39) return this.malformed('expected a value');
      if (this.at > start && length === 0) return this.malformed('a string length has a leading zero');
      length = length * 10 + digit - 0x30;
      if (length > this.bytes.length) return this.malformed('a string is longer than the input');
      this.at++;
    }
    if (this.at === start) return this.malformed('expected a value');
    const from = this.at + 1;
    if (from + length > this.bytes.length) return this.malformed('a string is longer than the input');
    this.at = from + length;
    return from;
  }

  integer(): number | bigint | BencodeFault {
    const from = ++this.at;
    const isNegative = this.bytes[from] === 0x2d;
    if (isNegative) this.at++;
    const digits = this.at;
    let magnitude = 0;
    for (let digit = this.bytes[this.at]; digit !== undefined && digit >= 0x30 && digit <= 0x39; ) {
      magnitude = magnitude * 10 + digit - 0x30;
      digit = this.bytes[++this.at];
    }
    const count = this.at - digits;
    if (this.bytes[this.at] !== 0x65) return this.malformed('an integer does not end');
    if (count === 0 || count > INTEGER_DIGITS_MAX) return this.malformed('an integer has no or too many digits');
    if (this.bytes[digits] === 0x30 && (count > 1 || isNegative)) return this.malformed('an integer is not canonical');
    const end = this.at++;
    if (count <= EXACT_DIGITS_MAX) return isNegative ? -magnitude : magnitude;
    const exact = BigInt(latin1(this.bytes.subarray(from, end)));
    if (exact > INT64_MAX || exact < -INT64_MAX - 1n) return this.malformed('an integer does not fit 64 bits');
    return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
  }

  malformed(what: string): BencodeFault {
    return fault('bencode-malformed', `${what} at byte ${this.at}`);
  }
}

/** Decodes one whole value (BEP 3). Strings in the result are views of `bytes`. */
export function decodeBencode(bytes: Uint8Array, options: BencodeOptions = {}): BencodeValue | BencodeFault {
  const decoded = decodeBencodePrefix(bytes, options);
  return isFault(decoded) ? decoded : decoded.value;
}

/** A value, and where it ended. */
export interface DecodedPrefix {
  readonly value: BencodeValue;
  readonly end: number;
  /** Where the value of `rangeOf` stands: the exact bytes are what an info hash is taken over. */
  readonly range: { readonly from: number; readonly to: number } | undefined;
}

/** Decodes the value at the start and tells where it ended, for formats that append raw bytes (BEP 9). */
export function decodeBencodePrefix(bytes: Uint8Array, options: BencodeOptions = {}): DecodedPrefix | BencodeFault {
  return finish(bencodeSteps(bytes, options));
}

/** The same in steps, for documents that take long. */
export function* bencodeSteps(bytes: Uint8Array, options: BencodeOptions): Steps<DecodedPrefix | BencodeFault> {
  const reader = new Reader(bytes, options);
  let value = reader.read(TOKENS_A_STEP);
  for (; value === undefined; value = reader.read(TOKENS_A_STEP)) yield;
  if (isFault(value)) return value;
  if (reader.at !== bytes.length && !options.trailingBytes) return reader.malformed('bytes follow the value');
  return { value, end: reader.at, range: reader.range };
}

/** Encodes canonically: keys sorted by their bytes, undefined members left out. */
export function encodeBencode(value: BencodeInput): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  write(value, parts);
  return concatBytes(parts);
}

const OPEN_LIST = utf8('l');
const OPEN_DICT = utf8('d');
const CLOSE = utf8('e');

function write(value: BencodeInput, parts: Uint8Array[]): void {
  if (typeof value === 'number' || typeof value === 'bigint') {
    assert(typeof value === 'bigint' || Number.isSafeInteger(value), 'only whole numbers can be bencoded');
    parts.push(utf8(`i${value}e`));
  } else if (typeof value === 'string') {
    writeString(utf8(value), parts);
  } else if (value instanceof Uint8Array) {
    writeString(value, parts);
  } else if (isList(value)) {
    parts.push(OPEN_LIST);
    for (const item of value) write(item, parts);
    parts.push(CLOSE);
  } else {
    const entries = value instanceof Map ? [...value] : Object.entries(value);
    parts.push(OPEN_DICT);
    for (const [key, item] of entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))) {
      if (item === undefined) continue;
      writeString(bytesOfLatin1(key), parts);
      write(item, parts);
    }
    parts.push(CLOSE);
  }
}

function isList(value: object): value is readonly BencodeInput[] {
  return Array.isArray(value);
}

function writeString(bytes: Uint8Array, parts: Uint8Array[]): void {
  parts.push(utf8(`${bytes.length}:`), bytes);
}
