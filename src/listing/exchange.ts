/**
 * What nodes say to each other about the listing, bencoded: a page of changes (GET /listing?since=CURSOR) and a
 * publication (POST /listing). Only shapes and sizes are checked here; entries inside are still sealed.
 *
 * Page: `cursor` string, 1–64 of a-z 0-9 `.` `-`, to be sent back as it is; `from` 32 bytes, the node that made the page and
 * its counts; `items` list, at most 1,000; `more` integer, 0 or 1; `network` string, absent when the node has none.
 * Item: `e` sealed entry; `s` seeders, `l` leechers, `c` completions, each absent when unknown; `v` 1 when the
 * node checked the entry against its metadata, else absent.
 * Publication: `e` sealed entry; `i` exact bytes of the info dictionary as a string, absent when not sent.
 * Unknown keys are ignored everywhere.
 */
import { NETWORK_NAME } from '../../config/index.ts';
import {
  assert,
  type BencodeDict,
  type BencodeValue,
  decodeBencode,
  encodeBencode,
  type Fault,
  isFault,
  type NodeId,
  nodeIdBytes,
  nodeIdOfBytes,
  publicFault,
  textOfUtf8,
} from '../base/index.ts';
import { ENTRY_BYTES_MAX } from './entry.ts';
import type { Counts } from './row.ts';

export const PAGE_ITEMS_MAX = 1000;
export const PAGE_BYTES_MAX: number = 2 * 2 ** 20;
/** Largest info dictionary that is taken with a publication. */
export const INFO_BYTES_MAX: number = 10 * 2 ** 20;
export const PUBLICATION_BYTES_MAX: number = INFO_BYTES_MAX + ENTRY_BYTES_MAX + 64;
/** An item takes 11 values; the rest is room for later keys. Bounds the time that a hostile page takes to parse. */
const PAGE_TOKENS_MAX = 32_000;
const PUBLICATION_TOKENS_MAX = 64;
const COUNT_MAX = 4_294_967_295;
const CURSOR = /^[a-z0-9.-]{1,64}$/;

export interface PageItem {
  /** A sealed entry; whether it opens is not known yet. */
  readonly entry: Uint8Array;
  readonly counts: Counts;
  /** The sender's word that it checked the entry against metadata. */
  readonly isVerified: boolean;
}

export interface ListingPage {
  /** Where to go on; opaque to all but the node that made it. */
  readonly cursor: string;
  /** True when a next page is ready now. */
  readonly more: boolean;
  readonly network?: string;
  /** Who made the page and the counts in it. */
  readonly source: NodeId;
  readonly items: readonly PageItem[];
}

export interface Publication {
  readonly entry: Uint8Array;
  /** Exact bytes of the info dictionary, to verify the entry with. */
  readonly info?: Uint8Array;
}

export type ExchangeFault = Fault<'page-malformed' | 'page-too-large' | 'publication-malformed'>;

/** Tells a cursor from any other text, such as a query parameter. */
export function isCursor(text: string): boolean {
  return CURSOR.test(text);
}

/** Encodes a page of at most PAGE_ITEMS_MAX items; the result never exceeds PAGE_BYTES_MAX. */
export function encodeListingPage(page: ListingPage): Uint8Array<ArrayBuffer> {
  assert(page.items.length <= PAGE_ITEMS_MAX, 'a listing page holds at most PAGE_ITEMS_MAX items');
  return encodeBencode({
    cursor: page.cursor,
    from: nodeIdBytes(page.source),
    items: page.items.map(({ entry, counts, isVerified }) => ({
      e: entry,
      s: counts.seeders,
      l: counts.leechers,
      c: counts.completions,
      v: isVerified ? 1 : undefined,
    })),
    more: page.more ? 1 : 0,
    network: page.network,
  });
}

/** Parses a page from another node; one malformed item refuses the page. */
export function parseListingPage(bytes: Uint8Array): ListingPage | ExchangeFault {
  if (bytes.length > PAGE_BYTES_MAX) {
    return publicFault('page-too-large', `a listing page has at most ${PAGE_BYTES_MAX} bytes`);
  }
  const page = decodeBencode(bytes, { tokensMax: PAGE_TOKENS_MAX });
  if (isFault(page) || !(page instanceof Map)) return malformedPage('it is not a bencoded dictionary');
  const cursor = textAt(page, 'cursor');
  if (cursor === undefined || !CURSOR.test(cursor)) return malformedPage('it has no cursor');
  const from = page.get('from');
  const source = from instanceof Uint8Array ? nodeIdOfBytes(from) : undefined;
  if (!source) return malformedPage('it names no source');
  const more = page.get('more');
  if (more !== 0 && more !== 1) return malformedPage('"more" is neither 0 nor 1');
  const network = textAt(page, 'network');
  if (page.has('network') && (network === undefined || !NETWORK_NAME.test(network)))
    return malformedPage('bad network');
  const list = page.get('items');
  if (!Array.isArray(list)) return malformedPage('it has no items');
  if (list.length > PAGE_ITEMS_MAX) return publicFault('page-too-large', `over ${PAGE_ITEMS_MAX} items`);
  const items: PageItem[] = [];
  for (const value of list) {
    const item = parseItem(value);
    if (isFault(item)) return item;
    items.push(item);
  }
  return { cursor, more: more === 1, source, items, ...(network === undefined ? {} : { network }) };
}

/** Encodes what a publisher posts to a supernode. */
export function encodePublication(publication: Publication): Uint8Array<ArrayBuffer> {
  return encodeBencode({ e: publication.entry, i: publication.info });
}

/** Parses a posted publication; entry and info are views of `bytes` and still unchecked. */
export function parsePublication(bytes: Uint8Array): Publication | ExchangeFault {
  const body =
    bytes.length > PUBLICATION_BYTES_MAX ? undefined : decodeBencode(bytes, { tokensMax: PUBLICATION_TOKENS_MAX });
  if (!(body instanceof Map)) return malformedPublication('it is too large or not a bencoded dictionary');
  const entry = body.get('e');
  if (!isEntrySized(entry)) return malformedPublication('it holds no entry');
  const info = body.get('i');
  if (info === undefined) return { entry };
  if (!(info instanceof Uint8Array) || info.length > INFO_BYTES_MAX) return malformedPublication('bad info');
  return { entry, info };
}

function parseItem(value: BencodeValue): PageItem | ExchangeFault {
  if (!(value instanceof Map)) return malformedPage('an item is not a dictionary');
  const entry = value.get('e');
  if (!isEntrySized(entry)) return malformedPage('an item holds no entry');
  const counts: { seeders?: number; leechers?: number; completions?: number } = {};
  for (const [key, name] of COUNT_KEYS) {
    const count = value.get(key);
    if (count === undefined) continue;
    if (typeof count !== 'number' || count < 0 || count > COUNT_MAX) return malformedPage('a count is out of bounds');
    counts[name] = count;
  }
  return { entry, counts, isVerified: value.get('v') === 1 };
}

const COUNT_KEYS = [
  ['s', 'seeders'],
  ['l', 'leechers'],
  ['c', 'completions'],
] as const;

function isEntrySized(value: BencodeValue | undefined): value is Uint8Array {
  return value instanceof Uint8Array && value.length > 0 && value.length <= ENTRY_BYTES_MAX;
}

function textAt(dict: BencodeDict, key: string): string | undefined {
  const value = dict.get(key);
  return value instanceof Uint8Array ? textOfUtf8(value) : undefined;
}

function malformedPage(what: string): ExchangeFault {
  return publicFault('page-malformed', `listing page: ${what}`);
}

function malformedPublication(what: string): ExchangeFault {
  return publicFault('publication-malformed', `publication: ${what}`);
}
