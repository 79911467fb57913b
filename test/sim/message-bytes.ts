/**
 * What a message weighs on the wire, without encoding it: the codec is asked for one exchange in SAMPLE only, where it
 * also has to give back what it was given. A test holds the estimate against the codec.
 */
import { equalBytes, isFault } from '../../src/base/index.ts';
import type { OverlayMessage } from '../../src/overlay/index.ts';
import { encodeMessage, parseMessage } from './overlay-under-test.ts';

/** One exchange of so many passes the codec. */
export const SAMPLE = 64;
/** What HTTP and TLS add to a question, and to its answer. test/node/overlay-wire.test.ts holds these against real nodes. */
export const QUESTION_OVERHEAD_BYTES = 118;
export const ANSWER_OVERHEAD_BYTES = 61;
/** What a connection costs before its first question and after its last answer, both ways together. */
export const HANDSHAKE_BYTES = 3803;
/** After so long without a question the asker closes it. */
export const CONNECTION_IDLE_MS = 70_000;

const ADDRESS_BYTES = 8;
const DIGEST_BYTES = 15;
const SUSPICION_BYTES = 39;

/** About what `encodeMessage` would give, in bytes. */
export function estimateBytes(message: OverlayMessage): number {
  return valueBytes(message);
}

/** A message as the other side reads it; a text when the codec lost something. */
export function throughCodec(message: OverlayMessage): OverlayMessage | string {
  const parsed = parseMessage(encodeMessage(message));
  if (isFault(parsed)) return `the codec refuses its own ${message.type}: ${parsed.text}`;
  return isSame(parsed, message) ? parsed : `the codec changes a message of type ${message.type}`;
}

function valueBytes(value: unknown): number {
  if (typeof value === 'string') return textBytes(value);
  if (typeof value === 'number') return 2 + digits(value);
  if (value instanceof Uint8Array) return value.length + 1 + digits(value.length);
  if (Array.isArray(value)) return listBytes(value);
  if (typeof value !== 'object' || value === null) return 3;
  if ('host' in value) return ADDRESS_BYTES;
  let sum = 2;
  // Keys have one letter.
  for (const key in value) sum += 3 + valueBytes((value as Record<string, unknown>)[key]);
  return sum;
}

/** Digests, suspicions and keys are packed into one string; records and addresses are a list. */
function listBytes(list: readonly unknown[]): number {
  const [first] = list;
  if (first === undefined) return 2;
  const width = typeof first === 'string' ? first.length / 2 : widthOf(first);
  if (width !== undefined) return list.length * width + 1 + digits(list.length * width);
  return list.reduce((sum: number, item) => sum + valueBytes(item), 2);
}

function widthOf(item: unknown): number | undefined {
  if (typeof item !== 'object' || item === null || !('sequence' in item)) return undefined;
  return 'nodeId' in item ? SUSPICION_BYTES : DIGEST_BYTES;
}

/** Ids, keys and positions are hex here and bytes on the wire. */
function textBytes(text: string): number {
  const length = text.length >= 16 && /^[0-9a-f]+$/.test(text) ? text.length / 2 : text.length;
  return length + 1 + digits(length);
}

function digits(value: number): number {
  return value < 10 ? 1 : value < 100 ? 2 : value < 1000 ? 3 : 1 + Math.floor(Math.log10(value));
}

/** Equal but for what does not matter: keys that are undefined, and the kind of byte array. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Uint8Array) return b instanceof Uint8Array && equalBytes(a, b);
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => isSame(item, b[i]));
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const key in left) if (!isSame(left[key], right[key])) return false;
  for (const key in right) if (right[key] !== undefined && left[key] === undefined) return false;
  return true;
}
