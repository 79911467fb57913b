/**
 * How records are called in messages: a letter for their kind stands before each, and a short name, which begins with that
 * letter so that no record of another kind hides it, stands for it in digests.
 */
import { concatBytes, hex, type InfoHash, type NodeId, type Sha1, utf8 } from '../base/index.ts';
import type { Token } from './token.ts';

const DESCRIPTOR_LETTER = 0x64;
const GRANT_LETTER = 0x67;
const WIDENING_LETTER = 0x77;
const LETTER_DIGITS = 2;
const KEY_DIGITS = 16;

/** A short name for one record in the newest form that somebody holds. */
export interface Digest {
  /** The first 8 bytes of what the record is about (a node's id, a grant's place), as 16 hex digits. */
  readonly key: string;
  readonly sequence: number;
}

/** A record and the short name of it. */
export interface NamedRecord {
  readonly digest: Digest;
  readonly record: Uint8Array;
}

/** The digest key of a node's descriptor: its letter and seven bytes. */
export function keyOf(nodeId: NodeId): string {
  return keyed(DESCRIPTOR_LETTER, nodeId);
}

/** The digest key of a widening. */
export function wideningKeyOf(infoHash: InfoHash): string {
  return keyed(WIDENING_LETTER, infoHash);
}

/** The digest key of a grant: its letter, and seven bytes of SHA-1 over its giver and place. */
export function grantKeyOf({ giver, to }: { readonly giver: NodeId; readonly to: Token }, sha1: Sha1): string {
  return keyed(GRANT_LETTER, hex(sha1(utf8(`${giver} ${to}`))));
}

function keyed(letter: number, digits: string): string {
  return letter.toString(16) + digits.slice(0, KEY_DIGITS - LETTER_DIGITS);
}

/** A sealed descriptor as it stands in a message. */
export function letteredDescriptor(record: Uint8Array): Uint8Array {
  return withLetter(DESCRIPTOR_LETTER, record);
}

/** A record as it stands in a message, by its short name. */
export function lettered({ digest, record }: NamedRecord): Uint8Array {
  return withLetter(Number.parseInt(digest.key.slice(0, LETTER_DIGITS), 16), record);
}

function withLetter(letter: number, record: Uint8Array): Uint8Array {
  return concatBytes([Uint8Array.of(letter), record]);
}

/** A record from outside, by the letter before it; undefined when no such kind is known. */
export function unletter(
  bytes: Uint8Array,
): { kind: 'descriptor' | 'grant' | 'widening'; record: Uint8Array } | undefined {
  const record = bytes.subarray(1);
  if (bytes[0] === DESCRIPTOR_LETTER) return { kind: 'descriptor', record };
  if (bytes[0] === GRANT_LETTER) return { kind: 'grant', record };
  return bytes[0] === WIDENING_LETTER ? { kind: 'widening', record } : undefined;
}
