/**
 * Magnet links (BEP 9, 53): the check before the parse-torrent package and the types after it. `checkMagnet` rewrites
 * a link into a small one of the package's own dialect, in which nothing can make it throw, allocate or misread;
 * `magnetOf` types what it returns. Whether a peer may be dialled is the dialler's decision.
 */
import {
  type Address,
  bytesOfHex,
  cleanText,
  concatBytes,
  type Fault,
  fault,
  formatAddress,
  type InfoHash,
  lossyTextOfUtf8,
  parseAddress,
  parseInfoHash,
  textOfUtf8,
  utf8,
} from '../base/index.ts';
import { formatFileIndices } from './file-rules.ts';
import { FILES_MAX } from './raw-file.ts';
import { usableTrackers, usableWebSeeds } from './tracker-url.ts';

/** Longest link read, in UTF-16 units: links with thousands of trackers exist. */
export const MAGNET_LENGTH_MAX: number = 512 * 1024;
/** Most parameters looked at; a link of nothing but separators would take half a second. */
const PARAMETERS_MAX = 12_000;
/** Longest name kept, in UTF-16 units. */
const NAME_LENGTH_MAX = 255;
/** Most peers kept from one link. */
const PEERS_MAX = 50;
/** Most files that a link can select; a longer selection is ignored as a whole. */
const SELECTED_MAX = 10_000;
const SELECTION_LENGTH_MAX = 65_536;

/** A checked magnet link. */
export interface Magnet {
  readonly infoHash: InfoHash;
  /** One clean line; a claim until the metadata is known. */
  readonly name?: string;
  /** http, https and udp URLs; at most 100. */
  readonly trackers: readonly string[];
  /** http and https URLs; at most 50. */
  readonly webSeeds: readonly string[];
  /** As the link claims: any address, also ones that must not be dialled; at most 50. */
  readonly peers: readonly Address[];
  /** Indices into the torrent's file list (BEP 53), ascending; undefined means every file. */
  readonly selectedFiles?: readonly number[];
}

export type MagnetFault = Fault<'magnet-malformed' | 'magnet-too-large' | 'magnet-v2-only'>;

/** What is left of a link after the check. */
export interface CheckedMagnet {
  /** A link with at most a few hundred parameters, each known, bounded and encoded once. */
  readonly link: string;
  /** Taken here, because the package turns an encoded plus sign into a space. */
  readonly name: string;
}

/** Checks a link. Parameters that are unknown, unreadable or over a limit are left out; a wrong hash is a fault. */
export function checkMagnet(given: string): CheckedMagnet | MagnetFault {
  if (given.length > MAGNET_LENGTH_MAX) return fault('magnet-too-large', `over ${MAGNET_LENGTH_MAX} characters`);
  const text = given.toWellFormed();
  if (!/^magnet:\?/i.test(text)) return fault('magnet-malformed', 'it does not start with magnet:?');
  if (/[\u0000-\u001f\u007f]/.test(text)) return fault('magnet-malformed', 'it holds control characters');
  const values = valuesByKey(text.slice('magnet:?'.length));
  const hash = hashOf(values.get('xt') ?? []);
  if (typeof hash !== 'string') return hash;
  const readable = (key: string): string[] => (values.get(key) ?? []).map((value) => readableText(value) ?? '');
  const peers = readable('x.pe').filter((peer) => parseAddress(peer));
  const selection = readable('so').find(isSelection);
  const link = [
    `magnet:?xt=urn:btih:${hash}`,
    ...usableTrackers(readable('tr')).map((url) => `tr=${encodeURIComponent(url)}`),
    ...usableWebSeeds(readable('ws'), false).map((url) => `ws=${encodeURIComponent(url)}`),
    ...peers.slice(0, PEERS_MAX).map((peer) => `x.pe=${peer}`),
    ...(selection === undefined ? [] : [`so=${selection}`]),
  ].join('&');
  const name = percentDecoded((values.get('dn')?.[0] ?? '').replaceAll('+', ' '));
  return { link, name: name ? cleanText(lossyTextOfUtf8(name), NAME_LENGTH_MAX) : '' };
}

/** Types what the parse-torrent package made of a checked link. */
export function magnetOf(parsed: unknown, name: string): Magnet | MagnetFault {
  const members = (parsed ?? {}) as Readonly<Record<string, unknown>>;
  const infoHash = typeof members.infoHash === 'string' ? parseInfoHash(members.infoHash) : undefined;
  if (!infoHash) return fault('magnet-malformed', 'it names no BitTorrent info hash');
  const peers = new Map<string, Address>();
  for (const text of textsOf(members.peerAddresses)) {
    const address = parseAddress(text);
    if (address) peers.set(formatAddress(address), address);
  }
  const selected = new Set<number>(Array.isArray(members.so) ? members.so.filter(Number.isSafeInteger) : []);
  return {
    infoHash,
    ...(name !== '' && { name }),
    trackers: usableTrackers(textsOf(members.announce)),
    webSeeds: usableWebSeeds(textsOf(members.urlList), false),
    peers: [...peers.values()],
    ...(selected.size > 0 && { selectedFiles: [...selected].sort((a, b) => a - b) }),
  };
}

/** Writes a link that every client reads. */
export function formatMagnet(magnet: Pick<Magnet, 'infoHash'> & Partial<Magnet>): string {
  const { infoHash, name, trackers = [], webSeeds = [], peers = [], selectedFiles = [] } = magnet;
  return [
    `magnet:?xt=urn:btih:${infoHash}`,
    ...(name ? [`dn=${encodeURIComponent(name.toWellFormed())}`] : []),
    ...trackers.map((url) => `tr=${encodeURIComponent(url.toWellFormed())}`),
    ...webSeeds.map((url) => `ws=${encodeURIComponent(url.toWellFormed())}`),
    ...peers.map((peer) => `x.pe=${formatAddress(peer)}`),
    ...(selectedFiles.length > 0 ? [`so=${formatFileIndices(selectedFiles)}`] : []),
  ].join('&');
}

/** Values as they stand, by lower-case key without its number (`tr.1` is `tr`). */
function valuesByKey(query: string): Map<string, string[]> {
  const values = new Map<string, string[]>([...KEYS].map((key) => [key, []]));
  for (const parameter of query.split('&', PARAMETERS_MAX)) {
    const equals = parameter.indexOf('=');
    const key = parameter.slice(0, Math.max(0, equals)).toLowerCase();
    values.get(key.replace(/^(xt|tr|ws)\.[0-9]+$/, '$1'))?.push(parameter.slice(equals + 1));
  }
  return values;
}
const KEYS: readonly string[] = ['xt', 'dn', 'tr', 'ws', 'x.pe', 'so'];

/** The one v1 info hash among exact topics, in hex or base32. */
function hashOf(topics: readonly string[]): string | MagnetFault {
  const hashes = new Set<string>();
  let isV2 = false;
  for (const topic of topics) {
    const text = readableText(topic);
    const match = /^urn:(btih|btmh):(.*)$/i.exec(text ?? '');
    if (text === undefined) return fault('magnet-malformed', 'a topic is wrongly encoded');
    if (!match) continue;
    const hash = match[2]!.toUpperCase();
    const isKnown = match[1]!.toLowerCase() === 'btih' ? V1_HASH.test(hash) : V2_HASH.test(hash);
    if (!isKnown) return fault('magnet-malformed', 'a hash is neither 40 hex digits nor 32 of base32');
    if (match[1]!.toLowerCase() === 'btih') hashes.add(hash);
    else isV2 = true;
  }
  const [hash, other] = hashes;
  if (other !== undefined) return fault('magnet-malformed', 'it names more than one torrent');
  if (hash !== undefined) return hash;
  if (isV2) return fault('magnet-v2-only', 'this is a v2-only magnet (BEP 52)');
  return fault('magnet-malformed', 'it names no BitTorrent info hash');
}
const V1_HASH = /^(?:[0-9A-F]{40}|[A-Z2-7]{32})$/;
const V2_HASH = /^1220[0-9A-F]{64}$/;

/** The text behind percent escapes; undefined when one is broken or they do not make UTF-8. */
function readableText(value: string): string | undefined {
  return value.includes('%') ? textOfUtf8(percentDecoded(value) ?? NOT_UTF8) : value;
}
const NOT_UTF8 = new Uint8Array([0xff]);

/** The bytes behind percent escapes; undefined when one is broken. */
function percentDecoded(text: string): Uint8Array | undefined {
  if (!text.includes('%')) return utf8(text);
  if (/%(?![0-9a-f]{2})/i.test(text)) return undefined;
  const parts = text.split(/((?:%[0-9a-f]{2})+)/i);
  return concatBytes(parts.map((part, i) => (i % 2 === 1 ? bytesOfHex(part.replaceAll('%', ''))! : utf8(part))));
}

/** True for a list of indices and ranges that selects a bounded number of files. */
function isSelection(text: string): boolean {
  if (text.length > SELECTION_LENGTH_MAX || !/^[0-9]+(?:-[0-9]+)?(?:,[0-9]+(?:-[0-9]+)?)*$/.test(text)) return false;
  let count = 0;
  for (const range of text.split(',')) {
    const [from, to] = range.split('-').map(Number);
    const last = to ?? from!;
    if (from! > last || last >= FILES_MAX) return false;
    count += last - from! + 1;
    if (count > SELECTED_MAX) return false;
  }
  return true;
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
