/**
 * The file list of an info dictionary as it states it (BEP 3, 47): shapes and lengths are checked, names are still
 * bytes. What a name becomes on a disk is path.ts's business.
 */
import { type BencodeDict, type BencodeValue, type Fault, fault, type Steps, utf8 } from '../base/index.ts';

/** Most files of one torrent. */
export const FILES_MAX = 100_000;
/** Longest name or path as stated, in bytes: cleaning costs time in its length, and no disk takes longer ones. */
export const RAW_PATH_BYTES_MAX = 8192;
/** Files looked at between two rests; a hostile one has a path of 8 KiB. */
export const FILES_A_STEP = 64;
/** Most bencoded values of one torrent: room for FILES_MAX files. They are read in steps. */
export const TORRENT_TOKENS_MAX = 1_000_000;
/** Deepest path, the torrent's name included. */
export const PATH_DEPTH_MAX = 100;

/** Why an info dictionary is refused. */
export type InfoFault = Fault<
  'torrent-malformed' | 'torrent-too-large' | 'torrent-inconsistent' | 'torrent-namesakes' | 'torrent-v2-only'
>;

/** A file as the dictionary states it. */
export interface RawFile {
  /** Below the torrent's name; empty in a torrent of one file. */
  readonly path: readonly Uint8Array[];
  readonly length: number;
  readonly isPadding: boolean;
  readonly symlinkTarget?: readonly Uint8Array[];
}

/** Reads `length` or `files`, of which there must be exactly one. */
export function* rawFilesOf(dict: BencodeDict): Steps<RawFile[] | InfoFault> {
  const list = dict.get('files');
  if (list === undefined) {
    const length = lengthOf(dict.get('length'));
    return length === undefined
      ? malformed('the length is missing or wrong')
      : [{ path: [], length, isPadding: false }];
  }
  if (dict.has('length')) return fault('torrent-inconsistent', 'it states both one length and a list of files');
  if (!Array.isArray(list) || list.length === 0) return malformed('there are no files');
  if (list.length > FILES_MAX) return fault('torrent-too-large', `over ${FILES_MAX} files`);
  const files: RawFile[] = [];
  for (const entry of list) {
    if (files.length % FILES_A_STEP === 0) yield;
    const file = entry instanceof Map ? rawFileOf(entry) : undefined;
    if (!file) return malformed(`file ${files.length} has a wrong length or path`);
    files.push(file);
  }
  return files;
}

function rawFileOf(entry: BencodeDict): RawFile | undefined {
  const attributes = entry.get('attr');
  const flags = attributes instanceof Uint8Array ? attributes : new Uint8Array(0);
  const isPadding = flags.includes(0x70);
  const isSymlink = !isPadding && flags.includes(0x6c);
  const length = lengthOf(entry.get('length') ?? (isSymlink ? 0 : undefined));
  const path = rawPathOf(entry.get('path.utf-8') ?? entry.get('path')) ?? (isPadding ? [utf8('.pad')] : undefined);
  if (length === undefined || !path) return undefined;
  if (!isSymlink) return { path, length, isPadding };
  const symlinkTarget = rawPathOf(entry.get('symlink path'));
  return length === 0 && symlinkTarget ? { path, length, isPadding, symlinkTarget } : undefined;
}

function lengthOf(value: BencodeValue | undefined): number | undefined {
  return typeof value === 'number' && value >= 0 ? value : undefined;
}

function rawPathOf(value: BencodeValue | undefined): Uint8Array[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length >= PATH_DEPTH_MAX) return undefined;
  const path = value.filter((element) => element instanceof Uint8Array);
  const bytes = path.reduce((sum, element) => sum + element.length, 0);
  return path.length === value.length && bytes <= RAW_PATH_BYTES_MAX ? path : undefined;
}

/** A member is missing, or of the wrong type or value. */
export function malformed(what: string): InfoFault {
  return fault('torrent-malformed', what);
}
