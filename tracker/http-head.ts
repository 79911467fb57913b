/**
 * The head of an HTTP/1 request (RFC 9112), read from raw bytes: enough of it to serve `/announce` and `/scrape`,
 * and strict wherever two readers could disagree about where a request ends. Requests to us have no body.
 */
import { type Fault, publicFault } from '../src/base/index.ts';

/** Most bytes of a request line and its headers. */
export const HEAD_BYTES_MAX = 8192;

const METHOD_BYTES_MAX = 16;
const AUTHORITY_BYTES_MAX = 260;
const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const TAB = 0x09;
const COLON = 0x3a;
const COMMA = 0x2c;
const QUESTION = 0x3f;
const SLASH = 0x2f;

/** What a request is for, known as soon as its path is. */
export interface Route {
  readonly kind: 'announce' | 'scrape';
  readonly isGet: boolean;
  /** Where the request starts, and the byte after its path. */
  readonly start: number;
  readonly pathEnd: number;
}

/** A whole head. */
export interface RequestHead {
  /** The raw query without its question mark; a view of the input. */
  readonly query: Uint8Array;
  readonly isHttp10: boolean;
  /** The client wants the connection to stay. */
  readonly keepsAlive: boolean;
  /** The byte after the head. */
  readonly end: number;
}

export type HeadFault = Fault<'http-malformed' | 'http-too-long'>;

const PATHS = [
  { kind: 'announce', path: bytesOf('/announce') },
  { kind: 'scrape', path: bytesOf('/scrape') },
] as const;
const GET = bytesOf('GET');
const HTTP_SCHEME = bytesOf('http://');
const HTTP_1 = bytesOf('HTTP/1.');
const CONNECTION = bytesOf('connection');
const CONTENT_LENGTH = bytesOf('content-length');
const TRANSFER_ENCODING = bytesOf('transfer-encoding');
const CLOSE = bytesOf('close');
const KEEP_ALIVE = bytesOf('keep-alive');
const IS_TOKEN = tokenBytes();

/** Whose the request at `start` is; undecided while its path is cut off. */
export function routeOf(bytes: Uint8Array, start: number): Route | 'other' | 'undecided' {
  let at = start;
  while (at < bytes.length && bytes[at]! >= 0x41 && bytes[at]! <= 0x5a) at++;
  if (at - start > METHOD_BYTES_MAX) return 'other';
  if (at === bytes.length) return 'undecided';
  if (bytes[at] !== SPACE || at === start) return 'other';
  const isGet = at - start === GET.length && startsWith(bytes, start, GET) === 'yes';
  at++;
  const isAbsolute = startsWith(bytes, at, HTTP_SCHEME);
  if (isAbsolute === 'cut') return 'undecided';
  if (isAbsolute === 'yes') {
    const authority = at + HTTP_SCHEME.length;
    at = authority;
    while (at < bytes.length && bytes[at]! > SPACE && bytes[at] !== SLASH && at - authority <= AUTHORITY_BYTES_MAX)
      at++;
    if (at === bytes.length) return 'undecided';
  }
  let isCut = false;
  for (const { kind, path } of PATHS) {
    const match = startsWith(bytes, at, path);
    const pathEnd = at + path.length;
    if (match === 'cut' || (match === 'yes' && pathEnd === bytes.length)) isCut = true;
    else if (match === 'yes' && (bytes[pathEnd] === QUESTION || bytes[pathEnd] === SPACE)) {
      return { kind, isGet, start, pathEnd };
    }
  }
  return isCut ? 'undecided' : 'other';
}

/** The head of a routed request; undefined while it is cut off. Never looks beyond HEAD_BYTES_MAX. */
export function parseHead(bytes: Uint8Array, route: Route): RequestHead | HeadFault | undefined {
  const limit = Math.min(bytes.length, route.start + HEAD_BYTES_MAX);
  let at = route.pathEnd;
  const queryFrom = bytes[at] === QUESTION ? at + 1 : at;
  while (at < limit && bytes[at]! > SPACE && bytes[at] !== 0x7f) at++;
  if (at >= limit) return cutOff(bytes, limit);
  if (bytes[at] !== SPACE) return malformed('a control character in the request line');
  const query = bytes.subarray(Math.min(queryFrom, at), at);
  const version = at + 1;
  const digit = version + HTTP_1.length;
  if (digit + 2 >= limit) return cutOff(bytes, limit);
  const isHttp10 = bytes[digit] === 0x30;
  if (startsWith(bytes, version, HTTP_1) !== 'yes' || (!isHttp10 && bytes[digit] !== 0x31)) {
    return malformed('not HTTP/1.0 or HTTP/1.1');
  }
  if (bytes[digit + 1] !== CR || bytes[digit + 2] !== LF) return malformed('the request line does not end');
  const headers = readHeaders(bytes, digit + 3, limit);
  if (typeof headers === 'string') return malformed(headers);
  if (headers === undefined) return cutOff(bytes, limit);
  const keepsAlive = isHttp10 ? headers.asksToStay && !headers.asksToClose : !headers.asksToClose;
  return { query, isHttp10, keepsAlive, end: headers.end };
}

interface Headers {
  readonly asksToClose: boolean;
  readonly asksToStay: boolean;
  readonly end: number;
}

/** Every header line up to the empty one; a text says what is wrong, undefined that they are cut off. */
function readHeaders(bytes: Uint8Array, from: number, limit: number): Headers | string | undefined {
  let asksToClose = false;
  let asksToStay = false;
  let hasLength = false;
  for (let at = from; ; ) {
    if (at + 1 >= limit) return undefined;
    if (bytes[at] === CR) {
      return bytes[at + 1] === LF ? { asksToClose, asksToStay, end: at + 2 } : 'a bare carriage return';
    }
    const name = at;
    while (at < limit && IS_TOKEN[bytes[at]!] === 1) at++;
    if (at >= limit) return undefined;
    // A folded line starts with a space, and a space before the colon hides a name: both are ways to smuggle.
    if (bytes[at] !== COLON || at === name) return 'a header name is not a token';
    const nameEnd = at++;
    const value = at;
    while (at < limit && (bytes[at]! >= SPACE || bytes[at] === TAB) && bytes[at] !== 0x7f) at++;
    if (at + 1 >= limit) return undefined;
    if (bytes[at] !== CR || bytes[at + 1] !== LF) return 'a control character in a header';
    if (isName(bytes, name, nameEnd, TRANSFER_ENCODING)) return 'a tracker request has no body';
    if (isName(bytes, name, nameEnd, CONTENT_LENGTH)) {
      if (hasLength || !isZero(bytes, value, at)) return 'a tracker request has no body';
      hasLength = true;
    } else if (isName(bytes, name, nameEnd, CONNECTION)) {
      asksToClose ||= hasOption(bytes, value, at, CLOSE);
      asksToStay ||= hasOption(bytes, value, at, KEEP_ALIVE);
    }
    at += 2;
  }
}

function cutOff(bytes: Uint8Array, limit: number): HeadFault | undefined {
  if (limit === bytes.length) return undefined;
  return publicFault('http-too-long', `a request head is at most ${HEAD_BYTES_MAX} bytes`);
}

function malformed(what: string): HeadFault {
  return publicFault('http-malformed', what);
}

function startsWith(bytes: Uint8Array, at: number, prefix: Uint8Array): 'yes' | 'no' | 'cut' {
  for (let i = 0; i < prefix.length; i++) {
    if (at + i >= bytes.length) return 'cut';
    if (bytes[at + i] !== prefix[i]) return 'no';
  }
  return 'yes';
}

/** True when `bytes[from, to)` is the lower-case name in any case. */
function isName(bytes: Uint8Array, from: number, to: number, name: Uint8Array): boolean {
  if (to - from !== name.length) return false;
  for (let i = 0; i < name.length; i++) {
    const byte = bytes[from + i]!;
    if ((byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte) !== name[i]) return false;
  }
  return true;
}

/** True when the comma-separated list holds the option. */
function hasOption(bytes: Uint8Array, from: number, to: number, option: Uint8Array): boolean {
  for (let at = from; at < to; at++) {
    const start = at;
    while (at < to && bytes[at] !== COMMA) at++;
    const [optionFrom, optionTo] = trimmed(bytes, start, at);
    if (isName(bytes, optionFrom, optionTo, option)) return true;
  }
  return false;
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  const [start, end] = trimmed(bytes, from, to);
  return end - start === 1 && bytes[start] === 0x30;
}

function trimmed(bytes: Uint8Array, from: number, to: number): [number, number] {
  let start = from;
  let end = to;
  while (start < end && (bytes[start] === SPACE || bytes[start] === TAB)) start++;
  while (end > start && (bytes[end - 1] === SPACE || bytes[end - 1] === TAB)) end--;
  return [start, end];
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function tokenBytes(): Uint8Array {
  const table = new Uint8Array(256);
  for (const byte of bytesOf("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
    table[byte] = 1;
  }
  return table;
}
