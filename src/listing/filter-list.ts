/**
 * A list of filter rules that its author signs and others subscribe to by his key. It travels through the supernodes that
 * keep the key's place, none of whom has to be believed: of one key's lists the one with the highest sequence counts.
 *
 * Bytes: a sealed record (64 signature bytes over `monsoon filter-1\n` + body, then the body), at most 262,144 in all.
 * The body is one canonical bencoded dictionary; unknown keys are ignored and kept.
 *   k  string   32 bytes, the author's Ed25519 key
 *   n  string   title, UTF-8, 1–80 UTF-16 units
 *   p  integer  when this version was signed, seconds since 1970; at most 600 ahead of the reader's clock
 *   q  integer  sequence, 1–2^53-1
 *   r  string   rules as in deny-list.ts, UTF-8, one a line; lines that a reader does not know are ignored
 */
import {
  cleanText,
  concatBytes,
  type Fault,
  type InfoHash,
  infoHashOfBytes,
  isFault,
  type NodeId,
  nodeIdBytes,
  openRecord,
  publicFault,
  type RecordFault,
  type Sha1,
  type Sign,
  sealRecord,
  textOfUtf8,
  utf8,
  type Verify,
  type WallSeconds,
  wallSeconds,
} from '../base/index.ts';
import { CLOCK_SKEW_SECONDS } from './entry.ts';

export const FILTER_LIST_CONTEXT = 'filter-1';
/** About 6,000 info hashes. */
export const FILTER_LIST_BYTES_MAX: number = 256 * 1024;
/** UTF-16 units. */
export const FILTER_TITLE_LENGTH_MAX = 80;

export interface FilterList {
  readonly author: NodeId;
  readonly title: string;
  /** Rises with every version; the highest wins. */
  readonly sequence: number;
  readonly published: WallSeconds;
  /** One rule a line. */
  readonly rules: string;
}

export type FilterListFault = RecordFault | Fault<'filter-list-malformed' | 'filter-list-from-future'>;

/** Seals a list of ours; undefined when it is too long. */
export function sealFilterList(list: FilterList, sign: Sign): Uint8Array<ArrayBuffer> | undefined {
  const body = {
    n: cleanText(list.title, FILTER_TITLE_LENGTH_MAX) || '_',
    p: list.published,
    q: list.sequence,
    r: list.rules,
  };
  const bytes = sealRecord(FILTER_LIST_CONTEXT, body, list.author, sign);
  return bytes.length > FILTER_LIST_BYTES_MAX ? undefined : bytes;
}

/** Opens a list from outside: signature, every bound and the clock are checked, the title is cleaned. */
export function openFilterList(bytes: Uint8Array, verify: Verify, wallNow: WallSeconds): FilterList | FilterListFault {
  const record = openRecord(FILTER_LIST_CONTEXT, bytes, verify, FILTER_LIST_BYTES_MAX);
  if (isFault(record)) return record;
  const [title, published, sequence, rules] = ['n', 'p', 'q', 'r'].map((key) => record.body.get(key));
  const titleText = title instanceof Uint8Array ? textOfUtf8(title) : undefined;
  const rulesText = rules instanceof Uint8Array ? textOfUtf8(rules) : undefined;
  if (!titleText || titleText.length > FILTER_TITLE_LENGTH_MAX) return malformed('n');
  if (typeof published !== 'number' || published < 0) return malformed('p');
  if (typeof sequence !== 'number' || sequence < 1) return malformed('q');
  if (rulesText === undefined) return malformed('r');
  if (published > wallNow + CLOCK_SKEW_SECONDS) {
    return publicFault('filter-list-from-future', `the list is dated over ${CLOCK_SKEW_SECONDS} s ahead`);
  }
  return {
    author: record.signer,
    title: cleanText(titleText, FILTER_TITLE_LENGTH_MAX),
    sequence,
    published: wallSeconds(published),
    rules: rulesText,
  };
}

/** Where on the ring an author's list is kept: at the owner set of this place. */
export function placeOfFilterList(author: NodeId, sha1: Sha1): InfoHash {
  return infoHashOfBytes(sha1(concatBytes([utf8(`monsoon ${FILTER_LIST_CONTEXT}\n`), nodeIdBytes(author)])))!;
}

function malformed(key: string): Fault<'filter-list-malformed'> {
  return publicFault('filter-list-malformed', `the list's "${key}" is missing or out of bounds`);
}
