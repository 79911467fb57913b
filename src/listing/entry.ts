/**
 * One publisher's signed statement about one torrent: the unit that is listed, synced, edited and withdrawn.
 * Name, size and file count can be checked against metadata (admission.ts); category, tags and description cannot.
 *
 * Bytes: a sealed record (64 signature bytes over `monsoon entry-1\n` + body, then the body), at most 1,024 in all.
 * The body is one canonical bencoded dictionary; unknown keys are ignored and kept, so later versions can add some.
 *   c  integer  category: 0 movie, 1 music, 2 game, 3 application, 4 misc
 *   d  string   description, UTF-8; absent when empty
 *   f  integer  number of files, padding not counted: 1–1,000,000; 0 only when withdrawn
 *   h  string   20 bytes, the v1 info hash
 *   k  string   32 bytes, the publisher's Ed25519 key
 *   n  string   name, UTF-8, 1–200 UTF-16 units; may be empty only when withdrawn
 *   p  integer  when this version was published, seconds since 1970; at most 600 ahead of the reader's clock
 *   q  integer  sequence, 1–2^53-1; of one publisher's entries for one hash the highest counts
 *   s  integer  bytes of all files, padding not counted: 0–2^53-1
 *   t  list     0–5 different tags, each 1–20 of a-z 0-9 -; absent when there are none
 *   w  integer  1 when the publisher withdrew the entry, else absent
 */
import {
  type BencodeDict,
  type BencodeInput,
  cleanText,
  encodeBencode,
  type Fault,
  type InfoHash,
  infoHashBytes,
  infoHashOfBytes,
  isFault,
  type NodeId,
  openRecord,
  publicFault,
  type RecordFault,
  type Sign,
  sealRecord,
  textOfUtf8,
  utf8,
  type Verify,
  type WallSeconds,
  wallSeconds,
} from '../base/index.ts';
import { CATEGORIES, type Category, isTag, TAGS_MAX } from './claims.ts';

export const ENTRY_CONTEXT = 'entry-1';
export const ENTRY_BYTES_MAX = 1024;
/** UTF-16 units. */
export const NAME_LENGTH_MAX = 200;
export const FILES_MAX = 1_000_000;
/** How far a publisher's clock may run ahead of ours. */
export const CLOCK_SKEW_SECONDS = 600;

const SIGNATURE_BYTES = 64;
/** `1:d` and `NNN:` around a description. */
const DESCRIPTION_OVERHEAD_BYTES = 7;
/** UTF-16 units of all texts that fit whatever they are: three bytes each, and at most 400 for all else. */
const TEXTS_THAT_FIT = 200;

export interface Entry {
  readonly infoHash: InfoHash;
  readonly name: string;
  /** Bytes of all files, padding not counted. */
  readonly size: number;
  /** Number of files, padding not counted. */
  readonly files: number;
  readonly category: Category;
  readonly tags: readonly string[];
  readonly description: string;
  readonly publisher: NodeId;
  /** Rises with every edit; the highest wins. */
  readonly sequence: number;
  readonly published: WallSeconds;
  /** True for a tombstone: the publisher took the entry back. */
  readonly isWithdrawn: boolean;
}

export type EntryFault = RecordFault | Fault<'entry-malformed' | 'entry-from-future'>;

/**
 * Seals an entry of ours; the result always opens again within the clock's bounds. A description that does not fit
 * is cut at a character.
 */
export function sealEntry(entry: Entry, sign: Sign): Uint8Array<ArrayBuffer> {
  const name = cleanText(entry.name, NAME_LENGTH_MAX);
  const body: Record<string, BencodeInput | undefined> = {
    c: CATEGORIES.indexOf(entry.category),
    f: entry.files,
    h: infoHashBytes(entry.infoHash),
    n: name === '' && !entry.isWithdrawn ? '_' : name,
    p: entry.published,
    q: entry.sequence,
    s: entry.size,
    t: entry.tags.length > 0 ? entry.tags : undefined,
    w: entry.isWithdrawn ? 1 : undefined,
  };
  const said = cleanText(entry.description, ENTRY_BYTES_MAX);
  const texts = name.length + said.length + entry.tags.join('').length;
  const description = texts <= TEXTS_THAT_FIT ? said.trimEnd() : cutToUtf8Bytes(said, roomBeside(body));
  return sealRecord(ENTRY_CONTEXT, { ...body, d: description === '' ? undefined : description }, entry.publisher, sign);
}

/** Bytes left for a description. */
function roomBeside(body: Readonly<Record<string, BencodeInput | undefined>>): number {
  const taken = SIGNATURE_BYTES + encodeBencode({ ...body, k: new Uint8Array(32) }).length;
  return ENTRY_BYTES_MAX - taken - DESCRIPTION_OVERHEAD_BYTES;
}

/** Opens an entry from outside: signature, every bound and the clock are checked, texts are cleaned. */
export function openEntry(bytes: Uint8Array, verify: Verify, wallNow: WallSeconds): Entry | EntryFault {
  const record = openRecord(ENTRY_CONTEXT, bytes, verify, ENTRY_BYTES_MAX);
  if (isFault(record)) return record;
  const { body } = record;
  const withdrawn = body.has('w') ? wholeAt(body, 'w', 1, 1) : 0;
  const hash = body.get('h');
  const infoHash = hash instanceof Uint8Array ? infoHashOfBytes(hash) : undefined;
  const name = textAt(body, 'n', NAME_LENGTH_MAX);
  const description = body.has('d') ? textAt(body, 'd', ENTRY_BYTES_MAX) : '';
  const category = CATEGORIES[wholeAt(body, 'c', 0, CATEGORIES.length - 1) ?? -1];
  const tags = tagsAt(body);
  const files = wholeAt(body, 'f', withdrawn ? 0 : 1, FILES_MAX);
  const size = wholeAt(body, 's', 0, Number.MAX_SAFE_INTEGER);
  const sequence = wholeAt(body, 'q', 1, Number.MAX_SAFE_INTEGER);
  const published = wholeAt(body, 'p', 0, Number.MAX_SAFE_INTEGER);
  if (withdrawn === undefined) return malformed('w');
  if (!infoHash) return malformed('h');
  if (name === undefined || (name === '' && !withdrawn)) return malformed('n');
  if (description === undefined) return malformed('d');
  if (!category) return malformed('c');
  if (!tags) return malformed('t');
  if (files === undefined) return malformed('f');
  if (size === undefined) return malformed('s');
  if (sequence === undefined) return malformed('q');
  if (published === undefined) return malformed('p');
  if (published > wallNow + CLOCK_SKEW_SECONDS) {
    return publicFault('entry-from-future', `the entry is dated over ${CLOCK_SKEW_SECONDS} s ahead`);
  }
  return {
    infoHash,
    name,
    size,
    files,
    category,
    tags,
    description,
    publisher: record.signer,
    sequence,
    published: wallSeconds(published),
    isWithdrawn: withdrawn === 1,
  };
}

function malformed(key: string): Fault<'entry-malformed'> {
  return publicFault('entry-malformed', `the entry's "${key}" is missing or out of bounds`);
}

function wholeAt(body: BencodeDict, key: string, min: number, max: number): number | undefined {
  const value = body.get(key);
  return typeof value === 'number' && value >= min && value <= max ? value : undefined;
}

/** Length is judged before cleaning, so that readers whose tables of invisible characters differ agree. */
function textAt(body: BencodeDict, key: string, lengthMax: number): string | undefined {
  const value = body.get(key);
  const text = value instanceof Uint8Array ? textOfUtf8(value) : undefined;
  return text === undefined || text.length > lengthMax ? undefined : cleanText(text, lengthMax);
}

function tagsAt(body: BencodeDict): string[] | undefined {
  const value = body.get('t') ?? [];
  if (!Array.isArray(value) || value.length > TAGS_MAX) return undefined;
  const tags: string[] = [];
  for (const item of value) {
    const tag = item instanceof Uint8Array ? textOfUtf8(item) : undefined;
    if (tag === undefined || !isTag(tag) || tags.includes(tag)) return undefined;
    tags.push(tag);
  }
  return tags;
}

/** The longest prefix of whole characters that takes at most `bytesMax` bytes. */
function cutToUtf8Bytes(text: string, bytesMax: number): string {
  const bytes = utf8(text);
  let end = Math.min(bytes.length, Math.max(0, bytesMax));
  while (end > 0 && end < bytes.length && (bytes[end]! & 0xc0) === 0x80) end--;
  return (textOfUtf8(bytes.subarray(0, end)) ?? '').trimEnd();
}
