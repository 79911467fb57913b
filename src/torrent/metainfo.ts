/**
 * Torrent files (BEP 3, 12, 19): the outer dictionary around an info dictionary. Trackers and web seeds are kept
 * only where they could be asked; `nodes` and `httpseeds` are ignored. What its author wrote for people goes to
 * io/parse-torrent.ts behind a stand-in info, and comes back through `remarksOf`.
 */
import {
  type BencodeDict,
  type BencodeFault,
  type BencodeInput,
  type BencodeValue,
  bencodeSteps,
  cleanText,
  concatBytes,
  encodeBencode,
  fault,
  finish,
  isFault,
  type Sha1,
  type Steps,
  textOfUtf8,
  utf8,
  type WallSeconds,
  wallSeconds,
} from '../base/index.ts';
import { infoOfValue, type TorrentInfo } from './info.ts';
import { type InfoFault, TORRENT_TOKENS_MAX } from './raw-file.ts';
import { TRACKERS_MAX, usableTrackers, usableWebSeeds } from './tracker-url.ts';

/** Largest torrent file read. */
export const METAINFO_BYTES_MAX: number = 10 * 1024 * 1024;
/** Longest remark kept, in UTF-16 units. */
const REMARK_LENGTH_MAX = 1000;
/** Longest remark looked at, in bytes. */
const REMARK_BYTES_MAX = 8192;
/** 2106, the last second of the unsigned 32-bit calendar. */
const CREATED_SECONDS_MAX = 0xffff_ffff;
const LINE_ENDS: readonly number[] = [0x0a, 0x0d];
/** Bytes after a torrent file that may be line ends. */
const LINE_ENDS_MAX = 64;

/** What a torrent's author wrote for people; nobody can check it. */
export interface Remarks {
  readonly comment?: string;
  readonly createdBy?: string;
  readonly createdAt?: WallSeconds;
}

/** A checked torrent file. */
export interface Metainfo {
  readonly info: TorrentInfo;
  /** Tiers (BEP 12) of http, https and udp URLs, each URL once; at most 100 in all. */
  readonly trackers: readonly (readonly string[])[];
  /** http and https URLs, percent-encoded; at most 50. */
  readonly webSeeds: readonly string[];
  /** A torrent file with these remarks and a stand-in info: all that the parse-torrent package is shown. */
  readonly remarks: Uint8Array;
}

export type MetainfoFault = InfoFault | BencodeFault;

/** Checks a torrent file; line ends after it are forgiven, as editors add them. */
export function parseMetainfo(bytes: Uint8Array, sha1: Sha1): Metainfo | MetainfoFault {
  return finish(metainfoSteps(bytes, sha1));
}

/** The same in steps. */
export function* metainfoSteps(bytes: Uint8Array, sha1: Sha1): Steps<Metainfo | MetainfoFault> {
  if (bytes.length > METAINFO_BYTES_MAX) {
    return fault('torrent-too-large', `a torrent file has at most ${METAINFO_BYTES_MAX} bytes`);
  }
  const decoded = yield* bencodeSteps(bytes, {
    anyKeyOrder: true,
    trailingBytes: true,
    tokensMax: TORRENT_TOKENS_MAX,
    rangeOf: 'info',
  });
  if (isFault(decoded)) return decoded;
  const outer = decoded.value;
  const rest = bytes.subarray(decoded.end);
  const hasEnded = rest.length <= LINE_ENDS_MAX && rest.every((byte) => LINE_ENDS.includes(byte));
  if (!(outer instanceof Map) || !hasEnded) {
    return fault('torrent-malformed', 'it is not one dictionary');
  }
  if (!decoded.range) return fault('torrent-malformed', 'the info is missing');
  const raw = bytes.subarray(decoded.range.from, decoded.range.to);
  const info = yield* infoOfValue(outer.get('info')!, raw, sha1);
  if (isFault(info)) return info;
  const webSeeds = usableWebSeeds(textsOf(outer.get('url-list')), info.files[0]!.path.length > 1);
  return { info, trackers: tiersOf(outer), webSeeds, remarks: remarksTorrent(outer) };
}

/** What `encodeMetainfo` writes. */
export interface MetainfoParts extends Remarks {
  /** The exact bytes of the info dictionary. */
  readonly info: Uint8Array;
  readonly trackers?: readonly (readonly string[])[];
  readonly webSeeds?: readonly string[];
}

/** Writes a torrent file; the info dictionary goes in byte for byte. */
export function encodeMetainfo(parts: MetainfoParts): Uint8Array<ArrayBuffer> {
  const tiers = (parts.trackers ?? []).filter((tier) => tier.length > 0);
  const before = encodeBencode({
    announce: tiers[0]?.[0],
    'announce-list': tiers.flat().length > 1 ? tiers : undefined,
    comment: parts.comment,
    'created by': parts.createdBy,
    'creation date': parts.createdAt,
  });
  const after = encodeBencode({ 'url-list': parts.webSeeds?.length ? parts.webSeeds : undefined });
  // `info` sorts between the two: both are dictionaries of which one loses its end and the other its start.
  return concatBytes([before.subarray(0, -1), utf8('4:info'), parts.info, after.subarray(1)]);
}

/** Types what the parse-torrent package made of `Metainfo.remarks`; whatever is not as expected is left out. */
export function remarksOf(parsed: unknown): Remarks {
  const { comment, createdBy, created } = (parsed ?? {}) as Readonly<Record<string, unknown>>;
  const createdAt = created === undefined ? Number.NaN : Number(created) / 1000;
  return {
    ...(typeof comment === 'string' && comment !== '' && { comment: cleanText(comment, REMARK_LENGTH_MAX) }),
    ...(typeof createdBy === 'string' && createdBy !== '' && { createdBy: cleanText(createdBy, REMARK_LENGTH_MAX) }),
    ...(createdAt > 0 && createdAt <= CREATED_SECONDS_MAX && { createdAt: wallSeconds(createdAt) }),
  };
}

const STAND_IN: BencodeInput = { length: 1, name: '_', 'piece length': 1, pieces: new Uint8Array(20) };

function remarksTorrent(outer: BencodeDict): Uint8Array {
  const text = (key: string): Uint8Array | undefined => {
    const value = outer.get(key);
    return value instanceof Uint8Array && value.length <= REMARK_BYTES_MAX ? value : undefined;
  };
  const created = outer.get('creation date');
  return encodeBencode({
    comment: text('comment'),
    'created by': text('created by'),
    'creation date': typeof created === 'number' ? created : undefined,
    info: STAND_IN,
  });
}

/** The list where it names any usable tracker, else the single one (BEP 12). */
function tiersOf(outer: BencodeDict): string[][] {
  const list = outer.get('announce-list');
  const tiers: string[][] = [];
  const known = new Set<string>();
  for (const candidates of Array.isArray(list) ? list : []) {
    const tier = usableTrackers(textsOf(candidates)).filter((url) => !known.has(url));
    const kept = tier.slice(0, TRACKERS_MAX - known.size);
    for (const url of kept) known.add(url);
    if (kept.length > 0) tiers.push(kept);
    if (known.size >= TRACKERS_MAX) break;
  }
  if (tiers.length > 0) return tiers;
  const single = usableTrackers(textsOf(outer.get('announce')));
  return single.length > 0 ? [single] : [];
}

/** The valid texts of one string or of a list of strings. */
function textsOf(value: BencodeValue | undefined): string[] {
  const items = Array.isArray(value) ? value : [value];
  const texts: string[] = [];
  for (const item of items) {
    const text = item instanceof Uint8Array ? textOfUtf8(item) : undefined;
    if (text !== undefined) texts.push(text);
  }
  return texts;
}
